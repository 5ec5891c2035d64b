"""Files whose bytes are no longer those that were kept: they are not sent, and the trail and the log say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy.orm import Session

from lpse_admin.errors import Refused
from lpse_admin.i18n import _
from models.audit.actions import AuditAction
from models.audit.trail import append_entry
from models.database import db, takes_write_lock
from models.documents.document import Erased
from views.app.audit_context import audit_context

if TYPE_CHECKING:
    from models.documents.document import FileContent

_ALTERED = AuditAction("document.altered", _("Refused a file that is not what was attached"))


def content_to_send(file: FileContent, name: str, agency_id: int) -> bytes:
    """Return the bytes of a file; raises Refused if they are altered, once the trail and the log have it."""
    try:
        return file.intact(name)
    except Erased:
        raise
    except Refused:
        current_app.logger.warning("file “%s” is not what was kept: SHA-256 %s", name, file.sha256)
        context = audit_context(action=_ALTERED.value, reason=f"{name}: {file.sha256}")
        token = takes_write_lock.set(True)
        try:
            with Session(db.engine) as session:
                append_entry(session, agency_id, context, [])
                session.commit()
        finally:
            takes_write_lock.reset(token)
        raise
