"""`flask search`: rebuild and verify the search index."""

from __future__ import annotations

import sys

from lpse_admin.i18n import _
from models.database import read_session
from models.search import index
from views.commands.terminal import CommandGroup, say, write_session
from views.i18n.wording import terminal_text

group = CommandGroup("search", help=terminal_text(_("The search index: rebuild, verify.")))


@group.command("rebuild")
def rebuild() -> None:
    """Rebuild the index from the records."""
    with write_session("search rebuild") as session:
        count = index.rebuild_index(session.connection())
    say(_("%(count)s records can be searched.", count=count))


@group.command("verify")
def verify() -> None:
    """Compare the index with the records; exit 1 with a line for each difference."""
    with read_session() as session:
        wrong: list[object] = [f"{kind.name.lower()} {id_}" for kind, id_ in index.stale_records(session.connection())]
    with write_session("search verify") as session:
        if not index.is_fts_intact(session.connection()):
            wrong.append(_("the words"))
    for one in wrong:
        say(_("%(record)s: differs from the index", record=one), err=True)
    if wrong:
        say(_("Run flask search rebuild to rebuild the index."), err=True)
        sys.exit(1)
    say(_("The index agrees with the records."))
