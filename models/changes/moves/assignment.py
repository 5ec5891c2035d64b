"""Assignment of the current step: taken up by an eligible user, reassigned to a colleague with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import strip_blank
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import is_permitted
from models.accounts.user import User
from models.audit.trail import audit_context
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, session_of
from models.changes.moves.case_file import open_case
from models.changes.steps.activity import Activity
from models.changes.steps.due_times import save_due_time
from models.changes.steps.timing import raise_overdue_in
from models.deviations.deviation import account_error
from models.immutability import RowRules, no_update_or_delete
from models.notifications import rules
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from models.changes.change import ChangeRequest
    from models.changes.moves.case_file import CaseFile


class Reassignment(Base):
    """One reassignment of an open step: from whom, to whom, by whom, when and why."""

    __tablename__ = "handover"
    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="to_somebody_else"),
        CheckConstraint("by_id IN (from_id, to_id) OR by_administrator", name="by_one_of_the_two"),
        Index(None, "activity_id"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("a hand-over stays as it is")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"reason"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"))
    from_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    from_name: Mapped[str | None] = snapshot_of("from_id")
    from_title: Mapped[str | None] = snapshot_of("from_id", "position")
    to_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    to_name: Mapped[str | None] = snapshot_of("to_id")
    to_title: Mapped[str | None] = snapshot_of("to_id", "position")
    by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    by_name: Mapped[str | None] = snapshot_of("by_id")
    by_title: Mapped[str | None] = snapshot_of("by_id", "position")
    by_capacity: Mapped[ShortText | None]
    #: Whether an administrator gave it from one to the other: its assignee has left, say.
    by_administrator: Mapped[bool] = mapped_column(default=False, server_default=false())
    at: Mapped[Timestamp]
    reason: Mapped[LongText]

    activity: Mapped[Activity] = relationship(viewonly=True)
    previous_assignee: Mapped[User] = relationship(foreign_keys=from_id, viewonly=True)
    new_assignee: Mapped[User] = relationship(foreign_keys=to_id, viewonly=True)


def steps_held_by(session: Session, user: User) -> Sequence[Activity]:
    """Return the open steps that are assigned to ``user``, with their requests, the longest waiting first."""
    return session.scalars(
        select(Activity)
        .where(Activity.held_by_id == user.id, Activity.finished_at.is_(None))
        .options(joinedload(Activity.change))
        .order_by(Activity.arrived_at, Activity.id)
    ).all()


def take_up(change: ChangeRequest, actor: User, *, now: dt.datetime, version: int | None = None) -> Activity:
    """Assign the current step of ``change`` to ``actor`` and return it.

    The handling time starts, and nobody else may act on the step. Raises what ``ChangeRequest.save`` raises, and
    NoSuchMove (409) if the step has an assignee already or is the requester's.
    """
    return take_up_step(open_case(change, actor, now, version=version))


def take_up_step(case: CaseFile) -> Activity:
    """Like ``take_up``, for the actor of ``case``."""
    change, current, actor = case.change, case.require_open(), case.actor
    if refusal := case.reason_cannot_act:
        raise NoSuchMove(refusal) if current.held_by_id is not None else NotAllowed(refusal)
    if current.actor_role is Role.REQUESTER:
        raise NoSuchMove(_("This step is the requester's own; it cannot be assigned."))
    if current.held_by_id is not None:
        raise NoSuchMove(_("This step is already assigned to you."))
    # If the step was overdue on arrival time, that deviation is raised now, even if no sweep has run since.
    raise_overdue_in(case)
    current.taken_up_at, current.taken_up_by_id, current.held_by_id = case.now, actor.id, actor.id
    change.version += 1
    session_of(change).flush()
    session_of(change).refresh(current, ["taken_up_by", "assignee"])
    save_due_time(session_of(change), change.id, current, case.timing(current).due)
    rules.notify_taken_up(session_of(change), change, current, case.now)
    return current


def reassign(
    change: ChangeRequest, to: User, actor: User, *, now: dt.datetime, reason: str, version: int | None = None
) -> Reassignment:
    """Reassign the current step of ``change`` to ``to``, who must be eligible for it.

    The assignee and an administrator of the agency may reassign it to anybody eligible; another eligible user may take
    it over. Raises what ``ChangeRequest.save`` raises, NoSuchMove (409) if the step has no assignee, ValidationFailed
    (422) if ``to`` is not eligible or the reason is empty.
    """
    return reassign_step(open_case(change, actor, now, version=version), to, reason=reason)


def require_may_reassign(case: CaseFile) -> None:
    """Raise NotAllowed unless the actor of ``case`` has, may take or may give the step, NoSuchMove if nobody has it."""
    current, actor = case.require_open(), case.actor
    may_give = may_reassign_for_others(actor, case.change.agency_id)
    if current.held_by_id != actor.id and not may_give and (refusal := case.reason_cannot_take(actor)):
        raise NotAllowed(refusal)
    if current.held_by_id is None:
        raise NoSuchMove(_("This step has no assignee, so it cannot be reassigned."))


def reassign_step(case: CaseFile, to: User, *, reason: str) -> Reassignment:
    """Like ``reassign``, for the actor of ``case``."""
    require_may_reassign(case)
    change, current, actor = case.change, case.require_open(), case.actor
    by_administrator = actor.id not in {current.held_by_id, to.id} and may_reassign_for_others(actor, change.agency_id)
    if current.held_by_id != actor.id and not by_administrator:
        _require_taken_over(case, to)
    if errors := _field_errors(case, to, reason):
        raise ValidationFailed(_("The step cannot be reassigned with these values."), field_errors=errors)
    session = session_of(change)
    reassignment = Reassignment(
        agency_id=change.agency_id,
        change_id=change.id,
        activity_id=current.id,
        from_id=current.held_by_id,
        to_id=to.id,
        by_id=actor.id,
        by_capacity=_administrator_capacity(session) if by_administrator else case.capacity,
        by_administrator=by_administrator,
        at=case.now,
        reason=strip_blank(reason),
    )
    session.add(reassignment)
    former = session.get(User, current.held_by_id)
    current.held_by_id = to.id
    change.version += 1
    session.flush()
    session.refresh(current, ["assignee"])
    rules.notify_reassigned(session, change, current, to, actor, reassignment.reason, case.now, former)
    return reassignment


def may_reassign_for_others(user: User, agency_id: int) -> bool:
    """Whether ``user`` may give a step of the agency from one user to another: its administrators."""
    return is_permitted(user, Verb.EDIT, Resource.USER, agency_id)


def _administrator_capacity(session: Session) -> str | None:
    """Return the capacity of who answers for the transaction; a step's capacity is not theirs."""
    context = audit_context(session)
    return context.capacity if context is not None else None


def _require_taken_over(case: CaseFile, to: User) -> None:
    """Raise NotAllowed unless the actor, who is not the assignee, takes the step over for themselves."""
    if refusal := case.reason_cannot_take(case.actor):
        raise NotAllowed(refusal)
    if to.id != case.actor.id:
        raise NotAllowed(_("Only the assignee can reassign a step to somebody else; you can take it over yourself."))


def _field_errors(case: CaseFile, to: User, reason: str) -> dict[str, Message]:
    errors: dict[str, Message] = {}
    if to.id == case.position.assignee_id:
        errors["to"] = _("This step is already assigned to them.")
    elif refusal := case.reason_cannot_take(to):
        errors["to"] = refusal
    if error := reason_error(reason):
        errors["reason"] = error
    return errors


def reason_error(reason: str) -> Message | None:
    """Return the error of the reason of a reassignment, or None if it is valid."""
    return account_error(reason) or text_error(reason, required_label=_("Reason"))
