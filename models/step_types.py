"""The types of the columns that hold steps and outcomes of SOPs, and criteria on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Dialect, String, TypeDecorator, cast, or_
from typing_extensions import override

from lpse_admin.sop.steps import MAX_OUTCOME_LENGTH, MAX_STEP_LENGTH, OWN_KINDS, Outcome, Step
from models.base import OpenEnum

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, SQLColumnExpression


def step_type() -> OpenEnum:
    """Return the type of a column that holds a step."""
    return OpenEnum(Step, MAX_STEP_LENGTH)


def outcome_type() -> OpenEnum:
    """Return the type of a column that holds an outcome."""
    return OpenEnum(Outcome, MAX_OUTCOME_LENGTH)


class RecordType(TypeDecorator[str]):
    """A step read as ``Step.record``, the step that stands for its record."""

    impl = String
    cache_ok = True

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the value as it is compared with a step."""
        return value

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the value of the record of the step ``value``."""
        return None if value is None else Step(value).record.value


def is_of_kind(column: SQLColumnExpression[Any], *kinds: Step) -> ColumnElement[bool]:
    """Return the criterion that the step in ``column`` is of one of ``kinds``, also under a name of an SOP's own."""
    exact = [kind for kind in kinds if kind not in OWN_KINDS]
    named: Collection[ColumnElement[bool]] = [cast(column, String).like(f"{kind.value}.%") for kind in kinds]
    return or_(column.in_(exact), *named) if exact else or_(*named)
