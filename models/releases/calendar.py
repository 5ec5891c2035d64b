"""The release calendar: planned and actual releases and freeze periods, as one user may see them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import String, and_, case, func, or_, select, true, type_coerce

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop.steps import Outcome
from lpse_admin.workflow.record_fields import Environment
from models.base import UtcDateTime
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity, Release, ReleaseAsset
from models.inventory.asset import Asset
from models.office.agency import Agency
from models.releases.conflicts import in_window
from models.releases.freeze import Freeze, FreezePermit
from models.releases.release_revision import ReleaseRevision
from models.scope import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

    from models.accounts.user import User
    from models.releases.conflicts import Window
    from models.reports.waiting import ActingUser

#: A moment as the driver returns it.
_Moment = TypeVar("_Moment", str, dt.datetime)
#: How many other releases are named that one overlaps with.
_MAX_NAMED = 3

#: The tables of a release, apart, so that one index is read and no objects are made.
_activity: Any = Activity.__table__.c
_release: Any = Release.__table__.c
_release_asset: Any = ReleaseAsset.__table__.c
_change: Any = ChangeRequest.__table__.c


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
    #: The numbers of those that the reader may see.
    overlaps_with: tuple[str, ...] = ()
    #: When it took place.
    actual_at: dt.datetime | None = None
    #: Of a freeze: why, and whether it was lifted before it began; of a release, whether its plan was set aside.
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
    standing = [row for row in rows if row.set_aside_at is None]
    overlaps = _overlapping_releases(session, visible(ChangeRequest, user, is_acting_head=is_acting_head), standing)
    results = [
        *(_planned_entry(row, told, overlaps.get(row.id)) for row in rows),
        *(_actual_entry(row, told) for row in happened),
        *_freeze_entries(session, visible(Freeze, user, is_acting_head=is_acting_head), window, environment, limit),
    ]
    return sorted(results, key=lambda entry: (entry.starts_at, entry.kind, entry.id))


@dataclass(frozen=True, slots=True)
class DayEntries:
    """The entries of a day that are there to be shown, the first ``visible`` of them at first; ``total`` are in it."""

    entries: Sequence[CalendarEntry]
    visible: int
    total: int

    @property
    def more(self) -> int:
        """How many are not visible at first."""
        return self.total - self.visible


def entries_by_day(
    session: Session,
    reader: ActingUser,
    midnights: Sequence[dt.datetime],
    *,
    most: int | None = None,
    spare: int = 0,
    environment: Environment | None = None,
) -> list[DayEntries]:
    """Return the entries of each day between two of ``midnights``; what is void is left out.

    Of a day ``most`` are visible, or one more where that is all: the line that leads on takes as much room. Those
    beyond are there too if all days together have at most ``spare`` of them; else only their times are read.
    A release that took place on a day of its window is one entry of that day, and has ``actual_at``.
    """
    window = midnights[0], midnights[-1]
    seen_freezes = visible(Freeze, reader.user, is_acting_head=reader.is_acting_head)
    freezes = [one for one in _freeze_entries(session, seen_freezes, window, environment, None) if not one.is_void]
    releases = _read_times(session, visible(Release, reader.user, is_acting_head=reader.is_acting_head), window)
    days = _keys_by_day(session, midnights, freezes, releases, environment)
    visible_counts = [len(keys) if most is None or len(keys) == most + 1 else min(most, len(keys)) for keys in days]
    if sum(map(len, days)) - sum(visible_counts) <= spare:
        loaded = days
    else:
        loaded = [keys[:count] for keys, count in zip(days, visible_counts, strict=True)]
    named = {(one.kind, one.id): one for one in freezes}
    named |= _load_entries(session, reader, {key for keys in loaded for key in keys}, releases, window)
    return [
        DayEntries([named[key] for key in keys], count, len(all_keys))
        for keys, count, all_keys in zip(loaded, visible_counts, days, strict=True)
    ]


_Key = tuple[CalendarEntryKind, int]


class _Times(NamedTuple):
    """When a release is planned and took place, as stored; ``is_seen`` says whether the reader sees it."""

    begins: Any
    ends: Any
    happened: Any
    id: int
    change_id: int
    agency_id: int
    environment: str | None
    is_seen: int


def _read_times(session: Session, seen: ColumnElement[bool], window: Window) -> Sequence[_Times]:
    """Return the times of all releases that are planned or took place in ``window``.

    A month has many releases, of which few are shown. So their times are compared as the database returns them, and not
    made datetimes first.
    """
    planned, actual = _in_window(window)
    rows: Any = session.connection().execute(
        select(
            _as_stored(_release.window_start_at),
            _as_stored(_release.window_end_at),
            _as_stored(_release.actual_at),
            _activity.id,
            _activity.change_id,
            _activity.agency_id,
            _as_stored(_release.environment),
            case((seen, 1), else_=0),
        )
        .join_from(Release.__table__, Activity.__table__, _activity.id == _release.id)
        .where(or_(planned, actual), _activity.outcome == Outcome.SCHEDULED, _release.set_aside_at.is_(None))
    )
    return list(map(_Times._make, rows.all()))


def _keys_by_day(
    session: Session,
    midnights: Sequence[dt.datetime],
    freezes: Sequence[CalendarEntry],
    releases: Sequence[_Times],
    environment: Environment | None,
) -> list[list[_Key]]:
    """Return the kinds and ids of the entries of each day, in the order in which they begin."""
    stored = _stored_moments(session, midnights)
    times: list[tuple[Any, CalendarEntryKind, int, int, int]] = []
    for one in freezes:
        begin, end = _stored_moments(session, (one.starts_at, one.ends_at or one.starts_at))
        times.append((begin, one.kind, one.id, *_days_of(stored, begin, end)))
    for begin, end, moment, id_, _change_id, _agency_id, its_environment, is_seen in releases:
        if not is_seen or (environment is not None and its_environment != environment):
            continue
        first, after = _days_of(stored, begin, end)
        if first < after:
            times.append((begin, CalendarEntryKind.PLANNED, id_, first, after))
        if moment is not None:
            day = bisect_right(stored, moment) - 1
            if 0 <= day < len(stored) - 1 and not first <= day < after:
                times.append((moment, CalendarEntryKind.ACTUAL, id_, day, day + 1))
    by_day: list[list[_Key]] = [[] for _day in midnights[1:]]
    for _begin, kind, id_, first, after in sorted(times):
        for keys in by_day[first:after]:
            keys.append((kind, id_))
    return by_day


def _days_of(midnights: Sequence[_Moment], begin: _Moment, end: _Moment) -> tuple[int, int]:
    """Return the first day, and the one after the last, of what lasts from ``begin`` to ``end``."""
    first = max(bisect_right(midnights, begin) - 1, 0)
    return first, min(bisect_left(midnights, end, first), len(midnights) - 1)


def _as_stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return ``column`` as the driver returns it: text on SQLite. It sorts as the moments do."""
    return type_coerce(column, String)


