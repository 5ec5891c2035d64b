"""Users, their roles, passwords and second factor."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, ClassVar

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, event, inspect, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts import passwords
from lpse_admin.accounts.permissions import Resource, Verb, is_granted
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from models.audit import trail
from models.audit.actions import AuditAction
from models.base import Base, IdType, PrimaryKey, ShortText, Timestamp, enum_type, is_storable, session_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from models.office.agency import Agency


_HASHER = PasswordHasher()


@cache
def _dummy_hash() -> str:
    """Return a hash to verify against if the user does not exist, so that both cases take the same time."""
    return _HASHER.hash("nobody has this password")


_CREATED = AuditAction("user.create", _("Created an account"))
_EDITED = AuditAction("user.edit", _("Changed an account"))
_PASSWORD_SET = AuditAction("user.password", _("Set a new password for a user"))
_DISABLED = AuditAction("user.disable", _("Disabled an account"))
_ENABLED = AuditAction("user.enable", _("Enabled an account"))


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
        Index(None, "agency_id", "full_name", "id"),
    )
    secret_columns: ClassVar[frozenset[str]] = frozenset({"password_hash", "totp_secret"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    username: Mapped[str] = mapped_column(String(80), unique=True)
    full_name: Mapped[ShortText]
    nip: Mapped[str | None] = mapped_column(String(18))
    position: Mapped[ShortText | None]
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
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    #: The 30-second step of the last accepted code: a code is accepted once.
    totp_last_step: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    is_requester: Mapped[bool] = mapped_column(default=False)
    is_change_manager: Mapped[bool] = mapped_column(default=False)
    is_head: Mapped[bool] = mapped_column(default=False)
    is_inspector: Mapped[bool] = mapped_column(default=False)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    #: Incremented to end all sessions of the user: password changed, roles changed, disabled.
    session_version: Mapped[int] = mapped_column(default=1)
    #: When this user last ceased to be head, and when the account was last disabled; None if never, or not known.
    head_until: Mapped[Timestamp | None]
    disabled_at: Mapped[Timestamp | None]

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
        return frozenset(role for role in Role if getattr(self, f"is_{role.value}"))

    @roles.setter
    def roles(self, roles: Iterable[Role]) -> None:
        held = frozenset(roles)
        for role in Role:
            setattr(self, f"is_{role.value}", role in held)

    @property
    def is_superadmin(self) -> bool:
        """Whether this is an administrator of the installation, who belongs to no agency."""
        return self.agency_id is None

    def set_password(self, password: str) -> None:
        """Store the Argon2id hash of ``password`` and end all sessions."""
        self.password_hash = _HASHER.hash(password)
        self.session_version = (self.session_version or 0) + 1

    # -- operations of administrators --------------------------------------------------------------------------------

    def alter(self, by: User, *, values: Mapping[str, str | None], roles: Iterable[Role]) -> None:
        """Change the user's ``values`` (keys: PERSONAL_FIELDS) and roles.

        Raises NotAllowed and ValidationFailed as ``create_user`` does, and NoSuchMove if no administrator would remain.
        """
        _require_administrator_of(by, self.agency_id)
        held = frozenset(roles)
        if Role.ADMINISTRATOR in self.roles - held:
            self._require_other_administrator(
                by, _("You cannot remove your own administrator role; another administrator can.")
            )
        cleaned = _validated(session_of(self), values, held, self.agency_id, self)
        for key, value in cleaned.items():
            setattr(self, key, value)
        if held != self.roles:
            self.roles = held
            self._end_sessions()
        _EDITED.describe(session_of(self))
        _flush_unique(session_of(self))

    def reset_password(self, by: User, password: str, *, without_second_factor: bool = False) -> None:
        """Set a new password and end all sessions; raises NotAllowed, and ValidationFailed for a weak password."""
        _require_administrator_of(by, self.agency_id)
        if by.id == self.id:
            raise NotAllowed(_("Change your own password on your profile page."))
        _require_strong_password(password, (self.username, self.full_name))
        self.set_password(password)
        _PASSWORD_SET.describe(session_of(self))
        if without_second_factor:
            self.totp_secret = self.totp_last_step = None

    def disable(self, by: User) -> None:
        """Disable the account and end its sessions; raises NotAllowed and NoSuchMove."""
        _require_administrator_of(by, self.agency_id)
        if not self.is_active:
            raise NoSuchMove(_("This account is already disabled."))
        if by.id == self.id or Role.ADMINISTRATOR in self.roles:
            self._require_other_administrator(by, _("You cannot disable your own account; another administrator can."))
        self.is_active = False
        _DISABLED.describe(session_of(self))
        self._end_sessions()

    def enable(self, by: User) -> None:
        """Enable the account; raises NotAllowed and NoSuchMove."""
        _require_administrator_of(by, self.agency_id)
        if self.is_active:
            raise NoSuchMove(_("This account is already enabled."))
        self.is_active = True
        _ENABLED.describe(session_of(self))

    def _end_sessions(self) -> None:
        self.session_version += 1

    def _require_other_administrator(self, by: User, own_message: Message) -> None:
        """Raise NotAllowed with ``own_message`` if ``by`` is this user, NoSuchMove if no administrator would remain."""
        if by.id == self.id:
            raise NotAllowed(own_message)
        # The lock serialises two administrators who remove each other.
        others = session_of(self).scalars(
            select(User.id)
            .where(User.is_administrator, User.is_active)
            .where(or_(User.agency_id.is_(None), User.agency_id == self.agency_id))
            .order_by(User.id)
            .with_for_update(of=User)
        )
        if self.is_active and {*others} <= {self.id}:
            raise NoSuchMove(_("This is the last administrator; appoint another one first."))

    def accept_code(self, code: str, now: dt.datetime) -> bool:
        """Whether ``code`` is valid now; a valid code is used up. True if there is no second factor."""
        if self.totp_secret is None:
            return True
        step = totp_step_of(self.totp_secret, code, now)
        if step is None or step <= (self.totp_last_step or 0):
            return False
        self.totp_last_step = step
        return True

    def __str__(self) -> str:
        """Return the full name."""
        return self.full_name


@event.listens_for(User, "before_update")
def _record_end_times(_mapper: object, _connection: object, user: User) -> None:
    """Record when the role of head or the account ends, at the time of the audit context, whoever ends it."""
    attributes = inspect(user).attrs
    for flag, end_time in (("is_head", "head_until"), ("is_active", "disabled_at")):
        if True in attributes[flag].history.deleted:
            setattr(user, end_time, trail.context_time(session_of(user)))


def is_password_correct(user: User | None, password: str) -> bool:
    """Whether ``password`` is the user's; takes the same time if ``user`` is None."""
    try:
        _HASHER.verify(user.password_hash if user else _dummy_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return user is not None


def totp_step_of(secret: str, code: str, now: dt.datetime) -> int | None:
    """Return the 30-second step of ``code``, at most one step from ``now``, or None."""
    totp = pyotp.TOTP(secret)
    current = totp.timecode(now)
    digits = code.replace(" ", "").encode()
    steps = (current + drift for drift in (-1, 0, 1))
    return next((step for step in steps if compare_digest(totp.generate_otp(step).encode(), digits)), None)


#: The fields of a user that administrators edit, besides the roles.
PERSONAL_FIELDS = ("username", "full_name", "nip", "position", "institution", "email", "phone")

_USERNAME = re.compile(r"[a-z0-9._-]{3,80}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NIP_DIGITS = 18


def create_user(
    session: Session,
    by: User,
    *,
    agency: Agency | None,
    values: Mapping[str, str | None],
    roles: Iterable[Role],
    password: str,
) -> User:
    """Create an account and return it. ``values`` has the keys of PERSONAL_FIELDS; ``agency`` None is the installation.

    Raises NotAllowed unless ``by`` administers that agency, ValidationFailed with an error for each invalid field
    ("username", "roles", "password" …).
    """
    _require_administrator_of(by, agency.id if agency else None)
    held = frozenset(roles)
    errors: dict[str, Message] = {}
    cleaned: dict[str, str | None] = {}
    try:
        cleaned = _validated(session, values, held, agency.id if agency else None, None)
    except ValidationFailed as refusal:
        errors |= refusal.field_errors
    try:
        _require_strong_password(password, (values.get("username") or "", values.get("full_name") or ""))
    except ValidationFailed as refusal:
        errors |= refusal.field_errors
    if errors:
        raise ValidationFailed(_("The user cannot be saved with these values."), field_errors=errors)
    user = User(agency=agency, **cleaned)
    user.roles = held
    user.set_password(password)
    session.add(user)
    _CREATED.describe(session)
    _flush_unique(session)
    return user


def _require_administrator_of(by: User, agency_id: int | None) -> None:
    """Raise NotAllowed unless ``by`` administers this agency; None is the installation."""
    if not (by.is_active and is_granted(by.roles, Verb.EDIT, Resource.USER)):
        raise NotAllowed(_("Only an administrator can do this."))
    if not by.is_superadmin and by.agency_id != agency_id:
        raise NotAllowed(_("Only an administrator of the installation has access beyond their own agency."))


def _require_strong_password(password: str, names: tuple[str, ...]) -> None:
    if error := passwords.password_error(password, known_names=names):
        raise ValidationFailed(error, field_errors={"password": error})


def _validated(
    session: Session, values: Mapping[str, str | None], roles: frozenset[Role], agency_id: int | None, user: User | None
) -> dict[str, str | None]:
    """Return the cleaned values; raises ValidationFailed with an error for each invalid field."""
    cleaned = {key: (values.get(key) or "").strip() or None for key in PERSONAL_FIELDS}
    cleaned["nip"] = re.sub(r"\s", "", cleaned["nip"] or "") or None
    errors = {key: error for key, value in cleaned.items() if (error := _field_error(key, value))}
    if "username" not in errors and _is_username_taken(session, cleaned["username"], user):
        errors["username"] = _USERNAME_TAKEN
    if not roles:
        errors["roles"] = _("A user must have at least one role.")
    elif agency_id is None and roles != {Role.ADMINISTRATOR}:
        errors["roles"] = _("A user without an agency can only be an administrator of the installation.")
    if errors:
        raise ValidationFailed(_("The user cannot be saved with these values."), field_errors=errors)
    return cleaned


_USERNAME_TAKEN = _("This user name is taken; choose another.")


def _field_error(key: str, value: str | None) -> Message | None:  # noqa: PLR0911 - one return for each error
    column: Any = User.__table__.c[key]
    if value is None:
        return _("“%(field)s” is required here.", field=_FIELD_LABELS[key]) if not column.nullable else None
    if len(value) > column.type.length and key != "nip":
        return _(
            "At most %(most)s characters are allowed; this has %(length)s.", most=column.type.length, length=len(value)
        )
    if not is_storable(value) or not value.isprintable():
        return _("This text has a character that cannot be stored.")
    if key == "username" and not _USERNAME.fullmatch(value):
        return _("A user name has 3 to 80 lower-case letters, digits, full stops, hyphens or underscores.")
    if key == "nip" and not (value.isascii() and value.isdigit() and len(value) == _NIP_DIGITS):
        return _("A NIP has 18 digits.")
    if key == "email" and not _EMAIL.fullmatch(value):
        return _("This is not an e-mail address.")
    return None


_FIELD_LABELS = {"username": _("User name"), "full_name": _("Full name")}


def _is_username_taken(session: Session, username: str | None, user: User | None) -> bool:
    with session.no_autoflush:
        holder = session.scalar(select(User.id).where(User.username == username))
    return holder is not None and (user is None or holder != user.id)


def _flush_unique(session: Session) -> None:
    """Flush; raises ValidationFailed if the user name was taken concurrently."""
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        raise ValidationFailed(_USERNAME_TAKEN, field_errors={"username": _USERNAME_TAKEN}) from None
