"""`flask audit`: the trail verified, and its heads written down to be kept elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from models.audit import verification
from views.commands.terminal import Group, fail, reading

group = Group("audit", help="The audit trail: verify, anchor.")


@group.command()
@click.option(
    "--anchor",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Lines that `flask audit anchor` wrote earlier.",
)
def verify(file: Path | None) -> None:
    """Read every chain from its first entry; exit 1 and name the first row that does not hold."""
    kept = _anchors(file) if file else []
    with reading() as session:
        if broken := verification.verify(session, kept):
            fail(f"chain {broken.chain}, entry {broken.number}: {broken.fault}")
        heads = verification.anchors(session)
    click.echo(f"All {len(heads)} chains hold, {sum(head.number for head in heads)} entries.")


@group.command()
def anchor() -> None:
    """Write one line for each chain, to be kept where nobody of this installation can change it."""
    with reading() as session:
        for head in verification.anchors(session):
            click.echo(str(head))


def _anchors(file: Path) -> list[verification.Anchor]:
    try:
        return [verification.Anchor.read(line) for line in file.read_text().splitlines() if line.strip()]
    except ValueError:
        raise click.BadParameter(f"{file} holds something that is no anchor", param_hint="--anchor") from None
