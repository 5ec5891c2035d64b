"""A request names the assets and services that it affects, and an asset the requests that name it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.changes.assets.change_item import ChangeItem
from models.changes.change import ChangeRequest
from models.changes.steps.activity import EvaluationItem
from tests.support.cast import LUMAJANG, OUTCOMES_TO, asset, make_move, move_through
from tests.support.running_app import running_app  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


def an_asset(running_app: RunningApp, register: str, name: str = "Laptop") -> int:
    with running_app.session() as opened:
        return asset(opened, running_app.cast(opened).office(LUMAJANG), register, name=name).id


def items(running_app: RunningApp, kind: type[Any], owner: str, id_: int) -> list[tuple[int | None, str | None]]:
    with running_app.session() as opened:
        result = opened.scalars(select(kind).where(getattr(kind, owner) == id_).order_by(kind.position))
        return [(one.asset_id, one.service) for one in result]


def test_a_draft_keeps_what_it_affects_and_a_code_that_is_not_on_the_list_is_named_by_its_row(
    running_app: RunningApp,
) -> None:
    item = an_asset(running_app, "0861")
    requester = running_app.visitor("pemohon")
    wrong = requester.post("/admin/change/new/", title="Perubahan", affected="SPSE\r\n1.3.2.10.01.02.002.0999")
    assert wrong.status_code == 422
    assert "Baris 2: Aset “1.3.2.10.01.02.002.0999” tidak ada" in wrong.text
    assert "1.3.2.10.01.02.002.0999</textarea>" in wrong.text
    lines = "SPSE\r\n\u200b\r\n1.3.2.10.01.02.002 861\r\nSPSE"
    answer = requester.post("/admin/change/new/", title="Perubahan", affected=lines)
    assert answer.status_code == 303
    change_id = int(answer.location.rpartition("=")[2])
    assert items(running_app, ChangeItem, "change_id", change_id) == [(None, "SPSE"), (item, None)]
    form = requester.get(f"/admin/change/edit/?id={change_id}").text
    assert "SPSE\r\n1.3.2.10.01.02.002.0861 Laptop" in form.replace("\r\n", "\n").replace("\n", "\r\n")
    assert requester.post(f"/admin/change/edit/?id={change_id}", title="Perubahan", affected="").status_code == 303
    assert items(running_app, ChangeItem, "change_id", change_id) == []


def test_an_evaluation_names_it_anew_and_the_asset_s_page_lists_what_named_it(running_app: RunningApp) -> None:
    item, other = an_asset(running_app, "0871", "Peladen utama"), an_asset(running_app, "0872", "Sakelar")
    with running_app.session() as opened:
        office = running_app.cast(opened).office(LUMAJANG)
        change = move_through(opened, office, *OUTCOMES_TO[Step.EVALUATION])
        change_id, version, number = change.id, change.version, change.number
    manager = running_app.visitor("pengelola")
    answer = manager.post(f"/admin/change/{change_id}/save", version=str(version), affected="Peladen utama\nJaringan")
    assert answer.status_code == 303
    with running_app.session() as opened:
        evaluation = opened.get_one(ChangeRequest, change_id).activities[-1].id
    assert items(running_app, EvaluationItem, "evaluation_id", evaluation) == [(item, None), (None, "Jaringan")]
    page = manager.get(f"/admin/change/details/?id={change_id}").text
    assert f'/admin/asset/details/?id={item}">' in page
    assert "Jaringan" in page
    assert f">{number}</a>" in manager.get(f"/admin/asset/details/?id={item}").text
    assert f">{number}</a>" not in manager.get(f"/admin/asset/details/?id={other}").text
    assert "Peladen utama; Jaringan" in manager.get("/admin/evaluation/export/csv/").text
    results = manager.get("/search?q=Peladen+utama").text
    link = re.search(r'href="(/admin/change/\?asset=[^"]+0871)"', results)
    assert link
    requests = manager.get(link[1]).text
    assert f">{number}</a>" in requests
    assert requests.count('<th scope="row">') == 1
    with running_app.session() as opened:
        office = running_app.cast(opened).office(LUMAJANG)
        released = move_through(opened, office, *OUTCOMES_TO[Step.ASSET_REVIEW])
        result = [{"asset_id": other, "finding": "Diganti"}]
        make_move(opened, released, Outcome.CHANGED, office.manager, values={"assets": result})
        reviewed = released.number
    assert f">{reviewed}</a>" in manager.get(f"/admin/asset/details/?id={other}").text


def test_other_steps_do_not_ask(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.IMPLEMENTATION)
    assert 'name="affected"' not in running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text


def test_what_is_affected_is_exported_copied_and_kept_with_each_submitted_revision(running_app: RunningApp) -> None:
    an_asset(running_app, "0881", "Peladen SPSE")
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    lines = "Layanan LPSE\r\n1.3.2.10.01.02.002.0881"
    fields = running_app.move_form(change_id, Outcome.SUBMITTED, affected=lines, title="Peladen dipindahkan")
    requester = running_app.visitor("pemohon")
    assert requester.post(f"/admin/change/{change_id}/move", **fields).status_code == 303
    exported = requester.get("/admin/change/export/csv/").text
    row = next(line for line in exported.splitlines() if "Peladen dipindahkan" in line)
    assert "Layanan LPSE; 1.3.2.10.01.02.002.0881 Peladen SPSE" in row
    copied = requester.get(f"/admin/change/new/?copy={change_id}").text
    area = copied.partition('name="affected"')[2].partition("</textarea>")[0]
    assert "Layanan LPSE" in area
    assert "1.3.2.10.01.02.002.0881 Peladen SPSE" in area
    with running_app.session() as opened:
        (revision,) = opened.get_one(ChangeRequest, change_id).revisions
        assert revision.content["affected"] == ["Layanan LPSE", "1.3.2.10.01.02.002.0881 Peladen SPSE"]
