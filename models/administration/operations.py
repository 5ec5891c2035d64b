"""What administrators do to accounts: done at once, or recorded as a request that waits for a second person.

``by`` None is the terminal, which administers everything and needs no second person; it is told like everybody else.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpse_admin.accounts.four_eyes import GUARDED_ROLES, REQUEST_LIFETIME, AccountAct, needs_second_person
from lpse_admin.accounts.inspection import InspectionDates
from lpse_admin.accounts.roles import Role
from lpse_admin.accounts.sessions import SessionEnd
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.factors.ends import end_factors
from models.accounts.factors.second_factor import reset_factors
from models.accounts.inspection_dates import dates_errors, dates_from, dates_kept
from models.accounts.person import is_same_person
from models.accounts.user import User, require_administrator_of
from models.administration.account_request import AccountRequest, waiting_requests
from models.administration.notices import notify_of_account_change, notify_of_account_request
from models.administration.values import (
    Holder,
    flush_unique,
    lock_administrators,
    lock_heads,
    require_strong_password,
    roles_error,
    taken_error,
    validated,
)
from models.audit.actions import AuditAction
from models.base import session_of
from models.changes.requester_takeover import reason_keeps_requester_role
from models.notifications.account_mails import notify_former_address, send_link_for_administrator

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.orm import Session

    from models.office.agency import Agency

CREATED = AuditAction("user.create", _("Created an account"))
EDITED = AuditAction("user.edit", _("Changed an account"))
PASSWORD_SET = AuditAction("user.password", _("Set a new password for a user"))
DISABLED = AuditAction("user.disable", _("Disabled an account"))
ENABLED = AuditAction("user.enable", _("Enabled an account"))
ASKED = AuditAction("account-request.ask", _("Asked for a second person for an account"))

_OWN_ROLES = _("Nobody changes their own roles; another administrator can.")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A new account; ``agency`` None is the installation.

    ``values`` has the keys of PERSONAL_FIELDS, and those of INSPECTION_FIELDS for an inspector, which the terminal may
    leave out.
    """

    agency: Agency | None
    values: Mapping[str, str | None]
    roles: Collection[Role]
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WayIn:
    """How the owner of an account gets in whose password was set anew: by ``password``, or (None) by a mailed link."""

    password: str | None = field(repr=False)


def create_account(
    session: Session, by: User | None, account: NewAccount, *, now: dt.datetime, demands_nip: bool = False
) -> User:
    """Create an account and return it; its password has to be changed at the first login.

    One of a head or an administrator stays disabled until a second person has approved it. Raises NotAllowed unless
    ``by`` administers that agency, ValidationFailed with an error for each invalid field ("username", "roles",
    "password" …).
    """
    agency, values, password = account.agency, account.values, account.password
    agency_id = agency.id if agency else None
    require_administrator_of(by, agency_id)
    held, dates = frozenset(account.roles), dates_from(values, InspectionDates())
    errors = dates_errors(session, agency, held, dates, is_required=by is not None)
    cleaned: dict[str, str | None] = {}
    try:
        cleaned = validated(session, Holder(agency_id, None, demands_nip), values, held)
    except ValidationFailed as refusal:
        errors |= refusal.field_errors
    try:
        names = (values.get("username"), values.get("full_name"), agency.name if agency else None)
        require_strong_password(password, [name for name in names if name])
    except ValidationFailed as refusal:
        errors |= refusal.field_errors
    if errors:
        raise ValidationFailed(_("The user cannot be saved with these values."), field_errors=errors)
    user = User(agency=agency, **cleaned)
    user.roles = held
    user.inspects_from, user.inspects_until = dates_kept(held, dates)
    user.set_password(password, is_initial=True)
    user.password_set_at = now
    waits = by is not None and needs_second_person(AccountAct.CREATE, (), held)
    user.is_active = not waits
    session.add(user)
    CREATED.describe(session)
    flush_unique(session)
    if waits and by is not None:
        _ask(user, AccountAct.CREATE, by=by, now=now, roles=held, email=user.email)
    else:
        notify_of_account_change(user, _("New account"), now=now, roles=held)
    return user


