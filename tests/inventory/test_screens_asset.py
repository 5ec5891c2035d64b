"""The screen of the asset list: entry by card, correction and export."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from lpse_admin.inventory.cards import CARD_COLUMNS, Card
from lpse_admin.sop.steps import Outcome, Step
from models.inventory.asset import Asset
from tests.support.cast import LUMAJANG, OUTCOMES_TO, make_move, move_through
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

LAPTOP: dict[str, Any] = {
    "code": "1.3.2.10.01.02.002",
    "name": "Laptop",
    "brand_type": "Merek <X> 14",
    "purchase_year": "2024",
    "origin": "Pembelian",
    "price": "12.500.000,00",
    "condition": "good",
}


def sent(running_app: RunningApp, number: str, card: str = "B", *, json: bool = False, **values: Any) -> TestResponse:
    fields = LAPTOP | {"register": number} | values
    return running_app.visitor("pengelola").post(f"/admin/asset/new/?card={card}", json=json, **fields)


def entered(running_app: RunningApp, number: str, card: str = "B", **values: Any) -> Asset:
    answer = sent(running_app, number, card, **values)
    assert answer.status_code == 303, answer.text
    with running_app.session() as opened:
        return present(opened.scalars(select(Asset).order_by(Asset.id.desc())).first())


def read(running_app: RunningApp, asset: Asset) -> Asset:
    with running_app.session() as opened:
        return opened.get_one(Asset, asset.id)


def exported(running_app: RunningApp, query: str) -> list[list[str]]:
    text = running_app.visitor("pemeriksa").get(f"/admin/asset/export/csv/{query}").text
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"))))


def test_an_item_is_entered_with_its_card_s_columns_and_shown_in_their_order(running_app: RunningApp) -> None:
    asset = entered(running_app, "0001", chassis_number="RK-1")
    assert (asset.card, asset.details["brand_type"], asset.details["purchase_year"]) == (Card.B, "Merek <X> 14", 2024)
    page = running_app.visitor("pemeriksa").get(f"/admin/asset/details/?id={asset.id}").text
    assert "Permendagri 108/2016" in page
    places = [
        page.index(text) for text in ("1.3.2.10.01.02.002</span>", "Merek &lt;X&gt; 14", "RK-1", "Rp12.500.000,00")
    ]
    assert places == sorted(places)


def test_bare_digits_of_either_scheme_are_taken_and_the_scheme_is_shown(running_app: RunningApp) -> None:
    asset = entered(running_app, "0001", code="02060302010001")
    assert asset.code == "02.06.03.02.01"
    assert "Permendagri 17/2007" in running_app.visitor("pengelola").get(f"/admin/asset/details/?id={asset.id}").text
    assert entered(running_app, "0099", code="132100102002").code == LAPTOP["code"]


@pytest.mark.parametrize("card", list(Card))
def test_every_card_has_a_form_with_its_own_columns(running_app: RunningApp, card: Card) -> None:
    page = running_app.visitor("pengelola").get(f"/admin/asset/new/?card={card.value}")
    assert page.status_code == 200
    assert all(f'name="{column.key}"' in page.text for column in CARD_COLUMNS[card])
    assert f"?card={card.value}" in running_app.visitor("pengelola").get("/admin/asset/new/").text


def test_the_columns_of_another_card_come_back_as_they_were_typed(running_app: RunningApp) -> None:
    form_values = {
        "code": "1.3.3.01.01.01.001",
        "multi_storey": "yes",
        "floor_area": "120,5",
        "document_date": "2020-02-03",
    }
    asset = entered(running_app, "0001", "C", **form_values)
    form = running_app.visitor("pengelola").get(f"/admin/asset/edit/?id={asset.id}").text
    assert 'value="120,5"' in form
    assert 'value="2020-02-03"' in form
    assert 'selected value="yes"' in form
    assert 'value="12.500.000"' in form


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"code": "12"}, "code"),
        ({"name": ""}, "name"),
        ({"register": ""}, "register"),
        ({"register": "123456789"}, "register"),
        ({"price": "mahal"}, "price"),
        ({"purchase_year": "24"}, "purchase_year"),
        ({"condition": "entah"}, "condition"),
        ({"brand_type": "x" * 301}, "brand_type"),
    ],
)
def test_wrong_input_is_422_beside_its_field_and_nothing_is_lost(
    running_app: RunningApp, typed: dict[str, Any], field: str
) -> None:
    answer = sent(running_app, "0500", **(typed | {"factory_number": "Pabrik & <1>"}))
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    assert "Pabrik &amp; &lt;1&gt;" in answer.text
    told = sent(running_app, "0500", json=True, **typed)
    assert (told.status_code, list(told.get_json()["fields"])) == (422, [field])


def test_no_two_items_have_one_code_and_register_and_no_card_is_unknown(running_app: RunningApp) -> None:
    entered(running_app, "0010")
    answer = sent(running_app, "0010")
    assert (answer.status_code, 'id="register-error"' in answer.text) == (422, True)
    assert sent(running_app, "0011", "Z").status_code == 400


def test_only_a_change_manager_enters_and_corrects(running_app: RunningApp) -> None:
    asset = entered(running_app, "0020")
    for name, status in (("kepala", 403), ("pemeriksa", 403), ("administrator", 403), ("pemohon", 403)):
        visitor = running_app.visitor(name)
        assert visitor.get("/admin/asset/new/?card=B").status_code == status
        assert visitor.post("/admin/asset/new/?card=B", **LAPTOP, register="0021").status_code == status
        assert visitor.post(f"/admin/asset/edit/?id={asset.id}", **LAPTOP, register="0021").status_code == status
    stranger = running_app.visitor("pengelola.tt")
    for path in ("details", "edit"):
        assert stranger.get(f"/admin/asset/{path}/?id={asset.id}").status_code == 404
    assert running_app.visitor("pemohon").get("/admin/asset/").status_code == 403


def test_an_entry_is_corrected_until_a_request_names_it(running_app: RunningApp) -> None:
    asset = entered(running_app, "0030")
    manager, path = running_app.visitor("pengelola"), f"/admin/asset/edit/?id={asset.id}"
    assert path.replace("&", "&amp;") in manager.get(f"/admin/asset/details/?id={asset.id}").text
    assert manager.post(path, **LAPTOP | {"register": "0030", "name": "Laptop kerja"}).status_code == 303
    assert read(running_app, asset).name == "Laptop kerja"
    wrong = manager.post(path, **LAPTOP | {"register": "0030", "price": "mahal"})
    assert (wrong.status_code, 'value="mahal"' in wrong.text) == (422, True)
    with running_app.session() as opened:
        office = running_app.cast(opened).office(LUMAJANG)
        change = move_through(opened, office, *OUTCOMES_TO[Step.ASSET_REVIEW])
        assets = [{"asset_id": asset.id, "finding": "Kondisi menurun"}]
        make_move(opened, change, Outcome.CHANGED, office.manager, values={"assets": assets})
    assert manager.get(path).status_code == 409
    refused = manager.post(path, json=True, **LAPTOP | {"register": "0030", "name": "Lain"})
    assert (refused.status_code, bool(refused.get_json()["error"])) == (409, True)
    assert path.replace("&", "&amp;") not in manager.get(f"/admin/asset/details/?id={asset.id}").text
    with running_app.session() as opened:
        opened.get_one(Asset, asset.id).name = "Di belakang layar"
        with pytest.raises(IntegrityError, match="only through a request"):
            opened.flush()
    assert read(running_app, asset).name == "Laptop kerja"


def test_what_a_request_changed_stands_on_the_item_s_page_before_and_after(running_app: RunningApp) -> None:
    asset = entered(running_app, "0040")
    with running_app.session() as opened:
        office = running_app.cast(opened).office(LUMAJANG)
        change = move_through(opened, office, *OUTCOMES_TO[Step.ASSET_UPDATE])
        rows = [{"kind": "altered", "asset_id": asset.id, "column": "price", "value": "9000000"}]
        make_move(opened, change, Outcome.UPDATED, office.manager, values={"mutations": rows})
        number, id_ = change.number, change.id
    page = running_app.visitor("kepala").get(f"/admin/asset/details/?id={asset.id}").text
    assert f'/admin/change/details/?id={id_}">{number}</a>' in page
    assert "<td>Rp12.500.000,00</td><td>Rp9.000.000,00</td>" in page


def test_the_step_that_names_assets_suggests_those_on_the_list(running_app: RunningApp) -> None:
    asset = entered(running_app, "0050")
    with running_app.session() as opened:
        review = move_through(opened, running_app.cast(opened).office(LUMAJANG), *OUTCOMES_TO[Step.ASSET_REVIEW]).id
        evaluation = move_through(opened, running_app.cast(opened).office(LUMAJANG), *OUTCOMES_TO[Step.EVALUATION]).id
    page = running_app.visitor("pengelola").get(f"/admin/change/details/?id={review}").text
    assert f'<option value="{asset.code}.{asset.register}" label="Laptop">' in page
    assert 'list="known-assets"' in page
    assert "known-assets" not in running_app.visitor("pengelola").get(f"/admin/change/details/?id={evaluation}").text


def test_the_export_of_one_card_has_its_official_columns_and_a_running_number(running_app: RunningApp) -> None:
    software = "1.5.3.01.01.05.001"
    for register in ("0002", "0001", "0003"):
        entered(running_app, register, "ATB", code=software, version=f"v{register}", valid_until="2027-01-31")
    headings, *rows = exported(running_app, f"?card=ATB&code={software}")
    assert len(headings) == 1 + len(CARD_COLUMNS[Card.INTANGIBLE])
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert [row[3] for row in rows] == ["0001", "0002", "0003"]
    assert rows[0][1] == software
    assert rows[0][7] == "v0001"
    assert "2027-01-31" in rows[0]
    backwards = exported(running_app, f"?card=ATB&code={software}&sort=-code")[1:]
    assert [(row[0], row[3]) for row in backwards] == [("1", "0003"), ("2", "0002"), ("3", "0001")]
    answer = running_app.visitor("pemeriksa").get(f"/admin/asset/export/xlsx/?card=ATB&code={software}")
    assert answer.status_code == 200
    assert len(exported(running_app, "")[0]) != len(headings)


def test_the_list_is_narrowed_by_code_condition_card_and_what_is_gone(running_app: RunningApp) -> None:
    entered(running_app, "0060", code="1.3.2.10.02.04.001", name="Peladen basis data", condition="heavy-damage")
    head = running_app.visitor("kepala")
    for query in ("code=1.3.2.10.02", "condition=heavy-damage", "search=peladen", "card=B&sort=-name", "state=listed"):
        assert "Peladen basis data" in head.get(f"/admin/asset/?size=100&{query}").text, query
    for query in ("code=10.02.04", "condition=good", "card=A", "state=retired", "code=1%25"):
        assert "Peladen basis data" not in head.get(f"/admin/asset/?size=100&{query}").text, query
    assert head.get("/admin/asset/?card=Z").status_code == 400


def test_equal_items_are_entered_at_once_by_their_number(running_app: RunningApp) -> None:
    answer = sent(running_app, "0701", count="3")
    assert answer.status_code == 303, answer.text
    with running_app.session() as opened:
        result = opened.scalars(select(Asset.register).where(Asset.register.between("0700", "0799"))).all()
    assert sorted(result) == ["0701", "0702", "0703"]
    refused = sent(running_app, "0801 s/d 0802", count="3")
    assert refused.status_code == 422
    assert "0801 s/d 0802" in refused.text
    assert 'name="count"' in refused.text
