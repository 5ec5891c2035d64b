"""The release calendar: planned and actual releases and freeze periods, as one user may see them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import Environment
from models.changes.activity import Activity, Release, ReleaseAsset
from models.changes.change import ChangeRequest
from models.inventory.asset import Asset
from models.office.agency import Agency
from models.releases.conflicts import in_window
from models.releases.freeze import Freeze, FreezePermit
from models.scope import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

    from models.accounts.user import User
    from models.releases.conflicts import Window

#: The tables of a release, apart, so that one index is read and no objects are made.
_activity: Any = Activity.__table__.c
_release: Any = Release.__table__.c


class CalendarEntryKind(LabelledEnum):
    """What a calendar shows."""

    FREEZE = "freeze", _("Freeze")
    PLANNED = "planned", _("Planned release")
    ACTUAL = "actual", _("Actual release")


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One thing in the calendar. ``ends_at`` is not part of it, and None where only a moment is known."""

    kind: CalendarEntryKind
    id: int
    agency_id: int
    agency: str
    title: str
    starts_at: dt.datetime
    ends_at: dt.datetime | None
    environment: Environment | None
    #: When what it says was last written, and how often since it first was.
    changed_at: dt.datetime
    revision: int = 0
    #: Of a release: its request, and what was planned.
    change_id: int | None = None
    number: str | None = None
    version: str | None = None
    downtime_minutes: int | None = None
    audience: str | None = None
    person_in_charge: str | None = None
    overlap_reason: str | None = None
    assets: tuple[str, ...] = ()
    #: Names of the freezes that the head has allowed it in.
    permitted_freezes: tuple[str, ...] = ()
    #: Whether another release is planned at the same time in the same environment or on the same asset.
    is_overlapping: bool = False
    #: Of a freeze: why, and whether it was lifted before it began.
    reason: str | None = None
    is_void: bool = False

    def overlaps(self, window: Window) -> bool:
        """Whether it has a moment in common with ``window``."""
        start, end = window
        return self.starts_at < end and (start <= self.starts_at if self.ends_at is None else self.ends_at > start)


def calendar_entries(
    session: Session,
    user: User,
    window: Window,
    *,
    is_acting_head: bool = False,
    environment: Environment | None = None,
    limit: int | None = None,
) -> list[CalendarEntry]:
    """Return what ``user`` may see of ``window``, in the order in which it begins; ``limit`` of each kind.

    A freeze that was lifted lasts until then; one that was lifted before it began is there as void.
    """
    seen = visible(Release, user, is_acting_head=is_acting_head)
    of_environment = [] if environment is None else [_release.environment == environment]
    planned = in_window(_release.window_start_at, _release.window_end_at, window)
    start, end = window
    actual = (_release.actual_at >= start) & (_release.actual_at < end)
    rows = _load_releases(session, [seen, planned, *of_environment], _release.window_start_at, limit)
    happened = _load_releases(session, [seen, actual, *of_environment], _release.actual_at, limit)
    told = _load_details(session, {row.id for row in (*rows, *happened)})
    busy = _overlapping_releases(session, rows)
    found = [
        *(_planned_entry(row, told, is_overlapping=row.id in busy) for row in rows),
        *(_actual_entry(row, told) for row in happened),
        *_freeze_entries(session, visible(Freeze, user, is_acting_head=is_acting_head), window, environment, limit),
    ]
    return sorted(found, key=lambda entry: (entry.starts_at, entry.kind, entry.id))


def _load_releases(
    session: Session, criteria: Sequence[ColumnElement[bool]], order: ColumnElement[Any], limit: int | None
) -> Sequence[Any]:
    return session.execute(
        select(
            _activity.id,
            _activity.agency_id,
            _activity.change_id,
            _activity.finished_at,
            Agency.name.label("agency"),
            ChangeRequest.number,
            ChangeRequest.title,
            *(column for column in _release if column.name != "id"),
        )
        .select_from(Release.__table__)
        .join(Activity.__table__, _activity.id == _release.id)
        .join(ChangeRequest, ChangeRequest.id == _activity.change_id)
        .join(Agency, Agency.id == _activity.agency_id)
        .where(_activity.step == Step.RELEASE, _activity.outcome == Outcome.SCHEDULED, *criteria)
        .order_by(order, _activity.id)
        .limit(limit)
    ).all()


@dataclass(frozen=True, slots=True)
class _ReleaseDetails:
    """What is told of releases in other tables, by their id."""

    assets: dict[int, list[str]]
    freezes: dict[int, list[str]]


def _load_details(session: Session, ids: Iterable[int]) -> _ReleaseDetails:
    found = _ReleaseDetails(defaultdict(list), defaultdict(list))
    of_these = sorted(ids)
    if not of_these:
        return found
    assets = (
        select(ReleaseAsset.release_id, Asset.code, Asset.register, Asset.name)
        .join(Asset, Asset.id == ReleaseAsset.asset_id)
        .where(ReleaseAsset.release_id.in_(of_these))
        .order_by(ReleaseAsset.release_id, ReleaseAsset.position)
    )
    for release_id, code, register, name in session.execute(assets):
        found.assets[release_id].append(f"{code}.{register} {name}")
    permits = (
        select(_activity.id, Freeze.name)
        .select_from(FreezePermit)
        .join(Freeze, Freeze.id == FreezePermit.freeze_id)
        .join(Activity.__table__, _activity.change_id == FreezePermit.change_id)
        .where(_activity.id.in_(of_these))
        .order_by(FreezePermit.id)
    )
    for release_id, name in session.execute(permits):
        found.freezes[release_id].append(name)
    return found


