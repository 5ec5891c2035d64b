"""A required text that shows nothing is missing, whatever stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from tests.support.cast import LUMAJANG
from tests.support.running_app import running_app  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

_INVISIBLE = ["\u200b\u200b\u200b", "\u3164", "\u00ad\u2800", "\u00a0\u202f", "\u0301"]


@pytest.mark.parametrize("title", _INVISIBLE)
def test_an_invisible_title_is_required(title: str, running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    answer = running_app.make_move(change_id, Outcome.SUBMITTED, title=title)
    assert answer.status_code == 422
    assert "Judul" in answer.text
    with running_app.session() as session:
        assert session.get_one(ChangeRequest, change_id).number is None


@pytest.mark.parametrize("reason", _INVISIBLE)
def test_an_invisible_reason_of_a_rejection_is_required(reason: str, running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    answer = running_app.make_move(change_id, Outcome.REJECTED, reason=reason)
    assert answer.status_code == 422
    with running_app.session() as session:
        assert session.get_one(ChangeRequest, change_id).step is Step.EVALUATION