def _stored_moments(session: Session, moments: Iterable[dt.datetime]) -> list[Any]:
    """Return ``moments`` in the form that they have in a column that is read ``_as_stored``."""
    dialect = session.connection().dialect
    convert = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    return [convert(moment) if convert else moment for moment in moments]


def _load_entries(
    session: Session, reader: ActingUser, keys: set[_Key], releases: Sequence[_Times], window: Window
) -> dict[_Key, CalendarEntry]:
    """Return the releases of ``keys``; ``releases`` are all that are planned in ``window``."""
    planned = {id_ for kind, id_ in keys if kind is CalendarEntryKind.PLANNED}
    actual = {id_ for kind, id_ in keys if kind is CalendarEntryKind.ACTUAL}
    rows = _load_releases(session, (), [_release.id.in_(sorted(planned | actual))], _release.id, None)
    details = _load_details(session, planned | actual, with_assets=False)
    seen = visible(ChangeRequest, reader.user, is_acting_head=reader.is_acting_head)
    of_window = [row for row in rows if row.id in planned]
    is_within = all(window[0] <= row.window_start_at and row.window_end_at <= window[1] for row in of_window)
    overlaps = _overlapping_releases(session, seen, of_window, releases if is_within else None)
    results = [_planned_entry(row, details, overlaps.get(row.id)) for row in of_window]
    results += [_actual_entry(row, details) for row in rows if row.id in actual]
    return {(one.kind, one.id): one for one in results}


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
    return (
        session.connection()
        .execute(
            select(
                _activity.id,
                _activity.agency_id,
                _activity.change_id,
                _activity.finished_at,
                Agency.name.label("agency"),
                _change.number,
                _change.title,
                *(column for column in _release if column.name != "id"),
            )
            .select_from(Release.__table__)
            .join(Activity.__table__, _activity.id == _release.id)
            .join(ChangeRequest.__table__, _change.id == _activity.change_id)
            .join(Agency.__table__, Agency.id == _activity.agency_id)
            # Compared with 1: what is planned or took place in a window is found by that, not by its step or office.
            .where(_activity.outcome == Outcome.SCHEDULED, case((and_(true(), *scope), 1), else_=0) == 1, *criteria)
            .order_by(order, _activity.id)
            .limit(limit)
        )
        .all()
    )


