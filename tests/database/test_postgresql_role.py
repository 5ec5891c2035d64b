"""The program serves under a role of PostgreSQL that makes no tables and rewrites no audit trail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, func, make_url, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from lpse_admin.sop.steps import Outcome, Step
from models.audit.erasure import Erasure
from models.changes.change import ChangeRequest
from models.integrity.run import verify_register
from models.retention.erase import ErasedBy, erase_request
from tests.support.cast import LUMAJANG, NOW
from tests.support.running_app import open_app
from views.audit.verifying import verify_and_save
from views.notifications.anchoring import anchor_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import NewDatabase

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "postgresql-role.sql"

#: What the role may not do, though its password were known.
REFUSED = (
    "UPDATE audit_entry SET actor_name = 'lain'",
    "DELETE FROM audit_entry",
    "DELETE FROM audit_row",
    "UPDATE audit_row SET row_id = '1'",
    "DELETE FROM audit_chain",
    "DELETE FROM audit_anchor",
    "UPDATE audit_finding SET row_id = '1'",
    "TRUNCATE audit_entry",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_entry_no_update ON audit_entry",
    "CREATE OR REPLACE FUNCTION audit_entry_no_update() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE lain (id integer)",
    "ALTER TABLE user_account ADD COLUMN lain integer",
    "DROP TABLE mail",
    "UPDATE alembic_version SET version_num = '0001'",
    "SET session_replication_role = replica",
)


@pytest.fixture
def role_url(new_database: NewDatabase) -> Iterator[str]:
    """Give a database whose owner has run the script for a role, and its address for that role."""
    role = f"lpse_app_{uuid4().hex[:8]}"
    with new_database("postgresql") as url:
        owner = create_engine(url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32))")
            connection.exec_driver_sql(SCRIPT.read_text().replace("lpse_app", role))
        yield make_url(url).set(username=role).render_as_string(hide_password=False)
        with owner.connect() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
            connection.exec_driver_sql(f"DROP ROLE {role}")
        owner.dispose()


@pytest.mark.postgres
def test_people_work_and_the_server_works_under_the_role_that_cannot_rewrite_the_trail(role_url: str) -> None:
    with open_app(role_url) as running_app:
        id_ = running_app.change_at_step(LUMAJANG, Step.URGENCY)
        assert running_app.make_move(id_, Outcome.NORMAL).status_code == 303
        assert (
            running_app.visitor("pemohon").post("/admin/change/new/", outcome="submitted", title="x").status_code == 422
        )
        for path in (
            "/",
            "/admin/change/?search=RFC",
            "/admin/audit/",
            "/admin/integrity/",
            "/admin/change/export/csv/",
        ):
            assert running_app.visitor("kepala").get(path).status_code == 200
        with running_app.app.app_context():
            assert anchor_all(by="Sistem").failed == 0
            assert verify_and_save(by="Sistem").findings == []
        with running_app.engine.connect() as connection:
            for statement in REFUSED:
                with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
                    connection.execute(text(statement))
                connection.rollback()


@pytest.mark.postgres
def test_a_destruction_is_carried_out_under_the_role_and_nothing_else_of_the_trail_is_changed(role_url: str) -> None:
    with open_app(role_url) as running_app:
        id_ = running_app.change_at_step(LUMAJANG, Step.URGENCY)
        with running_app.session() as session:
            head = running_app.cast(session).lumajang.head
            erase_request(session, session.get_one(ChangeRequest, id_), ErasedBy(head, NOW, "Masa simpan habis"))
            session.commit()
        with running_app.session() as session:
            erased = select(func.count()).where(Erasure.table_name == "audit_entry")
            assert session.scalar(erased)
            assert verify_register(session).findings == []
            kept = "UPDATE audit_entry SET reason = 'lain' WHERE CAST(id AS TEXT) NOT IN (SELECT row_key FROM erasure)"
        with running_app.engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(kept))
