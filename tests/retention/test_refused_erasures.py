"""Nothing is erased that is not as the audit trail says: an erasure would hide what was altered past the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from lpse_admin.errors import NoSuchMove
from lpse_admin.sop.steps import Step
from models.audit.erasure import Erasure
from models.retention.erase import ErasedBy, erase_file, erase_request
from tests.support.cast import (  # noqa: F401 - fixtures
    NOW,
    cast,
    change_at_step,
    session,
    set_test_audit_context,
)
from tests.support.insider import insider

if TYPE_CHECKING:
    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Cast

OF_THE_REQUEST = "SELECT entry_id FROM audit_row WHERE table_name = 'change_request' AND row_id = '{id}'"
OF_ITS_FILES = "sha256 IN (SELECT sha256 FROM document WHERE change_id = {id})"


def alter(session: AuditedSession, database_url: str, statement: str, change: ChangeRequest) -> None:
    id_ = change.id
    session.rollback()
    with insider(database_url) as connection:
        assert connection.execute(text(statement.format(id=id_))).rowcount
    set_test_audit_context(session)


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE audit_entry SET actor_name = 'Orang Lain' WHERE id = (SELECT min(entry_id) FROM ({OF_THE_REQUEST}) e)",
        "UPDATE change_request SET title = 'Judul lain' WHERE id = {id}",
        "UPDATE change_request SET description = NULL WHERE id = {id}",
        "UPDATE evaluation SET findings = 'Catatan lain' WHERE id IN (SELECT id FROM activity WHERE change_id = {id})",
        f"UPDATE file_content SET content = substr(content, 2) WHERE {OF_ITS_FILES}",
    ],
    ids=["entry", "title", "nothing", "step", "file"],
)
def test_a_request_is_not_destroyed_while_something_of_it_was_altered_past_the_program(
    session: AuditedSession, cast: Cast, database_url: str, statement: str
) -> None:
    change = change_at_step(session, cast.lumajang, Step.URGENCY)
    alter(session, database_url, statement, change)
    with pytest.raises(NoSuchMove, match="flask audit verify"):
        erase_request(session, change, ErasedBy(cast.lumajang.head, NOW, "Masa simpan habis"))
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Erasure)) == 0


def test_a_file_whose_bytes_were_altered_is_not_erased(session: AuditedSession, cast: Cast, database_url: str) -> None:
    change = change_at_step(session, cast.lumajang, Step.URGENCY)
    alter(session, database_url, f"UPDATE file_content SET content = substr(content, 2) WHERE {OF_ITS_FILES}", change)
    with pytest.raises(NoSuchMove, match="flask audit verify"):
        erase_file(change.documents[0], by=cast.lumajang.head, now=NOW, reason="KTP")
