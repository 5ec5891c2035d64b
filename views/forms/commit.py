"""The commit of a form: what it asks for is done in one transaction, and what is refused is shown beside its fields."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import request

from lpse_admin.errors import FileTooLarge, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.workflow.questions import ask
from models.audit import trail
from models.database import db
from views.app.clock import now
from views.forms.base import CONFIRM_PREFIX
from views.forms.recovery import require_resubmit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from views.forms.base import Form


@contextmanager
def commit_or_show_errors(form: Form, action: str | None = None, *, reason: str | None = None) -> Iterator[None]:
    """Commit what is done within; where it raises ValidationFailed, roll back and add the errors to ``form``.

    Whether it was done is seen from ``form.errors``. Other refusals are raised on. ``action`` and ``reason`` are for
    the audit entry, where the operation does not name them itself. A date that is years away is asked about.
    """
    session = db.session()
    if action is not None:
        trail.update_audit_context(session, action=action, reason=reason)
    try:
        yield
        require_resubmit()
        _require_confirmation(form)
        session.commit()
    except (ValidationFailed, FileTooLarge) as refusal:
        session.rollback()
        form.questions(now())
        form.add_errors(refusal)


def _require_confirmation(form: Form) -> None:
    """Raise ValidationFailed with each question about a date whose box is not ticked."""
    asked = {key: ask(one) for key, one in form.questions(now()).items() if CONFIRM_PREFIX + key not in request.form}
    if asked:
        raise ValidationFailed(_("Some of the values entered cannot be saved."), field_errors=asked)
