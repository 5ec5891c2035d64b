"""`flask asset`: take over a list of assets."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import click
from sqlalchemy import select

from lpse_admin.errors import NotFound
from lpse_admin.i18n import _
from lpse_admin.inventory.cards import Card
from models.audit.trail import update_audit_context
from models.database import db
from models.inventory.card_import import ImportFailed, import_cards
from models.office.agency import Agency
from views.app.clock import now
from views.commands.terminal import CommandGroup, fail, say, write_session
from views.i18n.wording import terminal_text

group = CommandGroup("asset", help=terminal_text(_("The asset list: import.")))

_MAX_BYTES = 20 * 1024 * 1024
#: The most errors that are printed.
_MAX_ERRORS = 200


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--agency", help=terminal_text(_("Key of the LPSE; needed if there are several.")))
@click.option(
    "--card",
    type=click.Choice([card.value for card in Card]),
    help=terminal_text(_("KIB card, if the codes do not say it.")),
)
def import_file(file: Path, agency: str | None, card: str | None) -> None:
    """Enter the items of a KIB card from a CSV FILE, all of them or none.

    Columns are separated by semicolons, commas or tabs; the first row has their headings. Each error is printed with
    row and column.
    """
    if file.stat().st_size > _MAX_BYTES:
        fail(_("The file is larger than %(most)s MB: split it.", most=_MAX_BYTES // 1024**2))
    content = file.read_bytes()
    try:
        with write_session("asset import") as session:
            reason = f"{file.name}, SHA-256 {hashlib.sha256(content).hexdigest()}"
            update_audit_context(session, reason=reason)
            assets = import_cards(session, _find_agency(agency), content, card=Card(card) if card else None, now=now())
            count = Counter(asset.card for asset in assets)
    except ImportFailed as refusal:
        more = len(refusal.errors) - _MAX_ERRORS
        lines = [error.full_message for error in refusal.errors[:_MAX_ERRORS]]
        fail(*lines, *([_("%(count)s more errors.", count=more)] if more > 0 else []), refusal.message)
    for one, number in sorted(count.items()):
        say(_("%(card)s: %(count)s items were entered.", card=one.title, count=number))


def _find_agency(key: str | None) -> Agency:
    agencies = db.session.scalars(select(Agency).order_by(Agency.key)).all()
    if key is None and len(agencies) > 1:
        keys = ", ".join(agency.key for agency in agencies)
        raise click.UsageError(terminal_text(_("--agency is needed, one of: %(keys)s", keys=keys)))
    for agency in agencies:
        if key in {None, agency.key}:
            return agency
    raise NotFound(_("There is no agency %(key)s: load its SOP first.", key=key or "-"))
