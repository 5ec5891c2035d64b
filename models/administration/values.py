"""What an account may hold: its values and roles, compared with the other accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from lpse_admin.accounts.four_eyes import mixed_roles_error
from lpse_admin.accounts.inspection import inspector_roles_error
from lpse_admin.accounts.roles import ACTOR_ROLES, Role
from lpse_admin.accounts.secrets import passwords
from lpse_admin.accounts.usernames import normalize_username
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.identity_numbers import read_nip
from models.accounts.user import PERSONAL_FIELDS, User, field_error

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

_NOT_SAVED = _("The user cannot be saved with these values.")
_USERNAME_TAKEN = _("This user name is taken; choose another.")


@dataclass(frozen=True, slots=True)
class Holder:
    """The account that is to hold the values: ``user`` None is a new one of the agency (None: the installation).

    With ``demands_nip`` whoever begins to take part in requests has to have a NIP.
    """

    agency_id: int | None
    user: User | None = None
    demands_nip: bool = False
    #: What is wrong with its other values.
    found: Mapping[str, Message] = field(default_factory=dict)

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that the account has now."""
        return self.user.roles if self.user is not None else frozenset()


def validated(
    session: Session, holder: Holder, values: Mapping[str, str | None], roles: frozenset[Role]
) -> dict[str, str | None]:
    """Return the cleaned values; raises ValidationFailed with an error for each invalid field."""
    user = holder.user
    cleaned = {key: (values.get(key) or "").strip() or None for key in PERSONAL_FIELDS}
    cleaned["username"] = normalize_username(cleaned["username"] or "") or None
    errors: dict[str, Message] = dict(holder.found)
    try:
        cleaned["nip"] = read_nip(cleaned["nip"] or "")
    except UnreadableError as unreadable:
        errors["nip"] = unreadable.message
    errors |= {key: error for key, value in cleaned.items() if (error := field_error(key, value))}
    if "username" not in errors and _is_username_taken(session, cleaned["username"] or "", user):
        errors["username"] = _USERNAME_TAKEN
    if user is None or user.is_active:
        for key in {"nip", "email"} - errors.keys():
            if taken := taken_error(session, key, cleaned[key], holder.agency_id, user):
                errors[key] = taken
    if holder.demands_nip and not cleaned["nip"] and not frozenset(ACTOR_ROLES).isdisjoint(roles - holder.roles):
        errors.setdefault("nip", _("Whoever takes part in requests needs a NIP here."))
    if wrong_roles := roles_error(roles, holder.roles, holder.agency_id):
        errors["roles"] = wrong_roles
    if errors:
        raise ValidationFailed(_NOT_SAVED, field_errors=errors)
    return cleaned


def roles_error(roles: frozenset[Role], before: frozenset[Role], agency_id: int | None) -> Message | None:
    """Return why an account with the roles ``before`` may not have ``roles``, or None."""
    if not roles:
        return _("A user must have at least one role.")
    if agency_id is None and roles != {Role.ADMINISTRATOR}:
        return _("A user without an agency can only be an administrator of the installation.")
    if error := inspector_roles_error(roles):
        return error
    # An account of before that holds both keeps them until its roles are changed.
    return mixed_roles_error(roles) if roles != before else None


def taken_error(
    session: Session, key: str, value: str | None, agency_id: int | None, user: User | None
) -> Message | None:
    """Return why no further active account of the agency may have this NIP or e-mail address, or None.

    One person with two accounts could take two parts of a request that check each other.
    """
    if value is None or (user is not None and user.is_active and value == getattr(user, key)):
        return None
    column: Any = getattr(User, key)
    with session.no_autoflush:
        lock_administrators(session, agency_id)  # serialises two that enter the same one
        holders = select(User).where(
            func.lower(column) == value.lower(), User.agency_id.is_not_distinct_from(agency_id), User.is_active
        )
        holder = session.scalars(holders.where(User.id != (user.id if user else 0)).limit(1)).first()
    if holder is None:
        return None
    if key == "email":
        return _(
            "%(name)s has an active account with this e-mail address already (%(username)s). Each account needs an "
            "address of its own: links to set a password are sent there.",
            name=holder.full_name,
            username=holder.username,
        )
    return _(
        "%(name)s has an active account with this NIP already (%(username)s). A person has one account: change its "
        "roles, or disable it first.",
        name=holder.full_name,
        username=holder.username,
    )


def require_strong_password(password: str, names: Collection[str]) -> None:
    """Raise ValidationFailed ("password") for a weak password; ``names`` are those of its owner and their office."""
    if error := passwords.password_error(password, known_names=names):
        raise ValidationFailed(error, field_errors={"password": error})


def lock_administrators(session: Session, agency_id: int | None) -> set[int]:
    """Lock the accounts of those who administer this agency until the transaction ends, and return their ids."""
    administrators = (
        select(User.id)
        .where(User.is_administrator, User.is_active)
        .where(or_(User.agency_id.is_(None), User.agency_id == agency_id))
    )
    return {*session.scalars(administrators.order_by(User.id).with_for_update(of=User))}


def lock_heads(session: Session, agency_id: int | None) -> set[int]:
    """Lock the accounts of the heads of this agency until the transaction ends, and return their ids."""
    heads = select(User.id).where(User.is_head, User.is_active, User.agency_id == agency_id)
    return {*session.scalars(heads.order_by(User.id).with_for_update(of=User))}


def _is_username_taken(session: Session, username: str, user: User | None) -> bool:
    with session.no_autoflush:
        holders = session.scalars(select(User.id).where(func.lower(User.username) == username)).all()
    return any(user is None or holder != user.id for holder in holders)


def flush_unique(session: Session) -> None:
    """Flush; raises ValidationFailed if the user name was taken concurrently."""
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        raise ValidationFailed(_USERNAME_TAKEN, field_errors={"username": _USERNAME_TAKEN}) from None
