"""Search over everything that one may see: what is found, by whom, and that the index says what the records say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from lpse_admin.search.query import parse_search
from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from models.changes.comment import add_comment
from models.changes.steps.activity import Evaluation
from models.database import is_sqlite
from models.reports.waiting import ActingUser
from models.search import index
from models.search.index import SearchKind, SearchRecord
from models.search.search import Search
from tests.support.cast import NOW, OUTCOMES_TO, asset, change_at_step, deviation, move_through, new_change, values_for
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.search import search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import Select

    from tests.support.running_app import RunningApp

#: To the end, with a roll back and a change of the asset list.
WAY = (
    *OUTCOMES_TO[Step.ROLLBACK],
    *map(Outcome, ("rolled-back", "reported", "verified", "no-release", "changed", "updated")),
)


@pytest.fixture(scope="module")
def filled(running_app: RunningApp) -> RunningApp:
    """Put requests, records, files, an item and a deviation into both offices."""
    with running_app.session() as session:
        cast = running_app.cast(session)
        for office in (cast.lumajang, cast.tana_tidung):
            asset(session, office, name="Peladen Zamrud", code="132100102003")
            move_through(session, office, *WAY)
            change_at_step(session, office, Step.EVALUATION)
            deviation(session, office, "Antrean zamrud panjang")
            waiting = change_at_step(session, office, Step.EVALUATION)
            add_comment(waiting, by=office.manager, now=NOW, text="Kapan zamrud dapat diperiksa?")
            session.commit()
        draft = new_change(session, cast.lumajang)
        draft.title = "Rancangan zamrud"
        session.commit()
    return running_app


def headings(page: str) -> dict[str, str]:
    """Return how many were found of each kind, by the kind's key."""
    return dict(re.findall(r'id="found-(\w[\w-]*)">[^<]*<span class="hit-count">([\d.+]+)<', page))


def looked_for(running_app: RunningApp, who: str, query: str) -> dict[str, str]:
    answer = running_app.visitor(who).get(f"/search?q={query}")
    assert answer.status_code == 200
    return headings(answer.text)


def test_the_index_says_what_the_records_say_on_every_path(filled: RunningApp) -> None:
    with filled.session() as session:
        office = filled.cast(session).lumajang
        move_through(session, office, *WAY)
        open_step = change_at_step(session, office, Step.EVALUATION)
        assert isinstance(open_step.current_activity, Evaluation)
        open_step.current_activity.findings = "temuan sementara"
        session.commit()
        open_step.current_activity.findings = None
        given_up = new_change(session, office)
        session.commit()
        session.delete(given_up)
        session.commit()
        connection = session.connection()
        kinds = set(connection.execute(text("SELECT key / 9007199254740992 FROM search_record")).scalars())
        assert {int(kind) for kind in kinds} == set(SearchKind)
        assert list(index.stale_records(connection)) == []
        assert index.is_fts_intact(connection)
        before = connection.execute(select(SearchRecord.__table__).order_by("key")).all()
        assert index.rebuild_index(connection) == len(before)
        assert connection.execute(select(SearchRecord.__table__).order_by("key")).all() == before
        assert index.is_fts_intact(connection)


def test_the_command_tells_what_the_index_says_wrongly_and_makes_it_anew(filled: RunningApp) -> None:
    run = filled.app.test_cli_runner().invoke
    assert run(args=["search", "verify"]).exit_code == 0
    with filled.session() as session:
        connection = session.connection()
        one = connection.execute(select(SearchRecord.key).where(SearchRecord.text.contains("zamrud"))).scalars().first()
        connection.execute(update(SearchRecord).where(SearchRecord.key == one).values(text="lain"))
        connection.commit()
    result = run(args=["search", "verify"])
    assert result.exit_code == 1
    assert "berbeda dari indeks" in result.stderr
    assert run(args=["search", "rebuild"]).exit_code == 0
    assert run(args=["search", "verify"]).exit_code == 0


def test_everybody_finds_what_they_may_see_and_no_more(filled: RunningApp) -> None:
    office = looked_for(filled, "kepala", "zamrud")
    assert office == {"asset": "1", "deviation": "1", "comment": "1"}  # of their own office, and nobody's draft
    assert looked_for(filled, "admin", "zamrud") == {"asset": "2", "deviation": "2", "comment": "2"}
    assert looked_for(filled, "pemohon", "zamrud") == {"change": "1", "deviation": "1", "comment": "1"}
    assert looked_for(filled, "pemohon2", "zamrud") == {}
    assert looked_for(filled, "kepala.tt", "rancangan") == {}
    title = values_for(Step.REQUEST, Outcome.SUBMITTED)["title"].split()[0]
    assert {"change", "step"} & set(looked_for(filled, "pemohon", title))
    assert looked_for(filled, "pemohon2", title) == {}
    assert "user" in looked_for(filled, "pemeriksa", "pengelola")
    assert "user" not in looked_for(filled, "kepala", "pengelola")
    assert "sop" in looked_for(filled, "pemohon", "evaluasi")


