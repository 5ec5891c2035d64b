"""The trail: every write of every table, told in the transaction that makes it, in chains of hashes.

A transaction makes one entry for each agency whose rows it touched, so that its cost stays that of one row however
many rows it tells of; ``audit_row`` says which entries tell of a record and is found by an index. Each agency has
a chain of its own (the installation's own rows are in chain 0), locked by its head row, so that offices don't
queue for one another. Both tables are append-only by triggers (``models.triggers``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    TextClause,
    UniqueConstraint,
    bindparam,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import (
    ColumnProperty,
    Mapped,
    Mapper,
    ORMExecuteState,
    Session,
    SessionTransaction,
    load_only,
    mapped_column,
    object_session,
)

from lpse_admin.i18n import LabelledEnum, _
from models.audit import seal
from models.audit.told_values import as_told, redacted
from models.base import (
    UNSTORABLE_CHARACTERS,
    Base,
    IdType,
    LongText,
    PrimaryKey,
    ShortText,
    Timestamp,
    canonical_json,
    partial_index,
)
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule, no_update_or_delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy import Connection
    from sqlalchemy.orm import InstrumentedAttribute, scoped_session, sessionmaker

#: The chain of rows that belong to no agency.
INSTALLATION_CHAIN = 0
#: What the first entry of a chain follows.
GENESIS_HASH = "0" * 64


class RowAction(LabelledEnum):
    """What happened to a row."""

    INSERTED = "inserted", _("Entered")
    UPDATED = "updated", _("Changed")
    DELETED = "deleted", _("Removed")
    #: As it was found when the trail began to tell of it; what was before is not known.
    FOUND = "found", _("Taken over as found")


class AuditEntry(Base):
    """What one transaction did to one agency's rows: who, in what capacity, from where, when, why, before and after."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        UniqueConstraint("chain", "number"),
        Index(None, "chain", "at", "id"),
        Index(None, "chain", "actor_id", "id"),
        Index(None, "chain", "action", "at", "id"),
        Index(None, "at", "id"),
        # For the search; with the name beside the reason, so that an entry is counted once by the index alone.
        Index("ix_audit_entry_actor_name", "chain", "actor_name", "at", "id"),
        Index(
            "ix_audit_entry_reason",
            "chain",
            "reason",
            "at",
            "id",
            "actor_name",
            **partial_index("reason IS NOT NULL"),
        ),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("audit_entry is append-only")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"rows", "reason"})

    id: Mapped[PrimaryKey]
    #: The agency's id, or 0 for the installation.
    chain: Mapped[int] = mapped_column(IdType)
    number: Mapped[int]
    at: Mapped[Timestamp]
    actor_id: Mapped[int | None] = mapped_column(IdType)
    actor_name: Mapped[ShortText]
    capacity: Mapped[ShortText | None]
    address: Mapped[str | None] = mapped_column(String(45))
    #: Which request of the browser, or which command, it was part of.
    request_id: Mapped[str | None] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(80))
    reason: Mapped[LongText | None]
    #: JSON: a list of {table, id, action, before, after}; an update tells only the columns that changed.
    rows: Mapped[LongText]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    #: The seal of the hash, and which key it was made with (``models.audit.seal``); None before there were seals.
    seal: Mapped[str | None] = mapped_column(String(64))
    key_id: Mapped[str | None] = mapped_column(String(16))

    @property
    def row_changes(self) -> list[dict[str, Any]]:
        """The rows that this entry tells of."""
        told: list[dict[str, Any]] = json.loads(self.rows)
        return told

    def __str__(self) -> str:
        """Return its number in its chain."""
        return str(self.number)


