"""Values of fields that an SOP asks for: which are possible, how they are stored, and how they are written in words.

Each kind has one Python type: text, Decimal (numbers and amounts), date, aware datetime, int (minutes of a duration;
the id of a user, asset or request), bool, a tuple of words (several of a list), and a list of rows, each a tuple of
texts. They are stored as text; beside it stand the words that people read, and a number to compare by.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lpse_admin.i18n import _
from lpse_admin.parsing.blank import is_blank
from lpse_admin.parsing.durations import MAX_DURATION_MINUTES, write_duration
from lpse_admin.parsing.numbers import write_number
from lpse_admin.sop.fields import NO, YES
from lpse_admin.workflow.record_fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpse_admin.i18n import Message
    from lpse_admin.workflow.record_fields import RecordField

#: Kinds whose value is the id of a record; its words are those by which the record was known then.
REFERENCES = frozenset({FieldKind.USER, FieldKind.ASSET, FieldKind.REQUEST})
#: Kinds that are compared by number.
_COMPARED_BY_NUMBER = frozenset({FieldKind.NUMBER, FieldKind.MONEY, FieldKind.DURATION})

#: Numbers are compared in ten-thousandths, as whole numbers of 64 bits.
NUMBER_FACTOR = 10_000
_MAX_NUMBER = 10**14
_MAX_DECIMALS = {FieldKind.NUMBER: 4, FieldKind.MONEY: 2}
#: The most rows of a field, and characters of a text of several lines.
MAX_ROWS = 60
MAX_TEXT_LENGTH = 100_000
#: "2026-03-31 14:30:00", in UTC.
_MOMENT_LENGTH = 19

_MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip


def stored_text(value: object) -> str:
    """Return ``value`` as it is stored."""
    match value:
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat(" ", "seconds")[:_MOMENT_LENGTH]
        case dt.date():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}"
        case bool():
            return YES if value else NO
        case tuple() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def stored_value(kind: FieldKind, text: str) -> object:
    """Return the value that is stored as ``text``."""
    read = _READERS.get(kind)
    return read(text) if read else text


_READERS: dict[FieldKind, Callable[[str], object]] = {
    FieldKind.DATETIME: lambda text: dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC),
    FieldKind.DATE: dt.date.fromisoformat,
    FieldKind.NUMBER: Decimal,
    FieldKind.MONEY: Decimal,
    FieldKind.DURATION: int,
    FieldKind.YES_NO: lambda text: text == YES,
    FieldKind.SEVERAL_OF: lambda text: tuple(json.loads(text)),
    FieldKind.ROWS: lambda text: [tuple(row) for row in json.loads(text)],
    **dict.fromkeys(REFERENCES, int),
}


def comparable_number(kind: FieldKind, value: object) -> int | None:
    """Return the number that a number, an amount or a duration is compared by; None for any other value."""
    if kind not in _COMPARED_BY_NUMBER:
        return None
    match value:
        case Decimal():
            return int(value * NUMBER_FACTOR)
        case int():
            return value * NUMBER_FACTOR
        case _:
            return None


def in_words(field: RecordField, value: object, zone: dt.tzinfo) -> str:
    """Return ``value`` as it stands on pages and papers; that of a reference are the words of its record."""
    if isinstance(value, dt.datetime):
        local = value.astimezone(zone)
        return f"{_date_in_words(local)} {local:%H.%M} {local.tzname()}"
    if isinstance(value, list):
        return "\n".join(_row_in_words(field.columns, row) for row in value)
    if isinstance(value, Decimal) and field.kind is FieldKind.MONEY:
        return _money_in_words(value)
    write = next((write for kind, write in _WRITERS if isinstance(value, kind)), str)
    return write(value)


def _date_in_words(date: dt.date) -> str:
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def _money_in_words(amount: Decimal) -> str:
    whole, _point, sen = f"{abs(amount):.2f}".partition(".")
    return f"{'-' if amount < 0 else ''}Rp{write_number(int(whole))},{sen}"


def _row_in_words(columns: tuple[str, ...], row: tuple[str, ...]) -> str:
    return "; ".join(f"{column}: {cell}" for column, cell in zip(columns, row, strict=False) if cell)


#: What writes a value, by the first of its types that is here.
_WRITERS: tuple[tuple[type[Any], Callable[[Any], str]], ...] = (
    (dt.date, _date_in_words),
    (Decimal, write_number),
    (bool, lambda value: YES if value else NO),
    (int, write_duration),
    (tuple, "; ".join),
)


def value_error(field: RecordField, value: object) -> Message | None:
    """Return why ``value`` cannot be one of ``field``, or None. Whether a record is there is not asked here."""
    match field.kind:
        case FieldKind.NUMBER | FieldKind.MONEY:
            return _number_error(value, _MAX_DECIMALS[field.kind])
        case FieldKind.DURATION:
            fits = type(value) is int and 0 <= value <= MAX_DURATION_MINUTES
            return None if fits else _("This is not a duration.")
        case FieldKind.YES_NO | FieldKind.ONE_OF | FieldKind.SEVERAL_OF:
            return None if _is_option(field, value) else _("Choose an item from the list.")
        case FieldKind.ROWS:
            return _rows_error(field, value)
        case _:
            return None


def _is_option(field: RecordField, value: object) -> bool:
    """Whether ``value`` is one of the words of ``field``, several different ones, or yes or no."""
    if field.kind is FieldKind.YES_NO:
        return type(value) is bool
    if field.kind is FieldKind.ONE_OF:
        return value in field.options
    return isinstance(value, tuple) and set(value) <= set(field.options) and len(set(value)) == len(value)


def _number_error(value: object, most_decimals: int) -> Message | None:
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value) >= _MAX_NUMBER:
        return _("This is not a number of at most 14 digits.")
    if value != round(value, most_decimals):
        return _("Enter at most %(most)s decimals.", most=most_decimals)
    return None


def _rows_error(field: RecordField, value: object) -> Message | None:
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        return _("Enter at most %(most)s rows.", most=MAX_ROWS)
    for row in value:
        is_row = isinstance(row, tuple) and len(row) == len(field.columns)
        if not is_row or not all(isinstance(cell, str) and len(cell) <= MAX_TEXT_LENGTH for cell in row):
            return _("Each row needs a text for each column.")
        if all(map(is_blank, row)):
            return _("A row says nothing.")
    return None
