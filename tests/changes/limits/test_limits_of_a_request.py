"""A request under an SOP with limits: shown, warned of, raised once, accounted for, printed and exported."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.deviations import DeviationKind
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.deviations.deviation import Deviation
from models.notifications.notification import Notification
from models.sops.editing import EditedSop
from models.sops.sop import SopRevision, load_revision
from models.worktime.deadlines import sweep
from tests.changes.limits.office import DECISION, KEY, TEXT, WHOLE, WORK
from tests.support.cast import NOW, Office, make_move, make_office, new_change, set_test_audit_context
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.inspection.contents.folders import change_files
from views.papers.contents.sop_paper import sop_paper
from views.papers.printing import Office as PaperOffice
from views.papers.printing import print_sop

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

DAY = dt.timedelta(1)


@pytest.fixture(scope="module")
def revision_id(running_app: RunningApp) -> int:
    """Open the office, and return the id of its SOP."""
    with running_app.session() as session:
        revision = load_revision(session, TEXT, KEY, now=NOW)
        revision.enact(now=NOW, by=None)
        make_office(session, revision)
        session.commit()
        return revision.id


def office(session: Any, revision_id: int) -> Office:
    """Return the office with its people."""
    revision = session.get_one(SopRevision, revision_id)

    def person(name: str) -> Any:
        return session.scalars(select(User).where(User.username == f"{name}.kb")).one()

    return Office(
        revision, person("pemohon"), person("pemohon2"), person("pengelola"), person("pengelola2"), person("kepala"),
        person("plh"), person("pemeriksa"), person("administrator"),
    )  # fmt: skip


def submitted(session: Any, revision_id: int, *outcomes: str) -> ChangeRequest:
    """Return a request that was submitted and moved on at once."""
    people = office(session, revision_id)
    change = new_change(session, people)
    for outcome in ("submitted", *outcomes):
        make_move(session, change, Outcome(outcome), people.actor(change.step))
    return change


def swept(session: Any, change: ChangeRequest, now: dt.datetime) -> list[Deviation]:
    """Let the sweep of deadlines run, and return the deviations of the request."""
    set_test_audit_context(session, "deadline.sweep", now=now)
    sweep(session, change.agency, now)
    session.commit()
    return list(session.scalars(select(Deviation).where(Deviation.change_id == change.id).order_by(Deviation.id)))


def told(session: Any, change: ChangeRequest) -> list[tuple[Event, str]]:
    """Return event and recipient of the notifications of limits."""
    rows = session.scalars(
        select(Notification).where(Notification.change_id == change.id, Notification.key.like("%limit-%"))
    ).all()
    return sorted((row.event, row.user.username) for row in rows)


def test_a_limit_is_warned_of_before_and_raised_once_when_it_is_passed(
    running_app: RunningApp, revision_id: int
) -> None:
    with running_app.session() as session:
        change = submitted(session, revision_id)
        assert swept(session, change, NOW + DAY) == []
        assert told(session, change) == []
        swept(session, change, NOW + 3 * DAY - dt.timedelta(minutes=10))
        managers = [(Event.SOON_LATE, "pengelola.kb"), (Event.SOON_LATE, "pengelola2.kb")]
        assert told(session, change) == managers
        (raised,) = swept(session, change, NOW + 4 * DAY)
        assert (raised.kind, raised.title, raised.step, raised.account) == (
            DeviationKind.TIME, DECISION, Step.EVALUATION, None,
        )  # fmt: skip
        late = [(Event.OVERDUE, name) for name in ("kepala.kb", "pengelola.kb", "pengelola2.kb")]
        assert told(session, change) == sorted([*managers, *late])
        assert len(swept(session, change, NOW + 5 * DAY)) == 1
        assert told(session, change) == sorted([*managers, *late])


def test_what_is_passed_is_explained_before_its_step_is_finished_and_not_again(
    running_app: RunningApp, revision_id: int
) -> None:
    then = NOW + 7 * DAY
    with running_app.session() as session:
        change_id = submitted(session, revision_id).id
        session.commit()
    running_app.now = then
    try:
        visitor, address = running_app.visitor("pengelola.kb"), f"/admin/change/{change_id}/move"
        form = running_app.move_form(change_id, Outcome.ACCEPTED)
        refused = visitor.post(address, **{**form, "account-time": ""})
        assert refused.status_code == 422
        assert f"“{DECISION}” sudah berjalan" in refused.text
        form = running_app.move_form(change_id, Outcome.ACCEPTED)
        assert visitor.post(address, **{**form, "account-time": "Menunggu data"}).status_code == 303
        page = running_app.visitor("kepala.kb").get(f"/admin/change/details/?id={change_id}").text
    finally:
        running_app.now = NOW
    with running_app.session() as session:
        (one,) = session.scalars(select(Deviation).where(Deviation.change_id == change_id)).all()
        assert (one.account, one.step, one.executor_name) == ("Menunggu data", Step.EVALUATION, "Pengelola.kb")
        assert present(one.measured_minutes) > present(one.allowed_minutes)
        change = session.get_one(ChangeRequest, change_id)
        assert len(swept(session, change, then + DAY / 24)) == 1, "it was accounted for in the step before"
    for words in (DECISION, "3 hari kerja", "terlambat", WHOLE, "berjalan"):
        assert words in page, words
    assert WORK not in page, "the request has not come to it"


def test_a_limit_that_is_passed_with_its_last_step_is_raised_there(running_app: RunningApp, revision_id: int) -> None:
    with running_app.session() as session:
        people = office(session, revision_id)
        change = submitted(session, revision_id, "accepted", "approved", "done")
        make_move(session, change, Outcome.PASSED, people.manager, now=NOW + 2 * DAY)
        rows = session.scalars(select(Deviation).where(Deviation.change_id == change.id)).all()
        assert [(row.title, row.step, row.standard) for row in rows] == [(WORK, Step.TEST, "24 jam kalender")]
        assert rows[0].account == "Antrean panjang"
        assert change.step is Step.CLOSED


def test_a_request_within_its_limits_is_on_time(running_app: RunningApp, revision_id: int) -> None:
    with running_app.session() as session:
        change = submitted(session, revision_id, "accepted", "approved", "done", "passed")
        change_id = change.id
        assert swept(session, change, NOW + 60 * DAY) == []
    page = running_app.visitor("kepala.kb").get(f"/admin/change/details/?id={change_id}").text
    table = page[page.index('id="limits"') :].split("</table>")[0]
    assert table.count("tepat waktu") == 3
    assert "24 jam kalender" in table


def test_the_sop_shows_prints_and_compares_its_limits(running_app: RunningApp, revision_id: int) -> None:
    page = running_app.visitor("pemohon.kb").get(f"/admin/sop/details/?id={revision_id}").text
    for words in (
        DECISION,
        "tiba di “Evaluasi”",
        "“Persetujuan” selesai",
        WHOLE,
        "pengajuan permintaan",
        "siang dan malam",
    ):
        assert words in page, words
    with running_app.session() as session, running_app.app.test_request_context():
        revision = session.get_one(SopRevision, revision_id)
        extra = sop_paper(revision).extra
        assert [row[0] for row in extra["limits"]] == [DECISION, WORK, WHOLE]
        assert print_sop(PaperOffice.load(session, revision.agency, "http://localhost"), revision).pdf.startswith(
            b"%PDF"
        )


def test_the_dossier_of_a_request_tells_actual_and_allowed_times(running_app: RunningApp, revision_id: int) -> None:
    with running_app.session() as session:
        change = submitted(session, revision_id, "accepted", "approved", "done", "passed")
        with running_app.app.test_request_context():
            name, parts = next(iter(change_files(session, change.id, "berkas")))
    text = b"".join(parts).decode()
    assert name.endswith("ringkasan.html")
    for words in (DECISION, WORK, WHOLE, "24 jam kalender", "30 hari kerja"):
        assert words in text, words


def test_limits_are_edited_in_the_browser_by_their_names(running_app: RunningApp, revision_id: int) -> None:
    visitor = running_app.visitor("kepala.kb")
    begun = visitor.post("/admin/edited-sop/new/", start=f"revision-{revision_id}")
    id_ = present(re.search(r"id=(\d+)", begun.headers["Location"]))[1]
    address = f"/admin/edited-sop/{id_}/settings"
    page = visitor.get(address).text
    assert "evaluation" not in re.sub(r'value="[^"]*"|<[^>]+>', " ", page[page.index("Batas waktu keseluruhan") :])
    values = dict(re.findall(r'name="(limit-\d-(?:title|time))"[^>]*value="([^"]*)"', page))
    assert values["limit-2-title"] == WHOLE
    with running_app.session() as session:
        version = session.get_one(EditedSop, int(id_)).version
    sent: dict[str, Any] = {
        "version": version, "deviations": "y", "clock": "handling",
        "without_verification": "Laporan diperiksa pada rapat bulanan.",
        "limit-0-title": DECISION, "limit-0-from": "evaluation", "limit-0-to": "approval",
        "limit-0-time": "4 hari kerja",
        "limit-1-title": "", "limit-1-from": "implementation", "limit-1-to": "test", "limit-1-time": "24 jam kalender",
        "limit-2-title": WHOLE, "limit-2-from": "", "limit-2-to": "", "limit-2-time": "30 hari kerja",
        "limit-3-title": "Uji saja", "limit-3-from": "test", "limit-3-to": "test", "limit-3-time": "segera",
    }  # fmt: skip
    assert visitor.post(address, **sent).status_code == 303
    with running_app.session() as session:
        limits = session.get_one(EditedSop, int(id_)).document.limits
    assert limits == [
        {"title": DECISION, "from": "evaluation", "to": "approval", "time": "4 hari kerja"},
        {"title": WHOLE, "time": "30 hari kerja"},
        {"title": "Uji saja", "from": "test", "to": "test", "time": "segera"},
    ]
    page = visitor.get(f"/admin/edited-sop/details/?id={id_}").text
    assert "“segera” tidak terbaca sebagai waktu" in page
    compared = visitor.get(f"/admin/edited-sop/{id_}/compare").text
    assert f"Batas waktu “{WORK}”" in compared
