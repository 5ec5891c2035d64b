"""What an export is called, and its entry in the audit trail."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from flask_babel import gettext
from sqlalchemy.orm import Session

from lpse_admin.i18n import _
from models.audit.actions import AuditAction
from models.audit.trail import INSTALLATION_CHAIN, append_entry
from models.database import db, takes_write_lock
from views.app.access import get_current_user
from views.app.audit_context import audit_context
from views.app.http.head_requests import is_head
from views.i18n.language import tr
from views.listing.filters.kinds import ALL

if TYPE_CHECKING:
    import datetime as dt

    from models.office.agency import Agency
    from views.listing.lists import ListQuery

EXPORTED = AuditAction("list.export", _("Exported a list"))

_MAX_NAME_LENGTH = 150
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


def describe_list(listing: ListQuery) -> list[str]:
    """Return what the list is narrowed to, in words: a text for each filter, and one for the search."""
    values = listing.arguments.filter_values
    results = [(entry.heading, entry.describe(values)) for entry in listing.spec.column_filters]
    texts = [f"{tr(heading)}: {gettext('All') if words == ALL else tr(words)}" for heading, words in results if words]
    search = listing.arguments.search
    return [*texts, *([f"{gettext('Search')}: {search}"] if search else [])]


def export_name(listing: ListQuery, title: str, agency: Agency | None, now: dt.datetime, extension: str) -> str:
    """Return the name of the file: office, list, period and other filters, and when it was made."""
    office = gettext("all LPSE") if agency is None else f"{agency.name}"
    stamp = now.astimezone(listing.zone).strftime("%Y-%m-%d-%H%M")
    parts = [_slug(part) for part in (office, title, *describe_list(listing))]
    stem = "_".join(part for part in parts if part)
    ending = f"_{stamp}.{extension}"
    return stem[: _MAX_NAME_LENGTH - len(ending)].rstrip("-_") + ending


def _slug(text: str) -> str:
    """Return ``text`` in small letters, digits and hyphens, as every system takes a name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return _NO_LETTERS.sub("-", plain).strip("-")


def record_export(what: str, filters: list[str]) -> None:
    """Write the entry of an export, and commit it before the first row is read.

    A web request that reads takes no write lock; it is taken for this one entry, on a connection of its own, and given
    back, so that a slow reader of the export keeps nobody waiting.
    """
    note_reading(EXPORTED, "; ".join([what, *filters]), get_current_user().agency_id)


def note_in_transaction(reason: str) -> None:
    """Write the entry of an export in the transaction of a request that may write, and commit it."""
    session, user = db.session(), get_current_user()
    context = audit_context(action=EXPORTED.value, reason=reason)
    append_entry(session, user.agency_id or INSTALLATION_CHAIN, context, [])
    session.commit()


def note_reading(action: AuditAction, reason: str, agency_id: int | None) -> None:
    """Write an entry without rows into the trail of an office, and commit it by itself."""
    if is_head():
        return  # nothing is read
    chain = agency_id or INSTALLATION_CHAIN
    context = audit_context(action=action.value, reason=reason)
    token = takes_write_lock.set(True)
    try:
        with Session(db.engine) as session:
            append_entry(session, chain, context, [])
            session.commit()
    finally:
        takes_write_lock.reset(token)
