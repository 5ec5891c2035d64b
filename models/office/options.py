"""What an office chooses: the kinds of files it takes, when its daily digest goes out, who gets its anchors."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, String, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.documents.file_types import ALL_FILE_TYPES, FileType
from lpse_admin.i18n import Message, _
from lpse_admin.notifications.addresses import read_addresses
from lpse_admin.notifications.digest import DEFAULT_DIGEST_TIME, parse_digest_time
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp
from models.immutability import Immutable, RowRules, UpdateRule
from models.office.agency import Agency
from models.office.setting import authorize_and_lock, validate_with_reason

if TYPE_CHECKING:
    from collections.abc import Iterable

_FILES_SET = AuditAction("setting.files", _("Chose the kinds of files that are accepted"))
_ANCHORS_SET = AuditAction("setting.anchors", _("Set to whom the anchors of the audit trail are sent"))
_DIGEST_SET = AuditAction("setting.digest", _("Set the time of the daily digest"))

#: So many addresses get the anchors of an office at the most.
MAX_ANCHOR_ADDRESSES = 20
_MAX_SHOWN = 200


class OfficeOptions(Base):
    """What an office has chosen, as last set; an office without a row has the defaults, as has an empty column."""

    __tablename__ = "office_options"
    is_office_record = True
    __table_args__ = (CheckConstraint("file_types <> ''", name="takes_some_files"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "office_options_of_its_office",
            "what an office sets stays with its office and its day",
            (Immutable(mutable=("file_types", "digest_time", "anchor_addresses", "set_by_id", "set_at")),),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"), unique=True)
    #: The kinds of files that are accepted, separated by blanks; None for all.
    file_types: Mapped[str | None] = mapped_column(String(200))
    #: When the daily digest goes out on a working day, as "07:30"; None for the default.
    digest_time: Mapped[str | None] = mapped_column(String(5))
    #: To whom the anchors of the audit trail are mailed each day, separated by blanks; None for nobody.
    anchor_addresses: Mapped[LongText | None]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()

    @property
    def accepted_types(self) -> frozenset[FileType]:
        """The kinds of files that the office takes."""
        return ALL_FILE_TYPES if self.file_types is None else frozenset(map(FileType, self.file_types.split()))

    @property
    def digest_at(self) -> dt.time:
        """When the daily digest goes out."""
        return DEFAULT_DIGEST_TIME if self.digest_time is None else dt.time.fromisoformat(self.digest_time)


def load_options(session: Session, agency_id: int | None) -> OfficeOptions | None:
    """Return what the office has chosen, if anything."""
    return session.scalars(_OF_AGENCY, {"agency": agency_id}).one_or_none()


# On every page with a form that takes files, so put together once.
_OF_AGENCY = select(OfficeOptions).where(OfficeOptions.agency_id == bindparam("agency"))


def load_accepted_types(session: Session, agency_id: int | None) -> frozenset[FileType]:
    """Return the kinds of files that an office takes; all of them without a choice, or without an office."""
    options = load_options(session, agency_id)
    return ALL_FILE_TYPES if options is None else options.accepted_types


def load_digest_time(session: Session, agency_id: int) -> dt.time:
    """Return when the daily digest of an office goes out."""
    options = load_options(session, agency_id)
    return DEFAULT_DIGEST_TIME if options is None else options.digest_at


def set_file_types(
    session: Session, agency: Agency, file_types: Iterable[FileType], *, by: User, now: dt.datetime, reason: str
) -> OfficeOptions:
    """Choose the kinds of files that are accepted from now on; raises as ``setting.set_warning_share`` does."""
    chosen = frozenset(file_types)
    errors = {} if chosen else {"file_types": _("Choose at least one kind of file.")}
    options = _open(session, agency, by, now, reason, errors, _FILES_SET)
    options.file_types = " ".join(kind.value for kind in FileType if kind in chosen)
    session.flush()
    return options


def set_digest_time(
    session: Session, agency: Agency, digest_time: str, *, by: User, now: dt.datetime, reason: str
) -> OfficeOptions:
    """Set when the daily digest goes out on a working day; raises as ``setting.set_warning_share`` does."""
    time = parse_digest_time(digest_time)
    errors = {} if time else {"digest_time": _("Write the time as hour and minute, such as 07.30.")}
    options = _open(session, agency, by, now, reason, errors, _DIGEST_SET)
    options.digest_time = f"{time or DEFAULT_DIGEST_TIME:%H:%M}"
    session.flush()
    return options


def set_anchor_addresses(
    session: Session, agency: Agency, anchor_addresses: str, *, by: User, now: dt.datetime, reason: str
) -> OfficeOptions:
    """Set to whom the anchors are mailed each day, nobody where there is none; raises as ``set_warning_share`` does."""
    addresses, invalid = read_addresses(anchor_addresses)
    errors = {}
    if invalid:
        wrong = ", ".join(invalid)[:_MAX_SHOWN]
        errors["anchor_addresses"] = _("These are no e-mail addresses: %(wrong)s", wrong=wrong)
    elif len(addresses) > MAX_ANCHOR_ADDRESSES:
        errors["anchor_addresses"] = _("At most %(most)s addresses.", most=MAX_ANCHOR_ADDRESSES)
    options = _open(session, agency, by, now, reason, errors, _ANCHORS_SET)
    options.anchor_addresses = " ".join(addresses) or None
    session.flush()
    return options


def _open(  # noqa: PLR0913, PLR0917 - what every setting is set with
    session: Session,
    agency: Agency,
    by: User,
    now: dt.datetime,
    reason: str,
    errors: dict[str, Message],
    action: AuditAction,
) -> OfficeOptions:
    """Return the row of the office, signed by whoever changes it; raises for what is wrong."""
    authorize_and_lock(session, agency.id, by, Verb.EDIT, Resource.SETTING)
    validate_with_reason(session, reason, errors, action)
    options = load_options(session, agency.id)
    if options is None:
        options = OfficeOptions(agency_id=agency.id)
        session.add(options)
    options.set_by_id, options.set_at = by.id, now
    return options