class AuditRow(Base):
    """Says that an entry tells of a record; a request's entry stands here for the request as well."""

    __tablename__ = "audit_row"
    # Its key is all that it says: in SQLite it is kept once, as that key, and not beside it.
    __table_args__ = (Index(None, "table_name", "row_id", "entry_id"), {"sqlite_with_rowid": False})

    row_rules: ClassVar[RowRules] = no_update_or_delete("audit_row is append-only")

    entry_id: Mapped[int] = mapped_column(IdType, ForeignKey("audit_entry.id"), primary_key=True)
    table_name: Mapped[str] = mapped_column(String(40), primary_key=True)
    row_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class AuditChain(Base):
    """The head of a chain: its last number and hash."""

    __tablename__ = "audit_chain"

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "audit_chain_only_grows",
            "a chain only grows",
            (
                Immutable(mutable=("number", "hash")),
                Immutable("NEW.number < OLD.number OR (NEW.number = OLD.number AND NEW.hash <> OLD.hash)"),
            ),
        ),
        DeleteRule("audit_chain_kept", "a chain cannot be deleted"),
    )

    chain: Mapped[int] = mapped_column(IdType, primary_key=True, autoincrement=False)
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class AuditContext:
    """Who answers for a transaction, and how it came about."""

    at: dt.datetime
    actor_id: int | None
    actor_name: str
    action: str
    capacity: str | None = None
    address: str | None = None
    request_id: str | None = None
    reason: str | None = None


#: Bookkeeping of the trail itself, and of forms that are being filled in: not told.
_UNAUDITED_TABLES = frozenset({"audit_entry", "audit_row", "audit_chain", "submission", "pending_upload", "upload"})

#: Rows that are somebody's own business: the history of the request that they name is kept free of them.
_PERSONAL_TABLES = frozenset({"notification"})

#: The key in ``session.info`` of the actions of the transaction, for who listens to commits: all that were named, in
#: order; the entry has the last.
WRITTEN_ACTIONS = "written_actions"

_CONTEXT_KEY = "circumstances"
_PENDING_KEY = "untold_rows"
_DESCRIBED_KEY = "described_actions"
_SAVEPOINTS_KEY = "untold_rows_before_savepoints"

#: Statements as text that may go through a session.
_READ_STATEMENT = re.compile(r"\s*(?:select|explain|pragma)\b", re.IGNORECASE)


def set_audit_context(session: Session, context: AuditContext) -> None:
    """Say who answers for what ``session`` is about to write; without it nothing can be committed."""
    session.info[_CONTEXT_KEY] = context


def audit_context(session: Session) -> AuditContext | None:
    """Return the audit context; None without one, when the commit raises anyway."""
    context: AuditContext | None = session.info.get(_CONTEXT_KEY)
    return context


def context_time(session: Session) -> dt.datetime | None:
    """Return the time of the audit context; None without one."""
    context = audit_context(session)
    return context.at if context else None


class AuditDetails(TypedDict, total=False):
    """What of an audit context becomes known only on the way."""

    action: str
    capacity: str | None
    reason: str | None


def update_audit_context(session: Session, **details: Unpack[AuditDetails]) -> None:
    """Fill in what becomes known only on the way: ``action``, ``capacity``, ``reason``."""
    circumstances: AuditContext = session.info[_CONTEXT_KEY]
    session.info[_CONTEXT_KEY] = replace(circumstances, **details)


def note_inserted(session: Session, model: type[Base], rows: Iterable[Mapping[str, object]]) -> None:
    """Let the trail tell of ``rows`` of ``model`` that were inserted without objects: by column, the id included."""
    table: Any = model.__table__
    for row in rows:
        change_id = None if table.name in _PERSONAL_TABLES else row.get("change_id")
        changes = {
            name: redacted(value) if name in model.secret_columns else as_told(value)
            for name, value in row.items()
            if value is not None
        }
        session.info.setdefault(_PENDING_KEY, []).append(
            {
                "chain": int(str(row.get("agency_id") or INSTALLATION_CHAIN)),
                "change": None if change_id is None else str(change_id),
                "row": {
                    "table": table.name,
                    "id": str(row["id"]),
                    "action": RowAction.INSERTED,
                    "before": {},
                    "after": changes,
                },
            }
        )


def note_erased(
    session: Session, key: tuple[str, str], values: Mapping[str, object], *, chain: int, change_id: int
) -> None:
    """Let the trail tell that columns of the row ``key`` (table and id) were erased; not what stood in them."""
    session.info.setdefault(_PENDING_KEY, []).append(
        {
            "chain": chain,
            "change": str(change_id),
            "row": {
                "table": key[0],
                "id": key[1],
                "action": RowAction.UPDATED,
                "before": dict.fromkeys(values, redacted(None)),
                "after": {name: as_told(value) for name, value in values.items()},
            },
        }
    )


