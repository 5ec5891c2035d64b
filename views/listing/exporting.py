"""The exports of a list: its columns, its head, and the answer in each format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, stream_with_context
from flask_babel import gettext
from sqlalchemy.orm import Session

from models.database import db, is_sqlite, read_only
from models.papers.signatory import load_signatory
from models.sops.sop import sop_in_force
from views.app.access import get_current_user
from views.app.audit_context import capacity
from views.app.clock import now
from views.exports import json_export, ods_export, pdf_export
from views.exports.csv_export import csv_stream
from views.exports.head import ExportHead
from views.exports.xlsx_export import xlsx_file
from views.i18n.language import current_language, format_date, format_datetime, format_number, today
from views.i18n.wording import tr
from views.listing.export_log import describe_list
from views.listing.lists import ComputedColumns, row_processor
from views.listing.page.cells import export_columns
from views.listing.page.header import sort_description

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Engine, Select

    from models.office.agency import Agency
    from views.listing.lists import Column, ListQuery

#: The parameter of the address by which a CSV has its head above the rows.
HEAD_PARAMETER = "head"
_XLSX_MIMETYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK_SIZE = 1 << 16
#: What stands where something is to be written by hand, and how many lines a signature has.
_BLANK_PLACE, _BLANK_NAME, _BLANK_NIP = "." * 24, "." * 40, "." * 30
_SIGNATURE_LINES = 3


@dataclass(frozen=True, slots=True)
class ListExport:
    """What is exported: a list, which of its columns, and under which title."""

    listing: ListQuery
    columns: Sequence[Column]
    title: str
    are_chosen: bool = False
    #: Whether a CSV has the head above its rows; the other formats have a place for it.
    has_head: bool = False

    def head(self, count: int) -> ExportHead:
        """Return what was asked: list, filters, period, order and columns; by whom, when, under which SOP."""
        user, listing = get_current_user(), self.listing
        facts = [
            (gettext("List"), self.title),
            (gettext("Agency"), gettext("all LPSE") if user.agency is None else user.agency.name),
            (gettext("Filters"), "; ".join(describe_list(listing)) or gettext("none: all rows")),
            (gettext("Order"), sort_description(listing.spec, listing.arguments.sort)),
            (gettext("Columns"), self._describe_columns()),
            (gettext("Number of rows"), format_number(count)),
            (gettext("Requested by"), f"{user.full_name} ({capacity()})"),
            (gettext("Exported on"), format_datetime(now())),
            *sop_fact(db.session(), user.agency),
        ]
        return ExportHead(self.title, gettext("Notes"), tuple(facts), signing_lines(user.agency, today()))

    def _describe_columns(self) -> str:
        if not self.are_chosen:
            return gettext("all")
        return gettext("chosen: %(columns)s", columns=", ".join(tr(column.heading) for column in self.columns))

    def count(self) -> int:
        """Return how many rows the export has."""
        return self.listing.count(db.session(), limit=None)


def sop_fact(session: Session, agency: Agency | None) -> list[tuple[str, str]]:
    """Return the SOP in force as a fact of a head; nothing for a reader of no office."""
    revision = sop_in_force(session, agency.id) if agency else None
    if revision is None:
        return []
    number = f"{revision.number}, " if revision.number else ""
    return [(gettext("SOP in force"), f"{number}{revision.title}")]


def signing_lines(agency: Agency | None, day: dt.date) -> tuple[str, ...]:
    """Return where the head of ``agency`` signs, a line each; nothing for a reader of no office."""
    if agency is None:
        return ()
    signatory = load_signatory(db.session(), agency, day)
    return (
        f"{signatory.place or _BLANK_PLACE}, {format_date(day)}",
        *filter(None, (f"a.n. {signatory.signs_for}" if signatory.signs_for else "", signatory.capacity)),
        *[""] * _SIGNATURE_LINES,
        signatory.name or _BLANK_NAME,
        *filter(None, (signatory.rank,)),
        f"NIP. {signatory.nip or _BLANK_NIP}",
    )


def export_response(export: ListExport, format_: str) -> Callable[[], Response]:
    """Return what answers with the export in ``format_``; a list that cannot be read is refused here already."""
    rows = stream_rows(export.listing, export.columns)
    writer = FORMATS[format_]
    return lambda: writer(export, rows)


def _stream(chunks: Iterator[bytes], mimetype: str) -> Response:
    return Response(stream_with_context(chunks), mimetype=mimetype)


def _csv(export: ListExport, rows: Iterator[Sequence[object]]) -> Response:
    separator = get_current_user().csv_separator.character
    head = export.head(export.count()) if export.has_head else None
    columns = export_columns(export.columns)
    return _stream(csv_stream(columns, rows, export.listing.zone, separator, head=head), "text/csv")


def _xlsx(export: ListExport, rows: Iterator[Sequence[object]]) -> Response:
    count = export.count()
    file = xlsx_file(
        export_columns(export.columns),
        rows,
        export.listing.zone,
        export.title,
        expected_rows=count,
        head=export.head(count),
    )
    response = Response(iter(lambda: file.read(_CHUNK_SIZE), b""), mimetype=_XLSX_MIMETYPE, direct_passthrough=True)
    response.call_on_close(file.close)
    return response


def _ods(export: ListExport, rows: Iterator[Sequence[object]]) -> Response:
    columns, head = export_columns(export.columns), export.head(export.count())
    return _stream(
        ods_export.ods_stream(columns, rows, export.listing.zone, export.title, head=head), ods_export.MIMETYPE
    )


def _json(export: ListExport, rows: Iterator[Sequence[object]]) -> Response:
    columns, head = export_columns(export.columns), export.head(export.count())
    return _stream(json_export.json_stream(columns, rows, export.listing.zone, head), json_export.MIMETYPE)


def _pdf(export: ListExport, rows: Iterator[Sequence[object]]) -> Response:
    content = pdf_export.pdf_file(
        export_columns(export.columns),
        rows,
        export.listing.zone,
        export.head(export.count()),
        pdf_export.Imprint(
            today(),
            get_current_user().full_name,
            current_language(),
            {"page": gettext("Page"), "empty": gettext("NIL")},
        ),
    )
    return Response(content, mimetype=pdf_export.MIMETYPE)


#: What writes an export, by the end of its address and file name.
FORMATS: Mapping[str, Callable[[ListExport, Iterator[Sequence[object]]], Response]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "ods": _ods,
    "json": _json,
    "pdf": _pdf,
}


# -- rows ------------------------------------------------------------------------------------------------------


def stream_rows(query: ListQuery, columns: Sequence[Column]) -> Iterator[Sequence[object]]:
    """Return the rows of an export; raises Malformed at once, and not when half of the answer is sent."""
    rows = _fetch_rows(read_only(db.engine), query.export_statement(columns, as_text=is_sqlite(db.engine)))
    return finished_rows(columns, rows, db.session())


def finished_rows(
    columns: Sequence[Column], rows: Iterator[Sequence[object]], session: Session
) -> Iterator[Sequence[object]]:
    """Return the cells of ``columns`` from the rows of their statement.

    What they are worked out by is read now: the request's session is gone while they are sent.
    """
    if any(isinstance(column.expression, ComputedColumns) for column in columns):
        rows = map(row_processor(columns, session), rows)
    writers = [column.formatter for column in columns]
    if not any(writers):
        return rows
    return ([write(cell) if write else cell for write, cell in zip(writers, row, strict=True)] for row in rows)


def _fetch_rows(engine: Engine, statement: Select[Any]) -> Iterator[Sequence[object]]:
    """Yield rows over a session of their own, since the request's is gone while they are sent."""
    with Session(engine) as session:
        result = session.connection(execution_options={"yield_per": 2000}).execute(statement)
        for part in result.partitions():
            yield from part
