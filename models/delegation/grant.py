"""Decrees: how the head's delegation comes about, and what one must say to be recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import Incomplete, NotAllowed
from lpse_admin.i18n import Message, _
from lpse_admin.notifications.events import Event
from models.accounts.user import User
from models.base import LINE_LENGTH
from models.delegation.acting_head import tell_of_what_waits
from models.delegation.delegation import Delegation, records_for
from models.office.agency import lock
from models.validation import fault_of

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from models.delegation.delegation import DelegationKind


def grant(  # noqa: PLR0913 - a decree has this many parts
    session: Session,
    *,
    head: User,
    delegate: User,
    kind: DelegationKind,
    decree_number: str,
    from_date: dt.date,
    until_date: dt.date,
    by: User,
    now: dt.datetime,
    reason: str | None = None,
) -> Delegation:
    """Record the head's delegation; ``by`` is the head or an administrator who has the decree before them.

    The delegate is told, of what waits for the head already too where the delegation is in force at once.

    Raises NotAllowed where somebody else grants it, Incomplete with a sentence beside each wrong field.
    """
    _may_grant(head, by)
    if head.agency_id is not None:
        session.flush()
        lock(session, head.agency_id)  # two decrees at once would not see one another
    number = decree_number.strip()
    faults = _faults(session, head, delegate, from_date, until_date, now)
    if by.id == delegate.id:
        faults["delegate_id"] = _("You cannot record a delegation to yourself: another administrator or the head can.")
    faults |= _faults_of_texts(number, reason)
    if faults:
        raise Incomplete(_("The delegation cannot be recorded like this."), fields=faults)
    delegation = Delegation(
        agency=head.agency,
        head=head,
        delegate=delegate,
        kind=kind,
        decree_number=number,
        from_date=from_date,
        until_date=until_date,
        reason=reason,
        recorded_by=by,
        recorded_at=now,
    )
    session.add(delegation)
    session.flush()
    delegation.tell_of(Event.DELEGATION_GRANTED, by, now, reason=reason)
    if delegation.is_in_force(now):
        tell_of_what_waits(session, delegation, now)
    return delegation


def _may_grant(head: User, by: User) -> None:
    is_head = by.id == head.id and Role.HEAD in by.roles
    if not (is_head or records_for(by, head.agency_id)):
        raise NotAllowed(_("Only the head grants a delegation, or an administrator records it from the decree."))


def _faults(  # noqa: PLR0913, PLR0917 - the parts of a decree that can be wrong together
    session: Session, head: User, delegate: User, from_date: dt.date, until_date: dt.date, now: dt.datetime
) -> dict[str, Message]:
    faults: dict[str, Message] = {}
    if Role.HEAD not in head.roles:
        faults["head_id"] = _("A delegation is the head's to give: it cannot be delegated further.")
    if delegate.agency_id != head.agency_id or not delegate.is_active:
        faults["delegate_id"] = _("The delegate must be an active user of the same agency.")
    elif delegate.id == head.id or Role.HEAD in delegate.roles:
        faults["delegate_id"] = _("The delegate must be somebody other than a head.")
    if until_date < from_date:
        faults["until_date"] = _("The last day is before the first.")
    elif head.agency is not None and until_date < head.agency.date_of(now):
        faults["until_date"] = _("The last day is past already.")
    if not faults and _overlapping(session, head, from_date, until_date):
        faults["from_date"] = _("Another delegation is in force on some of these days.")
    return faults


def _faults_of_texts(number: str, reason: str | None) -> dict[str, Message]:
    faults = {
        "decree_number": fault_of(number, needed_as=_("Decree number"), most=LINE_LENGTH),
        "reason": fault_of(reason or ""),
    }
    return {key: fault for key, fault in faults.items() if fault}


def _overlapping(session: Session, head: User, from_date: dt.date, until_date: dt.date) -> bool:
    return (
        session.scalars(
            select(Delegation.id)
            .where(
                Delegation.agency_id == head.agency_id,
                Delegation.head_id.in_(select(User.id).where(User.is_head)),
                Delegation.withdrawn_at.is_(None),
                Delegation.from_date <= until_date,
                Delegation.until_date >= from_date,
            )
            .limit(1)
        ).one_or_none()
        is not None
    )
