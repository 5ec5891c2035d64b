"""What else waits for the reader at the step of a request that they have before them, or have just finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.sop.steps import REQUESTER_STEPS
from models.changes.change import ChangeRequest
from models.database import db
from models.reports.waiting import position_in_queue
from views.listing.record_view import current_principal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpse_admin.sop.steps import Step
    from models.changes.loading import StepShown
    from models.changes.moves.case_file import CaseFile


@dataclass(frozen=True, slots=True)
class NextInQueue:
    """The next request at ``step``, its number and title; ``place`` is that of the request on the page.

    ``is_finished`` if the reader has just finished the step: then ``place`` is that of the next one.
    """

    step: Step
    place: int
    total: int
    change_id: int
    number: str
    title: str
    is_finished: bool


def next_in_queue(case: CaseFile, steps: Sequence[StepShown], *, can_act: bool) -> NextInQueue | None:
    """Return the next request for the reader; None if no other waits, or they have no part in this one."""
    last = steps[-1] if steps else None
    if last is not None and not can_act and last.is_open:
        last = steps[-2] if len(steps) > 1 else None
    if last is None or last.step in REQUESTER_STEPS:
        return None
    if not last.is_open and last.actor_id != case.actor.id:
        return None
    position = position_in_queue(db.session(), current_principal(), last)
    result = (
        position.next_id
        and db.session.execute(
            select(ChangeRequest.number, ChangeRequest.title).where(ChangeRequest.id == position.next_id)
        ).one_or_none()
    )
    if not result or position.next_id is None:
        return None
    place = position.place if last.is_open or position.place <= position.total else 1
    return NextInQueue(
        last.step, place, position.total, position.next_id, result[0] or "", result[1] or "", not last.is_open
    )