def alter_account(
    user: User,
    by: User | None,
    *,
    values: Mapping[str, str | None],
    roles: Iterable[Role],
    now: dt.datetime,
    demands_nip: bool = False,
) -> list[AccountRequest]:
    """Change the user's ``values`` (as of ``NewAccount``) and roles; return the requests for what has to wait.

    Raises NotAllowed and ValidationFailed as ``create_account`` does, and NoSuchMove if no head or administrator would
    remain.
    """
    require_administrator_of(by, user.agency_id)
    session, held, former = session_of(user), frozenset(roles), user.email
    require_may_have_roles(user, by, held)
    dates = dates_from(values, user.inspection)
    result = dates_errors(session, user.agency, held, dates, is_required=_needs_dates(user, held, dates))
    cleaned = validated(session, Holder(user.agency_id, user, demands_nip, result), values, held)
    asked: dict[AccountAct, dict[str, object]] = {}
    if _waits(AccountAct.ROLES, user, by, held, now=now) and held != user.roles:
        first, last = dates_kept(held, dates)
        asked[AccountAct.ROLES] = {"roles": held, "inspects_from": first, "inspects_until": last}
    if _waits(AccountAct.EMAIL, user, by, held, now=now) and cleaned["email"] != former:
        asked[AccountAct.EMAIL] = {"email": cleaned.pop("email")}
    for key, value in cleaned.items():
        setattr(user, key, value)
    if AccountAct.ROLES not in asked:
        _set_roles(user, held, now)
        _set_inspection(user, dates)
    EDITED.describe(session)
    flush_unique(session)
    if user.email != former:
        _notify_of_address(user, former, now)
    return [_ask(user, act, by=by, now=now, **what) for act, what in asked.items()] if by is not None else []


def change_roles(
    user: User, by: User | None, roles: Iterable[Role], *, now: dt.datetime, leaves_vacant: bool = False
) -> AccountRequest | None:
    """Give the user these roles and no others, or return the request for it; raises as ``alter_account`` does."""
    require_administrator_of(by, user.agency_id)
    held = frozenset(roles)
    require_may_have_roles(user, by, held, leaves_vacant=leaves_vacant)
    if error := roles_error(held, user.roles, user.agency_id):
        raise ValidationFailed(error, field_errors={"roles": error})
    if by is not None and _waits(AccountAct.ROLES, user, by, held, now=now):
        return _ask(user, AccountAct.ROLES, by=by, now=now, roles=held)
    _set_roles(user, held, now)
    EDITED.describe(session_of(user))
    return None


def reset_account(
    user: User, by: User, *, now: dt.datetime, secret_key: str | None, without_second_factor: bool = False
) -> AccountRequest | str | None:
    """Let the user set a new password; return the request for it, or the password to hand over, or None.

    A link is mailed where ``secret_key`` is given and the account has an address: nobody but its owner knows the
    password then. Elsewhere a password is returned, to be shown once, which has to be changed at the first login.
    """
    require_administrator_of(by, user.agency_id)
    if by.id == user.id:
        raise NotAllowed(_("Change your own password on your profile page."))
    if _waits(AccountAct.RESET, user, by, now=now):
        return _ask(user, AccountAct.RESET, by=by, now=now, without_second_factor=without_second_factor)
    return _reset(user, now=now, secret_key=secret_key, without_second_factor=without_second_factor).password


def reset_factor_of(user: User, by: User, *, now: dt.datetime) -> AccountRequest | None:
    """Turn off the second factor of somebody whose device is lost, or return the request; raises as the rule does."""
    require_administrator_of(by, user.agency_id)
    if by.id != user.id and _waits(AccountAct.FACTOR, user, by, now=now):
        return _ask(user, AccountAct.FACTOR, by=by, now=now)
    _reset_factors(user, by, now)
    return None


def reset_from_terminal(user: User, password: str, *, now: dt.datetime) -> None:
    """Set a password, which has to be changed, and turn the second factor off; raises ValidationFailed if weak."""
    require_strong_password(password, user.known_names())
    _set_first_password(user, password, now, without_second_factor=True)


def disable_account(
    user: User, by: User | None, *, now: dt.datetime, leaves_vacant: bool = False
) -> AccountRequest | None:
    """Disable the account and end its sessions, or return the request for it; raises NotAllowed and NoSuchMove."""
    require_administrator_of(by, user.agency_id)
    if not user.is_active:
        raise NoSuchMove(_("This account is already disabled."))
    if by is not None and by.id == user.id:
        raise NotAllowed(_("You cannot disable your own account; another administrator can."))
    _require_others(user, user.roles, leaves_vacant=leaves_vacant)
    if by is not None and _waits(AccountAct.DISABLE, user, by, now=now):
        return _ask(user, AccountAct.DISABLE, by=by, now=now)
    _set_active(user, is_active=False, now=now)
    return None


def disabling_waits(user: User, by: User, now: dt.datetime) -> bool:
    """Whether disabling the account waits for a second person; until then nothing of it is given to others."""
    return _waits(AccountAct.DISABLE, user, by, now=now)