@dataclass(frozen=True, slots=True)
class _ReleaseDetails:
    """What is told of releases in other tables, by their id."""

    assets: dict[int, list[str]]
    freezes: dict[int, list[str]]
    #: When the plan or the actual time was last revised.
    revised: dict[int, dt.datetime]


def _load_details(session: Session, ids: Iterable[int], *, with_assets: bool = True) -> _ReleaseDetails:
    result = _ReleaseDetails(defaultdict(list), defaultdict(list), {})
    of_these = sorted(ids)
    if not of_these:
        return result
    if with_assets:
        assets = (
            select(ReleaseAsset.release_id, Asset.code, Asset.register, Asset.name)
            .join(Asset, Asset.id == ReleaseAsset.asset_id)
            .where(ReleaseAsset.release_id.in_(of_these))
            .order_by(ReleaseAsset.release_id, ReleaseAsset.position)
        )
        for release_id, code, register, name in session.execute(assets):
            result.assets[release_id].append(f"{code}.{register} {name}")
    permits = (
        select(_activity.id, Freeze.name)
        .select_from(FreezePermit)
        .join(Freeze, Freeze.id == FreezePermit.freeze_id)
        .join(Activity.__table__, _activity.change_id == FreezePermit.change_id)
        .where(_activity.id.in_(of_these))
        .order_by(FreezePermit.id)
    )
    for release_id, name in session.execute(permits):
        result.freezes[release_id].append(name)
    revised = select(ReleaseRevision.release_id, func.max(ReleaseRevision.revised_at)).where(
        ReleaseRevision.release_id.in_(of_these)
    )
    for release_id, at in session.execute(revised.group_by(ReleaseRevision.release_id)):
        result.revised[release_id] = at
    return result


def _overlapping_releases(
    session: Session, seen: ColumnElement[bool], rows: Sequence[Any], releases: Sequence[_Times] | None = None
) -> dict[int, list[str]]:
    """Return those of ``rows`` that overlap with other releases of their agency, by id, with numbers of those.

    ``seen`` are the requests whose numbers are told. ``releases`` are those of the whole stretch that the rows reach
    over, seen by the reader or not; they are read if they are not given. It is enough to find some of what overlaps
    with each.
    """
    if not rows:
        return {}
    if releases is None:
        stretch = min(row.window_start_at for row in rows), max(row.window_end_at for row in rows)
        releases = _read_times(session, true(), stretch)
    releases = [one for one in releases if one.begins is not None and one.ends is not None]
    ids = {row.id for row in rows}
    named = [one for one in releases if one.id in ids]
    result = _at_the_same_time(named, releases, lambda one: (one.agency_id, one.environment))
    alone = [one for one in named if not result[one.id]]
    pairs = _at_the_same_time(alone, releases, lambda one: one.agency_id, most=None)
    assets = _assets_of(
        session, {id_ for id_, others in pairs.items() if others for id_ in (id_, *(o.id for o in others))}
    )
    for id_, others in pairs.items():
        result[id_] = [other for other in others if not assets[id_].isdisjoint(assets[other.id])]
    numbers = _visible_numbers(session, seen, {one.change_id for others in result.values() for one in others})
    return {
        id_: [numbers[other.change_id] for other in others if other.change_id in numbers]
        for id_, others in result.items()
        if others
    }


