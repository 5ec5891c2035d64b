"""The rows of a list's table, as one text: a template with a loop over the cells takes twice as long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext
from markupsafe import Markup, escape

from views.exports.columns import CellKind
from views.i18n.wording import tr
from views.listing.page.cells import cell_formatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from views.listing.lists import Column

    #: A row's id, that of its leading cell, and what its columns show.
    Row = tuple[int, int, Sequence[object]]


def table_rows(
    columns: Sequence[Column],
    rows: Iterable[Row],
    link_url: Callable[[int], str],
    *,
    checkbox: Callable[[int, Markup], str] | None,
) -> Markup:
    """Return the rows of a table's body, each with one link; ``checkbox`` writes a box for a row as its first cell."""
    writers = [(cell_formatter(column), *_cell_tags(column), column.is_link) for column in columns]
    named = next((place for place, column in enumerate(columns) if column.is_link), 0)
    parts: list[str] = []
    for id_, lead, values in rows:
        parts.append("<tr>")
        if checkbox:
            parts.append(f'<td class="tick">{checkbox(id_, escape(writers[named][0](values[named])))}</td>')
        for (write, before, after, leads), value in zip(writers, values, strict=True):
            link = f'{escape(link_url(lead))}">' if leads else ""
            parts.append(f"{before}{link}{escape(write(value))}{after}")
        parts.append("</tr>\n")
    return Markup("".join(parts))  # noqa: S704 - every part of it is escaped or our own


#: Cells that stay on one line.
_SHORT = dict.fromkeys((CellKind.DATETIME, CellKind.DATE, CellKind.MONEY), ' class="short"')


def _cell_tags(column: Column) -> tuple[str, str]:
    """Return what stands before and after a cell of ``column``."""
    if column.is_link:
        return '<th scope="row"><a href="', "</a></th>"
    # On a narrow screen, where the table's head is not shown, each cell says what it is.
    kind = ' class="number"' if column.is_numeric else ' class="wide"' if column.wide else _SHORT.get(column.kind, "")
    return f'<td{kind} data-label="{escape(tr(column.heading))}">', "</td>"


def row_checkbox() -> Callable[[int, Markup], str]:
    """Return what writes the box by which a row is ticked, for its id and name, into the form of ``bulk_bar``."""
    label = escape(gettext("Select"))

    def write(id_: int, name: Markup) -> str:
        said = escape(name.striptags()) if "<" in name else name
        return (
            f'<input class="form-check-input" type="checkbox" form="bulk" name="id" value="{id_}"'
            f' aria-label="{label} {said}">'
        )

    return write
