"""Correction of times that lie in the future because the server's clock was wrong, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.parsing.blank import strip_blank
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import is_permitted, require_permission
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp, session_of
from models.changes.steps.due_times import save_due_time
from models.changes.steps.timing import measure_activity
from models.immutability import no_update_or_delete
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt

    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from models.changes.loading import StepShown
    from models.changes.steps.activity import Activity
    from models.immutability import RowRules

_CORRECTED = AuditAction("change.correct-clock", _("Corrected times of a wrong clock"))


class ClockCorrection(Base):
    """The times of an open step before and after their correction, by whom, when and why."""

    __tablename__ = "clock_correction"
    __table_args__ = (
        CheckConstraint(
            "arrived_at < former_arrived_at OR taken_up_at < former_taken_up_at", name="to_an_earlier_time"
        ),
        Index(None, "activity_id"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("a correction stays as it is")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"reason"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"))
    former_arrived_at: Mapped[Timestamp]
    arrived_at: Mapped[Timestamp]
    former_taken_up_at: Mapped[Timestamp | None]
    taken_up_at: Mapped[Timestamp | None]
    by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    by_name: Mapped[str | None] = snapshot_of("by_id")
    by_title: Mapped[str | None] = snapshot_of("by_id", "position")
    by_capacity: Mapped[str | None] = snapshot_of("by_id", "capacity")
    at: Mapped[Timestamp]
    reason: Mapped[LongText]


def has_future_times(change: ChangeRequest, now: dt.datetime) -> bool:
    """Whether the open step of ``change`` began after ``now``, because the server's clock was ahead."""
    return begins_after(change.current_activity, now)


def begins_after(step: Activity | StepShown | None, now: dt.datetime) -> bool:
    """Whether an open step has a time after ``now``; no step has none."""
    return step is not None and max(step.arrived_at, step.taken_up_at or step.arrived_at) > now


def may_correct_clock(change: ChangeRequest, user: User, now: dt.datetime) -> bool:
    """Whether ``user`` may settle the times of ``change``, which lie in the future."""
    return is_permitted(user, Verb.EDIT, Resource.USER, change.agency_id) and has_future_times(change, now)


def correct_clock(change: ChangeRequest, *, by: User, now: dt.datetime, reason: str) -> ClockCorrection:
    """Let the open step of ``change`` begin now, where its times lie in the future; the former times stay on record.

    Raises NotAllowed unless ``by`` is an administrator of the agency, NoSuchMove if no time lies in the future,
    ValidationFailed for an empty reason.
    """
    require_permission(
        by, Verb.EDIT, Resource.USER, change.agency_id, _("Only an administrator corrects times of a wrong clock.")
    )
    current = change.current_activity
    if current is None or not has_future_times(change, now):
        raise NoSuchMove(_("No time of this request lies in the future."))
    if error := text_error(reason, required_label=_("Reason")):
        raise ValidationFailed(error, field_errors={"reason": error})
    correction = ClockCorrection(
        agency_id=change.agency_id, change_id=change.id, activity_id=current.id,
        former_arrived_at=current.arrived_at, arrived_at=min(current.arrived_at, now),
        former_taken_up_at=current.taken_up_at,
        taken_up_at=None if current.taken_up_at is None else min(current.taken_up_at, now),
        by_id=by.id, at=now, reason=strip_blank(reason),
    )  # fmt: skip
    session = session_of(change)
    session.add(correction)
    session.flush()  # the triggers let the times change by it
    current.arrived_at, current.taken_up_at = correction.arrived_at, correction.taken_up_at
    change.version += 1
    _CORRECTED.describe(session, reason=correction.reason)
    session.flush()
    save_due_time(session, change.id, current, measure_activity(change, current, now).due)
    return correction
