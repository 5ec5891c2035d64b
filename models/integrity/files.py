"""The contents of files, compared with the hash that each is known by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lpse_admin.i18n import Message, _
from models.audit.erasure import erased_hashes
from models.documents.document import Document, FileContent
from models.integrity.findings import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Row, Select

_content: Any = FileContent.__table__.c
_document: Any = Document.__table__.c

#: Hashes that are looked up at a time; contents are read one by one.
_HASHES_AT_A_TIME = 1000


def verify_files(connection: Connection, on_file: Callable[[], None]) -> Iterator[Finding]:
    """Yield the files whose bytes are not what was attached; ``on_file`` is called for each content."""
    statement = select(_content.sha256, _content.size, _content.content)
    erased = erased_hashes(connection, FileContent.__tablename__)
    last = ""
    while hashes := connection.scalars(_following(last)).all():
        for digest in hashes:
            row = connection.execute(statement.where(_content.sha256 == digest)).one()
            on_file()
            if not (digest in erased and not row.content) and (error := _error(row)):
                yield from _of_documents(connection, digest, error)
        last = hashes[-1]
    yield from _sizes_of_documents(connection)


def _following(last: str) -> Select[str]:
    return select(_content.sha256).where(_content.sha256 > last).order_by(_content.sha256).limit(_HASHES_AT_A_TIME)


def _error(row: Row[str, int, bytes]) -> Message | None:
    result = hashlib.sha256(row.content).hexdigest()
    if result != row.sha256:
        return _("its bytes have the hash %(found)s, not %(told)s", found=result, told=row.sha256)
    if len(row.content) != row.size:
        return _("it has %(found)s bytes, not %(told)s", found=len(row.content), told=row.size)
    return None


def _of_documents(connection: Connection, digest: str, error: Message) -> Iterator[Finding]:
    """Yield the finding for each document with this content; for the content itself where none has it."""
    columns = (_document.id, _document.agency_id, _document.change_id, _document.name, _document.uploaded_at)
    documents = connection.execute(select(*columns).where(_document.sha256 == digest).order_by(_document.id)).all()
    for row in documents:
        named = _("“%(name)s”: %(error)s", name=row.name, error=error)
        yield Finding(
            FindingKind.FILE,
            named,
            chain=row.agency_id,
            table="document",
            row=str(row.id),
            column="content",
            change_id=row.change_id,
            at=row.uploaded_at,
        )
    if not documents:
        yield Finding(FindingKind.FILE, error, table="file_content", row=digest, column="content")


def _sizes_of_documents(connection: Connection) -> Iterator[Finding]:
    """Yield the documents that say another size than their content has."""
    differing = (
        select(_document.id, _document.agency_id, _document.change_id, _document.uploaded_at)
        .join(FileContent.__table__, _content.sha256 == _document.sha256)
        .where(_content.size != _document.size)
        .order_by(_document.id)
    )
    for row in connection.execute(differing):
        yield Finding(
            FindingKind.FILE,
            _("it says another size than its content has"),
            chain=row.agency_id,
            table="document",
            row=str(row.id),
            column="size",
            change_id=row.change_id,
            at=row.uploaded_at,
        )
