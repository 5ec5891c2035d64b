"""The lists of the steps' records: common columns and filters, and those of each step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from sqlalchemy import and_

from lpse_admin.i18n import _
from lpse_admin.sop.steps import HEAD_STEPS, OUTCOMES, Outcome, Step, Urgency
from lpse_admin.workflow.record_fields import ChangeKind, EmergencyGround, FieldKind, Risk, fields_of_step
from models.changes.change import ChangeRequest
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity
from models.changes.steps.assessments import last_ground, last_risk
from models.changes.steps.due_times import StepDue
from models.delegation.delegation import Delegation
from models.office.agency import Agency
from models.search.index import SearchKind
from views.changes.change_filters import HandlerFilter
from views.changes.steps.times import Timeliness, TimelinessFilter, timeliness_shortcut, timing_columns
from views.changes.waiting_filter import WaitingFilter
from views.exports.columns import CellKind
from views.i18n.language import tr
from views.listing.filters.agency import AgencyFilter
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, DateRangeFilter, Filter, WordsFilter
from views.listing.filters.order import SortTable
from views.listing.filters.search import SearchedKind, search_index
from views.listing.filters.several import several_of, stored_text
from views.listing.lists import Column, ListSpec
from views.listing.record_view import current_principal, url_builder
from views.sops.named_steps import SOP_OUTCOMES, NamedChoiceFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from lpse_admin.workflow.record_fields import RecordField

#: The columns of the table that all steps share; each list is read along one of its indexes.
ACTIVITY_COLUMNS: Any = Activity.__table__.c

_IS_DUE_TIME = and_(StepDue.change_id == ACTIVITY_COLUMNS.change_id, StepDue.activity_id == ACTIVITY_COLUMNS.id)

_CELL_KINDS = {
    FieldKind.DATETIME: CellKind.DATETIME,
    FieldKind.DATE: CellKind.DATE,
    FieldKind.MINUTES: CellKind.NUMBER,
    FieldKind.CHOICE: CellKind.CHOICE,
    FieldKind.CHOICES: CellKind.CHOICE,
}
#: Fields whose table has an index of them, and of all agencies alike.
_SORTABLE_FIELDS = frozenset({"window_start_at"})
#: Fields that consist of rows; shown on a record's page, not in a column.
LIST_FIELD_KINDS = frozenset({FieldKind.TEST_CASES, FieldKind.ASSETS, FieldKind.TOUCHED_ASSETS, FieldKind.MUTATIONS})

#: The delegation under which a delegate decided for the head.
_DELEGATION_COLUMNS = (
    Column("decree", _("Decree number of the delegation"), Delegation.decree_number, in_list=False),
    Column("delegated_from", _("Delegated from"), Delegation.from_date, CellKind.DATE, in_list=False),
    Column("delegated_until", _("Delegated until"), Delegation.until_date, CellKind.DATE, in_list=False),
)
#: Steps whose urgency is not assessed yet, is the outcome, is the same for all, or no longer matters.
_STEPS_WITHOUT_URGENCY = frozenset({Step.EVALUATION, Step.URGENCY, Step.APPROVAL, Step.RELEASE})
_STEPS_WITH_URGENCY = frozenset(ACTIVITY_CLASSES) - _STEPS_WITHOUT_URGENCY
_STEPS_WITH_REASON = frozenset({Step.EVALUATION, Step.URGENCY, Step.APPROVAL, Step.RETURNED})


def record_table_columns(step: Step) -> ReadOnlyColumnCollection[str, Any]:
    """Return the columns of the table of a step's record."""
    return ACTIVITY_CLASSES[step].__table__.c


def _has_table_of_its_own(step: Step) -> bool:
    """Whether the step has a record of its own; that of a requester's step is the request."""
    return ACTIVITY_CLASSES[step].__table__ is not Activity.__table__


def _record_columns(step: Step, listed_keys: tuple[str, ...]) -> list[Column]:
    """Return the columns of a step's record; those in ``listed_keys`` are shown in the list."""
    if not _has_table_of_its_own(step):
        return []
    return [
        Column(
            field.key,
            field.label,
            _record_column(step, field),
            _CELL_KINDS.get(field.kind, CellKind.TEXT),
            several_of(field.choices) if field.kind is FieldKind.CHOICES and field.choices else field.choices,
            in_list=field.key in listed_keys,
            in_list_while_open=False,
            wide=field.kind is FieldKind.MULTI_LINE,
            sortable=field.key in _SORTABLE_FIELDS,
            sort_table=_sort_table(step, field),
        )
        for field in fields_of_step(step)
        if field.kind not in LIST_FIELD_KINDS
    ]