def enable_account(user: User, by: User | None, *, now: dt.datetime) -> AccountRequest | None:
    """Enable the account, or return the request.

    Raises NotAllowed, and NoSuchMove also if its NIP or address is taken, or it is new and waits for a second person.
    """
    require_administrator_of(by, user.agency_id)
    _require_inactive_and_free(user)
    if any(one.act is AccountAct.CREATE for one in waiting_requests(session_of(user), user, now)):
        raise NoSuchMove(_("This waits for a second person already."))
    if by is not None and _waits(AccountAct.ENABLE, user, by, now=now):
        return _ask(user, AccountAct.ENABLE, by=by, now=now)
    _set_active(user, is_active=True, now=now)
    return None


def require_may_have_roles(user: User, by: User | None, held: frozenset[Role], *, leaves_vacant: bool = False) -> None:
    """Raise NotAllowed for one's own roles, NoSuchMove if no head or administrator would remain.

    ValidationFailed ("roles") where a request would be without its requester: the terminal alone may do that.
    """
    if by is not None and is_same_person(by, user) and held != user.roles:
        raise NotAllowed(_OWN_ROLES)
    is_requester_gone = by is not None and Role.REQUESTER in user.roles - held
    if is_requester_gone and (error := reason_keeps_requester_role(session_of(user), user)):
        raise ValidationFailed(error, field_errors={"roles": error})
    _require_others(user, user.roles - held, leaves_vacant=leaves_vacant)


def carry_out(request: AccountRequest, *, now: dt.datetime, secret_key: str | None) -> WayIn | None:
    """Do what was asked, once a second person has approved it; return the way in where the password was set anew.

    That is so wherever somebody else may know what opens an account that can decide from now on: a new one, one that
    is enabled and whose owner has not chosen a password yet, and one that becomes a head's or an administrator's.
    Everything is asked again as it is now: raises as the operations do.
    """
    user, by = request.user, request.asked_by
    require_administrator_of(by, user.agency_id)
    match request.act:
        case AccountAct.CREATE | AccountAct.ENABLE:
            _require_inactive_and_free(user)
            if request.act is AccountAct.CREATE and request.email != user.email:
                raise NoSuchMove(_("The account has another e-mail address than when this was asked; refuse it."))
            _set_active(user, is_active=True, now=now)
            if request.act is AccountAct.CREATE or user.is_password_initial:
                return _reset(user, now=now, secret_key=secret_key, without_second_factor=False)
        case AccountAct.DISABLE:
            _require_others(user, user.roles)
            _set_active(user, is_active=False, now=now)
        case AccountAct.ROLES:
            was_guarded = not GUARDED_ROLES.isdisjoint(user.roles)
            _change_asked_roles(request, now)
            if not was_guarded and not GUARDED_ROLES.isdisjoint(user.roles):
                return _reset(user, now=now, secret_key=secret_key, without_second_factor=True)
        case AccountAct.EMAIL:
            _change_address(user, request.email, now)
        case AccountAct.FACTOR:
            _reset_factors(user, by, now)
        case AccountAct.RESET:
            return _reset(user, now=now, secret_key=secret_key, without_second_factor=request.without_second_factor)
    return None


def _reset_factors(user: User, by: User, now: dt.datetime) -> None:
    reset_factors(user, by)
    notify_of_account_change(user, _("Second factor off"), now=now)


def _change_asked_roles(request: AccountRequest, now: dt.datetime) -> None:
    """Give the roles of a request, with the dates of an inspector; raises NoSuchMove and NotAllowed."""
    user, held = request.user, frozenset(request.roles or ())
    dates = InspectionDates(request.inspects_from, request.inspects_until)
    try:
        require_may_have_roles(user, request.asked_by, held)
    except ValidationFailed as refusal:
        raise NoSuchMove(refusal.message) from None
    errors = dates_errors(session_of(user), user.agency, held, dates, is_required=dates != InspectionDates())
    if error := roles_error(held, user.roles, user.agency_id) or next(iter(errors.values()), None):
        raise NoSuchMove(error)
    _set_roles(user, held, now)
    if Role.INSPECTOR in held:
        _set_inspection(user, dates)


def _waits(
    act: AccountAct, user: User, by: User | None, after: frozenset[Role] | None = None, *, now: dt.datetime
) -> bool:
    """Whether ``act`` waits: by the roles the account has, is to have after it, or may have once a request is approved.

    What is asked for is not counted for a further change of roles.
    """
    if by is None:
        return False
    if act is AccountAct.ROLES:
        return needs_second_person(act, user.roles, user.roles if after is None else after)
    asked = (one.roles or () for one in waiting_requests(session_of(user), user, now))
    return needs_second_person(act, user.roles, (after or frozenset()).union(*asked))


