"""A file is shown only while its bytes are those that were attached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text

from lpse_admin.sop.steps import Step
from models.audit.trail import AuditEntry
from models.documents.document import Document
from models.integrity.findings import FindingKind
from models.integrity.run import verify_register
from tests.support.cast import LUMAJANG
from tests.support.insider import insider
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.inspection.contents.folders import kept_file

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


def test_a_forged_file_is_refused_and_the_trail_says_so(running_app: RunningApp) -> None:
    running_app.change_at_step(LUMAJANG, Step.URGENCY)
    with running_app.session() as session:
        document = session.scalars(select(Document)).first()
        assert document is not None
        id_, digest, name = document.id, document.sha256, document.name
    reader = running_app.visitor("kepala")
    assert reader.get(f"/admin/document/{id_}/file").status_code == 200
    with insider(running_app.engine.url.render_as_string(hide_password=False)) as connection:
        connection.execute(
            text("UPDATE file_content SET content = :forged WHERE sha256 = :digest"),
            {"forged": b"%PDF-1.4 palsu", "digest": digest},
        )
    for address in (f"/admin/document/{id_}/file", f"/admin/document/{id_}/preview"):
        answer = reader.get(address)
        assert answer.status_code == 409
        assert name in answer.text
        assert b"palsu" not in answer.data
    with running_app.session() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "document.altered")).all()
        assert len(told) == 2
        with running_app.app.test_request_context():
            path, (content,) = kept_file(session, "lampiran/01-surat.pdf", name, digest)
        assert path == "lampiran/01-surat.pdf.tidak-utuh.txt"
        assert name in content.decode()
        assert digest in content.decode()
        assert b"palsu" not in content
        assert {finding.kind for finding in verify_register(session).findings} == {FindingKind.FILE}
