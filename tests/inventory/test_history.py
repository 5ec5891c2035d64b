"""The list as it was at the end of any day, rooms, codes, and half-years that are locked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.inventory.cards import Card, card_columns
from lpse_admin.inventory.half_years import HalfYear
from models.inventory.asset import Asset, MutationKind
from models.inventory.asset_entry import correct_asset, create_assets
from models.inventory.item_checks import ListedItems
from models.inventory.locking import lock_half_year, set_inventory_options
from models.inventory.mutation import snapshot
from models.inventory.room import enter_room
from models.reports.asset_history import list_as_of
from models.takeover.code_import import import_code_list
from tests.support.cast import NOW, AuditedSession, Cast, set_test_audit_context
from views.inventory.item_form import to_form_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.cast import Office

_DAY = dt.timedelta(days=1)


@pytest.fixture
def opened(shared: tuple[AuditedSession, Cast]) -> Iterator[tuple[AuditedSession, Office]]:
    session, cast = shared
    set_test_audit_context(session)
    yield session, cast.lumajang
    session.rollback()


def enter(session: AuditedSession, office: Office, now: dt.datetime = NOW, **texts: Any) -> list[Asset]:
    booked_on = texts.pop("booked_on", None)
    raw = {"code": "1.3.2.10.01.02.002", "name": "Laptop", **texts}
    return create_assets(session, office.manager, card=Card.B, texts=raw, now=now, booked_on=booked_on)


def correct(office: Office, item: Asset, now: dt.datetime, **texts: str) -> None:
    known = {one.key: to_form_text(one, snapshot(item).get(one.key)) for one in card_columns(Card.B).values()}
    correct_asset(item, office.manager, texts={**known, **texts}, now=now)


def as_it_is(session: AuditedSession, office: Office, day: dt.date) -> list[tuple[Any, ...]]:
    return [
        (one["code"], one["register"], one["name"], one["price"]) for one in list_as_of(session, office.agency, day)
    ]


def as_the_rows_are(session: AuditedSession, office: Office) -> list[tuple[Any, ...]]:
    rows = session.scalars(select(Asset).where(Asset.agency_id == office.agency.id, Asset.is_retired.is_(False)))
    return sorted((one.code, one.register, one.name, None if one.price is None else str(one.price)) for one in rows)


def test_the_list_of_each_past_day_is_what_it_was_on_that_day(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    item = enter(session, office, register="7001")[0]
    was: dict[dt.date, list[tuple[Any, ...]]] = {}
    changes: tuple[Callable[[dt.datetime], object], ...] = (
        lambda now: correct(office, item, now, name="Komputer"),
        lambda now: enter(session, office, now, register="7002 s/d 7004"),
        lambda now: correct(office, item, now, register="7009", price="1.000"),
        lambda now: correct(office, item, now, name="Komputer"),
        lambda now: enter(session, office, now, register="7005", booked_on=now.date()),
    )
    for number, change in enumerate(changes):
        now = NOW + number * _DAY
        change(now)
        day = office.agency.local_date(now)
        was[day] = as_the_rows_are(session, office)
    for day, then in was.items():
        assert as_it_is(session, office, day) == then
    assert len({tuple(then) for then in was.values()}) == 4
    assert not [one for one in as_it_is(session, office, min(was) - _DAY) if one[1].startswith("70")]


def test_a_correction_is_an_entry_that_points_at_what_it_corrects(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    item = enter(session, office, register="7011")[0]
    correct(office, item, NOW, name="Komputer")
    correct(office, item, NOW + _DAY, name="Komputer meja")
    correct(office, item, NOW + _DAY, name="Komputer meja")
    session.refresh(item)
    first, second = item.mutations
    assert (first.kind, first.corrects_id, second.corrects_id) == (MutationKind.CORRECTED, None, first.id)
    assert (first.corrected_by_name, first.booked_on) == (office.manager.full_name, office.agency.local_date(NOW))


def test_nothing_is_booked_in_a_locked_half_year_and_what_was_reported_stays(
    opened: tuple[AuditedSession, Office],
) -> None:
    session, office = opened
    item = enter(session, office, register="7021", booked_on=dt.date(2025, 11, 3))[0]
    reported = as_it_is(session, office, dt.date(2025, 12, 31))
    signed: dict[str, Any] = {"signed_on": dt.date(2026, 1, 5), "keeper_name": "Budi", "head_name": "Siti"}
    lock_half_year(session, by=office.manager, now=NOW, half_year=HalfYear(2025, 2), **signed)
    with pytest.raises(ValidationFailed) as refusal:
        enter(session, office, register="7022", booked_on=dt.date(2025, 12, 31))
    assert refusal.value.field_errors.keys() == {"booked_on"}
    with pytest.raises(ValidationFailed):
        enter(session, office, register="7022", booked_on=dt.date(2030, 1, 1))
    correct(office, item, NOW, name="Komputer")
    assert as_it_is(session, office, dt.date(2025, 12, 31)) == reported
    assert [one[2] for one in as_it_is(session, office, office.agency.local_date(NOW)) if one[1] == "7021"] == [
        "Komputer"
    ]
    for half_year in (HalfYear(2025, 2), HalfYear(2025, 1), HalfYear(2026, 1), None):
        with pytest.raises(ValidationFailed) as refusal:
            lock_half_year(session, by=office.manager, now=NOW, half_year=half_year, **signed)
        assert "half_year" in refusal.value.field_errors
    with pytest.raises(NotAllowed):
        lock_half_year(session, by=office.requester, now=NOW, half_year=HalfYear(2025, 2), **signed)


def test_the_database_itself_books_nothing_in_a_locked_half_year(opened: tuple[AuditedSession, Office]) -> None:
    session, office = opened
    lock_half_year(
        session, by=office.manager, now=NOW, half_year=HalfYear(2025, 1), signed_on=dt.date(2026, 1, 5),
        keeper_name="Budi", head_name="Siti",
    )  # fmt: skip
    session.add(Asset(agency_id=office.agency.id, card=Card.B, code="1", register="1", name="x", details={},
                      is_retired=False, entered_at=NOW, booked_on=dt.date(2025, 6, 30)))  # fmt: skip
    with pytest.raises(DatabaseError, match="half-year that is locked"):
        session.flush()


def test_an_item_names_a_room_that_is_there_and_a_nibar_that_no_other_has(
    opened: tuple[AuditedSession, Office],
) -> None:
    session, office = opened
    room = {"name": "Ruang server", "keeper_name": "Budi", "keeper_nip": "19790101 200801 1 001"}
    entered = enter_room(session, by=office.manager, now=NOW, code="R-9", **room)
    assert entered.keeper_nip == "197901012008011001"
    with pytest.raises(ValidationFailed, match="cannot be saved"):
        enter_room(session, by=office.manager, now=NOW, code="r-9", name="")
    item = enter(session, office, register="7031", room="r-9", nibar="3" * 45)[0]
    assert item.details["room"] == "R-9"
    with pytest.raises(ValidationFailed) as refusal:
        enter(session, office, register="7032", room="R-99", nibar="3" * 45)
    assert refusal.value.field_errors.keys() == {"room", "nibar"}
    with pytest.raises(ValidationFailed):
        enter(session, office, register="7033 s/d 7034", nibar="4" * 45)


def test_a_code_that_is_not_on_the_list_is_noticed_or_refused_as_the_office_decides(
    opened: tuple[AuditedSession, Office],
) -> None:
    session, office = opened
    listed = ListedItems(session, office.agency.id)
    assert listed.code_warning("1.3.2.10.01.02.009") is None
    content = b"Kode Barang;Nama Barang\n1.3.2.10.01.02.002;Laptop\n"
    assert import_code_list(session, office.agency, content) == (1, 0)
    assert import_code_list(session, office.agency, content.replace(b"Laptop", b"Lap Top")) == (0, 1)
    assert listed.code_warning("1.3.2.10.01.02.002") is None
    assert "1.3.2.10.01.02.009" in str(listed.code_warning("1.3.2.10.01.02.009"))
    assert listed.code_warning("02.06.01.04.06") is None
    enter(session, office, register="7041", code="1.3.2.10.01.02.009")
    set_inventory_options(session, by=office.manager, now=NOW, unknown_code="refuse")
    with pytest.raises(ValidationFailed) as refusal:
        enter(session, office, register="7042", code="1.3.2.10.01.02.009")
    assert refusal.value.field_errors.keys() == {"code"}
    with pytest.raises(ValidationFailed):
        import_code_list(session, office.agency, b"x;y")
