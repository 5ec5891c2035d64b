"""The rows of the register, compared with what the audit trail said of each last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from zlib import crc32

from sqlalchemy import Enum, Numeric, String, func, select, type_coerce
from sqlalchemy.exc import DatabaseError

from lpse_admin.i18n import Message, _
from models.audit.told_values import REDACTED, as_told, redacted
from models.audit.trail import RowAction
from models.base import EnumSet, OpenEnum
from models.integrity.findings import Finding, FindingKind
from models.integrity.rows.coverage import ToldTable, told_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection

    from models.integrity.rows.spill import Spill

#: Rows with neighbouring numbers that are compared at a time.
_ROWS_AT_A_TIME = 4000
#: Into how many parts the rows of a table without numbers are dealt.
_PARTS = 64
_STORED = "stored"

_LONGEST = 120


def spill_entry(spill: Spill, entry: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Put what an entry of the trail tells aside, row by row, for ``Comparison``."""
    for row in rows:
        name = row["table"]
        if (told := _TOLD.get(name)) is not None:
            bucket = _bucket(told, row["id"])
            spill.add((name, bucket), [entry["id"], row["id"], row["action"], row["before"], row["after"]])


@dataclass(slots=True)
class RowState:
    """What the trail has said of a row so far."""

    columns: dict[str, Any] = field(default_factory=dict)
    entry_id: int = 0
    is_there: bool = True
    #: Whether all of its columns are known: it was entered, or taken over, in what was read of the trail.
    is_whole: bool = False


@dataclass(slots=True)
class Comparison:
    """The state of a comparison: how much was compared, and whether the trail was read from its beginning."""

    connection: Connection
    spill: Spill
    #: Whether only a part of the trail was read: what is not told there is not compared.
    is_partial: bool = False
    #: Whether secrets that an earlier version told of without a fingerprint are yielded too.
    with_bare_secrets: bool = False
    rows: int = 0
    #: Rows that are stored and not told in the part of the trail that was read.
    not_compared: int = 0

    def compare(self, told: ToldTable) -> Iterator[Finding]:
        """Yield what is not as the trail says in one table."""
        readers = _NumberedRows if told.has_number_key else _DealtRows
        rows = readers(self.connection, told, self.spill)
        for bucket in rows.buckets():
            told_rows, stored = rows.read(bucket)
            states: dict[str, RowState] = {}
            for record in sorted(told_rows, key=lambda record: record[0]):
                yield from self._replay(told, states, record)
            yield from self._stored(told, states, stored)

    def _replay(self, told: ToldTable, states: dict[str, RowState], record: list[Any]) -> Iterator[Finding]:
        """Follow one row of an entry."""
        entry_id, key, action, before, after = record
        state = states.get(key)
        if state is None:
            state = states[key] = RowState(is_whole=action in {RowAction.INSERTED, RowAction.FOUND})
        elif action != RowAction.FOUND:
            yield from _contradictions(told, key, state, action, before, entry_id)
        state.entry_id = entry_id
        if action == RowAction.INSERTED:
            state.columns, state.is_there, state.is_whole = dict(after), True, True
        elif action == RowAction.DELETED:
            state.columns, state.is_there = dict(before), False
        else:
            state.columns.update(after)
            state.is_there = True

    def _stored(self, told: ToldTable, states: dict[str, RowState], stored: Iterable[Any]) -> Iterator[Finding]:
        """Compare the rows of a bucket, as they are stored, with the states."""
        for row in stored:
            values = dict(zip(told.columns, row, strict=True))
            key = "/".join(str(values[name]) for name in told.key)
            state = states.pop(key, None)
            if state is None or not state.is_there:
                if state is None and self.is_partial:
                    self.not_compared += 1
                    continue
                yield _added(told, key, values, state)
                continue
            self.rows += 1
            yield from _differences(told, key, values, state)
            if self.with_bare_secrets:
                yield from _bare_secrets(told, key, values, state)
        for key, state in states.items():
            if state.is_there:
                yield _finding(
                    FindingKind.MISSING, _("the row is missing: it was not removed by the program"), told, key, state
                )


def _bucket(told: ToldTable, key: str) -> int:
    if not told.has_number_key:
        return crc32(key.encode()) % _PARTS
    try:
        return int(key) // _ROWS_AT_A_TIME
    except ValueError:
        return 0


