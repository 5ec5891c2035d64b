"""`flask agency`: the LPSEs of the installation."""

from __future__ import annotations

from sqlalchemy import func, select

from lpse_admin.i18n import _
from models.accounts.user import User
from models.database import read_session
from models.office.agency import Agency
from models.sops.sop import sop_in_force
from views.commands.terminal import CommandGroup, print_table
from views.i18n.wording import terminal_text

group = CommandGroup("agency", help=terminal_text(_("The LPSEs of this installation: list.")))


@group.command("list")
def list_agencies() -> None:
    """List all LPSEs with the SOP in force and the number of active accounts."""
    with read_session() as session:
        counted = select(User.agency_id, func.count().label("accounts")).where(User.is_active).group_by(User.agency_id)
        accounts = {row.agency_id: row.accounts for row in session.execute(counted)}
        print_table(
            (_("Agency key"), _("Name"), _("Region"), _("Time zone"), _("SOP in force"), _("Active accounts")),
            [
                (
                    agency.key,
                    agency.name,
                    agency.region,
                    agency.time_zone,
                    revision.key if (revision := sop_in_force(session, agency.id)) else None,
                    accounts.get(agency.id, 0),
                )
                for agency in session.scalars(select(Agency).order_by(Agency.key))
            ],
        )
