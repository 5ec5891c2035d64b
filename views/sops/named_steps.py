"""The SOPs of the reader's office, and the steps and outcomes that they name beside those of the procedure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from flask import g, has_request_context

from lpse_admin.sop.steps import KNOWN_STEPS, Outcome, Step
from models.database import db
from models.sops.sop import load_enacted_sops
from views.app.access import visible_agencies
from views.listing.filters.kinds import ChoiceFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpse_admin.sop import Sop


def sops_of_reader() -> list[Sop]:
    """Return the SOPs that are or were in force in the reader's office, the latest first; read once for a page."""
    if "sops_of_reader" not in g:
        session = db.session()
        g.sops_of_reader = load_enacted_sops(session, [one.id for one in visible_agencies(session)])
    result: list[Sop] = g.sops_of_reader
    return result


def steps_with_record(record: Step, sops: Iterable[Sop]) -> tuple[Step, ...]:
    """Return the steps of ``sops`` with this record, the declared one first; of steps of SOPs' own none is declared."""
    declared = () if record.is_own else (record,)
    return tuple(dict.fromkeys([*declared, *(step for sop in sops for step in sop.steps if step.record is record)]))


class _Steps:
    """The declared steps, and those that the SOPs of the reader's office name."""

    def __iter__(self) -> Iterator[Step]:
        yield from (*KNOWN_STEPS, Step.CLOSED)
        if has_request_context():  # otherwise there is no reader
            named = (step for office in visible_agencies(db.session()) for step in (office.sop_steps or "").split())
            yield from dict.fromkeys(step for step in map(Step, named) if step.own_name)


class _Outcomes:
    """The outcomes that the SOPs of the reader's office have at steps of their own."""

    def __iter__(self) -> Iterator[Outcome]:
        if not has_request_context():
            return
        rules = (rule for sop in sops_of_reader() for step, rule in sop.rules.items() if step.is_own)
        yield from dict.fromkeys(outcome for rule in rules for outcome in rule.leads_to)


@dataclass(frozen=True, slots=True)
class NamedChoiceFilter(ChoiceFilter):
    """A choice among what SOPs name, which differs from reader to reader."""

    has_static_options: ClassVar[bool] = False


#: What columns and filters offer where a list has steps of several SOPs.
SOP_STEPS, SOP_OUTCOMES = _Steps(), _Outcomes()
