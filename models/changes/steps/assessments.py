"""What was last said of a request in its evaluation and its urgency assessment, as expressions for lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from models.changes.steps.activity import Activity, Evaluation, UrgencyAssessment

if TYPE_CHECKING:
    from sqlalchemy import ScalarSelect, SQLColumnExpression
    from sqlalchemy.orm import InstrumentedAttribute

_visit: Any = Activity.__table__.alias("visit").c


def last_risk(change_id: SQLColumnExpression[int]) -> ScalarSelect[Any]:
    """Return the risk in the last finished evaluation of a request; NULL before it."""
    return _last(Evaluation.risk, Evaluation, change_id)


def last_ground(change_id: SQLColumnExpression[int]) -> ScalarSelect[Any]:
    """Return the ground in the last finished urgency assessment of a request; NULL before it, and if it is normal."""
    return _last(UrgencyAssessment.ground, UrgencyAssessment, change_id)


def _last(
    column: InstrumentedAttribute[Any], model: type[Activity], change_id: SQLColumnExpression[int]
) -> ScalarSelect[Any]:
    record: Any = model.__table__.c
    return (
        select(record[column.key])
        .join_from(_visit.id.table, model.__table__, record.id == _visit.id)
        .where(_visit.change_id == change_id, _visit.finished_at.is_not(None))
        .order_by(_visit.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
