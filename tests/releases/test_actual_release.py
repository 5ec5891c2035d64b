"""The actual time of a release, added by its managers when it is known: what cannot be is said beside its field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Release
from tests.support.cast import LUMAJANG
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


@pytest.fixture
def planned(running_app: RunningApp) -> int:
    """Give the id of a release that is planned and has no actual time."""
    change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    assert running_app.make_move(change_id, Outcome.SCHEDULED).status_code == 303
    with running_app.session() as session:
        activities = session.get_one(ChangeRequest, change_id).activities
        return next(one.id for one in activities if one.step is Step.RELEASE)


def actual(running_app: RunningApp, release_id: int) -> object:
    with running_app.session() as session:
        return session.get_one(Release, release_id).actual_at


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("2026-03-04T10:00", "tidak boleh lewat dari saat ini"),
        ("2025-01-01T10:00", "tidak boleh mendahului permintaan"),
        ("kemarin", "bukan tanggal dan waktu"),
        ("", "bukan tanggal dan waktu"),
    ],
)
def test_a_time_that_cannot_be_is_shown_again_with_the_sentence_beside_its_field(
    typed: str, sentence: str, running_app: RunningApp, planned: int
) -> None:
    answer = running_app.visitor("pengelola").post(f"/admin/release/{planned}/actual", actual_at=typed)
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text
    field = answer.text[answer.text.index('id="actual_at-error"') :]
    assert sentence in field[: field.index("</div>")], field[:300]
    assert actual(running_app, planned) is None


def test_a_program_is_told_the_field(running_app: RunningApp, planned: int) -> None:
    answer = running_app.visitor("pengelola").post(
        f"/admin/release/{planned}/actual", json=True, actual_at="2026-03-04T10:00"
    )
    assert answer.status_code == 422
    assert list(answer.get_json()["fields"]) == ["actual_at"]


def test_a_time_that_was_is_recorded_once(running_app: RunningApp, planned: int) -> None:
    visitor, address = running_app.visitor("pengelola"), f"/admin/release/{planned}/actual"
    assert visitor.post(address, actual_at="2026-03-02T09:00").status_code == 303
    assert actual(running_app, planned) == running_app.now
    assert visitor.post(address, actual_at="2026-03-02T09:00").status_code == 409
