"""A trail that was cut, or written anew, is caught by its seals and by yesterday's anchors."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from lpse_admin.sop.steps import Step
from models.audit.anchors import anchor_lines, chain_anchors, read_anchors
from models.audit.trail import AuditChain, AuditEntry, AuditRow, entry_hash
from models.integrity.findings import FindingKind
from models.integrity.run import verify_register
from tests.support.cast import change_at_step, create_cast, open_session, set_test_audit_context
from tests.support.insider import insider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

    from models.audit.anchors import Anchor
    from models.integrity.run import Report
    from tests.conftest import NewDatabase

_entry: Any = AuditEntry.__table__
_chain: Any = AuditChain.__table__
_row: Any = AuditRow.__table__


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    with new_database(request.param) as address:
        with open_session(address) as session:
            change_at_step(session, create_cast(session).lumajang, Step.URGENCY)
        yield address


def anchors_of(url: str) -> list[Anchor]:
    with open_session(url) as session:
        return chain_anchors(session)


def verified(url: str, anchors: list[Anchor], since: list[Anchor] | None = None) -> Report:
    with open_session(url) as session:
        return verify_register(session, anchors=anchors, since=since or [])


def test_a_chain_that_was_written_anew_is_found_by_its_seals_and_by_an_anchor(url: str) -> None:
    anchors = anchors_of(url)
    with insider(url) as connection:
        previous = ""
        for row in connection.execute(select(_entry).where(_entry.c.chain == 1).order_by(_entry.c.number)).mappings():
            entry = {**row, "actor_name": "Orang lain"}
            entry["previous_hash"] = previous or entry["previous_hash"]
            previous = entry["hash"] = entry_hash(entry)
            connection.execute(update(_entry).where(_entry.c.id == row["id"]).values(**entry))
        connection.execute(update(_chain).where(_chain.c.chain == 1).values(hash=previous))
    assert set(verified(url, []).by_kind) == {FindingKind.SEAL}
    assert FindingKind.ANCHOR in verified(url, anchors).by_kind


def test_a_chain_whose_seals_were_taken_off_is_found(url: str) -> None:
    with insider(url) as connection:
        connection.execute(update(_entry).where(_entry.c.chain == 1).values(seal=None, key_id=None))
    assert set(verified(url, []).by_kind) == {FindingKind.SEAL}


def test_a_tail_that_was_cut_off_with_its_head_is_found_by_an_anchor(url: str) -> None:
    anchors = anchors_of(url)
    number = next(anchor.number for anchor in anchors if anchor.chain == 1)
    with insider(url) as connection:
        last = f"SELECT id FROM audit_entry WHERE chain = 1 AND number = {number}"
        connection.execute(text(f"DELETE FROM audit_row WHERE entry_id IN ({last})"))
        connection.execute(text(f"DELETE FROM audit_entry WHERE chain = 1 AND number = {number}"))
        connection.execute(
            text(
                f"UPDATE audit_chain SET number = {number - 1}, hash = (SELECT hash FROM audit_entry"
                f" WHERE chain = 1 AND number = {number - 1}) WHERE chain = 1"
            )
        )
    assert FindingKind.ANCHOR in verified(url, anchors).by_kind


def test_an_office_whose_trail_is_gone_is_found_row_by_row_and_by_an_anchor(url: str) -> None:
    anchors = anchors_of(url)
    with insider(url) as connection:
        connection.execute(text("DELETE FROM audit_row WHERE entry_id IN (SELECT id FROM audit_entry WHERE chain = 1)"))
        connection.execute(text("DELETE FROM audit_entry WHERE chain = 1"))
        connection.execute(text("DELETE FROM audit_chain WHERE chain = 1"))
    result = verified(url, anchors).by_kind
    assert result[FindingKind.ANCHOR] == 1
    assert result[FindingKind.ADDED] > 10


def test_a_role_that_was_given_past_the_program_is_found_with_its_account(url: str) -> None:
    with insider(url) as connection:
        connection.execute(text("UPDATE user_account SET is_head = true WHERE username = 'pengelola'"))
    (finding,) = verified(url, []).findings
    assert (finding.kind, finding.table, finding.column) == (FindingKind.CHANGED, "user_account", "is_head")
    assert finding.at is not None


def test_a_trigger_that_is_missing_is_found(url: str) -> None:
    with insider(url) as connection:
        is_sqlite = connection.dialect.name == "sqlite"
    with open_session(url) as session:
        session.connection().exec_driver_sql(
            "DROP TRIGGER audit_entry_no_update" + ("" if is_sqlite else " ON audit_entry")
        )
        set_test_audit_context(session)
        session.commit()
    (finding,) = verified(url, []).findings
    assert (finding.kind, finding.row) == (FindingKind.SCHEMA, "audit_entry_no_update")


def test_from_an_anchor_on_only_what_came_later_is_verified_and_the_rest_is_said_not_to_be(url: str) -> None:
    with open_session(url) as session:
        saved = read_anchors("# kemarin\n\n" + "\n".join(anchor_lines(session, None)))
    with insider(url) as connection:
        connection.execute(text("UPDATE user_account SET phone = '1' WHERE username = 'pemohon'"))
    report = verified(url, [], since=saved)
    assert (report.entries, report.found) == (0, 0)
    assert "%(count)s rows were not written since the anchor, and were not compared." in {
        note.text for note in report.notes
    }
    assert verified(url, []).found == 1


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def lasting_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    """One register for all ways of putting its trail into another order; each test puts it back."""
    with new_database(request.param) as address:
        with open_session(address) as session:
            change_at_step(session, create_cast(session).lumajang, Step.URGENCY)
        yield address
        assert verified(address, []).findings == []


def exchange(connection: Connection, table: Table, pair: tuple[int, int], *columns: str) -> None:
    """Let two rows exchange ``columns``; unique ones go by a value that no row has."""
    one, other = (
        dict(row)
        for row in connection.execute(select(table).where(table.c.id.in_(pair)).order_by(table.c.id)).mappings()
    )
    away = {column: 900_001 for column in columns if column == "number"}
    if away:
        connection.execute(update(table).where(table.c.id == one["id"]).values(away))
    for row, values in ((other, one), (one, other)):
        connection.execute(
            update(table).where(table.c.id == row["id"]).values({column: values[column] for column in columns})
        )


def neighbours(connection: Connection, columns: tuple[str, ...] = ()) -> tuple[int, int]:
    """Return the ids of two entries of a chain that follow one another and differ in each of ``columns``."""
    rows = connection.execute(select(_entry).where(_entry.c.chain == 1).order_by(_entry.c.number)).mappings().all()
    return next(
        (one["id"], other["id"])
        for one, other in pairwise(rows[1:])
        if all(one[column] != other[column] for column in columns)
    )


#: What two entries exchange: their place in the chain, with and without their links; what they tell; all of it.
PLACES = {
    "numbers": ("number",),
    "numbers with the links": ("number", "previous_hash"),
    "contents": ("rows",),
    "actions": ("action",),
    "hashes": ("hash", "seal"),
    "whole rows": ("number", "previous_hash", "hash", "seal", "rows"),
}


@pytest.mark.parametrize("columns", PLACES.values(), ids=PLACES.keys())
def test_entries_that_were_put_in_another_order_are_found(lasting_url: str, columns: tuple[str, ...]) -> None:
    with insider(lasting_url) as connection:
        pair = neighbours(connection, columns)
        exchange(connection, _entry, pair, *columns)
    found = verified(lasting_url, [])
    with insider(lasting_url) as connection:
        exchange(connection, _entry, pair, *columns)
    chain_findings = [one for one in found.findings if one.table == "audit_entry"]
    assert {one.chain for one in chain_findings} == {1}
    assert set(pair) & {one.entry_id for one in chain_findings}


def test_entries_that_changed_places_between_two_chains_are_found_in_both(lasting_url: str) -> None:
    with insider(lasting_url) as connection:
        other = connection.execute(select(_entry.c.id, _entry.c.chain).where(_entry.c.chain != 1).limit(1)).one()
        pair = neighbours(connection)[0], other.id
        exchange(connection, _entry, pair, "chain", "number")
    found = verified(lasting_url, [])
    with insider(lasting_url) as connection:
        exchange(connection, _entry, pair, "chain", "number")
    assert {one.chain for one in found.findings if one.table == "audit_entry"} == {1, other.chain}


def exchange_indexes(connection: Connection, pair: tuple[int, int]) -> None:
    """Let what the index says of two entries lead to the other one."""
    found = connection.execute(select(_row).where(_row.c.entry_id.in_(pair))).mappings().all()
    connection.execute(delete(_row).where(_row.c.entry_id.in_(pair)))
    others = dict(zip(pair, reversed(pair), strict=True))
    connection.execute(insert(_row), [{**row, "entry_id": others[row["entry_id"]]} for row in found])


def test_an_index_of_the_trail_that_leads_to_another_entry_is_found(lasting_url: str) -> None:
    with insider(lasting_url) as connection:
        pair = neighbours(connection)
        exchange_indexes(connection, pair)
    found = verified(lasting_url, [])
    with insider(lasting_url) as connection:
        exchange_indexes(connection, pair)
    assert set(pair) & {one.entry_id for one in found.findings if one.kind is FindingKind.CHAIN}


def test_a_chain_that_was_linked_anew_in_another_order_is_found_by_its_seals_and_by_an_anchor(lasting_url: str) -> None:
    anchors = anchors_of(lasting_url)
    with insider(lasting_url) as connection:
        pair = neighbours(connection, ("rows",))
        of_chain = select(_entry).where(_entry.c.chain == 1).order_by(_entry.c.number)
        before = [dict(row) for row in connection.execute(of_chain).mappings()]
        exchange(connection, _entry, pair, "rows", "action", "at")
        previous = before[0]["previous_hash"]
        for row in connection.execute(of_chain).mappings().all():
            entry = {**row, "previous_hash": previous}
            previous = entry["hash"] = entry_hash(entry)
            connection.execute(update(_entry).where(_entry.c.id == row["id"]).values(**entry))
        connection.execute(update(_chain).where(_chain.c.chain == 1).values(hash=previous))
    found = verified(lasting_url, anchors).by_kind
    with insider(lasting_url) as connection:
        for former in before:
            connection.execute(update(_entry).where(_entry.c.id == former["id"]).values(**former))
        connection.execute(update(_chain).where(_chain.c.chain == 1).values(hash=before[-1]["hash"]))
    assert {FindingKind.SEAL, FindingKind.ANCHOR} <= found.keys()
