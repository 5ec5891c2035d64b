"""Recording of delegations from their decrees, with validation: the head's, and the superior's for a vacant post."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, or_, select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.notifications.events import Event
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.workflow.acting_head import backdating_to_explain, length_to_explain, reason_cannot_act_for_head
from models.accounts.permission import is_permitted
from models.accounts.person import is_same_person
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, session_of
from models.delegation.acting_head import notify_of_waiting_steps
from models.delegation.delegation import Delegation, DelegationKind, is_post_vacant
from models.notifications.notification import notify
from models.office.agency import Agency, lock_agency
from models.validation import text_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


_NOT_A_COLLEAGUE = _("The delegate must be an active user of the same agency.")
_GRANTED = AuditAction("delegation.grant", _("Recorded a delegation"))
_CONFIRMED = AuditAction("delegation.confirm", _("Confirmed a delegation"))


@dataclass(frozen=True, slots=True)
class Superior:
    """Who appoints the Plt. of a vacant post: name and title (jabatan), and the date of the decree."""

    name: str
    title: str
    decree_date: dt.date | None

    def sign(self, delegation: Delegation) -> None:
        """Enter who appoints as the one whose decree ``delegation`` is."""
        delegation.head_name, delegation.head_title = strip_blank(self.name), strip_blank(self.title)
        delegation.decree_date = self.decree_date


def grant_delegation(  # noqa: PLR0913 - the columns of a delegation
    session: Session,
    *,
    head: User | None,
    delegate: User,
    kind: DelegationKind,
    decree_number: str,
    from_date: dt.date,
    until_date: dt.date,
    by: User,
    now: dt.datetime,
    reason: str | None = None,
    superior: Superior | None = None,
    exception_reason: str | None = None,
) -> Delegation:
    """Record a delegation; ``by`` is the head, or an administrator who records it from the decree.

    Without ``head`` it is the decree of ``superior`` for the Plt. of a vacant post, which an administrator records.
    ``exception_reason`` is why it starts in the past or lasts longer than a Plt. may. The delegate is notified; if the
    delegation is in force at once, also of the steps that wait for the head.

    Raises NotAllowed for any other ``by``, ValidationFailed with an error for each wrong field.
    """
    agency = head.agency if head is not None else delegate.agency
    _require_can_grant(head, agency, by)
    if agency is None:
        raise ValidationFailed(_NOT_A_COLLEAGUE, field_errors={"delegate_id": _NOT_A_COLLEAGUE})
    session.flush()
    lock_agency(session, agency.id)  # otherwise concurrent delegations would not see each other
    delegation = Delegation(
        agency=agency,
        head=head,
        delegate=delegate,
        kind=kind,
        decree_number=strip_blank(decree_number),
        from_date=from_date,
        until_date=until_date,
        reason=reason,
        recorded_by=by,
        recorded_at=now,
        exception_reason=strip_blank(exception_reason or "") or None,
        # In somebody else's name: it waits for a second person.
        unconfirmed_since=None if head is not None and by.id == head.id else now,
    )
    if superior is not None:
        superior.sign(delegation)
    if errors := _errors(session, delegation, now):
        raise ValidationFailed(_("The delegation cannot be recorded with these values."), field_errors=errors)
    _record(session, delegation, by, now)
    return delegation


def _record(session: Session, delegation: Delegation, by: User, now: dt.datetime) -> None:
    session.add(delegation)
    session.flush()
    _GRANTED.describe(session, reason=delegation.reason)
    if delegation.unconfirmed_since is None:
        _begin(session, delegation, by, now)
    else:
        _ask_to_confirm(session, delegation, by, now)


def confirm_delegation(delegation: Delegation, *, by: User, now: dt.datetime) -> None:
    """Confirm what an administrator recorded in the head's name; from then on it is in force on its days.

    Raises NotAllowed unless ``by`` may be its second person, NoSuchMove if it does not wait.
    """
    session = session_of(delegation)
    session.refresh(delegation, with_for_update={"of": Delegation})
    if delegation.unconfirmed_since is None or not delegation.is_standing:
        raise NoSuchMove(_("This delegation does not wait for confirmation."))
    if not delegation.can_be_confirmed_by(by, now):
        raise NotAllowed(_("The head confirms it, or another administrator than the one who recorded it."))
    delegation.unconfirmed_since, delegation.confirmed_at, delegation.confirmed_by = None, now, by
    _CONFIRMED.describe(session)
    session.flush()
    _begin(session, delegation, by, now)


def _begin(session: Session, delegation: Delegation, by: User, now: dt.datetime) -> None:
    """Notify the parties; if it is in force at once, the delegate also of the steps that wait for the head."""
    delegation.notify_parties(Event.DELEGATION_GRANTED, by, now, reason=delegation.reason)
    if delegation.is_in_force(now):
        notify_of_waiting_steps(session, delegation, now)


def _ask_to_confirm(session: Session, delegation: Delegation, by: User, now: dt.datetime) -> None:
    """Notify those who can confirm it."""
    users = select(User).where(
        User.agency_id == delegation.agency.id, User.is_active, or_(User.is_head, User.is_administrator)
    )
    recipients = [
        user for user in session.scalars(users.order_by(User.id)) if delegation.can_be_confirmed_by(user, now)
    ]
    notify(
        session, Event.DELEGATION_UNCONFIRMED, recipients, now=now, key=f"delegation-unconfirmed-{delegation.id}",
        delegate=f"{delegation.kind.prefix} {delegation.delegate.full_name}",
        first_day=delegation.from_date, last_day=delegation.until_date, decree=delegation.decree_number,
        by=by.full_name, reason=delegation.reason,
    )  # fmt: skip


def _require_can_grant(head: User | None, agency: Agency | None, by: User) -> None:
    """Raise NotAllowed unless ``by`` is the head, or an administrator of the agency."""
    is_own = head is not None and by.id == head.id  # one head cannot delegate for another
    if not (is_own or Role.ADMINISTRATOR in by.roles) or not is_permitted(
        by, Verb.CREATE, Resource.DELEGATION, agency.id if agency else None
    ):
        raise NotAllowed(_("Only the head grants a delegation, or an administrator records it from the decree."))


def _errors(session: Session, delegation: Delegation, now: dt.datetime) -> dict[str, Message]:
    """Return an error for each wrong field of a new delegation."""
    errors = _giver_errors(session, delegation, now) | _delegate_errors(delegation) | _date_errors(delegation, now)
    if not errors and _has_overlap(session, delegation):
        errors["from_date"] = _("Another delegation is in force on some of these days.")
    texts = {
        "decree_number": text_error(
            delegation.decree_number, required_label=_("Decree number"), max_length=SHORT_TEXT_LENGTH
        ),
        "reason": text_error(delegation.reason or ""),
        "exception_reason": text_error(delegation.exception_reason or ""),
    }
    errors |= {key: error for key, error in texts.items() if error}
    if "decree_number" not in errors and (error := _decree_error(session, delegation)):
        errors["decree_number"] = error
    unexplained = _to_explain(session, delegation, now) if not errors.keys() & {"from_date", "until_date"} else []
    if unexplained and delegation.exception_reason is None:
        errors["exception_reason"] = join_messages([*unexplained], " ")
    return errors


def _giver_errors(session: Session, delegation: Delegation, now: dt.datetime) -> dict[str, Message]:
    if delegation.head is not None:
        if Role.HEAD not in delegation.head.roles:
            return {"head_id": _("Only the head can delegate: a delegation cannot be delegated further.")}
        return {}
    if not is_post_vacant(session, delegation.agency.id):
        return {"head_id": _("The post of head is not vacant: the head delegates.")}
    results = {
        "giver_name": text_error(
            delegation.head_name or "", required_label=_("Name of the superior"), max_length=SHORT_TEXT_LENGTH
        ),
        "giver_title": text_error(
            delegation.head_title or "", required_label=_("Title of the superior"), max_length=SHORT_TEXT_LENGTH
        ),
    }
    errors = {key: error for key, error in results.items() if error}
    if delegation.decree_date is None:
        errors["decree_date"] = _("“%(field)s” is required here.", field=_("Date of the decree"))
    elif delegation.decree_date > delegation.agency.local_date(now):
        errors["decree_date"] = _("The date of the decree is in the future.")
    if delegation.kind is not DelegationKind.PLT:
        errors["kind"] = _("A vacant post is held by a Plt.; a Plh. acts for a head who is absent.")
    return errors


def _delegate_errors(delegation: Delegation) -> dict[str, Message]:
    delegate, by = delegation.delegate, delegation.recorded_by
    if is_same_person(by, delegate):
        return {"delegate_id": _("You cannot record a delegation to yourself: another administrator or the head can.")}
    if delegate.agency_id != delegation.agency.id or not delegate.is_active:
        return {"delegate_id": _NOT_A_COLLEAGUE}
    error = reason_cannot_act_for_head(delegate.roles)
    return {"delegate_id": error} if error else {}


def _date_errors(delegation: Delegation, now: dt.datetime) -> dict[str, Message]:
    if delegation.until_date < delegation.from_date:
        return {"until_date": _("The last day is before the first.")}
    if delegation.until_date < delegation.agency.local_date(now):
        return {"until_date": _("The last day is in the past.")}
    return {}


def _decree_error(session: Session, delegation: Delegation) -> Message | None:
    """Return the error if another delegation has this decree already.

    A withdrawn one may be recorded again for the same delegate, since something of it was typed wrongly.
    """
    number = _comparable(delegation.decree_number)
    for other in _of_agency(session, delegation):
        is_corrected = other.withdrawn_at is not None and other.delegate_id == delegation.delegate.id
        if not is_corrected and _comparable(other.decree_number) == number:
            return _(
                "This decree has been recorded already, for %(delegate)s. One decree serves one delegation.",
                delegate=f"{other.kind.prefix} {other.delegate_name}",
            )
    return None


def _comparable(number: str) -> str:
    """Return a decree number without blanks and punctuation, in one case."""
    return "".join(character for character in number.casefold() if character.isalnum())


def _to_explain(session: Session, delegation: Delegation, now: dt.datetime) -> list[Message]:
    """Return what of the delegation needs a reason on record."""
    today = now.astimezone(delegation.agency.zone).date()
    results = [backdating_to_explain(delegation.from_date, today)]
    if delegation.head is None:
        earlier = [
            (other.from_date, min(other.until_date, _last_day(other)))
            for other in _of_agency(session, delegation)
            if other.head_id is None and other.delegate_id == delegation.delegate.id
        ]
        results.append(length_to_explain(delegation.from_date, delegation.until_date, earlier))
    return [message for message in results if message]


def _last_day(delegation: Delegation) -> dt.date:
    ended = delegation.withdrawn_at or delegation.void_at
    return dt.date.max if ended is None else delegation.agency.local_date(ended)


def _of_agency(session: Session, delegation: Delegation) -> Sequence[Delegation]:
    return session.scalars(
        select(Delegation).where(Delegation.agency_id == delegation.agency.id).order_by(Delegation.id)
    ).all()


def _has_overlap(session: Session, delegation: Delegation) -> bool:
    overlapping = (
        exists()
        .where(Delegation.agency_id == delegation.agency.id, Delegation.is_standing)
        .where(Delegation.from_date <= delegation.until_date, Delegation.until_date >= delegation.from_date)
    )
    return bool(session.scalar(select(overlapping)))
