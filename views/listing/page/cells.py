"""Cells: how one value of a list or a details page is written for the one who reads it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask_babel import gettext
from markupsafe import Markup

from lpse_admin.parsing.numbers import write_number
from lpse_admin.sop.steps import Outcome, Result, Urgency
from models.sops.sop import SopState
from views.exports.columns import CellKind, ExportColumn
from views.i18n.html import own_html
from views.i18n.language import (
    format_date,
    format_datetime_full,
    format_duration,
    format_number,
    format_rupiah,
    format_size,
    short_datetime_formatter,
    tr,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpse_admin.i18n import LabelledEnum, Message
    from views.listing.lists import Column

EMPTY_CELL = Markup('<span class="nothing">–</span>')
_MAX_LISTED_LENGTH = 120
#: From here on a number is a quantity and no year.
_THOUSANDS_FROM = 10_000

#: States that readers look for in a list, with the badge that each is shown in (templates/macros/badges.html).
_BADGES: dict[str, str] = {
    Urgency.EMERGENCY: "urgent",
    Result.COMPLETED: "good",
    Result.ROLLED_BACK: "bad",
    Result.REJECTED: "bad",
    Result.WITHDRAWN: "quiet",
    Outcome.FAILED: "bad",
    Outcome.REFUSED: "bad",
    Outcome.APPROVED: "good",
    SopState.IN_FORCE: "good",
    SopState.DRAFT: "waiting",
}


#: How amounts are written with their unit.
_WITH_UNIT: dict[CellKind, Callable[[Any], str]] = {
    CellKind.MONEY: format_rupiah,
    CellKind.MINUTES: format_duration,
    CellKind.BYTES: format_size,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with what stands beside it."""

    label: Message
    value: Markup | str


def cell_formatter(column: Column, *, in_full: bool = False) -> Callable[[Any], Markup | str]:  # noqa: PLR0911 - one for each kind
    """Return the function that writes a column's values; ``in_full`` shows long text in full."""
    if column.empty is not None:
        empty, written = tr(column.empty), cell_formatter(replace(column, empty=None), in_full=in_full)
        return lambda value: empty if value is None else written(value)
    if column.formatter is not None or column.make_formatter is not None:
        write = column.make_formatter() if column.make_formatter else column.formatter or str
        if in_full and column.full_formatter is not None:
            write = column.full_formatter
        return lambda value: write(value) or EMPTY_CELL
    match column.kind:
        case CellKind.CHOICE:
            return _ChoiceLabels(column).__getitem__
        case CellKind.BOOLEAN:
            yes, no = gettext("Yes"), gettext("No")
            return lambda value: EMPTY_CELL if value is None else (yes if value else no)
        case CellKind.DATETIME:
            moment = format_datetime_full if in_full else short_datetime_formatter()
            return lambda value: EMPTY_CELL if value is None else _time_element(value, moment(value))
        case CellKind.DATE:
            return lambda value: EMPTY_CELL if value is None else _time_element(value, format_date(value))
        case CellKind.MONEY | CellKind.MINUTES | CellKind.BYTES:
            with_unit = _WITH_UNIT[column.kind]
            return lambda value: EMPTY_CELL if value is None else with_unit(value)
        case CellKind.NUMBER:
            return _format_identifier if column.key == "id" else _format_number_cell
        case _:
            return full_text if in_full else shortened_text


def _format_identifier(value: object) -> Markup | str:
    """Write what is no quantity, or nothing."""
    return EMPTY_CELL if value is None else str(value)


def _format_number_cell(value: Decimal | float | None) -> Markup | str:
    """Write a figure; what may be a year has no thousands."""
    if isinstance(value, Decimal):
        return write_number(value)
    return _format_identifier(value) if value is None or abs(value) < _THOUSANDS_FROM else format_number(value)


def _time_element(value: dt.date, words: str) -> Markup:
    """Return a day or a moment with its words, neither of which holds anything to escape."""
    # HTML knows no more than three digits of a second.
    exact = value.isoformat(timespec="seconds") if isinstance(value, dt.datetime) else value.isoformat()
    return own_html(f'<time datetime="{exact}">{words}</time>')


def export_columns(columns: Sequence[Column]) -> list[ExportColumn]:
    """Return the columns as an export writes them, headings and labels in the reader's language."""
    return [
        ExportColumn(
            heading=_export_heading(column),
            kind=column.kind,
            labels={member.value: str(tr(member.title)) for member in _choice_members(column)}
            or {"yes": gettext("Yes"), "no": gettext("No")},
            key=column.key,
        )
        for column in columns
    ]


def _export_heading(column: Column) -> str:
    """Return the heading, with the unit that a page writes in the cells."""
    heading = str(tr(column.heading))
    match column.kind:
        case CellKind.MINUTES:
            return gettext("%(heading)s (minutes)", heading=heading)
        case CellKind.BYTES:
            return gettext("%(heading)s (bytes)", heading=heading)
        case _:
            return heading


def _choice_members(column: Column) -> list[LabelledEnum]:
    return list(column.choices or ())


class _ChoiceLabels(dict[Any, "Markup | str"]):
    """How the values of a column are written: those that a page shows, each worked out once."""

    def __init__(self, column: Column) -> None:
        """Write the members that ``column`` can hold."""
        super().__init__({None: EMPTY_CELL})
        self._members = _choice_members(column)

    def __missing__(self, value: object) -> Markup | str:
        """Write a member by its title, and what is none as it stands."""
        self[value] = next((_choice_label(member) for member in self._members if member.value == value), str(value))
        return self[value]


def _choice_label(member: LabelledEnum) -> Markup | str:
    """Return the title of a choice, in a badge if it has one."""
    kind = _BADGES.get(member.value)
    title = tr(member.title)
    return Markup('<span class="badge-state badge-{}">{}</span>').format(kind, title) if kind else title


def shortened_text(value: object) -> Markup | str:
    """Return a text as a list shows it, cut off where it is long."""
    if value is None or value == "":
        return EMPTY_CELL
    text = str(value)
    return text if len(text) <= _MAX_LISTED_LENGTH else text[: _MAX_LISTED_LENGTH - 1].rstrip() + "…"


def full_text(value: object) -> Markup | str:
    """Return a text as a details page shows it."""
    return EMPTY_CELL if value is None or value == "" else Markup('<span class="prose">{}</span>').format(value)
