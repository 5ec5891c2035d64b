"""What every answer tells the browser: to run nothing but the program's own files, and to keep nothing private."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request

if TYPE_CHECKING:
    from flask import Flask, Response

#: Bootstrap draws its ticks and arrows as data addresses in its style sheet; nothing else leaves 'self'.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'; frame-src 'none'"
)
#: The policy of a page that shows files of the program within itself.
_WITH_FRAMES = _POLICY.replace("frame-src 'none'", "frame-src 'self'")
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_YEAR = 365 * 24 * 3600


def allow_frames() -> None:
    """Let the page that is being answered hold frames, of this program's own addresses."""
    g.holds_frames = True


def _protect(response: Response) -> Response:
    if g.get("holds_frames"):
        response.headers.setdefault("Content-Security-Policy", _WITH_FRAMES)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR}")
    if request.endpoint == "static":
        # An address with the file's own digest never means anything else.
        if "v" in request.args:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@lru_cache(maxsize=256)
def _path(folder: str, name: str) -> Path:
    return Path(folder, name)


@lru_cache(maxsize=256)
def _digest(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _version(endpoint: str, values: dict[str, Any]) -> None:
    """Put the digest of a static file into its address, so that a new one is fetched and an old one is not."""
    if endpoint != "static" or "filename" not in values or current_app.static_folder is None:
        return
    path = _path(current_app.static_folder, values["filename"])
    with suppress(OSError):
        values.setdefault("v", _digest(path, path.stat().st_mtime_ns))


def init_app(app: Flask) -> None:
    """Send these headers with every answer of ``app``."""
    app.after_request(_protect)
    app.url_defaults(_version)
    app.jinja_env.globals["allow_frames"] = allow_frames
