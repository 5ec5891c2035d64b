"""SOPs that are being edited in the browser: kept sound or not, and loaded as a revision by the same way as a file."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop import InvalidSopError, LineError, SopAgency
from lpse_admin.sop.editor.document import SopDocument, unique_key
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import require_permission
from models.audit.actions import AuditAction
from models.base import (
    UNSTORABLE_CHARACTERS,
    Base,
    IdType,
    LongText,
    PrimaryKey,
    ShortText,
    Timestamp,
    enum_type,
    session_of,
)
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency
from models.office.upload import count_upload
from models.sops.sop import SopRevision, load_revision, parse_and_check

if TYPE_CHECKING:
    from models.accounts.user import User

_BEGUN = AuditAction("edited-sop.begin", _("Began to edit an SOP"))
_SAVED = AuditAction("edited-sop.save", _("Saved an SOP that is being edited"))
_DISCARDED = AuditAction("edited-sop.discard", _("Discarded an SOP that was being edited"))
_LOADED = AuditAction("edited-sop.load", _("Loaded an SOP from the editor"))
_NOT_ALLOWED = _("Only the head or an administrator edits an SOP.")
#: The most that is kept of one SOP; a file may have 100,000 characters, and what is too long is a fault.
MAX_CHARACTERS = 400_000


class SavedByAnotherError(NoSuchMove):
    """Another version is saved than the one that a page was made from."""


class EditState(LabelledEnum):
    """How far an SOP that is being edited is."""

    OPEN = "open", _("Being edited")
    LOADED = "loaded", _("Saved as a revision")


class EditedSop(Base):
    """An SOP that is being edited, as a file; ``version`` counts its changes."""

    __tablename__ = "edited_sop"
    is_office_record = True
    __table_args__ = (
        Index(None, "agency_id", "saved_at", "id"),
        Index(None, "revision_id"),
        Index(None, "based_on_id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "edited_sop_stays_loaded",
            "an SOP that was loaded from the editor stays as it was loaded",
            (
                Immutable(mutable=("title", "content", "version", "state", "saved_at", "saved_by_id", "revision_id")),
                Immutable("OLD.state = 'loaded'"),
            ),
        ),
        DeleteRule("edited_sop_kept", "an SOP that was loaded from the editor is kept", "OLD.state = 'loaded'"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    #: The key under which it is loaded.
    key: Mapped[ShortText]
    title: Mapped[LongText]
    #: TOML, sound or not.
    content: Mapped[LongText]
    version: Mapped[int]
    state: Mapped[EditState] = mapped_column(enum_type(EditState, "state"), default=EditState.OPEN)
    #: The revision that it began with.
    based_on_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("sop.id"))
    #: The revision that it was loaded as.
    revision_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("sop.id"))
    begun_at: Mapped[Timestamp]
    begun_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    begun_by_name: Mapped[str | None] = snapshot_of("begun_by_id")
    saved_at: Mapped[Timestamp]
    saved_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    saved_by_name: Mapped[str | None] = snapshot_of("saved_by_id")

    agency: Mapped[Agency] = relationship()
    begun_by: Mapped[User] = relationship(foreign_keys=[begun_by_id])
    saved_by: Mapped[User] = relationship(foreign_keys=[saved_by_id])
    based_on: Mapped[SopRevision | None] = relationship(foreign_keys=[based_on_id])
    revision: Mapped[SopRevision | None] = relationship(foreign_keys=[revision_id])

    @property
    def document(self) -> SopDocument:
        """The SOP as it is edited."""
        return SopDocument.read(self.content)

    def require_version(self, version: int) -> None:
        """Raise NoSuchMove unless this is being edited and ``version`` is the saved one; locks the row."""
        session = session_of(self)
        session.flush()
        session.refresh(self, with_for_update=True)
        if self.state is EditState.LOADED:
            raise NoSuchMove(_("This SOP was saved as a revision; edit the revision to change it again."))
        if self.version != version:
            raise SavedByAnotherError(
                _(
                    "%(name)s has saved this SOP since you opened the page. Look at it as it is now, then enter yours"
                    " again.",
                    name=self.saved_by_name or "",
                )
            )

    def save(self, document: SopDocument, *, by: User, now: dt.datetime, version: int) -> bool:
        """Save ``document`` over version ``version`` and return whether anything changed.

        Raises NotAllowed, NoSuchMove where another version is saved, ValidationFailed where it cannot be stored.
        """
        require_permission(by, Verb.EDIT, Resource.EDITED_SOP, self.agency_id, _NOT_ALLOWED)
        self.require_version(version)
        content = _storable(document)
        if content == self.content:
            return False
        count_upload(session_of(self), self.agency_id, len(content.encode()), by=by, now=now)
        self.content, self.title, self.version = content, document.title, self.version + 1
        self.saved_at, self.saved_by_id = now, by.id
        _SAVED.describe(session_of(self))
        return True

    def discard(self, *, by: User) -> None:
        """Delete it; raises NotAllowed, NoSuchMove where it was loaded."""
        require_permission(by, Verb.DELETE, Resource.EDITED_SOP, self.agency_id, _NOT_ALLOWED)
        self.require_version(self.version)
        session = session_of(self)
        session.delete(self)
        _DISCARDED.describe(session)

    def errors(self, *, by: User) -> list[LineError]:
        """Return what keeps it from being loaded."""
        try:
            parse_and_check(session_of(self), self.content, self.key, by=by)
        except InvalidSopError as error:
            return list(error.errors)
        except ValidationFailed as refusal:
            return [LineError(1, refusal.message)]
        return []

    def load(self, *, by: User, now: dt.datetime, version: int) -> SopRevision:
        """Load it as a revision and return that; raises what ``load_revision`` and ``require_version`` raise."""
        require_permission(by, Verb.CREATE, Resource.SOP, self.agency_id, _NOT_ALLOWED)
        self.require_version(version)
        session = session_of(self)
        revision = load_revision(session, self.content, self.key, now=now, by=by)
        self.state, self.revision_id = EditState.LOADED, revision.id
        _LOADED.describe(session)
        return revision

    def __str__(self) -> str:
        """Return the title of the SOP, or its key."""
        return self.title or self.key


@dataclass(frozen=True, slots=True)
class EditStart:
    """What an SOP is edited from: its document, the key and agency that it is loaded for, the revision it was."""

    document: SopDocument
    key: str
    agency_id: int
    based_on: SopRevision | None = None


def begin_edit(session: Session, start: EditStart, *, by: User, now: dt.datetime) -> EditedSop:
    """Store an SOP to be edited; raises NotAllowed, ValidationFailed where it cannot be stored."""
    require_permission(by, Verb.CREATE, Resource.EDITED_SOP, start.agency_id, _NOT_ALLOWED)
    content = _storable(start.document)
    count_upload(session, start.agency_id, len(content.encode()), by=by, now=now, field="text")
    row = EditedSop(
        agency_id=start.agency_id,
        key=start.key,
        title=start.document.title,
        content=content,
        version=1,
        based_on_id=start.based_on.id if start.based_on else None,
        begun_at=now,
        begun_by_id=by.id,
        saved_at=now,
        saved_by_id=by.id,
    )
    session.add(row)
    _BEGUN.describe(session)
    session.flush()
    return row


def agency_of_sop(agency: Agency) -> SopAgency:
    """Return what an SOP says of an agency."""
    return SopAgency(agency.key, agency.name, agency.region, agency.province)


def new_key(session: Session, agency: Agency, year: int) -> str:
    """Return a key for an SOP of ``agency`` that no revision and no edited SOP has."""
    taken = {*session.scalars(select(SopRevision.key)), *session.scalars(select(EditedSop.key))}
    return unique_key(f"{agency.key[:40]} {year}", taken)


def _storable(document: SopDocument) -> str:
    """Return the document as a file; raises ValidationFailed where no database or no program can keep it."""
    content = document.toml
    if UNSTORABLE_CHARACTERS.search(content) or len(content) > MAX_CHARACTERS:
        raise ValidationFailed(_("This text is too long, or has a character that cannot be stored."))
    return content