def describe_action(session: Session, action: str, **details: str) -> None:
    """Name the action of what ``session`` is about to write, with its ``reason`` and ``capacity`` where there are any.

    Without an audit context nothing happens: the commit raises then.
    """
    if _CONTEXT_KEY in session.info:
        session.info.setdefault(_DESCRIBED_KEY, []).append(action)
        update_audit_context(session, action=action, **details)


def install_listeners(session_class: type[Session] | sessionmaker[Any] | scoped_session[Any]) -> None:
    """Make every session of this kind tell the trail what it writes."""
    event.listen(session_class, "before_flush", _start_pending)
    event.listen(session_class, "before_commit", _write_entries)
    event.listen(session_class, "after_rollback", _discard_pending)
    event.listen(session_class, "after_transaction_create", _mark_savepoint)
    event.listen(session_class, "after_soft_rollback", _discard_since_savepoint)
    event.listen(session_class, "do_orm_execute", _forbid_bulk_writes)


def _start_pending(session: Session, *_: object) -> None:
    session.info.setdefault(_PENDING_KEY, [])


def _change_collector(action: RowAction) -> Callable[[object, object, Base], None]:
    """Return what notes an object as it is written; a flush alone would not name the orphans that it deletes."""

    def collect(_mapper: object, _connection: object, instance: Base) -> None:
        session = object_session(instance)
        pending = session.info.get(_PENDING_KEY) if session is not None else None
        if pending is not None:
            pending.extend(_row_changes(instance, action))

    return collect


for _event, _action in (
    ("after_insert", RowAction.INSERTED),
    ("after_update", RowAction.UPDATED),
    ("after_delete", RowAction.DELETED),
):
    event.listen(Base, _event, _change_collector(_action), propagate=True)


@event.listens_for(Base, "attribute_instrument", propagate=True)
def _load_old_values(_class: type[Base], _key: str, attribute: InstrumentedAttribute[Any]) -> None:
    """Have the former value read before a new one is set: else an expired object's trail would begin at nothing."""
    if isinstance(attribute.property, ColumnProperty) and not attribute.property.deferred:
        attribute.impl.active_history = True


def _row_changes(instance: Base, action: RowAction) -> Iterator[dict[str, Any]]:
    """Yield what the trail says of one object: a row for each table that it is stored in."""
    state = inspect(instance)
    mapper: Mapper[Any] = state.mapper
    own_key = "/".join(str(value) for value in mapper.primary_key_from_instance(instance))
    chain, change_id = _chain_and_change_of(instance)
    is_update = action is RowAction.UPDATED
    for table in mapper.tables:
        if table.name in _UNAUDITED_TABLES:
            continue
        before: dict[str, object] = {}
        after: dict[str, object] = {}
        for column in table.columns:
            attribute = mapper.get_property_by_column(column).key
            if is_update and attribute not in state.committed_state:
                continue  # it was not set
            value = _json_value(instance, attribute, state.dict.get(attribute))
            if is_update:
                history = state.attrs[attribute].history
                if history.added or history.deleted:
                    former = history.deleted[0] if history.deleted else None
                    before[column.name] = _json_value(instance, attribute, former)
                    after[column.name] = value
            elif value is not None:
                (after if action is RowAction.INSERTED else before)[column.name] = value
        if before or after:
            yield {
                "chain": chain,
                "change": change_id,
                "row": {"table": table.name, "id": own_key, "action": action, "before": before, "after": after},
            }


def _json_value(instance: Base, attribute: str, value: object) -> object:
    if value is not None and attribute in type(instance).secret_columns:
        return redacted(value)
    return as_told(value)


