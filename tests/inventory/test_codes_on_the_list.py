"""The list knows an item by its code and register number, however they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.errors import ValidationFailed
from lpse_admin.inventory.cards import Card
from models.inventory.asset import Asset
from models.inventory.asset_entry import create_assets
from models.inventory.lookup import find_asset
from tests.support.cast import NOW, asset, set_test_audit_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cast import AuditedSession, Cast, Office

_GENERATOR: dict[str, Any] = {"code": "02.06.01.04.06", "register": "0001", "name": "Genset"}


@pytest.fixture
def session(shared: tuple[AuditedSession, Cast]) -> Iterator[AuditedSession]:
    yield shared[0]
    shared[0].rollback()


@pytest.fixture
def office(shared: tuple[AuditedSession, Cast]) -> Office:
    return shared[1].lumajang


def enter(session: AuditedSession, office: Office, **texts: str) -> list[Asset]:
    set_test_audit_context(session, "asset.enter")
    return create_assets(session, office.manager, card=Card.B, texts=_GENERATOR | texts, now=NOW)


@pytest.mark.parametrize(
    "texts",
    [
        {"register": "0001"},
        {"register": "1"},
        {"code": "02.06.01.04.06.0001", "register": ""},
        {"code": "02.06.01.04.06.0001", "register": "0001"},
        {"code": "02.06.01.04.06\t"},
        {"code": "0206010406"},
    ],
)
def test_the_older_scheme_takes_its_register_number_once(
    texts: dict[str, str], session: AuditedSession, office: Office
) -> None:
    (item,) = enter(session, office, **texts)
    assert (item.code, item.register, item.reference) == ("02.06.01.04.06", "0001", "02.06.01.04.06.0001")


def test_another_register_number_behind_the_code_is_refused(session: AuditedSession, office: Office) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        enter(session, office, code="02.06.01.04.06.0002")
    assert "0002" in str(refusal.value.field_errors["code"])


@pytest.mark.parametrize("register", ["1", "01", "0001", "00000001"])
def test_the_same_register_number_in_another_spelling_is_on_the_list_already(
    register: str, session: AuditedSession, office: Office
) -> None:
    enter(session, office)
    with pytest.raises(ValidationFailed) as refusal:
        enter(session, office, register=register)
    assert "already on the list" in str(refusal.value.field_errors["register"])


def test_an_item_stored_by_an_older_version_is_the_same(session: AuditedSession, office: Office) -> None:
    (item,) = enter(session, office)
    item.code, item.register = "02.06.01.04.06.0001", "1"
    session.flush()
    with pytest.raises(ValidationFailed, match="already on the list"):
        enter(session, office)
    assert find_asset(session, office.agency.id, "02.06.01.04.06 0001") is item


def test_a_range_of_register_numbers_makes_as_many_equal_items(session: AuditedSession, office: Office) -> None:
    items = enter(session, office, register="0001 s/d 0015", price="14.900.000")
    assert [item.register for item in items] == [f"{number:04}" for number in range(1, 16)]
    assert len({(item.code, item.name, item.price) for item in items}) == 1
    count = len(session.scalars(select(Asset.id).where(Asset.code == items[0].code)).all())
    with pytest.raises(ValidationFailed):
        enter(session, office, register="0015 s/d 0020")
    assert count == 15


@pytest.mark.parametrize(
    "text",
    ["02.06.01.04.06.0001", "02.06.01.04.06.0001 0001", "02.06.01.04.06 1", "02060104060001", "02.06.01.04.06",
     "0206010406", "genset", " GENSET ", "02.06.01.04.06.0001 Genset"],
)  # fmt: skip
def test_an_item_is_found_by_its_code_in_any_notation_or_by_its_name_where_it_is_the_only_one(
    text: str, session: AuditedSession, office: Office
) -> None:
    (item,) = enter(session, office)
    assert find_asset(session, office.agency.id, text) is item


def test_of_several_items_the_refusal_names_them(session: AuditedSession, office: Office) -> None:
    enter(session, office, register="1 s/d 7")
    for text in ("02.06.01.04.06", "Genset"):
        with pytest.raises(ValidationFailed) as refusal:
            find_asset(session, office.agency.id, text)
        sentence = str(refusal.value)
        assert "02.06.01.04.06.0001, 02.06.01.04.06.0002" in sentence
        assert sentence.count("02.06.01.04.06.00") == 5
        assert ", …" in sentence


def test_what_is_not_on_the_list_is_named(session: AuditedSession, office: Office) -> None:
    theirs = asset(session, office, "0901")
    for text in ("1.3.2.10.01.02.002.0999", "1.3.2.10.01.02.099", "Kapal"):
        with pytest.raises(ValidationFailed, match=text):
            find_asset(session, office.agency.id, text)
    assert find_asset(session, theirs.agency_id, "1.3.2.10.01.02.002.0901") is theirs
