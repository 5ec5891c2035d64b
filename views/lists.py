"""Lists as data: columns, filters and an order, turned into one statement that page, count and export share.

A list reads plain columns and no objects, so that no row can cost a further query; it counts ten thousand rows at
the most; and the page is cut from ids alone before the columns are joined to it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Date, Enum, Select, String, and_, func, or_, select, type_coerce

from lpse_admin.errors import Malformed
from lpse_admin.message import Message, _
from models.base import UtcDateTime
from views.exporting import CellKind
from views.language import day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from enum import StrEnum
    from zoneinfo import ZoneInfo

    from sqlalchemy.orm import Session

#: What a list counts at the most; beyond it the page says "10.000+".
COUNTED = 10_000
PAGE_SIZES = (25, 50, 100)
_KEPT_AS_TEXT = (Enum, Date, UtcDateTime)
_LONGEST_SEARCH = 200
_DEEPEST_PAGE = 1_000_000


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


@dataclass(frozen=True, slots=True)
class Filter:
    """Something that a list can be narrowed by, with a readable name in the address."""

    key: str
    heading: Message

    def names(self) -> tuple[str, ...]:
        """Return the names of the parameters that belong to this filter."""
        return (self.key,)

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the parameters that were given, or None without any; Malformed for a bad one."""
        raise NotImplementedError

    def words(self, given: Mapping[str, str]) -> str | Message | None:
        """Return what the list is narrowed to by this filter, for people; None where it is not."""
        raise NotImplementedError

    def _malformed(self, value: str) -> Malformed:
        shown = value[:60]
        return Malformed(_("“%(value)s” is no value of the filter “%(filter)s”.", value=shown, filter=self.heading))


@dataclass(frozen=True, slots=True)
class OptionFilter(Filter):
    """One of some values that the page offers, each with a title: ``?state=open``."""

    #: Whether the same values are offered to every reader.
    are_options_fixed: ClassVar[bool] = True

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the values that can be chosen, each with its title."""
        raise NotImplementedError

    def words(self, given: Mapping[str, str]) -> str | Message | None:
        """Return the title of the value that was chosen; the value where it is not among those that are offered."""
        value = given.get(self.key)
        return next((title for one, title in self.options() if one == value), value) if value else None


@dataclass(frozen=True, slots=True)
class ChoiceFilter(OptionFilter):
    """One of the members of an enum, by value: ``?urgency=emergency``."""

    of: Any = None
    choices: type[StrEnum] | None = None
    #: Where the list shows only some of the members.
    among: tuple[StrEnum, ...] = ()

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the values that can be chosen, each with its title."""
        members: Any = self.among or tuple(self.choices or ())
        return [(member.value, member.title) for member in members]

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return equality with the chosen member."""
        value = given.get(self.key)
        if not value:
            return None
        member = next((member for member in (self.among or self.choices or ()) if member.value == value), None)
        if member is None:
            raise self._malformed(value)
        result: ColumnElement[bool] = self.of == member
        return result


@dataclass(frozen=True, slots=True)
class CaseFilter(OptionFilter):
    """One of some named criteria: ``?state=open``."""

    cases: tuple[tuple[str, Message, ColumnElement[bool]], ...] = ()

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the names of the cases, each with its title."""
        return [(value, title) for value, title, _criterion in self.cases]

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion of the case that was chosen."""
        value = given.get(self.key)
        if not value:
            return None
        for name, _title, criterion in self.cases:
            if name == value:
                return criterion
        raise self._malformed(value)


@dataclass(frozen=True, slots=True)
class StateFilter(OptionFilter):
    """One of the states that records are in by the time at which somebody asks: ``?state=now``."""

    states: Any = ()
    #: Gives the criterion for a state, in the reader's zone.
    meaning: Any = None

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the states, each with its title."""
        return [(state.value, state.title) for state in self.states]

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the state that was chosen, as it is when this is asked."""
        value = given.get(self.key)
        if not value:
            return None
        state = next((state for state in self.states if state.value == value), None)
        if state is None:
            raise self._malformed(value)
        result: ColumnElement[bool] = self.meaning(state, zone)
        return result


@dataclass(frozen=True, slots=True)
class PeriodFilter(Filter):
    """Two dates, both included: ``?submitted-from=2026-01-01&submitted-until=2026-03-31``."""

    of: Any = None
    is_moment: bool = True

    def names(self) -> tuple[str, ...]:
        """Return the names of the two dates."""
        return (f"{self.key}-from", f"{self.key}-until")

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the period in the reader's zone."""
        first, last = (self._date(given.get(name)) for name in self.names())
        parts: list[ColumnElement[bool]] = []
        if first:
            parts.append(self.of >= self._bound(first, zone))
        if last:
            parts.append(self.of < self._bound(last + dt.timedelta(days=1), zone))
        return and_(*parts) if parts else None

    def words(self, given: Mapping[str, str]) -> str | Message | None:
        """Return the period in words."""
        first, last = (day(self._date(given.get(name))) for name in self.names())
        if first and last:
            return _("%(first)s to %(last)s", first=first, last=last)
        if first:
            return _("from %(first)s on", first=first)
        return _("until %(last)s", last=last) if last else None

    def _date(self, text: str | None) -> dt.date | None:
        if not text:
            return None
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            raise self._malformed(text) from None
        if not dt.date(1900, 1, 1) <= day <= dt.date(2999, 12, 30):
            raise self._malformed(text)
        return day

    def _bound(self, day: dt.date, zone: ZoneInfo) -> dt.date | dt.datetime:
        return dt.datetime.combine(day, dt.time.min, zone) if self.is_moment else day


