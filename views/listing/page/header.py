"""The header of a list: search and filters, chips, order, saved views, choice of columns, headings.

A header that depends only on the list, the language and choices is rendered once.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import parse_qsl

from flask import current_app

from lpse_admin.errors import Refused
from lpse_admin.i18n import Message, _
from views.exports.columns import CellKind
from views.i18n.sop_titles import wording_key
from views.i18n.wording import tr
from views.listing.filters.kinds import ALL, OptionFilter
from views.listing.lists import PAGE_SIZES, ListArguments, select_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markupsafe import Markup

    from models.listing.saved_view import LoadedPreference, NamedView
    from views.listing.lists import Column, ListQuery, ListSpec

    #: Arguments that are choices: filters, order, size, columns, and whether all rows are shown.
    HeaderKey = tuple[tuple[tuple[str, str], ...], str, int, tuple[str, ...], str]

#: Asks nothing of a list: its address for a reader whose list begins with a saved view.
SHOW_ALL_QUERY = "all=1"

#: What the two directions of an order are called, the rising one first.
_TIME_DIRECTIONS = (_("oldest first"), _("newest first"))
_NUMBER_DIRECTIONS = (_("smallest first"), _("largest first"))
_TEXT_DIRECTIONS = (_("from A to Z"), _("from Z to A"))
_DIRECTIONS = {
    CellKind.DATETIME: _TIME_DIRECTIONS,
    CellKind.DATE: _TIME_DIRECTIONS,
    CellKind.NUMBER: _NUMBER_DIRECTIONS,
    CellKind.MONEY: _NUMBER_DIRECTIONS,
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that a list is narrowed to, and the address of the list without it."""

    text: str
    query: str


@dataclass(frozen=True, slots=True)
class SavedViewLink:
    """A saved view as the list offers it."""

    view: NamedView
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ListHeader:
    """Everything around the rows of one page of a list."""

    filter_form: Markup
    chips: list[Chip]
    sort_description: str
    #: The default view, if the address has no arguments.
    default_view: NamedView | None
    #: What a saved view keeps; and what the choice of columns goes back to.
    query: str
    query_without_columns: str
    #: The saved views and the columns to choose.
    tools: Markup
    #: The row of headings.
    headings: Markup


def open_default_view(
    saved: LoadedPreference, make_query: Callable[[Any], ListQuery]
) -> tuple[ListQuery, NamedView] | None:
    """Return the reader's default view as a query; None without one, or if it can no longer be read."""
    if saved.default_view is None:
        return None
    try:
        result = make_query(parse_query(saved.default_view.query))
        result.criteria()
    except Refused:
        return None
    return result, saved.default_view


def parse_query(query: str) -> dict[str, str]:
    """Return the arguments of a query string."""
    return dict(parse_qsl(query))


def list_header(  # noqa: PLR0913 - what it is made from
    query: ListQuery,
    saved: LoadedPreference,
    *,
    selectable: Sequence[Column],
    columns: Sequence[Column],
    default_view: NamedView | None,
    screen: str,
    can_choose_columns: bool,
    may_share: bool,
    has_checkboxes: bool,
) -> ListHeader:
    """Return the header of the page of ``query`` that shows ``columns`` of those ``selectable``.

    Rendered again only if it has a reader's own text in it.
    """
    spec, arguments = query.spec, query.arguments
    theirs = [entry for entry in spec.column_filters if entry.parameter_names()]
    options = [entry for entry in theirs if isinstance(entry, OptionFilter)]
    fixed = {entry.key for entry in options if entry.has_static_options}
    shown = ListHeaderContext(
        tuple(selectable),
        tuple(columns),
        tuple(saved.views),
        default_view,
        screen,
        can_choose_columns,
        may_share,
        has_checkboxes,
    )
    if arguments.search or len(fixed) < len(options) or not fixed.issuperset(arguments.filter_values):
        return _build_header(_macros(), spec, arguments, shown)
    return _cached_header(
        _macros(), spec, tuple(entry.key for entry in theirs), wording_key(), _header_key(arguments), shown
    )


@dataclass(frozen=True, slots=True)
class ListHeaderContext:
    """What a page of a list shows, and what its reader may do with the list."""

    selectable_columns: tuple[Column, ...]
    columns: tuple[Column, ...]
    views: tuple[NamedView, ...]
    default_view: NamedView | None
    screen: str
    can_choose_columns: bool
    may_share: bool
    has_checkboxes: bool


# Saves 1.9 ms of a list, whose page takes 6.
@lru_cache(maxsize=256)
def _cached_header(
    macros: ListMacros,
    spec: ListSpec,
    _filter_keys: tuple[str, ...],
    _wording: tuple[str, str | None],
    key: HeaderKey,
    context: ListHeaderContext,
) -> ListHeader:
    given, sort, size, columns, plain = key
    arguments = ListArguments(sort=sort, size=size, filter_values=dict(given), columns=columns, show_all_query=plain)
    return _build_header(macros, spec, arguments, context)


def _header_key(arguments: ListArguments) -> HeaderKey:
    """Return the arguments that a cached header depends on."""
    given = tuple(sorted(arguments.filter_values.items()))
    return given, arguments.sort, arguments.size, arguments.columns, arguments.show_all_query


