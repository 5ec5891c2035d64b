"""Recording of the head's delegations from their decrees, with validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.notifications.events import Event
from lpse_admin.parsing.blank import strip_blank
from models.accounts.permission import is_permitted
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH
from models.delegation.acting_head import notify_of_waiting_steps
from models.delegation.delegation import Delegation
from models.office.agency import lock_agency
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from models.delegation.delegation import DelegationKind


_GRANTED = AuditAction("delegation.grant", _("Recorded a delegation"))


def grant_delegation(  # noqa: PLR0913 - the columns of a delegation
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
    """Record the head's delegation; ``by`` is the head, or an administrator who records it from the decree.

    The delegate is notified; if the delegation is in force at once, also of the steps that wait for the head.

    Raises NotAllowed for any other ``by``, ValidationFailed with an error for each wrong field.
    """
    _require_can_grant(head, by)
    if head.agency_id is not None:
        session.flush()
        lock_agency(session, head.agency_id)  # otherwise concurrent delegations would not see each other
    number = strip_blank(decree_number)
    errors = _field_errors(session, head, delegate, from_date, until_date, now)
    if by.id == delegate.id:
        errors["delegate_id"] = _("You cannot record a delegation to yourself: another administrator or the head can.")
    errors |= _text_errors(number, reason)
    if errors:
        raise ValidationFailed(_("The delegation cannot be recorded with these values."), field_errors=errors)
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
    _GRANTED.describe(session, reason=reason)
    delegation.notify_parties(Event.DELEGATION_GRANTED, by, now, reason=reason)
    if delegation.is_in_force(now):
        notify_of_waiting_steps(session, delegation, now)
    return delegation


def _require_can_grant(head: User, by: User) -> None:
    """Raise NotAllowed unless ``by`` is the head, or an administrator of the agency."""
    is_own = by.id == head.id or Role.ADMINISTRATOR in by.roles  # one head cannot delegate for another
    if not (is_own and is_permitted(by, Verb.CREATE, Resource.DELEGATION, head.agency_id)):
        raise NotAllowed(_("Only the head grants a delegation, or an administrator records it from the decree."))


def _field_errors(
    session: Session, head: User, delegate: User, from_date: dt.date, until_date: dt.date, now: dt.datetime
) -> dict[str, Message]:
    errors: dict[str, Message] = {}
    if Role.HEAD not in head.roles:
        errors["head_id"] = _("Only the head can delegate: a delegation cannot be delegated further.")
    if delegate.agency_id != head.agency_id or not delegate.is_active:
        errors["delegate_id"] = _("The delegate must be an active user of the same agency.")
    elif delegate.id == head.id or Role.HEAD in delegate.roles:
        errors["delegate_id"] = _("The delegate must not be a head.")
    if until_date < from_date:
        errors["until_date"] = _("The last day is before the first.")
    elif head.agency is not None and until_date < head.agency.local_date(now):
        errors["until_date"] = _("The last day is in the past.")
    if not errors and _has_overlap(session, head, from_date, until_date):
        errors["from_date"] = _("Another delegation is in force on some of these days.")
    return errors


def _text_errors(number: str, reason: str | None) -> dict[str, Message]:
    errors = {
        "decree_number": text_error(number, required_label=_("Decree number"), max_length=SHORT_TEXT_LENGTH),
        "reason": text_error(reason or ""),
    }
    return {key: error for key, error in errors.items() if error}


def _has_overlap(session: Session, head: User, from_date: dt.date, until_date: dt.date) -> bool:
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