@dataclass(frozen=True, slots=True)
class TextFilter(Filter):
    """Exactly this text, or a part of it with ``contains``: ``?code=1.3.2``."""

    of: Any = None
    contains: bool = False

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the text that was given."""
        value = (given.get(self.key) or "").strip()
        if not value:
            return None
        if len(value) > _LONGEST_SEARCH or "\x00" in value:
            raise self._malformed(value)
        return contains(self.of, value) if self.contains else self.of == value

    def words(self, given: Mapping[str, str]) -> str | Message | None:
        """Return the text in quotes."""
        value = (given.get(self.key) or "").strip()
        return f"“{value}”" if value else None


def contains(column: Any, text: str) -> ColumnElement[bool]:  # noqa: ANN401 - any text column
    """Return the criterion that ``column`` contains ``text``, whatever its case, wildcards taken literally."""
    result: ColumnElement[bool] = column.icontains(text, autoescape=True)
    return result


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
        if len(search) > _LONGEST_SEARCH or "\x00" in search:
            raise Malformed(_("Search for at most %(most)s characters.", most=_LONGEST_SEARCH))
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
        return self._count(session, self.criteria(), most)

    def _count(self, session: Session, criteria: Sequence[ColumnElement[bool]], most: int | None) -> int:
        matching = _reading(self.spec, ()).where(*criteria).limit(None if most is None else most + 1).subquery()
        return session.connection().scalar(select(func.count()).select_from(matching)) or 0

    def page(self, session: Session, columns: Sequence[Column]) -> Page:
        """Return the page that was asked for, and how many rows there are on all pages."""
        size, start = self.arguments.size, self.arguments.page * self.arguments.size
        criteria, order = self.criteria(), self.order()
        statement = _reading(self.spec, tuple(columns))
        if start:
            # What is passed over is passed over by its ids alone.
            cut = _reading(self.spec, ()).where(*criteria).order_by(*order).limit(size + 1).offset(start)
            passed = cut.subquery()
            statement = statement.join(passed, passed.c.id == self.spec.key).order_by(*order)
        else:
            statement = statement.where(*criteria).order_by(*order).limit(size + 1)
        rows = session.connection().execute(statement).all()
        follows = len(rows) > size
        is_counted = not follows and (rows or not start)
        count = start + len(rows) if is_counted else self._count(session, criteria, COUNTED)
        return Page(rows[:size], follows, count, columns)

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
