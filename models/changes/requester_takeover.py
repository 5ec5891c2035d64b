"""Another person takes over the requester's part of a request, with a reason: the account of the former is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column, selectinload

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotFound, ValidationFailed
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop.steps import CONFLICTING_DUTIES, Duty
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import require_permission
from models.accounts.person import accounts_of_people
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp, session_of
from models.changes.change import ChangeRequest
from models.immutability import no_update_or_delete
from models.notifications import rules
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from lpse_admin.sop import StepRule
    from models.accounts.user import User
    from models.immutability import RowRules

_GIVE_FIRST = _("Give them to another requester first, on the page of the account; then the role can be taken away.")
_TAKEN_OVER = AuditAction("change.take-over-request", _("Took over the requester's part"))


class RequesterTakeover(Base):
    """From whom to whom the requester's part of a request went, by whom, when and why."""

    __tablename__ = "requester_takeover"
    __table_args__ = (CheckConstraint("from_id <> to_id", name="to_somebody_else"), Index(None, "change_id"))

    row_rules: ClassVar[RowRules] = no_update_or_delete("a takeover stays as it is")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"reason"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    from_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    from_name: Mapped[str | None] = snapshot_of("from_id")
    from_title: Mapped[str | None] = snapshot_of("from_id", "position")
    to_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    to_name: Mapped[str | None] = snapshot_of("to_id")
    to_title: Mapped[str | None] = snapshot_of("to_id", "position")
    by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    by_name: Mapped[str | None] = snapshot_of("by_id")
    by_title: Mapped[str | None] = snapshot_of("by_id", "position")
    by_capacity: Mapped[str | None] = snapshot_of("by_id", "capacity")
    at: Mapped[Timestamp]
    reason: Mapped[LongText]


def open_requests_of(session: Session, user: User) -> Sequence[ChangeRequest]:
    """Return the submitted requests of ``user`` that are not closed, oldest first."""
    return session.scalars(
        select(ChangeRequest)
        .where(ChangeRequest.requester_id == user.id, ChangeRequest.closed_at.is_(None))
        .where(ChangeRequest.submitted_at.is_not(None))
        .options(selectinload(ChangeRequest.activities))
        .order_by(ChangeRequest.id)
    ).all()


def waits_for_requester(change: ChangeRequest) -> bool:
    """Whether the current step is the requester's, or needs the requester's consent."""
    rule = change.sop.rules.get(change.step)
    return rule is not None and _asks_requester(rule)


def needs_requester(change: ChangeRequest) -> bool:
    """Whether the current step, or one that may follow it, is the requester's or needs the requester's consent."""
    ahead = change.sop.reachable_steps(change.step)
    return any(_asks_requester(change.sop.rules[step]) for step in ahead if step in change.sop.rules)


def _asks_requester(rule: StepRule) -> bool:
    return Role.REQUESTER in {rule.actor, *(consent.actor for consent in rule.consents)}


def reason_cannot_take_over(change: ChangeRequest, to: User) -> Message | None:
    """Return why ``to`` cannot have the requester's part of ``change``, or None if they can."""
    if not to.is_active or to.agency_id != change.agency_id or Role.REQUESTER not in to.roles:
        return _("The requester's part goes to an active requester of the same agency.")
    if to.id == change.requester_id:
        return _("This is the requester already.")
    duties = change.position.duties
    accounts = accounts_of_people(session_of(change), change.agency_id, {to.id})
    if any(not accounts.isdisjoint(duties.get(duty, frozenset())) for duty in CONFLICTING_DUTIES[Duty.REQUEST]):
        return _(
            "%(name)s has evaluated or decided %(number)s, so cannot be its requester.",
            name=to.full_name,
            number=change.number,
        )
    return None


def take_over_request(change: ChangeRequest, to: User, *, by: User, now: dt.datetime, reason: str) -> RequesterTakeover:
    """Give the requester's part of ``change`` to ``to``; who asked stays on the request and in its history.

    Raises NotAllowed unless ``by`` is an administrator of the agency, NoSuchMove for a draft or a closed request,
    ValidationFailed if ``to`` cannot have it or the reason is empty.
    """
    session = session_of(change)
    require_permission(
        by, Verb.EDIT, Resource.USER, change.agency_id, _("Only an administrator gives a request to another requester.")
    )
    locked = select(ChangeRequest).where(ChangeRequest.id == change.id).with_for_update(of=ChangeRequest)
    if session.scalars(locked.execution_options(populate_existing=True)).one_or_none() is None:
        raise NotFound(_("There is no such request."))
    current = change.current_activity
    if change.is_draft or current is None:
        raise NoSuchMove(_("Only an open request goes to another requester."))
    errors = {"to": reason_cannot_take_over(change, to), "reason": text_error(reason, required_label=_("Reason"))}
    if result := {key: error for key, error in errors.items() if error}:
        raise ValidationFailed(_("The request cannot be taken over with these values."), field_errors=result)
    takeover = RequesterTakeover(
        agency_id=change.agency_id, change_id=change.id, from_id=change.requester_id, to_id=to.id, by_id=by.id, at=now,
        reason=strip_blank(reason),
    )  # fmt: skip
    session.add(takeover)
    session.flush()  # the triggers let the requester change by it
    change.requester_id = to.id
    for activity in change.activities:
        activity.requester_id = to.id
    change.version += 1
    _TAKEN_OVER.describe(session, reason=takeover.reason)
    session.flush()
    session.expire(change, ["requester"])
    rules.notify_reassigned(session, change, current, to, by, takeover.reason, now)
    return takeover


def requests_that_need(session: Session, user: User) -> list[ChangeRequest]:
    """Return the open requests of ``user`` whose current step, or one that may follow it, is the requester's."""
    return [change for change in open_requests_of(session, user) if needs_requester(change)]


def reason_keeps_requester_role(session: Session, user: User) -> Message | None:
    """Return why ``user`` has to stay a requester, or None: a request would be without one."""
    changes = requests_that_need(session, user)
    return join_messages([waiting_message(changes), _GIVE_FIRST], " ") if changes else None


def waiting_message(changes: Sequence[ChangeRequest]) -> Message:
    """Return what waits for a requester, by number, and what may come back to them."""
    waiting = [str(change.number) for change in changes if waits_for_requester(change)]
    others = [str(change.number) for change in changes if not waits_for_requester(change)]
    return _(
        "Waiting for this requester now: %(waiting)s. May still come back to them: %(others)s.",
        waiting=", ".join(waiting) or "–",
        others=", ".join(others) or "–",
    )
