"""The office at a glance: the figures of a period as charts and tables, each number leading to the list behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from babel.numbers import format_percent
from flask import url_for
from flask_babel import get_locale, gettext

from lpse_admin.errors import NotFound
from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import Outcome, Result, Step, Urgency
from lpse_admin.workflow.deviations import DeviationKind
from models.database import db
from models.deviations.deviation import DeviationState
from models.reports import figures
from models.worktime import step_durations
from views.app.clock import now
from views.changes.changes import UNJUDGED
from views.changes.step_times import Judgement, my_agencies
from views.changes.step_views import STEP_VIEWS
from views.dashboard.figures import Cell, Chart, Look, Row
from views.dashboard.period_form import PeriodForm
from views.i18n.language import current_zone, day, duration, number, today, tr
from views.listing.record_view import me, row_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpse_admin.worktime.periods import Period
    from models.office.agency import Agency

#: How many of the next releases are named.
_NEXT = 5
#: The screen of each step's records.
SCREENS = {view.step: view.resource.value for view in STEP_VIEWS}
_RESULTS: tuple[tuple[Result | None, Message, Look], ...] = (
    (Result.COMPLETED, Result.COMPLETED.title, Look.SOLID),
    (None, _("Open"), Look.HOLLOW),
    (Result.ROLLED_BACK, Result.ROLLED_BACK.title, Look.STRIPES),
    (Result.REJECTED, Result.REJECTED.title, Look.CROSS),
    (Result.WITHDRAWN, Result.WITHDRAWN.title, Look.DOTS),
)
_STATES = (
    (DeviationState.SETTLED, Look.SOLID),
    (DeviationState.FOLLOW_UP, Look.DOTS),
    (DeviationState.ACCOUNTED, Look.HOLLOW),
    (DeviationState.RAISED, Look.STRIPES),
)


@dataclass(frozen=True)
class Office:
    """Whose figures a page shows: the reader's own office, or one or all of those that they reach."""

    agencies: Sequence[Agency]
    #: Those that can be chosen among; none for who is of one office.
    choice: Sequence[Agency] = ()
    chosen: Agency | None = None
    #: Addresses of the lists, each worked out once: a page leads to two hundred.
    _starts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def asked(cls, args: Mapping[str, str]) -> Office:
        """Return the office that the address asks for; raises NotFound for one that is none of the reader's."""
        all_ = my_agencies(db.session())
        if not me().reaches_across:
            return cls(all_)
        if not args.get("agency"):
            return cls(all_, all_)
        asked = row_id(args["agency"])
        one = next((agency for agency in all_ if agency.id == asked), None)
        if one is None:
            raise NotFound(_("There is no such record, or it is not yours to see."))
        return cls([one], all_, one)

    @property
    def scope(self) -> figures.Scope:
        """The scope of its figures, with the days of the reader's own zone, as in the lists."""
        return figures.Scope(self.agencies, current_zone())

    def url(self, screen: str, **given: object) -> str:
        """Return the address of a list of this office."""
        if screen not in self._starts:
            self._starts[screen] = url_for(f"{screen}.index_view")
        asked = given | ({"agency": self.chosen.id} if self.chosen else {})
        return f"{self._starts[screen]}?{urlencode(asked)}" if asked else self._starts[screen]

    @cached_property
    def queues(self) -> list[figures.Queue]:
        """What waits at each step."""
        return figures.queues(db.session(), self.scope, now())

    def queue_urls(self, queue: figures.Queue) -> tuple[str, str | None]:
        """Return the lists of what waits at a step and of what is late there; None where a step has no such list."""
        screen = SCREENS.get(queue.step)
        if screen is None:
            return self.url("change", step=queue.step.value), None
        return self.url(screen, state="open"), self.url(screen, state="open", judged=Judgement.LATE.value)


@dataclass(frozen=True)
class KeyNumber:
    """One number that stands for itself."""

    title: Message
    text: str
    url: str
    beside: str = ""


