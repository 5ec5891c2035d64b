"""What turns a second factor on and off, and what is taken in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.accounts.secrets.recovery_codes import parse_code
from lpse_admin.accounts.secrets.secret_box import UnreadableSecretError
from lpse_admin.accounts.sessions import FACTOR_GRACE, PRIVILEGED_ROLES, SessionEnd
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.factors.ends import end_factors
from models.accounts.factors.passkey import Passkey, load_passkeys
from models.accounts.factors.recovery_code import (
    count_recovery_codes,
    make_recovery_codes,
    use_recovery_code,
)
from models.accounts.factors.sealing import secret_box
from models.accounts.person import is_same_person
from models.accounts.user import User, hash_password, is_hash_of, require_administrator_of, totp_step_of
from models.audit.actions import AuditAction
from models.base import session_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

FACTOR_ON = AuditAction("factor.on", _("Turned a second factor on"))
FACTOR_OFF = AuditAction("factor.off", _("Turned the second factor off"))
FACTOR_RESET = AuditAction("factor.reset", _("Reset the second factor of a user"))
CODES_MADE = AuditAction("factor.codes", _("Made new recovery codes"))
PASSKEY_ADDED = AuditAction("factor.passkey", _("Added a passkey"))
PASSKEY_REMOVED = AuditAction("factor.passkey-removed", _("Removed a passkey"))

_LONGEST_NAME = 80
#: Of one account; a browser is told them all at a login.
_MOST_PASSKEYS = 10


@dataclass(frozen=True, slots=True)
class Factors:
    """The second factors of an account."""

    has_codes: bool
    passkeys: Sequence[Passkey] = field(default_factory=tuple)
    recovery_codes: int = 0

    @property
    def is_on(self) -> bool:
        """Whether a password alone does not open the account."""
        return self.has_codes or bool(self.passkeys)


def load_factors(session: Session, user: User) -> Factors:
    """Return the second factors of ``user``."""
    passkeys = load_passkeys(session, user.id)
    is_on = user.totp_secret is not None or passkeys
    return Factors(user.totp_secret is not None, passkeys, count_recovery_codes(session, user.id) if is_on else 0)


def accept_code(user: User, code: str, *, address: str, now: dt.datetime) -> bool:
    """Whether ``code`` is a code of the app, or a recovery code, of ``user``; it is used up."""
    session = session_of(user)
    if parse_code(code) is not None:
        return use_recovery_code(session, user.id, code, address=address, now=now, is_hash_of=is_hash_of)
    step = _step_of(user, code, now)
    if step is None or step <= (user.totp_last_step or 0):
        return False
    user.totp_last_step = step
    return True


def _step_of(user: User, code: str, now: dt.datetime) -> int | None:
    if user.totp_secret is None:
        return None
    try:
        return totp_step_of(secret_box().decrypt(user.totp_secret), code, now)
    except UnreadableSecretError:
        return None  # its key is gone: a recovery code opens the account


def turn_codes_on(user: User, seed: str, code: str, now: dt.datetime) -> list[str] | None:
    """Turn codes of an app on, whose first is ``code``, or replace those of an app that is lost.

    Returns new recovery codes if this is the first factor, or another app was on: the former codes may be where that
    is. Ends the sessions. Raises ValidationFailed ("code").
    """
    step = totp_step_of(seed, code, now)
    if step is None:
        error = _("This code is wrong or expired: try the next one.")
        raise ValidationFailed(error, field_errors={"code": error})
    is_replaced = user.totp_secret is not None
    codes = _codes_of_first_factor(user, now)
    if is_replaced:
        codes = renew_recovery_codes(user, now)
    user.totp_secret, user.totp_last_step = secret_box().encrypt(seed), step
    FACTOR_ON.describe(session_of(user))
    return codes


def add_passkey(user: User, passkey: Passkey, now: dt.datetime) -> list[str] | None:
    """Add a passkey that the browser has proved; returns recovery codes and ends the sessions as ``turn_codes_on``."""
    session = session_of(user)
    name = passkey.name.strip()
    if not name or len(name) > _LONGEST_NAME:
        error = _("Give the passkey a name of at most %(most)s characters.", most=_LONGEST_NAME)
        raise ValidationFailed(error, field_errors={"name": error})
    if len(load_passkeys(session, user.id)) >= _MOST_PASSKEYS:
        error = _("An account has at most %(most)s passkeys: remove one first.", most=_MOST_PASSKEYS)
        raise ValidationFailed(error, field_errors={"name": error})
    codes = _codes_of_first_factor(user, now)
    passkey.name, passkey.user_id, passkey.agency_id, passkey.added_at = name, user.id, user.agency_id, now
    session.add(passkey)
    PASSKEY_ADDED.describe(session)
    session.flush()
    return codes


def _codes_of_first_factor(user: User, now: dt.datetime) -> list[str] | None:
    session = session_of(user)
    is_first = not load_factors(session, user).is_on
    user.factor_due_at = None
    user.end_sessions(SessionEnd.FACTOR)
    if not is_first:
        return None
    return make_recovery_codes(session, user.id, user.agency_id, now, hash_secret=hash_password)


def remove_passkey(user: User, passkey_id: int, now: dt.datetime, *, is_demanded: bool) -> Passkey:
    """Remove a passkey and end the sessions; raises NoSuchMove, and NotAllowed for the last factor."""
    session = session_of(user)
    factors = load_factors(session, user)
    passkey = next((key for key in factors.passkeys if key.id == passkey_id), None)
    if passkey is None:
        raise NoSuchMove(_("There is no such passkey any more."))
    is_last = not factors.has_codes and len(factors.passkeys) == 1
    if is_last:
        _require_not_demanded(user, is_demanded=is_demanded)
        end_factors(user, session)
    else:
        passkey.removed_at = now
    user.end_sessions(SessionEnd.FACTOR)
    PASSKEY_REMOVED.describe(session)
    return passkey


def turn_codes_off(user: User, *, is_demanded: bool) -> None:
    """Turn the codes of the app off and end the sessions; the last factor stays where one is demanded."""
    session = session_of(user)
    if user.totp_secret is None:
        raise NoSuchMove(_("The second factor is off already."))
    if load_passkeys(session, user.id):
        user.totp_secret = user.totp_last_step = None
    else:
        _require_not_demanded(user, is_demanded=is_demanded)
        end_factors(user, session)
    user.end_sessions(SessionEnd.FACTOR)
    FACTOR_OFF.describe(session)


def _require_not_demanded(user: User, *, is_demanded: bool) -> None:
    if is_demanded and not PRIVILEGED_ROLES.isdisjoint(user.roles):
        raise NotAllowed(
            _("Your role demands a second factor: set up another one first, then this one can be removed.")
        )


def renew_recovery_codes(user: User, now: dt.datetime) -> list[str]:
    """Return new recovery codes in place of the former ones; raises NoSuchMove without a second factor."""
    session = session_of(user)
    if not load_factors(session, user).is_on:
        raise NoSuchMove(_("Recovery codes belong to a second factor: turn it on first."))
    CODES_MADE.describe(session)
    return make_recovery_codes(session, user.id, user.agency_id, now, hash_secret=hash_password)


def reset_factors(user: User, by: User | None) -> None:
    """Turn every second factor of somebody else off, whose device is lost; raises NotAllowed and NoSuchMove."""
    require_administrator_of(by, user.agency_id)
    if by is not None and is_same_person(by, user):
        raise NotAllowed(
            _("Another administrator resets your second factor; your recovery codes open the account too.")
        )
    session = session_of(user)
    if not load_factors(session, user).is_on:
        raise NoSuchMove(_("This account has no second factor."))
    end_factors(user, session)
    user.end_sessions(SessionEnd.FACTOR)
    FACTOR_RESET.describe(session)


def note_demand(user: User, now: dt.datetime) -> None:
    """Begin the days of grace at the login of somebody of whom a second factor is demanded and who has none."""
    if PRIVILEGED_ROLES.isdisjoint(user.roles) or load_factors(session_of(user), user).is_on:
        if user.factor_due_at is not None:
            user.factor_due_at = None
    elif user.factor_due_at is None:
        user.factor_due_at = now + FACTOR_GRACE


def is_factor_overdue(user: User, now: dt.datetime) -> bool:
    """Whether the days of grace are over in which ``user`` may go on without a second factor."""
    return user.factor_due_at is not None and now >= user.factor_due_at and not PRIVILEGED_ROLES.isdisjoint(user.roles)


def encrypt_seeds(session: Session) -> int:
    """Encrypt the seeds that are not encrypted with the present key, and return how many those were."""
    box = secret_box()
    count = 0
    for user in session.scalars(select(User).where(User.totp_secret.is_not(None))):
        if user.totp_secret is None or box.is_present(user.totp_secret):
            continue
        try:
            user.totp_secret = box.encrypt(box.decrypt(user.totp_secret))
        except UnreadableSecretError:
            continue
        count += 1
    return count
