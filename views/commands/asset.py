"""`flask asset`: take over a list of assets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import func, select

from lpse_admin.errors import NotFound
from lpse_admin.i18n import _
from lpse_admin.inventory.cards import Card
from lpse_admin.takeover.spreadsheet import MAX_BYTES
from models.database import db
from models.inventory.asset import Asset
from models.office.agency import Agency
from models.takeover.asset_import import ImportProfile
from models.takeover.code_import import import_code_list
from models.takeover.takeover import ImportFailed, ListFile, import_file
from views.app.clock import now
from views.commands.terminal import CommandGroup, fail, say, write_session
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

group = CommandGroup("asset", help=terminal_text(_("The asset list: import.")))

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
@click.option("--profile", help=terminal_text(_("Name of a layout that was kept on the screen.")))
@click.option(
    "--booked-on",
    type=click.DateTime(["%Y-%m-%d"]),
    help=terminal_text(_("Day on which half-years count the items; today by default.")),
)
def import_list(
    file: Path, agency: str | None, card: str | None, profile: str | None, booked_on: dt.datetime | None
) -> None:
    """Enter the items of a list of assets from FILE, all of them or none.

    XLSX, XLS, ODS or CSV, as other programs write them. Each error is printed with row and column.
    """
    if file.stat().st_size > MAX_BYTES:
        fail(_("The file is larger than %(most)s MB: split it.", most=MAX_BYTES // 1024**2))
    content = file.read_bytes()
    try:
        with write_session("asset import") as session:
            office = _find_agency(agency)
            layout = None if profile is None else _layout(session, office, profile)
            booked = None if booked_on is None else booked_on.date()
            given = ListFile(file.name, content, Card(card) if card else None, layout, booked)
            row = import_file(session, office, given, now=now())
            entered = session.execute(
                select(Asset.card, func.count()).where(Asset.import_id == row.id).group_by(Asset.card)
            ).all()
    except ImportFailed as refusal:
        more = len(refusal.errors) - _MAX_ERRORS
        lines = [error.full_message for error in refusal.errors[:_MAX_ERRORS]]
        fail(*lines, *([_("%(count)s more errors.", count=more)] if more > 0 else []), refusal.message)
    for one, number in sorted((result, count) for result, count in entered):
        say(_("%(card)s: %(count)s items were entered.", card=one.title, count=number))


def _layout(session: Session, agency: Agency, name: str) -> dict[str, Any]:
    result = session.scalars(
        select(ImportProfile).where(ImportProfile.agency_id == agency.id, ImportProfile.name == name)
    ).one_or_none()
    if result is None:
        raise NotFound(_("There is no layout “%(name)s”.", name=name))
    return dict(result.layout)


@group.group("codes", cls=CommandGroup, help=terminal_text(_("The list of item codes.")))
def codes() -> None:
    """Hold the commands of the list of item codes."""


@codes.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--agency", help=terminal_text(_("Key of the LPSE; needed if there are several.")))
def import_codes(file: Path, agency: str | None) -> None:
    """Enter item codes with their names from FILE (columns "Kode barang" and "Nama barang"); known ones are renamed."""
    if file.stat().st_size > MAX_BYTES:
        fail(_("The file is larger than %(most)s MB: split it.", most=MAX_BYTES // 1024**2))
    with write_session("asset codes import") as session:
        added, renamed = import_code_list(session, _find_agency(agency), file.read_bytes())
    say(_("%(added)s codes were entered, %(renamed)s renamed.", added=added, renamed=renamed))


def _find_agency(key: str | None) -> Agency:
    agencies = db.session.scalars(select(Agency).order_by(Agency.key)).all()
    if key is None and len(agencies) > 1:
        keys = ", ".join(agency.key for agency in agencies)
        raise click.UsageError(terminal_text(_("--agency is needed, one of: %(keys)s", keys=keys)))
    for agency in agencies:
        if key in {None, agency.key}:
            return agency
    raise NotFound(_("There is no agency %(key)s: load its SOP first.", key=key or "-"))