@dataclass(frozen=True)
class Glance:
    """All figures of ``office`` in the period of ``form``."""

    office: Office
    form: PeriodForm

    @classmethod
    def read(cls, office: Office, args: Mapping[str, str]) -> Glance:
        """Return the figures that ``args`` ask for."""
        return cls(office, PeriodForm.read(args, today()))

    @property
    def period(self) -> Period:
        """The period."""
        return self.form.period

    @cached_property
    def is_fresh(self) -> bool:
        """Whether the steps are judged by the calendar as it stands."""
        return step_durations.is_fresh(db.session(), self.office.agencies, now())

    @cached_property
    def _months(self) -> list[Period]:
        return self.period.months()

    @cached_property
    def _requests(self) -> figures.Requests:
        return figures.requests(db.session(), self.office.scope, self._months)

    @cached_property
    def _steps(self) -> dict[Step, figures.StepFigures]:
        return figures.steps(db.session(), self.office.scope, self.period, list(SCREENS))

    @cached_property
    def _deviations(self) -> Mapping[tuple[DeviationKind, DeviationState], int]:
        return figures.deviations(db.session(), self.office.scope, self.period)

    # -- lists ---------------------------------------------------------------------------------------------------

    def _submitted(self, period: Period, **given: object) -> str:
        return self.office.url("change", **_dates("submitted", period), **given)

    def _finished(self, step: Step, **given: object) -> str:
        return self.office.url(SCREENS[step], state="done", **_dates("finished", self.period), **given)

    def _raised(self, **given: object) -> str:
        return self.office.url("deviation", **_dates("raised", self.period), **given)

    # -- figures -------------------------------------------------------------------------------------------------

    def numbers(self) -> list[KeyNumber]:
        """Return the numbers that are looked at first."""
        requests, rolled_back = self._requests, self._steps[Step.ROLLBACK].finished
        emergencies = requests.judged(Urgency.EMERGENCY)
        judged = sum(one.judged for one in self._steps.values())
        in_time = sum(one.in_time for one in self._steps.values())
        return [
            KeyNumber(_("Requests submitted"), _figure(requests.total), self._submitted(self.period)),
            KeyNumber(
                _("Emergencies"),
                _figure(emergencies),
                self._submitted(self.period, urgency=Urgency.EMERGENCY.value),
                _share(emergencies, requests.total),
            ),
            KeyNumber(_("Steps within the standard"), _share(in_time, judged) or "–", "#within"),
            KeyNumber(
                _("Roll backs"),
                _figure(rolled_back),
                self._finished(Step.ROLLBACK),
                gettext("of %(tests)s tests", tests=_figure(self._steps[Step.TEST].finished)),
            ),
            KeyNumber(_("Deviations raised"), _figure(sum(self._deviations.values())), self._raised()),
        ]

    def by_month(self) -> Chart:
        """Return the requests by month of their submission and by what became of them."""
        rows = [
            self._month(
                month, [self._requests.in_month(place, result) for result, *_rest in _RESULTS], _month_of(month)
            )
            for place, month in enumerate(self._months)
        ]
        whole = [
            sum(self._requests.in_month(place, result) for place in range(len(rows))) for result, *_rest in _RESULTS
        ]
        total = self._month(self.period, whole, gettext("Total"))
        return Chart(
            "by-month",
            _("Requests by month and outcome"),
            [(title, look) for _result, title, look in _RESULTS],
            [_("Month of submission"), _("Submitted"), *(title for _result, title, _look in _RESULTS)],
            [*rows, Row(total.label, total.cells)],
        )

    def _month(self, month: Period, counts: list[int], label: str) -> Row:
        cells = [Cell(_figure(sum(counts)), self._submitted(month))]
        for (result, _title, _look), count in zip(_RESULTS, counts, strict=True):
            narrowed = {"state": "open"} if result is None else {"result": result.value}
            cells.append(Cell(_figure(count), self._submitted(month, **narrowed)))
        return Row(label, cells, counts, _figure(sum(counts)))

    def by_urgency(self) -> Chart:
        """Return normal requests against emergencies."""
        total = self._requests.total
        rows = []
        for urgency, value in ((Urgency.NORMAL, "normal"), (Urgency.EMERGENCY, "emergency"), (None, UNJUDGED)):
            count = self._requests.judged(urgency)
            label = tr(urgency.title) if urgency else gettext("Not judged yet")
            share = _share(count, total)
            cells = [Cell(_figure(count), self._submitted(self.period, urgency=value)), Cell(share or "–")]
            rows.append(Row(label, cells, [count], f"{_figure(count)} ({share})" if share else _figure(count)))
        return Chart(
            "by-urgency",
            _("Normal against emergency"),
            [(_("Requests"), Look.SOLID)],
            [_("Urgency"), _("Requests"), _("Share")],
            rows,
            full=total or None,
        )

    def within(self) -> Chart:
        """Return, for each step, which share of its visits kept the standard."""
        rows = []
        for step, one in self._steps.items():
            share = _share(one.in_time, one.judged)
            cells = [
                Cell(_figure(one.finished), self._finished(step)),
                *(
                    [
                        Cell(_figure(one.in_time), self._finished(step, judged=Judgement.IN_TIME.value)),
                        Cell(_figure(one.late), self._finished(step, judged=Judgement.LATE.value)),
                        Cell(share),
                    ]
                    if share
                    else [Cell("–"), Cell("–"), Cell("–" if not one.finished else gettext("no standard"))]
                ),
            ]
            parts = [one.in_time / one.judged, one.late / one.judged] if one.judged else [0, 0]
            rows.append(Row(tr(step.title), cells, parts, share or "–"))
        return Chart(
            "within",
            _("Share within the standard time, by step"),
            [(_("In time"), Look.SOLID), (_("Late"), Look.STRIPES)],
            [_("Step"), _("Finished"), _("In time"), _("Late"), _("Share in time")],
            rows,
            remark=_(
                "Steps that were finished in the period, each judged by its paper's standard and the office's calendar."
            ),
            full=1,
        )

    def waits(self) -> Chart:
        """Return how long the steps waited until somebody took them up."""
        found = figures.longest_waits(db.session(), self._steps)
        rows = []
        for step, one in self._steps.items():
            median, longest = one.median or 0, one.longest or 0
            # No number is a share of another here: what waits longest leads to that request.
            cells = [Cell(_figure(one.finished), self._finished(step))]
            if one.finished:
                id_, _number = found[step]
                leads = url_for("change.details_view", id=id_)
                cells += [Cell(duration(median), self._finished(step)), Cell(duration(longest), leads)]
            else:
                cells += [Cell("–"), Cell("–")]
            note = duration(longest) if one.finished else "–"
            rows.append(Row(tr(step.title), cells, [median, longest - median], note))
        return Chart(
            "waits",
            _("Waiting until taken up, by step"),
            [(_("Median"), Look.SOLID), (_("up to the longest"), Look.HOLLOW)],
            [_("Step"), _("Finished"), _("Median"), _("Longest")],
            rows,
            remark=_("Working time of the office. The longest leads to that request."),
        )

    def by_class(self) -> Chart:
        """Return the deviations by class and by how far they are."""
        rows = []
        for kind in DeviationKind:
            counts = [self._deviations[kind, state] for state, _look in _STATES]
            cells = [Cell(_figure(sum(counts)), self._raised(kind=kind.value))]
            cells += [
                Cell(_figure(count), self._raised(kind=kind.value, state=state.value))
                for (state, _look), count in zip(_STATES, counts, strict=True)
            ]
            rows.append(Row(tr(kind.title), cells, counts, _figure(sum(counts))))
        return Chart(
            "by-class",
            _("Deviations by class"),
            [(state.title, look) for state, look in _STATES],
            [_("Class"), _("Raised"), *(state.title for state, _look in _STATES)],
            rows,
        )

    @cached_property
    def releases(self) -> Sequence[figures.NextRelease]:
        """The next releases that are planned."""
        return figures.next_releases(db.session(), self.office.scope, today(), _NEXT)

    @property
    def planned(self) -> KeyNumber:
        """How many releases are planned from today on."""
        first = today()
        count = figures.planned_releases(db.session(), self.office.scope, first)
        given = {"outcome": Outcome.SCHEDULED.value, "window-from": first.isoformat()}
        return KeyNumber(_("Planned from today on"), _figure(count), self.office.url("release", **given))


def _dates(key: str, period: Period) -> dict[str, str]:
    return {f"{key}-from": period.first.isoformat(), f"{key}-until": period.last.isoformat()}


def _figure(count: int) -> str:
    return number(count)


def _share(part: int, whole: int) -> str:
    """Return a share in percent, "" of nothing; all and nothing are said only where they are true."""
    if not whole:
        return ""
    tenths = round(1000 * part / whole)
    if part < whole and tenths == 1000:  # noqa: PLR2004 - all of it
        tenths -= 1
    if part and not tenths:
        tenths = 1
    return str(format_percent(tenths / 1000, "#,##0.#%", locale=get_locale()))


def _month_of(month: Period) -> str:
    return day(month.first).partition(" ")[2]
