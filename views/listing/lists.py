"""Lists as data: columns, filters and an order, turned into one statement that page, count and export share.

A list reads plain columns and no objects, so that no row can cost a further query; it counts ten thousand rows at
the most; and the page is cut from ids alone before the columns are joined to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Date, Enum, Select, String, func, or_, select, type_coerce

from lpse_admin.errors import Malformed
from lpse_admin.i18n import Message, _
from models.base import UtcDateTime
from views.exports.columns import CellKind
from views.listing.filters import LONGEST_SEARCH, contains

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from enum import StrEnum
    from zoneinfo import ZoneInfo

    from sqlalchemy.orm import Session

    from views.listing.filters import Filter

    #: What reads a page, and what counts the rows of all pages.
    Statements = tuple[Select[Any], Select[int]]

#: What a list counts at the most; beyond it the page says "10.000+".
COUNTED = 10_000
PAGE_SIZES = (25, 50, 100)
_KEPT_AS_TEXT = (Enum, Date, UtcDateTime)
_DEEPEST_PAGE = 1_000_000
_FIGURES = frozenset({CellKind.NUMBER, CellKind.MONEY})


@dataclass(frozen=True, slots=True, eq=False)
class Derivation:
    """Cells that are worked out of several expressions: read once for a row, however many columns show its results.

    ``work`` is given the session once for a list and returns the function that takes the values of ``of`` and
    returns a cell for each column's key.
    """

    of: tuple[Any, ...]
    work: Callable[[Session], Callable[..., Mapping[str, object]]]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column: what it is called in the address and on screen, and the expression that it reads.

    ``of`` is a Derivation where the cell is worked out; such a column can neither be sorted nor filtered by.
    """

    key: str
    heading: Message
    of: Any
    kind: CellKind = CellKind.TEXT
    #: What a CHOICE is one of: anything with a ``value`` that is stored and a ``title`` that is shown.
    choices: type[StrEnum] | tuple[Any, ...] | None = None
    #: Only columns with an index behind them can be sorted by.
    sortable: bool = False
    #: Shown in the list; every column is on the details page.
    listed: bool = True
    #: Whether it is shown in a list of what is still open (``state=open``), where that differs.
    listed_while_open: bool | None = None
    exported: bool = True
    #: The cell leads to the record's own page.
    leads: bool = False
    #: Texts that are read rather than glanced at get room.
    wide: bool = False
    #: Shown only to those who see more than one agency.
    across_only: bool = False
    #: What decides among rows that are alike in this column, before the key does.
    then: tuple[Any, ...] = ()
    #: Puts a value that is no plain one (what was kept as JSON, say) into words, for pages and exports.
    written: Callable[[Any], str] | None = None

    @property
    def is_figure(self) -> bool:
        """Whether its cells are compared digit under digit."""
        return self.kind in _FIGURES and self.written is None


@dataclass(frozen=True, slots=True, eq=False)
class ListSpec:
    """What a list shows and how it can be narrowed and ordered. ``order`` is a column's key, "-" for descending."""

    model: Any
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...] = ()
    search: tuple[Any, ...] = ()
    order: str = "-id"
    #: The order while only open ones are asked for (``state=open``): the longest waiting first, say.
    open_order: str | None = None
    #: (target, on) pairs, outer joined for every row.
    joins: tuple[tuple[Any, Any], ...] = ()
    #: The id that a row's link leads to, where it is not the row's own.
    lead: Any = None
    #: What every row fulfils, whoever reads.
    always: tuple[Any, ...] = ()
    #: The primary key, where the model's own is not the one that its indexes end in.
    row_key: Any = None
    #: The table that the list is read along, where the model is spread over several.
    table: Any = None

    def column(self, key: str) -> Column | None:
        """Return the column of this key, if there is one."""
        return next((column for column in self.columns if column.key == key), None)

    @property
    def key(self) -> Any:  # noqa: ANN401 - a mapped column
        """The primary key, which makes every order total."""
        return self.model.id if self.row_key is None else self.row_key

    def read(self, *expressions: Any) -> Select[Any]:  # noqa: ANN401
        """Return the statement that reads ``expressions`` of every row, joined to what the columns need."""
        statement = select(*expressions).select_from(self.model if self.table is None else self.table)
        for target, on in self.joins:
            statement = statement.outerjoin(target, on)
        return statement

    def default_order(self, args: Mapping[str, str]) -> str:
        """Return the order of a list that was asked for without one."""
        return self.open_order if self.open_order and args.get("state") == "open" else self.order


