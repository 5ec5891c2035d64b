"""Cells: how one value of a list or a details page is written for the one who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_babel import gettext
from markupsafe import Markup

from lpse_admin.sop.steps import Outcome, Result, Urgency
from models.sops.sop import SopState
from views.exports.columns import CellKind, ExportColumn
from views.i18n.language import day, exact, moments, number, rupiah, tr

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from views.listing.lists import Column

NOTHING = Markup('<span class="nothing">–</span>')
_LISTED_LENGTH = 120
#: From here on a number is a quantity and no year.
_NO_YEAR = 10_000

#: States that readers look for in a list, with the badge that each is shown in (templates/macros/badges.html).
_BADGES = {
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


def renderer(column: Column, *, whole: bool = False) -> Callable[[Any], Markup | str]:  # noqa: PLR0911 - one for each kind
    """Return the function that writes a column's values; ``whole`` shows long text in full."""
    if column.written is not None:
        return column.written
    match column.kind:
        case CellKind.CHOICE:
            return _Choices(column).__getitem__
        case CellKind.YES_NO:
            yes, no = gettext("Yes"), gettext("No")
            return lambda value: NOTHING if value is None else (yes if value else no)
        case CellKind.MOMENT:
            moment = exact if whole else moments()
            return lambda value: NOTHING if value is None else _time(value, moment(value))
        case CellKind.DATE:
            return lambda value: NOTHING if value is None else _time(value, day(value))
        case CellKind.MONEY:
            return lambda value: NOTHING if value is None else rupiah(value)
        case CellKind.NUMBER:
            return _plain if column.key == "id" else _figure
        case _:
            return _whole_text if whole else _short_text


def _plain(value: Any) -> Markup | str:  # noqa: ANN401
    """Write what is no quantity, or nothing."""
    return NOTHING if value is None else str(value)


def _figure(value: Any) -> Markup | str:  # noqa: ANN401
    """Write a figure; what may be a year has no thousands."""
    return _plain(value) if value is None or abs(value) < _NO_YEAR else number(value)


def _time(value: dt.date, words: str) -> Markup:
    """Return a day or a moment with its words, neither of which holds anything to escape."""
    return Markup(f'<time datetime="{value.isoformat()}">{words}</time>')  # noqa: S704


def export_columns(columns: Sequence[Column]) -> list[ExportColumn]:
    """Return the columns as an export writes them, headings and labels in the reader's language."""
    return [
        ExportColumn(
            heading=str(tr(column.heading)),
            kind=column.kind,
            labels={member.value: str(tr(member.title)) for member in _members(column)}
            or {"yes": gettext("Yes"), "no": gettext("No")},
        )
        for column in columns
    ]


def _members(column: Column) -> list[Any]:
    return list(column.choices or ())


class _Choices(dict[Any, "Markup | str"]):
    """How the values of a column are written: those that a page shows, each worked out once."""

    def __init__(self, column: Column) -> None:
        """Write the members that ``column`` can hold."""
        super().__init__({None: NOTHING})
        self._members = _members(column)

    def __missing__(self, value: Any) -> Markup | str:  # noqa: ANN401
        """Write a member by its title, and what is none as it stands."""
        self[value] = next((_state(member) for member in self._members if member.value == value), str(value))
        return self[value]


def _state(member: Any) -> Markup | str:  # noqa: ANN401
    """Return a word, in a badge where it is one of those that readers look for."""
    kind = _BADGES.get(member.value)
    title = tr(member.title)
    return Markup('<span class="badge-state badge-{}">{}</span>').format(kind, title) if kind else title


def _short_text(value: Any) -> Markup | str:  # noqa: ANN401
    if value is None or value == "":
        return NOTHING
    text = str(value)
    return text if len(text) <= _LISTED_LENGTH else text[: _LISTED_LENGTH - 1].rstrip() + "…"


def _whole_text(value: Any) -> Markup | str:  # noqa: ANN401
    return NOTHING if value is None or value == "" else Markup('<span class="prose">{}</span>').format(value)
