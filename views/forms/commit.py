"""The commit of a form: what it asks for is done in one transaction, and what is refused is shown beside its fields."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lpse_admin.errors import FileTooLarge, ValidationFailed
from models.audit import trail
from models.database import db
from views.forms.recovery import require_resubmit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from views.forms.base import Form


@contextmanager
def commit_or_show_errors(form: Form, action: str | None = None, *, reason: str | None = None) -> Iterator[None]:
    """Commit what is done within; where it raises ValidationFailed, roll back and add the errors to ``form``.

    Whether it was done is seen from ``form.errors``. Other refusals are raised on. ``action`` and ``reason`` are for
    the audit entry, where the operation does not name them itself.
    """
    session = db.session()
    if action is not None:
        trail.update_audit_context(session, action=action, reason=reason)
    try:
        yield
        require_resubmit()
        session.commit()
    except (ValidationFailed, FileTooLarge) as refusal:
        session.rollback()
        form.add_errors(refusal)
