"""Lists as papers: tagged PDF by typst, from the layout ``list.typ``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typst

from lpse_admin.errors import FileTooLarge
from lpse_admin.i18n import _
from views.exports.columns import (
    CachedConverter,
    CellKind,
    DatetimeConverter,
    convert_in_batches,
    headings,
    to_decimal,
    to_texts,
    value_labeller,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from views.exports.columns import Converter, ExportColumn, Rows
    from views.exports.head import ExportHead

MIMETYPE = "application/pdf"
#: What is set in some seconds and some hundred megabytes.
MAX_ROWS = 5_000
#: More columns than these do not fit side by side: each row is then a paragraph.
MAX_TABLE_COLUMNS = 10

_LAYOUT = Path(__file__).with_name("list.typ")
_NUMERIC = frozenset({CellKind.NUMBER, CellKind.MONEY})
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Imprint:
    """What a paper needs beside its content: date, author and language, and the words "page" and "empty"."""

    on: dt.date
    author: str
    language: str
    labels: Mapping[str, str]


def pdf_file(
    columns: Sequence[ExportColumn],
    rows: Rows,
    zone: ZoneInfo,
    head: ExportHead,
    imprint: Imprint,
) -> bytes:
    """Return the rows under ``head`` as a PDF.

    Raises FileTooLarge beyond ``MAX_ROWS``.
    """
    moments = DatetimeConverter(zone)
    texts = chain.from_iterable(convert_in_batches(rows, [_converter(column, moments) for column in columns]))
    printed = [list(row) for row in islice(texts, MAX_ROWS + 1)]
    if len(printed) > MAX_ROWS:
        raise FileTooLarge(
            _("A PDF has at most %(rows)s rows. Narrow the list, or export it as XLSX or CSV.", rows=MAX_ROWS)
        )
    data = {
        "title": head.title,
        "facts": [list(fact) for fact in head.facts],
        "signing": list(head.signing),
        "headings": headings(columns, zone),
        "numeric": [column.kind in _NUMERIC for column in columns],
        "rows": printed,
        "layout": "table" if len(columns) <= MAX_TABLE_COLUMNS else "paragraphs",
        "date": imprint.on.isoformat(),
        "author": imprint.author,
        "language": imprint.language,
        "labels": dict(imprint.labels),
    }
    return compile_layout(_LAYOUT, data)


def compile_layout(layout: Path, data: object) -> bytes:
    """Return the layout filled in with ``data`` (its ``data.json``) as PDF/A-2a and PDF/UA.

    A text with letters that no font has cannot be either; it becomes a plain PDF. The same data is the same bytes.
    """
    with TemporaryDirectory() as folder:
        main = Path(folder) / "main.typ"
        copyfile(layout, main)
        text = _UNPRINTABLE.sub("\ufffd", json.dumps(data, ensure_ascii=False))
        (Path(folder) / "data.json").write_text(text, encoding="utf-8")
        try:
            return _compile(main, ["a-2a", "ua-1"])
        except typst.TypstError:
            return _compile(main, [])


def _compile(main: Path, standards: list[typst.PDFStandard]) -> bytes:
    # The fonts that typst brings: those of the system differ from one machine to the next.
    compiled = typst.compile(
        str(main), root=str(main.parent), ignore_system_fonts=True, format="pdf", pdf_standards=standards, timestamp=0
    )
    if not isinstance(compiled, bytes):
        raise TypeError("a layout is one file")
    return compiled


def _converter(column: ExportColumn, moments: DatetimeConverter) -> Converter:
    """Return what writes the cells of a column as texts for people."""
    match column.kind:
        case CellKind.CHOICE | CellKind.BOOLEAN:
            return CachedConverter(value_labeller(column)).convert
        case CellKind.DATETIME:
            return lambda cells: [text[:16] for text in moments.convert(cells)]
        case CellKind.NUMBER | CellKind.MONEY | CellKind.MINUTES | CellKind.BYTES:
            return lambda cells: [_number(cell, column.kind) for cell in cells]
        case _:
            return to_texts


def _number(cell: object, kind: CellKind) -> str:
    """Return a number; an amount as it is written in Indonesia."""
    number = None if cell is None else to_decimal(cell)
    if number is None:
        return "" if cell is None or isinstance(cell, float | Decimal) else str(cell)
    if kind is CellKind.MONEY:
        return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))
    return format(number, "f")