_BEGINNING = attrgetter("begins")


def _at_the_same_time(
    named: Sequence[_Times],
    releases: Sequence[_Times],
    group_of: Callable[[_Times], object],
    most: int | None = _MAX_NAMED,
) -> dict[int, list[_Times]]:
    """Return, by the ids of ``named``, ``most`` of the others of the same group whose windows overlap with each."""
    groups: dict[object, list[_Times]] = defaultdict(list)
    wanted = {group_of(one) for one in named}
    for one in releases:
        if (group := group_of(one)) in wanted:
            groups[group].append(one)
    for group_members in groups.values():
        group_members.sort(key=_BEGINNING)
    #: The latest end among the first so many of a group: nothing before that can overlap with what begins later.
    latest = {group: list(accumulate((one.ends for one in of), max)) for group, of in groups.items()}
    result: dict[int, list[_Times]] = {}
    for one in named:
        group = group_of(one)
        members, ends, others = groups[group], latest[group], result.setdefault(one.id, [])
        index = bisect_left(members, one.ends, key=_BEGINNING) - 1
        while index >= 0 and ends[index] > one.begins and len(others) != most:
            other = members[index]
            if other.ends > one.begins and other.id != one.id:
                others.append(other)
            index -= 1
    return result


def _assets_of(session: Session, ids: set[int]) -> dict[int, set[int]]:
    """Return the ids of the assets that the releases of ``ids`` affect."""
    assets: dict[int, set[int]] = defaultdict(set)
    if ids:
        of_these = select(_release_asset.release_id, _release_asset.asset_id).where(
            _release_asset.release_id.in_(sorted(ids))
        )
        for release_id, asset_id in session.connection().execute(of_these):
            assets[release_id].add(asset_id)
    return assets


def _visible_numbers(session: Session, seen: ColumnElement[bool], ids: set[int]) -> dict[int, str]:
    """Return the numbers of those of the requests that are ``seen``."""
    if not ids:
        return {}
    rows = session.connection().execute(select(_change.id, _change.number).where(_change.id.in_(sorted(ids)), seen))
    return {row.id: row.number for row in rows}


def _planned_entry(row: Row[Any], details: _ReleaseDetails, overlaps: Sequence[str] | None) -> CalendarEntry:
    """Return the entry of a window; ``overlaps`` is None if no other release is at the same time."""
    return CalendarEntry(
        kind=CalendarEntryKind.PLANNED,
        id=row.id,
        agency_id=row.agency_id,
        agency=row.agency,
        title=row.title or "",
        starts_at=row.window_start_at,
        ends_at=row.window_end_at,
        environment=row.environment,
        changed_at=details.revised.get(row.id, row.finished_at),
        revision=row.plan_revision,
        is_void=row.set_aside_at is not None,
        change_id=row.change_id,
        number=row.number,
        version=row.version,
        downtime_minutes=row.downtime_minutes,
        audience=row.audience,
        person_in_charge=row.person_in_charge,
        overlap_reason=row.overlap_reason,
        assets=tuple(details.assets[row.id]),
        permitted_freezes=tuple(details.freezes[row.id]),
        is_overlapping=overlaps is not None,
        overlaps_with=tuple(overlaps or ()),
        actual_at=row.actual_at,
    )


def _actual_entry(row: Row[Any], details: _ReleaseDetails) -> CalendarEntry:
    entry = _planned_entry(row, details, None)
    return replace(
        entry,
        kind=CalendarEntryKind.ACTUAL,
        starts_at=row.actual_at,
        ends_at=None,
        changed_at=max(entry.changed_at, row.actual_at),
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


__all__ = ["CalendarEntry", "CalendarEntryKind", "DayEntries", "calendar_entries", "entries_by_day"]
