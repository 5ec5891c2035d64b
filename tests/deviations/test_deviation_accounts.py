"""A late step, a missing letter and an absent head: each deviates, is accounted for, and is disposed of by the head."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.deviations import DeviationKind, Disposal
from models.changes.change import ChangeRequest
from models.deviations.deviation import Deviation, DeviationState
from models.worktime.deadlines import sweep
from tests.support.cast import LUMAJANG, NOW, TANA_TIDUNG, delegation, deviation, set_test_audit_context
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.running_app import RunningApp

HOUR = dt.timedelta(hours=1)
LETTER = "document-surat-permohonan"


@pytest.fixture(autouse=True)
def morning(running_app: RunningApp) -> Iterator[None]:
    """Begin each test at nine on the Monday."""
    running_app.now = NOW
    yield
    running_app.now = NOW


def told(running_app: RunningApp, change_id: int) -> list[Deviation]:
    """Return the deviations of a request, in order."""
    with running_app.session() as session:
        return list(session.scalars(select(Deviation).where(Deviation.change_id == change_id).order_by(Deviation.id)))


def sweep_all(running_app: RunningApp) -> int:
    """Run the sweep over both offices and return how many deviations it raised."""
    with running_app.session() as session:
        cast = running_app.cast(session)
        set_test_audit_context(session, "deadline.sweep", now=running_app.now)
        raised = [one for office in (cast.lumajang, cast.tana_tidung)
                  for one in sweep(session, office.agency, running_app.now).raised]  # fmt: skip
        session.commit()
        return len(raised)


def test_a_late_step_a_missing_letter_and_an_absent_head_are_accounted_for_and_disposed_of(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    form = running_app.move_form(change_id, Outcome.SUBMITTED)
    form.pop(LETTER)
    requester = running_app.visitor("pemohon")

    refused = requester.post(f"/admin/change/{change_id}/move", **form)
    assert refused.status_code == 422
    assert "surat" in refused.text.lower()
    form = running_app.move_form(change_id, Outcome.SUBMITTED)
    form.pop(LETTER)
    accepted = requester.post(
        f"/admin/change/{change_id}/move",
        **form,
        **dict[str, Any]({f"account-{LETTER}": "Surat menyusul, pejabatnya dinas luar"}),
    )
    assert accepted.status_code == 303, accepted.text
    (letter,) = told(running_app, change_id)
    assert (letter.kind, letter.subject, letter.state) == (DeviationKind.EQUIPMENT, LETTER, DeviationState.ACCOUNTED)
    assert letter.accounted_capacity is not None, "in which capacity it was accounted for stays with the account"

    # Two hours are the standard; three and a half are over when the manager finishes.
    running_app.now += 4.5 * HOUR  # with the noon break
    late = running_app.make_move(change_id, Outcome.ACCEPTED)
    assert late.status_code == 422
    assert "account-time" in late.text
    assert running_app.step_and_version(change_id)[0] is Step.EVALUATION
    assert (
        running_app.make_move(
            change_id, Outcome.ACCEPTED, **dict[str, Any]({"account-time": "Jaringan kantor padam"})
        ).status_code
        == 303
    )
    assert running_app.make_move(change_id, Outcome.EMERGENCY).status_code == 303

    _the_head_is_away(running_app, change_id)
    for outcome in (Outcome.DONE, Outcome.PASSED, Outcome.REPORTED):
        assert running_app.make_move(change_id, outcome).status_code == 303
    last = _nothing_is_verified_before_everything_is_disposed_of(running_app, change_id)
    page = running_app.visitor("pemeriksa").get(f"/admin/change/details/?id={change_id}").text
    for words in ("Surat menyusul", "Jaringan kantor padam", "delegasi baru terbit", "Plh. Kepala LPSE", "800/12/2026"):
        assert words in page
    _the_ledger_says_the_same(running_app, change_id)
    _it_stays_on_a_home_page_until_it_is_followed_up(running_app, last)


def _the_head_is_away(running_app: RunningApp, change_id: int) -> None:
    # The standard of an hour goes by, and the sweep says so, once.
    running_app.now += dt.timedelta(days=1)
    assert sweep_all(running_app) == 1
    assert sweep_all(running_app) == 0
    with running_app.session() as session:
        delegation(session, running_app.cast(session).lumajang, days=5)
    stand_in = running_app.visitor("plh")
    move = running_app.move_form(change_id, Outcome.APPROVED) | {
        "account-time": "Kepala dinas luar, delegasi baru terbit"
    }
    assert stand_in.post(f"/admin/change/{change_id}/move", **move).status_code == 303


def _nothing_is_verified_before_everything_is_disposed_of(running_app: RunningApp, change_id: int) -> int:
    """Return the deviation that is to be followed up."""
    undisposed = running_app.make_move(change_id, Outcome.VERIFIED)
    assert undisposed.status_code == 422
    result = told(running_app, change_id)
    assert [one.kind for one in result] == [DeviationKind.EQUIPMENT, DeviationKind.TIME, DeviationKind.TIME]
    given: dict[str, Any] = {f"disposal-{one.id}": "accepted" for one in result[:2]}
    with running_app.session() as session:
        manager = running_app.cast(session).lumajang.manager.id
    last = result[2].id
    given |= {f"disposal-{last}": "follow-up", f"follow-up-by-{last}": str(manager)}
    without_a_day = running_app.make_move(change_id, Outcome.VERIFIED, **given)
    assert without_a_day.status_code == 422
    assert f"follow-up-until-{last}" in without_a_day.text
    assert (
        running_app.make_move(
            change_id, Outcome.VERIFIED, **given, **dict[str, Any]({f"follow-up-until-{last}": "2026-03-20"})
        ).status_code
        == 303
    )
    return last


def _it_stays_on_a_home_page_until_it_is_followed_up(running_app: RunningApp, last: int) -> None:
    home = running_app.visitor("pengelola").get("/").text
    assert f"/admin/deviation/details/?id={last}" in home
    assert running_app.visitor("pengelola2").post(f"/admin/deviation/{last}/done", note="Sudah").status_code == 403
    assert running_app.visitor("pengelola").post(f"/admin/deviation/{last}/done", note=" ").status_code == 422
    done = running_app.visitor("pengelola").post(f"/admin/deviation/{last}/done", note="Jadwal piket kepala disusun")
    assert done.status_code == 303
    assert f"/admin/deviation/details/?id={last}" not in running_app.visitor("pengelola").get("/").text


def _the_ledger_says_the_same(running_app: RunningApp, change_id: int) -> None:
    export = running_app.visitor("pemeriksa").get("/admin/deviation/export/csv/?sort=raised").text
    with running_app.session() as session:
        number = session.get_one(ChangeRequest, change_id).number
    rows = [row for row in csv.reader(io.StringIO(export.lstrip("\ufeff"))) if number in row]
    assert len(rows) == 3
    assert ["Surat menyusul, pejabatnya dinas luar" in row for row in rows] == [True, False, False]
    assert all("Kepala LPSE" in row for row in rows)


def test_the_ledger_and_its_export_name_the_decree_under_which_a_delegate_disposed(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).tana_tidung
        one = deviation(session, office)
        delegation(session, office)
        set_test_audit_context(session)
        one.dispose(office.delegate, now=NOW, values={"disposal": "accepted"})
        session.commit()
        id_, change_id = one.id, one.change_id
    inspector = running_app.visitor("pemeriksa.tt")
    assert "Plh. Kepala LPSE (800/12/2026)" in inspector.get(f"/admin/change/details/?id={change_id}").text
    assert "800/12/2026" in inspector.get(f"/admin/deviation/details/?id={id_}").text
    heading, *rows = csv.reader(io.StringIO(inspector.get("/admin/deviation/export/csv/").text.lstrip("\ufeff")))
    (row,) = (row for row in rows if "Plh. Kepala LPSE" in row)
    assert row[heading.index("Nomor surat keputusan pendelegasian")] == "800/12/2026"


def test_a_paper_without_the_clause_refuses_what_is_missing_and_judges_nothing(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(TANA_TIDUNG, Step.EVALUATION)
    running_app.now += dt.timedelta(days=30)
    assert running_app.make_move(change_id, Outcome.ACCEPTED).status_code == 303
    assert told(running_app, change_id) == []
    assert 'name="account-' not in running_app.actor_page(change_id).text


def test_what_was_disposed_of_says_so_to_the_executor(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    running_app.now += dt.timedelta(days=2)
    assert (
        running_app.make_move(change_id, Outcome.REJECTED, **dict[str, Any]({"account-time": "Sakit"})).status_code
        == 303
    )
    (one,) = told(running_app, change_id)
    assert running_app.visitor("pengelola2").post(f"/admin/deviation/{one.id}/dispose").status_code == 403
    head = running_app.visitor("kepala")
    assert f"/admin/deviation/{one.id}/dispose" in head.get(f"/admin/deviation/details/?id={one.id}").text
    nameless = head.post(f"/admin/deviation/{one.id}/dispose", **dict[str, Any]({f"disposal-{one.id}": "not-accepted"}))
    assert nameless.status_code == 422
    taken = head.post(
        f"/admin/deviation/{one.id}/dispose",
        **dict[str, Any]({f"disposal-{one.id}": "not-accepted", f"note-{one.id}": "Tidak ada pemberitahuan"}),
    )
    assert taken.status_code == 303
    (one,) = told(running_app, change_id)
    assert (one.disposal, one.disposed_capacity) == (Disposal.NOT_ACCEPTED, "Kepala LPSE")
    again = head.post(f"/admin/deviation/{one.id}/dispose", **dict[str, Any]({f"disposal-{one.id}": "accepted"}))
    assert again.status_code == 409
