"""Attached files. Their content is stored in the database, once for each SHA-256, so that a backup has everything."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, deferred, mapped_column, relationship

from lpse_admin.documents.file_types import VIEWABLE_TYPES
from lpse_admin.errors import NoSuchMove, NotAllowed, NotFound, Refused, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.actor_snapshot import snapshot_of
from models.base import Base, IdType, PrimaryKey, ShortText, Timestamp
from models.immutability import RowRules, no_update_or_delete
from models.office.upload import count_upload

if TYPE_CHECKING:
    import datetime as dt

    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from models.changes.steps.activity import Activity
    from models.delegation.delegation import Delegation
    from models.releases.freeze import FreezePermit


class Erased(NotFound):
    """The content of a file was erased, on record."""

    status = HTTPStatus.GONE


class FileContent(Base):
    """The content of a file, stored once however often it is attached."""

    __tablename__ = "file_content"
    secret_columns: ClassVar[frozenset[str]] = frozenset({"content"})

    row_rules: ClassVar[RowRules] = no_update_or_delete("a row of file_content stays as it is")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"content"})

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary))

    @property
    def is_erased(self) -> bool:
        """Whether nothing is stored where something was: its erasure is on record, or the verification finds it."""
        return self.size > 0 and not self.content

    def intact(self, name: str) -> bytes:
        """Return the bytes; raises Refused, which names the file, if their hash is another than the one they have."""
        if hashlib.sha256(self.content).hexdigest() == self.sha256:
            return self.content
        if self.is_erased:
            raise Erased(_("The content of “%(name)s” was erased on record; its hash is kept.", name=name))
        raise Refused(
            _(
                "The content of “%(name)s” is no longer what was attached: it was changed past the program, and is not"
                " shown. Tell the head of the LPSE and the administrator, who run flask audit verify.",
                name=name,
            )
        )


class Document(Base):
    """A file attached to a step of a request, or the scanned decree of a delegation."""

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("(change_id IS NULL) <> (delegation_id IS NULL)", name="belongs_to_one_thing"),
        CheckConstraint("(change_id IS NULL) = (activity_id IS NULL)", name="attached_in_a_step"),
        Index(None, "change_id"),
        Index(None, "activity_id"),
        Index(None, "delegation_id"),
        Index(None, "sha256"),
        Index(None, "agency_id", "uploaded_at", "id"),
        Index(None, "uploaded_at", "id"),
    )

    row_rules: ClassVar[RowRules] = (
        *no_update_or_delete(
            "a file of a finished step stays as it is",
            "(SELECT finished_at FROM activity WHERE activity.id = OLD.activity_id) IS NOT NULL",
            name="frozen",
        ),
        *no_update_or_delete("a decree stays with its delegation", "OLD.delegation_id IS NOT NULL", name="decree"),
    )
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"name"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("activity.id"))
    delegation_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("delegation.id"))
    #: The key of the SOP's required item that this file is; None for other files.
    item_key: Mapped[str | None] = mapped_column(String(80))
    name: Mapped[ShortText]
    media_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), ForeignKey("file_content.sha256"))
    uploaded_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    uploaded_by_name: Mapped[str | None] = snapshot_of("uploaded_by_id")
    uploaded_by_title: Mapped[str | None] = snapshot_of("uploaded_by_id", "position")
    uploaded_at: Mapped[Timestamp]

    change: Mapped[ChangeRequest | None] = relationship(viewonly=True)
    activity: Mapped[Activity | None] = relationship(viewonly=True)
    delegation: Mapped[Delegation | None] = relationship(back_populates="documents")
    file_content: Mapped[FileContent] = relationship()
    #: The head's permits that this is the letter of.
    permits: Mapped[list[FreezePermit]] = relationship(viewonly=True)

    @property
    def is_viewable(self) -> bool:
        """Whether a browser can show it: a PDF or an image, as detected from its content."""
        return self.media_type in VIEWABLE_TYPES

    @property
    def is_image(self) -> bool:
        """Whether it is an image that a browser can show."""
        return self.is_viewable and self.media_type.startswith("image/")

    def __str__(self) -> str:
        """Return the file's name."""
        return self.name


