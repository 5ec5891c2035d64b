"""A form that meets a lapsed login: what was typed goes with the login page and comes back to be sent again.

The program keeps nothing of it, and nothing is sent by itself: whoever logs in as the one who typed it is shown the
form again as it was, and presses its button anew (docs/decisions/2026-11-21-lapsed-login.md).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import current_app, g, render_template, request, session
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException

from lpse_admin.errors import Incomplete
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from models.accounts.user import User

#: Where what comes back is refused once instead of done: by ``come_back``, or since it only keeps a draft.
FORMS = frozenset(
    {
        "change.move",
        "change.save",
        "change.hand_over",
        "absence.end",
        "delegation.withdraw",
        "deviation.dispose",
        "deviation.follow_up",
        "freeze.lift",
        "freeze.permit",
        "release.actual",
        "setting.ramadan",
        "setting.threshold",
    }
)
_FORM_TAILS = ("create_view", "edit_view")
_TOKEN = "csrf_token"  # noqa: S105 - the name of a field
_BACK = "resumed"
#: How long what was typed may be on its way, and how old the page may be that it was typed into, in seconds.
_ON_ITS_WAY, _OLDEST_PAGE = 60 * 60, 7 * 24 * 60 * 60
#: The most that goes with a login, in characters, packed.
_MOST = 1024 * 1024
_NEVER = (_TOKEN, _BACK)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, by whom, and where it was sent."""

    writer_id: int
    address: str
    fields: tuple[tuple[str, str], ...]

    def packed(self) -> str | None:
        """Return it as a text that nobody can alter; None where it is too much to go with a login."""
        text = str(_signer().dumps([self.writer_id, self.address, self.fields]))
        return text if len(text) <= _MOST else None


def sign_forms_of(user: User) -> None:
    """Let the token in every form of this session say whose it is."""
    session[_TOKEN] = f"{user.id}.{secrets.token_hex(20)}"
    g.pop(_TOKEN, None)  # one of the session before


def typed_here() -> Typed | None:
    """Return what this request brought, if it came from a form of this program that can be shown again."""
    endpoint = request.endpoint or ""
    if request.method != "POST" or not (endpoint in FORMS or endpoint.endswith(_FORM_TAILS)):
        return None
    try:
        writer_id = _writer_of(request.form.get(_TOKEN, ""))
    except HTTPException:  # too large, or no form at all
        return None
    if writer_id is None:
        return None
    fields = [
        (name, text)
        for name, text in request.form.items(multi=True)
        if name not in _NEVER and "password" not in name and text
    ]
    return Typed(writer_id, request.full_path.rstrip("?"), tuple(fields))


def unpacked(text: str | None) -> Typed | None:
    """Return what came along with a login; None where nothing did, or it is too old or not ours."""
    try:
        writer_id, address, fields = _signer().loads(text or "", max_age=_ON_ITS_WAY)
    except BadData:
        return None
    return Typed(writer_id, address, tuple((name, value) for name, value in fields))


def offered(typed: Typed) -> str:
    """Return the page that leads back to the form with what was typed."""
    return render_template("app/form_recovery.html", typed=typed, back=_BACK)


def come_back() -> None:
    """Refuse, once, what came back after a lapsed login: its form is shown as it was, to be looked at and sent."""
    if request.form.get(_BACK):
        raise Incomplete(
            _("Your login had lapsed. This is what you had typed: check it, choose files again, and send it.")
        )


def _writer_of(token: str) -> int | None:
    """Return whose form a token comes from, as ``sign_forms_of`` put it."""
    signer = URLSafeTimedSerializer(_key(), salt="wtf-csrf-token")  # Flask-WTF's own
    try:
        writer, dot, _rest = str(signer.loads(token, max_age=_OLDEST_PAGE)).partition(".")
    except BadData:
        return None
    return int(writer) if dot and writer.isdigit() else None


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_key(), salt="lpse-typed")


def _key() -> Any:  # noqa: ANN401 - as Flask keeps it
    return current_app.secret_key


__all__ = ["FORMS", "Typed", "come_back", "offered", "sign_forms_of", "typed_here", "unpacked"]