#: What reading a value raises that no program has written.
_UNREADABLE = (ValueError, TypeError, LookupError, DatabaseError)


def _read_columns(told: ToldTable) -> list[Any]:
    """Return the columns that are compared; choices are read as the text that stands there, whatever it is."""
    columns = (told.table.c[name] for name in told.columns)
    choices = (Enum, EnumSet, OpenEnum)
    return [type_coerce(column, String) if isinstance(column.type, choices) else column for column in columns]


class _NumberedRows:
    """The rows of a table whose key is a number: read by ranges of it."""

    def __init__(self, connection: Connection, told: ToldTable, spill: Spill) -> None:
        self._connection, self._told, self._spill = connection, told, spill
        self._key = told.table.c[told.key[0]]
        self._columns = _read_columns(told)

    def buckets(self) -> Iterator[int]:
        """Yield the numbers of the buckets that have rows, stored or told."""
        told = set(self._spill.numbers(self._told.name))
        stored = {bucket for bucket in self._stored_buckets() if bucket not in told}
        yield from sorted(told | stored)

    def _stored_buckets(self) -> Iterator[int]:
        first = select(func.min(self._key))
        number = self._connection.scalar(first)
        while number is not None:
            yield number // _ROWS_AT_A_TIME
            number = self._connection.scalar(
                first.where(self._key >= (number // _ROWS_AT_A_TIME + 1) * _ROWS_AT_A_TIME)
            )

    def read(self, bucket: int) -> tuple[Iterable[list[Any]], Iterable[Any]]:
        """Return what was told of the rows of a bucket, and those that are stored."""
        begin = bucket * _ROWS_AT_A_TIME
        wanted = select(*self._columns).where(self._key >= begin, self._key < begin + _ROWS_AT_A_TIME)
        told = self._spill.take((self._told.name, bucket))
        try:
            return told, self._connection.execute(wanted.order_by(self._key)).all()
        except _UNREADABLE:
            return told, self._one_by_one(begin)

    def _one_by_one(self, begin: int) -> Iterator[Any]:
        """Yield the rows of a bucket; of one that cannot be read, each value as far as it can."""
        numbers = select(self._key).where(self._key >= begin, self._key < begin + _ROWS_AT_A_TIME).order_by(self._key)
        for number in self._connection.scalars(numbers).all():
            yield tuple(self._value(column, number) for column in self._columns)

    def _value(self, column: ColumnElement[Any], number: int) -> object:
        try:
            return self._connection.scalar(select(column).where(self._key == number))
        except _UNREADABLE:
            return self._connection.scalar(select(type_coerce(column, String)).where(self._key == number))


class _DealtRows:
    """The rows of a table with another key: read once, and dealt out on the disk as what was told of them was."""

    def __init__(self, connection: Connection, told: ToldTable, spill: Spill) -> None:
        self._told, self._spill = told, spill
        columns = _read_columns(told)
        places = [told.columns.index(name) for name in told.key]
        for row in connection.execute(select(*columns).execution_options(yield_per=_ROWS_AT_A_TIME)):
            key = "/".join(str(row[location]) for location in places)
            spill.add((told.name, _bucket(told, key)), [0, key, _STORED, [as_told(value) for value in row], {}])

    def buckets(self) -> Iterator[int]:
        """Yield the numbers of the buckets that have rows, stored or told."""
        yield from self._spill.numbers(self._told.name)

    def read(self, bucket: int) -> tuple[Iterable[list[Any]], Iterable[Any]]:
        """Return what was told of the rows of a bucket, and those that are stored."""
        records = list(self._spill.take((self._told.name, bucket)))
        stored = [record[3] for record in records if record[2] == _STORED]
        return [record for record in records if record[2] != _STORED], stored


def is_same(told: ToldTable, column: str, said: object, stored: object) -> bool:
    """Whether a stored value is what the trail said of ``column``."""
    if column in told.secrets and stored is not None:
        # Former versions told of a secret only that there is one.
        return said in {REDACTED, redacted(stored)}
    result = as_told(stored)
    if said == result:
        return type(said) is type(result) or not isinstance(said, bool)
    if said is None or result is None:
        return False
    kind = told.table.c[column].type
    if isinstance(kind, Numeric) or isinstance(stored, Decimal):
        return _number(said) == _number(result)
    return isinstance(stored, dt.datetime) and _moment(said) == stored


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _moment(value: object) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _differences(told: ToldTable, key: str, values: Mapping[str, Any], state: RowState) -> Iterator[Finding]:
    for column, value in values.items():
        if column not in state.columns and (not state.is_whole or value is None):
            continue
        text = state.columns.get(column)
        if text is value or is_same(told, column, text, value):
            continue
        error = _difference(told, column, value, text)
        finding = _finding(FindingKind.CHANGED, error, told, key, state, column)
        yield finding if column in state.columns else replace(finding, untold={column: _told(told, column, value)})


def _bare_secrets(told: ToldTable, key: str, values: Mapping[str, Any], state: RowState) -> Iterator[Finding]:
    for column in told.secrets & values.keys():
        if values[column] is not None and state.columns.get(column) == REDACTED:
            finding = _finding(FindingKind.CHANGED, _("no fingerprint is told"), told, key, state, column)
            yield replace(finding, untold={column: redacted(values[column])})


def _told(told: ToldTable, column: str, value: object) -> object:
    return redacted(value) if column in told.secrets else as_told(value)


def _contradictions(
    told: ToldTable, key: str, state: RowState, action: str, before: Mapping[str, Any], entry_id: int
) -> Iterator[Finding]:
    """Yield the columns that an entry found otherwise than the trail had left them: they were changed in between."""
    if action == RowAction.INSERTED:
        if state.is_there:
            error = _("entry %(entry)s enters a row that was there", entry=entry_id)
            yield _finding(FindingKind.CONTRADICTION, error, told, key, state)
        return
    for column, value in before.items():
        if column not in told.columns or (column not in state.columns and not state.is_whole):
            continue
        text = state.columns.get(column)
        if text == value or REDACTED in {text, value} or _is_equal_text(text, value):
            continue
        error = _(
            "before entry %(entry)s “%(column)s” was %(stored)s, but the trail says %(told)s",
            entry=entry_id,
            column=column,
            stored=_shown(value),
            told=_shown(text),
        )
        yield _finding(FindingKind.CONTRADICTION, error, told, key, state, column)


def _is_equal_text(one: object, other: object) -> bool:
    """Whether two told values are the same number or time, written otherwise."""
    if one is None or other is None or isinstance(one, dict | list) or isinstance(other, dict | list):
        return False
    number, moment = _number(one), _moment(one)
    return (number is not None and number == _number(other)) or (moment is not None and moment == _moment(other))


def _difference(told: ToldTable, column: str, stored: object, said: object) -> Message:
    if column in told.secrets:
        return _("“%(column)s” is another than the trail says; neither is shown", column=column)
    return _(
        "“%(column)s” is %(stored)s, but the trail says %(told)s",
        column=column,
        stored=_shown(as_told(stored)),
        told=_shown(said),
    )


def _shown(value: object) -> str | Message:
    """Return a value for a finding: short, on one line."""
    if value is None:
        return _("empty")
    text = " ".join(str(value).split())
    return f"“{text[:_LONGEST]}…”" if len(text) > _LONGEST else f"“{text}”"


def _added(told: ToldTable, key: str, values: Mapping[str, Any], state: RowState | None) -> Finding:
    error = (
        _("the row is there, but the trail does not tell that it was entered")
        if state is None
        else _("the row is there, but the trail tells that it was removed")
    )
    result = _finding(FindingKind.ADDED, error, told, key, state or RowState(dict(values)))
    chain = values.get("id") if told.name == "agency" else values.get("agency_id")
    untold = {column: _told(told, column, value) for column, value in values.items() if value is not None}
    return replace(
        result, chain=chain, change_id=_change_id(told, key, values), untold=untold if state is None else None
    )


def _change_id(told: ToldTable, key: str, values: Mapping[str, Any]) -> int | None:
    value = str(key if told.name == "change_request" else values.get("change_id"))
    return int(value) if value.isdigit() else None


def _finding(
    kind: FindingKind, error: Message, told: ToldTable, key: str, state: RowState, column: str | None = None
) -> Finding:
    return Finding(
        kind,
        error,
        table=told.name,
        row=key,
        column=column,
        change_id=_change_id(told, key, state.columns),
        entry_id=state.entry_id or None,
    )


_TOLD = {told.name: told for told in told_tables()}