def attached_keys(session: Session, change: ChangeRequest) -> frozenset[str]:
    """Return the keys of the requirements that a file of ``change`` meets."""
    of_change = select(Document.item_key).where(Document.change_id == change.id, Document.item_key.is_not(None))
    session.flush()
    return frozenset(key for key in session.scalars(of_change) if key is not None)


def store_content(session: Session, content: bytes) -> FileContent:
    """Return the row for ``content``; it is added if it is new. Raises ValidationFailed if it was erased on record."""
    sha256 = hashlib.sha256(content).hexdigest()
    row = session.get(FileContent, sha256)
    if row is not None:
        stored = session.scalar(select(func.length(FileContent.content)).where(FileContent.sha256 == sha256))
        if stored != row.size:
            raise ValidationFailed(_("This file was erased here on record, and is not stored again."))
        return row
    row = FileContent(sha256=sha256, size=len(content), content=content)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # added concurrently
        row = session.get_one(FileContent, sha256)
    return row


def require_detachable(session: Session, document: Document, by: User, now: dt.datetime) -> ChangeRequest:
    """Return the request of ``document``, locked, if ``by`` may detach the file from its step.

    Raises NoSuchMove (409) if the step is finished or something else refers to the file, NotAllowed (403) for
    anybody but the step's actor.
    """
    activity, change = document.activity, document.change
    if activity is None or change is None:
        raise NoSuchMove(_("The decree cannot be removed from its delegation."))
    if document.permits:
        raise NoSuchMove(_("The letter cannot be removed from the head's permit."))
    _lock_open_activity(session, activity)
    if refusal := change.reason_cannot_act(by, now):
        raise NotAllowed(refusal)
    return change


def detach(session: Session, document: Document, by: User, now: dt.datetime) -> None:
    """Detach a file from its open step (audited with name and hash). Raises as ``require_detachable`` does."""
    change = require_detachable(session, document, by, now)
    session.delete(document)
    change.version += 1
    session.flush()


def _lock_open_activity(session: Session, activity: Activity) -> None:
    """Lock the request, as a move does, so that the step is not finished while its files change."""
    session.flush()
    session.refresh(activity.change, ["version"], with_for_update=True)
    session.refresh(activity, ["finished_at"])
    if not activity.is_open:
        raise NoSuchMove(_("This step is finished: its files cannot be changed."))


def _same_file(session: Session, activity: Activity, item_key: str | None, name: str, sha256: str) -> Document | None:
    return session.scalars(
        select(Document)
        .where(
            Document.activity_id == activity.id,
            Document.item_key.is_(None) if item_key is None else Document.item_key == item_key,
            Document.name == name,
            Document.sha256 == sha256,
        )
        .limit(1)
    ).first()


def attach(  # noqa: PLR0913 - the columns of a document
    session: Session,
    *,
    name: str,
    media_type: str,
    content: bytes,
    by: User,
    now: dt.datetime,
    item_key: str | None = None,
    activity: Activity | None = None,
    delegation: Delegation | None = None,
    is_locked: bool = False,
) -> Document:
    """Attach an inspected file to an open step or to a delegation, and return its row.

    A file that the step has already for the same item is taken once: its row is returned. ``is_locked`` means that the
    step was loaded under the lock of its request. Raises NoSuchMove if it is finished, UploadLimitReached.
    """
    owner = activity or delegation
    if owner is None:
        raise TypeError("a document belongs to an activity or a delegation")
    if activity is not None and not is_locked:
        _lock_open_activity(session, activity)
    row = store_content(session, content)
    if activity is not None and (same := _same_file(session, activity, item_key, name, row.sha256)):
        return same
    count_upload(session, owner.agency_id, row.size, by=by, now=now)
    document = Document(
        agency_id=owner.agency_id,
        change_id=activity.change_id if activity else None,
        activity_id=activity.id if activity else None,
        delegation_id=delegation.id if delegation else None,
        item_key=item_key,
        name=name,
        media_type=media_type,
        size=row.size,
        sha256=row.sha256,
        uploaded_by_id=by.id,
        uploaded_at=now,
    )
    session.add(document)
    session.flush()
    return document
