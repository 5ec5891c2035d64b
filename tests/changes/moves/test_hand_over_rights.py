"""Who may not hand a step over is told so, whatever the form says; and no choice is taken that its field has not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.changes.steps.activity import Activity
from tests.support.cast import LUMAJANG
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

FORMS: tuple[dict[str, Any], ...] = (
    {},
    {"to": "", "reason": ""},
    {"to": "0", "reason": "Cuti"},
    {"to": "x" * 400, "reason": " "},
    {"to": "1", "reason": "Cuti"},
)


@pytest.mark.parametrize("typed", FORMS)
@pytest.mark.parametrize("is_taken_up", [True, False])
def test_whoever_may_not_take_the_step_is_refused_with_403_before_anything_else(
    running_app: RunningApp, typed: dict[str, Any], is_taken_up: bool
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    if is_taken_up:
        version = str(running_app.step_and_version(change_id)[1])
        taken = running_app.visitor("pengelola").post(f"/admin/change/{change_id}/take-up", version=version)
        assert taken.status_code == 303
    version = str(running_app.step_and_version(change_id)[1])
    for name in ("pemohon", "kepala", "pemeriksa"):
        answer = running_app.visitor(name).post(f"/admin/change/{change_id}/hand-over", version=version, **typed)
        assert answer.status_code == 403, name
    for name in ("pengelola.tt", "kepala.tt"):
        answer = running_app.visitor(name).post(f"/admin/change/{change_id}/hand-over", version=version, **typed)
        assert answer.status_code == 404, name
    # A colleague may give it on, and an administrator the held step of another.
    for name in ("pengelola2", "administrator"):
        answer = running_app.visitor(name).post(
            f"/admin/change/{change_id}/hand-over", version=version, to="", reason=""
        )
        assert answer.status_code == (422 if is_taken_up else 409), name


@pytest.mark.parametrize("text", ["", "   "])
def test_whoever_only_reads_is_refused_a_comment_before_its_text_is_looked_at(
    running_app: RunningApp, text: str
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    answer = running_app.visitor("pemeriksa").post(f"/admin/change/{change_id}/comment", text=text)
    assert answer.status_code == 403


@pytest.mark.parametrize("value", ["complete", "LACKING", "lacking;", "0", "<b>", "x" * 900])
def test_a_statement_on_an_output_is_one_of_its_choices(running_app: RunningApp, value: str) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    form = running_app.move_form(change_id, Outcome.ACCEPTED)
    refused = running_app.actor(change_id).post(
        f"/admin/change/{change_id}/move", json=True, **form | {"output-0": value}
    )
    assert (refused.status_code, list(refused.get_json()["fields"])) == (422, ["output-0"])
    assert running_app.step_and_version(change_id)[0] is Step.EVALUATION
    with running_app.session() as session:
        stored = session.scalars(select(Activity.declared).where(Activity.change_id == change_id)).all()
    assert all("output-0" not in (one or {}) for one in stored)


def test_the_choices_of_an_output_are_taken(running_app: RunningApp) -> None:
    for value in ("", "lacking"):
        change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
        form = running_app.move_form(change_id, Outcome.ACCEPTED)
        explained = {"account-output-0": "Disusulkan"} if value else {}
        done = running_app.actor(change_id).post(
            f"/admin/change/{change_id}/move", **form | {"output-0": value} | explained
        )
        assert done.status_code == 303
