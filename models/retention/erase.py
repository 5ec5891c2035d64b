"""Erasure: personal content and files are removed for good; rows, hashes and the chain of the trail stay.

What is erased of a request: its texts and whom it was for, the texts of its steps, comments and deviations, the names
and contents of its files and papers, and what the trail told of all that. Numbers, times, outcomes and who acted stay.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, true, update

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.permission import require_permission
from models.audit import trail
from models.audit.actions import AuditAction
from models.audit.erasure import ERASED_TEXT, Erasure, content_hash, erased_hashes
from models.audit.told_values import as_told
from models.base import Base, canonical_json, session_of
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity, AssetReviewItem, TestCase
from models.documents.document import Document, FileContent
from models.papers.printed import PaperPrint, SignedPaper
from models.retention.hold import holds_in_force
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Column, CompoundSelect, Connection, Select
    from sqlalchemy.orm import Session

    from models.accounts.user import User

    Keys = set[tuple[str, str]]

_FILE_ERASED = AuditAction("document.erase", _("Erased the content of a file"))
_NOT_ALLOWED = _("Only the head lets the content of a file be erased.")
_NOT_AS_TOLD = _(
    "Something of this is not as the audit trail says, so that nothing was erased. Have the register verified first"
    " (flask audit verify), and see to what is found."
)
_entry: Any = trail.AuditEntry.__table__
#: What there is nothing of to erase.
_NOTHING: tuple[object, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class ErasedBy:
    """Who erases, when, why, and by which destruction."""

    user: User
    now: dt.datetime
    reason: str
    destruction_id: int | None = None


def erase_file(document: Document, *, by: User, now: dt.datetime, reason: str) -> None:
    """Erase the content of a file that should not have been attached; name and hash stay.

    Raises NotAllowed, ValidationFailed, and NoSuchMove where its request is under a hold or it is erased already.
    """
    session = session_of(document)
    require_permission(by, Verb.EDIT, Resource.DOCUMENT, document.agency_id, _NOT_ALLOWED)
    if error := text_error(reason, required_label=_("Reason")):
        raise ValidationFailed(error, field_errors={"reason": error})
    if document.file_content.is_erased:
        raise NoSuchMove(_("The content of this file is erased already."))
    _require_free(session, document)
    _FILE_ERASED.describe(session, reason=reason.strip())
    _erase_contents(session, document.agency_id, {document.sha256}, ErasedBy(by, now, reason.strip()))
    session.expire(document.file_content)


def _require_free(session: Session, document: Document) -> None:
    """Raise NoSuchMove where the same bytes are another office's too, or are attached to a request under a hold."""
    for column in _references():
        table: Any = column.table
        others = table.c.agency_id.is_distinct_from(document.agency_id) if "agency_id" in table.c else true()
        if session.scalar(select(column).where(column == document.sha256, others).limit(1)) is not None:
            raise NoSuchMove(_("The same file is kept for other records, which have to keep it: it is not erased."))
    with_it = select(Document.change_id).where(Document.sha256 == document.sha256, Document.change_id.is_not(None))
    if holds_in_force(session, [id_ for id_ in session.scalars(with_it) if id_ is not None]):
        raise NoSuchMove(_("The request is under a hold: nothing of it is erased."))


def _references() -> Iterator[Column[Any]]:
    """Yield the columns that refer to the content of a file."""
    for table in Base.metadata.sorted_tables:
        for foreign_key in table.foreign_keys:
            if foreign_key.target_fullname == "file_content.sha256":
                yield foreign_key.parent


def erase_request(session: Session, change: ChangeRequest, who: ErasedBy) -> None:
    """Erase the content of a request, of its steps and files, and of the entries that told of them.

    Raises NoSuchMove where any of it is not as the trail says: what was altered past the program is not to be lost.
    """
    session.flush()
    connection = session.connection()
    rows = [(model, dict(row)) for model, of in _rows_of(change.id) for row in connection.execute(of).mappings().all()]
    _require_as_told(connection, change.id, rows)
    keys: Keys = set()
    for model, row in rows:
        _erase_row(session, change, model, row, who, keys)
    keys.update(_deleted_rows(session, change.id, keys))
    hashes = set(connection.scalars(_contents_of(change.id)))
    _erase_contents(session, change.agency_id, _held_by_nothing_else(session, change.id, hashes), who)
    _erase_entries(session, change, who, keys)
    session.expire_all()


