"""Help in place: a guide for each role, written in docs/guides, and what each step means by the SOP in force."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, current_app, render_template, url_for
from markdown_it import MarkdownIt
from markupsafe import Markup

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotFound
from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.i18n import _
from models.database import db
from models.sops.sop import sop_in_force
from views.app.access import get_current_user, is_acting_head

if TYPE_CHECKING:
    from markdown_it.token import Token

    from lpse_admin.sop import Sop

blueprint = Blueprint("help", __name__, url_prefix="/help")

#: The guides by the name of their file, in the order of the procedure.
GUIDES: dict[str, Role] = {
    "pemohon": Role.REQUESTER,
    "pengelola-perubahan": Role.CHANGE_MANAGER,
    "kepala-lpse": Role.HEAD,
    "pemeriksa": Role.INSPECTOR,
    "administrator": Role.ADMINISTRATOR,
}
#: Where the guides' pictures are served from, below the static files.
PICTURES = "guides"

# What is typed as HTML is shown as it was typed.
_markdown = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False})


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide to be shown."""

    role: Role
    body: Markup


def _load_guide(key: str) -> Guide:
    path = Path(current_app.root_path, "docs", "guides", f"{key}.md")
    # The file begins with its title, which the page says in the reader's language.
    _open, _title, _close, *tokens = _markdown.parse(path.read_text(encoding="utf-8"))
    for token in tokens:
        for part in token.children or ():
            _resolve_addresses(part)
    body: str = _markdown.renderer.render(tokens, _markdown.options, {})
    return Guide(GUIDES[key], Markup(body))  # noqa: S704 - no HTML passes the renderer


def _resolve_addresses(token: Token) -> None:
    """Make what the files say of one another and of their pictures an address of the program."""
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
    """Return width and height of a PNG file, so that the page does not jump when it arrives; None without it."""
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except OSError:
        return None
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def _own_guides() -> list[str]:
    """Return the guides of the reader's own roles; a delegate of the head reads that one too."""
    roles = {*get_current_user().roles, *([Role.HEAD] if is_acting_head() else [])}
    return [key for key, role in GUIDES.items() if role in roles]


def _sop_in_force() -> Sop | None:
    """Return the paper that is in force where the reader is at home."""
    agency_id = get_current_user().agency_id
    revision = sop_in_force(db.session(), agency_id) if agency_id else None
    return revision.sop if revision else None


@blueprint.get("/")
def index() -> str:
    """Show which guides there are, the reader's own first, and the steps of the paper."""
    mine = _own_guides()
    return render_template(
        "help/index.html",
        guides=GUIDES,
        mine=mine,
        others=[key for key in GUIDES if key not in mine],
        paper=_sop_in_force(),
    )


@blueprint.get("/<guide>")
def show(guide: str) -> str:
    """Show a guide."""
    if guide not in GUIDES:
        raise NotFound(_("There is no such guide."))
    return render_template("help/guide.html", guide=_load_guide(guide))


@blueprint.get("/step/<step>")
def about_step(step: str) -> str:
    """Show what a step means by the paper in force."""
    paper = _sop_in_force()
    found = next((one for one in paper.rules if one.value == step), None) if paper else None
    if paper is None or found is None:
        raise NotFound(_("The SOP in force has no such step."))
    return render_template("help/step.html", paper=paper, chart=chart_with_layout(paper)[0], step=found)
