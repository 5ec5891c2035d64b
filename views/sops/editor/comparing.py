"""Two revisions of an SOP side by side, or what is edited beside the one in force."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask import abort, request
from sqlalchemy import select

from lpse_admin.i18n import Message, _
from lpse_admin.sop.editor.comparison import compare
from lpse_admin.sop.editor.document import SopDocument
from models.database import db
from models.scope import visible
from models.sops.sop import SopRevision, SopState
from views.app.access import get_current_user
from views.i18n.language import format_date, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.sops.editing import EditedSop

_MOST = 100


def comparison_of_edited(record: EditedSop) -> dict[str, Any]:
    """Return what differs between a revision and what is edited."""
    revisions = _revisions(record.agency_id)
    in_force = next((one for one in revisions if one.state is SopState.IN_FORCE), None)
    before = _chosen("before", revisions) or record.based_on or in_force
    return {
        "edited": record,
        "choices": [("before", _("Compare with"), before.id if before else 0)] if revisions else [],
        "revisions": [(one.id, revision_title(one)) for one in revisions],
        "before_title": revision_title(before) if before else "",
        "after_title": _("As it is edited now"),
        "changes": compare(SopDocument.read(before.source), record.document) if before else None,
        "cell_words": cell_words,
    }


def comparison_of_revisions(agency_id: int) -> dict[str, Any]:
    """Return what differs between two revisions of an agency: those of the address, or the last two."""
    revisions = _revisions(agency_id)
    after = _chosen("after", revisions) or (revisions[0] if revisions else None)
    before = _chosen("before", revisions) or next((one for one in revisions if one is not after), None)
    return {
        "edited": None,
        "choices": [
            ("before", _("Compare"), before.id if before else 0),
            ("after", _("with"), after.id if after else 0),
        ],
        "revisions": [(one.id, revision_title(one)) for one in revisions],
        "before_title": revision_title(before) if before else "",
        "after_title": revision_title(after) if after else "",
        "changes": compare(SopDocument.read(before.source), SopDocument.read(after.source))
        if before and after
        else None,
        "cell_words": cell_words,
    }


def _revisions(agency_id: int) -> Sequence[SopRevision]:
    return db.session.scalars(
        select(SopRevision)
        .where(SopRevision.agency_id == agency_id, visible(SopRevision, get_current_user()))
        .order_by(SopRevision.id.desc())
        .limit(_MOST)
    ).all()


def _chosen(name: str, revisions: Sequence[SopRevision]) -> SopRevision | None:
    """Return the revision that the address names; None where it names none, 404 where it is not there."""
    if not request.args.get(name):
        return None
    wanted = request.args.get(name, 0, type=int)
    return next((one for one in revisions if one.id == wanted), None) or abort(404)


def revision_title(revision: SopRevision) -> Message:
    """Return what a revision is called in a list of choice."""
    return _(
        "%(sop)s, revision %(number)s (%(state)s)",
        sop=revision.number or revision.title,
        number=revision.revision,
        state=revision.state.title,
    )


def cell_words(value: Message | str | dt.date) -> str:
    """Return a value of a cell in the reader's language."""
    return format_date(value) if isinstance(value, dt.date) else tr(value)
