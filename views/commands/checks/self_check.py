"""`flask self-check`: the register of each office is checked by the rules, as the server does every six hours."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from lpse_admin.i18n import _
from lpse_admin.self_check.rules import Severity
from models.office.agency import Agency
from models.self_check.run import run_self_check
from views.app.clock import now
from views.commands.terminal import fail, say, write_session
from views.i18n.wording import terminal_text


@click.command("self-check")
@click.option("--agency", "key", help=terminal_text(_("Only the LPSE with this key.")))
@with_appcontext
def self_check_command(key: str | None) -> None:
    """Check the registers by the rules; exit 1 if something is serious."""
    is_serious = False
    with write_session("self-check") as session:
        chosen = select(Agency).order_by(Agency.id)
        agencies = session.scalars(chosen if key is None else chosen.where(Agency.key == key)).all()
        if not agencies:
            fail(_("There is no LPSE with the key %(key)s.", key=key or ""))
        for agency in agencies:
            findings = run_self_check(session, agency, now())
            say(_("%(agency)s: %(count)s findings", agency=agency.name, count=len(findings)))
            for finding in findings:
                is_serious |= finding.severity is Severity.SERIOUS
                facts = ", ".join(part for part in (finding.record_name, finding.fact) if part)
                say(f"  {terminal_text(finding.severity.title)}: {terminal_text(finding.rule.title)}: {facts}")
    if is_serious:
        sys.exit(1)
