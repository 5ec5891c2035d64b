"""Users, their roles, passwords and second factor."""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from functools import cache
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, ClassVar

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, event, false, func, inspect, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session, relationship

from lpse_admin.accounts.inspection import InspectionDates
from lpse_admin.accounts.permissions import Resource, Verb, is_granted
from lpse_admin.accounts.roles import Role
from lpse_admin.accounts.secrets import passwords
from lpse_admin.accounts.sessions import SessionEnd
from lpse_admin.accounts.usernames import is_username, normalize_username
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from models.accounts.login_session import end_logins
from models.audit import trail
from models.audit.actions import AuditAction
from models.base import (
    UNSTORABLE_CHARACTERS,
    Base,
    IdType,
    PrimaryKey,
    ShortText,
    Timestamp,
    enum_type,
    is_storable,
    session_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.office.agency import Agency


_HASHER = PasswordHasher()


def hash_password(password: str, *, salt: bytes | None = None) -> str:
    """Return the Argon2id hash of ``password``, with a random salt unless one is given."""
    return _HASHER.hash(password, salt=salt)


@cache
def _dummy_hash() -> str:
    """Return a hash to verify against if the user does not exist, so that both cases take the same time."""
    return _HASHER.hash("nobody has this password")


_PASSWORD_CHOSEN = AuditAction("profile.password", _("Changed their own password"))
_CONTACT_CHANGED = AuditAction("profile.contact", _("Changed their own e-mail address or telephone number"))
_SESSIONS_ENDED = AuditAction("user.end-sessions", _("Ended the sessions of a user"))


#: The roles with their columns; a page asks some twenty times.
_ROLE_COLUMNS = tuple((role, f"is_{role.value}") for role in Role)


class Language(StrEnum):
    """A language of the user interface."""

    INDONESIAN = "id"
    ENGLISH = "en"


class Scheme(StrEnum):
    """The colour theme of the user interface."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class CsvSeparator(StrEnum):
    """What stands between the cells of the CSV files that a user exports."""

    COMMA = "comma"
    SEMICOLON = "semicolon"

    @property
    def character(self) -> str:
        """The character itself."""
        return {CsvSeparator.COMMA: ",", CsvSeparator.SEMICOLON: ";"}[self]


class User(Base):
    """A user account. It belongs to an agency, or to no agency for an administrator of the installation."""

    __tablename__ = "user_account"
    __table_args__ = (
        CheckConstraint(" OR ".join(f"is_{role.value}" for role in Role), name="has_a_role"),
        CheckConstraint("agency_id IS NOT NULL OR is_administrator", name="agency_or_administrator"),
        CheckConstraint("inspects_from <= inspects_until", name="inspects_for_a_time"),
        Index(None, "agency_id", "full_name", "id"),
    )
    secret_columns: ClassVar[frozenset[str]] = frozenset({"password_hash", "totp_secret"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    username: Mapped[str] = mapped_column(String(80), unique=True)
    full_name: Mapped[ShortText]
    nip: Mapped[str | None] = mapped_column(String(18))
    position: Mapped[ShortText | None]
    #: Pangkat and golongan, as below the name on papers: "Penata Muda, III/a".
    rank: Mapped[ShortText | None]
    institution: Mapped[ShortText | None]
    email: Mapped[ShortText | None]
    phone: Mapped[str | None] = mapped_column(String(40))
    language: Mapped[Language] = mapped_column(enum_type(Language, "language"), default=Language.INDONESIAN)
    scheme: Mapped[Scheme] = mapped_column(enum_type(Scheme, "scheme"), default=Scheme.SYSTEM)
    #: Events (``notifications.events``) whose mail this user turned off.
    muted_events: Mapped[list[str]] = mapped_column(default=list)
    #: Events whose mail this user gets once a working day, in the daily digest.
    digest_events: Mapped[list[str]] = mapped_column(default=list)
    csv_separator: Mapped[CsvSeparator] = mapped_column(
        enum_type(CsvSeparator, "csv_separator"), default=CsvSeparator.COMMA
    )
    password_hash: Mapped[ShortText]
    #: The seed of the codes, encrypted (``factors.sealing``); plain if a former version stored it.
    totp_secret: Mapped[str | None] = mapped_column(String(300))
    #: The 30-second step of the last accepted code: a code is accepted once.
    totp_last_step: Mapped[int | None]
    #: Until when this user may go on without the second factor that is demanded; None if none is, or one is on.
    factor_due_at: Mapped[Timestamp | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    is_requester: Mapped[bool] = mapped_column(default=False)
    is_change_manager: Mapped[bool] = mapped_column(default=False)
    is_head: Mapped[bool] = mapped_column(default=False)
    is_inspector: Mapped[bool] = mapped_column(default=False)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    #: Whether somebody else chose the password: its owner has to change it before anything else.
    is_password_initial: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: When the password was last set; None if that was before this was recorded.
    password_set_at: Mapped[Timestamp | None]
    #: Incremented to end all sessions of the user: password changed, roles changed, disabled.
    session_version: Mapped[int] = mapped_column(default=1)
    #: When this user last ceased to be head, and when the account was last disabled; None if never, or not known.
    head_until: Mapped[Timestamp | None]
    disabled_at: Mapped[Timestamp | None]
    #: The first and the last day of an inspector's work here; None for others, and for accounts of before.
    inspects_from: Mapped[dt.date | None]
    inspects_until: Mapped[dt.date | None]

    agency: Mapped[Agency | None] = relationship(lazy="joined")

    # Required by Flask-Login.
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    def get_id(self) -> str:
        """Return the id for the session cookie: the user's id and session version."""
        return f"{self.id}.{self.session_version}"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles of the user."""
        return frozenset([role for role, column in _ROLE_COLUMNS if getattr(self, column)])

    @roles.setter
    def roles(self, roles: Iterable[Role]) -> None:
        held = frozenset(roles)
        for role, column in _ROLE_COLUMNS:
            setattr(self, column, role in held)

    @property
    def inspection(self) -> InspectionDates:
        """The days on which an inspector's account may be used; of others none are stated."""
        return InspectionDates(self.inspects_from, self.inspects_until)

    def outside_inspection(self, now: dt.datetime) -> Message | None:
        """Return why an inspector may not use the account at this moment, or None; of others None."""
        if self.agency is None or not self.is_inspector:
            return None
        return self.inspection.refusal(self.agency.local_date(now))

    @property
    def is_superadmin(self) -> bool:
        """Whether this is an administrator of the installation, who belongs to no agency."""
        return self.agency_id is None

    def set_password(self, password: str, *, is_initial: bool = False) -> None:
        """Store the Argon2id hash of ``password`` and end all sessions; an initial one was chosen by somebody else."""
        self.password_hash = hash_password(password)
        self.is_password_initial = is_initial
        self.end_sessions(SessionEnd.PASSWORD)

    def known_names(self) -> list[str]:
        """Return what somebody who guesses the password knows: the names of the user and of their office."""
        return [self.username, self.full_name, *([self.agency.name] if self.agency else [])]

    # -- operations of the user ---------------------------------------------------------------------------------------

    def change_password(self, old: str, new: str, again: str) -> None:
        """Set a password of one's own choice and end all sessions; raises ValidationFailed ("old", "new", "again")."""
        if not is_password_correct(self, old):
            error = _("This is not your current password.")
            raise ValidationFailed(error, field_errors={"old": error})
        if new == old:
            error = _("The new password is the same as the current one.")
            raise ValidationFailed(error, field_errors={"new": error})
        self.choose_password(new, again)

    def choose_password(self, new: str, again: str) -> None:
        """Set a password without asking for the former one; raises ValidationFailed ("new", "again").

        An initial one cannot be kept.
        """
        if self.is_password_initial and is_password_correct(self, new):
            error = _("The new password is the same as the current one.")
            raise ValidationFailed(error, field_errors={"new": error})
        if weakness := passwords.password_error(new, known_names=self.known_names()):
            raise ValidationFailed(weakness, field_errors={"new": weakness})
        if new != again:
            error = _("The two new passwords do not match.")
            raise ValidationFailed(error, field_errors={"again": error})
        self.set_password(new)
        _PASSWORD_CHOSEN.describe(session_of(self))

    def change_contact(self, *, email: str, phone: str, password: str) -> None:
        """Change one's own e-mail address and telephone number.

        A new address also takes the ``password``, since a link to set a new one is mailed there. Raises
        ValidationFailed ("email", "phone", "password").
        """
        form_values = {"email": email.strip() or None, "phone": phone.strip() or None}
        errors = {key: error for key, value in form_values.items() if (error := field_error(key, value))}
        if not errors and form_values["email"] != self.email and not is_password_correct(self, password):
            errors["password"] = (
                _("This is not your current password.")
                if password
                else _("A new e-mail address takes your current password: links to set a new one are sent there.")
            )
        if errors:
            raise ValidationFailed(_("Please check these fields:"), field_errors=errors)
        if form_values != {"email": self.email, "phone": self.phone}:
            self.email, self.phone = form_values["email"], form_values["phone"]
            _CONTACT_CHANGED.describe(session_of(self))

    def end_sessions(self, reason: SessionEnd) -> None:
        """End all sessions of the user, at the time of the audit context."""
        self.session_version = (self.session_version or 0) + 1
        session = object_session(self)
        now = trail.context_time(session) if session is not None else None
        if session is not None and now is not None and self.id is not None:
            with session.no_autoflush:
                end_logins(session, self.id, reason, now)

    def __str__(self) -> str:
        """Return the full name."""
        return self.full_name


@event.listens_for(User, "before_update")
def _record_end_times(_mapper: object, _connection: object, user: User) -> None:
    """Record when the role of head, the account or a password ends, at the time of the audit context."""
    attributes = inspect(user).attrs
    if attributes["password_hash"].history.deleted:
        user.password_set_at = trail.context_time(session_of(user))
    for flag, end_time in (("is_head", "head_until"), ("is_active", "disabled_at")):
        if True in attributes[flag].history.deleted:
            setattr(user, end_time, trail.context_time(session_of(user)))


def find_user(session: Session, typed: str) -> User | None:
    """Return the account of a user name as it was typed, in whatever letters; None if there is none.

    Where two earlier accounts differ in capitals alone, the one that is written as typed, else the lower-case one.
    """
    exact, name = UNSTORABLE_CHARACTERS.sub("", typed).strip(), normalize_username(typed)
    result = session.scalars(select(User).where(or_(User.username == exact, func.lower(User.username) == name))).all()
    return min(result, key=lambda user: (user.username != exact, user.username != name, user.id), default=None)


def is_password_correct(user: User | None, password: str) -> bool:
    """Whether ``password`` is the user's; takes the same time if ``user`` is None."""
    return is_hash_of(user.password_hash if user else _dummy_hash(), password) and user is not None


def is_hash_of(password_hash: str, password: str) -> bool:
    """Whether ``password_hash`` was made of ``password``."""
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def totp_step_of(secret: str, code: str, now: dt.datetime) -> int | None:
    """Return the 30-second step of ``code``, at most one step from ``now``, or None."""
    totp = pyotp.TOTP(secret)
    current = totp.timecode(now)
    digits = code.replace(" ", "").encode()
    steps = (current + drift for drift in (-1, 0, 1))
    return next((step for step in steps if compare_digest(totp.generate_otp(step).encode(), digits)), None)


#: The fields of a user that administrators edit, besides the roles.
PERSONAL_FIELDS = ("username", "full_name", "nip", "position", "rank", "institution", "email", "phone")

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def end_all_sessions(user: User, by: User | None) -> None:
    """End all sessions of somebody else; raises NotAllowed."""
    require_administrator_of(by, user.agency_id)
    user.end_sessions(SessionEnd.ADMINISTRATOR)
    _SESSIONS_ENDED.describe(session_of(user))


def require_administrator_of(by: User | None, agency_id: int | None) -> None:
    """Raise NotAllowed unless ``by`` administers this agency; None is the installation."""
    if by is None:
        return
    if not (by.is_active and is_granted(by.roles, Verb.EDIT, Resource.USER)):
        raise NotAllowed(_("Only an administrator can do this."))
    if not by.is_superadmin and by.agency_id != agency_id:
        raise NotAllowed(_("Only an administrator of the installation has access beyond their own agency."))


def field_error(key: str, value: str | None) -> Message | None:
    """Return why an account may not have ``value`` in this field, or None; ``key`` is one of PERSONAL_FIELDS."""
    column: Any = User.__table__.c[key]
    if value is None:
        return _("“%(field)s” is required here.", field=_FIELD_LABELS[key]) if not column.nullable else None
    if len(value) > column.type.length and key != "nip":
        return _(
            "At most %(most)s characters are allowed; this has %(length)s.", most=column.type.length, length=len(value)
        )
    if not is_storable(value) or not value.isprintable():
        return _("This text has a character that cannot be stored.")
    if key == "username" and not is_username(value):
        return _("A user name has 3 to 80 lower-case letters, digits, full stops, hyphens or underscores.")
    if key == "email" and not _EMAIL.fullmatch(value):
        return _("This is not an e-mail address.")
    return None


_FIELD_LABELS = {"username": _("User name"), "full_name": _("Full name")}
