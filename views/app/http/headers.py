"""Security and cache headers of every response, and the addresses of static files.

Static files are compressed and cached for a year under an address with their digest. For pages see ``compression``.
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

#: Bootstrap's style sheet has icons as data URLs; everything else is from 'self'.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'; frame-src 'none'"
)
#: The policy of a page with frames of the program's own files.
_POLICY_WITH_FRAMES = _POLICY.replace("frame-src 'none'", "frame-src 'self'")
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_YEAR_SECONDS = 365 * 24 * 3600
#: The key in ``app.extensions`` of the address cache.
_URL_CACHE_KEY = "lpse_addresses"
#: Media types of static files that are compressed.
_COMPRESSED_TYPES = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})


def allow_frames() -> None:
    """Allow frames of the program's own addresses in the current response."""
    g.holds_frames = True


def _set_headers(response: Response) -> Response:
    if g.get("holds_frames"):
        response.headers.setdefault("Content-Security-Policy", _POLICY_WITH_FRAMES)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR_SECONDS}")
    if request.endpoint == "static":
        # The content of an address with a digest never changes.
        if "v" in request.args:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR_SECONDS}, immutable"
        _compress(response)
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _compress(response: Response) -> None:
    """Compress a static file if the client accepts gzip."""
    if response.mimetype not in _COMPRESSED_TYPES:
        return
    response.vary.add("Accept-Encoding")
    values = request.view_args or {}
    is_full = response.status_code == HTTPStatus.OK and "filename" in values
    if not is_full or not request.accept_encodings["gzip"] or current_app.static_folder is None:
        return
    path = Path(current_app.static_folder, values["filename"])
    response.close()  # the uncompressed file
    response.direct_passthrough = False
    response.set_data(gzip.compress(path.read_bytes(), 9, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    # A weak ETag: the same content, but not the same bytes.
    response.set_etag(response.get_etag()[0] or "", weak=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _add_digest_to_url(endpoint: str, values: dict[str, Any]) -> None:
    """Add the digest of a static file to its address, so that a changed file has a new address."""
    if endpoint != "static" or "filename" not in values or current_app.static_folder is None:
        return
    path = Path(current_app.static_folder, values["filename"])
    with suppress(OSError):
        values.setdefault("v", _digest(path))


def cached_url_for(endpoint: str, filename: str | None = None) -> str:
    """Return the address of a page without parameters, or of a static file, cached for the life of the process."""
    cache: dict[tuple[str, str, str | None], str] = current_app.extensions.setdefault(_URL_CACHE_KEY, {})
    key = (request.script_root, endpoint, filename)
    address = cache.get(key)
    if address is None:
        address = cache[key] = url_for(endpoint, filename=filename)
    return address


def static_url(name: str) -> str:
    """Return the address of a static file."""
    return cached_url_for("static", name)


def init_app(app: Flask) -> None:
    """Set these headers on every response of ``app``."""
    app.after_request(_set_headers)
    app.url_defaults(_add_digest_to_url)
    app.jinja_env.globals.update(allow_frames=allow_frames, address_of=cached_url_for, static_address=static_url)