def _build_header(
    macros: ListMacros, spec: ListSpec, arguments: ListArguments, context: ListHeaderContext
) -> ListHeader:
    keys, offered = (
        tuple(column.key for column in context.columns),
        tuple(column.key for column in context.selectable_columns),
    )
    is_standard = keys == default_column_keys(context.selectable_columns, arguments.filter_values)
    address = arguments.query_string(spec, page=0, columns=None if is_standard else ",".join(keys))
    is_of_address = bool(arguments.columns) or not is_standard
    return ListHeader(
        filter_form=_filter_form(macros, spec, arguments),
        chips=filter_chips(spec, arguments),
        sort_description=sort_description(spec, arguments.sort),
        default_view=context.default_view,
        query=address,
        query_without_columns=arguments.query_string(spec, page=0, columns=None) if is_of_address else address,
        tools=_tools(
            macros, spec, context, _saved_view_links(context.views, address), offered, keys, is_standard=is_standard
        ),
        headings=macros.headings(spec, arguments, context.columns, context.has_checkboxes),
    )


def _saved_view_links(views: Sequence[NamedView], address: str) -> tuple[SavedViewLink, ...]:
    return tuple(
        SavedViewLink(view, view.query or SHOW_ALL_QUERY, (view.query or SHOW_ALL_QUERY) == (address or SHOW_ALL_QUERY))
        for view in views
    )


def _tools(  # noqa: PLR0913 - what they show
    macros: ListMacros,
    spec: ListSpec,
    context: ListHeaderContext,
    views: tuple[SavedViewLink, ...],
    offered: tuple[str, ...],
    keys: tuple[str, ...],
    *,
    is_standard: bool,
) -> Markup:
    """Return the saved views and the columns to choose: those that are shown first, in their order."""
    ordered = (*keys, *(key for key in offered if key not in keys)) if context.can_choose_columns else ()
    columns = [(spec.column(key), key in keys) for key in ordered]
    tools: Markup = macros.tools(context.screen, views, columns, is_standard, context.may_share)
    return tools


def default_column_keys(selectable: Sequence[Column], filter_values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of the columns that the list shows for ``filter_values``, unless others were chosen."""
    is_open = filter_values.get("state") == "open"
    return tuple(
        column.key
        for column in selectable
        if (column.in_list_while_open if is_open and column.in_list_while_open is not None else column.in_list)
    )


def shown_columns(selectable: Sequence[Column], arguments: ListArguments, saved: LoadedPreference) -> list[Column]:
    """Return the columns of a page: those that its address names, else those that its reader keeps, else its own."""
    keys = arguments.columns or (tuple(saved.columns.split(",")) if saved.columns else ())
    return select_columns(selectable, keys or default_column_keys(selectable, arguments.filter_values))


def _size_argument(size: int) -> int | None:
    return None if size == PAGE_SIZES[0] else size


# -- what narrows the list -----------------------------------------------------------------------------------


def filter_chips(spec: ListSpec, arguments: ListArguments) -> list[Chip]:
    """Return a chip for the search and for each filter that is set."""
    results = []
    if arguments.search:
        text = tr(_("Search: “%(search)s”", search=arguments.search))
        results.append(Chip(text, arguments.query_string(spec, page=0, search=None)))
    for entry in spec.column_filters if arguments.filter_values else ():
        is_off = entry.default and arguments.filter_values.get(entry.key) == ALL
        words = None if is_off else entry.describe(arguments.filter_values)
        if words is not None:
            address = arguments.query_string(spec, page=0, **dict.fromkeys(entry.parameter_names()))
            results.append(Chip(f"{tr(entry.heading)}: {tr(words)}", address))
    return results


def _filter_form(macros: ListMacros, spec: ListSpec, arguments: ListArguments) -> Markup:
    """Return the form that narrows and orders a list."""
    saved = {"size": _size_argument(arguments.size), "columns": ",".join(arguments.columns)}
    if arguments.show_all_query:
        saved["all"] = 1
    form: Markup = macros.filter_form(spec, arguments, sort_options(spec, arguments), saved)
    return form


class ListMacros(Hashable, Protocol):
    """templates/macros/lists.html."""

    headings: Callable[..., Markup]
    tools: Callable[..., Markup]
    filter_form: Callable[..., Markup]


def _macros() -> ListMacros:
    return cast("ListMacros", current_app.jinja_env.get_template("macros/lists.html").module)


# -- its order -----------------------------------------------------------------------------------------------


def sort_description(spec: ListSpec, sort: str) -> str:
    """Return the order as a sentence says it: "sorted by Arrived, oldest first"."""
    return tr(_("sorted by %(order)s", order=_sort_label(spec, sort)))


def _sort_label(spec: ListSpec, sort: str) -> Message:
    """Return what an order goes by: "Arrived, oldest first"."""
    is_falling = sort.startswith("-")
    column = spec.column(sort.removeprefix("-"))
    if column is None or column.expression is spec.key:
        return _("entry, %(direction)s", direction=_TIME_DIRECTIONS[is_falling])
    # Only by moments a list is sorted along another table: "late by 2 days" goes by when it is due.
    directions = _TIME_DIRECTIONS if column.sort_table else _DIRECTIONS.get(column.kind, _TEXT_DIRECTIONS)
    direction = directions[is_falling]
    return _("%(column)s, %(direction)s", column=column.heading, direction=direction)


def sort_options(spec: ListSpec, arguments: ListArguments) -> list[tuple[str, str, bool]]:
    """Return (value, label, whether it is this one) of each order; "" for the one that the list has by itself."""
    usual, current = spec.default_sort(arguments.filter_values), arguments.sort
    chosen = spec.column(current.removeprefix("-"))
    results = [("", tr(_("default order")), current == usual)]
    offered: set[object] = set()
    for column in spec.column_list:
        if column.sortable and column.sort_table not in offered:
            offered |= {column.sort_table} - {None}
            # Of columns that are sorted along the same table, that of the present order.
            is_same = chosen is not None and chosen.sort_table is not None and chosen.sort_table is column.sort_table
            key = chosen.key if is_same and chosen else column.key
            both = (key, f"-{key}")
            results.extend((sort, tr(_sort_label(spec, sort)), sort == current != usual) for sort in both)
    return results
