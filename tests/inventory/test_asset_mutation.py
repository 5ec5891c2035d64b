"""Mutations of the asset list: all mutations of a request are applied together or not at all."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message
from lpse_admin.inventory.cards import (
    CARD_COLUMNS,
    AssetCondition,
    Card,
    CardColumn,
    CardColumnKind,
    card_columns,
)
from lpse_admin.inventory.codes import CodeScheme, code_scheme, format_code
from lpse_admin.sop.steps import Outcome, Step
from models.changes.steps.activity import AssetReview, AssetUpdate
from models.inventory.asset import Asset, AssetMutation, MutationKind
from models.inventory.mutation import parse_new_asset, parse_value
from tests.support.cast import NOW, asset, change_at_step, make_move, set_test_audit_context
from tests.support.present import one_of, present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from models.changes.change import ChangeRequest
    from models.changes.steps.activity import Activity
    from tests.support.cast import AuditedSession, Cast, Office


@pytest.fixture
def session(shared: tuple[AuditedSession, Cast]) -> Iterator[AuditedSession]:
    yield shared[0]
    shared[0].rollback()


@pytest.fixture
def office(shared: tuple[AuditedSession, Cast]) -> Office:
    return shared[1].lumajang


@pytest.fixture
def updating(session: AuditedSession, office: Office) -> ChangeRequest:
    return change_at_step(session, office, Step.ASSET_UPDATE)


def added(register: str, **columns: object) -> dict[str, Any]:
    return {
        "kind": "added", "card": "B", "code": "1.3.2.10.01.02.002", "register": register, "name": "Laptop", **columns,
    }  # fmt: skip


def altered(item: Asset, column: str, value: object) -> dict[str, Any]:
    return {"kind": "altered", "asset_id": item.id, "column": column, "value": value}


def retired(item: Asset) -> dict[str, Any]:
    return {"kind": "retired", "asset_id": item.id, "value": "Dihapus dengan keputusan bupati"}


def apply(session: AuditedSession, change: ChangeRequest, office: Office, *rows: dict[str, Any]) -> Activity:
    return make_move(session, change, Outcome.UPDATED, office.manager, values={"mutations": list(rows)})


def count(session: AuditedSession) -> tuple[int, int]:
    session.expire_all()
    return len(session.scalars(select(Asset.id)).all()), len(session.scalars(select(AssetMutation.id)).all())


def test_items_are_added_altered_and_retired_each_with_its_state_before_and_after(
    session: AuditedSession, office: Office, updating: ChangeRequest
) -> None:
    first, second = asset(session, office, "0101"), asset(session, office, "0102")
    apply(
        session, updating, office,
        added("0103", price="12.500.000,00", brand_type="ThinkPad", purchase_year="2026"),
        altered(first, "condition", "heavy-damage"),
        altered(first, "brand_type", "Latitude"),
        retired(second),
    )  # fmt: skip
    new = session.scalars(select(Asset).where(Asset.register == "0103")).one()
    assert (new.price, new.details) == (Decimal("12500000.00"), {"brand_type": "ThinkPad", "purchase_year": 2026})
    assert (first.condition, first.details["brand_type"], second.is_retired) == (
        AssetCondition.HEAVY_DAMAGE,
        "Latitude",
        True,
    )

    mutations = {mutation.asset_id: mutation for mutation in one_of(AssetUpdate, updating.activities[-1]).mutations}
    assert {key: mutation.kind for key, mutation in mutations.items()} == {
        new.id: MutationKind.ADDED,
        first.id: MutationKind.ALTERED,
        second.id: MutationKind.RETIRED,
    }
    assert {mutation.change_id for mutation in mutations.values()} == {updating.id}
    assert mutations[new.id].before is None
    before, after = json.loads(present(mutations[first.id].before)), json.loads(mutations[first.id].after)
    assert {key for key in after if after[key] != before.get(key)} == {"condition", "brand_type"}
    assert (before["condition"], after["condition"], after["price"]) == ("good", "heavy-damage", "12500000.00")
    assert json.loads(mutations[second.id].after)["is_retired"] is True


def test_an_item_s_next_mutation_begins_where_the_last_one_ended(
    session: AuditedSession, office: Office, updating: ChangeRequest
) -> None:
    item = asset(session, office, "0110")
    apply(session, updating, office, altered(item, "price", "9750000"))
    apply(session, change_at_step(session, office, Step.ASSET_UPDATE), office, altered(item, "remarks", "Dipinjam"))
    former, later = item.mutations
    assert former.after == later.before


def test_a_column_that_is_emptied_is_empty_afterwards(
    session: AuditedSession, office: Office, updating: ChangeRequest
) -> None:
    item = asset(session, office, "0111", brand_type="Latitude", remarks="Lama")
    apply(session, updating, office, altered(item, "brand_type", " "), altered(item, "remarks", None))
    assert (item.remarks, item.details) == (None, {})
    assert "brand_type" not in json.loads(item.mutations[0].after)


def _refuses_the_third_row(
    session: AuditedSession, change: ChangeRequest, before: tuple[int, int], attempt: Callable[[], object]
) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        attempt()
    session.rollback()
    assert set(refusal.value.field_errors) == {"mutations"}
    assert str(refusal.value.message).startswith("Row 3: ")
    assert (count(session), change.step) == (before, Step.ASSET_UPDATE)


@pytest.mark.parametrize("register", ["0201", "0202"])
def test_if_an_item_is_on_the_list_already_no_row_is_applied(
    register: str, session: AuditedSession, office: Office, updating: ChangeRequest
) -> None:
    item = asset(session, office, "0201" if register == "0201" else "0203")
    # The third row enters an item that was there before, or the one that the second row enters.
    rows = [altered(item, "condition", "light-damage"), added("0202"), added(register)]
    _refuses_the_third_row(session, updating, count(session), lambda: apply(session, updating, office, *rows))
    assert item.condition is AssetCondition.GOOD


def test_if_an_item_was_retired_since_the_rows_were_kept_none_is_applied(
    session: AuditedSession, office: Office, updating: ChangeRequest
) -> None:
    item, gone = asset(session, office, "0210"), asset(session, office, "0211")
    rows = [altered(item, "condition", "light-damage"), added("0212"), altered(gone, "remarks", "Dipinjam")]
    set_test_audit_context(session)
    updating.save(office.manager, now=NOW, values={"mutations": rows})
    session.commit()
    apply(session, change_at_step(session, office, Step.ASSET_UPDATE), office, retired(gone))
    _refuses_the_third_row(
        session, updating, count(session), lambda: updating.advance(Outcome.UPDATED, office.manager, now=NOW)
    )
    assert item.condition is AssetCondition.GOOD


def test_each_row_that_makes_no_sense_is_named(
    session: AuditedSession, office: Office, shared: tuple[AuditedSession, Cast], updating: ChangeRequest
) -> None:
    item, theirs = asset(session, office, "0401"), asset(session, shared[1].tana_tidung, "0401")
    gone = asset(session, office, "0402")
    apply(session, change_at_step(session, office, Step.ASSET_UPDATE), office, retired(gone))
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"kind": "eaten"},
        {"kind": ["added"]},
        added("0403", card="Z"),
        added("0403", card=["B"]),
        added("0403", code="12"),
        added("0403", code=None),
        added("0403", name=" "),
        added(" "),
        added("123456789"),
        added("0403", price="-1"),
        added("0403", price="1,005"),
        added("0403", price="NaN"),
        added("0403", price="9" * 17),
        added("0403", purchase_year="1066"),
        added("0403", purchase_year="２０２６"),
        added("0403", condition="fair"),
        added("0403", name="x" * 301),
        added("0403", name="a\x00b"),
        altered(item, "code", "1.3.2.10.01.02.001"),
        altered(item, "register", "0009"),
        altered(item, "nothing", "x"),
        altered(item, "name", ""),
        altered(item, "price", "mahal"),
        altered(theirs, "remarks", "x"),
        altered(gone, "remarks", "x"),
        retired(gone),
        {"kind": "altered", "asset_id": "1", "column": "remarks", "value": "x"},
        {"kind": "altered", "asset_id": True, "column": "remarks", "value": "x"},
        {"kind": "retired", "asset_id": 2**70},
    )
    before = count(session)
    for row in wrong:
        with pytest.raises(ValidationFailed) as refusal:
            apply(session, updating, office, added("0404"), row)
        assert set(refusal.value.field_errors) == {"mutations"}, row
        assert str(refusal.value.field_errors["mutations"]).startswith("Row 2: "), row
    for rows in ("x", [1], [added("0404")] * 1001):
        with pytest.raises(ValidationFailed):
            make_move(session, updating, Outcome.UPDATED, office.manager, values={"mutations": rows})
    assert count(session) == before


def test_what_was_typed_in_is_kept_and_applied_only_with_the_move(
    session: AuditedSession, office: Office, updating: ChangeRequest
) -> None:
    item = asset(session, office, "0420")
    updating.save(office.manager, now=NOW, values={"mutations": [altered(item, "remarks", "Baru")]})
    session.commit()
    assert item.remarks is None
    updating.advance(Outcome.UPDATED, office.manager2, now=NOW)
    session.commit()
    assert item.remarks == "Baru"


@pytest.mark.parametrize("card", list(Card))
def test_an_item_of_every_card_can_be_entered_with_all_its_columns(card: Card) -> None:
    samples = {
        CardColumnKind.TEXT: "x", CardColumnKind.DATE: "2026-03-02", CardColumnKind.YEAR: "2026",
        CardColumnKind.NUMBER: "1,5",
        CardColumnKind.MONEY: "2.500", CardColumnKind.CONDITION: "good", CardColumnKind.YES_NO: "yes",
        CardColumnKind.NIBAR: "1" * 45,
    }  # fmt: skip
    raw = {key: samples[column.kind] for key, column in card_columns(card).items()}
    values = parse_new_asset(card, {**raw, "code": "02.06.03.02.01.0001", "register": "1"})
    assert set(values) == set(card_columns(card)) >= {column.key for column in CARD_COLUMNS[card]}
    assert None not in values.values()


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (CardColumnKind.MONEY, "12.500", Decimal("12500.00")),
        (CardColumnKind.MONEY, "12.500.000,5", Decimal("12500000.50")),
        (CardColumnKind.MONEY, "12500000.00", Decimal("12500000.00")),
        (CardColumnKind.MONEY, "12500000,25", Decimal("12500000.25")),
        (CardColumnKind.NUMBER, "0.125", Decimal("0.125")),
        (CardColumnKind.NUMBER, "0,125", Decimal("0.125")),
        (CardColumnKind.YEAR, " 2026 ", 2026),
        (CardColumnKind.DATE, "2026-03-02", "2026-03-02"),
        (CardColumnKind.YES_NO, "yes", True),
        (CardColumnKind.YES_NO, "no", False),
        (CardColumnKind.TEXT, None, None),
        (CardColumnKind.TEXT, "  ", None),
    ],
)
def test_what_is_typed_into_a_column_is_read_as_it_is_written_in_indonesia(
    kind: CardColumnKind, raw: str | None, value: Decimal | bool | int | str | None
) -> None:
    assert parse_value(CardColumn("x", Message("X"), kind), raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (CardColumnKind.DATE, "02/13/2026"),
        (CardColumnKind.YES_NO, "maybe"),
        (CardColumnKind.NUMBER, "1e99"),
        (CardColumnKind.YEAR, "x"),
    ],
)
def test_what_does_not_fit_a_column_is_named(kind: CardColumnKind, raw: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        parse_value(CardColumn("x", Message("X"), kind), raw)
    assert set(refusal.value.field_errors) == {"x"}


@pytest.mark.parametrize(
    ("code", "scheme", "written"),
    [
        ("1.3.2.10.01.02.002", CodeScheme.PERMENDAGRI_108_2016, "1.3.2.10.01.02.002"),
        ("132100102002", CodeScheme.PERMENDAGRI_108_2016, "1.3.2.10.01.02.002"),
        ("02.06.03.02.01.0001", CodeScheme.PERMENDAGRI_17_2007, "02.06.03.02.01"),
        ("02060302010001", CodeScheme.PERMENDAGRI_17_2007, "02.06.03.02.01"),
        ("1.3.2", None, "1.3.2"),
        ("1.3.2.10.01.02.00２", None, "1.3.2.10.01.02.00２"),
        ("1321001020021", None, "1321001020021"),
    ],
)
def test_an_item_code_is_known_by_its_scheme_and_written_in_its_levels(
    code: str, scheme: CodeScheme | None, written: str
) -> None:
    assert (code_scheme(code), format_code(code)) == (scheme, written)


def test_the_same_code_written_otherwise_is_the_same_item(
    session: AuditedSession, office: Office, updating: ChangeRequest
) -> None:
    asset(session, office, "0430")
    with pytest.raises(ValidationFailed):
        apply(session, updating, office, added("0430", code="132100102002"))


@pytest.mark.parametrize(
    "rows",
    [
        "x", [1], [{"finding": "x"}], [{"asset_id": None, "finding": " "}], [{"asset_id": None, "finding": 1}],
        [{"asset_id": 2**70, "finding": "x"}], [{"asset_id": "1", "finding": "x"}],
        [{"asset_id": None, "finding": "a\x00b"}], [{"asset_id": None, "finding": "x"}] * 1001,
    ],
)  # fmt: skip
def test_a_review_names_only_assets_that_there_are_and_what_was_found(
    rows: list[Any] | str, session: AuditedSession, office: Office
) -> None:
    change = change_at_step(session, office, Step.ASSET_REVIEW)
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.CHANGED, office.manager, values={"assets": rows})
    assert set(refusal.value.field_errors) == {"assets"}


def test_a_review_does_not_name_another_agency_s_asset(
    session: AuditedSession, office: Office, shared: tuple[AuditedSession, Cast]
) -> None:
    theirs, ours = asset(session, shared[1].tana_tidung, "0440"), asset(session, office, "0440")
    change = change_at_step(session, office, Step.ASSET_REVIEW)
    with pytest.raises(ValidationFailed):
        make_move(
            session,
            change,
            Outcome.CHANGED,
            office.manager,
            values={"assets": [{"asset_id": theirs.id, "finding": "x"}]},
        )
    results = [{"asset_id": ours.id, "finding": "Rusak"}, {"asset_id": None, "finding": "Belum tercatat"}]
    finished = make_move(session, change, Outcome.CHANGED, office.manager, values={"assets": results})
    assert [(item.asset_id, item.finding) for item in one_of(AssetReview, finished).items] == [
        (ours.id, "Rusak"),
        (None, "Belum tercatat"),
    ]


def test_cards_columns_and_conditions_have_names() -> None:
    for card in Card:
        assert str(card.title)
        assert all(str(column.label) for column in CARD_COLUMNS[card])
    assert len({str(condition.title) for condition in AssetCondition}) == 3


#: How many columns the official prints have, the running number and card B's and the intangibles' own among them.
@pytest.mark.parametrize(
    ("card", "number"), [(Card.A, 14), (Card.B, 16), (Card.C, 17), (Card.D, 17), (Card.E, 16), (Card.F, 15)]
)
def test_a_card_has_as_many_columns_as_its_print(card: Card, number: int) -> None:
    assert len(CARD_COLUMNS[card]) + 1 == number
