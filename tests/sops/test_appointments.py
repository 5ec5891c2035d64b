"""Appointments to the posts of an SOP: who may record and end them, and whose steps are whose then."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Step
from models.sops.appointment import NO_APPOINTMENTS, Appointment, AppointmentState, Decree, appoint, load_appointments
from tests.support import cast as casting
from tests.support.cast import LUMAJANG, NOW, change_at_step, delegation
from tests.support.running_app import RunningApp, running_app

if TYPE_CHECKING:
    from models.accounts.user import User
    from tests.support.cast import Cast, Office

__all__ = ["cast", "running_app", "session"]

session, cast = casting.session, casting.cast
TODAY = NOW.date()
DAY = dt.timedelta(days=1)


def decree(post: str, *users: User, **values: Any) -> Decree:
    """Return a decree that is in force from today on."""
    said: dict[str, Any] = {"number": "800/1", "date": TODAY, "from_date": TODAY} | values
    return Decree(post, users, **said)


def appointed(session: casting.AuditedSession, office: Office, *users: User, **values: Any) -> list[Appointment]:
    """Appoint users to the post of the change manager."""
    return appoint(session, office.agency, decree("pengelola", *users, **values), by=office.head, now=NOW)


def test_without_appointments_a_post_is_held_by_all_who_have_its_role(
    session: casting.AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    assert load_appointments(session, office.agency, NOW) is NO_APPOINTMENTS
    change = change_at_step(session, office, Step.URGENCY)
    assert change.reason_not_eligible(office.manager2, NOW) is None


def test_from_the_first_appointment_on_a_post_is_held_by_those_appointed_alone_and_for_their_days(
    session: casting.AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.URGENCY)
    (one,) = appointed(session, office, office.manager2, until_date=TODAY + DAY)
    assert change.reason_not_eligible(office.manager, NOW) is not None
    assert change.reason_not_eligible(office.manager2, NOW) is None
    assert change.reason_not_eligible(office.manager2, NOW + 2 * DAY) is not None, "it has ended, and nobody holds it"
    assert change.capacity_of(office.manager2, NOW) == "Pengelola Perubahan"
    assert one.state(TODAY) is AppointmentState.IN_FORCE
    assert one.state(TODAY + 2 * DAY) is AppointmentState.ENDED
    appointed(session, office, office.manager, number="800/2", from_date=TODAY + 2 * DAY)
    assert change.reason_not_eligible(office.manager, NOW) is not None
    assert change.reason_not_eligible(office.manager, NOW + 2 * DAY) is None


def test_an_acting_head_holds_the_posts_of_the_head_for_whom_they_act(
    session: casting.AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.APPROVAL)
    delegation(session, office)
    assert change.reason_not_eligible(office.delegate, NOW) is None
    appoint(session, office.agency, decree("kepala", office.head), by=office.head, now=NOW)
    assert change.reason_not_eligible(office.delegate, NOW) is None
    assert change.reason_not_eligible(office.head, NOW) is None


def test_an_appointment_is_ended_once_with_a_reason(session: casting.AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    (one,) = appointed(session, office, office.manager)
    with pytest.raises(NotAllowed):
        one.end("Pindah tugas", by=office.manager, now=NOW)
    with pytest.raises(ValidationFailed):
        one.end(" ", by=office.head, now=NOW)
    one.end("Pindah tugas", by=office.administrator, now=NOW)
    with pytest.raises(NoSuchMove):
        one.end("Lagi", by=office.head, now=NOW)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"number": ""}, "decree_number"),
        ({"date": None}, "decree_date"),
        ({"date": TODAY + DAY}, "decree_date"),
        ({"from_date": None}, "from_date"),
        ({"until_date": TODAY - DAY}, "until_date"),
        ({"from_date": TODAY - 9 * DAY, "until_date": TODAY - DAY}, "until_date"),
        ({"actor_key": "camat"}, "actor_key"),
        ({"actor_key": "pemohon"}, "actor_key"),
        ({"actor_key": "kepala"}, "users"),
        ({"users": ()}, "users"),
    ],
)
def test_a_decree_that_says_something_impossible_is_refused_at_its_field(
    session: casting.AuditedSession, cast: Cast, values: dict[str, Any], field: str
) -> None:
    office = cast.lumajang
    whole: dict[str, Any] = {
        "actor_key": "pengelola",
        "users": (office.manager,),
        "number": "1",
        "date": TODAY,
        "from_date": TODAY,
    }
    with pytest.raises(ValidationFailed) as refused:
        appoint(session, office.agency, Decree(**(whole | values)), by=office.head, now=NOW)
    assert set(refused.value.field_errors) == {field}


def test_nobody_is_appointed_twice_to_a_post_on_one_day_nor_from_another_office(
    session: casting.AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    appointed(session, office, office.manager, until_date=TODAY + 3 * DAY)
    with pytest.raises(ValidationFailed):
        appointed(session, office, office.manager, from_date=TODAY + 3 * DAY)
    appointed(session, office, office.manager, from_date=TODAY + 4 * DAY)
    with pytest.raises(ValidationFailed):
        appointed(session, office, cast.tana_tidung.manager)
    with pytest.raises(NotAllowed):
        appoint(session, office.agency, decree("pengelola", office.manager2), by=office.manager, now=NOW)
    with pytest.raises(NotAllowed):
        appoint(session, office.agency, decree("pengelola", office.manager2), by=cast.tana_tidung.head, now=NOW)


def _ids(app: RunningApp, *usernames: str) -> list[str]:
    with app.session() as opened:
        office = app.cast(opened).lumajang
        return [str(person.id) for person in office.people if person.username in usernames]


def test_the_head_appoints_several_by_one_decree_on_the_screen_and_ends_one(running_app: RunningApp) -> None:
    head = running_app.visitor("kepala")
    form = html.unescape(head.get("/admin/appointment/new/").text)
    post = re.search(r'<option value="(\d+:pengelola)">Pengelola Perubahan', form)
    assert post
    assert ":pemohon" not in form
    fields: dict[str, Any] = {
        "actor_key": post[1], "users": _ids(running_app, "pengelola", "pengelola2"), "decree_number": "800/9/2026",
        "decree_date": str(TODAY), "from_date": str(TODAY), "until_date": "",
    }  # fmt: skip
    wrong = head.post("/admin/appointment/new/", **(fields | {"users": []}))
    assert (wrong.status_code, "800/9/2026" in wrong.text) == (422, True)
    assert head.post("/admin/appointment/new/", **fields).status_code == 303
    with running_app.session() as opened:
        first, second = opened.scalars(select(Appointment.id).order_by(Appointment.id))
    listed = html.unescape(running_app.visitor("pemeriksa").get("/admin/appointment/").text)
    assert listed.count("800/9/2026") >= 2
    assert running_app.visitor("pemohon").get("/admin/appointment/").status_code == 403
    assert running_app.visitor("pengelola").get("/admin/appointment/new/").status_code == 403
    assert f"/admin/appointment/{first}/end" in head.get(f"/admin/appointment/details/?id={first}").text
    change_id = running_app.change_at_step(LUMAJANG, Step.URGENCY)
    assert head.post(f"/admin/appointment/{first}/end", reason="Pindah tugas").status_code == 303
    path = f"/admin/change/details/?id={change_id}"
    assert "Hanya Pengelola Perubahan" in running_app.visitor("pengelola").get(path).text
    assert "step-form" in running_app.visitor("pengelola2").get(path).text
    assert f"id={change_id}" not in running_app.visitor("pengelola").get("/admin/change/?waiting=me").text
    assert f"id={change_id}" in running_app.visitor("pengelola2").get("/admin/change/?waiting=me").text
    trail = running_app.visitor("kepala").get(f"/admin/appointment/details/?id={second}").text
    assert "Mencatat penunjukan" in trail
