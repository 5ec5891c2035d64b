"""The cover of a dossier with the index of its registers, as a paper of the office."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_babel import gettext

from lpse_admin.papers.characters import printable
from views.i18n.language import format_number
from views.papers.printing import Office, set_own_layout

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from models.office.agency import Agency

    Facts = Sequence[tuple[str, str]]

_LAYOUT = Path(__file__).parents[3] / "templates" / "inspection" / "cover.typ"


def count_text(count: int) -> str:
    """Return a number of rows in words of registers: NIHIL where there are none."""
    return format_number(count) if count else gettext("NIHIL")


def cover_pdf(
    session: Session,
    agency: Agency,
    moment: dt.datetime,
    parts: Sequence[tuple[str, Facts]],
    anchor: str,
    registers: Sequence[Mapping[str, Any]],
) -> bytes:
    """Return the cover: its parts, each with a heading, the anchor of the trail, and every register with its rows."""
    about, *others = [{"title": printable(title), "facts": _facts(facts)} for title, facts in parts]
    content = {
        "title": gettext("Inspection dossier"),
        "number": "",
        "printed": f"{gettext('Inspection dossier')} · {printable(agency.name)}",
        "about": about["facts"],
        "parts": others,
        "anchor": {"title": gettext("Anchor of the audit trail"), "text": anchor},
        "how": {
            "title": gettext("How to check this dossier"),
            "text": gettext(
                "Open index.html in a browser; no network is needed. The program periksa.py compares every file, every "
                "row of the registers and the audit trail with the manifest: python3 periksa.py FILE.zip --sidik "
                "FINGERPRINT, with the fingerprint that the office noted when the dossier was made."
            ),
        },
        "index_title": gettext("Index of registers"),
        "headings": [gettext("No."), gettext("Register"), gettext("Rows"), gettext("File")],
        "rows": [
            [str(number), printable(one["title"]), count_text(one["count"]), f"register/{one['name']}.csv"]
            for number, one in enumerate(registers, 1)
        ],
    }
    return set_own_layout(Office.load(session, agency, None), _LAYOUT, content, moment)


def _facts(facts: Facts) -> list[dict[str, str]]:
    return [{"label": printable(label), "value": printable(value)} for label, value in facts]