def _record_column(step: Step, field: RecordField) -> ColumnElement[Any]:
    column = record_table_columns(step)[field.key]
    return stored_text(column) if field.kind is FieldKind.CHOICES else column


def _sort_table(step: Step, field: RecordField) -> SortTable | None:
    is_sortable = field.key in _SORTABLE_FIELDS
    return SortTable(ACTIVITY_CLASSES[step].__table__, "id", field.key) if is_sortable else None


def _decision_links() -> Callable[[int], Markup]:
    """Return what writes the link by which the head decides, from a row of what waits."""
    label = tr(_("Decide") if current_principal().decides_as_head else _("View"))
    address = url_builder("change.details_view", "#step")
    return lambda change_id: Markup('<a class="btn btn-sm btn-primary" href="{}">{}</a>').format(
        address(change_id), label
    )


#: The types of a request, in its own list and in those of its steps.
KIND_COLUMN = Column(
    "kind", _("Type of change"), stored_text(ChangeRequest.kind), CellKind.CHOICE, several_of(ChangeKind), in_list=False
)

#: What a reader of what waits is told of the request; the head also what the manager said of it.
_REQUEST_COLUMNS = (
    Column("requester", _("Requester"), ChangeRequest.requester_name, in_list=False, in_list_while_open=True),
    replace(KIND_COLUMN, in_list_while_open=True),
)
_URGENCY_COLUMN = Column("urgency", _("Urgency"), ChangeRequest.urgency, CellKind.CHOICE, Urgency)
_HEAD_COLUMNS = (
    Column(
        "ground",
        _("Ground"),
        last_ground(ACTIVITY_COLUMNS.change_id),
        CellKind.CHOICE,
        EmergencyGround,
        in_list=False,
        in_list_while_open=True,
    ),
    Column(
        "risk",
        _("Risk"),
        last_risk(ACTIVITY_COLUMNS.change_id),
        CellKind.CHOICE,
        Risk,
        in_list=False,
        in_list_while_open=True,
    ),
)
_DECISION_COLUMN = Column(
    "act",
    _("Action"),
    ACTIVITY_COLUMNS.change_id,
    in_list=False,
    in_list_while_open=True,
    in_export=False,
    make_formatter=_decision_links,
)


def _common_columns(step: Step) -> tuple[Column, ...]:
    """Return the columns that all steps have: request, times, outcome and actor."""
    timing = timing_columns(ACTIVITY_COLUMNS, SortTable(StepDue.__table__, "activity_id", "due_at", (("step", step),)))
    return (
        Column("id", _("Id"), ACTIVITY_COLUMNS.id, CellKind.NUMBER, in_list=False, in_export=False),
        Column("number", _("Number"), ChangeRequest.number, is_link=True),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("title", _("Title"), ChangeRequest.title, wide=True),
        *_REQUEST_COLUMNS,
        replace(_URGENCY_COLUMN, in_list=step in _STEPS_WITH_URGENCY),
        *(_HEAD_COLUMNS if step in HEAD_STEPS else ()),
        Column(
            "arrived",
            _("Arrived"),
            ACTIVITY_COLUMNS.arrived_at,
            CellKind.DATETIME,
            sortable=True,
            in_list_while_open=step not in HEAD_STEPS,
        ),
        Column("taken_up", _("Assigned"), ACTIVITY_COLUMNS.taken_up_at, CellKind.DATETIME, in_list=False),
        Column(
            "handler",
            _("With"),
            ACTIVITY_COLUMNS.held_by_name,
            in_list=False,
            in_list_while_open=step not in HEAD_STEPS,
        ),
        *timing[:-1],
        Column("standard", _("Standard time"), ACTIVITY_COLUMNS.standard_minutes, CellKind.MINUTES, in_list=False),
        timing[-1],
        Column("finished", _("Finished"), ACTIVITY_COLUMNS.finished_at, CellKind.DATETIME, in_list=False),
        *_outcome_columns(step),
        *(_DELEGATION_COLUMNS if step in HEAD_STEPS else ()),
    )


def _outcome_columns(step: Step) -> tuple[Column, ...]:
    """Return the columns of how a step ended, and of who ended it."""
    return (
        Column(
            "outcome",
            _("Outcome"),
            ACTIVITY_COLUMNS.outcome,
            CellKind.CHOICE,
            SOP_OUTCOMES if step.is_own else Outcome,
            # Where there is one outcome, a column of it says nothing.
            in_list=step is not Step.RELEASE and len(OUTCOMES[step]) != 1,
            in_list_while_open=False,
        ),
        Column("actor", _("By"), ACTIVITY_COLUMNS.actor_name, in_list_while_open=False),
        Column("actor_title", _("Title of who acted"), ACTIVITY_COLUMNS.actor_title, in_list=False),
        Column(
            "capacity",
            _("Capacity"),
            ACTIVITY_COLUMNS.capacity,
            in_list=step in HEAD_STEPS,
            in_list_while_open=False,
        ),
    )


