"""A date that is years away is asked about on every form, and taken once it is confirmed."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from lpse_admin.i18n import Message
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.questions import reach_question, window_question
from models.changes.steps.activity import Release
from models.delegation.absence import Absence
from models.delegation.delegation import Delegation
from models.office.office_day import OfficeDay
from models.releases.freeze import Freeze
from tests.support.cast import LUMAJANG, NOW
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from models.base import Base
    from tests.support.running_app import RunningApp

DAY = dt.timedelta(days=1)


def head_and_delegate(running_app: RunningApp) -> tuple[str, str]:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        return str(office.head.id), str(office.delegate.id)


def form_of(kind: str, running_app: RunningApp) -> tuple[str, str, dict[str, Any], str, type[Base]]:
    """Return who sends a form, where, with what, the field whose date is far away, and the table of what it makes."""
    head, delegate = head_and_delegate(running_app)
    match kind:
        case "freeze":
            days = {"from_at": "2036-12-20T00:00", "until_at": "2036-12-31T23:59"}
            form_values: dict[str, Any] = {"name": "Tutup tahun", "reason": "Tutup buku", **days}
            return "administrator", "/admin/freeze/new/", form_values, "from_at", Freeze
        case "holiday":
            form_values = {
                "date": "2029-12-14",
                "kind": "holiday",
                "name": "Hari jadi",
                "reason": "SK Bupati",
            }
            return "administrator", "/admin/holiday/new/", form_values, "date", OfficeDay
        case "past holiday":
            form_values = {
                "date": "2016-12-15",
                "kind": "holiday",
                "name": "Hari jadi",
                "reason": "SK Bupati",
            }
            return "administrator", "/admin/holiday/new/", form_values, "date", OfficeDay
        case "absence":
            form_values = {"head_id": head, "from_date": "2062-03-03", "until_date": "2062-03-04", "reason": "Cuti"}
            return "kepala", "/admin/absence/new/", form_values, "from_date", Absence
        case _:
            form_values = {
                "head_id": head, "delegate_id": delegate, "kind": "plh", "decree_number": "800/9/2026",
                "from_date": "2062-03-03", "until_date": "2062-03-05", "reason": "Dinas luar",
            }  # fmt: skip
            return "kepala", "/admin/delegation/new/", form_values, "from_date", Delegation


@pytest.mark.parametrize("kind", ["freeze", "holiday", "past holiday", "absence", "delegation"])
def test_a_date_that_is_years_away_comes_back_with_a_question_and_is_taken_when_confirmed(
    kind: str, running_app: RunningApp
) -> None:
    who, path, typed, field, table = form_of(kind, running_app)
    visitor = running_app.visitor(who)
    files: dict[str, Any] = {"decree": upload_file("SK.pdf")} if kind == "delegation" else {}
    asked = visitor.post(path, **typed, **files)
    assert asked.status_code == 422
    neighbour = asked.text.partition(f'id="{field}-error"')[2][:600]
    assert "“Date”" not in neighbour
    assert "“From”" not in neighbour
    assert "“First day”" not in neighbour
    assert re.search(r"\d+ tahun (lagi|yang lalu|ke depan)|tahun", neighbour), neighbour
    boxes = re.findall(r'name="(confirm-[\w-]+)"', asked.text)
    assert f"confirm-{field}" in boxes
    form_id = re.findall(r'name="form_id"[^>]* value="([0-9a-f]{32})"', asked.text)[-1]
    one_less: dict[str, Any] = dict.fromkeys(boxes[1:], "y")
    assert visitor.post(path, **typed, form_id=form_id, **one_less).status_code == 422
    taken = visitor.post(path, **typed, form_id=form_id, **one_less | {boxes[0]: "y"})
    assert taken.status_code == 303, taken.text
    with running_app.session() as session:
        assert session.scalars(select(table)).all()


def test_a_script_is_told_which_date_is_asked_about(running_app: RunningApp) -> None:
    typed: dict[str, Any] = {"date": "2029-12-14", "kind": "holiday", "name": "Hari jadi", "reason": "SK Bupati"}
    answer = running_app.visitor("administrator").post("/admin/holiday/new/", json=True, **typed)
    assert (answer.status_code, list(answer.get_json()["fields"])) == (422, ["date"])


def test_a_date_that_was_confirmed_is_not_asked_about_again(running_app: RunningApp) -> None:
    visitor = running_app.visitor("administrator")
    typed: dict[str, Any] = {"date": "2029-12-13", "kind": "holiday", "name": "Hari jadi", "reason": "SK Bupati"}
    response = visitor.post("/admin/holiday/new/", **typed | {"confirm-date": "y"})
    assert response.status_code == 303
    with running_app.session() as session:
        day = session.scalars(select(OfficeDay.id).where(OfficeDay.date == dt.date(2029, 12, 13))).one()
    again = visitor.post(f"/admin/holiday/edit/?id={day}", **typed | {"name": "Hari Jadi Lumajang"})
    assert again.status_code == 303, again.text


def test_a_release_is_moved_to_a_window_that_has_passed_only_when_it_is_confirmed(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    assert running_app.make_move(change_id, Outcome.SCHEDULED).status_code == 303
    with running_app.session() as session:
        release = session.scalars(select(Release.id).where(Release.change_id == change_id)).one()
    visitor, path = running_app.visitor("pengelola"), f"/admin/release/{release}/move-window"
    start = NOW - 3 * DAY
    window: dict[str, Any] = {
        "window_start_at": f"{start:%Y-%m-%dT%H:%M}",
        "window_end_at": f"{start + dt.timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "reason": "Salah tanggal",
    }
    asked = visitor.post(path, **window)
    assert asked.status_code == 422
    assert "sudah lewat" in asked.text
    assert visitor.post(path, **window | {"confirm-window_end_at": "y"}).status_code == 303


@given(days=st.integers(-20_000, 20_000))
def test_a_date_and_its_moment_are_asked_about_alike(days: int) -> None:
    day, moment = NOW.date() + days * DAY, NOW + days * DAY
    one, other = (reach_question(Message("Tanggal"), value, NOW) for value in (day, moment))
    assert (one is None) is (other is None)
    assert (one is None) is (abs(days) <= 730)


def test_only_a_window_that_has_ended_is_asked_about() -> None:
    assert window_question(NOW, NOW) is not None
    assert window_question(NOW + DAY, NOW) is None
    assert window_question(None, NOW) is None
