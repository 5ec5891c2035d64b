"""The rows of a list's table, written as one text: a template that went through every cell would take twice as long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from views.cells import renderer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from views.lists import Column

    #: A row's id, that of its leading cell, and what its columns show.
    Row = tuple[int, int, Sequence[object]]


def table_rows(
    columns: Sequence[Column],
    rows: Iterable[Row],
    row_url: Callable[[int], str],
    lead_url: Callable[[int], str],
    details: str | None,
) -> Markup:
    """Return the rows of a table's body; ``details`` is the text of a last cell that leads to the row's own page."""
    writers = [(renderer(column), *_around(column), column.leads) for column in columns]
    last = "" if details is None else f'">{escape(details)}</a></td>'
    parts: list[str] = []
    for id_, lead, values in rows:
        parts.append("<tr>")
        for (write, before, after, leads), value in zip(writers, values, strict=True):
            link = f'{escape(lead_url(lead))}">' if leads else ""
            parts.append(f"{before}{link}{escape(write(value))}{after}")
        parts.append(f'<td><a href="{escape(row_url(id_))}{last}</tr>\n' if last else "</tr>\n")
    return Markup("".join(parts))  # noqa: S704 - every part of it is escaped or our own


def _around(column: Column) -> tuple[str, str]:
    """Return what stands before and after a cell of ``column``."""
    if column.leads:
        return '<th scope="row"><a href="', "</a></th>"
    return '<td class="wide">' if column.wide else "<td>", "</td>"