def _common_filters(step: Step) -> tuple[Filter, ...]:
    """Return the filters that the lists of all steps have."""
    return (
        CaseFilter(
            "state",
            _("State"),
            cases=(
                ("open", _("Waiting"), ACTIVITY_COLUMNS.finished_at.is_(None)),
                ("done", _("Finished"), ACTIVITY_COLUMNS.finished_at.is_not(None)),
            ),
        ),
        WaitingFilter("waiting", _("Waiting for")),
        ChoiceFilter("urgency", _("Urgency"), column=ChangeRequest.urgency, choices=Urgency),
        NamedChoiceFilter("outcome", _("Outcome"), column=ACTIVITY_COLUMNS.outcome, choices=SOP_OUTCOMES)
        if step.is_own
        else ChoiceFilter(
            "outcome", _("Outcome"), column=ACTIVITY_COLUMNS.outcome, choices=Outcome, subset=OUTCOMES[step]
        ),
        HandlerFilter("handler", _("With"), activity=ACTIVITY_COLUMNS),
        WordsFilter("handler-name", _("Name of who has it"), columns=(ACTIVITY_COLUMNS.held_by_name,)),
        TimelinessFilter("judged", _("Basis of the standard time"), choices=Timeliness, steps=(step,)),
        DateRangeFilter("arrived", _("Arrived"), column=ACTIVITY_COLUMNS.arrived_at),
        DateRangeFilter("finished", _("Finished"), column=ACTIVITY_COLUMNS.finished_at),
        AgencyFilter("agency", _("Agency"), column=ACTIVITY_COLUMNS.agency_id),
    )


def _last_columns(step: Step) -> tuple[Column, ...]:
    """Return the columns that all steps have at the end."""
    return (
        Column(
            "reason",
            _("Reason"),
            ACTIVITY_COLUMNS.reason,
            in_list=step in _STEPS_WITH_REASON,
            in_list_while_open=False,
            wide=True,
        ),
        Column("revision", _("Revision"), ACTIVITY_COLUMNS.revision, CellKind.NUMBER, in_list=False),
        *((_DECISION_COLUMN,) if step in HEAD_STEPS else ()),
    )


def step_spec(
    step: Step,
    *listed_keys: str,
    filters: tuple[Filter, ...] = (),
    columns: tuple[Column, ...] = (),
    joins: tuple[tuple[Any, Any], ...] = (),
    unlisted: frozenset[str] = frozenset(),
    link_id: object = ACTIVITY_COLUMNS.change_id,
) -> ListSpec:
    """Return the list of a step's records; ``unlisted`` are columns that only its reader's choice brings into it.

    ``link_id`` is what a row leads to: the request, in which the step is acted on.
    """
    model = ACTIVITY_CLASSES[step]
    record = model.__table__
    return ListSpec(
        model=model,
        from_table=Activity.__table__,
        key_column=ACTIVITY_COLUMNS.id,
        link_id=link_id,
        base_criteria=(ACTIVITY_COLUMNS.step == step,),
        joins=(
            *(((record, record.c.id == ACTIVITY_COLUMNS.id),) if _has_table_of_its_own(step) else ()),
            (ChangeRequest, ChangeRequest.id == ACTIVITY_COLUMNS.change_id),
            (Agency, Agency.id == ACTIVITY_COLUMNS.agency_id),
            (StepDue, _IS_DUE_TIME),
            *(((Delegation, Delegation.id == ACTIVITY_COLUMNS.delegation_id),) if step in HEAD_STEPS else ()),
            *joins,
        ),
        column_list=tuple(
            replace(column, in_list=False, in_list_while_open=False) if column.key in unlisted else column
            for column in (*_common_columns(step), *_record_columns(step, listed_keys), *columns, *_last_columns(step))
        ),
        column_filters=(*_common_filters(step), *filters),
        index=search_index(
            SearchedKind(SearchKind.CHANGE, ACTIVITY_COLUMNS.change_id),
            SearchedKind(SearchKind.STEP, ACTIVITY_COLUMNS.id),
            otherwise=timeliness_shortcut(step),
        ),
        column_searchable_list=(ChangeRequest.number, ChangeRequest.title),
        search_hint=_("Number, title, requester, all that the request says, and what was recorded here."),
        column_default_sort="-arrived",
        default_sort_while_open="arrived",
    )
