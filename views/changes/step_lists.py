"""What the lists of the steps' records have in common, and what each adds."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import aliased

from lpse_admin.i18n import _
from lpse_admin.sop.steps import OF_THE_HEAD, OUTCOMES, Outcome, Step, Urgency
from lpse_admin.workflow.record_fields import RECORDS, FieldKind
from models.accounts.user import User
from models.changes.activity import RECORD_OF, Activity
from models.changes.change import ChangeRequest
from models.delegation.delegation import Delegation
from models.office.agency import Agency
from views.changes.step_times import TIMES, JudgedFilter, Judgement
from views.exports.columns import CellKind
from views.listing.agency_filter import AgencyFilter
from views.listing.filters import CaseFilter, ChoiceFilter, Filter, PeriodFilter
from views.listing.lists import Column, ListSpec

#: The table that all steps share, whose index each of these lists is read along.
ACTIVITY: Any = Activity.__table__.c
_actor = aliased(User, name="actor")

_KINDS = {
    FieldKind.MOMENT: CellKind.MOMENT,
    FieldKind.DATE: CellKind.DATE,
    FieldKind.MINUTES: CellKind.NUMBER,
    FieldKind.CHOICE: CellKind.CHOICE,
}
#: Fields that are lists of their own rows; a record's page shows them, no column does.
LISTS = frozenset({FieldKind.CASES, FieldKind.ASSETS, FieldKind.TOUCHED, FieldKind.MUTATIONS})

#: The decree under which a delegate decided in the head's place.
_DELEGATION = (
    Column("decree", _("Decree number of the delegation"), Delegation.decree_number, listed=False),
    Column("delegated_from", _("Delegated from"), Delegation.from_date, CellKind.DATE, listed=False),
    Column("delegated_until", _("Delegated until"), Delegation.until_date, CellKind.DATE, listed=False),
)
#: Here the urgency is not judged yet, is the outcome, is the same for all, or matters no more.
_NO_URGENCY = frozenset({Step.EVALUATION, Step.URGENCY, Step.APPROVAL, Step.RELEASE})
_URGENCY = frozenset(RECORD_OF) - _NO_URGENCY
_REASONED = frozenset({Step.EVALUATION, Step.URGENCY, Step.APPROVAL})


def own_columns(step: Step) -> Any:  # noqa: ANN401 - columns of a table
    """Return the columns of the table that a step's own record is kept in."""
    table: Any = RECORD_OF[step].__table__
    return table.c


def _record_columns(step: Step, listed: tuple[str, ...]) -> list[Column]:
    """Return the columns of a step's own record; ``listed`` are the ones that its readers need in the list."""
    return [
        Column(
            field.key,
            field.label,
            own_columns(step)[field.key],
            _KINDS.get(field.kind, CellKind.TEXT),
            field.choices,
            listed=field.key in listed,
            listed_while_open=False,
            wide=field.kind is FieldKind.TEXT,
        )
        for field in RECORDS[step]
        if field.kind not in LISTS
    ]


def _columns(step: Step) -> tuple[Column, ...]:
    """Return the columns that the lists of all steps have: the request, its times, its outcome and who took it."""
    return (
        Column("id", _("Id"), ACTIVITY.id, CellKind.NUMBER, listed=False, exported=False),
        Column("number", _("Number"), ChangeRequest.number, leads=True),
        Column("agency", _("Agency"), Agency.name, across_only=True),
        Column("title", _("Title"), ChangeRequest.title, wide=True),
        Column("urgency", _("Urgency"), ChangeRequest.urgency, CellKind.CHOICE, Urgency, listed=step in _URGENCY),
        Column("arrived", _("Arrived"), ACTIVITY.arrived_at, CellKind.MOMENT, sortable=True),
        Column("taken_up", _("Taken up"), ACTIVITY.taken_up_at, CellKind.MOMENT, listed=False),
        *TIMES[:-1],
        Column("standard", _("Standard (minutes)"), ACTIVITY.standard_minutes, CellKind.NUMBER, listed=False),
        TIMES[-1],
        Column("finished", _("Finished"), ACTIVITY.finished_at, CellKind.MOMENT, listed=False),
        Column(
            "outcome",
            _("Outcome"),
            ACTIVITY.outcome,
            CellKind.CHOICE,
            Outcome,
            listed=step is not Step.RELEASE,
            listed_while_open=False,
        ),
        Column("actor", _("By"), _actor.full_name, listed_while_open=False),
        Column(
            "capacity", _("In the capacity of"), ACTIVITY.capacity, listed=step in OF_THE_HEAD, listed_while_open=False
        ),
        *(_DELEGATION if step in OF_THE_HEAD else ()),
    )


def _filters(step: Step) -> tuple[Filter, ...]:
    """Return the filters that the lists of all steps have."""
    return (
        CaseFilter(
            "state",
            _("State"),
            cases=(
                ("open", _("Waiting"), ACTIVITY.finished_at.is_(None)),
                ("done", _("Finished"), ACTIVITY.finished_at.is_not(None)),
            ),
        ),
        ChoiceFilter("urgency", _("Urgency"), of=ChangeRequest.urgency, choices=Urgency),
        ChoiceFilter("outcome", _("Outcome"), of=ACTIVITY.outcome, choices=Outcome, among=OUTCOMES[step]),
        JudgedFilter("judged", _("Judged"), choices=Judgement, step=step),
        PeriodFilter("arrived", _("Arrived"), of=ACTIVITY.arrived_at),
        PeriodFilter("finished", _("Finished"), of=ACTIVITY.finished_at),
        AgencyFilter("agency", _("Agency"), of=ACTIVITY.agency_id),
    )


def step_spec(step: Step, *listed: str, filters: tuple[Filter, ...] = (), columns: tuple[Column, ...] = ()) -> ListSpec:
    """Return the list of a step's records: the request, when it came and went, by whom and with what outcome."""
    model = RECORD_OF[step]
    return ListSpec(
        model=model,
        table=Activity.__table__,
        row_key=ACTIVITY.id,
        lead=ACTIVITY.change_id,
        always=(ACTIVITY.step == step,),
        joins=(
            (model.__table__, own_columns(step).id == ACTIVITY.id),
            (ChangeRequest, ChangeRequest.id == ACTIVITY.change_id),
            (_actor, _actor.id == ACTIVITY.actor_id),
            (Agency, Agency.id == ACTIVITY.agency_id),
            *(((Delegation, Delegation.id == ACTIVITY.delegation_id),) if step in OF_THE_HEAD else ()),
        ),
        columns=(
            *_columns(step),
            *_record_columns(step, listed),
            *columns,
            Column(
                "reason", _("Reason"), ACTIVITY.reason, listed=step in _REASONED, listed_while_open=False, wide=True
            ),
            Column("revision", _("Revision"), ACTIVITY.revision, CellKind.NUMBER, listed=False),
        ),
        filters=(*_filters(step), *filters),
        search=(ChangeRequest.number, ChangeRequest.title),
        order="-arrived",
        open_order="arrived",
    )