def _chain_and_change_of(instance: Base) -> tuple[int, str | None]:
    """Return the chain that a row belongs to, and the request, if any: its own, or those of what it is a part of."""
    for owner in ("run", "review", "release", "evaluation"):
        if getattr(instance, owner, None) is not None:
            return _chain_and_change_of(getattr(instance, owner))
    change = getattr(instance, "change", None) if instance.__tablename__ == "change_item" else None
    if change is not None:
        return _chain_and_change_of(change)[0], str(change.id)
    change_id = None if instance.__tablename__ in _PERSONAL_TABLES else getattr(instance, "change_id", None)
    chain = getattr(instance, instance.agency_column, None) or INSTALLATION_CHAIN
    return int(chain), None if change_id is None else str(change_id)


def _write_entries(session: Session) -> None:
    """Write the entries of this transaction, before it is committed; if one can't be written nothing is."""
    if session.in_nested_transaction():
        return  # a savepoint is released: it is told with the rest, in one entry
    session.flush()
    pending = session.info.pop(_PENDING_KEY, [])
    described: list[str] = session.info.pop(_DESCRIBED_KEY, [])
    if not pending:
        return
    circumstances: AuditContext | None = session.info.get(_CONTEXT_KEY)
    if circumstances is None:
        message = "no audit context is set: call models.audit.trail.set_audit_context first"
        raise RuntimeError(message)
    chains: dict[int, list[dict[str, Any]]] = {}
    own = next((row["chain"] for row in pending if row["chain"] != INSTALLATION_CHAIN), INSTALLATION_CHAIN)
    for item in pending:
        # What belongs to no agency (the bytes of a file, say) is told with what it came with.
        chains.setdefault(item["chain"] or own, []).append(item)
    for chain in sorted(chains):
        append_entry(session, chain, circumstances, chains[chain])
    session.info[WRITTEN_ACTIONS] = tuple(dict.fromkeys((*described, circumstances.action)))


def append_entry(session: Session, chain: int, context: AuditContext, changes: list[dict[str, Any]]) -> None:
    """Add one entry to ``chain``; ``changes`` are items as ``_rows`` yields them, or none for an event without rows."""
    connection = session.connection()
    chains = Chains(connection)
    entry = chains.link(
        chain,
        {
            "at": context.at,
            "actor_id": context.actor_id,
            **{name: _fit_to_column(name, getattr(context, name)) for name in _CONTEXT_COLUMNS},
            "rows": canonical_json([item["row"] for item in changes]),
        },
    )
    (entry_id,) = connection.execute(_INSERT_ENTRY, entry).one()
    if places := changed_records(changes):
        connection.execute(
            _INSERT_ROWS,
            [{"entry_id": entry_id, "table_name": table, "row_id": row_id} for table, row_id in sorted(places)],
        )
    chains.close()


class Chains:
    """The chains that a transaction adds entries to; each is held against others until the transaction ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._heads: dict[int, tuple[int, str]] = {}

    def link(self, chain: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``content`` as the next entry of ``chain``, which the caller inserts: numbered, hashed and sealed."""
        if chain not in self._heads:
            self._heads[chain] = _lock_chain_head(self._connection, chain)
        number, previous = self._heads[chain]
        entry = {**content, "chain": chain, "number": number + 1, "previous_hash": previous}
        entry["hash"] = entry_hash(entry)
        self._heads[chain] = (entry["number"], entry["hash"])
        return entry | seal.keys().seal(entry["hash"])

    def close(self) -> None:
        """Write the new heads."""
        for chain, (number, hash_) in self._heads.items():
            self._connection.execute(_MOVE_HEAD, {"of": chain, "number": number, "hash": hash_})


_finished_steps: Any = AuditEntry.__table__
_rows_told: Any = AuditRow.__table__
_chains: Any = AuditChain.__table__
# Every transaction that writes asks for these, so they are put together once.
_INSERT_ENTRY = insert(_finished_steps).returning(_finished_steps.c.id)
_INSERT_ROWS = insert(_rows_told)
_MOVE_HEAD = update(_chains).where(_chains.c.chain == bindparam("of"))
_HEAD = select(_chains.c.number, _chains.c.hash).where(_chains.c.chain == bindparam("of")).with_for_update()


