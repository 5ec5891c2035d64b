"""What a list can be narrowed by: each filter has a readable name in the address, and says in words what it does."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import and_, or_
from typing_extensions import override

from lpse_admin.errors import Malformed
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.parsing.dates import read_date
from lpse_admin.parsing.numbers import read_number
from lpse_admin.worktime.relative_periods import RelativePeriod
from views.i18n.language import format_date, today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal
    from enum import StrEnum
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, SQLColumnExpression

    #: Anything with a ``value`` that is stored and a ``title`` that is shown.
    Choices = type[StrEnum] | Iterable[Any]

#: How many characters a text to look for has at the most.
MAX_SEARCH_LENGTH = 200


#: The greatest number that a filter takes.
_MAX_NUMBER = 10**14
#: The value by which an address asks for all rows of a filter that narrows the list by itself.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Filter:
    """Something that a list can be narrowed by, with a readable name in the address."""

    key: str
    heading: Message
    #: The value of a list whose address says nothing of it; ``?key=all`` takes it off.
    default: str = field(default="", kw_only=True)

    def parameter_names(self) -> tuple[str, ...]:
        """Return the names of the parameters that belong to this filter."""
        return (self.key,)

    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the parameters that were given, or None without any; Malformed for a bad one."""
        raise NotImplementedError

    def describe(self, values: Mapping[str, str]) -> str | Message | None:
        """Return what the list is narrowed to by this filter, for people; None where it is not."""
        raise NotImplementedError

    def _malformed(self, value: str) -> Malformed:
        shown = value[:60]
        return Malformed(_("“%(value)s” is not a value of the filter “%(filter)s”.", value=shown, filter=self.heading))


@dataclass(frozen=True, slots=True)
class OptionFilter(Filter):
    """One of some values that the page offers, each with a title: ``?state=open``."""

    #: Whether the same values are offered to every reader.
    has_static_options: ClassVar[bool] = True

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the values that can be chosen, each with its title."""
        raise NotImplementedError

    def describe(self, values: Mapping[str, str]) -> str | Message | None:
        """Return the title of the value that was chosen; the value where it is not among those that are offered."""
        value = values.get(self.key)
        return next((title for one, title in self.options() if one == value), value) if value else None


@dataclass(frozen=True, slots=True)
class ChoiceFilter(OptionFilter):
    """One of the values of a column, an enum's say: ``?urgency=emergency``."""

    column: Any = None
    #: The values, as ``Column.choices`` has them.
    choices: Choices | None = None
    #: Where the list shows only some of them.
    subset: tuple[StrEnum, ...] = ()

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the values that can be chosen, each with its title."""
        return [(choice.value, choice.title) for choice in self._choices()]

    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return equality with the chosen value."""
        value = values.get(self.key)
        if not value:
            return None
        choice = next((choice for choice in self._choices() if choice.value == value), None)
        if choice is None:
            raise self._malformed(value)
        result: ColumnElement[bool] = self.column == (choice if isinstance(choice, Enum) else choice.value)
        return result

    def _choices(self) -> tuple[Any, ...]:
        return tuple(self.subset or self.choices or ())


@dataclass(frozen=True, slots=True)
class CaseFilter(OptionFilter):
    """One of some named criteria: ``?state=open``."""

    cases: tuple[tuple[str, Message, ColumnElement[bool]], ...] = ()

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the names of the cases, each with its title."""
        return [(value, title) for value, title, _criterion in self.cases]

    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion of the case that was chosen."""
        value = values.get(self.key)
        if not value:
            return None
        for name, _title, criterion in self.cases:
            if name == value:
                return criterion
        raise self._malformed(value)


@dataclass(frozen=True, slots=True)
class YearFilter(OptionFilter):
    """The dates of one year: ``?year=2026``."""

    column: Any = None
    years: range = range(0)

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the years, the latest first."""
        return [(str(year), str(year)) for year in reversed(self.years)]

    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the dates of the year."""
        value = values.get(self.key)
        if not value:
            return None
        if value not in dict(self.options()):
            raise self._malformed(value)
        result: ColumnElement[bool] = self.column.between(dt.date(int(value), 1, 1), dt.date(int(value), 12, 31))
        return result


