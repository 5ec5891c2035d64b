"""SOPs of other agencies in the same installation: fewer steps, other names, no number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import ValidationFailed
from lpse_admin.sop import bundled_sops
from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from models.sops import sop
from tests.support.cast import NOW, TANA_TIDUNG, user, values_for
from tests.support.present import present
from tests.support.running_app import RunningApp, form_fields, move_form, running_app

if TYPE_CHECKING:
    from typing import Any

__all__ = ["running_app"]

KEY = "kota-jauh-2021"
#: Six steps in Papua: no number, no NIP (a regent has none), no approval, release or assets; a long title.
SIX_STEPS = f"""
title = "PENGELOLAAN PERUBAHAN “SPSE” {"DAN APLIKASI PENDUKUNGNYA " * 14}"
time_zone = "Asia/Jayapura"
agency = {{ key = "kota-jauh", name = "LPSE Kota Jauh", region = "Kota Jauh" }}
signatory = {{ name = "Bupati", office = "Bupati Jauh" }}
actors = [
    {{ key = "pengguna", title = "Pengguna SPSE", role = "requester" }},
    {{ key = "helpdesk", title = "Helpdesk", role = "change_manager" }},
    {{ key = "tim-teknis", title = "Tim Teknis", role = "change_manager" }},
    {{ key = "ketua", title = "Ketua LPSE", role = "head" }},
]
""" + "".join(
    f'[[steps]]\nkey = "{key}"\nno = {no}\nactivity = "{key}"\nactor = "{actor}"\noutcomes = {{ {outcomes} }}\n{more}'
    for no, (key, actor, outcomes, more) in enumerate(
        (
            ("request", "pengguna", 'submitted = "evaluation"', ""),
            ("evaluation", "helpdesk", 'accepted = "implementation", rejected = "closed"', 'time = "± 30 menit"\n'),
            ("implementation", "tim-teknis", 'done = "test"', 'time = "1-3 hari kerja"\n'),
            ("test", "tim-teknis", 'passed = "report", failed = "implementation"', ""),
            ("report", "helpdesk", 'reported = "verification"', 'time = "1 minggu"\n'),
            ("verification", "ketua", 'verified = "closed"', ""),
        ),
        start=1,
    )
)
SIX_STEPS += """[[rows]]
no = 7
text = "Mengarsipkan"
kind = "note"
actor = "helpdesk"
requires = ["Map gantung", "Lemari arsip"]
time = "bila perlu"
"""
ACCOUNTS = {Role.REQUESTER: "pengguna.kj", Role.CHANGE_MANAGER: "teknis.kj", Role.HEAD: "ketua.kj"}


def test_a_request_runs_from_draft_to_closed_under_six_steps_and_everybody_reads_it_at_each(
    running_app: RunningApp,
) -> None:
    with running_app.session() as session:
        revision = sop.load_revision(session, SIX_STEPS, KEY, now=NOW)
        revision.enact(now=NOW, by=None)
        for role, name in ACCOUNTS.items():
            user(session, revision.agency, name, role)
        sop_id = revision.id
        session.commit()
    asked = values_for(Step.REQUEST, Outcome.SUBMITTED)
    fields: dict[str, Any] = {
        key: value for name, part in asked.items() for key, value in form_fields(name, part).items()
    }
    response = running_app.visitor("pengguna.kj").post("/admin/change/new/", **fields)
    change_id = int(present(re.search(r"id=(\d+)", response.headers["Location"]))[1])
    way = ("submitted", "accepted", "done", "failed", "done", "passed", "reported", "verified")
    for outcome in map(Outcome, way):
        with running_app.session() as session:
            change = session.get_one(ChangeRequest, change_id)
            role, fields = change.sop.rules[change.step].actor, move_form(change, outcome)
        moved = running_app.visitor(ACCOUNTS[role]).post(f"/admin/change/{change_id}/move", **fields)
        assert moved.status_code == 303, moved.text
        for name in ACCOUNTS.values():
            assert running_app.visitor(name).get(f"/admin/change/details/?id={change_id}").status_code == 200, outcome
    assert running_app.step_and_version(change_id)[0] is Step.CLOSED
    with running_app.session() as session:
        capacities = [step.capacity for step in session.get_one(ChangeRequest, change_id).activities]
    page = running_app.visitor("ketua.kj").get(f"/admin/sop/details/?id={sop_id}").text
    assert all(said in page for said in ("Pelaksana: Helpdesk", "Lemari arsip", "bila perlu")), "a row that is no step"
    assert [capacities[0], capacities[2], capacities[-1]] == ["Pengguna SPSE", "Tim Teknis", "Ketua LPSE"]


def test_the_name_of_an_office_s_sop_is_refused_to_another_office(running_app: RunningApp) -> None:
    text = dict(bundled_sops())[TANA_TIDUNG].replace('key = "tana-tidung"', 'key = "kota-lain"')
    with running_app.session() as session, pytest.raises(ValidationFailed) as refusal:
        sop.parse_and_check(session, text, TANA_TIDUNG)
    assert list(refusal.value.field_errors) == ["key"]
    response = running_app.visitor("admin").post("/admin/sop/new/", text=text, key=TANA_TIDUNG, do="check")
    assert (response.status_code, "sudah dipakai LPSE lain" in response.text) == (422, True)
