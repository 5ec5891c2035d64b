"""What the entries of the trail still prove after a destruction."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, update

from lpse_admin.sop.steps import Step
from models.audit.anchors import Anchor
from models.audit.erasure import Erasure
from models.audit.trail import GENESIS_HASH, AuditEntry
from models.audit.verification import chain_anchors, verify_chains
from models.integrity.run import verify_register
from models.retention.erase import ErasedBy, erase_request
from tests.support.cast import (  # noqa: F401 - fixtures
    NOW,
    cast,
    change_at_step,
    session,
    set_test_audit_context,
)
from tests.support.insider import insider
from tests.support.migrations import migration_app
from views.inspection.contents.trail import trail_lines
from views.inspection.periksa import TRAIL, entry_hash, verify

if TYPE_CHECKING:
    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Cast, Office

_entry: Any = AuditEntry.__table__


def destroy(session: AuditedSession, office: Office, change: ChangeRequest) -> None:
    set_test_audit_context(session)
    erase_request(session, change, ErasedBy(office.head, NOW, "Masa simpan habis"))
    session.commit()


def first_erased_entry(session: AuditedSession) -> int:
    keys = session.scalars(select(Erasure.row_key).where(Erasure.table_name == "audit_entry").order_by(Erasure.id))
    return int(keys.first() or 0)


def test_an_entry_that_tells_of_two_requests_is_erased_with_each(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    first, second = (change_at_step(session, office, Step.REQUEST) for _each in range(2))
    set_test_audit_context(session, "both")
    first.title, second.title = "Judul pertama", "Judul kedua"
    session.commit()
    destroy(session, office, first)
    (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "both"))
    assert ("Judul pertama" in entry.rows, "Judul kedua" in entry.rows) == (False, True)
    destroy(session, office, second)
    session.expire_all()
    assert "Judul kedua" not in entry.rows
    of_entry = select(Erasure).where(Erasure.table_name == "audit_entry", Erasure.row_key == str(entry.id))
    assert len(session.scalars(of_entry).all()) == 2
    assert verify_register(session).findings == []


@pytest.mark.parametrize("values", [{"actor_name": "Orang Lain"}, {"action": "lain"}, {"rows": "[]"}])
def test_of_an_erased_entry_nothing_is_rewritten_unnoticed(
    session: AuditedSession, cast: Cast, database_url: str, values: dict[str, str]
) -> None:
    destroy(session, cast.lumajang, change_at_step(session, cast.lumajang, Step.EVALUATION))
    assert verify_chains(session) is None
    id_ = first_erased_entry(session)
    session.rollback()
    with insider(database_url) as connection:
        connection.execute(update(_entry).where(_entry.c.id == id_).values(values))
    error = verify_chains(session)
    assert error is not None
    assert error.entry_id == id_


def test_entries_that_the_former_version_erased_are_followed_after_the_upgrade(
    session: AuditedSession, cast: Cast, database_url: str
) -> None:
    destroy(session, cast.lumajang, change_at_step(session, cast.lumajang, Step.EVALUATION))
    id_ = first_erased_entry(session)
    session.rollback()
    with migration_app(database_url):
        downgrade(revision="0025")
        upgrade()
    of_entry = select(Erasure.id).where(Erasure.table_name == "audit_entry", Erasure.row_key == str(id_))
    assert len(session.scalars(of_entry).all()) == 2
    assert verify_chains(session) is None
    session.rollback()
    with insider(database_url) as connection:
        connection.execute(update(_entry).where(_entry.c.id == id_).values(actor_name="Orang Lain"))
    error = verify_chains(session)
    assert error is not None
    assert error.entry_id == id_


def faults_of(entries: list[dict[str, Any]], end: Anchor) -> list[str]:
    """Return what the verifier says of the trail of a dossier with these entries."""
    manifest = {
        "files": [],
        "registers": [],
        "anchor": {"chain": end.chain, "number": end.number, "hash": end.hash},
        "trail_start": {"number": 0, "hash": GENESIS_HASH},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr(TRAIL, "\n".join(map(json.dumps, entries)))
    return [fault for fault in verify(file) if fault.startswith(f"{TRAIL}: butir")]


def test_the_verifier_of_a_dossier_follows_erased_entries_and_names_a_rewritten_one(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    destroy(session, office, change_at_step(session, office, Step.EVALUATION))
    (end,) = [one for one in chain_anchors(session.connection()) if one.chain == office.agency.id]
    entries = [json.loads(line) for line in trail_lines(session, Anchor(end.chain, 0, GENESIS_HASH), end, ())]
    erased = next(entry for entry in entries if entry_hash(entry) != entry["hash"])
    assert faults_of(entries, end) == []
    erased["actor_name"] = "Orang Lain"
    assert faults_of(entries, end) == [f"{TRAIL}: butir {erased['number']}: diubah setelah ditulis."]
