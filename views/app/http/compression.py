"""Compress what is text and large enough, for clients that accept gzip; a stream as it is sent, without keeping it.

Why pages with a CSRF token may be compressed: docs/decisions/2026-11-26-compressed-pages.md.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from flask import g, request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask import Flask, Response

#: Media types that are worth it. Attached files are sent as they are kept.
_TYPES = frozenset(
    {"text/html", "text/css", "text/csv", "text/javascript", "text/calendar", "application/json", "image/svg+xml"}
)
#: Below this many bytes a packet is not saved.
_MIN_BYTES = 1024
_LEVEL = 5
_GZIP_WINDOW = 31


def never_compress() -> None:
    """Send the current response as it is: it shows a secret that its reader has not typed themselves."""
    g.holds_secret = True


def _compress(response: Response) -> Response:
    if response.mimetype not in _TYPES or response.direct_passthrough or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings["gzip"] or g.get("holds_secret"):
        return response
    if response.is_streamed:
        response.response = _compressed(response.response)
    elif len(content := response.get_data()) >= _MIN_BYTES:
        response.set_data(gzip.compress(content, _LEVEL, mtime=0))
    else:
        return response
    response.headers["Content-Encoding"] = "gzip"
    if etag := response.get_etag()[0]:
        response.set_etag(etag, weak=True)  # the same content, but not the same bytes
    return response


def _compressed(parts: Iterable[str | bytes]) -> Iterator[bytes]:
    """Yield ``parts`` compressed; the first at once, so that a download begins at once."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    try:
        for number, part in enumerate(parts):
            packed = compressor.compress(part.encode() if isinstance(part, str) else part)
            if not number:
                packed += compressor.flush(zlib.Z_SYNC_FLUSH)
            if packed:
                yield packed
        yield compressor.flush()
    finally:
        if close := getattr(parts, "close", None):
            close()


def init_app(app: Flask) -> None:
    """Compress the responses of ``app``; registered first, it sees them last."""
    app.after_request(_compress)
