"""Findings of outside assessors: entered, acted on, agreed to, linked to what they are about, overdue, exported."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from lpse_admin.notifications.events import Event
from lpse_admin.self_check.rules import RuleKey
from lpse_admin.sop.steps import Step
from models.assessment.finding import AssessorFinding, FindingState
from models.audit.trail import AuditEntry
from models.notifications.notification import Notification
from models.self_check.run import run_self_check
from tests.support.cast import OUTCOMES_TO, asset, move_through
from tests.support.program import Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

TYPED: dict[str, Any] = {
    "found_on": "2026-01-05",
    "assessor": "Inspektorat Daerah",
    "clause": "Standar 06, klausul 4.2",
    "finding": "Pengujian tidak dicatat.",
    "improvement": "Catat hasil setiap pengujian.",
    "priority": "high",
    "due_on": "2026-02-28",
    "subject": "none",
    "reference": "",
}


def enter(running_app: RunningApp, number: str, who: str = "pengelola", **values: Any) -> int:
    answer = running_app.visitor(who).post("/admin/finding/new/", number=number, **(TYPED | values))
    assert answer.status_code == 303, re.findall(r"field-error.*?<span>(.*?)</span>", answer.text, re.DOTALL)
    return load(running_app, number).id


def load(running_app: RunningApp, number: str) -> AssessorFinding:
    with running_app.session() as session:
        return session.scalars(select(AssessorFinding).where(AssessorFinding.number == number)).one()


def act(running_app: RunningApp, id_: int, **values: Any) -> int:
    with running_app.session() as session:
        person = running_app.cast(session).lumajang.manager2.id
    fields: dict[str, Any] = {
        "action": "Formulir uji dipakai.",
        "person_id": str(person),
        "progress": "done",
        "action_on": "2026-02-01",
    }
    return running_app.visitor("pengelola").post(f"/admin/finding/{id_}/act", **(fields | values)).status_code


def agree(running_app: RunningApp, id_: int, agreement: str = "agreed", note: str = "") -> int:
    fields: dict[str, Any] = {
        "agreement": agreement,
        "agreed_by": "Inspektorat Daerah",
        "agreed_on": "2026-02-10",
        "note": note,
    }
    return running_app.visitor("kepala").post(f"/admin/finding/{id_}/agree", **fields).status_code


def test_a_finding_goes_from_its_entry_over_an_action_to_the_assessor_s_agreement(running_app: RunningApp) -> None:
    id_ = enter(running_app, "T-01")
    assert load(running_app, "T-01").state is FindingState.NEW
    assert agree(running_app, id_) == 409
    assert act(running_app, id_, progress="running", action_on="") == 303
    assert load(running_app, "T-01").state is FindingState.RUNNING
    assert act(running_app, id_) == 303
    assert load(running_app, "T-01").state is FindingState.DONE
    assert agree(running_app, id_, "not-agreed") == 422  # why, is asked for
    assert agree(running_app, id_, "not-agreed", "Belum semua langkah.") == 303
    assert load(running_app, "T-01").state is FindingState.NOT_AGREED
    assert act(running_app, id_, action="Semua langkah dicatat.") == 303
    assert load(running_app, "T-01").agreement_note is None
    assert agree(running_app, id_) == 303
    assert load(running_app, "T-01").state is FindingState.CLOSED
    assert act(running_app, id_) == 409
    page = running_app.visitor("pemeriksa").get(f"/admin/finding/details/?id={id_}").text
    for text in ("Inspektorat Daerah", "Semua langkah dicatat.", "Selesai", "Tinggi", "Standar 06, klausul 4.2"):
        assert text in page
    with running_app.session() as session:
        told = session.scalars(select(Notification.event).where(Notification.key.startswith(f"finding-{id_}-"))).all()
        acts = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.startswith("finding.")).order_by(AuditEntry.id)
        ).all()
    assert told == [Event.FINDING_ASSIGNED]
    assert acts == ["finding.enter", "finding.act", "finding.act", "finding.agree", "finding.act", "finding.agree"]


def test_what_an_assessor_said_is_corrected_until_there_is_an_action(running_app: RunningApp) -> None:
    id_ = enter(running_app, "T-02")
    edit = f"/admin/finding/edit/?id={id_}"
    visitor = running_app.visitor("pengelola")
    assert "Pengujian tidak dicatat." in visitor.get(edit).text
    typed = TYPED | {"number": "T-02", "finding": "Sebagian pengujian tidak dicatat."}
    assert visitor.post(edit, **typed).status_code == 303
    assert load(running_app, "T-02").finding == "Sebagian pengujian tidak dicatat."
    act(running_app, id_)
    assert visitor.post(edit, **typed).status_code == 409


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"finding": "\u200b"}, "wajib diisi"),
        ({"due_on": "2026-01-01"}, "Target waktu mendahului"),
        ({"subject": "change", "reference": ""}, "Sebutkan yang mana"),
        ({"subject": "change", "reference": "RFC/1999/1"}, "tidak ada dalam register"),
        ({"subject": "asset", "reference": "Kapal selam"}, "Kapal selam"),
        ({"found_on": "besok lusa"}, "besok lusa"),
    ],
)
def test_what_cannot_be_entered_comes_back_with_its_sentence(
    typed: dict[str, Any], sentence: str, running_app: RunningApp
) -> None:
    fields = TYPED | {"number": "T-X"} | typed
    answer = running_app.visitor("pengelola").post("/admin/finding/new/", **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Catat hasil setiap pengujian." in answer.text


def test_a_number_is_given_once_in_an_office(running_app: RunningApp) -> None:
    enter(running_app, "T-03")
    answer = running_app.visitor("kepala").post("/admin/finding/new/", number="T-03", **(TYPED | {"clause": "5"}))
    assert answer.status_code == 422
    assert "sudah dipakai" in answer.text
    enter(running_app, "T-03a", "administrator")


def test_a_finding_leads_to_what_it_is_about(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        change = move_through(session, office, *OUTCOMES_TO[Step.CLOSED])
        item = asset(session, office)
        session.flush()
        number, reference = str(change.number), item.reference
        ids = {"change": change.id, "asset": item.id, "sop": change.sop_id}
        session.commit()
    names = {"change": number, "asset": reference, "sop": "lumajang-2018", "release": number}
    for index, (subject, name) in enumerate(names.items(), 10):
        id_ = enter(running_app, f"T-{index}", subject=subject, reference=name)
        finding = load(running_app, f"T-{index}")
        result = getattr(finding, f"{subject}_id")
        assert result == ids.get(subject, result)
        assert result
        page = running_app.visitor("pemeriksa").get(f"/admin/finding/details/?id={id_}").text
        assert f'href="/admin/{subject}/details/?id={result}"' in page
        edit = running_app.visitor("pengelola").get(f"/admin/finding/edit/?id={id_}").text
        assert f'<option selected value="{subject}">' in edit
    rows = running_app.visitor("pemeriksa").get("/admin/finding/export/csv/").text
    assert number in rows


def overdue(running_app: RunningApp) -> tuple[set[int], str]:
    """Return the findings that the self-check says are overdue in June, and the list of those."""
    former, running_app.now = running_app.now, dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    with running_app.session() as session:
        result = run_self_check(session, running_app.cast(session).lumajang.agency, running_app.now)
        ids = {one.record_id for one in result if one.rule is RuleKey.FINDING_OVERDUE}
        session.rollback()
    visitor = Visitor(running_app.app, "pemeriksa")
    page = visitor.get("/admin/finding/?due=overdue").text
    running_app.now = former
    return ids, page


def test_an_improvement_past_its_target_is_in_the_list_and_in_the_self_check(running_app: RunningApp) -> None:
    id_ = enter(running_app, "T-20", due_on="2026-01-06")
    ids, page = overdue(running_app)
    assert id_ in ids
    assert "T-20" in page
    assert act(running_app, id_) == 303
    ids, page = overdue(running_app)
    assert id_ not in ids
    assert "T-20" not in page


def test_other_offices_and_requesters_see_none(running_app: RunningApp) -> None:
    id_ = enter(running_app, "T-30")
    assert running_app.visitor("pemohon").get("/admin/finding/").status_code == 403
    assert running_app.visitor("pemeriksa.tt").get(f"/admin/finding/details/?id={id_}").status_code == 404
    assert running_app.visitor("pemeriksa").post("/admin/finding/new/", number="T-31", **TYPED).status_code == 403
    with running_app.session() as session:
        assert session.scalar(select(func.count()).where(AssessorFinding.number == "T-31")) == 0
