"""`flask audit`: verify the register against the audit trail, and print anchors to be stored elsewhere."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lpse_admin.i18n import Message, _
from models.audit.anchors import Anchor, anchor_lines, read_anchors
from models.database import read_session
from models.integrity.run import MAX_FINDINGS, not_covered
from views.audit.verifying import verify_and_save
from views.audit.words import TABLES
from views.commands.terminal import CommandGroup, fail, localized, os_user_name, say
from views.i18n.wording import terminal_text
from views.notifications.anchoring import anchor_all

if TYPE_CHECKING:
    from typing import Any

    from models.integrity.findings import Finding
    from models.integrity.run import Report

#: What is longer is no path; and so much is repeated of what was given.
_LONGEST_PATH, _LONGEST_NAME = 1000, 80

group = CommandGroup("audit", help=terminal_text(_("The audit trail: verify, anchor.")))


@group.command()
@click.option(
    "--anchor",
    "kept",
    multiple=True,
    help=terminal_text(
        _(
            "Anchors that were kept: a file, a mail that was saved or pasted, the lines themselves, or - for standard"
            " input."
        )
    ),
)
@click.option(
    "--since",
    help=terminal_text(_("Begin behind this anchor, a line or a file of them; what is older is not verified.")),
)
@click.option("--json", "as_json", is_flag=True, help=terminal_text(_("Print the result as JSON.")))
def verify(kept: tuple[str, ...], since: str | None, *, as_json: bool) -> None:
    """Compare every row and file with the audit trail, and the trail with its anchors; exit 1 with what was found."""
    anchors = [anchor for given in kept for anchor in _anchors_of(given, "--anchor")]
    begin = _anchors_of(since, "--since") if since else []
    by = f"terminal ({os_user_name()})"
    report = verify_and_save(by=by, anchors=anchors, since=begin, progress=_Bars())
    if as_json:
        click.echo(json.dumps(_as_json(report), ensure_ascii=False, indent=1))
    else:
        _print(report)
    if report.found:
        sys.exit(1)


@group.command()
@click.option(
    "--send", is_flag=True, help=terminal_text(_("Also make, send and stamp the anchors of the day that are due, now."))
)
def anchor(*, send: bool) -> None:
    """Print a line for each chain, to be stored where nobody of this installation can change it."""
    with read_session() as session:
        for line in anchor_lines(session, None):
            click.echo(line)
    if not send:
        return
    result = anchor_all(by=f"terminal ({os_user_name()})", at_once=True)
    say(_("Sent %(sent)s, stamped %(stamped)s, failed %(failed)s.", **asdict(result)), err=True)
    if result.failed:
        sys.exit(1)


@group.command("coverage")
def coverage() -> None:
    """Print what no verification covers, each with its reason."""
    for line in not_covered():
        say(line)


class _Bars:
    """A bar for each stage on standard error, where somebody looks at it."""

    def __init__(self) -> None:
        self._bar: Any = None

    def begin(self, stage: Message, total: int) -> None:
        """Begin a bar."""
        if self._bar is not None:
            self._bar.render_finish()
        self._bar = None
        if sys.stderr.isatty():
            label = f"{localized(stage):<14}"
            self._bar = click.progressbar(length=max(total, 1), label=label, file=sys.stderr, show_eta=True)

    def advance(self, parts: int = 1) -> None:
        """Move the bar on."""
        if self._bar is not None:
            self._bar.update(parts)


def _print(report: Report) -> None:
    for finding in report.findings:
        say(finding_line(finding), err=True)
    if report.found > MAX_FINDINGS:
        say(_("… and %(count)s more.", count=report.found - MAX_FINDINGS), err=True)
    for note in report.notes:
        say(_("Note: %(note)s", note=note))
    counts = {"entries": report.entries, "rows": report.rows, "files": report.files}
    if report.found:
        fail(
            _(
                "%(found)s findings. %(entries)s entries of the trail, %(rows)s rows and %(files)s files were"
                " verified.",
                found=report.found,
                **counts,
            )
        )
    say(
        _(
            "The audit trail is intact (%(entries)s entries), and %(rows)s rows and %(files)s files are as it says.",
            **counts,
        )
    )


def finding_line(finding: Finding) -> Message:
    """Return a finding on one line: what it is, where, and what is wrong."""
    parts: list[Message | str] = []
    if finding.change_number:
        parts.append(finding.change_number)
    if finding.table and finding.table in TABLES:
        parts.append(_("%(table)s %(row)s", table=TABLES[finding.table], row=finding.row or ""))
    elif finding.table:
        parts.append(f"{finding.table} {finding.row or ''}".strip())
    if finding.column:
        parts.append(_("column %(column)s", column=finding.column))
    if finding.entry is not None and finding.at is not None:
        at = f"{finding.at:%Y-%m-%d %H:%M} UTC"
        parts.append(_("told last in entry %(entry)s of %(at)s", entry=f"{finding.chain}:{finding.entry}", at=at))
    location = ", ".join(localized(part) for part in parts)
    return _("%(kind)s: %(place)s: %(error)s", kind=finding.kind.title, place=location, error=finding.error)


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "entries": report.entries,
        "rows": report.rows,
        "files": report.files,
        "found": report.found,
        "notes": [localized(note) for note in report.notes],
        "findings": [
            {
                "kind": finding.kind.value,
                "table": finding.table,
                "row": finding.row,
                "column": finding.column,
                "request": finding.change_number,
                "chain": finding.chain,
                "entry": finding.entry,
                "at": None if finding.at is None else finding.at.isoformat(),
                "error": localized(finding.error),
            }
            for finding in report.findings
        ],
    }


def _anchors_of(given: str, option: str) -> list[Anchor]:
    """Return the anchors of a file, of standard input, or of the text that was given itself."""
    path = Path(given)
    try:
        if given == "-":
            return read_anchors(sys.stdin.read())
        is_file = len(given) < _LONGEST_PATH and path.is_file()
        return read_anchors(path.read_text(encoding="utf-8") if is_file else given)
    except OSError as error:
        message = _("%(file)s cannot be read (%(reason)s)", file=given, reason=error.strerror or str(error))
    except ValueError:
        message = _("%(file)s has no anchor, or one that was cut or damaged", file=given[:_LONGEST_NAME])
    raise click.BadParameter(terminal_text(message), param_hint=option)
