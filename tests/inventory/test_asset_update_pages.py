"""An asset update takes whole cards, a row at a time, on pages that work without a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from lpse_admin.inventory.cards import AssetCondition
from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from models.inventory.asset import Asset, AssetMutation, MutationKind
from tests.support.cast import LUMAJANG, OUTCOMES_TO, TANA_TIDUNG, asset, make_move, move_through
from tests.support.running_app import running_app  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.support.program import Visitor
    from tests.support.running_app import RunningApp


def updating(running_app: RunningApp, *registers: str) -> tuple[int, list[int]]:
    """Bring a request to its asset update; return its id, and those of new laptops."""
    with running_app.session() as opened:
        office = running_app.cast(opened).office(LUMAJANG)
        ids = [asset(opened, office, register, location="Ruang server").id for register in registers]
        return move_through(opened, office, *OUTCOMES_TO[Step.ASSET_UPDATE]).id, ids


def version(running_app: RunningApp, change_id: int) -> str:
    with running_app.session() as opened:
        return str(opened.get_one(ChangeRequest, change_id).version)


def finish(running_app: RunningApp, visitor: Visitor, change_id: int, **fields: Any) -> int:
    path = f"/admin/change/{change_id}/move"
    return visitor.post(path, outcome="updated", version=version(running_app, change_id), **fields).status_code


def test_a_changed_item_is_picked_and_its_whole_card_is_offered_with_what_it_says(running_app: RunningApp) -> None:
    change_id, (item,) = updating(running_app, "0801")
    manager, path = running_app.visitor("pengelola"), f"/admin/asset-update/{change_id}/item"
    step = manager.get(f"/admin/change/details/?id={change_id}").text
    assert f'href="{path}"' in step
    assert "mutations-0-kind" not in step
    for search in ("1.3.2.10.01.02.002.0801", "0801", "ruang SERVER", "laptop server"):
        expected = search != "0801"
        page = manager.get(f"{path}?{urlencode({'search': search})}").text
        assert (f"asset={item}" in page) is expected, search
    form = manager.get(f"{path}?kind=altered&asset={item}").text
    for name in ("brand_type", "plate_number", "condition", "price", "location", "name"):
        assert f'name="{name}"' in form
    for name in ("code", "register", "area", "floor_area"):
        assert f'name="{name}"' not in form
    assert 'value="Ruang server"' in form
    assert 'value="12.500.000"' in form
    given = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', form))
    typed: dict[str, Any] = {
        "condition": "heavy-damage",
        "price": "Rp 9.000.000,-",
        "brand_type": "Merek A",
        "reason": "Rusak",
    }
    saved: dict[str, Any] = {key: given[key] for key in ("name", "location", "version")}
    assert manager.post(f"{path}?kind=altered&asset={item}", **saved, **typed).status_code == 303
    shown = manager.get(f"/admin/change/details/?id={change_id}").text
    for text in ("Rusak Berat", "Rp9.000.000,00", "Merek A", "row=1"):
        assert text in shown
    assert finish(running_app, manager, change_id) == 303
    with running_app.session() as opened:
        after = opened.get_one(Asset, item)
        mutation = opened.scalars(select(AssetMutation).where(AssetMutation.asset_id == item)).one()
        assert (after.condition, after.details) == (
            AssetCondition.HEAVY_DAMAGE,
            {"brand_type": "Merek A", "location": "Ruang server"},
        )
        assert (mutation.kind, mutation.reason) == (MutationKind.ALTERED, "Rusak")


def test_items_are_added_with_their_whole_card_moved_and_retired_with_the_reason(running_app: RunningApp) -> None:
    change_id, (moved, gone) = updating(running_app, "0811", "0812")
    manager, path = running_app.visitor("pengelola"), f"/admin/asset-update/{change_id}/item"
    new: dict[str, Any] = {"code": "02.06.01.04.06", "register": "0001 s/d 0003", "name": "Genset"}
    new |= {"price": "14.900.000", "brand_type": "Merek B", "purchase_year": "2015", "location": "Ruang genset"}
    assert manager.post(f"{path}?kind=added&card=B", **new).status_code == 303
    assert manager.post(f"{path}?kind=moved&asset={moved}", value="Ruang arsip", reason="Renovasi").status_code == 303
    refused = manager.post(f"{path}?kind=retired&asset={gone}", value="\u200b")
    assert refused.status_code == 422
    assert manager.post(f"{path}?kind=retired&asset={gone}", value="SK penghapusan 12/2026").status_code == 303
    assert finish(running_app, manager, change_id) == 303
    with running_app.session() as opened:
        added = opened.scalars(select(Asset).where(Asset.code == "02.06.01.04.06").order_by(Asset.register)).all()
        assert [(one.register, one.details["location"]) for one in added] == [
            (f"000{number}", "Ruang genset") for number in (1, 2, 3)
        ]
        assert opened.get_one(Asset, moved).details["location"] == "Ruang arsip"
        mutations = {one.asset_id: one for one in opened.scalars(select(AssetMutation)).all()}
        assert (mutations[moved].kind, mutations[moved].reason) == (MutationKind.MOVED, "Renovasi")
        assert (mutations[gone].kind, mutations[gone].reason) == (MutationKind.RETIRED, "SK penghapusan 12/2026")
    page = running_app.visitor("kepala").get(f"/admin/asset/details/?id={gone}").text
    assert "SK penghapusan 12/2026" in page


def test_a_row_can_be_corrected_and_removed_and_what_is_wrong_comes_back_as_typed(running_app: RunningApp) -> None:
    change_id, (item,) = updating(running_app, "0821")
    manager, path = running_app.visitor("pengelola"), f"/admin/asset-update/{change_id}/item"
    land: dict[str, Any] = {"code": "1.3.1.01.01.01.001", "register": "1", "name": "Tanah", "area": "± 700"}
    wrong = manager.post(f"{path}?kind=added&card=A", **land)
    assert (wrong.status_code, 'value="± 700"' in wrong.text, "Tulis “700” saja" in wrong.text) == (422, True, True)
    listed = manager.post(f"{path}?kind=added&card=B", code="132100102002", register="821", name="Laptop")
    assert (listed.status_code, "sudah" in listed.text) == (422, True)
    assert manager.post(f"{path}?kind=altered&asset={item}", name="Laptop baru").status_code == 303
    assert manager.post(f"{path}?row=1", name="Laptop kerja", location="Ruang server").status_code == 303
    assert "Laptop kerja" in manager.get(f"/admin/change/details/?id={change_id}").text
    assert manager.post(f"{path}/remove", row="1").status_code == 303
    assert manager.post(f"{path}/remove", row="1").status_code == 400
    assert finish(running_app, manager, change_id) == 422
    same = manager.post(f"{path}?kind=moved&asset={item}", value="")
    assert same.status_code in {303, 422}


@pytest.mark.parametrize(
    ("query", "status"),
    [("kind=eaten", 400), ("kind=added&card=Z", 400), ("kind=altered&asset=x", 422), ("kind=altered&asset=999999", 422),
     ("row=7", 400), ("row=x", 400)],
)  # fmt: skip
def test_an_address_that_names_no_row_is_refused(query: str, status: int, running_app: RunningApp) -> None:
    change_id, _items = updating(running_app)
    path = f"/admin/asset-update/{change_id}/item"
    assert running_app.visitor("pengelola").get(f"{path}?{query}").status_code == status


def test_only_the_step_s_actor_gets_in_and_only_while_the_step_is_open(running_app: RunningApp) -> None:
    change_id, (item,) = updating(running_app, "0831")
    path = f"/admin/asset-update/{change_id}/item"
    for name, status in (("kepala", 403), ("pemeriksa", 403), ("pengelola.tt", 404)):
        assert running_app.visitor(name).get(path).status_code == status, name
    with running_app.session() as opened:
        office = running_app.cast(opened).office(TANA_TIDUNG)
        theirs = asset(opened, office, "0831").id
        early = move_through(opened, running_app.cast(opened).office(LUMAJANG), *OUTCOMES_TO[Step.ASSET_REVIEW]).id
    manager = running_app.visitor("pengelola")
    assert manager.get(f"{path}?kind=altered&asset={theirs}").status_code == 422
    assert manager.get(f"/admin/asset-update/{early}/item").status_code == 409
    with running_app.session() as opened:
        change, office = opened.get_one(ChangeRequest, change_id), running_app.cast(opened).office(LUMAJANG)
        rows = [{"kind": "altered", "asset_id": item, "values": {"remarks": "Baru"}}]
        make_move(opened, change, Outcome.UPDATED, office.manager, values={"mutations": rows})
    assert manager.post(f"{path}?kind=moved&asset={item}", value="x").status_code == 409


@pytest.mark.parametrize(
    ("register", "value", "stored"),
    [
        pytest.param("0841", "Kurang baik", "light-damage", id="a condition as cards say it"),
        pytest.param("0842", "Rusak Berat", "heavy-damage", id="a condition as the screens say it"),
    ],
)
def test_a_script_may_send_the_words_that_are_shown(
    register: str, value: str, stored: str, running_app: RunningApp
) -> None:
    change_id, (item,) = updating(running_app, register)
    rows = {"mutations-0-kind": "altered", "mutations-0-asset": f"1.3.2.10.01.02.002 {register}",
            "mutations-0-column": "condition", "mutations-0-value": value}  # fmt: skip
    fields: dict[str, Any] = {key.replace("-", "__"): text for key, text in rows.items()}
    assert finish(running_app, running_app.visitor("pengelola"), change_id, **fields) == 303
    with running_app.session() as opened:
        assert opened.get_one(Asset, item).condition == stored


def test_a_wrong_asset_is_refused_by_its_row_and_in_its_own_words(running_app: RunningApp) -> None:
    change_id, _items = updating(running_app, "0851", "0852")
    rows = {"mutations-0-kind": "altered", "mutations-0-asset": "1.3.2.10.01.02.002.0851",
            "mutations-0-column": "remarks", "mutations-0-value": "x",
            "mutations-1-kind": "altered", "mutations-1-asset": "9.9.9.99.99.99.999.0001",
            "mutations-1-column": "remarks", "mutations-1-value": "x"}  # fmt: skip
    manager = running_app.visitor("pengelola")
    fields: dict[str, Any] = {key.replace("-", "__"): text for key, text in rows.items()}
    path = f"/admin/change/{change_id}/move"
    answer = manager.post(path, outcome="updated", version=version(running_app, change_id), **fields)
    assert answer.status_code == 422
    assert "Baris 2: Aset “9.9.9.99.99.99.999.0001” tidak ada" in answer.text