def _lock_chain_head(connection: Connection, chain: int) -> tuple[int, str]:
    """Return number and hash of the last entry of ``chain``, held against others until the transaction ends."""
    head = connection.execute(_HEAD, {"of": chain}).one_or_none()
    if head is None:
        insert_or_leave = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        # Of two that begin a chain at once, the second waits here and goes on after the first.
        beginning = insert_or_leave(AuditChain).values(chain=chain, number=0, hash=GENESIS_HASH)
        connection.execute(beginning.on_conflict_do_nothing())
        head = connection.execute(_HEAD, {"of": chain}).one()
    return head.number, head.hash


def _fit_to_column(name: str, value: str | None) -> str | None:
    """Return ``value`` as its column can hold it: a browser's odd header must not keep anything from being told."""
    kind = AuditEntry.__table__.c[name].type
    length = kind.length if isinstance(kind, String) else None
    return None if value is None else UNSTORABLE_CHARACTERS.sub("", value)[:length]


def changed_records(changes: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return (table, id) of each record that an entry tells of, the requests that they belong to included."""
    places = {(item["row"]["table"], item["row"]["id"]) for item in changes}
    return places | {("change_request", item["change"]) for item in changes if item["change"]}


def entry_hash(entry: dict[str, Any]) -> str:
    """Return the SHA-256 of an entry: of its columns in a fixed order, the former entry's hash among them."""
    at: dt.datetime = entry["at"]
    content = [
        entry["chain"],
        entry["number"],
        at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        *(entry[name] for name in _HASHED_COLUMNS),
    ]
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


_CONTEXT_COLUMNS = ("actor_name", "capacity", "address", "request_id", "action", "reason")
_HASHED_COLUMNS = ("actor_id", *_CONTEXT_COLUMNS, "rows", "previous_hash")


def _discard_pending(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_PENDING_KEY, None)
        session.info.pop(_DESCRIBED_KEY, None)


def _mark_savepoint(session: Session, transaction: SessionTransaction) -> None:
    """Remember at a savepoint how much was told before it, and as what."""
    if transaction.nested:
        session.info.setdefault(_SAVEPOINTS_KEY, WeakKeyDictionary())[transaction] = (
            len(session.info.get(_PENDING_KEY, ())),
            len(session.info.get(_DESCRIBED_KEY, ())),
            session.info.get(_CONTEXT_KEY),
        )


def _discard_since_savepoint(session: Session, transaction: SessionTransaction) -> None:
    """Forget what was written, and how it was named, since a savepoint that was rolled back to."""
    mark = session.info.get(_SAVEPOINTS_KEY, {}).pop(transaction, None)
    if mark is None:
        return
    pending, described, context = mark
    del session.info.get(_PENDING_KEY, [])[pending:]
    del session.info.get(_DESCRIBED_KEY, [])[described:]
    if context is not None:
        session.info[_CONTEXT_KEY] = context


def _forbid_bulk_writes(state: ORMExecuteState) -> None:
    """Statements that write go round the objects that the trail is told from, so they are refused."""
    written_out = isinstance(state.statement, TextClause) and not _READ_STATEMENT.match(state.statement.text)
    if state.is_insert or state.is_update or state.is_delete or written_out:
        message = (
            "bulk writes are not audited: write through ORM objects, or add the entry with models.audit.trail.append"
        )
        raise RuntimeError(message)


def entries_for_record(session: Session, table: str, row_id: object, *, limit: int = 200) -> list[AuditEntry]:
    """Return the entries that tell of one record, newest first, found by the index.

    Of each is read what a record's own page tells of it; whoever asks an entry for more has that read.
    """
    return list(session.scalars(_HISTORY, {"table": table, "row": str(row_id), "most": limit}))


_HISTORY = (
    select(AuditEntry)
    .join(AuditRow, AuditRow.entry_id == AuditEntry.id)
    .where(AuditRow.table_name == bindparam("table"), AuditRow.row_id == bindparam("row"))
    .options(load_only(AuditEntry.at, AuditEntry.actor_name, AuditEntry.capacity, AuditEntry.action, AuditEntry.reason))
    .order_by(AuditEntry.id.desc())
    .limit(bindparam("most"))
)
