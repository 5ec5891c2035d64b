"""Help: a guide for each role and some subjects (from docs), and the meaning of each step by the SOP in force."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, current_app, render_template, url_for
from markdown_it import MarkdownIt

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotFound
from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.i18n import _
from models.database import db
from models.sops.sop import sop_in_force
from views.app.access import get_current_user, is_acting_head
from views.i18n.html import own_html

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markupsafe import Markup

    from lpse_admin.i18n import Message
    from lpse_admin.sop import Sop

blueprint = Blueprint("help", __name__, url_prefix="/help")

#: The role of each guide, by file name, in the order of the procedure.
GUIDES: dict[str, Role] = {
    "pemohon": Role.REQUESTER,
    "pengelola-perubahan": Role.CHANGE_MANAGER,
    "kepala-lpse": Role.HEAD,
    "pemeriksa": Role.INSPECTOR,
    "administrator": Role.ADMINISTRATOR,
}
#: Guides to a subject, by file name: their title, and their folder.
TOPICS: dict[str, tuple[Message, str]] = {
    "menyusun-sop": (_("Guide to the editor of SOPs"), "docs/guides"),
    "sop-format": (_("Guide to the file of an SOP (TOML)"), "docs"),
}
#: The folder of the guides' pictures, below the static files.
PICTURES = "guides"

# HTML in the Markdown is escaped.
_markdown = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Guide:
    """A rendered guide."""

    title: Message
    body: Markup


def _load_guide(key: str) -> Guide:
    role = GUIDES.get(key)
    title, folder = (_("Guide for: %(role)s", role=role.title), "docs/guides") if role else TOPICS[key]
    path = Path(current_app.root_path, folder, f"{key}.md")
    # Skip the title, which the page shows in the user's language.
    _open, _title, _close, *tokens = _markdown.parse(path.read_text(encoding="utf-8"))
    for token in tokens:
        for part in token.children or ():
            _resolve_addresses(part)
    body: str = _markdown.renderer.render(tokens, _markdown.options, {})
    return Guide(title, own_html(body))  # no HTML passes the renderer


def _resolve_addresses(token: Token) -> None:
    """Replace links to guides and pictures by addresses of the program."""
    if token.type == "image":
        name = Path(str(token.attrs["src"])).name
        token.attrs["src"] = url_for("static", filename=f"{PICTURES}/{name}")
        token.attrs["loading"] = "lazy"
        size = _png_size(Path(current_app.static_folder or "", PICTURES, name))
        if size:
            token.attrs["width"], token.attrs["height"] = size
    elif token.type == "link_open" and str(token.attrs["href"]).endswith(".md"):
        token.attrs["href"] = url_for("help.show", guide=Path(str(token.attrs["href"])).stem)


def _png_size(path: Path) -> tuple[int, int] | None:
    """Return the width and height of a PNG file, so that the page does not shift when it loads; None if missing."""
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except OSError:
        return None
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def _own_guides() -> list[str]:
    """Return the guides of the user's roles, and the head's guide for an acting head."""
    roles = {*get_current_user().roles, *([Role.HEAD] if is_acting_head() else [])}
    return [key for key, role in GUIDES.items() if role in roles]


def _sop_in_force() -> Sop | None:
    """Return the SOP in force in the user's agency."""
    agency_id = get_current_user().agency_id
    revision = sop_in_force(db.session(), agency_id) if agency_id else None
    return revision.sop if revision else None


@blueprint.get("/")
def index() -> str:
    """Show the list of guides, the user's own first, and the steps of the SOP."""
    mine = _own_guides()
    return render_template(
        "help/index.html",
        guides=GUIDES,
        mine=mine,
        others=[key for key in GUIDES if key not in mine],
        topics={key: title for key, (title, _folder) in TOPICS.items()},
        sop=_sop_in_force(),
    )


@blueprint.get("/<guide>")
def show(guide: str) -> str:
    """Show a guide."""
    if guide not in GUIDES and guide not in TOPICS:
        raise NotFound(_("There is no such guide."))
    return render_template("help/guide.html", guide=_load_guide(guide))


@blueprint.get("/step/<step>")
def about_step(step: str) -> str:
    """Show the meaning of a step by the SOP in force."""
    sop = _sop_in_force()
    result = next((one for one in sop.rules if one.value == step), None) if sop else None
    if sop is None or result is None:
        raise NotFound(_("The SOP in force has no such step."))
    return render_template("help/step.html", sop=sop, chart=chart_with_layout(sop)[0], step=result)
