"""The lists of steps where SOPs have one more than once, or steps of their own."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lpse_admin.i18n import _
from models.changes.steps.activity import Activity
from models.search.index import SearchKind
from views.changes.steps.times import TimelinessFilter
from views.exports.columns import CellKind
from views.listing.filters.kinds import ChoiceFilter
from views.listing.filters.search import SearchedKind, search_index
from views.listing.lists import Column
from views.sops.named_steps import sops_of_reader, steps_with_record

if TYPE_CHECKING:
    from lpse_admin.sop.steps import Step
    from views.listing.filters.kinds import Filter
    from views.listing.lists import ListSpec

_activity: Any = Activity.__table__.c


def with_named_steps(spec: ListSpec, record: Step) -> ListSpec:
    """Return ``spec``, the list of the steps with ``record``, with those that SOPs of the reader's office name."""
    steps = steps_with_record(record, sops_of_reader())
    return _widened(spec, steps) if steps and steps != (record,) else spec


@lru_cache(maxsize=128)
def _widened(spec: ListSpec, steps: tuple[Step, ...]) -> ListSpec:
    """Return ``spec`` for several steps; the same one again, as its statements are kept."""
    step = Column("step", _("Step"), _activity.step, CellKind.CHOICE, steps)
    columns = [_along(column, steps) for column in spec.column_list]
    index = next(place for place, column in enumerate(columns) if column.key == "title") + 1
    return replace(
        spec,
        base_criteria=(_activity.step.in_(steps),),
        column_list=(*columns[:index], step, *columns[index:]),
        column_filters=(
            *(_for_steps(one, steps) for one in spec.column_filters),
            ChoiceFilter("step", _("Step"), column=_activity.step, subset=steps),
        ),
        index=search_index(
            SearchedKind(SearchKind.CHANGE, _activity.change_id), SearchedKind(SearchKind.STEP, _activity.id)
        ),
    )


def _along(column: Column, steps: tuple[Step, ...]) -> Column:
    """Return ``column``, sorted along the due times of all of ``steps``."""
    table = column.sort_table
    if table is None or not any(name == "step" for name, _value in table.criteria):
        return column
    return replace(column, sort_table=replace(table, criteria=(("step", steps),)))


def _for_steps(one: Filter, steps: tuple[Step, ...]) -> Filter:
    return replace(one, steps=steps) if isinstance(one, TimelinessFilter) else one
