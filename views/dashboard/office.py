"""The office dashboard: the figures of a period as charts and tables, each number linked to its list."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from babel.numbers import format_percent
from flask import render_template, request, url_for
from flask_babel import get_locale, gettext

from lpse_admin.errors import NotFound
from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import Outcome, Result, Step, Urgency
from lpse_admin.workflow.deviations import DeviationKind
from models.changes.steps import durations
from models.database import db
from models.deviations.deviation import DeviationState
from models.reports import figures
from views.app.access import get_current_user, visible_agencies
from views.app.clock import now
from views.changes.change_filters import NOT_ASSESSED
from views.changes.steps.times import NO_STANDARD, Timeliness
from views.changes.steps.views import STEP_VIEWS
from views.changes.waiting_filter import LATE
from views.dashboard.figures import BarChart, BarRow, FillPattern, TableCell
from views.dashboard.period_form import PeriodForm
from views.i18n.html import own_html
from views.i18n.language import current_timezone, format_date, format_duration, format_number, today, tr
from views.i18n.sop_titles import wording_key
from views.listing.record_view import parse_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from lpse_admin.worktime.periods import ReportPeriod
    from models.office.agency import Agency

#: How many of the next releases are listed.
_MAX_NEXT_RELEASES = 3
_ALL = 1000  # in tenths of a percent
#: The screen of each step's records.
STEP_SCREENS = {view.step: view.resource.value for view in STEP_VIEWS}
_RESULT_SERIES: tuple[tuple[Result | None, Message, FillPattern], ...] = (
    (Result.COMPLETED, Result.COMPLETED.title, FillPattern.SOLID),
    (None, _("Open"), FillPattern.HOLLOW),
    (Result.ROLLED_BACK, Result.ROLLED_BACK.title, FillPattern.STRIPES),
    (Result.REJECTED, Result.REJECTED.title, FillPattern.CROSS),
    (Result.WITHDRAWN, Result.WITHDRAWN.title, FillPattern.DOTS),
)
_DEVIATION_SERIES = (
    (DeviationState.SETTLED, FillPattern.SOLID),
    (DeviationState.FOLLOW_UP, FillPattern.DOTS),
    (DeviationState.ACCOUNTED, FillPattern.HOLLOW),
    (DeviationState.RAISED, FillPattern.STRIPES),
)


#: How many renderings of figures are kept, of some 30 KB each.
_MAX_KEPT = 32
_html_by_numbers: dict[tuple[object, ...], Markup] = {}


@dataclass(frozen=True)
class OfficeSelection:
    """The agencies of a page's figures: the user's own; for a superadmin one or all."""

    agencies: Sequence[Agency]
    #: The choices; empty for a user who belongs to an agency.
    choices: Sequence[Agency] = ()
    selected: Agency | None = None
    #: Addresses by screen, each built once: a page has two hundred links.
    _list_urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_args(cls, args: Mapping[str, str]) -> OfficeSelection:
        """Return the agency that ``args`` name. Raises NotFound if the user cannot see it."""
        all_ = visible_agencies(db.session())
        if not get_current_user().is_superadmin:
            return cls(all_)
        if not args.get("agency"):
            return cls(all_, all_)
        agency_id = parse_id(args["agency"])
        one = next((agency for agency in all_ if agency.id == agency_id), None)
        if one is None:
            raise NotFound(_("There is no such record, or you may not see it."))
        return cls([one], all_, one)

    def agency_name(self, agency_id: int) -> str:
        """Return what one of the agencies is called."""
        return next(agency.name for agency in self.agencies if agency.id == agency_id)

    @property
    def scope(self) -> figures.AgencyScope:
        """The scope of the figures; days are in the user's time zone, as in the lists."""
        return figures.AgencyScope(self.agencies, current_timezone())

    @property
    def steps(self) -> list[Step]:
        """The steps of the procedure, and those that the SOPs of these agencies name besides; in the menu's order."""
        known = [step for step in STEP_SCREENS if not step.is_own]
        named = (Step(step) for agency in self.agencies for step in (agency.sop_steps or "").split())
        places = {step: place for place, step in enumerate(STEP_SCREENS)}
        steps = dict.fromkeys((*known, *(step for step in named if step.record in places)))
        return sorted(steps, key=lambda step: (places[step.record], step.own_name))

    def list_url(self, screen: str, **query: object) -> str:
        """Return the address of a list, filtered by this agency."""
        if screen not in self._list_urls:
            self._list_urls[screen] = url_for(f"{screen}.index_view")
        args = query | ({"agency": self.selected.id} if self.selected else {})
        return f"{self._list_urls[screen]}?{urlencode(args)}" if args else self._list_urls[screen]

    # A statement, used twice where the figures are drawn.
    @cached_property
    def queues(self) -> list[figures.Queue]:
        """The open requests by step."""
        return figures.queues(db.session(), self.scope, now())

    def queue_urls(self, queue: figures.Queue) -> tuple[str, str]:
        """Return the addresses of the lists of open and of late visits of a step."""
        screen = STEP_SCREENS.get(queue.step) if queue.step.record is queue.step else None
        if screen is None:
            step = {"step": queue.step.value}
            return self.list_url("change", **step), self.list_url("change", **step, judged=LATE)
        return self.list_url(screen, state="open"), self.list_url(screen, state="open", judged=Timeliness.LATE.value)

    def queues_html(self) -> Markup:
        """Return the chart of the queues as HTML, for whoever does not see the other figures."""
        return own_html(render_template("dashboard/queues.html", chart=self.queue_by_step()))

    def queue_by_step(self) -> BarChart:
        """Return what waits now, and what of it is late, by step."""
        rows = []
        for one in self.queues:
            waiting_url, late_url = self.queue_urls(one)
            cells = [
                TableCell(_format_count(one.waiting), waiting_url),
                TableCell(_format_count(one.late), late_url),
                TableCell(format_date(one.oldest_arrival.astimezone(current_timezone()).date())),
            ]
            note = gettext("%(count)s (%(late)s late)", count=cells[0].text, late=cells[1].text)
            lengths = [one.waiting - one.late, one.late]
            rows.append(
                BarRow(tr(one.step.title), cells, lengths, note if one.late else cells[0].text, [waiting_url, late_url])
            )
        return BarChart(
            "queue",
            _("Queue by step"),
            [(_("Not late"), FillPattern.SOLID), (_("Late"), FillPattern.STRIPES)],
            [_("Step"), _("Waiting"), _("Late"), _("Oldest since")],
            rows,
            remark=_("What waits now, whatever the period."),
        )


