"""What stands on every paper of an office: letterhead with coat of arms, place, and the pattern of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import Message, _
from lpse_admin.papers.numbering import pattern_error
from lpse_admin.parsing.blank import strip_blank
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, Base, IdType, LongText, PrimaryKey, ShortText, Timestamp
from models.documents.document import FileContent, store_content
from models.immutability import Immutable, RowRules, UpdateRule
from models.office.agency import Agency
from models.office.setting import authorize_and_lock, validate_with_reason
from models.office.upload import count_upload
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt

_SET = AuditAction("setting.letterhead", _("Set the letterhead of the papers"))
#: Lines of a letterhead or an address; characters of them; characters of a classification code.
_MAX_LINES, _MAX_TEXT, _MAX_CODE = 6, 600, 40


class Letterhead(Base):
    """The letterhead of an office, as last set; an office without a row has its names alone."""

    __tablename__ = "letterhead"
    is_office_record = True
    __table_args__ = (CheckConstraint("(arms_sha256 IS NULL) = (arms_type IS NULL)", name="arms_with_their_type"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "letterhead_of_its_office",
            "what an office sets stays with its office and its day",
            (
                Immutable(
                    mutable=(
                        "names", "address", "place", "signs_for", "number_pattern", "classification", "arms_sha256",
                        "arms_type", "set_by_id", "set_at",
                    )
                ),
            ),
        ),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"), unique=True)
    #: The names of region and office, a line each; the last is the office itself.
    names: Mapped[LongText]
    address: Mapped[LongText | None]
    #: Where papers are signed: the word before the date.
    place: Mapped[ShortText | None]
    #: Whom the head signs for: "Kepala Dinas …", printed after "a.n.".
    signs_for: Mapped[ShortText | None]
    number_pattern: Mapped[ShortText | None]
    #: The code of the archive's classification.
    classification: Mapped[str | None] = mapped_column(String(_MAX_CODE))
    arms_sha256: Mapped[str | None] = mapped_column(String(64), ForeignKey("file_content.sha256"))
    #: "png" or "svg".
    arms_type: Mapped[str | None] = mapped_column(String(8))
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()
    arms: Mapped[FileContent | None] = relationship()


@dataclass(frozen=True, slots=True)
class LetterheadInput:
    """What is typed for a letterhead; ``arms`` are the bytes and the type of a new coat of arms."""

    names: str
    address: str = ""
    place: str = ""
    signs_for: str = ""
    number_pattern: str = ""
    classification: str = ""
    arms: tuple[bytes, str] | None = None
    without_arms: bool = False

    def errors(self) -> dict[str, Message]:
        """Return what is wrong, by field."""
        results = {
            "names": _lines_error(self.names, _("Names of region and office")),
            "address": _lines_error(self.address),
            "place": text_error(self.place, max_length=SHORT_TEXT_LENGTH),
            "signs_for": text_error(self.signs_for, max_length=SHORT_TEXT_LENGTH),
            "classification": text_error(self.classification, max_length=_MAX_CODE),
            "number_pattern": text_error(self.number_pattern, max_length=SHORT_TEXT_LENGTH)
            or (pattern_error(self.number_pattern) if strip_blank(self.number_pattern) else None),
        }
        return {key: error for key, error in results.items() if error}


def load_letterhead(session: Session, agency_id: int) -> Letterhead | None:
    """Return the letterhead that an office has set, if any."""
    return session.scalars(select(Letterhead).where(Letterhead.agency_id == agency_id)).one_or_none()


def set_letterhead(
    session: Session, agency: Agency, given: LetterheadInput, *, by: User, now: dt.datetime, reason: str
) -> Letterhead:
    """Set the letterhead of an office; raises NotAllowed, and ValidationFailed by field."""
    authorize_and_lock(session, agency.id, by, Verb.EDIT, Resource.PAPER_SETTING)
    validate_with_reason(session, reason, given.errors(), _SET)
    if given.arms is not None:
        count_upload(session, agency.id, len(given.arms[0]), by=by, now=now, field="arms")
    arms = store_content(session, given.arms[0]) if given.arms else None
    row = load_letterhead(session, agency.id)
    if row is None:
        row = Letterhead(agency_id=agency.id, set_by_id=by.id, set_at=now)
        session.add(row)
    row.names = "\n".join(text_lines(given.names))
    row.address = "\n".join(text_lines(given.address)) or None
    row.place, row.signs_for = strip_blank(given.place) or None, strip_blank(given.signs_for) or None
    row.number_pattern = strip_blank(given.number_pattern) or None
    row.classification = strip_blank(given.classification) or None
    if given.arms is not None and arms is not None:
        row.arms_sha256, row.arms_type = arms.sha256, given.arms[1]
    elif given.without_arms:
        row.arms_sha256 = row.arms_type = None
    row.set_by_id, row.set_at = by.id, now
    session.flush()
    return row


def text_lines(text: str | None) -> list[str]:
    """Return the lines of a text that are not blank."""
    return [stripped for line in (text or "").splitlines() if (stripped := strip_blank(line))]


def _lines_error(text: str, required_label: Message | None = None) -> Message | None:
    if error := text_error(text, required_label=required_label, max_length=_MAX_TEXT):
        return error
    if len(text_lines(text)) > _MAX_LINES:
        return _("At most %(most)s lines are allowed.", most=_MAX_LINES)
    return None
