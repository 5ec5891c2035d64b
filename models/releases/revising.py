"""Revising a finished release: move its window, set its plan aside, correct its actual time; and who is reminded of it.

The request is not reopened. Each revision is a row (``release_revision``), and the people concerned are notified.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import Message, TimeSpan, _
from lpse_admin.notifications.events import Event
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop.steps import Outcome
from models.accounts.permission import require_permission
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import session_of
from models.changes.moves.case_file import lock, read_case
from models.changes.steps.activity import Release
from models.notifications.notification import Notification, notify
from models.notifications.rules import heads_and_acting_heads
from models.releases import conflicts
from models.releases.release_revision import ReleaseRevision, ReleaseRevisionKind
from models.validation import is_plausible_date, text_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement

    from models.office.agency import Agency

_MOVED = AuditAction("release.move", _("Moved a release window"))
_SET_ASIDE = AuditAction("release.set-aside", _("Set a release plan aside"))
_CORRECTED = AuditAction("release.correct", _("Corrected an actual release time"))
_NOT_ALLOWED = _("Only a change manager changes the plan of a release.")
#: Who recorded no actual time is reminded of windows that ended so long ago at the most.
_REMINDED_WITHIN = dt.timedelta(days=60)
_MAX_REMINDERS = 200


def can_move(release: Release) -> bool:
    """Whether the window can be moved, or its plan set aside: it is planned, and nothing was released yet."""
    return release.outcome is Outcome.SCHEDULED and release.actual_at is None


def can_correct(release: Release) -> bool:
    """Whether there is an actual time that can be corrected."""
    return release.outcome is Outcome.SCHEDULED and release.actual_at is not None


def move_window(
    release: Release,
    *,
    by: User,
    now: dt.datetime,
    window: tuple[dt.datetime | None, dt.datetime | None],
    reason: str,
    overlap_reason: str = "",
) -> ReleaseRevision:
    """Plan a release for another window, also after its plan was set aside.

    Freezes and overlaps count as when it was scheduled. Raises NotAllowed, NoSuchMove if it took place already, and
    ValidationFailed with an error for each field.
    """
    _begin(release, by, is_possible=can_move)
    window_start_at, window_end_at = window
    errors = _reason_errors(reason) | _window_errors(window_start_at, window_end_at)
    if not errors:
        record = {
            "window_start_at": window_start_at,
            "window_end_at": window_end_at,
            "environment": release.environment,
            "overlap_reason": strip_blank(overlap_reason),
            "touched_assets": [{"asset_id": item.asset_id} for item in release.release_assets],
        }
        errors = conflicts.conflicts(session_of(release), read_case(release.change, by, now), record)
    if errors:
        raise ValidationFailed(_("Some of the values entered cannot be saved."), field_errors=errors)
    revision = _revision(release, ReleaseRevisionKind.MOVED, by, now, reason)
    revision.window_start_at, revision.window_end_at = window_start_at, window_end_at
    _store(release, revision)
    release.window_start_at, release.window_end_at, release.set_aside_at = window_start_at, window_end_at, None
    if strip_blank(overlap_reason):
        release.overlap_reason = strip_blank(overlap_reason)
    return _finish(release, revision, _MOVED, by)


def set_aside(release: Release, *, by: User, now: dt.datetime, reason: str) -> ReleaseRevision:
    """Set the plan of a release aside; it can be planned anew. Raises NotAllowed, NoSuchMove and ValidationFailed."""
    _begin(release, by, is_possible=can_move)
    if release.set_aside_at is not None:
        raise NoSuchMove(_("The plan of this release was set aside already."))
    _require(_reason_errors(reason))
    revision = _revision(release, ReleaseRevisionKind.SET_ASIDE, by, now, reason)
    _store(release, revision)
    release.set_aside_at = now
    return _finish(release, revision, _SET_ASIDE, by)


def correct_actual_time(
    release: Release, *, by: User, now: dt.datetime, actual_at: dt.datetime | None, reason: str
) -> ReleaseRevision:
    """Correct the actual time of a release. Raises NotAllowed, NoSuchMove and ValidationFailed."""
    _begin(release, by, is_possible=can_correct)
    errors = _reason_errors(reason)
    if error := _actual_time_error(release, actual_at, now):
        errors["actual_at"] = error
    _require(errors)
    revision = _revision(release, ReleaseRevisionKind.CORRECTED, by, now, reason)
    revision.actual_at = actual_at
    _store(release, revision)
    release.actual_at = actual_at
    return _finish(release, revision, _CORRECTED, by)


def is_unrecorded(now: ColumnElement[dt.datetime] | dt.datetime) -> ColumnElement[bool]:
    """Return the criterion for the releases whose window has passed at ``now`` without an actual time."""
    columns = Release.__table__.c
    return (columns.window_end_at < now) & columns.actual_at.is_(None) & columns.set_aside_at.is_(None)


def count_unrecorded(session: Session, visible: ColumnElement[bool], now: dt.datetime) -> int:
    """Return how many of the ``visible`` releases have a window that has passed without an actual time."""
    counted = select(func.count()).select_from(Release).where(Release.outcome == Outcome.SCHEDULED, is_unrecorded(now))
    # Compared with 1, so that they are found among the releases without an actual time, and not among all steps.
    return session.scalar(counted.where(case((visible, 1), else_=0) == 1)) or 0


def remind_of_unrecorded(session: Session, agency: Agency, now: dt.datetime) -> int:
    """Notify the change managers of each release of ``agency`` whose window has passed; once for each window."""
    notified = (
        select(Notification.id)
        .where(Notification.activity_id == Release.id, Notification.event == Event.RELEASE_UNRECORDED)
        .where(Notification.at > Release.window_end_at)
    )
    releases = session.scalars(
        select(Release)
        .where(
            Release.agency_id == agency.id,
            Release.outcome == Outcome.SCHEDULED,
            is_unrecorded(now),
            Release.window_end_at > now - _REMINDED_WITHIN,
            ~notified.exists(),
        )
        .options(joinedload(Release.change))
        .order_by(Release.window_end_at, Release.id)
        .limit(_MAX_REMINDERS)
    ).all()
    managers = list(
        session.scalars(
            select(User).where(User.agency_id == agency.id, User.is_active, User.is_change_manager).order_by(User.id)
        )
        if releases
        else ()
    )
    for release in releases:
        notify(
            session, Event.RELEASE_UNRECORDED, managers, now=now,
            key=f"release-unrecorded-{release.id}-{release.plan_revision}", change=release.change, activity=release,
            step=release.step.title, window=_window(release),
        )  # fmt: skip
    return len(releases)


def _begin(release: Release, by: User, *, is_possible: object) -> None:
    """Check permission and state, under the lock of the request."""
    require_permission(by, Verb.EDIT, Resource.RELEASE, release.agency_id, _NOT_ALLOWED)
    lock(release.change, by)
    session_of(release).refresh(release)
    if not callable(is_possible) or not is_possible(release):
        raise NoSuchMove(_("The plan of this release can no longer be changed in this way."))


def _require(errors: dict[str, Message]) -> None:
    if errors:
        raise ValidationFailed(_("Some of the values entered cannot be saved."), field_errors=errors)


def _reason_errors(reason: str) -> dict[str, Message]:
    error = text_error(reason, required_label=_("Reason"))
    return {"reason": error} if error else {}


def _window_errors(start: dt.datetime | None, end: dt.datetime | None) -> dict[str, Message]:
    given = {"window_start_at": start, "window_end_at": end}
    errors = {
        key: _("This is not a date and time.")
        for key, moment in given.items()
        if moment is None or not is_plausible_date(moment)
    }
    if start is not None and end is not None and not errors and end <= start:
        errors["window_end_at"] = _("The window end must be after its start.")
    return errors


def _actual_time_error(release: Release, at: dt.datetime | None, now: dt.datetime) -> Message | None:
    if at is None:
        return _("This is not a date and time.")
    if at > now:
        return _("The actual time cannot be in the future.")
    if release.change.submitted_at is not None and at < release.change.submitted_at:
        return _("The actual time cannot be before the request.")
    return None


def _revision(release: Release, kind: ReleaseRevisionKind, by: User, now: dt.datetime, reason: str) -> ReleaseRevision:
    return ReleaseRevision(
        agency_id=release.agency_id, change_id=release.change_id, release_id=release.id,
        number=release.plan_revision + 1, kind=kind, former_start_at=release.window_start_at,
        former_end_at=release.window_end_at, former_actual_at=release.actual_at,
        window_start_at=release.window_start_at, window_end_at=release.window_end_at, actual_at=release.actual_at,
        reason=strip_blank(reason), revised_at=now, revised_by_id=by.id,
    )  # fmt: skip


def _store(release: Release, revision: ReleaseRevision) -> None:
    """Insert the revision; only then does the database let the release change."""
    session = session_of(release)
    session.add(revision)
    session.flush()
    release.plan_revision = revision.number


def _finish(release: Release, revision: ReleaseRevision, action: AuditAction, by: User) -> ReleaseRevision:
    session = session_of(release)
    session.flush()
    action.describe(session, reason=revision.reason)
    _notify(session, release, revision, by)
    return revision


def _notify(session: Session, release: Release, revision: ReleaseRevision, by: User) -> None:
    people: Iterable[User] = (
        release.change.requester,
        *heads_and_acting_heads(session, release.change, revision.revised_at),
    )
    notify(
        session, Event.RELEASE_REVISED, [user for user in people if user.id != by.id], now=revision.revised_at,
        key=f"release-revised-{release.id}-{revision.number}", change=release.change, activity=release,
        revision=revision.kind, reason=revision.reason, window=_window(release), by=by.full_name,
    )  # fmt: skip


def _window(release: Release) -> TimeSpan | None:
    if release.window_start_at is None or release.window_end_at is None:
        return None
    return conflicts.time_span((release.window_start_at, release.window_end_at), release.change.agency.zone)
