"""The rows of a list's table, as one text: a template with a loop over the cells takes twice as long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext
from markupsafe import Markup, escape

from views.exports.columns import CellKind
from views.i18n.html import own_html
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
    is_crowded = len(columns) > _MOST_AT_EASE
    most = _MAX_ON_ONE_LINE_AT_EASE if len(columns) < _MOST_AT_EASE else _MAX_ON_ONE_LINE
    writers = [
        (cell_formatter(column), *_cell_tags(column, is_crowded=is_crowded), column.is_link) for column in columns
    ]
    named = next((index for index, column in enumerate(columns) if column.is_link), 0)
    parts: list[str] = []
    for id_, lead, values in rows:
        parts.append("<tr>")
        if checkbox:
            parts.append(f'<td class="tick">{checkbox(id_, escape(writers[named][0](values[named])))}</td>')
        for (write, before, before_short, after, leads), value in zip(writers, values, strict=True):
            link = f'{escape(link_url(lead))}">' if leads else ""
            cell = escape(write(value))
            parts.append(f"{before_short if len(cell) <= most else before}{link}{cell}{after}")
        parts.append("</tr>\n")
    return own_html("".join(parts))


#: A text of so many characters stays on one line: a name, a step, a state; of more where there are few columns.
_MAX_ON_ONE_LINE, _MAX_ON_ONE_LINE_AT_EASE = 16, 20
#: Cells that stay on one line, whatever they hold; a moment in a table of many columns breaks before its time.
_SHORT = frozenset((CellKind.DATETIME, CellKind.DATE, CellKind.MONEY, CellKind.MINUTES, CellKind.BYTES))
_MOST_AT_EASE = 7


def _cell_tags(column: Column, *, is_crowded: bool) -> tuple[str, str, str]:
    """Return what stands before a cell of ``column``, before one whose text is short, and after it."""
    if column.is_link:
        lead = '<th scope="row"><a href="'
        return lead, lead, "</a></th>"
    # On a narrow screen, where the table's head is not shown, each cell says what it is.
    label = f'data-label="{escape(tr(column.heading))}">'
    short = f'<td class="short" {label}'
    if column.is_numeric:
        usual = short = f'<td class="number" {label}'
    elif column.kind in _SHORT and not (is_crowded and column.kind is CellKind.DATETIME):
        usual = short
    elif column.superadmin_only:
        usual = f'<td class="agency" {label}'
    else:
        usual = f'<td class="wide" {label}' if column.wide else f"<td {label}"
    return usual, short, "</td>"


def row_checkbox() -> Callable[[int, Markup], str]:
    """Return what writes the box by which a row is ticked, for its id and name, into the form of ``bulk_bar``."""
    label = escape(gettext("Select"))

    def write(id_: int, name: Markup) -> str:
        text = escape(name.striptags()) if "<" in name else name
        return (
            f'<input class="form-check-input" type="checkbox" form="bulk" name="id" value="{id_}"'
            f' aria-label="{label} {text}">'
        )

    return write