def test_words_are_marked_where_they_were_found_and_lead_to_the_record(filled: RunningApp) -> None:
    page = filled.visitor("kepala").get("/search?q=ZAMRUD+antre").text
    assert "<mark>Antre</mark>an <mark>zamrud</mark> panjang" in page
    assert re.search(r'href="/admin/deviation/details/\?id=\d+"', page)
    assert "<script" not in filled.visitor("kepala").get("/search?q=%3Cscript%3Ezamrud").text.partition("<main")[2]


def test_a_whole_number_or_code_leads_and_its_last_part_is_enough(filled: RunningApp) -> None:
    with filled.session() as session:
        office = filled.cast(session).lumajang
        number = session.scalars(
            select(ChangeRequest.number).where(ChangeRequest.agency_id == office.agency.id, ChangeRequest.serial == 1)
        ).one()
    for query in (number, present(number).lower(), "1", "0001"):
        page = filled.visitor("kepala").get(f"/search?q={query}").text
        exact = page.partition('id="found-exact"')[2].partition("</section>")[0]
        assert re.sub("</?mark>", "", exact).count(present(number)) == 1, query
    for query in ("132100102003", "1.3.2.10.01.02.003", "1.3.2.10"):
        page = filled.visitor("kepala").get(f"/search?q={query}").text
        assert ('id="found-exact"' in page) == (query != "1.3.2.10")
        assert "Peladen Zamrud" in page


@pytest.mark.parametrize("query", ["%3F%3F%3F", "a%00b", "x" * 201, "a&kind=nothing", "a&page=-1", "a&page=99999999"])
def test_what_cannot_be_searched_for_is_said_beside_the_field(filled: RunningApp, query: str) -> None:
    answer = filled.visitor("kepala").get(f"/search?q={query}")
    assert answer.status_code == 400
    assert 'id="q-error"' in answer.text
    assert 'aria-invalid="true"' in answer.text


@pytest.mark.parametrize(
    "query", ["", "%20", "zzzzzz", "%25", "_a_", "' OR 1=1 --", "(", "AND", "x%20NEAR%20y", "%F0%9F%98%80a"]
)
def test_odd_words_are_words_and_find_nothing_or_something(filled: RunningApp, query: str) -> None:
    assert filled.visitor("kepala").get(f"/search?q={query}").status_code in {200, 400}


def test_kinds_are_paged_and_what_is_much_is_not_counted_out(
    filled: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_HITS_PER_KIND", 1)
    monkeypatch.setattr(search, "_PAGE_SIZE", 1)
    monkeypatch.setattr(search, "_MAX_COUNTED", 1)
    monkeypatch.setattr(search, "MAX_COUNT", 2)
    with filled.session() as session:
        for number in (1, 2):
            deviation(session, filled.cast(session).lumajang, f"Mirah delima {number}")
        session.commit()
    visitor = filled.visitor("kepala")
    page = visitor.get("/search?q=mirah").text
    assert headings(page)["deviation"] == "1+"
    first, second = (visitor.get(f"/search?q=mirah&kind=deviation&page={number}").text for number in (0, 1))
    assert headings(first) == {"deviation": "2"}
    shown = [re.findall(r'class="hit-name" href="([^"]+)"', one) for one in (first, second)]
    assert [len(one) for one in shown] == [1, 1]
    assert not set(shown[0]) & set(shown[1])


def test_newest_come_first_whatever_the_distance_of_their_keys(filled: RunningApp) -> None:
    with filled.session() as session:
        reader = ActingUser(filled.cast(session).lumajang.head)
        result = Search.prepare(session, reader, parse_search("rfc")).find(SearchKind.CHANGE, 100)
        newest_first = ChangeRequest.agency_id == reader.user.agency_id, ChangeRequest.number.is_not(None)
        everything = select(ChangeRequest.id).where(*newest_first).order_by(ChangeRequest.id.desc())
        assert result == session.scalars(everything).all()
        with pytest.raises(IntegrityError):
            session.connection().execute(insert(SearchRecord).values(key=1 << 56, text="x"))


def test_a_search_reads_the_index_and_no_table_as_a_whole(filled: RunningApp) -> None:
    with filled.session() as session:
        if not is_sqlite(session):
            pytest.skip("the plans of PostgreSQL depend on how much there is")
        cast = filled.cast(session)
        statements: Iterator[Select[Any]] = (
            Search.prepare(session, reader, parse_search("uji"))._keys(0, 1, owner)
            for reader, owner in ((ActingUser(cast.lumajang.head), None), (ActingUser(cast.lumajang.requester), 1))
        )
        for statement in statements:
            compiled = str(statement.compile(session.bind, compile_kwargs={"literal_binds": True}))
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
            assert [row[3].partition("INDEX")[0] for row in plan] == ["SCAN search_index VIRTUAL TABLE "]


def test_the_field_is_on_every_page_and_needs_no_script(filled: RunningApp) -> None:
    for who, path in (("pemohon", "/"), ("kepala", "/admin/change/"), ("admin", "/profile"), ("kepala", "/nowhere")):
        page = filled.visitor(who).get(path).text
        assert re.search(r'<form class="find" role="search" action="/search"', page)
