"""Columns of an export, and the conversion of its cells, at constant memory.

Rows are tuples in the order of the columns, and may come straight from the database driver: a datetime aware, naive in
UTC or as SQLite's text, a date as a date or as text. They are converted a batch and a column at a time, so that Python
runs for a cell only if it has to be converted.
The other modules here write the files, one for each format.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import islice
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    Rows = Iterable[Sequence[object]]
    Cells = Sequence[object]
    Converter = Callable[[Cells], Cells]

_Cell = TypeVar("_Cell")

_BATCH_SIZE = 1_000
_MAX_CACHED = 30_000  # the hours of three years, or 6 MB


class CellKind(StrEnum):
    """What the cells of a column hold, and so how they are written."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    #: Whole numbers with a unit, which a page writes in words: working time, and the size of a file.
    MINUTES = "minutes"
    BYTES = "bytes"
    DATE = "date"
    DATETIME = "moment"
    CHOICE = "choice"
    BOOLEAN = "yes_no"


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of an export.

    ``labels`` gives the words for the values of a CHOICE; a YES_NO needs those for "yes" and "no".
    """

    heading: str
    kind: CellKind = CellKind.TEXT
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    #: What a program knows the column by.
    key: str = ""


_ZONE_NAMES = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Ujung_Pandang": "WITA",
    "Asia/Jayapura": "WIT",
}


def zone_name(zone: ZoneInfo) -> str:
    """Return what people call the zone: WIB, WITA, WIT, or else its key."""
    return _ZONE_NAMES.get(zone.key, zone.key)


def headings(columns: Sequence[ExportColumn], zone: ZoneInfo) -> list[str]:
    """Return the headings, the zone named in those above moments."""
    behind = f" ({zone_name(zone)})"
    return [column.heading + (behind if column.kind is CellKind.DATETIME else "") for column in columns]


def to_texts(cells: Cells) -> list[str]:
    """Return a batch as texts, nothing as the empty text."""
    return [cell if type(cell) is str else "" if cell is None else str(cell) for cell in cells]


# --- words for values ------------------------------------------------------------------------------------


class CachedConverter(dict[object, _Cell], Generic[_Cell]):
    """What is written for a column's values, worked out once for each value and remembered."""

    def __init__(self, convert: Callable[[object], _Cell]) -> None:
        """Write each value by ``convert``."""
        super().__init__()
        self._convert = convert

    def __missing__(self, value: object) -> _Cell:
        """Write a value that is new, and remember it unless there are very many."""
        cell = self._convert(value)
        if len(self) < _MAX_CACHED:
            self[value] = cell
        return cell

    def convert(self, cells: Cells) -> list[_Cell]:
        """Return what is written for a batch."""
        return list(map(self.__getitem__, cells))


def value_labeller(column: ExportColumn) -> Callable[[object], str]:
    """Return the function that labels a value; a value without a label is its text, None is empty."""
    labels: Mapping[Any, str] = column.labels
    if column.kind is CellKind.BOOLEAN:
        labels = {True: labels.get("yes", "yes"), False: labels.get("no", "no")}
    return lambda value: "" if value is None else labels.get(value, str(value))


# --- dates and moments -----------------------------------------------------------------------------------


class _UnevenOffsetError(LookupError):
    """In this hour the zone is not a whole number of hours from UTC, or changes."""


class _LocalHours(dict[str, str]):
    """The zone's "2026-03-31 14" for UTC's "2026-03-31 07": one reckoning an hour, instead of one a cell."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Reckon for ``zone``."""
        super().__init__()
        self._zone = zone

    def __missing__(self, hour: str) -> str:
        """Reckon an hour. Raises ValueError where it is none, _UnevenHourError."""
        if len(self) >= _MAX_CACHED:
            self.clear()
        moment = dt.datetime.fromisoformat(hour).replace(tzinfo=dt.UTC)
        start, end = moment.astimezone(self._zone), (moment + dt.timedelta(hours=1)).astimezone(self._zone)
        if start.utcoffset() != end.utcoffset() or start.minute or start.second:
            raise _UnevenOffsetError(hour)
        self[hour] = start.isoformat(" ")[:13]
        return self[hour]


# "2026-03-31 07:30:00", with or without SQLite's six decimals: a text of any other length may name a zone.
_PLAIN_LENGTHS = frozenset({19, 26})
_UTC_ZONES = frozenset({None, dt.UTC})


class DatetimeConverter:
    """Writes moments as "2026-03-31 14:30:00" in the zone, as much of a batch at once as can be."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Write for ``zone``."""
        self._zone = zone
        self._hours = _LocalHours(zone)

    def convert(self, cells: Cells, fallback: Callable[[str], str] = str) -> list[str]:
        """Return a batch's moments as texts, nothing as the empty one; ``fallback`` is for what is no moment."""
        hours = self._hours
        try:
            return [hours[text[:13]] + text[13:19] if text else "" for text in self._as_utc_texts(cells)]
        except (ValueError, LookupError, OverflowError):
            return [self._convert_one(cell, fallback) for cell in cells]

    @staticmethod
    def _as_utc_texts(cells: Cells) -> Iterable[str | None]:
        """Return a batch as texts in UTC, if it is known to be one. Raises ValueError where it is not."""
        present = [cell for cell in cells if cell is not None]
        kinds = set(map(type, present))
        if kinds <= {str} and _PLAIN_LENGTHS.issuperset(map(len, cast("list[str]", present))):
            return cast("Sequence[str | None]", cells)
        if kinds == {dt.datetime} and _UTC_ZONES.issuperset(map(_zone_of, present)):
            return ["" if cell is None else str(cell) for cell in cells]
        raise ValueError

    def _convert_one(self, cell: object, fallback: Callable[[str], str]) -> str:
        """Return one moment as text, from any form."""
        try:
            moment = cell if isinstance(cell, dt.datetime) else dt.datetime.fromisoformat(str(cell or ""))
            aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
            return aware.astimezone(self._zone).isoformat(" ")[:19]
        except (ValueError, OverflowError):
            return "" if cell is None else fallback(str(cell))


_zone_of = attrgetter("tzinfo")

# --- numbers ---------------------------------------------------------------------------------------------


def to_decimal(cell: object) -> Decimal | None:
    """Return a number, or a text that is one, exactly; None for what is none."""
    try:
        number = Decimal(int(cell) if isinstance(cell, bool) else str(cell))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def convert_in_batches(rows: Rows, converters: Sequence[Converter]) -> Iterator[Iterable[tuple[Any, ...]]]:
    """Yield the rows, a batch at a time, each column through its converter."""
    source = iter(rows)
    while batch := list(islice(source, _BATCH_SIZE)):
        cells = zip(*batch, strict=True)
        yield zip(*(convert(column) for convert, column in zip(converters, cells, strict=True)), strict=True)
