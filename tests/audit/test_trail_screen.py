"""The screen of the audit trail: what an entry is about, whose it is, and its rows in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import AuditEntry
from models.base import Base
from models.changes.change import ChangeRequest
from tests.support.cast import asset, change_at_step, make_move, new_change
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.audit.words import TABLES

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


@pytest.fixture(scope="module")
def number(running_app: RunningApp) -> str:
    """Submit a request, start a draft and enter an asset; return the request's number."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        change = new_change(session, office)
        make_move(session, change, Outcome.SUBMITTED, office.requester)
        change_at_step(session, office, Step.EVALUATION)
        new_change(session, office)
        asset(session, office)
        return present(change.number)


def rows(app: RunningApp, query: str, who: str = "pemeriksa") -> str:
    """Return the rows of the trail."""
    answer = app.visitor(who).get(f"/admin/audit/?size=100&{query}")
    assert answer.status_code == 200
    return answer.text.partition("<tbody>")[2].partition("</tbody>")[0]


def test_who_came_in_is_left_out_until_it_is_asked_for(running_app: RunningApp, number: str) -> None:
    shown = running_app.visitor("pemeriksa").get("/admin/audit/").text
    chip = re.search(r'<a class="chip" href="\?([^"]+)">Masuk dan keluar: tidak disertakan', shown)
    assert chip is not None
    assert ">Masuk<" not in rows(running_app, "")
    assert number in rows(running_app, "")
    assert ">Masuk<" in rows(running_app, chip[1])
    only = rows(running_app, "logins=only")
    assert ">Masuk<" in only
    assert number not in only
    for query in ("search=maharani", "search=maharani&sort=at"):
        assert ">Masuk<" not in rows(running_app, query)
        assert ">Masuk<" in rows(running_app, f"{query}&logins=all")


def test_each_entry_says_what_it_is_about(running_app: RunningApp, number: str) -> None:
    shown = rows(running_app, "")
    assert f'data-label="Perihal">{number}<' in shown
    assert 'data-label="Perihal">Draf<' in shown
    assert 'data-label="Perihal">Aset<' in shown


def test_the_trail_is_narrowed_by_request_person_and_kind_of_record(running_app: RunningApp, number: str) -> None:
    _rfc, year, serial = number.split("/")
    for query in (number, f"{year}/{int(serial)}", f"rfc {year} {serial}"):
        shown = rows(running_app, f"object={query}")
        assert set(re.findall(r"RFC/\d+/\d+", shown)) == {number}
    assert "Aset" not in rows(running_app, f"object={number}")
    assert rows(running_app, "object=2026/9999") == ""
    assert set(re.findall(r'data-label="Perihal">([^<]+)<', rows(running_app, "record=asset"))) == {"Aset"}
    assert running_app.visitor("pemeriksa").get("/admin/audit/?record=nothing").status_code == 400
    with running_app.session() as session:
        name = present(running_app.cast(session).lumajang.requester.full_name)
    people = set(re.findall(r'data-label="Pengguna">([^<]+)<', rows(running_app, f"actor={name}")))
    assert people == {name}


def test_every_kind_of_record_has_a_word_on_the_screen() -> None:
    kinds = {
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if getattr(mapper.class_, "is_office_record", False) or getattr(mapper.class_, "belongs_to_change", False)
    }
    assert len(kinds) > 20
    assert kinds - set(TABLES) == set()


def test_the_rows_of_an_entry_are_in_words_with_the_stored_data_folded(running_app: RunningApp, number: str) -> None:
    with running_app.session() as session:
        entry = session.scalars(select(AuditEntry.id).where(AuditEntry.action == "change.submitted")).first()
        title = present(session.scalars(select(ChangeRequest.title).where(ChangeRequest.number == number)).one())
    page = running_app.visitor("pemeriksa").get(f"/admin/audit/details/?id={entry}").text
    told = page.partition("Data sebelum dan sesudah")[2]
    words = re.sub(r"<details>.*?</details>", "", told, flags=re.DOTALL)
    assert '<th scope="row">Langkah</th>' in words
    assert "Evaluasi" in words
    assert "WIB" in words
    assert "evaluation" not in words
    assert "+00:00" not in words
    assert "<summary>Data asli sebagaimana disimpan</summary>" in told
    assert "&#34;step&#34;: &#34;evaluation&#34;" in told
    assert title
