"""A move loads its case file once, and asks each thing once."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.transitions import reason_cannot_act
from models.changes.loading import load_change
from models.changes.moves.case_file import position_of, read_case
from models.office.calendars import load_calendars_with
from tests.support.cast import LUMAJANG
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.changes.changes import ChangeView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

    from tests.support.running_app import RunningApp

ASKED = (load_change, read_case, position_of, reason_cannot_act, load_calendars_with)


@pytest.fixture
def calls() -> Iterator[Counter[str]]:
    """Count the calls of the functions above while a move is made."""
    result: Counter[str] = Counter()
    names: dict[CodeType, str] = {function.__code__: function.__name__ for function in ASKED}
    moving: list[FrameType] = []

    def count(frame: FrameType, event: str, _argument: object) -> None:
        if frame.f_code is ChangeView._make_move.__code__:
            moving.append(frame) if event == "call" else moving.clear()
        elif moving and event == "call" and frame.f_code in names:
            result[names[frame.f_code]] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    yield result
    sys.setprofile(before)


@pytest.mark.sqlite_alone
@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (Step.EVALUATION, Outcome.ACCEPTED),
        (Step.APPROVAL, Outcome.APPROVED),
        (Step.IMPLEMENTATION, Outcome.DONE),
        (Step.VERIFICATION, Outcome.VERIFIED),
    ],
)
def test_a_move_asks_each_thing_once(
    step: Step, outcome: Outcome, running_app: RunningApp, calls: Counter[str]
) -> None:
    answer = running_app.make_move(running_app.change_at_step(LUMAJANG, step), outcome)
    assert answer.status_code == 303
    assert calls == {function.__name__: 1 for function in ASKED}