@dataclass(frozen=True, slots=True)
class DateRangeFilter(Filter):
    """Two dates, both included: ``?submitted-from=2026-01-01&submitted-until=2026-03-31``.

    Or a period that moves with the day on which the list is read, also in a saved view: ``?submitted=this-month``.
    """

    column: Any = None
    is_datetime: bool = True
    #: Whether what it is about is planned, so that periods to come are offered.
    is_planned: bool = False

    def parameter_names(self) -> tuple[str, ...]:
        """Return the names of the two dates, and of the period."""
        return (f"{self.key}-from", f"{self.key}-until", self.key)

    def periods(self) -> list[tuple[str, Message]]:
        """Return the periods that are offered, each with its title."""
        return [(period.value, period.title) for period in RelativePeriod if self.is_planned or not period.is_ahead]

    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the period in the reader's zone."""
        first, last = self._days(values)
        parts: list[ColumnElement[bool]] = []
        if first:
            parts.append(self.column >= self._bound(first, zone))
        if last:
            parts.append(self.column < self._bound(last + dt.timedelta(days=1), zone))
        return and_(*parts) if parts else None

    def describe(self, values: Mapping[str, str]) -> str | Message | None:
        """Return the period in words."""
        period = self._period(values)
        first, last = (format_date(day) for day in self._days(values))
        if period is not None and first == last:
            return join_messages([period.title, Message(first)], ", ")
        if period is not None:
            return _("%(period)s, %(first)s to %(last)s", period=period.title, first=first, last=last)
        if first and last:
            return _("%(first)s to %(last)s", first=first, last=last)
        if first:
            return _("from %(first)s", first=first)
        return _("until %(last)s", last=last) if last else None

    def _days(self, values: Mapping[str, str]) -> tuple[dt.date | None, dt.date | None]:
        """Return the first and the last day, where there are any: those of the period within the dates."""
        first, last = (self._date(values.get(f"{self.key}-{end}")) for end in ("from", "until"))
        period = self._period(values)
        if period is None:
            return first, last
        begins, ends = period.days(today())
        return max(begins, first or begins), min(ends, last or ends)

    def _period(self, values: Mapping[str, str]) -> RelativePeriod | None:
        value = values.get(self.key)
        if not value:
            return None
        try:
            return RelativePeriod(value)
        except ValueError:
            raise self._malformed(value) from None

    def _date(self, text: str | None) -> dt.date | None:
        if not text:
            return None
        if "\x00" in text:
            raise self._malformed(text)
        try:
            day = read_date(text)
        except UnreadableError:
            raise self._malformed(text) from None
        if day is not None and not dt.date(1900, 1, 1) <= day <= dt.date(2999, 12, 30):
            raise self._malformed(text)
        return day

    def _bound(self, day: dt.date, zone: ZoneInfo) -> dt.date | dt.datetime:
        return dt.datetime.combine(day, dt.time.min, zone) if self.is_datetime else day


@dataclass(frozen=True, slots=True)
class NumberRangeFilter(Filter):
    """Two numbers, both included: ``?cost-from=1.000.000&cost-until=5.000.000``."""

    column: Any = None
    #: Reads a number as people write it; what the column holds is ``factor`` times as much.
    read: Callable[[str], Decimal | None] = read_number
    factor: int = 1
    #: Tells the page to offer two texts.
    is_number_range: ClassVar[bool] = True

    def parameter_names(self) -> tuple[str, ...]:
        """Return the names of the two numbers."""
        return (f"{self.key}-from", f"{self.key}-until")

    @override
    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the numbers that were given."""
        least, most = (self._bound(values.get(name)) for name in self.parameter_names())
        parts: list[ColumnElement[bool]] = []
        if least is not None:
            parts.append(self.column >= least)
        if most is not None:
            parts.append(self.column <= most)
        return and_(*parts) if parts else None

    @override
    def describe(self, values: Mapping[str, str]) -> str | Message | None:
        """Return the numbers as they were written."""
        first, last = (values.get(name) for name in self.parameter_names())
        if first and last:
            return _("%(first)s to %(last)s", first=first, last=last)
        if first:
            return _("from %(first)s", first=first)
        return _("until %(last)s", last=last) if last else None

    def _bound(self, text: str | None) -> int | None:
        if not text:
            return None
        try:
            number = self.read(text)
        except UnreadableError:
            raise self._malformed(text) from None
        if number is None or not -_MAX_NUMBER < number < _MAX_NUMBER:
            raise self._malformed(text)
        return int(number * self.factor)


@dataclass(frozen=True, slots=True)
class TextFilter(Filter):
    """Exactly this text, or a part of it with ``contains``: ``?code=1.3.2``."""

    column: Any = None
    contains: bool = False

    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the text that was given."""
        value = strip_blank(values.get(self.key) or "")
        if not value:
            return None
        if len(value) > MAX_SEARCH_LENGTH or "\x00" in value:
            raise self._malformed(value)
        return contains(self.column, value) if self.contains else self.column == value

    def describe(self, values: Mapping[str, str]) -> str | Message | None:
        """Return the text in quotes."""
        value = strip_blank(values.get(self.key) or "")
        return f"“{value}”" if value else None


@dataclass(frozen=True, slots=True)
class WordsFilter(TextFilter):
    """Each word of a text, in any order, in one of some columns: ``?requester=budi``."""

    columns: tuple[Any, ...] = ()

    @override
    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the words that were given."""
        value = strip_blank(values.get(self.key) or "")
        if len(value) > MAX_SEARCH_LENGTH or "\x00" in value:
            raise self._malformed(value)
        words = [or_(*(contains(column, word) for column in self.columns)) for word in value.split()]
        return and_(*words) if words else None


def contains(column: SQLColumnExpression[Any], text: str) -> ColumnElement[bool]:
    """Return the criterion that ``column`` contains ``text``, whatever its case, wildcards taken literally."""
    result: ColumnElement[bool] = column.icontains(text, autoescape=True)
    return result
