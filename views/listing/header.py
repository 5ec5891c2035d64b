"""What stands about a list: its filters as chips, its order in words, its saved views and its columns to choose.

What depends on nothing but the list, the language and what was chosen is drawn once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import current_app
from flask_babel import get_locale

from lpse_admin.errors import Refused
from lpse_admin.i18n import Message, _
from views.exports.columns import CellKind
from views.i18n.wording import tr
from views.listing.filters import OptionFilter
from views.listing.lists import PAGE_SIZES, ListArguments, chosen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markupsafe import Markup

    from models.listing.saved_view import Kept, NamedView
    from views.listing.lists import Column, Listing, ListSpec

    #: What was asked of a list by choosing alone: filters, order, size, columns, and whether all was asked for.
    Fixed = tuple[tuple[tuple[str, str], ...], str, int, tuple[str, ...], str]

#: Asks nothing of a list: its address for a reader whose list begins with a saved view.
ALL = "all=1"

#: What the two directions of an order are called, the rising one first.
_OF_TIME = (_("oldest first"), _("newest first"))
_OF_NUMBERS = (_("smallest first"), _("largest first"))
_OF_TEXT = (_("from A to Z"), _("from Z to A"))
_DIRECTIONS = {
    CellKind.MOMENT: _OF_TIME,
    CellKind.DATE: _OF_TIME,
    CellKind.NUMBER: _OF_NUMBERS,
    CellKind.MONEY: _OF_NUMBERS,
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that a list is narrowed to, and the address of the list without it."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class OfferedView:
    """A saved view as the list offers it."""

    view: NamedView
    address: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class ListHead:
    """All that stands about one page of a list."""

    form: Markup
    chips: list[Chip]
    order: str
    #: The view that the list began with, since nothing was asked of it.
    default: NamedView | None
    #: What a saved view keeps; and what the choice of columns goes back to.
    address: str
    address_without_columns: str
    #: The saved views and the columns to choose.
    tools: Markup
    #: The row of headings.
    headings: Markup


def begun(kept: Kept, listing: Callable[[Any], Listing]) -> tuple[Listing, NamedView] | None:
    """Return the list that a reader who asked for nothing begins with; None for the list as the program has it.

    A view that cannot be read (any more) is passed over.
    """
    if kept.default is None:
        return None
    try:
        found = listing(arguments_of(kept.default.query))
        found.criteria()
    except Refused:
        return None
    return found, kept.default


def arguments_of(query: str) -> dict[str, str]:
    """Return what an address asks, by name."""
    return dict(parse_qsl(query))


def list_head(  # noqa: PLR0913 - what it is made from
    listing: Listing,
    kept: Kept,
    *,
    offered: Sequence[Column],
    columns: Sequence[Column],
    default: NamedView | None,
    screen: str,
    may_choose: bool,
    may_share: bool,
    has_ticks: bool,
) -> ListHead:
    """Return what stands about the page of ``listing`` that shows ``columns`` of those ``offered``.

    Made anew only where somebody's own words stand in it.
    """
    spec, arguments = listing.spec, listing.arguments
    theirs = [entry for entry in spec.filters if entry.names()]
    options = [entry for entry in theirs if isinstance(entry, OptionFilter)]
    fixed = {entry.key for entry in options if entry.are_options_fixed}
    shown = Shown(tuple(offered), tuple(columns), tuple(kept.views), default, screen, may_choose, may_share, has_ticks)
    if arguments.search or len(fixed) < len(options) or not fixed.issuperset(arguments.given):
        return _made(_macros(), spec, arguments, shown)
    return _kept(_macros(), spec, tuple(entry.key for entry in theirs), _language(), _fixed(arguments), shown)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page of a list shows, and what its reader may do with the list."""

    offered: tuple[Column, ...]
    columns: tuple[Column, ...]
    views: tuple[NamedView, ...]
    default: NamedView | None
    screen: str
    may_choose: bool
    may_share: bool
    has_ticks: bool


@lru_cache(maxsize=256)
def _kept(
    macros: Any,  # noqa: ANN401 - a template's module, which is that of one app
    spec: ListSpec,
    _theirs: tuple[str, ...],
    _language: str,
    fixed: Fixed,
    shown: Shown,
) -> ListHead:
    given, sort, size, columns, plain = fixed
    arguments = ListArguments(sort=sort, size=size, given=dict(given), columns=columns, plain=plain)
    return _made(macros, spec, arguments, shown)


def _fixed(arguments: ListArguments) -> Fixed:
    """Return what was asked of a list, without words and pages, as what is kept can be known by."""
    given = tuple(sorted(arguments.given.items()))
    return given, arguments.sort, arguments.size, arguments.columns, arguments.plain


