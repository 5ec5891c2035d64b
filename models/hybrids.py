"""Conditions that the same line writes for Python and for SQL: what hybrid methods are made of.

On an object they give plain values, on a mapped class expressions of a statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import ColumnElement, ColumnOperators, Date, Enum, bindparam, case, func, select, type_coerce

from models.base import UtcDateTime

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from enum import StrEnum

    from sqlalchemy import ScalarSelect, Select, SQLColumnExpression

_Member = TypeVar("_Member", bound="StrEnum")


def date_parameter(name: str, read: Callable[[], dt.date] | None = None) -> dt.date:
    """Return a parameter to call hybrid methods with; ``read`` gives its value when a statement is executed."""
    return cast("dt.date", bindparam(name, type_=Date, callable_=read, unique=read is not None))


def moment_parameter(name: str, read: Callable[[], dt.datetime] | None = None) -> dt.datetime:
    """Return the same for a date and time."""
    return cast("dt.datetime", bindparam(name, type_=UtcDateTime, callable_=read, unique=read is not None))


def is_null(value: object) -> bool:
    """Return whether ``value`` is None, or the expression ``IS NULL``."""
    return cast("bool", value.is_(None)) if isinstance(value, ColumnOperators) else value is None


def is_set(value: object) -> bool:
    """Return whether ``value`` is not None, or the expression ``IS NOT NULL``."""
    return cast("bool", value.is_not(None)) if isinstance(value, ColumnOperators) else value is not None


def lasts_until(last: object, day: dt.date) -> bool:
    """Return whether ``last``, the last day of something, is not before ``day``; None is no last day."""
    if isinstance(last, ColumnOperators):
        return cast("bool", last.is_(None) | (last >= day))
    return last is None or cast("dt.date", last) >= day


def first_true(*cases: tuple[bool, _Member], default: _Member) -> _Member:
    """Return the member of the first condition that holds, or the expression ``CASE``, whose values are members too."""
    conditions = [condition for condition, _member in cases]
    if not any(isinstance(condition, ColumnOperators) for condition in conditions):
        return next((member for condition, member in cases if condition), default)
    members = Enum(type(default), native_enum=False, values_callable=lambda enum: [one.value for one in enum])
    branches = [(cast("ColumnElement[bool]", condition), member.value) for condition, member in cases]
    return cast("_Member", type_coerce(case(*branches, else_=default.value), members))


def joined_texts(texts: Select[Any], order: SQLColumnExpression[int]) -> ScalarSelect[str]:
    """Return the expression of the texts that a correlated statement reads, as one text in this order.

    Not every SQLite takes an order within the aggregate; both databases add up a sorted subquery as it comes.
    """
    rows = texts.order_by(order).subquery()
    (text,) = rows.c
    return select(func.aggregate_strings(text, "; ")).scalar_subquery()
