"""Loading of one request and of everything that its page shows: plain rows, few statements."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, select

from lpse_admin.sop.steps import REQUESTER_STEPS, Outcome, Step
from lpse_admin.workflow.record_fields import FieldKind, fields_of_step
from lpse_admin.worktime.step_timing import StepTimestamps
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import Reassignment
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity, AssetReviewItem, ReleaseAsset, TestCase
from models.changes.steps.field_value import FieldValue
from models.delegation.delegation import Delegation
from models.deviations.deviation import Deviation
from models.documents.document import Document
from models.inventory.asset import Asset, AssetMutation
from models.sops.sop import SopRevision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from lpse_admin.accounts.roles import Role

#: Kinds of record fields that are stored as rows of another table.
LIST_FIELD_KINDS = frozenset({FieldKind.TEST_CASES, FieldKind.ASSETS, FieldKind.TOUCHED_ASSETS, FieldKind.MUTATIONS})


def load_change(
    session: Session, change_id: int, visible: ColumnElement[bool] | None = None, *, lock: bool = False
) -> ChangeRequest | None:
    """Return the request with this id, refreshed, and locked with ``lock``; None if it is not visible.

    ``visible`` is the scope criterion of the current user (``models.scope``).
    """
    statement = _LOCKED_CHANGE if lock else _CHANGE
    if visible is not None:
        statement = statement.where(visible)
    return session.scalars(statement, {"change": change_id}).one_or_none()


# Executed on every page of a request, so built once.
_CHANGE = select(ChangeRequest).where(ChangeRequest.id == bindparam("change")).execution_options(populate_existing=True)
_LOCKED_CHANGE = _CHANGE.with_for_update(of=ChangeRequest)


@dataclass(frozen=True, slots=True)
class OwnValue:
    """What a step says in a field that its SOP asks for: label and words, and the value as it is stored."""

    key: str
    label: str
    words: str
    value: str


@dataclass(frozen=True, slots=True)
class StepShown:
    """One visit to a step with its record, as the request's page shows it; users and decrees by name.

    ``record`` has the record's values by field key; see ``steps_of`` for the list fields.
    """

    id: int
    sequence: int
    step: Step
    outcome: Outcome | None
    target: Step | None
    actor_id: int | None
    held_by_id: int | None
    actor_role: Role
    arrived_at: dt.datetime
    taken_up_at: dt.datetime | None
    finished_at: dt.datetime | None
    capacity: str | None
    reason: str | None
    equipment: Sequence[str]
    #: Who acted, as at that moment.
    actor: str | None
    actor_title: str | None
    holder: str | None
    decree_number: str | None
    record: dict[str, Any]
    #: The values of the fields that the SOP itself asks for, in its order.
    own_values: list[OwnValue] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether the step is not finished yet."""
        return self.finished_at is None

    @property
    def timestamps(self) -> StepTimestamps:
        """When the step was reached, taken up and finished."""
        return StepTimestamps(self.arrived_at, self.taken_up_at, self.finished_at)


@dataclass(frozen=True, slots=True)
class ReassignmentShown:
    """One reassignment of a step, as the page shows it."""

    at: dt.datetime
    giver: str | None
    giver_title: str | None
    taker: str | None
    taker_title: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeDetails:
    """What the page of a request shows besides the request; ``reassignments`` by activity id."""

    steps: Sequence[StepShown] = ()
    documents: Sequence[Document] = ()
    deviations: Sequence[Deviation] = ()
    reassignments: Mapping[int, Sequence[ReassignmentShown]] = field(default_factory=dict)
    sop_revision: int | None = None


def details_of(session: Session, change: ChangeRequest, steps: Sequence[StepShown]) -> ChangeDetails:
    """Load the details of ``change`` for its page; ``steps`` come from ``steps_of``."""
    of_change = {"change": change.id}
    return ChangeDetails(
        steps,
        session.scalars(_DOCUMENTS, of_change).all(),
        session.scalars(_DEVIATIONS, of_change).all(),
        _reassignments(session, change) if any(step.taken_up_at for step in steps) else {},
        session.connection().scalar(_SOP_REVISION, {"sop": change.sop_id}),
    )


