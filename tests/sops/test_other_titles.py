"""SOPs that call the head otherwise, or have two columns of one role: what screens, refusals and records then say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome
from models.changes.steps.activity import Activity
from models.sops.sop import load_revision
from tests.support.cast import NOW, cast, make_move, new_change, session, set_test_audit_context, user  # noqa: F401
from tests.support.cast import Office as CastOffice
from tests.support.program import Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from models.accounts.user import User
    from models.office.agency import Agency
    from tests.support.cast import AuditedSession
    from tests.support.running_app import RunningApp

FILES = Path(__file__).parent / "files"


def office_of(session: AuditedSession, file: str) -> tuple[Agency, dict[str, User], CastOffice]:
    """Load and enact an SOP, and make a user for each of its roles, and a second head."""
    set_test_audit_context(session)
    revision = load_revision(session, (FILES / f"{file}.toml").read_text(encoding="utf-8"), file, now=NOW)
    revision.enact(now=NOW, by=None)
    people = {
        name: user(session, revision.agency, f"{name}.{file}", role)
        for name, role in (
            ("peminta", Role.REQUESTER), ("penguji", Role.CHANGE_MANAGER), ("pelaksana", Role.CHANGE_MANAGER),
            ("kabag", Role.HEAD), ("sekda", Role.HEAD), ("inspektur", Role.INSPECTOR), ("operator", Role.ADMINISTRATOR),
        )
    }  # fmt: skip
    people["kabag"].position = "Kepala Bagian"
    people["penguji"].position = "Pranata Komputer"
    session.commit()
    office = CastOffice(
        revision, people["peminta"], people["peminta"], people["penguji"], people["pelaksana"], people["kabag"],
        people["pelaksana"], people["inspektur"], people["operator"],
    )  # fmt: skip
    return revision.agency, people, office


def test_where_an_sop_has_two_columns_of_a_role_the_record_says_the_title_of_the_person(
    session: AuditedSession,
) -> None:
    _agency, people, office = office_of(session, "dua-kolom")
    change = new_change(session, office)
    make_move(session, change, Outcome.SUBMITTED, people["peminta"])
    evaluated = make_move(session, change, Outcome.ACCEPTED, people["penguji"])
    approved = make_move(session, change, Outcome.APPROVED, people["kabag"])
    done = make_move(session, change, Outcome.DONE, people["pelaksana"])
    assert (evaluated.capacity, evaluated.actor_title) == ("Pranata Komputer", "Pranata Komputer")
    assert approved.capacity == "Kepala Bagian", "it stood in the column of the Sekretaris Daerah"
    assert done.capacity == "Tim Teknis", "who has no title of their own has that of the column"
    assert session.scalars(select(Activity.capacity).where(Activity.capacity == "Sekretaris Daerah")).all() == []


def test_screens_and_refusals_call_the_head_as_the_sop_does(running_app: RunningApp) -> None:
    with running_app.session() as opened:
        agency, _people, _office = office_of(opened, "pemohon-menguji")
        assert agency.head_title == "Kepala UKPBJ"
    for address in ("/", "/admin/absence/", "/admin/approval/"):  # what is kept of another office's pages is not shown
        running_app.visitor("kepala").get(address)
    head, operator = (Visitor(running_app.app, f"{name}.pemohon-menguji") for name in ("kabag", "operator"))
    for visitor, address in ((head, "/"), (head, "/admin/absence/"), (operator, "/admin/delegation/new/")):
        page = visitor.get(address).text
        assert "Kepala LPSE" not in page, address
    refused = Visitor(running_app.app, "penguji.pemohon-menguji").post("/admin/delegation/new/", json=True)
    assert (refused.status_code, "Kepala LPSE" in refused.text) == (403, False)
    assert "Kepala LPSE" in running_app.visitor("kepala").get("/admin/absence/").text, "Lumajang calls the head so"


def test_a_disabled_requester_s_requests_go_to_another_or_wait_as_the_administrator_chooses(
    running_app: RunningApp,
) -> None:
    with running_app.session() as opened:
        _cast = running_app.cast(opened).lumajang
        change = new_change(opened, _cast)
        make_move(opened, change, Outcome.SUBMITTED, _cast.requester)
        make_move(opened, change, Outcome.RETURNED, _cast.manager)
        change_id, number, ids = change.id, change.number, (_cast.requester.id, _cast.requester2.id)
    administrator, path = running_app.visitor("administrator"), f"/admin/user/{ids[0]}/disable"
    page = administrator.get(f"/admin/user/details/?id={ids[0]}").text
    assert f"Sedang menunggu pemohon ini: {number}" in page
    unanswered = administrator.post(path)
    assert (unanswered.status_code, str(number) in unanswered.text) == (422, True)
    typed: dict[str, Any] = {"username": "pemohon", "full_name": "Pemohon", "roles": ["inspector"]}
    edited = administrator.post(f"/admin/user/edit/?id={ids[0]}", **typed)
    assert (edited.status_code, str(number) in edited.text) == (422, True)
    assert administrator.post(path, successor_id=str(ids[1]), reason=" ").status_code == 422
    assert administrator.post(path, successor_id=str(ids[1]), reason="Pensiun").status_code == 303
    with running_app.session() as opened:
        assert opened.get_one(type(change), change_id).requester_id == ids[1]
    assert running_app.visitor("pemohon2").get(f"/admin/change/details/?id={change_id}").status_code == 200
    assert administrator.post(f"/admin/user/{ids[0]}/enable").status_code == 303
