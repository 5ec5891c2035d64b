"""Closed requests of a period, read for the trial of an SOP: a few statements, streamed, and nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lpse_admin.trial.judging import judge
from lpse_admin.trial.past import PastRequest, PastStep
from lpse_admin.trial.totals import TrialTotals
from lpse_admin.workflow.field_values import stored_value
from lpse_admin.workflow.record_fields import SOP_FIELD_PREFIX, FieldKind
from lpse_admin.worktime.step_timing import StepTimestamps
from models.audit.erasure import ERASED_TEXT
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from models.changes.steps.field_value import FieldValue
from models.documents.document import Document
from models.reports.figures import AgencyScope
from models.sops.clocks import load_calendars_and_sops

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.orm import Session

    from lpse_admin.sop import Sop
    from lpse_admin.trial.judging import JudgedRequest
    from lpse_admin.worktime.periods import ReportPeriod
    from models.office.agency import Agency

#: The most requests of a trial: those that were closed last.
MAX_REQUESTS = 10_000
_FETCHED = 1_000

_change: Any = ChangeRequest.__table__.c
_step: Any = Activity.__table__.c
_value: Any = FieldValue.__table__.c
_document: Any = Document.__table__.c


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial came to: its figures, its requests in the order of their numbers, and how many were closed."""

    totals: TrialTotals
    requests: Sequence[JudgedRequest]
    closed: int

    @property
    def is_capped(self) -> bool:
        """Whether more requests were closed in the period than were tried."""
        return self.closed > self.totals.requests


def try_sop(session: Session, agency: Agency, sop: Sop, period: ReportPeriod, *, most: int = MAX_REQUESTS) -> Trial:
    """Try ``sop`` against the requests of ``agency`` that were closed in ``period``, at ``most`` the last of them."""
    scope = AgencyScope([agency], agency.zone)
    is_closed = (_change.agency_id == agency.id) & scope.in_period(_change.closed_at, period)
    closed = session.connection().scalar(select(func.count()).where(is_closed)) or 0
    chosen = select(_change.id).where(is_closed).order_by(_change.closed_at.desc(), _change.id.desc()).limit(most)
    calendars, sops = load_calendars_and_sops(session, [agency])
    totals, requests = TrialTotals.of(sop), []
    for request in _past_requests(session, chosen, sops, with_values=any(rule.fields for rule in sop.rules.values())):
        judged = judge(sop, calendars[agency.id], request)
        totals.add(judged)
        requests.append(judged)
    return Trial(totals, requests, closed)


def _past_requests(
    session: Session, chosen: Select[Any], sops: Mapping[int, Sop], *, with_values: bool
) -> Iterator[PastRequest]:
    """Yield the requests that ``chosen`` selects; the values of fields are read where the SOP has some."""
    of_changes = _STEPS.where(_step.change_id.in_(chosen)).order_by(_step.change_id, _step.sequence)
    steps = _Grouped(_rows(session, of_changes))
    of_requests = _DOCUMENTS.where(_document.change_id.in_(chosen)).order_by(_document.change_id)
    documents = _Grouped(_rows(session, of_requests))
    own_values = _VALUES.where(_value.change_id.in_(chosen)).order_by(_value.change_id)
    values = _Grouped(_rows(session, own_values) if with_values else ())
    for row in _rows(session, _CHANGES.where(_change.id.in_(chosen)).order_by(_change.id)):
        values_of_steps = _values_by_step(values.of(row.id))
        past = [_past_step(step, values_of_steps) for step in steps.of(row.id)]
        keys = frozenset(document.item_key for document in documents.of(row.id))
        if past:
            yield PastRequest(
                row.id, row.number, row.title or "", row.closed_at, row.requester_id, sops[row.sop_id], past,
                row.on_behalf_of, row.kind or (), keys,
            )  # fmt: skip


def _past_step(row: Row[Any], values: Mapping[int, Mapping[str, object]]) -> PastStep:
    return PastStep(
        row.step,
        row.outcome,
        row.target,
        StepTimestamps(row.arrived_at, row.taken_up_at, row.finished_at),
        row.actor_id,
        row.actor_name or "",
        row.actor_role,
        row.has_reason,
        frozenset(row.equipment),
        values.get(row.id, {}),
    )


def _values_by_step(rows: Iterable[Any]) -> dict[int, dict[str, object]]:
    by_step: dict[int, dict[str, object]] = {}
    for row in rows:
        # What stands for an erased value is none of its kind, and says that there was one.
        value = row.value if row.value == ERASED_TEXT else stored_value(FieldKind(row.kind.value), row.value)
        by_step.setdefault(row.activity_id, {})[SOP_FIELD_PREFIX + row.key] = value
    return by_step


class _Grouped:
    """Rows that are sorted by their first column, a request's id, given out request by request."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._groups = groupby(rows, key=itemgetter(0))
        self._current = next(self._groups, None)

    def of(self, change_id: int) -> list[Any]:
        """Return the rows of a request; what stands before them is left out."""
        while self._current is not None and self._current[0] < change_id:
            self._current = next(self._groups, None)
        if self._current is None or self._current[0] != change_id:
            return []
        rows = list(self._current[1])
        self._current = next(self._groups, None)
        return rows


def _rows(session: Session, statement: Select[Any]) -> Iterator[Any]:
    return iter(session.connection().execute(statement, execution_options={"yield_per": _FETCHED}))


_CHANGES = select(
    _change.id, _change.number, _change.title, _change.closed_at, _change.requester_id, _change.on_behalf_of,
    _change.kind, _change.sop_id,
)  # fmt: skip
_STEPS = select(
    _step.change_id, _step.id, _step.step, _step.outcome, _step.target, _step.arrived_at, _step.taken_up_at,
    _step.finished_at, _step.actor_id, _step.actor_name, _step.actor_role, _step.equipment,
    _step.reason.is_not(None).label("has_reason"),
)  # fmt: skip
_DOCUMENTS = select(_document.change_id, _document.item_key).where(_document.item_key.is_not(None))
_VALUES = select(_value.change_id, _value.activity_id, _value.key, _value.kind, _value.value)
