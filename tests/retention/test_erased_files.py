"""A file that is erased: whose it may not be besides, and that it does not come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.sop.steps import Step
from models.documents.document import attach, store_content
from models.retention.erase import erase_file
from models.retention.hold import place_hold
from tests.support.cast import NOW, cast, change_at_step, session, set_test_audit_context  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from models.documents.document import Document
    from tests.support.cast import AuditedSession, Cast, Office


def submitted_file(session: AuditedSession, office: Office) -> Document:
    """Return the file of a new request; the requests of a test have the same bytes."""
    return change_at_step(session, office, Step.EVALUATION).documents[0]


def erase(document: Document, office: Office) -> None:
    erase_file(document, by=office.head, now=NOW, reason="KTP terlampir")


def test_a_file_that_another_office_has_too_is_not_erased(session: AuditedSession, cast: Cast) -> None:
    document = submitted_file(session, cast.lumajang)
    change = change_at_step(session, cast.tana_tidung, Step.EVALUATION)
    other = attach(
        session,
        name="ktp.pdf",
        media_type="application/pdf",
        content=document.file_content.content,
        by=cast.tana_tidung.manager,
        now=NOW,
        activity=change.current_activity,
    )
    assert document.sha256 == other.sha256
    with pytest.raises(NoSuchMove):
        erase(document, cast.lumajang)
    assert other.file_content.content


def test_a_file_of_another_request_under_a_hold_is_not_erased(session: AuditedSession, cast: Cast) -> None:
    document, other = submitted_file(session, cast.lumajang), submitted_file(session, cast.lumajang)
    assert other.change is not None
    place_hold(session, by=cast.lumajang.head, now=NOW, number=other.change.number or "", reason="Pemeriksaan")
    with pytest.raises(NoSuchMove):
        erase(document, cast.lumajang)
    assert document.file_content.content


def test_a_file_that_was_erased_is_not_stored_again(session: AuditedSession, cast: Cast) -> None:
    document = submitted_file(session, cast.lumajang)
    content = document.file_content.content
    erase(document, cast.lumajang)
    session.commit()
    set_test_audit_context(session)
    with pytest.raises(ValidationFailed):
        store_content(session, content)
    assert document.file_content.is_erased
