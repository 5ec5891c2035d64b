"""A login by an identity provider: it opens an account that is there, and its roles stay this program's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lpse_admin.errors import NotAllowed
from models.accounts.login import SecondStep, needs_second_factor
from models.accounts.login_session import open_login
from models.accounts.user import User

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from lpse_admin.accounts.identity_provider import ClaimedIdentity
    from models.accounts.login_session import Login


def find_claimed_user(session: Session, identity: ClaimedIdentity) -> User | None:
    """Return the active account that ``identity`` names, or None.

    The NIP decides where there is one; the verified address does where there is none. An account whose NIP is another
    one than the provider names is not opened by its address, and neither is one of two that are named alike.
    """
    if identity.nip is not None:
        is_named = User.nip == identity.nip
    elif identity.email is not None:
        is_named = func.lower(User.email) == identity.email.lower()
    else:
        return None
    found = session.scalars(select(User).where(is_named, User.is_active).limit(2)).all()
    return found[0] if len(found) == 1 else None


def log_in_by_provider(
    session: Session, user: User, *, address: str, device: str | None, now: dt.datetime
) -> Login | SecondStep:
    """Open a session for whom the provider has named, or ask for the second factor; the caller commits.

    Raises NotAllowed for an inspector before or after the days of the inspection.
    """
    if needs_second_factor(session, user):
        return SecondStep(user)
    if refusal := user.outside_inspection(now):
        raise NotAllowed(refusal)
    login = open_login(session, user, address=address, device=device, now=now)
    session.flush()
    return login
