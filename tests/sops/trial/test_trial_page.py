"""The trial of a draft on the page beside its enactment: what it reads, says, and leaves as it is."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from sqlalchemy import event, func, select

import views.sops.trial
from lpse_admin.sop import parse
from lpse_admin.sop.fields import SopFieldKind
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.worktime.periods import ReportPeriod
from models.audit.erasure import ERASED_TEXT
from models.audit.trail import AuditEntry
from models.base import Base
from models.changes.change import ChangeRequest
from models.reports import sop_trial
from models.reports.sop_trial import try_sop
from models.sops.sop import SopRevision, load_revision
from tests.changes.own_fields.office import KEY as OWN_FIELDS_KEY
from tests.changes.own_fields.office import TEXT as OWN_FIELDS
from tests.support.cast import LUMAJANG, NOW, make_move, make_office, move_through, new_change
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

KEY = "empat-blok-2027"
TEXT = (Path(__file__).parent / "files" / f"{KEY}.toml").read_text(encoding="utf-8")
PERIOD = ReportPeriod(NOW.date() - dt.timedelta(364), NOW.date() + dt.timedelta(1))


@pytest.fixture(scope="module")
def draft(running_app: RunningApp) -> int:
    """Close three requests of Lumajang, load the draft, and return its id."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        move_through(session, office, Outcome.SUBMITTED, Outcome.REJECTED)
        move_through(session, office, Outcome.SUBMITTED, Outcome.REJECTED)
        closed(running_app, session)
        move_through(session, office, Outcome.SUBMITTED)
        revision = load_revision(session, TEXT, KEY, now=NOW)
        session.commit()
        return revision.id


def closed(app: RunningApp, session: Any) -> ChangeRequest:
    """Return a normal request that was completed."""
    way = ("submitted", "accepted", "normal", "done", "passed", "reported", "verified", "scheduled", "unchanged")
    return move_through(session, app.cast(session).lumajang, *map(Outcome, way))


def trial(app: RunningApp, draft: int, query: str = "", who: str = "kepala") -> Any:
    return app.visitor(who).get(f"/admin/sop/{draft}/trial{query}")


def all_rows(app: RunningApp) -> dict[str, int]:
    """Return how many rows each table has."""
    with app.session() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_the_head_and_the_administrator_find_it_beside_the_enactment_and_nobody_else(
    running_app: RunningApp, draft: int
) -> None:
    for who, status in (("kepala", 200), ("administrator", 200), ("pengelola", 403), ("pemohon", 403),
                        ("pemeriksa", 403), ("kepala.tt", 404)):  # fmt: skip
        assert trial(running_app, draft, who=who).status_code == status, who
        assert trial(running_app, draft, "/steps.csv", who=who).status_code == status, who
    for who, is_there in (("kepala", True), ("administrator", True), ("pengelola", False)):
        page = running_app.visitor(who).get(f"/admin/sop/details/?id={draft}").text
        assert (f"/admin/sop/{draft}/trial" in page) is is_there, who


def test_the_page_says_what_would_have_been_otherwise_and_counts_it(running_app: RunningApp, draft: int) -> None:
    page = trial(running_app, draft).text
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for sentence in (
        "Permintaan yang diuji 3", "Tidak dapat menempuh alurnya 1",
        "Memuat langkah yang harus dikerjakan pelaksana lain 1",
        "“Normal” pada “Penilaian Tingkat Keterdesakan” menuju “Persetujuan”, bukan “Pelaksanaan Perubahan”.",
        "selanjutnya: Kepala LPSE", "Berita acara pelaksanaan", "Berlaku mulai", "tidak ada dalam SOP ini", "Jumlah 13",
    ):  # fmt: skip
        assert sentence in words, sentence
    with running_app.session() as session:
        numbers = session.scalars(select(ChangeRequest.number).where(ChangeRequest.closed_at.is_not(None))).all()
    assert all(str(number) in page for number in numbers), "each lacks the day from which it is to hold"


def test_nothing_is_written_by_looking_and_an_entry_alone_by_taking_a_file(running_app: RunningApp, draft: int) -> None:
    trial(running_app, draft)
    before = all_rows(running_app)
    with running_app.session() as session:
        versions = session.execute(select(ChangeRequest.id, ChangeRequest.version)).all()
    assert trial(running_app, draft, "?from=2026-01-01&until=2026-12-31").status_code == 200
    assert all_rows(running_app) == before
    assert trial(running_app, draft, "/requests.csv").status_code == 200
    assert all_rows(running_app) == {**before, "audit_entry": before["audit_entry"] + 1}
    with running_app.session() as session:
        assert session.execute(select(ChangeRequest.id, ChangeRequest.version)).all() == versions
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (last.action, "Uji coba SOP (CSV)" in (last.reason or "")) == ("list.export", True)


def test_the_files_have_the_rows_of_the_page_and_its_totals(running_app: RunningApp, draft: int) -> None:
    answer = trial(running_app, draft, "/steps.csv")
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert rows[-1][0] == "Jumlah"
    for column in range(2, len(rows[0])):
        assert int(rows[-1][column]) == sum(int(row[column]) for row in rows[1:-1]), rows[0][column]
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    book = openpyxl.load_workbook(io.BytesIO(trial(running_app, draft, "/requests.xlsx").get_data()))
    requests, notes = book.worksheets
    assert requests.max_row == 1 + 3
    facts = {row[0]: row[1] for row in notes.iter_rows(values_only=True)}
    assert (facts["Permintaan yang diuji"], facts["Permintaan ditutup dalam periode"]) == ("3", "3")
    above = trial(running_app, draft, "/requests.csv?head=1").get_data().decode("utf-8-sig")
    assert "Uji coba SOP" in above.splitlines()[0]
    assert trial(running_app, draft, "/requests.pdf").status_code == 404
    assert trial(running_app, draft, "/people.csv").status_code == 404


