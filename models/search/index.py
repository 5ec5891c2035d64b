"""The index that searches read: a row with the words of each record, kept by the database itself.

Triggers write it with whatever writes the record (screens, commands, bulk statements), so that no path can forget it.
It repeats what the records say and nothing else: it is derived, not told in the trail, and ``rebuild`` makes it anew.
One statement for each kind says what its row holds; triggers, ``rebuild`` and ``verify`` are all made of it.

A row's key puts kind, agency and the record's id into one number, so that what an office may see of a kind is one range
of keys, newest last. What is its requester's alone (a draft and its files) stands under no agency, at 0.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from lpse_admin.sop.steps import OWN_KINDS, REQUESTER_STEPS, Step
from lpse_admin.workflow.record_fields import RECORD_FIELDS, REQUEST_FIELDS, FieldKind
from models import sync_trigger
from models.base import Base, IdType, LongText
from models.changes.steps.activity import ACTIVITY_CLASSES
from models.database import is_sqlite
from models.sync_trigger import SyncTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


class SearchKind(IntEnum):
    """What kind of record a row is of; the number is part of its key."""

    CHANGE = 1
    STEP = 2
    ASSET = 3
    DOCUMENT = 4
    DEVIATION = 5
    COMMENT = 6


class SearchRecord(Base):
    """The words of one record, and whose request it belongs to."""

    __tablename__ = "search_record"
    __table_args__ = (
        CheckConstraint(f"key > 0 AND key < {1 << 56}", name="key_is_packed"),
        Index("ix_search_record_owner", "owner_id", "key"),
        Index(
            "ix_search_record_names",
            "key",
            "owner_id",
            "names",
            sqlite_where=text("names IS NOT NULL"),
            postgresql_where=text("names IS NOT NULL"),
        ),
    )

    key: Mapped[int] = mapped_column(IdType, primary_key=True, autoincrement=False)
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    text: Mapped[LongText]
    #: What the record is known by (number, title, name, plates), a line each, in small letters without separators: for
    #: what stands in the middle of it.
    names: Mapped[LongText | None]
    #: Words that are written in parts, as one: "eKontrak" of "e-Kontrak", "X5YZ" of "X 5 YZ".
    joined: Mapped[LongText | None]


#: What the key leaves for the record's id and, before it, for the agency's. All of it stays below 56 bits: SQLite's
#: index loses rows on its way back, newest first, where two keys are further apart.
ID_BITS = 33
AGENCY_BITS = 20
_AGENCY_FACTOR = 1 << ID_BITS
_KIND_FACTOR = 1 << (ID_BITS + AGENCY_BITS)

#: How much of a record is searched: PostgreSQL takes no words beyond a megabyte.
_MAX_TEXT_LENGTH = 100_000
#: How much of its names: they are in an index, whose entries PostgreSQL limits.
_MAX_NAMES_LENGTH = 600
#: The longest text in which separators are left out, so that "X 5 YZ" is the word "X5YZ" too.
_MAX_JOINED_LENGTH = 40
#: What may separate the parts of a word or number. SQLite has no patterns, and no more than so many nested calls.
_SEPARATORS = " -./_,:+"

#: The table that SQLite looks words up in; those that it keeps behind it begin with the same name.
FTS_TABLE = "search_index"
#: The words that it has.
FTS_VOCABULARY_TABLE = f"{FTS_TABLE}_vocabulary"

#: The words of a text on PostgreSQL, in small letters and without accents; and whose record it is, as a word.
_WORDS_OF_NEW = (
    "to_tsvector('simple', regexp_replace(regexp_replace(normalize(NEW.text || coalesce(NEW.joined, ''), NFD),"
    " '[\u0300-\u036f]+', '', 'g'), '[^[:alnum:]]+', ' ', 'g'))"
    " || array_to_tsvector(ARRAY['=' || coalesce(NEW.owner_id, 0)])"
)


def key_range(kind: SearchKind, agency_id: int | None) -> tuple[int, int]:
    """Return the first and last key of a kind's rows of one agency (None: of all of them; 0: of private ones)."""
    start = kind * _KIND_FACTOR
    if agency_id is None:
        return start + _AGENCY_FACTOR, start + _KIND_FACTOR - 1
    return start + agency_id * _AGENCY_FACTOR, start + (agency_id + 1) * _AGENCY_FACTOR - 1


