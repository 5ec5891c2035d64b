"""A trail that was cut, or written anew, is caught by its seals and by yesterday's anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text, update

from lpse_admin.sop.steps import Step
from models.audit.anchors import anchor_lines, chain_anchors, read_anchors
from models.audit.trail import AuditChain, AuditEntry, entry_hash
from models.integrity.findings import FindingKind
from models.integrity.run import verify_register
from tests.support.cast import change_at_step, create_cast, open_session, set_test_audit_context
from tests.support.insider import insider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.audit.anchors import Anchor
    from models.integrity.run import Report
    from tests.conftest import NewDatabase

_entry: Any = AuditEntry.__table__
_chain: Any = AuditChain.__table__


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
