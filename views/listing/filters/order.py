"""How a list is ordered, searched and counted otherwise than by reading its own rows.

An order by due time, or by the window of a release, is read along an index of another table, which has a row for those
records that have a value. They come first, in their order; the rest follow in the default order of the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, case, exists, func, select

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Alias, ColumnExpressionArgument, Select
    from sqlalchemy.orm import Session

    from views.listing.lists import ListQuery, ListSpec


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What is known of the rows of a list without reading them: from an index, or from a summary.

    ``ids`` are those of the rows up to the end of the page and of the one after, in order; ``count`` returns how many
    rows match, ``MAX_COUNT`` + 1 standing for any greater number. None where it is not known. ``are_visible`` says that
    the ids were selected by the reader's scope, which is not asked for again then.
    """

    ids: Sequence[int] | None = None
    count: Callable[[], int] | None = None
    are_visible: bool = False


@dataclass(frozen=True, slots=True)
class ListIndex:
    """How a list is searched and counted otherwise than by reading its rows; the list is the same with or without."""

    #: What is known of the rows of a page.
    shortcut: Callable[[ListQuery, Session], Shortcut | None]
    #: The criterion for what matches the search, where that is not to look into each row's searchable columns.
    search_criterion: Callable[[ListQuery], ColumnElement[bool]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SortTable:
    """The table that an order is read along: its columns with the keys of the list's records and with the values.

    The list joins it, so that an export is in the same order. ``criteria`` narrows its rows, given as values of its
    columns, which its index begins with; a tuple is several values of which a row has one.
    """

    table: Any
    key: str
    value: str
    criteria: tuple[tuple[str, object], ...] = ()

    @property
    def column(self) -> ColumnElement[Any]:
        """The column of the values, in the table that the list joins."""
        column: ColumnElement[Any] = self.table.c[self.value]
        return column

    def order(self, key: ColumnElement[int], default: Sequence[Any], *, is_descending: bool) -> list[Any]:
        """Return the order of a statement that reads every row: an export."""
        values = [self.column, case((self.column.is_not(None), key))]
        return [
            self.column.is_(None),
            *(value.desc() if is_descending else value.asc() for value in values),
            *default,
        ]


@dataclass(frozen=True, slots=True)
class SortedKeys:
    """The keys of the rows of a list in the order of a ``SortTable``."""

    spec: ListSpec
    along: SortTable
    criteria: Sequence[ColumnElement[bool]]
    default: Sequence[Any]
    is_descending: bool

    def page(self, session: Session, start: int, number: int) -> list[int]:
        """Return the keys of ``number`` rows from the row ``start`` on."""
        connection = session.connection()
        alias = self.along.table.alias("sorted_along")
        directions = [
            column.desc() if self.is_descending else column.asc()
            for column in (alias.c[self.along.value], alias.c[self.along.key])
        ]
        valued = self._valued(alias)
        keys = list(connection.scalars(valued.order_by(*directions).limit(number).offset(start)))
        if len(keys) == number:
            return keys
        is_passed = start and not keys  # the rows with a value are all on earlier pages
        passed = connection.scalar(select(func.count()).select_from(valued.subquery())) if is_passed else start
        rest = self.spec.select_keys([*self.criteria, *self.default]).where(*self.criteria, self._has_no_value(alias))
        rest = rest.order_by(*self.default).limit(number - len(keys)).offset(start - (passed or 0))
        return [*keys, *connection.scalars(rest)]

    def _valued(self, alias: Alias) -> Select[int]:
        """Return the statement for the keys of the rows with a value."""
        matching = self.spec.select_keys(self.criteria).where(*self.criteria, self.spec.key == alias.c[self.along.key])
        # Compared with 1, so that it is asked for each row of the index and not the other way round.
        is_matching = case((exists(matching.correlate(alias)), 1), else_=0) == 1
        return select(alias.c[self.along.key]).where(*self._criteria(alias), is_matching)

    def _has_no_value(self, alias: Alias) -> ColumnElement[bool]:
        own = select(alias.c[self.along.key]).where(alias.c[self.along.key] == self.spec.key, *self._criteria(alias))
        return ~own.correlate_except(alias).exists()

    def _criteria(self, alias: Alias) -> list[ColumnExpressionArgument[bool]]:
        fixed = [
            alias.c[name].in_(value) if isinstance(value, tuple) else alias.c[name] == value
            for name, value in self.along.criteria
        ]
        return [*fixed, alias.c[self.along.value].is_not(None)]
