"""What every answer tells the browser: to run nothing but the program's own files, and to keep nothing private.

Static files are sent compressed, and kept for a year under an address that has their digest. Pages are not compressed:
they hold the token of their forms beside words that somebody else may have chosen, and from how well both compress
together a listener could learn the token (BREACH).
"""

from __future__ import annotations

import gzip
import hashlib
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request, url_for

if TYPE_CHECKING:
    from flask import Flask, Response

#: Bootstrap draws its ticks and arrows as data addresses in its style sheet; nothing else leaves 'self'.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'; frame-src 'none'"
)
#: The policy of a page that shows files of the program within itself.
_POLICY_WITH_FRAMES = _POLICY.replace("frame-src 'none'", "frame-src 'self'")
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_YEAR_SECONDS = 365 * 24 * 3600
#: Where an app keeps the addresses that it has worked out.
_URL_CACHE_KEY = "lpse_addresses"
#: Kinds of static files that compressing makes smaller.
_COMPRESSED_TYPES = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})


def allow_frames() -> None:
    """Let the page that is being answered hold frames, of this program's own addresses."""
    g.holds_frames = True


def _set_headers(response: Response) -> Response:
    if g.get("holds_frames"):
        response.headers.setdefault("Content-Security-Policy", _POLICY_WITH_FRAMES)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR_SECONDS}")
    if request.endpoint == "static":
        # An address with the file's own digest never means anything else.
        if "v" in request.args:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR_SECONDS}, immutable"
        _compress(response)
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _compress(response: Response) -> None:
    """Send a static file compressed to whoever takes it so."""
    if response.mimetype not in _COMPRESSED_TYPES:
        return
    response.vary.add("Accept-Encoding")
    values = request.view_args or {}
    whole = response.status_code == HTTPStatus.OK and "filename" in values
    if not whole or not request.accept_encodings["gzip"] or current_app.static_folder is None:
        return
    path = Path(current_app.static_folder, values["filename"])
    response.close()  # the file that would have been sent as it is
    response.direct_passthrough = False
    response.set_data(gzip.compress(path.read_bytes(), 9, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    # The same for whoever asks whether it has changed, but no longer byte for byte.
    response.set_etag(response.get_etag()[0] or "", weak=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _add_digest_to_url(endpoint: str, values: dict[str, Any]) -> None:
    """Put the digest of a static file into its address, so that a new one is fetched and an old one is not."""
    if endpoint != "static" or "filename" not in values or current_app.static_folder is None:
        return
    path = Path(current_app.static_folder, values["filename"])
    with suppress(OSError):
        values.setdefault("v", _digest(path))


def cached_url_for(endpoint: str, filename: str | None = None) -> str:
    """Return the address of a page that needs nothing else to be named, or of a static file.

    It is worked out once; like the templates, what a static file holds is read once for as long as we serve.
    """
    kept: dict[tuple[str, str, str | None], str] = current_app.extensions.setdefault(_URL_CACHE_KEY, {})
    key = (request.script_root, endpoint, filename)
    found = kept.get(key)
    if found is None:
        found = kept[key] = url_for(endpoint, filename=filename)
    return found


def static_url(name: str) -> str:
    """Return the address of a static file."""
    return cached_url_for("static", name)


def init_app(app: Flask) -> None:
    """Send these headers with every answer of ``app``."""
    app.after_request(_set_headers)
    app.url_defaults(_add_digest_to_url)
    app.jinja_env.globals.update(allow_frames=allow_frames, address_of=cached_url_for, static_address=static_url)