@dataclass(frozen=True, slots=True)
class ListArguments:
    """What a reader asked of a list, read from the address once."""

    search: str = ""
    sort: str = ""
    page: int = 0
    size: int = PAGE_SIZES[0]
    given: Mapping[str, str] = field(default_factory=dict)
    #: Keys of the columns that the address names, in their order; none where it leaves that to the reader.
    columns: tuple[str, ...] = ()
    #: The address of the list that nothing is asked of: "all=1" for a reader whose list begins with a saved view.
    plain: str = ""

    @classmethod
    def read(cls, spec: ListSpec, args: Mapping[str, str]) -> ListArguments:
        """Return what ``args`` ask of ``spec``; raises Malformed for a page or an order that cannot be."""
        search = (args.get("search") or "").strip()
        if len(search) > LONGEST_SEARCH or "\x00" in search:
            raise Malformed(_("Search for at most %(most)s characters.", most=LONGEST_SEARCH))
        default = spec.default_order(args)
        sort = args.get("sort") or default
        column = spec.column(sort.removeprefix("-"))
        if sort != default and (column is None or not column.sortable):
            raise Malformed(_("This list cannot be sorted by “%(sort)s”.", sort=sort[:60]))
        names = [name for entry in spec.filters for name in entry.names()]
        return cls(
            search=search,
            sort=sort,
            page=_whole_number(args.get("page"), _DEEPEST_PAGE),
            size=_size(args.get("size")),
            given={name: args[name] for name in names if args.get(name)},
            columns=_columns(spec, args.get("columns")),
        )

    def address(self, spec: ListSpec, **changes: object) -> str:
        """Return the query string for this list with some of its parts changed ("" for none)."""
        parts: dict[str, object] = {**self.given}
        if self.search:
            parts["search"] = self.search
        if self.sort != spec.default_order(self.given):
            parts["sort"] = self.sort
        if self.size != PAGE_SIZES[0]:
            parts["size"] = self.size
        if self.page:
            parts["page"] = self.page
        if self.columns:
            parts["columns"] = ",".join(self.columns)
        parts |= changes
        kept = {name: value for name, value in parts.items() if value not in (None, "", 0)}
        return urlencode(kept, safe=",") or self.plain


def _whole_number(text: str | None, most: int) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
        raise Malformed(_("There is no page “%(page)s”.", page=text[:60]))
    return int(text)


def _columns(spec: ListSpec, text: str | None) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(text.split(","))) if text else ()
    for key in keys:
        if spec.column(key) is None:
            raise Malformed(_("This list has no column “%(column)s”.", column=key[:60]))
    return keys


def chosen(columns: Sequence[Column], keys: Sequence[str]) -> list[Column]:
    """Return those of ``columns`` that ``keys`` name, in that order; the one that leads on is there in any case."""
    named = {column.key: column for column in columns}
    leading = [column for column in columns if column.leads and column.key not in keys]
    return leading + [named[key] for key in keys if key in named]


