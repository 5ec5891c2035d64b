"""The services that a request affects are words of it: of the request as it names them, and of its evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.changes.assets.change_item import ChangeItem
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Evaluation, EvaluationItem
from models.search.index import SearchRecord, is_fts_intact, stale_records
from tests.support.cast import LUMAJANG, change_at_step, create_cast, new_change, open_session
from tests.support.migrations import migration_app
from tests.support.running_app import running_app  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


def found(running_app: RunningApp, who: str, query: str) -> str:
    answer = running_app.visitor(who).get(f"/search?q={query}")
    assert answer.status_code == 200
    return str(answer.text.partition("<main")[2])


def submitted(running_app: RunningApp, title: str, affected: str) -> int:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    fields = running_app.move_form(change_id, Outcome.SUBMITTED, affected=affected, title=title)
    assert running_app.visitor("pemohon").post(f"/admin/change/{change_id}/move", **fields).status_code == 303
    return change_id


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("Antrean Loket Rubiah", id="the name as it is written"),
        pytest.param("rubiah loket", id="words in another order"),
        pytest.param("eMonitor", id="a name with a hyphen in one word"),
        pytest.param("e-monitor", id="the same with its hyphen"),
        pytest.param("rubi", id="the beginning of a word"),
        pytest.param("rubyah", id="one letter wrong"),
    ],
)
def test_a_request_is_found_by_a_service_that_it_names(running_app: RunningApp, query: str) -> None:
    change_id = submitted(running_app, "Perbaikan tampilan", "Antrean Loket Rubiah\ne-Monitor")
    assert f"/admin/change/details/?id={change_id}" in found(running_app, "kepala", query)
    assert f"/admin/change/details/?id={change_id}" in found(running_app, "pemohon", query)
    for stranger in ("pemohon2", "kepala.tt"):
        assert f"/admin/change/details/?id={change_id}" not in found(running_app, stranger, query)


def test_an_evaluation_is_found_by_the_services_that_it_names_anew(running_app: RunningApp) -> None:
    change_id = submitted(running_app, "Pemindahan jaringan", "Loket Zaitun")
    with running_app.session() as opened:
        version = opened.get_one(ChangeRequest, change_id).version
    manager = running_app.visitor("pengelola")
    saved = manager.post(
        f"/admin/change/{change_id}/save", version=str(version), affected="Loket Zaitun\nGerbang Kurma"
    )
    assert saved.status_code == 303
    assert "Gerbang <mark>Kurma</mark>" in found(running_app, "kepala", "kurma")
    with running_app.session() as opened:
        assert list(stale_records(opened.connection())) == []


def test_services_that_were_named_before_are_found_after_the_upgrade_and_the_index_agrees_both_ways(
    database_url: str,
) -> None:
    with open_session(database_url) as session:
        office = create_cast(session).office(LUMAJANG)
        draft = new_change(session, office)
        draft.affected_items = [
            ChangeItem(position=1, service="Loket Zaitun"), ChangeItem(position=2, service="e-Kontrak"),
        ]  # fmt: skip
        evaluated = change_at_step(session, office, Step.EVALUATION)
        assert isinstance(evaluated.current_activity, Evaluation)
        evaluated.current_activity.affected_items = [EvaluationItem(position=1, service="Gerbang Kurma")]
        session.commit()
        before = session.execute(select(SearchRecord.__table__).order_by("key")).all()
    with migration_app(database_url):
        downgrade(revision="0033")
    with open_session(database_url) as session:
        words = " ".join(session.scalars(select(SearchRecord.text)))
        assert "Zaitun" not in words
        assert "Kurma" not in words
    with migration_app(database_url):
        upgrade()
    with open_session(database_url) as session:
        assert session.execute(select(SearchRecord.__table__).order_by("key")).all() == before
        assert list(stale_records(session.connection())) == []
        assert is_fts_intact(session.connection())
