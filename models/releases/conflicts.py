"""Conflicts of a planned release: other releases at the same time, and freeze periods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, lazyload

from lpse_admin.i18n import Message, TimeSpan, _, join_messages
from lpse_admin.sop.steps import CONFLICTING_DUTIES, Duty, Outcome
from lpse_admin.workflow.record_fields import Environment, is_empty
from models.accounts.person import accounts_of_people
from models.changes.steps.activity import Release, ReleaseAsset
from models.office.agency import lock_agency
from models.releases.freeze import Freeze, FreezePermit

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import SQLColumnExpression

    from models.changes.change import ChangeRequest
    from models.changes.moves.case_file import CaseFile

#: Start and end, both timezone-aware; the end is exclusive.
Window = tuple["dt.datetime", "dt.datetime"]

#: Maximum number of conflicting releases returned.
_MAX_RELEASES = 50


def overlapping_releases(
    session: Session,
    change: ChangeRequest,
    window: Window,
    environment: Environment | None,
    asset_ids: Collection[int] = (),
) -> list[Release]:
    """Return the agency's other scheduled releases that overlap ``window``, earliest first; 50 at most.

    Only releases in the same environment or with one of the same assets count. Adjacent windows do not overlap.
    """
    return list(
        session.scalars(
            select(Release)
            .where(
                Release.agency_id == change.agency_id,
                Release.change_id != change.id,
                Release.outcome == Outcome.SCHEDULED,
                Release.set_aside_at.is_(None),
                in_window(Release.window_start_at, Release.window_end_at, window),
                or_(Release.environment == environment, _touches_asset(asset_ids)),
            )
            .options(joinedload(Release.change), lazyload(Release.release_assets))
            .order_by(Release.window_start_at, Release.id)
            .limit(_MAX_RELEASES)
        )
    )


def conflicting_freezes(
    session: Session, case: CaseFile, window: Window, environment: Environment | None
) -> list[Freeze]:
    """Return the freezes that forbid a release of the request in ``window``, earliest first.

    A freeze with a permit for this request is left out, unless the permit was granted by the current actor or by a
    user with a duty in the request that conflicts with deciding on it.
    """
    change, duties = case.change, case.position.duties
    others = {id_ for duty in CONFLICTING_DUTIES[Duty.DECIDE] for id_ in duties.get(duty, ())}
    excluded = accounts_of_people(session, change.agency_id, {case.actor.id, *others})
    permit = aliased(FreezePermit)
    return list(
        session.scalars(
            select(Freeze)
            .where(
                Freeze.agency_id == change.agency_id,
                Freeze.lifted_at.is_(None),
                in_window(Freeze.from_at, Freeze.until_at, window),
                or_(Freeze.environment.is_(None), Freeze.environment == environment),
                ~exists().where(
                    permit.freeze_id == Freeze.id,
                    permit.change_id == change.id,
                    permit.allowed_by_id.not_in(sorted(excluded)),
                ),
            )
            .order_by(Freeze.from_at, Freeze.id)
        )
    )


def releases_in_freeze(session: Session, freeze: Freeze) -> list[Release]:
    """Return the releases that are scheduled in a freeze, earliest first; 50 at most."""
    of_environment = [] if freeze.environment is None else [Release.environment == freeze.environment]
    return list(
        session.scalars(
            select(Release)
            .where(
                Release.agency_id == freeze.agency_id,
                Release.outcome == Outcome.SCHEDULED,
                Release.set_aside_at.is_(None),
                in_window(Release.window_start_at, Release.window_end_at, (freeze.from_at, freeze.until_at)),
                *of_environment,
            )
            .options(joinedload(Release.change), lazyload(Release.release_assets))
            .order_by(Release.window_start_at, Release.id)
            .limit(_MAX_RELEASES)
        )
    )


def conflicts(session: Session, case: CaseFile, record: Mapping[str, Any]) -> dict[str, Message]:
    """Return the errors of scheduling a release with the values in ``record``, by field; empty without a window.

    Checks freezes, and overlapping releases unless ``overlap_reason`` is given. Locks the agency row until the
    transaction ends, so that no other release of the agency is scheduled meanwhile.
    """
    lock_agency(session, case.change.agency_id)
    start, end = record.get("window_start_at"), record.get("window_end_at")
    if start is None or end is None:
        return {}
    zone, environment = case.change.agency.zone, record.get("environment")
    errors: dict[str, Message] = {}
    if freezes := conflicting_freezes(session, case, (start, end), environment):
        errors["window_start_at"] = freeze_error(freezes, zone)
    if is_empty(record.get("overlap_reason")):
        release_assets = [item["asset_id"] for item in record.get("touched_assets") or ()]
        if others := overlapping_releases(session, case.change, (start, end), environment, release_assets):
            errors["overlap_reason"] = overlap_error(others, zone)
    return errors


def in_window(starts: SQLColumnExpression[Any], ends: SQLColumnExpression[Any], window: Window) -> ColumnElement[bool]:
    """Return the SQL criterion that the range from ``starts`` to ``ends`` overlaps ``window``."""
    start, end = window
    return and_(ends > start, starts < end)


def time_span(window: Window, zone: ZoneInfo) -> TimeSpan:
    """Return a window in the agency's time zone, as a value of a Message."""
    start, end = window
    return TimeSpan(start.astimezone(zone), end.astimezone(zone))


def _touches_asset(asset_ids: Collection[int]) -> ColumnElement[bool]:
    return exists().where(ReleaseAsset.release_id == Release.id, ReleaseAsset.asset_id.in_(sorted(asset_ids)))


def _named(name: str, window: TimeSpan) -> Message:
    return Message("%(name)s (%(window)s)", {"name": name, "window": window})


def freeze_error(freezes: list[Freeze], zone: ZoneInfo) -> Message:
    """Return the sentence that nothing is released in ``freezes``."""
    named = [_named(freeze.name, time_span((freeze.from_at, freeze.until_at), zone)) for freeze in freezes]
    return _(
        "Nothing is released in this freeze: %(freezes)s. Choose another window, or ask the head to permit it.",
        freezes=join_messages([*named]),
    )


def overlap_error(releases: list[Release], zone: ZoneInfo) -> Message:
    """Return the sentence that ``releases`` are planned at the same time."""
    named = []
    for release in releases:
        if release.window_start_at is None or release.window_end_at is None:
            raise ValueError("the release has no window")
        window = time_span((release.window_start_at, release.window_end_at), zone)
        named.append(_named(release.change.number or "", window))
    return _(
        "Another release is planned at the same time: %(releases)s. Choose another window, or state why both can "
        "proceed.",
        releases=join_messages([*named]),
    )
