"""`flask audit`: verify the audit trail, and print the ends of its chains to be stored elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from lpse_admin.i18n import _
from models.audit import verification
from views.commands.terminal import CommandGroup, fail, read_session, say
from views.i18n.wording import terminal_text

group = CommandGroup("audit", help=terminal_text(_("The audit trail: verify, anchor.")))


@group.command()
@click.option(
    "--anchor",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=terminal_text(_("Lines that `flask audit anchor` wrote earlier.")),
)
def verify(file: Path | None) -> None:
    """Verify every chain from its first entry; exit 1 with the first broken entry."""
    anchors = _read_anchors(file) if file else []
    with read_session() as session:
        if broken := verification.verify_chains(session, anchors):
            fail(
                _(
                    "Chain %(chain)s, entry %(number)s: %(error)s",
                    chain=broken.chain,
                    number=broken.number,
                    error=broken.error,
                )
            )
        heads = verification.chain_anchors(session)
    say(
        _(
            "All %(chains)s chains are intact, %(entries)s entries.",
            chains=len(heads),
            entries=sum(head.number for head in heads),
        )
    )


@group.command()
def anchor() -> None:
    """Print a line for each chain, to be stored where nobody of this installation can change it."""
    with read_session() as session:
        for head in verification.chain_anchors(session):
            click.echo(str(head))


def _read_anchors(file: Path) -> list[verification.Anchor]:
    try:
        return [verification.Anchor.parse(line) for line in file.read_text().splitlines() if line.strip()]
    except ValueError:
        raise click.BadParameter(
            terminal_text(_("%(file)s contains a line that is not an anchor", file=str(file))), param_hint="--anchor"
        ) from None