def _size(text: str | None) -> int:
    if not text:
        return PAGE_SIZES[0]
    if text not in {str(size) for size in PAGE_SIZES}:
        raise Malformed(_("A page has %(sizes)s rows.", sizes=", ".join(str(size) for size in PAGE_SIZES)))
    return int(text)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: rows of (id, lead, *values), whether a further page follows, and how many rows match.

    The number is ``COUNTED`` + 1 where there are more than ``COUNTED``.
    """

    rows: Sequence[Any]
    follows: bool
    count: int
    columns: Sequence[Column] = ()

    def has(self, key: str) -> bool:
        """Whether the page shows the column of this key as it is read."""
        return any(column.key == key and not isinstance(column.of, Derivation) for column in self.columns)

    def first(self, key: str) -> Any:  # noqa: ANN401 - whatever the column holds
        """Return what the first row holds in a column that the page has; None without rows."""
        place = next(place for place, column in enumerate(self.columns) if column.key == key)
        return getattr(self.rows[0], f"c{place}") if self.rows else None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as one reader may see it and asked for it."""

    spec: ListSpec
    arguments: ListArguments
    visible: ColumnElement[bool]
    zone: ZoneInfo

    def criteria(self) -> list[ColumnElement[bool]]:
        """Return scope, filters and search."""
        found = [self.visible, *self.spec.always]
        for entry in self.spec.filters:
            criterion = entry.criterion(self.arguments.given, self.zone)
            if criterion is not None:
                found.append(criterion)
        if self.arguments.search:
            found.append(or_(*(contains(column, self.arguments.search) for column in self.spec.search)))
        return found

    def order(self) -> list[Any]:
        """Return the order, made total by the key."""
        sort = self.arguments.sort
        descending = sort.startswith("-")
        column = self.spec.column(sort.removeprefix("-"))
        of_key = column is None or column.of is self.spec.key
        keys = [self.spec.key] if column is None or of_key else [column.of, *column.then, self.spec.key]
        return [key.desc() if descending else key.asc() for key in keys]

    def count(self, session: Session, *, most: int | None = COUNTED) -> int:
        """Return how many rows match, ``most`` + 1 standing for any greater number (None: however many)."""
        return session.connection().scalar(_counting(self.spec, self.criteria(), most)) or 0

    def page(self, session: Session, columns: Sequence[Column]) -> Page:
        """Return the page that was asked for, and how many rows there are on all pages."""
        size, start = self.arguments.size, self.arguments.page * self.arguments.size
        statement, counting = self._statements(tuple(columns))
        rows = session.connection().execute(statement).all()
        follows = len(rows) > size
        is_counted = not follows and (rows or not start)
        count = start + len(rows) if is_counted else session.connection().scalar(counting) or 0
        return Page(rows[:size], follows, count, columns)

    def _statements(self, columns: tuple[Column, ...]) -> Statements:
        """Return the statements for the page and for its count; put together anew only where they may differ."""
        asked = self.arguments
        loose = (name for entry in self.spec.filters if not entry.is_fixed for name in entry.names())
        if asked.search or (asked.given and any(name in asked.given for name in loose)):
            return _put_together(self, columns)
        given = tuple(sorted(asked.given.items()))
        return _kept_statements(self.spec, self.visible, self.zone, columns, given, asked.sort, asked.page, asked.size)

    def everything(self, columns: Sequence[Column], *, as_text: bool) -> Select[Any]:
        """Return the statement for all rows that match, in order, as an export reads them: without ids.

        ``as_text`` takes dates, moments and choices as the texts that SQLite keeps them as: the writers of exports
        read those, and making an object of each takes longer than all the rest.
        """
        texts = _KEPT_AS_TEXT if as_text else ()
        named = [
            (type_coerce(of, String) if not is_derived and isinstance(of.type, texts) else of).label(name)
            for name, of, is_derived in _expressions(columns)
        ]
        return self.spec.read(*named).where(*self.criteria()).order_by(*self.order())

    def some(self, session: Session, columns: Sequence[Column], ids: Sequence[int]) -> Sequence[Any]:
        """Return those of ``ids`` that may be seen as rows of (id, lead, *values), whatever the filters."""
        statement = _reading(self.spec, tuple(columns)).where(self.spec.key.in_(ids), self.visible, *self.spec.always)
        return session.connection().execute(statement).all()

    def single(self, session: Session, columns: Sequence[Column], row_id: int) -> Any | None:  # noqa: ANN401
        """Return one visible row, (id, lead, *values), whatever the filters; None where there is none to see."""
        statement = _reading(self.spec, tuple(columns)).where(self.spec.key == row_id, self.visible, *self.spec.always)
        return session.execute(statement).one_or_none()


