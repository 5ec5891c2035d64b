"""An item's columns take what stands on cards and in papers, and show it as it is written in Indonesia."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from babel.support import Translations
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.errors import ValidationFailed
from lpse_admin.inventory.cards import CONDITION_WORDS, AssetCondition, Card, CardColumn, CardColumnKind, card_columns
from lpse_admin.parsing.numbers import write_number
from models.inventory.asset import Asset
from models.inventory.mutation import parse_new_asset, parse_value
from tests.support.running_app import running_app  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

_REQUIRED: dict[str, Any] = {"code": "1.3.2.10.01.02.002", "name": "Barang", "register": "0701"}


def column(card: str, key: str) -> CardColumn:
    return card_columns(Card(card))[key]


@pytest.mark.parametrize(
    ("card", "key", "text", "value"),
    [
        pytest.param("A", "area", "2.446", Decimal(2446), id="an area with a full stop before its thousands"),
        pytest.param("A", "area", "1.250,5", Decimal("1250.5"), id="an area with thousands and decimals"),
        pytest.param("A", "area", "2.446\u00a0", Decimal(2446), id="an area with a blank behind"),
        pytest.param("D", "length", "1,250", Decimal("1.250"), id="a length with three decimals"),
        pytest.param("E", "quantity", "1.000", Decimal(1000), id="a quantity of a thousand"),
        pytest.param("B", "price", "Rp 12.500.000,-", Decimal(12500000), id="a price with currency, without sen"),
        pytest.param("B", "price", "12.500.000,-", Decimal(12500000), id="a price without sen"),
        pytest.param("B", "price", "Rp. 630.000.000", Decimal(630000000), id="a price with “Rp.”"),
        pytest.param("F", "contract_value", "Rp1.000.000,50", Decimal("1000000.50"), id="a contract's value"),
        pytest.param("A", "area", "-", None, id="no area"),
        pytest.param("B", "price", "-", None, id="no price"),
        pytest.param("E", "quantity", "\u2013", None, id="no quantity"),
        pytest.param("B", "purchase_year", "-", None, id="no year"),
        pytest.param("B", "purchase_year", "0000", None, id="an unknown year"),
        pytest.param("C", "document_date", "-", None, id="no date"),
        pytest.param("C", "document_date", "31-12-2025", "2025-12-31", id="a date with figures"),
        pytest.param("C", "document_date", "31 Desember 2025", "2025-12-31", id="a date with the month's name"),
        pytest.param("C", "document_date", "31/12/2025", "2025-12-31", id="a date with slashes"),
        pytest.param("B", "condition", "Baik", AssetCondition.GOOD, id="good, as the screens say it"),
        pytest.param("B", "condition", "RUSAK BERAT", AssetCondition.HEAVY_DAMAGE, id="heavily damaged, in capitals"),
        pytest.param("B", "condition", "KB", AssetCondition.LIGHT_DAMAGE, id="slightly damaged, as cards shorten it"),
        pytest.param("C", "multi_storey", "Tidak", False, id="no, as the screens say it"),
        pytest.param("C", "multi_storey", "Bertingkat", True, id="multi-storey, as cards say it"),
        pytest.param("C", "concrete", "Tidak beton", False, id="not of concrete, as cards say it"),
        pytest.param("B", "chassis_number", "-", "-", id="a dash in a text is kept"),
    ],
)  # fmt: skip
def test_a_column_takes_what_people_write(card: str, key: str, text: str, value: object) -> None:
    assert parse_value(column(card, key), text) == value


@pytest.mark.parametrize(
    ("card", "key", "text", "sentence"),
    [
        ("A", "area", "± 700", "Write “700” only: “±” belongs in the remarks."),
        ("A", "area", "1e3", "Write “1e3” in full: 1.000."),
        ("A", "area", "2.44", "“2.44” can be read in two ways"),
        ("A", "area", "-12,5", "“Area (m²)” cannot be less than zero: -12,5."),
        ("E", "quantity", "9" * 17, "This number is too large for “Quantity”."),
        ("B", "price", "1,005", "An amount in rupiah has at most two decimals."),
        ("B", "purchase_year", "1066", "“Year of purchase” is a year from 1900 to 2200."),
        ("C", "document_date", "3-2-0206", "“Document date” is a date from 1900 to 2200."),
        ("C", "document_date", "31-12-25", "“31-12-25”: write the year with four digits"),
        ("B", "condition", "lumayan", "“lumayan” is none of these: Good, Slightly damaged, Heavily damaged."),
        ("C", "concrete", "kayu", "“kayu” is none of these: Yes, No."),
    ],
)
def test_a_column_refuses_what_it_cannot_take_with_the_way_out(card: str, key: str, text: str, sentence: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        parse_value(column(card, key), text)
    assert str(refusal.value.field_errors[key]).startswith(sentence)


@given(st.decimals(min_value=0, max_value=10**12, places=4, allow_nan=False))
def test_any_number_that_is_stored_is_read_back_as_it_is_shown(number: Decimal) -> None:
    assert parse_value(column("A", "area"), write_number(number)) == number


def test_every_word_that_the_screens_show_for_a_condition_is_taken() -> None:
    catalogue = Translations.load("views/translations", ["id"])
    kind = CardColumn("x", column("B", "condition").label, CardColumnKind.CONDITION)
    for condition in AssetCondition:
        for word in (condition.value, condition.title.text, catalogue.ugettext(condition.title.text)):
            assert parse_value(kind, word) is parse_value(kind, word.upper()) is condition
    assert set(CONDITION_WORDS) == set(AssetCondition)


@pytest.mark.parametrize("name", ["\u200b", "\u3164", "\u00ad\u2800", " \u00a0"])
def test_a_name_that_shows_nothing_is_required(name: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        parse_new_asset(Card.B, _REQUIRED | {"name": name})
    assert set(refusal.value.field_errors) == {"name"}


def test_numbers_are_shown_corrected_and_exported_as_they_were_meant(running_app: RunningApp) -> None:
    manager = running_app.visitor("pengelola")
    given = _REQUIRED | {"code": "1.3.4.01.01.01.001", "length": "1,250", "width": "2.446", "price": "Rp 12.500.000,-"}
    answer = manager.post("/admin/asset/new/?card=D", **given)
    assert answer.status_code == 303
    page = manager.get(answer.headers["Location"]).text
    for shown in (">1,25<", ">2.446<", "Rp12.500.000,00"):
        assert shown in page
    with running_app.session() as opened:
        asset = opened.query(Asset).filter_by(register="0701", code=given["code"]).one()
        assert (asset.details["length"], asset.details["width"]) == ("1.250", "2446")
        path = f"/admin/asset/edit/?id={asset.id}"
    form = manager.get(path).text
    for shown in ('value="1,25"', 'value="2.446"', 'value="12.500.000"'):
        assert shown in form
    assert manager.post(path, **given | {"length": "1,25", "price": "12.500.000"}).status_code == 303
    exported = manager.get(f"/admin/asset/export/csv/?card=D&code={given['code']}").text
    assert ",2446," in exported
    assert ",1.25," in exported


def test_the_form_of_an_item_takes_the_words_of_a_choice_that_the_screens_show(running_app: RunningApp) -> None:
    manager = running_app.visitor("pengelola")
    given = _REQUIRED | {"code": "1.3.4.01.01.01.001", "register": "0703"}
    wrong = manager.post("/admin/asset/new/?card=D", **given | {"condition": "agak baik"})
    assert wrong.status_code == 422
    assert "Rusak Berat" in wrong.text.partition("agak baik")[2]
    assert manager.post("/admin/asset/new/?card=D", **given | {"condition": "RUSAK BERAT"}).status_code == 303
    with running_app.session() as opened:
        asset = opened.query(Asset).filter_by(register="0703", code=given["code"]).one()
        assert asset.condition is AssetCondition.HEAVY_DAMAGE


def test_a_date_can_be_typed_where_the_browser_has_no_field_for_it(running_app: RunningApp) -> None:
    manager = running_app.visitor("pengelola")
    given = _REQUIRED | {"code": "1.3.3.01.01.01.001", "register": "0702", "document_date": "31 Desember 2025"}
    assert manager.post("/admin/asset/new/?card=C", **given).status_code == 303
    with running_app.session() as opened:
        asset = opened.query(Asset).filter_by(register="0702", code=given["code"]).one()
        assert dt.date.fromisoformat(asset.details["document_date"]) == dt.date(2025, 12, 31)
    until = "entered-until=31-12-2199"
    assert manager.get(f"/admin/change/?submitted-from=1 Januari 2026&submitted-{until[8:]}").status_code == 200
    assert manager.get("/admin/change/?submitted-from=1-1-26").status_code == 400