def record_id(key: int) -> int:
    """Return the id of the record that a key stands for."""
    return key % _AGENCY_FACTOR


def record_kind(key: int) -> SearchKind:
    """Return the kind of the record that a key stands for."""
    return SearchKind(key // _KIND_FACTOR)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the rows of a kind come from: its table by an alias, and expressions over it."""

    kind: SearchKind
    table: str
    agency: str
    owner: str
    #: Columns and other expressions, each a text or nothing.
    words: tuple[str, ...]
    joins: str = ""
    criterion: str = "TRUE"
    #: What the record is known by.
    names: tuple[str, ...] = ()

    @property
    def columns(self) -> str:
        """The columns that are written."""
        return "key, owner_id, text" + (", names, joined" if self.names else "")

    def select_statement(self, dialect: str) -> str:
        """Return the statement that reads the rows of this kind, ``columns`` of each that has words."""
        return self._cut(self._selected(dialect))

    def upsert_statements(self, dialect: str, condition: str, keys: str, step: Step | None = None) -> Iterator[str]:
        """Yield the statements that bring the rows of records up to date: those that ``condition`` names by id.

        ``keys`` reads the keys under which they may stand so far; ``step`` is theirs, where it is known.
        """
        yield f"DELETE FROM search_record WHERE key IN ({keys})"
        selected = self._cut(f"{self._selected(dialect, step)} AND {condition}")
        yield f"INSERT INTO search_record ({self.columns}) {selected}"

    def _cut(self, selected: str) -> str:
        names = f", substr(names, 1, {_MAX_NAMES_LENGTH}), joined" if self.names else ""
        columns = f"key, owner_id, substr(text, 1, {_MAX_TEXT_LENGTH}){names}"
        return f"SELECT {columns} FROM ({selected}) AS found WHERE text <> ''"

    def _selected(self, dialect: str, step: Step | None = None) -> str:
        text = _lines(dialect, self._words(dialect, step))
        names = ""
        if self.names:
            compact, joined = (
                _lines(dialect, self._compact_names(dialect)),
                _lines(dialect, self._joined_words(dialect)),
            )
            names = f", {compact} AS names, {joined} AS joined"
        return (
            f"SELECT {self.key_expression(self.agency, 't.id')} AS key, {self.owner} AS owner_id, {text} AS text{names}"
            f" FROM {self.table} t{self.joins} WHERE {self.criterion}"
        )

    def _words(self, dialect: str, step: Step | None) -> tuple[str, ...]:
        if self.kind is SearchKind.STEP:
            fields = _field_words(dialect, "activity_id = t.id")
            return (*self.words, *_step_record_words(dialect, step), fields, *_evaluated_services(dialect, step))
        if self.kind is SearchKind.CHANGE:
            services = _services(dialect, *_REQUESTED_SERVICES)
            return (*self.words, _field_words(dialect, _OF_REQUEST), services, *_filed_words())
        return (*self.words, _details(dialect, "value", "' '")) if self.kind is SearchKind.ASSET else self.words

    def _compact_names(self, dialect: str) -> tuple[str, ...]:
        names = tuple(_compact(dialect, name) for name in self.names)
        return (*names, _details(dialect, _compact(dialect, "value"))) if self.kind is SearchKind.ASSET else names

    def _joined_words(self, dialect: str) -> tuple[str, ...]:
        words = tuple(f"nullif(replace({name}, '-', ''), {name})" for name in self.names)
        if self.kind is SearchKind.ASSET:
            short = f"CASE WHEN length(value) <= {_MAX_JOINED_LENGTH} THEN {_compact(dialect, 'value')} END"
            return (*words, _details(dialect, short))
        if self.kind is SearchKind.CHANGE:
            joined = "nullif(replace(s.service, '-', ''), s.service)"
            return (*words, _services(dialect, *_REQUESTED_SERVICES, of=joined))
        return words

    def key_expression(self, agency: str, id_: str) -> str:
        """Return the expression of a key."""
        return f"{self.kind * _KIND_FACTOR} + ({agency}) * {_AGENCY_FACTOR} + {id_}"

    def key_expressions(self, agency: str, id_: str) -> str:
        """Return the two keys under which a record may stand: as its agency's, and as its requester's alone."""
        return f"{self.key_expression(agency, id_)}, {self.key_expression('0', id_)}"


def _lines(dialect: str, words: tuple[str, ...]) -> str:
    """Return the expression of a text with a line for each of ``words`` that there is."""
    newline = "char(10)" if dialect == "sqlite" else "chr(10)"
    return " || ".join(f"coalesce({one} || {newline}, '')" for one in words)


def _compact(dialect: str, text: str) -> str:
    """Return the expression of ``text`` in small letters without separators."""
    if dialect == "postgresql":
        return f"lower(regexp_replace({text}, '[^[:alnum:]]+', '', 'g'))"
    for separator in _SEPARATORS:
        text = f"replace({text}, '{separator}', '')"
    return f"lower({text})"


def _details(dialect: str, of: str, between: str = "char(10)") -> str:
    """Return the expression of what a card has beside the columns of every card: ``of`` each value."""
    if dialect == "sqlite":
        return f"(SELECT group_concat({of}, {between}) FROM json_each(t.details))"
    return f"(SELECT string_agg({of}, {between.replace('char', 'chr')}) FROM json_each_text(t.details))"


_TEXTS = {FieldKind.SINGLE_LINE, FieldKind.MULTI_LINE}

#: The fields of a request that hold words.
CHANGE_WORDS = ("number", *(field.key for field in REQUEST_FIELDS if field.kind in _TEXTS))
DEVIATION_WORDS = ("what", "account", "disposal_note", "follow_up_note")
ASSET_WORDS = ("code", "register", "name", "origin", "remarks")
#: What a request is known by.
_CHANGE_NAMES = ("number", "title", "requester_name", "requester_institution", "on_behalf_of")

#: The fields with words of each step that has a record of its own.
STEP_WORDS: dict[Step, tuple[str, ...]] = {
    step: tuple(field.key for field in fields if field.kind in _TEXTS)
    for step, fields in RECORD_FIELDS.items()
    if step not in {*REQUESTER_STEPS, Step.CLOSED} and step.record is step
}

#: Rows of a step's record: table, the column that names the step, and columns with words.
_CHILD_TABLES: dict[Step, tuple[str, str, tuple[str, ...]]] = {
    Step.TEST: ("test_case", "run_id", ("name", "expected", "actual")),
    Step.ASSET_REVIEW: ("asset_review_item", "review_id", ("finding",)),
}


#: Steps whose records have got columns with words since the first version: a column that is empty leaves no space
#: there, so that what the index held before still agrees with the record.
_GROWN_RECORDS = {Step.EVALUATION}


def _joined_with_spaces(columns: tuple[str, ...], *, skips_empty: bool) -> str:
    """Return the expression of the texts of columns one after another."""
    if skips_empty:
        return " || ".join(f"coalesce({column} || ' ', '')" for column in columns)
    return " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)


def _qualified(alias: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{alias}.{column}" for column in columns)


def _is_of_kind(dialect: str, step: Step) -> str:
    """Return the condition that the step of ``t`` has the record of ``step``, whatever name an SOP gave it."""
    kind = (
        "split_part(t.step, '.', 1)" if dialect == "postgresql" else "substr(t.step, 1, instr(t.step || '.', '.') - 1)"
    )
    if step.is_own:
        return f"{kind} IN {tuple(one.value for one in OWN_KINDS)}"
    return f"{kind} = '{step.value}'"


def _step_record_words(dialect: str, only: Step | None) -> Iterator[str]:
    """Yield the words of a step's record, and of the rows in it: only the table of its own step is looked into."""
    gathered = {"sqlite": "group_concat({}, ' ')", "postgresql": "string_agg({}, ' ' ORDER BY p.position)"}[dialect]
    result: list[tuple[Step, str]] = []
    for step, columns in STEP_WORDS.items():
        words = _joined_with_spaces(_qualified("r", columns), skips_empty=step in _GROWN_RECORDS)
        result.append(
            (step, f"SELECT nullif(trim({words}), '') FROM {ACTIVITY_CLASSES[step].__tablename__} r WHERE r.id = t.id")
        )
    for step, (table, owner, columns) in _CHILD_TABLES.items():
        words = gathered.format(" || ' ' || ".join(_qualified("p", columns)))
        inner = f"SELECT * FROM {table} WHERE {owner} = t.id ORDER BY position"
        result.append((step, f"SELECT {words} FROM ({inner}) p"))
    for step, words in result:
        if only is None:
            yield f"CASE WHEN {_is_of_kind(dialect, step)} THEN ({words}) END"
        elif only is step:
            yield f"({words})"


#: The fields of the request itself, as it was first submitted; those of an answer to a return are found with that step.
_OF_REQUEST = "activity_id = (SELECT a.id FROM activity a WHERE a.change_id = t.id AND a.sequence = 1)"


def _field_words(dialect: str, criterion: str) -> str:
    """Return the expression of the words of the fields that the SOP asks for, one after another; NULL for none."""
    gathered = {"sqlite": "group_concat(p.words, ' ')", "postgresql": "string_agg(p.words, ' ' ORDER BY p.position)"}
    rows = f"SELECT words, position FROM field_value WHERE {criterion} ORDER BY position"
    return f"(SELECT {gathered[dialect]} FROM ({rows}) p)"


#: Where the services that are affected are named, by a request and by its evaluation: table, and column of the owner.
_REQUESTED_SERVICES = ("change_item", "change_id")
_EVALUATED_SERVICES = ("evaluation_item", "evaluation_id")


def _services(dialect: str, table: str, owner: str, of: str = "s.service") -> str:
    """Return the expression of the names of the services in ``table``; NULL for none. Assets are found as such."""
    gathered = {"sqlite": f"group_concat({of}, ' ')", "postgresql": f"string_agg({of}, ' ' ORDER BY s.position)"}
    rows = f"SELECT service, position FROM {table} WHERE {owner} = t.id ORDER BY position"
    return f"(SELECT {gathered[dialect]} FROM ({rows}) s)"


def _evaluated_services(dialect: str, only: Step | None) -> tuple[str, ...]:
    return (_services(dialect, *_EVALUATED_SERVICES),) if only in {None, Step.EVALUATION} else ()


def _filed_words() -> tuple[str, ...]:
    """Return the expressions of number and code under which a request is filed in the archive application."""
    return tuple(f"(SELECT f.{column} FROM archive_reference f WHERE f.change_id = t.id)" for column in _FILED_WORDS)


_FILED_WORDS = ("reference_number", "classification_code")

_CHANGE = _Source(
    SearchKind.CHANGE,
    "change_request",
    "CASE WHEN t.submitted_at IS NULL THEN 0 ELSE t.agency_id END",
    "t.requester_id",
    _qualified("t", CHANGE_WORDS),
    names=_qualified("t", _CHANGE_NAMES),
)
_STEP = _Source(
    SearchKind.STEP, "activity", "t.agency_id", "t.requester_id", ("t.reason",), criterion="t.step <> 'request'"
)
_ASSET = _Source(
    SearchKind.ASSET,
    "asset",
    "t.agency_id",
    "CAST(NULL AS BIGINT)",
    _qualified("t", ASSET_WORDS),
    names=("t.code || t.register", "t.name", "t.origin"),
)
_DOCUMENT = _Source(
    SearchKind.DOCUMENT,
    "document",
    # The decree of a delegation belongs to no request.
    "CASE WHEN t.change_id IS NOT NULL AND c.submitted_at IS NULL THEN 0 ELSE t.agency_id END",
    "c.requester_id",
    ("t.name",),
    joins=" LEFT JOIN change_request c ON c.id = t.change_id",
    names=("t.name",),
)
_DEVIATION = _Source(
    SearchKind.DEVIATION,
    "deviation",
    "t.agency_id",
    "c.requester_id",
    _qualified("t", DEVIATION_WORDS),
    joins=" JOIN change_request c ON c.id = t.change_id",
)
_COMMENT = _Source(
    SearchKind.COMMENT,
    "change_comment",
    "t.agency_id",
    "c.requester_id",
    ("t.text",),
    joins=" JOIN change_request c ON c.id = t.change_id",
)
_SOURCES = (_CHANGE, _STEP, _ASSET, _DOCUMENT, _DEVIATION, _COMMENT)


def _sync_triggers(dialect: str) -> Iterator[SyncTrigger]:
    """Yield what keeps the rows of every kind."""
    for source, columns in (
        (_CHANGE, (*CHANGE_WORDS, "submitted_at")),
        (_STEP, ("reason",)),
        (_ASSET, (*ASSET_WORDS, "details")),
        (_DOCUMENT, ("name",)),
        (_DEVIATION, DEVIATION_WORDS),
        (_COMMENT, ("text",)),
    ):
        yield from _table_triggers(dialect, source, columns)
    for step, columns in STEP_WORDS.items():
        yield from _child_table_triggers(dialect, step, (ACTIVITY_CLASSES[step].__tablename__, "id", columns))
    for step, part in _CHILD_TABLES.items():
        yield from _child_table_triggers(dialect, step, part)
    yield from _field_triggers(dialect)
    yield from _service_triggers(dialect)
    yield from _filed_triggers(dialect)
    # The files of a draft are everybody's once it is submitted.
    documents = "SELECT {} FROM document d WHERE d.change_id = NEW.id"
    keys = " UNION ALL ".join(
        documents.format(_DOCUMENT.key_expression(agency, "d.id")) for agency in ("0", "d.agency_id")
    )
    yield SyncTrigger(
        "search_document_of_submitted",
        "change_request",
        "UPDATE OF submitted_at",
        tuple(_DOCUMENT.upsert_statements(dialect, "t.change_id = NEW.id", keys)),
        _any_changed(dialect, ("submitted_at",)),
    )
    # Another requester finds what the former one did.
    rows = " UNION ALL ".join(
        f"SELECT {source.key_expression('r.agency_id', 'r.id')} FROM {source.table} r WHERE r.{column} = NEW.id"
        for source, column in (
            (_CHANGE, "id"),
            (_STEP, "change_id"),
            (_DOCUMENT, "change_id"),
            (_DEVIATION, "change_id"),
        )
    )
    yield SyncTrigger(
        "search_requester_changed",
        "change_request",
        "UPDATE OF requester_id",
        (f"UPDATE search_record SET owner_id = NEW.requester_id WHERE key IN ({rows})",),
        _any_changed(dialect, ("requester_id",)),
    )


def _table_triggers(dialect: str, source: _Source, columns: tuple[str, ...]) -> Iterator[SyncTrigger]:
    """Yield what keeps the rows of a kind when its own table is written."""
    put = tuple(source.upsert_statements(dialect, "t.id = NEW.id", source.key_expressions("NEW.agency_id", "NEW.id")))
    gone = f"DELETE FROM search_record WHERE key IN ({source.key_expressions('OLD.agency_id', 'OLD.id')})"
    name = f"search_{source.table}"
    yield SyncTrigger(
        f"{name}_inserted", source.table, "INSERT", put, _any_not_null(columns) if source is _STEP else ""
    )
    yield SyncTrigger(
        f"{name}_updated", source.table, f"UPDATE OF {', '.join(columns)}", put, _any_changed(dialect, columns)
    )
    yield SyncTrigger(f"{name}_deleted", source.table, "DELETE", (gone,))


def _child_table_triggers(dialect: str, step: Step, part: tuple[str, str, tuple[str, ...]]) -> Iterator[SyncTrigger]:
    """Yield what keeps the row of a step when its record, or a row of that, is written: table, owner's key, columns."""
    table, owner, columns = part
    for row, event, when in (
        ("NEW", "INSERT", _any_not_null(columns)),
        ("NEW", f"UPDATE OF {', '.join(columns)}", _any_changed(dialect, columns)),
        # A record goes with its step; its rows go by themselves.
        *([("OLD", "DELETE", "")] if owner != "id" else []),
    ):
        id_ = f"{row}.{owner}"
        keys = f"SELECT {_STEP.key_expression('a.agency_id', 'a.id')} FROM activity a WHERE a.id = {id_}"
        name = f"search_{table}_{ {'I': 'inserted', 'U': 'updated', 'D': 'deleted'}[event[0]] }"
        yield SyncTrigger(
            name, table, event, tuple(_STEP.upsert_statements(dialect, f"t.id = {id_}", keys, step)), when
        )


def _field_triggers(dialect: str) -> Iterator[SyncTrigger]:
    """Yield what keeps the rows of a step and of its request when a field that the SOP asks for is written."""
    for row, event, when in (
        ("NEW", "INSERT", ""),
        ("NEW", "UPDATE OF words", _any_changed(dialect, ("words",))),
        ("OLD", "DELETE", ""),
    ):
        statements: list[str] = []
        for source, id_ in ((_STEP, f"{row}.activity_id"), (_CHANGE, f"{row}.change_id")):
            keys = f"SELECT {source.key_expression(f'{row}.agency_id', id_)}"
            keys += f" UNION ALL SELECT {source.key_expression('0', id_)}"
            statements += source.upsert_statements(dialect, f"t.id = {id_}", keys)
        name = f"search_field_value_{ {'I': 'inserted', 'U': 'updated', 'D': 'deleted'}[event[0]] }"
        yield SyncTrigger(name, "field_value", event, tuple(statements), when)


def _service_triggers(dialect: str) -> Iterator[SyncTrigger]:
    """Yield what keeps the rows of a request, and of its evaluation, when a service that it affects is written."""
    table, owner = _EVALUATED_SERVICES
    yield from _child_table_triggers(dialect, Step.EVALUATION, (table, owner, ("service",)))
    table, owner = _REQUESTED_SERVICES
    for row, event, when in (
        ("NEW", "INSERT", "NEW.service IS NOT NULL"),
        ("NEW", "UPDATE OF service", _any_changed(dialect, ("service",))),
        ("OLD", "DELETE", "OLD.service IS NOT NULL"),
    ):
        id_ = f"{row}.{owner}"
        keys = " UNION ALL ".join(
            f"SELECT {_CHANGE.key_expression(agency, 'c.id')} FROM change_request c WHERE c.id = {id_}"
            for agency in ("0", "c.agency_id")
        )
        name = f"search_{table}_{ {'I': 'inserted', 'U': 'updated', 'D': 'deleted'}[event[0]] }"
        yield SyncTrigger(name, table, event, tuple(_CHANGE.upsert_statements(dialect, f"t.id = {id_}", keys)), when)


def _filed_triggers(dialect: str) -> Iterator[SyncTrigger]:
    """Yield what keeps the row of a request when it is noted where it is filed."""
    keys = f"SELECT {_CHANGE.key_expression('NEW.agency_id', 'NEW.change_id')}"
    keys += f" UNION ALL SELECT {_CHANGE.key_expression('0', 'NEW.change_id')}"  # of a draft
    statements = tuple(_CHANGE.upsert_statements(dialect, "t.id = NEW.change_id", keys))
    changed = _any_changed(dialect, _FILED_WORDS)
    yield SyncTrigger("search_archive_reference_inserted", "archive_reference", "INSERT", statements)
    event = f"UPDATE OF {', '.join(_FILED_WORDS)}"
    yield SyncTrigger("search_archive_reference_updated", "archive_reference", event, statements, changed)


def _any_not_null(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"NEW.{column} IS NOT NULL" for column in columns)


def _any_changed(dialect: str, columns: tuple[str, ...]) -> str:
    cast = "::text" if dialect == "postgresql" else ""  # JSON has no equality there
    return " OR ".join(f"NEW.{column}{cast} IS DISTINCT FROM OLD.{column}{cast}" for column in columns)


_INSERT_INTO_FTS = (
    f"INSERT INTO {FTS_TABLE} (rowid, text, joined, owner_id) VALUES (NEW.key, NEW.text, NEW.joined, NEW.owner_id)"
)
_DELETE_FROM_FTS = (
    f"INSERT INTO {FTS_TABLE} ({FTS_TABLE}, rowid, text, joined, owner_id)"
    " VALUES ('delete', OLD.key, OLD.text, OLD.joined, OLD.owner_id)"
)


def _postgresql_index_triggers() -> tuple[SyncTrigger, ...]:
    """Return what keeps PostgreSQL's index: the words of each row, worked out once, when they are written."""
    put = f"INSERT INTO {FTS_TABLE} (key, words) VALUES (NEW.key, {_WORDS_OF_NEW})"
    gone = f"DELETE FROM {FTS_TABLE} WHERE key = OLD.key"
    return (
        SyncTrigger(f"{FTS_TABLE}_inserted", "search_record", "INSERT", (put,)),
        SyncTrigger(f"{FTS_TABLE}_updated", "search_record", "UPDATE", (gone, put)),
        SyncTrigger(f"{FTS_TABLE}_deleted", "search_record", "DELETE", (gone,)),
    )


def ddl_statements(dialect: str) -> list[tuple[str, str]]:
    """Return (table, statement) for the index and all triggers that keep it, in the order in which they are made."""
    keepers = list(_sync_triggers(dialect))
    if dialect == "postgresql":
        own = _postgresql_index_triggers()
        return [
            ("search_record", f"CREATE TABLE {FTS_TABLE} (key bigint PRIMARY KEY, words tsvector NOT NULL)"),
            ("search_record", f"CREATE INDEX {FTS_TABLE}_of_words ON {FTS_TABLE} USING gin (words)"),
            *((one.table, statement) for one in (*own, *keepers) for statement in one.postgresql_statements()),
        ]
    table = (
        f"CREATE VIRTUAL TABLE {FTS_TABLE} USING fts5(text, joined, owner_id, content='search_record',"
        " content_rowid='key', tokenize='unicode61 remove_diacritics 2')"
    )
    vocabulary = f"CREATE VIRTUAL TABLE {FTS_VOCABULARY_TABLE} USING fts5vocab('{FTS_TABLE}', 'instance')"
    own = (
        SyncTrigger(f"{FTS_TABLE}_inserted", "search_record", "INSERT", (_INSERT_INTO_FTS,)),
        SyncTrigger(f"{FTS_TABLE}_updated", "search_record", "UPDATE", (_DELETE_FROM_FTS, _INSERT_INTO_FTS)),
        SyncTrigger(f"{FTS_TABLE}_deleted", "search_record", "DELETE", (_DELETE_FROM_FTS,)),
    )
    return [
        ("search_record", table),
        ("search_record", vocabulary),
        *((keeper.table, keeper.sqlite_statement()) for keeper in (*own, *keepers)),
    ]


def is_declared_by_models(name: str | None) -> bool:
    """Whether a table or index is one that the models declare: what lies behind the index is made beside them."""
    return not (name or "").startswith(FTS_TABLE)


def rebuild_index(connection: Connection) -> int:
    """Make the index anew from the records, in the transaction that is open; return how many rows it has."""
    dialect = connection.dialect.name
    # The words are looked up anew at the end, at one stroke, whatever became of them.
    own = [
        statement for table, statement in ddl_statements(dialect) if table == "search_record" and is_sqlite(connection)
    ]
    for name in (f"{FTS_TABLE}_inserted", f"{FTS_TABLE}_updated", f"{FTS_TABLE}_deleted") if own else ():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
    if own:
        for table in (FTS_VOCABULARY_TABLE, FTS_TABLE):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    connection.exec_driver_sql("DELETE FROM search_record")
    for source in _SOURCES:
        insert = f"INSERT INTO search_record ({source.columns}) {source.select_statement(dialect)}"
        connection.exec_driver_sql(insert)
    for statement in own:
        connection.exec_driver_sql(statement)
    if own:
        connection.exec_driver_sql(f"INSERT INTO {FTS_TABLE} ({FTS_TABLE}) VALUES ('rebuild')")
    return int(connection.exec_driver_sql("SELECT count(*) FROM search_record").scalar_one())


@contextmanager
def suspended(connection: Connection) -> Iterator[None]:
    """Write many records without updating the index; it is rebuilt at the end, in the transaction that is open."""
    with sync_trigger.suspended(connection, _sync_triggers(connection.dialect.name)):
        yield
    rebuild_index(connection)


def stale_records(connection: Connection) -> Iterator[tuple[SearchKind, int]]:
    """Yield (kind, id) of each record of which the index says something else than the record."""
    for source in _SOURCES:
        first, last = source.kind * _KIND_FACTOR, (source.kind + 1) * _KIND_FACTOR - 1
        said = f"SELECT {source.columns} FROM search_record WHERE key BETWEEN {first} AND {last}"
        rows = f"SELECT * FROM ({source.select_statement(connection.dialect.name)}) AS rows"
        missing, superfluous = (
            f"SELECT * FROM ({one} EXCEPT {other}) AS x" for one, other in ((rows, said), (said, rows))
        )
        result = connection.exec_driver_sql(
            f"SELECT DISTINCT key FROM ({missing} UNION ALL {superfluous}) AS y ORDER BY key"
        )
        yield from ((source.kind, record_id(key)) for (key,) in result)


def is_fts_intact(connection: Connection) -> bool:
    """Whether SQLite's own index has the words of every row; takes the write lock while it looks."""
    if is_sqlite(connection):
        try:
            connection.exec_driver_sql(f"INSERT INTO {FTS_TABLE} ({FTS_TABLE}, rank) VALUES ('integrity-check', 1)")
        except OperationalError:
            raise
        except DatabaseError:
            return False
    return True