@dataclass(frozen=True)
class KeyFigure:
    """One number with its title."""

    title: Message
    text: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class OfficeDashboard:
    """The figures of ``office`` in the period of ``form``."""

    office: OfficeSelection
    form: PeriodForm

    @classmethod
    def from_args(cls, office: OfficeSelection, args: Mapping[str, str]) -> OfficeDashboard:
        """Return the figures of the period in ``args``."""
        return cls(office, PeriodForm.from_args(args, today()))

    @property
    def period(self) -> ReportPeriod:
        """The period."""
        return self.form.period

    @property
    def is_up_to_date(self) -> bool:
        """Whether the stored step durations match the current calendar."""
        return durations.is_up_to_date(db.session(), self.office.agencies, now())

    @property
    def _months(self) -> list[ReportPeriod]:
        return self.period.months()

    # Each of these is a statement that several figures, rows and charts use: 5 to 7 ms of a home.
    @cached_property
    def _requests(self) -> figures.RequestCounts:
        return figures.count_requests(db.session(), self.office.scope, self._months)

    @cached_property
    def _steps(self) -> dict[Step, figures.StepFigures]:
        return figures.step_figures(db.session(), self.office.scope, self.period, self.office.steps)

    @cached_property
    def _deviations(self) -> Mapping[tuple[DeviationKind, DeviationState], int]:
        return figures.count_deviations(db.session(), self.office.scope, self.period)

    @cached_property
    def _longest(self) -> Mapping[Step, tuple[int, str]]:
        return figures.longest_waits(db.session(), self.office.scope, self.period, self._steps)

    def figures_html(self) -> Markup:
        """Return all numbers and charts as HTML.

        It is kept by everything that it shows, and so is never out of date: at 100,000 requests that saves three
        quarters of the page's time, which goes into two hundred links and five charts.
        """
        numbers = (
            frozenset(self._requests.counts.items()),
            tuple(self._steps.items()),
            frozenset(self._deviations.items()),
            frozenset(self._longest.items()),
            tuple(self.office.queues),
        )
        selected = self.office.selected.id if self.office.selected else None
        key = (wording_key(), request.script_root, selected, self.period, numbers)
        html = _html_by_numbers.get(key)
        if html is None:
            html = own_html(render_template("dashboard/figures.html", glance=self))
            if len(_html_by_numbers) >= _MAX_KEPT:
                _html_by_numbers.clear()
            _html_by_numbers[key] = html
        return html

    # -- lists ---------------------------------------------------------------------------------------------------

    def _submitted_url(self, period: ReportPeriod, **query: object) -> str:
        return self.office.list_url("change", **_date_args("submitted", period), **query)

    def _finished_url(self, step: Step, **query: object) -> str:
        if step.record is not step:
            query["step"] = step.value
        return self.office.list_url(
            STEP_SCREENS[step.record], state="done", **_date_args("finished", self.period), **query
        )

    def _raised_url(self, **query: object) -> str:
        return self.office.list_url("deviation", **_date_args("raised", self.period), **query)

    # -- figures -------------------------------------------------------------------------------------------------

    def key_figures(self) -> list[KeyFigure]:
        """Return the numbers at the top of the page."""
        requests, rolled_back = self._requests, self._steps[Step.ROLLBACK].finished
        emergencies = requests.of_urgency(Urgency.EMERGENCY)
        with_standard = sum(one.with_standard for one in self._steps.values())
        in_time = sum(one.in_time for one in self._steps.values())
        late_now = sum(one.late for one in self.office.queues)
        return [
            KeyFigure(_("Requests submitted"), _format_count(requests.total), self._submitted_url(self.period)),
            KeyFigure(
                _("Emergencies"),
                _format_count(emergencies),
                self._submitted_url(self.period, urgency=Urgency.EMERGENCY.value),
                _format_share(emergencies, requests.total),
            ),
            KeyFigure(
                _("Finished steps within the standard"),
                _format_share(in_time, with_standard) or "–",
                "#within",
                gettext("of %(steps)s with a standard", steps=_format_count(with_standard)),
            ),
            KeyFigure(_("Late now"), _format_count(late_now), self.office.list_url("change", judged=LATE)),
            KeyFigure(
                _("Roll backs"),
                _format_count(rolled_back),
                self._finished_url(Step.ROLLBACK),
                gettext("of %(tests)s tests", tests=_format_count(self._steps[Step.TEST].finished)),
            ),
            KeyFigure(_("Deviations raised"), _format_count(sum(self._deviations.values())), self._raised_url()),
        ]

    def by_month(self) -> BarChart:
        """Return the requests by month of submission and by result."""
        rows = [
            self._month_row(
                month, [self._requests.in_month(index, result) for result, *_rest in _RESULT_SERIES], _month_name(month)
            )
            for index, month in enumerate(self._months)
        ]
        totals = [
            sum(self._requests.in_month(index, result) for index in range(len(rows)))
            for result, *_rest in _RESULT_SERIES
        ]
        total = self._month_row(self.period, totals, gettext("Total"))
        return BarChart(
            "by-month",
            _("Requests by month and outcome"),
            [(title, pattern) for _result, title, pattern in _RESULT_SERIES],
            [_("Month of submission"), _("Submitted"), *(title for _result, title, _pattern in _RESULT_SERIES)],
            [*rows, BarRow(total.label, total.cells)],
        )

    def _month_row(self, month: ReportPeriod, counts: list[int], label: str) -> BarRow:
        cells = [TableCell(_format_count(sum(counts)), self._submitted_url(month))]
        for (result, _title, _pattern), count in zip(_RESULT_SERIES, counts, strict=True):
            filters = {"state": "open"} if result is None else {"result": result.value}
            cells.append(TableCell(_format_count(count), self._submitted_url(month, **filters)))
        return BarRow(label, cells, counts, _format_count(sum(counts)), [cell.url for cell in cells[1:]])

    def by_urgency(self) -> BarChart:
        """Return the requests by urgency."""
        total = self._requests.total
        rows = []
        for urgency, value in ((Urgency.NORMAL, "normal"), (Urgency.EMERGENCY, "emergency"), (None, NOT_ASSESSED)):
            count = self._requests.of_urgency(urgency)
            label = tr(urgency.title) if urgency else gettext("Not assessed yet")
            share = _format_share(count, total)
            cells = [
                TableCell(_format_count(count), self._submitted_url(self.period, urgency=value)),
                TableCell(share or "–"),
            ]
            rows.append(
                BarRow(
                    label,
                    cells,
                    [count],
                    f"{_format_count(count)} ({share})" if share else _format_count(count),
                    [cells[0].url],
                )
            )
        return BarChart(
            "by-urgency",
            _("Normal and emergency changes"),
            [(_("Requests"), FillPattern.SOLID)],
            [_("Urgency"), _("Requests"), _("Share")],
            rows,
            full_length=total or None,
        )

    def timeliness_by_step(self) -> BarChart:
        """Return the share of visits within the standard time, by step."""
        rows = []
        for step, one in self._steps.items():
            share = _format_share(one.in_time, one.with_standard)
            parts = [
                (one.in_time, self._finished_url(step, judged=Timeliness.IN_TIME.value)),
                (one.late, self._finished_url(step, judged=Timeliness.LATE.value)),
                (one.finished - one.with_standard, self._finished_url(step, judged=NO_STANDARD)),
            ]
            cells = [TableCell(_format_count(one.finished), self._finished_url(step))]
            cells += [TableCell(_format_count(count), url) for count, url in parts]
            note = share or ("–" if not one.finished else gettext("no standard"))
            urls = [url for _count, url in parts]
            lengths = [count / one.finished if one.finished else 0 for count, _url in parts]
            rows.append(BarRow(tr(step.title), [*cells, TableCell(note)], lengths, note, urls))
        return BarChart(
            "within",
            _("Share within the standard time, by step"),
            [
                (_("On time"), FillPattern.SOLID),
                (_("Late"), FillPattern.STRIPES),
                (_("Without a standard"), FillPattern.DOTS),
            ],
            [_("Step"), _("Finished"), _("On time"), _("Late"), _("Without a standard"), _("Share on time")],
            rows,
            remark=_(
                "Steps that were finished in the period, each measured by the standard of its SOP and the office's "
                "calendar; a standard in calendar hours or days (“kalender”) is measured by the clock, day and night. "
                "The share leaves out those for which the SOP sets no standard."
            ),
            full_length=1,
        )

    def waiting_by_step(self) -> BarChart:
        """Return the waiting times until assignment, by step."""
        longest_waits = self._longest
        rows = []
        for step, one in self._steps.items():
            median, longest = one.median_wait or 0, one.longest_wait or 0
            # The longest wait links to its request.
            cells = [TableCell(_format_count(one.finished), self._finished_url(step))]
            if one.finished:
                id_, _number = longest_waits[step]
                change_url = url_for("change.details_view", id=id_)
                cells += [
                    TableCell(format_duration(median), self._finished_url(step)),
                    TableCell(format_duration(longest), change_url),
                ]
            else:
                cells += [TableCell("–"), TableCell("–")]
            note = format_duration(longest) if one.finished else "–"
            urls = [cells[1].url, cells[2].url]
            rows.append(BarRow(tr(step.title), cells, [median, longest - median], note, urls))
        return BarChart(
            "waits",
            _("Waiting until assigned, by step"),
            [(_("Median"), FillPattern.SOLID), (_("up to the longest"), FillPattern.HOLLOW)],
            [_("Step"), _("Finished"), _("Median"), _("Longest")],
            rows,
            remark=_("Working time of the office. The longest links to that request."),
        )

    def deviations_by_class(self) -> BarChart:
        """Return the deviations by class and state."""
        rows = []
        for kind in DeviationKind:
            counts = [self._deviations[kind, state] for state, _pattern in _DEVIATION_SERIES]
            cells = [TableCell(_format_count(sum(counts)), self._raised_url(kind=kind.value))]
            cells += [
                TableCell(_format_count(count), self._raised_url(kind=kind.value, state=state.value))
                for (state, _pattern), count in zip(_DEVIATION_SERIES, counts, strict=True)
            ]
            urls = [cell.url for cell in cells[1:]]
            rows.append(BarRow(tr(kind.title), cells, counts, _format_count(sum(counts)), urls))
        return BarChart(
            "by-class",
            _("Deviations by class"),
            [(state.title, pattern) for state, pattern in _DEVIATION_SERIES],
            [_("Class"), _("Raised"), *(state.title for state, _pattern in _DEVIATION_SERIES)],
            rows,
        )

    # A statement, asked for twice where there are any.
    @cached_property
    def next_releases(self) -> Sequence[figures.NextRelease]:
        """The next planned releases."""
        return figures.next_releases(db.session(), self.office.scope, today(), _MAX_NEXT_RELEASES)

    @property
    def planned_releases(self) -> KeyFigure:
        """The number of releases planned from today on."""
        first = today()
        count = figures.count_planned_releases(db.session(), self.office.scope, first)
        filters = {"outcome": Outcome.SCHEDULED.value, "window-from": first.isoformat()}
        return KeyFigure(_("Planned from today"), _format_count(count), self.office.list_url("release", **filters))


def _date_args(key: str, period: ReportPeriod) -> dict[str, str]:
    return {f"{key}-from": period.first.isoformat(), f"{key}-until": period.last.isoformat()}


def _format_count(count: int) -> str:
    return format_number(count)


def _format_share(part: int, whole: int) -> str:
    """Return a share in percent, "" if ``whole`` is 0; 0 % and 100 % are never the result of rounding."""
    if not whole:
        return ""
    tenths = round(1000 * part / whole)
    if part < whole and tenths == _ALL:
        tenths -= 1
    if part and not tenths:
        tenths = 1
    return str(format_percent(tenths / 1000, "#,##0.#%", locale=get_locale()))


def _month_name(month: ReportPeriod) -> str:
    return format_date(month.first).partition(" ")[2]