def _overlapping_releases(session: Session, rows: Sequence[Any]) -> set[int]:
    """Return the ids of those of ``rows`` that overlap with another release of their agency, seen by the user or not.

    One look at all releases of the whole stretch that the rows reach over, and then in memory.
    """
    if not rows:
        return set()
    stretch = min(row.window_start_at for row in rows), max(row.window_end_at for row in rows)
    agencies = sorted({row.agency_id for row in rows})
    planned = in_window(_release.window_start_at, _release.window_end_at, stretch)
    others = session.execute(
        select(
            _activity.id, _activity.agency_id, _release.environment, _release.window_start_at, _release.window_end_at
        )
        .select_from(Release.__table__)
        .join(Activity.__table__, _activity.id == _release.id)
        .where(_activity.step == Step.RELEASE, _activity.outcome == Outcome.SCHEDULED, planned)
        .where(_activity.agency_id.in_(agencies))
        .order_by(_release.window_start_at)
    ).all()
    touched: dict[int, list[int]] = defaultdict(list)
    for release_id, asset_id in session.execute(
        select(ReleaseAsset.release_id, ReleaseAsset.asset_id)
        .join(Release.__table__, _release.id == ReleaseAsset.release_id)
        .where(planned)
    ):
        touched[release_id].append(asset_id)
    used: dict[object, list[Any]] = defaultdict(list)
    for row in others:
        used[row.agency_id, row.environment].append(row)
        for asset_id in touched[row.id]:
            used[asset_id].append(row)
    return {id_ for sharing in used.values() for id_ in _overlapping_ids(sharing)}


def _overlapping_ids(rows: list[Any]) -> Iterable[int]:
    """Yield the ids of those of ``rows``, which come by their beginnings, that overlap with another one of them."""
    last: Any = None
    for row in rows:
        if last is not None and row.window_start_at < last.window_end_at:
            yield from (last.id, row.id)
        if last is None or row.window_end_at > last.window_end_at:
            last = row


def _planned_entry(row: Row[Any], details: _ReleaseDetails, *, is_overlapping: bool) -> CalendarEntry:
    return CalendarEntry(
        kind=CalendarEntryKind.PLANNED,
        id=row.id,
        agency_id=row.agency_id,
        agency=row.agency,
        title=row.title or "",
        starts_at=row.window_start_at,
        ends_at=row.window_end_at,
        environment=row.environment,
        changed_at=row.finished_at,
        change_id=row.change_id,
        number=row.number,
        version=row.version,
        downtime_minutes=row.downtime_minutes,
        audience=row.audience,
        person_in_charge=row.person_in_charge,
        overlap_reason=row.overlap_reason,
        assets=tuple(details.assets[row.id]),
        permitted_freezes=tuple(details.freezes[row.id]),
        is_overlapping=is_overlapping,
    )


def _actual_entry(row: Row[Any], details: _ReleaseDetails) -> CalendarEntry:
    entry = _planned_entry(row, details, is_overlapping=False)
    return replace(
        entry,
        kind=CalendarEntryKind.ACTUAL,
        starts_at=row.actual_at,
        ends_at=None,
        changed_at=max(row.finished_at, row.actual_at),
    )


def _freeze_entries(
    session: Session,
    seen: ColumnElement[bool],
    window: Window,
    environment: Environment | None,
    limit: int | None,
) -> Iterable[CalendarEntry]:
    of_environment = (
        [] if environment is None else [or_(Freeze.environment.is_(None), Freeze.environment == environment)]
    )
    rows = session.execute(
        select(Freeze, Agency.name)
        .join(Agency, Agency.id == Freeze.agency_id)
        .where(seen, in_window(Freeze.from_at, Freeze.until_at, window), *of_environment)
        .order_by(Freeze.from_at, Freeze.id)
        .limit(limit)
    )
    for freeze, agency in rows:
        is_void = freeze.lifted_at is not None and freeze.lifted_at <= freeze.from_at
        ends = freeze.until_at if is_void or freeze.lifted_at is None else min(freeze.until_at, freeze.lifted_at)
        entry = CalendarEntry(
            kind=CalendarEntryKind.FREEZE,
            id=freeze.id,
            agency_id=freeze.agency_id,
            agency=agency,
            title=freeze.name,
            starts_at=freeze.from_at,
            ends_at=ends,
            environment=freeze.environment,
            changed_at=freeze.changed_at,
            revision=freeze.revision,
            reason=freeze.reason,
            is_void=is_void,
        )
        if entry.overlaps(window):
            yield entry


__all__ = ["CalendarEntry", "CalendarEntryKind", "calendar_entries"]