def _ask(user: User, act: AccountAct, *, by: User, now: dt.datetime, **what: object) -> AccountRequest:
    """Record a request; raises NoSuchMove if one of the kind waits already."""
    session = session_of(user)
    if any(one.act is act for one in waiting_requests(session, user, now)):
        raise NoSuchMove(_("This waits for a second person already."))
    roles = what.pop("roles", None)
    request = AccountRequest(
        agency_id=user.agency_id,
        user=user,
        act=act,
        roles=tuple(sorted(roles)) if isinstance(roles, frozenset) else None,
        asked_by=by,
        asked_at=now,
        expires_at=now + REQUEST_LIFETIME,
        **what,
    )
    session.add(request)
    ASKED.describe(session)
    notify_of_account_request(request, now=now)
    return request


def _needs_dates(user: User, held: frozenset[Role], dates: InspectionDates) -> bool:
    """Whether the dates are those of an inspection to come: the role is new, or they are changed."""
    return Role.INSPECTOR in held and (Role.INSPECTOR not in user.roles or dates != user.inspection)


def _set_inspection(user: User, dates: InspectionDates) -> None:
    """Store the dates; others end the sessions, so that a former one does not live on with them."""
    former = user.inspection
    user.inspects_from, user.inspects_until = dates_kept(user.roles, dates)
    if former != user.inspection:
        user.end_sessions(SessionEnd.ACCOUNT)


def _set_roles(user: User, held: frozenset[Role], now: dt.datetime) -> None:
    if held == user.roles:
        return
    # Dates of before belong to an inspection that is over.
    user.inspects_from, user.inspects_until = dates_kept(held & user.roles, user.inspection)
    user.roles = held
    user.end_sessions(SessionEnd.ACCOUNT)
    notify_of_account_change(user, _("Roles changed"), now=now, roles=held)


def _set_active(user: User, *, is_active: bool, now: dt.datetime) -> None:
    user.is_active = is_active
    (ENABLED if is_active else DISABLED).describe(session_of(user))
    user.end_sessions(SessionEnd.ACCOUNT)
    notify_of_account_change(user, _("Account enabled") if is_active else _("Account disabled"), now=now)


def _require_inactive_and_free(user: User) -> None:
    if user.is_active:
        raise NoSuchMove(_("This account is already enabled."))
    for key in ("nip", "email"):
        if error := taken_error(session_of(user), key, getattr(user, key), user.agency_id, user):
            raise NoSuchMove(error)


def _change_address(user: User, email: str | None, now: dt.datetime) -> None:
    former = user.email
    if error := taken_error(session_of(user), "email", email, user.agency_id, user):
        raise NoSuchMove(error)
    user.email = email
    EDITED.describe(session_of(user))
    _notify_of_address(user, former, now)


def _notify_of_address(user: User, former: str | None, now: dt.datetime) -> None:
    notify_former_address(user, former, now)
    notify_of_account_change(user, _("E-mail address changed"), now=now)


def _reset(user: User, *, now: dt.datetime, secret_key: str | None, without_second_factor: bool) -> WayIn:
    """Mail a link, or return a new first password where that cannot be; the former password ends either way."""
    password = generate_password()
    if secret_key is None or not user.email:
        _set_first_password(user, password, now, without_second_factor=without_second_factor)
        return WayIn(password)
    _set_first_password(user, secrets.token_urlsafe(32), now, without_second_factor=without_second_factor)
    send_link_for_administrator(user, secret_key=secret_key, now=now)
    return WayIn(None)


def _set_first_password(user: User, password: str, now: dt.datetime, *, without_second_factor: bool) -> None:
    user.set_password(password, is_initial=True)
    user.password_set_at = now
    if without_second_factor:
        end_factors(user, session_of(user))
    PASSWORD_SET.describe(session_of(user))
    what = _("New password and second factor off") if without_second_factor else _("New password")
    notify_of_account_change(user, what, now=now)


def generate_password() -> str:
    """Return a password that can be read over the telephone: five groups of four."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _place in range(4)) for _group in range(5))


def _require_others(user: User, lost: frozenset[Role], *, leaves_vacant: bool = False) -> None:
    """Raise NoSuchMove if no other head or administrator would remain; locks serialise two who remove each other."""
    if not user.is_active:
        return
    session = session_of(user)
    if Role.ADMINISTRATOR in lost and lock_administrators(session, user.agency_id) <= {user.id}:
        raise NoSuchMove(_("This is the last administrator; appoint another one first."))
    if Role.HEAD in lost and not leaves_vacant and lock_heads(session, user.agency_id) <= {user.id}:
        raise NoSuchMove(
            _(
                "This is the last head; appoint another one first. A post that falls vacant is recorded in the "
                "terminal, with --leave-vacant."
            )
        )
