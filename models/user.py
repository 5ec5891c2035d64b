"""Users, the roles that they hold and the languages in which they read."""

from __future__ import annotations

from enum import StrEnum
from hmac import compare_digest
from typing import TYPE_CHECKING, ClassVar

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.roles import Role
from models.agency import Agency
from models.base import Base, Identity, Line, PrimaryKey, stored

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

_HASHER = PasswordHasher()

#: What a password is compared with when there is no such user, so that both answers take as long.
_NOBODYS_HASH = _HASHER.hash("nobody has this password")


class Language(StrEnum):
    """A language of the screens."""

    INDONESIAN = "id"
    ENGLISH = "en"


class User(Base):
    """Somebody who logs in. They belong to one agency, save for an administrator of the installation."""

    __tablename__ = "user_account"
    __table_args__ = (
        CheckConstraint(" OR ".join(f"is_{role.value}" for role in Role), name="has_a_role"),
        CheckConstraint("agency_id IS NOT NULL OR is_administrator", name="agency_or_administrator"),
        Index(None, "agency_id", "full_name", "id"),
    )
    secret_columns: ClassVar[frozenset[str]] = frozenset({"password_hash", "totp_secret"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int | None] = mapped_column(Identity, ForeignKey("agency.id"))
    username: Mapped[str] = mapped_column(String(80), unique=True)
    full_name: Mapped[Line]
    nip: Mapped[str | None] = mapped_column(String(18))
    position: Mapped[Line | None]
    institution: Mapped[Line | None]
    email: Mapped[Line | None]
    phone: Mapped[str | None] = mapped_column(String(40))
    language: Mapped[Language] = mapped_column(stored(Language, "language"), default=Language.INDONESIAN)
    password_hash: Mapped[Line]
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    #: The half minute whose code was accepted last: no code is good twice.
    totp_last_step: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    is_requester: Mapped[bool] = mapped_column(default=False)
    is_change_manager: Mapped[bool] = mapped_column(default=False)
    is_head: Mapped[bool] = mapped_column(default=False)
    is_inspector: Mapped[bool] = mapped_column(default=False)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    #: Grows when every session of this user has to end: password changed, roles changed, disabled.
    session_version: Mapped[int] = mapped_column(default=1)

    agency: Mapped[Agency | None] = relationship(lazy="joined")

    # What Flask-Login asks of a user.
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    def get_id(self) -> str:
        """Return what the session cookie names: the user, and the version that ends old sessions."""
        return f"{self.id}.{self.session_version}"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that this user holds."""
        return frozenset(role for role in Role if getattr(self, f"is_{role.value}"))

    @roles.setter
    def roles(self, roles: Iterable[Role]) -> None:
        held = frozenset(roles)
        for role in Role:
            setattr(self, f"is_{role.value}", role in held)

    @property
    def reaches_across(self) -> bool:
        """Whether this is an administrator of the installation, who belongs to no agency."""
        return self.agency_id is None

    def set_password(self, password: str) -> None:
        """Keep the Argon2id hash of ``password`` and end every session that is open."""
        self.password_hash = _HASHER.hash(password)
        self.session_version = (self.session_version or 0) + 1

    def accept_code(self, code: str, now: dt.datetime) -> bool:
        """Whether ``code`` is the second factor's at this moment; it is used up by the asking."""
        if self.totp_secret is None:
            return True
        step = step_of_code(self.totp_secret, code, now)
        if step is None or step <= (self.totp_last_step or 0):
            return False
        self.totp_last_step = step
        return True

    def __str__(self) -> str:
        """Return the name shown on screen."""
        return self.full_name


def is_password_of(user: User | None, password: str) -> bool:
    """Whether ``password`` is the user's; takes as long when there is no such user."""
    try:
        return _HASHER.verify(user.password_hash if user else _NOBODYS_HASH, password) and user is not None
    except (VerificationError, InvalidHashError):
        return False


def step_of_code(secret: str, code: str, now: dt.datetime) -> int | None:
    """Return the half minute that a second factor's ``code`` belongs to, one to either side of ``now`` at most."""
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    given = code.replace(" ", "").encode()
    steps = (present + drift for drift in (-1, 0, 1))
    return next((step for step in steps if compare_digest(totp.generate_otp(step).encode(), given)), None)
