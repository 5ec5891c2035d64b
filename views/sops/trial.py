"""An SOP that is not in force, tried against the closed requests of a period: the page, and its tables as files."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, request, send_file
from flask_babel import gettext

from lpse_admin.errors import Malformed, NoSuchMove, NotFound
from lpse_admin.i18n import Message, _, join_messages, own_words
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date
from lpse_admin.trial.totals import STEP_COUNTS
from lpse_admin.worktime.periods import ReportPeriod
from models.database import db
from models.reports.sop_trial import MAX_REQUESTS, try_sop
from models.sops.sop import SopState
from views.app.access import get_current_user
from views.app.audit_context import capacity
from views.app.clock import now
from views.exports.columns import CellKind, ExportColumn
from views.exports.csv_export import csv_stream
from views.exports.head import ExportHead
from views.exports.xlsx_export import xlsx_file
from views.i18n.language import current_timezone, format_date, format_datetime, format_number, tr
from views.listing.export_log import record_export

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lpse_admin.sop import Sop
    from lpse_admin.trial.judging import JudgedRequest, JudgedStep
    from lpse_admin.trial.totals import TrialTotals
    from models.reports.sop_trial import Trial
    from models.sops.sop import SopRevision

#: The most requests on the page; the files have all of them.
_SHOWN = 100
_MIN_DATE, _MAX_DATE = dt.date(1900, 1, 1), dt.date(2999, 12, 30)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_ONLY_DRAFTS = _("Only an SOP that is a draft is tried; this one has been enacted.")

_FACTS = {
    "requests": _("Requests tried"),
    "unchanged": _("Would have gone as they went, in time and by the same actors"),
    "stopped": _("Could not have gone their way"),
    "missing": _("Would lack something that this SOP asks for and theirs did not"),
    "late": _("With a step that would be late"),
    "was_late": _("With a step that is late by the SOP that they followed"),
    "limits": _("Would have passed a limit on a stretch of steps"),
    "other_actor": _("With a step that another actor would have had to take"),
    "barred_requests": _("With a step that its actor would have been barred from by the separation of duties"),
}
_STEP_HEADINGS = {
    "visits": _("Taken"),
    "stops": _("Requests that stop here"),
    "missing": _("Something missing"),
    "late": _("Late by this SOP"),
    "was_late": _("Late by the former SOP"),
    "other_actor": _("Another actor"),
    "barred": _("Barred"),
}
_REQUEST_HEADINGS = (
    _("Number"), _("Title"), _("Could not have gone on"), _("Missing"), _("Late steps"), _("Would have had to act"),
    _("Barred by the separation of duties"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrialPeriod:
    """The period of the address: what was typed, what it means, and what is wrong with it."""

    from_text: str
    until_text: str
    period: ReportPeriod
    error: Message | None = None

    @classmethod
    def from_request(cls, today: dt.date) -> TrialPeriod:
        """Return the period in the address; the last twelve months where it has none, and where it is wrong."""
        year_ago = today - dt.timedelta(364)
        default = ReportPeriod(year_ago, today)
        typed = request.args.get("from", "")[:20], request.args.get("until", "")[:20]
        if not any(typed):
            return cls(year_ago.isoformat(), today.isoformat(), default)
        first, last = map(_read_date, typed)
        if first is None or last is None:
            return cls(*typed, default, _("Enter both dates of the period."))
        if last < first:
            return cls(*typed, default, _("The period ends before it starts."))
        return cls(*typed, ReportPeriod(first, last))


def _read_date(text: str) -> dt.date | None:
    try:
        date = read_date(text)
    except UnreadableError:
        return None
    return date if date is not None and _MIN_DATE <= date <= _MAX_DATE else None


def trial_page(revision: SopRevision) -> dict[str, Any]:
    """Return the context of templates/sops/trial.html."""
    period, trial = _try(revision)
    remarked = [one for one in trial.requests if not one.is_without_remark] if trial else []
    return {
        "revision": revision,
        "sop": revision.sop,
        "period": period,
        "trial": trial,
        "most": MAX_REQUESTS,
        "facts": _facts(trial.totals) if trial else [],
        "counts": STEP_COUNTS,
        "step_headings": _STEP_HEADINGS,
        "request_headings": _REQUEST_HEADINGS,
        "rows": [(one.id, list(map(tr, _request_cells(one)))) for one in remarked[:_SHOWN]],
        "remarked": len(remarked),
        "barred": _barred(revision.sop, trial) if trial else [],
    }


def _try(revision: SopRevision) -> tuple[TrialPeriod, Trial | None]:
    """Return the period, and the trial, None where the period is wrong."""
    if revision.state is not SopState.DRAFT:
        raise NoSuchMove(_ONLY_DRAFTS)
    agency = revision.agency
    period = TrialPeriod.from_request(agency.local_date(now()))
    return period, None if period.error else try_sop(db.session(), agency, revision.sop, period.period)


def _facts(totals: TrialTotals) -> list[tuple[str, str]]:
    """Return the figures of all requests, in words."""
    return [(tr(label), format_number(getattr(totals, name))) for name, label in _FACTS.items()] + [
        (tr(_("Could not have gone their way: %(why)s", why=obstacle.title)), format_number(number))
        for obstacle, number in totals.obstacles.most_common()
    ]


def _barred(sop: Sop, trial: Trial) -> list[tuple[str, Message, int]]:
    """Return who would have been barred, from which step, and how often, the most first."""
    return [(name, sop.step_title(step), number) for (name, step), number in trial.totals.barred.most_common()]


def _request_cells(one: JudgedRequest) -> list[Message | str]:
    """Return the cells of a request, in the order of the headings."""
    return [
        one.number,
        one.title,
        one.stop.message if one.stop else "",
        _join(_of_step(step, join_messages(list(step.missing), ", ")) for step in one.missing),
        _join((*(step.title for step in one.late), *map(own_words, one.passed_limits))),
        _join(_who_would_act(one)),
        _join(_of_step(step, _has_already(step)) for step in one.barred),
    ]


def _who_would_act(one: JudgedRequest) -> Iterator[Message]:
    """Yield who would have had to act where it was not the actor who did."""
    for step in one.other_actors:
        yield _of_step(step, step.actor)
    if one.stop is not None and one.stop.next_actor:
        yield _("then: %(actor)s", actor=one.stop.next_actor)


def _has_already(step: JudgedStep) -> Message:
    return _("%(name)s has already %(part)s", name=step.barred, part=step.barred_reason)


def _of_step(step: JudgedStep, what: Message | str) -> Message:
    return _("%(step)s: %(what)s", step=step.title, what=what)


def _join(messages: Iterable[Message]) -> Message | str:
    """Return messages as one; the same one once."""
    parts = list({tr(message): message for message in messages}.values())
    return join_messages([*parts]) if parts else ""


# -- files ---------------------------------------------------------------------------------------------------------

_Table = tuple["list[ExportColumn]", "Sequence[Sequence[object]]"]


def trial_file(revision: SopRevision, table: str, kind: str) -> Response:
    """Send a table of the trial: ``requests`` or ``steps``, as ``csv`` or ``xlsx``, with its figures and totals."""
    if table not in _TABLES or kind not in {"csv", "xlsx"}:
        raise NotFound(_("There is no such page, or you may not see it."))
    period, trial = _try(revision)
    if trial is None:
        raise Malformed(period.error or _ONLY_DRAFTS)
    columns, rows = _TABLES[table](trial)
    head = _head(revision, period.period, trial)
    record_export(f"{head.title} ({kind.upper()})", [f"{revision}", f"{period.period.first} – {period.period.last}"])
    name = f"uji-coba-sop_{revision.key}_{table}_{period.period.first}_{period.period.last}.{kind}"
    if kind == "csv":
        above = head if request.args.get("head") else None
        chunks = csv_stream(columns, rows, current_timezone(), get_current_user().csv_separator.character, head=above)
        response = Response(b"".join(chunks), mimetype="text/csv")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    else:
        file = xlsx_file(columns, rows, current_timezone(), head.title, expected_rows=len(rows), head=head)
        response = send_file(file, mimetype=_XLSX, as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "no-store"
    return response


def _head(revision: SopRevision, period: ReportPeriod, trial: Trial) -> ExportHead:
    user = get_current_user()
    number = gettext("revision %(number)s", number=revision.revision)
    acts = [(_("Would have had to act: %(actor)s", actor=actor), count) for actor, count in trial.totals.acts()]
    facts = [
        (gettext("SOP"), f"{revision.number or revision.title}, {number}"),
        (gettext("Agency"), revision.agency.name),
        (gettext("Period"), f"{format_date(period.first)} – {format_date(period.last)}"),
        (gettext("Requests closed in the period"), format_number(trial.closed)),
        *_facts(trial.totals),
        *((tr(label), format_number(count)) for label, count in acts),
        (gettext("Requested by"), f"{user.full_name} ({capacity()})"),
        (gettext("Exported on"), format_datetime(now())),
    ]
    return ExportHead(gettext("Trial of an SOP"), gettext("Notes"), tuple(facts))


def _requests_table(trial: Trial) -> _Table:
    columns = [ExportColumn(tr(heading)) for heading in _REQUEST_HEADINGS]
    return columns, [list(map(tr, _request_cells(one))) for one in trial.requests]


def _steps_table(trial: Trial) -> _Table:
    columns = [
        ExportColumn(gettext("Step")),
        ExportColumn(gettext("Actor by this SOP")),
        *(ExportColumn(tr(_STEP_HEADINGS[count]), CellKind.NUMBER) for count in STEP_COUNTS),
    ]
    rows = [
        [tr(step.title), tr(step.actor), *(getattr(step, count) for count in STEP_COUNTS)]
        for step in trial.totals.steps.values()
    ]
    return columns, [*rows, [gettext("Total"), "", *map(trial.totals.sum_of, STEP_COUNTS)]]


_TABLES = {"requests": _requests_table, "steps": _steps_table}
