"""Records whose retention is over by the rules of their office."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, exists, func, select

from lpse_admin.retention.rules import RecordClass, due_date
from models.assessment.finding import open_findings_on
from models.audit.erasure import Erasure
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Release
from models.inventory.asset import Asset, AssetMutation, MutationKind
from models.retention.hold import Hold
from models.retention.rule import RetentionRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from models.office.agency import Agency

#: How many of a class are listed.
MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class DueRecord:
    """A record whose retention is over, with the day of the event and that on which it came due."""

    record_class: RecordClass
    record_id: int
    name: str
    started_on: dt.date
    due_on: dt.date


def due_records(
    session: Session, agency: Agency, rule: RetentionRule, now: dt.datetime, *, without_kept: bool = False
) -> Sequence[DueRecord]:
    """Return the records of the rule's class that have come due, the oldest first, at most MOST_LISTED.

    ``without_kept`` leaves out requests under a hold, or with an open finding of an assessor, before they are counted.
    """
    events = _EVENTS.get(rule.record_class)
    if events is None:
        return []
    statement = events(agency.id)
    if without_kept:
        held = exists().where(Hold.change_id == ChangeRequest.id, Hold.is_in_force)
        statement = statement.where(~held, ~open_findings_on(ChangeRequest.id))
    return list(_due(session.execute(statement.limit(MOST_LISTED)), agency, rule, now))


def _due(rows: Iterable[Any], agency: Agency, rule: RetentionRule, now: dt.datetime) -> Iterator[DueRecord]:
    today = agency.local_date(now)
    for record_id, name, moment in rows:
        started = agency.local_date(moment) if isinstance(moment, dt.datetime) else moment
        due = due_date(started, rule.active_years, rule.inactive_years)
        if due > today:
            return
        yield DueRecord(rule.record_class, record_id, name, started, due)


def _requests(agency_id: int) -> Select[*tuple[Any, ...]]:
    erased = exists().where(
        Erasure.table_name == ChangeRequest.__tablename__, Erasure.row_key == cast(ChangeRequest.id, String)
    )
    return (
        select(ChangeRequest.id, ChangeRequest.number, ChangeRequest.closed_at)
        .where(ChangeRequest.agency_id == agency_id, ChangeRequest.closed_at.is_not(None), ~erased)
        .order_by(ChangeRequest.closed_at, ChangeRequest.id)
    )


def _releases(agency_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(Release.id, ChangeRequest.number, Release.actual_at)
        .join(ChangeRequest, ChangeRequest.id == Release.change_id)
        .where(Release.agency_id == agency_id, Release.actual_at.is_not(None))
        .order_by(Release.actual_at, Release.id)
    )


def _assets(agency_id: int) -> Select[*tuple[Any, ...]]:
    left = func.max(AssetMutation.booked_on)
    return (
        select(Asset.id, Asset.name, left)
        .join(AssetMutation, AssetMutation.asset_id == Asset.id)
        .where(Asset.agency_id == agency_id, Asset.is_retired.is_(True), AssetMutation.kind == MutationKind.RETIRED)
        .where(AssetMutation.booked_on.is_not(None))
        .group_by(Asset.id, Asset.name)
        .order_by(left, Asset.id)
    )


_EVENTS: Mapping[RecordClass, Callable[[int], Select[*tuple[Any, ...]]]] = {
    RecordClass.REQUEST: _requests,
    RecordClass.RELEASE: _releases,
    RecordClass.ASSET: _assets,
}
