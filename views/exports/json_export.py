"""Lists as JSON: an object with the head, the columns, and the rows by the keys of the columns."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from views.exports.columns import (
    CachedConverter,
    CellKind,
    DatetimeConverter,
    convert_in_batches,
    to_decimal,
    value_labeller,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from views.exports.columns import Converter, ExportColumn, Rows
    from views.exports.head import ExportHead

MIMETYPE = "application/json"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
#: Digits that every reader of JSON keeps in a number.
_MAX_DIGITS = 15


def json_stream(columns: Sequence[ExportColumn], rows: Rows, zone: ZoneInfo, head: ExportHead) -> Iterator[bytes]:
    """Yield a JSON object in UTF-8: ``head``, ``zone``, ``columns`` and ``rows``, one row a line.

    Dates and moments are ISO texts, those in ``zone``; a number that a reader could round is a text.
    """
    described = [{"key": column.key, "heading": column.heading, "kind": column.kind} for column in columns]
    beginning = {"head": {"title": head.title, **dict(head.facts)}, "zone": zone.key, "columns": described}
    yield (_encode(beginning)[:-1] + ',"rows":[').encode("utf-8", "replace")
    moments = DatetimeConverter(zone)
    keys = [_encode(column.key) for column in columns]
    separator = "\n"
    for batch in convert_in_batches(rows, [_converter(column, moments) for column in columns]):
        lines = ("{" + ",".join(map(":".join, zip(keys, cells, strict=True))) + "}" for cells in batch)
        yield (separator + ",\n".join(lines)).encode("utf-8", "replace")
        separator = ",\n"
    yield b"\n]}\n"


def _converter(column: ExportColumn, moments: DatetimeConverter) -> Converter:
    match column.kind:
        case CellKind.CHOICE:
            word = value_labeller(column)
            return CachedConverter(lambda value: "null" if value is None else _encode(word(value))).convert
        case CellKind.BOOLEAN:
            return CachedConverter(lambda value: "null" if value is None else _encode(bool(value))).convert
        case CellKind.DATETIME:
            return lambda cells: [
                _encode(text.replace(" ", "T")) if text else "null" for text in moments.convert(cells)
            ]
        case CellKind.NUMBER | CellKind.MONEY | CellKind.MINUTES | CellKind.BYTES:
            return lambda cells: [_number(cell) for cell in cells]
        case _:
            return lambda cells: ["null" if cell is None else _encode(str(cell)) for cell in cells]


def _moment(text: str) -> str:
    return _encode(text.replace(" ", "T")) if text else "null"


def _number(cell: object) -> str:
    """Return a number; as a text where a reader would lose digits, and null for what is not finite."""
    if cell is None:
        return "null"
    number = to_decimal(cell)
    if number is None:
        return "null" if isinstance(cell, float | Decimal) else _encode(str(cell))
    text = format(number, "f")
    return text if len(number.normalize().as_tuple().digits) <= _MAX_DIGITS else _encode(text)