def steps_of(session: Session, change_id: int) -> list[StepShown]:
    """Return all visits of a request in order, each with its record, with at most six statements.

    Test cases are dicts with ``name``, ``expected`` and ``actual``; assets of a release and of a review have
    ``asset`` (text) and ``finding`` (reviews only); mutations are AssetMutation objects.
    """
    connection = session.connection()
    rows = connection.execute(_steps(), {"change": change_id}).all()
    steps = [_shown(row) for row in rows]
    visited = {step.step.kind for step in steps}
    for step, key, load_rows in (
        (Step.TEST, "cases", _cases),
        (Step.RELEASE, "touched_assets", _touched),
        (Step.ASSET_REVIEW, "assets", _items),
        (Step.ASSET_UPDATE, "mutations", _mutation_lines),
    ):
        if step in visited:
            rows_by_step = load_rows(session, change_id)
            for one in steps:
                if one.step.kind is step:
                    one.record[key] = rows_by_step.get(one.id, [])
    if any(row[-1] for row in rows):
        _add_own_values(session, change_id, {step.id: step for step in steps})
    return steps


def _add_own_values(session: Session, change_id: int, steps: Mapping[int, StepShown]) -> None:
    for activity_id, *value in session.connection().execute(_OWN_VALUES, {"change": change_id}):
        steps[activity_id].own_values.append(OwnValue(*value))


#: The columns of every step, in the order of StepShown's fields.
_COLUMNS = (
    "id", "sequence", "step", "outcome", "target", "actor_id", "held_by_id", "actor_role", "arrived_at", "taken_up_at",
    "finished_at", "capacity", "reason", "equipment", "actor_name", "actor_title", "held_by_name",
)  # fmt: skip
#: They are followed by the decree number, and then by the columns of the records.
_NAMED = len(_COLUMNS) + 1


# Asked for with each step: 0.2 ms of a page of a request.
@cache
def _record_columns() -> dict[Step, tuple[tuple[str, ...], int]]:
    """Return for each step the keys of its record's columns, and the index of the first of them in a row."""
    slices, index = {}, _NAMED
    for step in ACTIVITY_CLASSES:
        keys = _own_keys(step)
        slices[step] = (keys, index)
        index += len(keys)
    return slices


def _own_keys(step: Step) -> tuple[str, ...]:
    if step in REQUESTER_STEPS:
        return ()
    return tuple(field.key for field in fields_of_step(step) if field.kind not in LIST_FIELD_KINDS)


# Saves 0.7 ms on every page of a request.
@cache
def _steps() -> Select[Any]:
    """Return one statement for the steps of a request, joined to all record tables."""
    step: Any = Activity.__table__
    decree: Any = Delegation.__table__
    joined = step.outerjoin(decree, decree.c.id == step.c.delegation_id)
    own: list[Any] = []
    for kind, (keys, _index) in _record_columns().items():
        if keys:
            record: Any = ACTIVITY_CLASSES[kind].__table__
            joined = joined.outerjoin(record, record.c.id == step.c.id)
            own += [record.c[key] for key in keys]
    columns = [step.c[name] for name in _COLUMNS]
    statement = (
        select(*columns, decree.c.decree_number, *own, exists().where(FieldValue.activity_id == step.c.id))
        .select_from(joined)
        .where(step.c.change_id == bindparam("change"))
    )
    return statement.order_by(step.c.sequence)


def _shown(row: Sequence[Any]) -> StepShown:
    keys, index = _record_columns()[row[2].record]
    record = dict(zip(keys, row[index:], strict=False))
    return StepShown(*(*row[:_NAMED], record))


