"""What stands about every page and is the same for many readers: written once for each kind of them, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app, request, url_for

from lpse_admin.message import Message, _
from lpse_admin.permissions import Verb, may
from lpse_admin.roles import Role
from views.access import viewer
from views.base import RecordView, stands_in_for_head
from views.language import current_language, tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from markupsafe import Markup

#: Groups of screens: (label or None, the screens).
Menu = list[tuple[Message | None, list[RecordView]]]

#: Macros that most pages use, by the name that templates know them by. A template that imported them itself would
#: look through all of Jinja's globals anew on every page.
_MACROS = {
    "absences": "macros/head.html",
    "badges": "macros/badges.html",
    "forms": "macros/forms.html",
    "lists": "macros/lists.html",
}

#: Where an app keeps what it has written.
_PARTS = "lpse_frame"


def init_app(app: Flask, menu: Menu) -> None:
    """Give the templates of ``app`` their frame, with ``menu`` in it."""
    # Globals and no context processor: macros that are imported without context use them too.
    names = app.jinja_env.globals
    names.update(navigation=lambda: _navigation(menu), frame=_part)
    names.update({name: app.jinja_env.get_template(template).module for name, template in _MACROS.items()})


def _part(name: str) -> Markup:
    """Return the part of this name of macros/frame.html, in the reader's language."""

    def write() -> Markup:
        written: Markup = getattr(_macros("macros/frame.html"), name)()
        return written

    return _once((name, current_language(), request.script_root), write)


def _once(key: tuple[object, ...], write: Callable[[], Markup]) -> Markup:
    """Return what is kept under ``key``, written the first time that it is asked for."""
    kept: dict[tuple[object, ...], Markup] = current_app.extensions.setdefault(_PARTS, {})
    found = kept.get(key)
    if found is None:
        found = kept[key] = write()
    return found


def _macros(template: str) -> Any:  # noqa: ANN401 - a template's module
    return current_app.jinja_env.get_template(template).module


def _navigation(menu: Menu) -> Markup:
    """Return the menu of whoever is logged in, the screen that they are on marked in it."""
    user = viewer()
    roles, stands_in = (frozenset(user.roles), stands_in_for_head()) if user else (frozenset[Role](), False)
    here, root = request.blueprint, request.script_root

    def write() -> Markup:
        links = _links(menu, roles, root, stands_in=stands_in)
        written: Markup = _macros("macros/navigation.html").navigation(links, here)
        return written

    return _once((roles, stands_in, current_language(), root, here), write)


def _links(
    menu: Menu, roles: frozenset[Role], root: str, *, stands_in: bool
) -> list[tuple[str | None, list[tuple[str, str, str]]]]:
    """Return the groups of the menu for a kind of reader, each with (text, address, endpoint) of its screens."""
    found: list[tuple[str | None, list[tuple[str, str, str]]]] = [
        (None, [(tr(_("Home")), url_for("home.index"), "home")])
    ]
    for label, views in menu:
        links = [
            (tr(view.title), f"{root}{view.url}/", view.endpoint)
            for view in views
            if may(roles, Verb.READ, view.resource, stands_in_for_head=stands_in)
        ]
        if links:
            found.append((tr(label) if label else None, links))
    return found
