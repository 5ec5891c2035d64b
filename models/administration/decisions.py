"""The decision on a request for a second person: approved, refused or withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.accounts.four_eyes import RequestState
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.parsing.blank import strip_blank
from models.accounts.permission import can_second
from models.administration.notices import notify_of_account_change
from models.administration.operations import carry_out
from models.audit.actions import AuditAction
from models.base import session_of
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt

    from models.accounts.user import User
    from models.administration.account_request import AccountRequest
    from models.administration.operations import WayIn

APPROVED = AuditAction("account-request.approve", _("Approved the change of an account"))
REFUSED = AuditAction("account-request.refuse", _("Refused the change of an account"))
WITHDRAWN = AuditAction("account-request.withdraw", _("Withdrew a request for a second person"))


def approve(request: AccountRequest, by: User | None, *, now: dt.datetime, secret_key: str | None) -> WayIn | None:
    """Do what was asked, as its second person (None: the terminal); return the way in where the password is a new one.

    Raises NotAllowed for anybody else, NoSuchMove if it does not wait any more or cannot be done as things are now.
    """
    _require_waiting(request, now)
    _require_second_person(request, by)
    _decide(request, RequestState.APPROVED, by, now)
    way_in = carry_out(request, now=now, secret_key=secret_key)
    APPROVED.describe(session_of(request))
    return way_in


def refuse(request: AccountRequest, by: User | None, *, now: dt.datetime, reason: str) -> None:
    """Refuse it, as its second person or as ``can_be_refused_by`` says; raises as ``approve``, ValidationFailed too."""
    _require_waiting(request, now)
    if by is not None and not request.can_be_refused_by(by, now):
        _require_second_person(request, by)
    if error := text_error(reason, required_label=_("Reason")):
        raise ValidationFailed(error, field_errors={"reason": error})
    request.refusal_reason = strip_blank(reason)
    _decide(request, RequestState.REFUSED, by, now)
    REFUSED.describe(session_of(request), reason=request.refusal_reason)
    notify_of_account_change(request.user, _("%(act)s refused", act=request.act.title), now=now)


def withdraw(request: AccountRequest, by: User, *, now: dt.datetime) -> None:
    """Take it back; raises NotAllowed for anybody but who asked, NoSuchMove if it does not wait any more."""
    if by.id != request.asked_by_id:
        raise NotAllowed(_("Only who asked takes it back."))
    _require_waiting(request, now)
    _decide(request, RequestState.WITHDRAWN, by, now)
    WITHDRAWN.describe(session_of(request))


def _require_waiting(request: AccountRequest, now: dt.datetime) -> None:
    # The lock serialises two who decide at once.
    session_of(request).refresh(request, with_for_update={"of": type(request)})
    if request.state(now) is not RequestState.WAITING:
        raise NoSuchMove(_("This request does not wait any more."))


def _require_second_person(request: AccountRequest, by: User | None) -> None:
    if by is None:
        return
    if not can_second(by, request.agency_id, asker_id=request.asked_by_id, owner_id=request.user_id):
        raise NotAllowed(
            _("The second person is a head or another administrator: neither who asked nor whose account it is.")
        )


def _decide(request: AccountRequest, decision: RequestState, by: User | None, now: dt.datetime) -> None:
    request.decision, request.decided_at, request.decided_by = decision, now, by