def _by_step(rows: Sequence[Any], *names: str) -> dict[int, list[Any]]:
    """Return rows as dicts with the keys ``names``, grouped by the step id in their first column."""
    by_step: dict[int, list[Any]] = {}
    for id_, *values in rows:
        by_step.setdefault(id_, []).append(dict(zip(names, values, strict=True)))
    return by_step


def _cases(session: Session, change_id: int) -> dict[int, list[Any]]:
    rows = session.connection().execute(_CASES, {"change": change_id}).all()
    return _by_step(rows, "name", "expected", "actual")


def _touched(session: Session, change_id: int) -> dict[int, list[Any]]:
    return _by_step(session.connection().execute(_TOUCHED_ASSETS, {"change": change_id}).all(), "asset")


def _items(session: Session, change_id: int) -> dict[int, list[Any]]:
    return _by_step(session.connection().execute(_ITEMS, {"change": change_id}).all(), "asset", "finding")


def _mutation_lines(session: Session, change_id: int) -> dict[int, list[Any]]:
    by_step: dict[int, list[Any]] = {}
    of_change = select(AssetMutation).where(AssetMutation.change_id == change_id).order_by(AssetMutation.id)
    for mutation in session.scalars(of_change):
        by_step.setdefault(mutation.update_id or 0, []).append(mutation)
    return by_step


def _reassignments(session: Session, change: ChangeRequest) -> dict[int, list[ReassignmentShown]]:
    by_step: dict[int, list[ReassignmentShown]] = {}
    for row in session.connection().execute(_REASSIGNMENTS, {"change": change.id}):
        by_step.setdefault(row.activity_id, []).append(
            ReassignmentShown(row.at, row.from_name, row.from_title, row.to_name, row.to_title, row.reason)
        )
    return by_step


_step: Any = Activity.__table__.c
_of_change = _step.change_id == bindparam("change")
_asset_text: Any = Asset.code + "." + Asset.register + " " + Asset.name
_CASES = (
    select(TestCase.run_id, TestCase.name, TestCase.expected, TestCase.actual)
    .join(Activity.__table__, _step.id == TestCase.run_id)
    .where(_of_change)
    .order_by(TestCase.run_id, TestCase.position)
)
_TOUCHED_ASSETS = (
    select(ReleaseAsset.release_id, _asset_text)
    .join(Activity.__table__, _step.id == ReleaseAsset.release_id)
    .join(Asset, Asset.id == ReleaseAsset.asset_id)
    .where(_of_change)
    .order_by(ReleaseAsset.release_id, ReleaseAsset.position)
)
_ITEMS = (
    select(AssetReviewItem.review_id, _asset_text, AssetReviewItem.finding)
    .join(Activity.__table__, _step.id == AssetReviewItem.review_id)
    .outerjoin(Asset, Asset.id == AssetReviewItem.asset_id)
    .where(_of_change)
    .order_by(AssetReviewItem.review_id, AssetReviewItem.position)
)
_OWN_VALUES = (
    select(FieldValue.activity_id, FieldValue.key, FieldValue.label, FieldValue.words, FieldValue.value)
    .where(FieldValue.change_id == bindparam("change"))
    .order_by(FieldValue.activity_id, FieldValue.position, FieldValue.id)
)
_DOCUMENTS = select(Document).where(Document.change_id == bindparam("change")).order_by(Document.id)
_DEVIATIONS = select(Deviation).where(Deviation.change_id == bindparam("change")).order_by(Deviation.id)
_SOP_REVISION = select(SopRevision.revision).where(SopRevision.id == bindparam("sop"))
_REASSIGNMENTS = (
    select(
        Reassignment.activity_id,
        Reassignment.at,
        Reassignment.from_name,
        Reassignment.from_title,
        Reassignment.to_name,
        Reassignment.to_title,
        Reassignment.reason,
    )
    .where(Reassignment.change_id == bindparam("change"))
    .order_by(Reassignment.id)
)