def _made(macros: Any, spec: ListSpec, arguments: ListArguments, shown: Shown) -> ListHead:  # noqa: ANN401
    keys, offered = tuple(column.key for column in shown.columns), tuple(column.key for column in shown.offered)
    is_standard = keys == standard_keys(shown.offered, arguments.given)
    address = arguments.address(spec, page=0, columns=None if is_standard else ",".join(keys))
    is_of_address = bool(arguments.columns) or not is_standard
    return ListHead(
        form=_form(macros, spec, arguments),
        chips=chips(spec, arguments),
        order=order_in_words(spec, arguments.sort),
        default=shown.default,
        address=address,
        address_without_columns=arguments.address(spec, page=0, columns=None) if is_of_address else address,
        tools=_tools(macros, spec, shown, _offered_views(shown.views, address), offered, keys, is_standard=is_standard),
        headings=macros.headings(spec, arguments, shown.columns, shown.has_ticks),
    )


def _offered_views(views: Sequence[NamedView], address: str) -> tuple[OfferedView, ...]:
    return tuple(OfferedView(view, view.query or ALL, (view.query or ALL) == (address or ALL)) for view in views)


def _tools(  # noqa: PLR0913, PLR0917 - what they show
    macros: Any,  # noqa: ANN401
    spec: ListSpec,
    shown: Shown,
    views: tuple[OfferedView, ...],
    offered: tuple[str, ...],
    keys: tuple[str, ...],
    *,
    is_standard: bool,
) -> Markup:
    """Return the saved views and the columns to choose: those that are shown first, in their order."""
    ordered = (*keys, *(key for key in offered if key not in keys)) if shown.may_choose else ()
    columns = [(spec.column(key), key in keys) for key in ordered]
    tools: Markup = macros.tools(shown.screen, views, columns, is_standard, shown.may_share)
    return tools


def standard_keys(offered: Sequence[Column], given: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of the columns that the list shows for the filters ``given``, unless others were chosen."""
    is_open = given.get("state") == "open"
    return tuple(
        column.key
        for column in offered
        if (column.listed_while_open if is_open and column.listed_while_open is not None else column.listed)
    )


def shown_columns(offered: Sequence[Column], arguments: ListArguments, kept: Kept) -> list[Column]:
    """Return the columns of a page: those that its address names, else those that its reader keeps, else its own."""
    keys = arguments.columns or (tuple(kept.columns.split(",")) if kept.columns else ())
    return chosen(offered, keys or standard_keys(offered, arguments.given))


def _told(size: int) -> int | None:
    return None if size == PAGE_SIZES[0] else size


def _language() -> str:
    return str(get_locale())


# -- what narrows the list -----------------------------------------------------------------------------------


def chips(spec: ListSpec, arguments: ListArguments) -> list[Chip]:
    """Return a chip for the search and for each filter that is set."""
    found = []
    if arguments.search:
        text = tr(_("Search: “%(search)s”", search=arguments.search))
        found.append(Chip(text, arguments.address(spec, page=0, search=None)))
    for entry in spec.filters if arguments.given else ():
        words = entry.words(arguments.given)
        if words is not None:
            address = arguments.address(spec, page=0, **dict.fromkeys(entry.names()))
            found.append(Chip(f"{tr(entry.heading)}: {tr(words)}", address))
    return found


def _form(macros: Any, spec: ListSpec, arguments: ListArguments) -> Markup:  # noqa: ANN401
    """Return the form that narrows and orders a list."""
    kept = {"size": _told(arguments.size), "columns": ",".join(arguments.columns)}
    if arguments.plain:
        kept["all"] = 1
    form: Markup = macros.filter_form(spec, arguments, orders(spec, arguments), kept)
    return form


def _macros() -> Any:  # noqa: ANN401 - a template's module
    return current_app.jinja_env.get_template("macros/lists.html").module


# -- its order -----------------------------------------------------------------------------------------------


def order_in_words(spec: ListSpec, sort: str) -> str:
    """Return the order as a sentence says it: "sorted by Arrived, oldest first"."""
    return tr(_("sorted by %(order)s", order=_order(spec, sort)))


def _order(spec: ListSpec, sort: str) -> Message:
    """Return what an order goes by: "Arrived, oldest first"."""
    is_falling = sort.startswith("-")
    column = spec.column(sort.removeprefix("-"))
    if column is None or column.of is spec.key:
        return _("entry, %(direction)s", direction=_OF_TIME[is_falling])
    direction = _DIRECTIONS.get(column.kind, _OF_TEXT)[is_falling]
    return _("%(column)s, %(direction)s", column=column.heading, direction=direction)


def orders(spec: ListSpec, arguments: ListArguments) -> list[tuple[str, str, bool]]:
    """Return (value, label, whether it is this one) of each order; "" for the one that the list has by itself."""
    usual = spec.default_order(arguments.given)
    found = [("", tr(_("as usual")), arguments.sort == usual)]
    for column in spec.columns:
        if column.sortable:
            both = (column.key, f"-{column.key}")
            found.extend((sort, tr(_order(spec, sort)), sort == arguments.sort != usual) for sort in both)
    return found