def _require_as_told(
    connection: Connection, change_id: int, rows: Sequence[tuple[type[Base], Mapping[str, Any]]]
) -> None:
    """Raise NoSuchMove unless the entries have their hashes, and the texts of the rows are what they told last."""
    entries = connection.execute(_entries_of(change_id)).mappings().all()
    erased = erased_hashes(connection, _entry.name, [str(entry["id"]) for entry in entries])
    told: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for entry in entries:
        if trail.entry_hash(dict(entry)) not in {entry["hash"], erased.get(str(entry["id"]))}:
            raise NoSuchMove(_NOT_AS_TOLD)
        for row in json.loads(entry["rows"]):
            told[row["table"], row["id"]].update(row["after"])
    for model, stored in rows:
        said = told[str(model.__tablename__), str(stored["id"])]
        for name in said.keys() & _erasable(model):
            is_text = stored[name] is None or isinstance(stored[name], str | list | dict)
            if is_text and as_told(stored[name]) != said[name]:
                raise NoSuchMove(_NOT_AS_TOLD)


def _rows_of(change_id: int) -> Iterator[tuple[type[Base], Select[Any]]]:
    """Yield each kind of rows that has content of a request to be erased, with the statement for them."""
    steps = select(Activity.__table__.c.id).where(Activity.__table__.c.change_id == change_id)
    parents: dict[type[Base], str] = {TestCase: "run_id", AssetReviewItem: "review_id"}
    for mapper in sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__):
        model: Any = mapper.class_
        table: Any = mapper.local_table
        if not _erasable(model) or model in {FileContent, trail.AuditEntry}:
            continue
        if mapper.inherits is not None and table is mapper.inherits.local_table:
            continue
        if model is ChangeRequest:
            criterion = table.c.id == change_id
        elif "change_id" in table.c:
            criterion = table.c.change_id == change_id
        else:
            criterion = table.c[parents.get(model, "id")].in_(steps)
        yield model, select(table).where(criterion)


def _erasable(model: type[Base]) -> list[str]:
    """Return the columns of the model's own table that can be erased."""
    table: Any = model.__table__
    return sorted(name for name in model.erasable_columns if name in table.c)


def _erase_row(
    session: Session, change: ChangeRequest, model: type[Base], row: Mapping[str, Any], who: ErasedBy, keys: Keys
) -> None:
    table: Any = model.__table__
    key = (str(table.name), str(row["id"]))
    keys.add(key)
    content = {name: row[name] for name in _erasable(model) if row[name] not in _NOTHING}
    if not content and model is not ChangeRequest:
        return
    told = {name: as_told(value) for name, value in content.items()}
    session.add(_erasure(change.agency_id, key, content_hash(told), who))
    session.flush()
    names = model.erasable_values
    blank = {name: None if isinstance(value, int) else _blank(value, names) for name, value in content.items()}
    if blank:
        session.connection().execute(update(table).where(table.c.id == row["id"]).values(blank))
        trail.note_erased(session, key, blank, chain=change.agency_id, change_id=change.id)


def _blank(value: object, names: frozenset[str] | None = None) -> object:
    """Return ``value`` with nothing of its texts, or of those with these names; JSON keeps its form for the pages."""
    if isinstance(value, dict):
        return {key: _blank(one) if names is None or key in names else one for key, one in value.items()}
    if isinstance(value, list):
        return [_blank(one) for one in value]
    return ERASED_TEXT if isinstance(value, str) else value


