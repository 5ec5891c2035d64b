"""An SOP as a file to be kept."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response


def send_file(text: str, mimetype: str, name: str) -> Response:
    """Return an answer that the browser keeps as a file."""
    response = Response(text, mimetype=mimetype)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
