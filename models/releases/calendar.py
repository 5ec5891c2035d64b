"""The release calendar: planned and actual releases and freeze periods, as one user may see them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, or_, select, true

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop.steps import Outcome
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
    from models.reports.waiting import ActingUser

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
    of_environment = _of_environment(environment)
    planned, actual = _in_window(window)
    rows = _load_releases(session, [seen], [planned, *of_environment], _release.window_start_at, limit)
    happened = _load_releases(session, [seen], [actual, *of_environment], _release.actual_at, limit)
    told = _load_details(session, {row.id for row in (*rows, *happened)})
    busy = _overlapping_releases(session, rows)
    found = [
        *(_planned_entry(row, told, is_overlapping=row.id in busy) for row in rows),
        *(_actual_entry(row, told) for row in happened),
        *_freeze_entries(session, visible(Freeze, user, is_acting_head=is_acting_head), window, environment, limit),
    ]
    return sorted(found, key=lambda entry: (entry.starts_at, entry.kind, entry.id))


def entries_by_day(
    session: Session,
    reader: ActingUser,
    midnights: Sequence[dt.datetime],
    most: int | None,
    environment: Environment | None = None,
) -> list[tuple[list[CalendarEntry], int]]:
    """Return (entries, how many more) for each day between two of ``midnights``.

    Of a day ``most`` entries are returned, or one more where that is all: the line that leads on takes as much room. Of
    the rest only the times are read. What is void is left out.
    """
    window = midnights[0], midnights[-1]
    seen = visible(Release, reader.user, is_acting_head=reader.is_acting_head)
    planned, actual = _in_window(window)
    rows = session.execute(
        select(
            _activity.id,
            _activity.agency_id,
            _release.environment,
            _release.window_start_at,
            _release.window_end_at,
            _release.actual_at,
        )
        .join_from(Release.__table__, Activity.__table__, _activity.id == _release.id)
        .where(
            or_(planned, actual),
            _activity.outcome == Outcome.SCHEDULED,
            case((seen, 1), else_=0) == 1,
            *_of_environment(environment),
        )
    ).all()
    seen_freezes = visible(Freeze, reader.user, is_acting_head=reader.is_acting_head)
    freezes = [one for one in _freeze_entries(session, seen_freezes, window, environment, None) if not one.is_void]
    times = [(one.starts_at, one.kind, one.id, one.ends_at) for one in freezes]
    for row in rows:
        if row.window_end_at > window[0] and row.window_start_at < window[1]:
            times.append((row.window_start_at, CalendarEntryKind.PLANNED, row.id, row.window_end_at))
        if row.actual_at is not None and window[0] <= row.actual_at < window[1]:
            times.append((row.actual_at, CalendarEntryKind.ACTUAL, row.id, None))
    by_day: list[list[tuple[CalendarEntryKind, int]]] = [[] for _day in midnights[1:]]
    for starts_at, kind, id_, ends_at in sorted(times, key=lambda one: one[:3]):
        first = max(bisect_right(midnights, starts_at) - 1, 0)
        end = first + 1 if ends_at is None else min(bisect_left(midnights, ends_at), len(by_day))
        for day in by_day[first:end]:
            day.append((kind, id_))
    shown = [day if most is None or len(day) == most + 1 else day[:most] for day in by_day]
    named = {(one.kind, one.id): one for one in freezes}
    named |= _load_entries(session, {key for day in shown for key in day})
    return [([named[key] for key in keys], len(day) - len(keys)) for keys, day in zip(shown, by_day, strict=True)]


def _load_entries(
    session: Session, keys: set[tuple[CalendarEntryKind, int]]
) -> dict[tuple[CalendarEntryKind, int], CalendarEntry]:
    """Return the releases of ``keys``."""
    planned = {id_ for kind, id_ in keys if kind is CalendarEntryKind.PLANNED}
    actual = {id_ for kind, id_ in keys if kind is CalendarEntryKind.ACTUAL}
    rows = _load_releases(session, (), [_release.id.in_(sorted(planned | actual))], _release.id, None)
    told = _load_details(session, planned | actual)
    busy = _overlapping_releases(session, [row for row in rows if row.id in planned])
    found = [_planned_entry(row, told, is_overlapping=row.id in busy) for row in rows if row.id in planned]
    found += [_actual_entry(row, told) for row in rows if row.id in actual]
    return {(one.kind, one.id): one for one in found}


def _in_window(window: Window) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the criteria that a release is planned, and that it took place, in ``window``."""
    start, end = window
    return _is_planned_in(window), (_release.actual_at >= start) & (_release.actual_at < end)


def _is_planned_in(window: Window) -> ColumnElement[bool]:
    """Return the criterion that a release is planned in ``window``: begins in it, or has begun and goes on in it.

    Each of the two is found by an index: ``coalesce`` keeps the second from being looked for among all that began
    before, instead of among what ends later.
    """
    start, end = window
    begins, ends = _release.window_start_at, _release.window_end_at
    # What begins and ends at the same moment as the window does is not in it.
    begins_in_it = and_(begins >= start, begins < end, func.coalesce(ends, begins) > start)
    return or_(begins_in_it, and_(ends > start, func.coalesce(begins, ends) < start))


def _of_environment(environment: Environment | None) -> list[ColumnElement[bool]]:
    return [] if environment is None else [_release.environment == environment]


def _load_releases(
    session: Session,
    scope: Sequence[ColumnElement[bool]],
    criteria: Sequence[ColumnElement[bool]],
    order: ColumnElement[Any],
    limit: int | None,
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
        # Compared with 1: what is planned or took place in a window is found by that, not by its step or office.
        .where(_activity.outcome == Outcome.SCHEDULED, case((and_(true(), *scope), 1), else_=0) == 1, *criteria)
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
    others = session.execute(
        select(
            _activity.id, _activity.agency_id, _release.environment, _release.window_start_at, _release.window_end_at
        )
        .join_from(Release.__table__, Activity.__table__, _activity.id == _release.id)
        .where(
            _activity.outcome == Outcome.SCHEDULED,
            _is_planned_in(stretch),
            # Not by the bare column: few windows lie in the stretch, and many releases in an office.
            (_activity.agency_id + 0).in_(sorted({row.agency_id for row in rows})),
        )
    ).all()
    pairs = list(_pairs_at_the_same_time(rows, sorted(others, key=lambda one: one.window_start_at)))
    assets: dict[int, set[int]] = defaultdict(set)
    for release_id, asset_id in session.execute(
        select(ReleaseAsset.release_id, ReleaseAsset.asset_id).where(
            ReleaseAsset.release_id.in_(sorted({one.id for pair in pairs for one in pair}))
        )
    ):
        assets[release_id].add(asset_id)
    return {
        row.id
        for row, other in pairs
        if row.environment == other.environment or not assets[row.id].isdisjoint(assets[other.id])
    }


def _pairs_at_the_same_time(rows: Iterable[Any], others: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    """Yield each of ``rows`` with each of ``others``, which come by their beginnings, that its window overlaps with."""
    starts = [other.window_start_at for other in others]
    longest = max((other.window_end_at - other.window_start_at for other in others), default=dt.timedelta())
    for row in rows:
        first = bisect_left(starts, row.window_start_at - longest)
        for other in others[first : bisect_left(starts, row.window_end_at)]:
            is_same_time = other.window_end_at > row.window_start_at and other.id != row.id
            if is_same_time and other.agency_id == row.agency_id:
                yield row, other


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


__all__ = ["CalendarEntry", "CalendarEntryKind", "calendar_entries", "entries_by_day"]