def _erasure(agency_id: int, key: tuple[str, str], hash_: str, who: ErasedBy) -> Erasure:
    return Erasure(
        agency_id=agency_id,
        destruction_id=who.destruction_id,
        table_name=key[0],
        row_key=key[1],
        content_hash=hash_,
        reason=who.reason,
        erased_at=who.now,
        erased_by_id=who.user.id,
        erased_by_name=who.user.full_name,
    )


def _contents_of(change_id: int) -> CompoundSelect[Any]:
    """Return the statement for the hashes of the files and papers of a request."""
    tables = (Document, PaperPrint, SignedPaper)
    first, *others = (select(one.sha256).where(one.change_id == change_id) for one in tables)
    return first.union(*others)


def _held_by_nothing_else(session: Session, change_id: int, hashes: set[str]) -> set[str]:
    """Return those of ``hashes`` that no other record refers to."""
    connection, free = session.connection(), set(hashes)
    for column in _references():
        table: Any = column.table
        others = select(column).where(column.in_(hashes))
        if "change_id" in table.c:
            others = others.where(table.c.change_id.is_distinct_from(change_id))
        free -= set(connection.scalars(others))
    return free


def _erase_contents(session: Session, agency_id: int, hashes: set[str], who: ErasedBy) -> None:
    """Erase the bytes of files; their hashes and sizes stay. Raises NoSuchMove where the bytes have another hash."""
    table: Any = FileContent.__table__
    for sha256 in sorted(hashes):
        known = select(Erasure.id).where(Erasure.table_name == table.name, Erasure.row_key == sha256)
        if session.scalar(known) is None:
            content = session.scalar(select(table.c.content).where(table.c.sha256 == sha256))
            if hashlib.sha256(content or b"").hexdigest() != sha256:
                raise NoSuchMove(_NOT_AS_TOLD)
            session.add(_erasure(agency_id, (table.name, sha256), sha256, who))
            session.flush()
            session.connection().execute(update(table).where(table.c.sha256 == sha256).values(content=b""))


def _entries_of(change_id: int) -> Select[Any]:
    row: Any = trail.AuditRow.__table__.c
    told = select(row.entry_id).where(row.table_name == ChangeRequest.__tablename__, row.row_id == str(change_id))
    return select(_entry).where(_entry.c.id.in_(told)).order_by(_entry.c.id)


def _deleted_rows(session: Session, change_id: int, keys: Keys) -> Iterator[tuple[str, str]]:
    """Yield the rows that the trail tells of as belonging to the request, which are there no more."""
    for entry in session.connection().execute(_entries_of(change_id)).mappings().all():
        for row in json.loads(entry["rows"]):
            owner = row["before"].get("change_id") or row["after"].get("change_id")
            if owner == change_id and (row["table"], row["id"]) not in keys:
                yield row["table"], row["id"]


def _erase_entries(session: Session, change: ChangeRequest, who: ErasedBy, keys: Keys) -> None:
    """Erase what the entries of the trail tell of the rows ``keys``, so that their hashes can still be followed."""
    columns: dict[str, frozenset[str]] = defaultdict(frozenset)
    for mapper in Base.registry.mappers:
        model: Any = mapper.class_
        columns[str(model.__tablename__)] |= frozenset(_erasable(model))
    for entry in session.connection().execute(_entries_of(change.id)).mappings().all():
        rows = json.loads(entry["rows"])
        for row in rows:
            if (row["table"], row["id"]) in keys:
                for told in (row["before"], row["after"]):
                    erased = (name for name in columns[row["table"]] if told.get(name) not in _NOTHING)
                    told.update(dict.fromkeys(erased, ERASED_TEXT))
        left = {"rows": canonical_json(rows), "reason": ERASED_TEXT if entry["reason"] else entry["reason"]}
        if left == {"rows": entry["rows"], "reason": entry["reason"]}:
            continue
        key = (str(_entry.name), str(entry["id"]))
        session.add(_erasure(change.agency_id, key, trail.entry_hash({**entry, **left}), who))
        session.flush()
        session.connection().execute(update(_entry).where(_entry.c.id == entry["id"]).values(left))
