"""The search of a list by words: looked up in the index that the search of everything has, in any order and notation.

A text without words (a sign, a letter or two) is looked for as it stands, in the list's ``column_searchable_list``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import g
from sqlalchemy import case, func, or_, select

from lpse_admin.errors import Malformed
from lpse_admin.search.query import SearchQuery, parse_search
from models.database import db
from models.search.search import Search
from views.listing.filters.order import ListIndex, Shortcut
from views.listing.lists import MAX_COUNT, contains_in_any
from views.listing.read_only_view import current_principal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from models.search.index import SearchKind
    from views.listing.lists import ListQuery

    #: What is known of a list's rows without reading them.
    MakeShortcut = Callable[[ListQuery, Session], Shortcut | None]

#: So many records that were found are named in the statement of the list; of more it reads the index itself.
_MAX_NAMED = 500
#: The shortest text that is looked up as words.
_MIN_LENGTH = 3


@dataclass(frozen=True, slots=True)
class SearchedKind:
    """A kind of records that a list's search finds, and the list's column with their ids."""

    kind: SearchKind
    id_column: Any


def search_index(*kinds: SearchedKind, otherwise: MakeShortcut | None = None) -> ListIndex:
    """Return how a list is searched along the index; ``otherwise`` is its shortcut where nothing is searched for."""

    def shortcut(query: ListQuery, session: Session) -> Shortcut | None:
        if not query.arguments.search:
            return otherwise(query, session) if otherwise else None
        return _newest_first(query, session, kinds)

    return ListIndex(shortcut, lambda query: _criterion(query, kinds))


def search_by(matches: Callable[[SearchQuery], ColumnElement[bool]]) -> ListIndex:
    """Return how a list of few rows is searched by a criterion of its own."""

    def criterion(query: ListQuery) -> ColumnElement[bool]:
        asked = _parse(query.arguments.search)
        return contains_in_any(query) if asked is None else matches(asked)

    return ListIndex(lambda _query, _session: None, criterion)


def _criterion(query: ListQuery, kinds: Sequence[SearchedKind]) -> ColumnElement[bool]:
    """Return the criterion for what matches the search of a list."""
    asked = _parse(query.arguments.search)
    if asked is None:
        return contains_in_any(query)
    search, result = _found(asked, kinds)
    return or_(*(_is_among(search, one, ids) for one, ids in zip(kinds, result, strict=True)))


def _is_among(search: Search, searched: SearchedKind, ids: list[int]) -> ColumnElement[bool]:
    if len(ids) <= _MAX_NAMED:
        named: ColumnElement[bool] = searched.id_column.in_(ids)
        return named
    # Compared with 1, so that the list is read in its order and not in that of the index, which finds much.
    return case((searched.id_column.in_(search.ids(searched.kind)), 1), else_=0) == 1


def _found(query: SearchQuery, kinds: Sequence[SearchedKind]) -> tuple[Search, list[list[int]]]:
    """Return the search with the newest ids of each kind: what is nearly written so where nothing is as it is typed.

    Page, count and order of one list ask for it; it is looked up once.
    """
    key = (query.text, tuple(searched.kind for searched in kinds))
    known = g.setdefault("list_searches", {})
    if key not in known:
        search = Search.prepare(db.session(), current_principal(), query)
        results = search.find_each(key[1], _MAX_NAMED)
        if not any(results.values()):
            search = search.loosened()
            results = search.find_each(key[1], _MAX_NAMED)
        known[key] = search, [results[kind] for kind in key[1]]
    result: tuple[Search, list[list[int]]] = known[key]
    return result


def _parse(text: str) -> SearchQuery | None:
    """Return the words of ``text``; None where it has none, or more than the index is asked for."""
    try:
        query = parse_search(text)
    except Malformed:
        return None
    return query if sum(map(len, query.compact)) >= _MIN_LENGTH else None


def _newest_first(query: ListQuery, session: Session, kinds: Sequence[SearchedKind]) -> Shortcut | None:
    """Return the rows of a page where the list has the order of the index, newest first, and asks for nothing else.

    Somebody who sees all agencies has the keys of one after those of the other, and so no shortcut.
    """
    arguments, last = query.arguments, (query.arguments.page + 1) * query.arguments.size
    is_in_order = arguments.sort == "-id" and len(kinds) == 1 and current_principal().user.agency_id is not None
    asked = _parse(arguments.search)
    if asked is None or not is_in_order or arguments.filter_values or last > MAX_COUNT:
        return None
    search, (result,) = _found(asked, kinds)
    ids = result if last < len(result) or len(result) <= _MAX_NAMED else search.find(kinds[0].kind, last + 1)

    def count() -> int:
        counted = select(func.count()).select_from(search.ids(kinds[0].kind).limit(MAX_COUNT + 1).subquery())
        return session.connection().scalar(counted) or 0

    return Shortcut(ids[: last + 1], count)