def test_a_period_without_requests_is_nil_and_a_wrong_one_is_said_and_kept(running_app: RunningApp, draft: int) -> None:
    nil = trial(running_app, draft, "?from=2020-01-01&until=2020-12-31")
    assert (nil.status_code, "NIHIL" in nil.text) == (200, True)
    for query, sentence in (
        ("?from=2026-05-01&until=2026-04-01", "mendahului awalnya"),
        ("?from=2026-05-01", "kedua tanggal"),
        ("?from=31-02-2026&until=2026-04-01", "kedua tanggal"),
        ("?from=2026-01-01&until=9999-12-31", "kedua tanggal"),
    ):
        wrong = trial(running_app, draft, query)
        assert (wrong.status_code, sentence in wrong.text) == (400, True), query
        assert present(re.search(r'name="from" value="([^"]*)"', wrong.text))[1] in query
        assert trial(running_app, draft, f"/steps.xlsx{query}").status_code == 400


def test_what_is_beyond_the_most_is_said_in_a_sentence(
    running_app: RunningApp, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views.sops.trial, "try_sop", partial(try_sop, most=2))
    assert "terakhir ditutup yang diuji" not in trial(running_app, draft, "?from=2020-01-01&until=2020-12-31").text
    assert "pilih periode yang lebih pendek" in trial(running_app, draft).text


def test_a_long_list_is_cut_on_the_page_and_whole_in_the_files(
    running_app: RunningApp, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views.sops.trial, "_SHOWN", 1)
    assert "1 pertama dari 3" in trial(running_app, draft).text


def test_an_sop_that_was_enacted_is_not_tried(running_app: RunningApp) -> None:
    with running_app.session() as session:
        in_force = session.scalars(select(SopRevision.id).where(SopRevision.key == LUMAJANG)).one()
    answer = trial(running_app, in_force)
    assert (answer.status_code, "berstatus draf" in answer.text) == (409, True)
    assert "/trial" not in running_app.visitor("kepala").get(f"/admin/sop/details/?id={in_force}").text


def test_more_requests_take_no_more_statements(running_app: RunningApp, draft: int) -> None:
    def statements(most: int) -> int:
        told: list[str] = []
        with running_app.session() as session:
            revision = session.get_one(SopRevision, draft)
            agency, sop = revision.agency, revision.sop

            def note(*args: Any) -> None:
                told.append(args[2])

            event.listen(running_app.engine, "before_cursor_execute", note)
            tried = try_sop(session, agency, sop, PERIOD, most=most)
            event.remove(running_app.engine, "before_cursor_execute", note)
        assert tried.totals.requests == most
        return len(told)

    assert statements(3) == statements(1) <= 7


def test_rows_are_read_in_parts_that_need_not_end_with_a_request(
    running_app: RunningApp, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_app.session() as session:
        revision = session.get_one(SopRevision, draft)
        whole = try_sop(session, revision.agency, revision.sop, PERIOD)
        monkeypatch.setattr(sop_trial, "_FETCHED", 2)
        assert try_sop(session, revision.agency, revision.sop, PERIOD).requests == whole.requests


def test_what_the_records_hold_counts_and_what_was_erased_was_there(running_app: RunningApp) -> None:
    with running_app.session() as session:
        text = OWN_FIELDS.replace('region = "Kota Isian"', 'region = "Kota Isian"\naccount_suffix = ".ki"')
        revision = load_revision(session, text, OWN_FIELDS_KEY, now=NOW)
        revision.enact(now=NOW, by=None)
        office = make_office(session, revision)
        session.commit()
        change = new_change(session, office)
        values = {"field-berlaku-mulai": dt.date(2026, 4, 1), "field-kode-tender": "TDR 4711"}
        make_move(session, change, Outcome.SUBMITTED, office.requester, values=values)
        make_move(session, change, Outcome.REJECTED, office.manager)
        asking = text.replace(
            'label = "Kode tender"\nkind = "line"', 'label = "Kode tender"\nkind = "line"\nrequired_for = ["submitted"]'
        ).replace(
            'label = "Narahubung di LPSE"\nkind = "user"',
            'label = "Narahubung di LPSE"\nkind = "user"\nrequired_for = ["submitted"]',
        )
        tried = try_sop(session, revision.agency, parse(asking, OWN_FIELDS_KEY), PERIOD)
        (step,) = tried.requests[0].missing
        assert (step.step, list(map(str, step.missing))) == (Step.REQUEST, ["Narahubung di LPSE"])


def test_a_date_or_a_person_that_was_erased_still_says_that_there_was_one() -> None:
    rows = [
        SimpleNamespace(activity_id=1, key="berlaku-mulai", kind=SopFieldKind.DATE, value=ERASED_TEXT),
        SimpleNamespace(activity_id=1, key="narahubung", kind=SopFieldKind.USER, value="7"),
    ]
    assert sop_trial._values_by_step(rows) == {1: {"field-berlaku-mulai": ERASED_TEXT, "field-narahubung": 7}}