@lru_cache(maxsize=256)
def _kept_statements(  # noqa: PLR0913, PLR0917 - what a page's statement depends on
    spec: ListSpec,
    visible: ColumnElement[bool],
    zone: ZoneInfo,
    columns: tuple[Column, ...],
    given: tuple[tuple[str, str], ...],
    sort: str,
    page: int,
    size: int,
) -> Statements:
    arguments = ListArguments(sort=sort, page=page, size=size, given=dict(given))
    return _put_together(Listing(spec, arguments, visible, zone), columns)


def _put_together(listing: Listing, columns: tuple[Column, ...]) -> Statements:
    """Return the statements for one page of ``listing`` and for how many rows it has on all pages."""
    spec, size, start = listing.spec, listing.arguments.size, listing.arguments.page * listing.arguments.size
    criteria, order = listing.criteria(), listing.order()
    statement = _reading(spec, columns)
    if start:
        # What is passed over is passed over by its ids alone.
        cut = _reading(spec, ()).where(*criteria).order_by(*order).limit(size + 1).offset(start)
        passed = cut.subquery()
        statement = statement.join(passed, passed.c.id == spec.key).order_by(*order)
    else:
        statement = statement.where(*criteria).order_by(*order).limit(size + 1)
    return statement, _counting(spec, criteria, COUNTED)


def _counting(spec: ListSpec, criteria: Sequence[ColumnElement[bool]], most: int | None) -> Select[int]:
    matching = _reading(spec, ()).where(*criteria).limit(None if most is None else most + 1).subquery()
    return select(func.count()).select_from(matching)


@lru_cache(maxsize=512)
def _reading(spec: ListSpec, columns: tuple[Column, ...]) -> Select[Any]:
    """Return the statement for (id, lead, *values) of every row; both are declared once, and so it is made once."""
    lead = spec.key if spec.lead is None else spec.lead
    values = [of.label(name) for name, of, _is_derived in _expressions(columns)]
    return spec.read(spec.key, lead.label("lead"), *values)


def _expressions(columns: Sequence[Column]) -> Iterator[tuple[str, Any, bool]]:
    """Yield (name, expression, whether it is only derived from) of what ``columns`` read: plain ones, then others."""
    for place, column in enumerate(columns):
        if not isinstance(column.of, Derivation):
            yield f"c{place}", column.of, False
    for number, derivation in enumerate(_derivations(columns)):
        for place, expression in enumerate(derivation.of):
            yield f"d{number}_{place}", expression, True


def _derivations(columns: Sequence[Column]) -> list[Derivation]:
    return list(dict.fromkeys(column.of for column in columns if isinstance(column.of, Derivation)))


def finisher(columns: Sequence[Column], session: Session) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return what makes the cells of ``columns`` out of the values that their statement reads."""
    derivations = _derivations(columns)
    if not derivations:
        return lambda values: values
    plain = [column for column in columns if not isinstance(column.of, Derivation)]
    workers = [(derivation, derivation.work(session), len(derivation.of)) for derivation in derivations]

    def finish(values: Sequence[Any]) -> Sequence[Any]:
        cells: dict[str, object] = dict(zip((column.key for column in plain), values, strict=False))
        place = len(plain)
        for _derivation, work, length in workers:
            cells.update(work(*values[place : place + length]))
            place += length
        return [cells[column.key] for column in columns]

    return finish
