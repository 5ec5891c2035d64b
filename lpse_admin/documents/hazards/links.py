"""Where an address in a document leads when the document is opened."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]+):", re.IGNORECASE)
#: A folder of another computer: \\server\share, //server/share, file://server/share; not file:///C:/Users.
_OTHER_COMPUTER = re.compile(r"\s*(?:\\\\|//|file:(?:[\\/]{2}(?![\\/])|[\\/]{4,}))", re.IGNORECASE)
#: What a reader may click on: it opens in their browser or mail program.
_CLICKABLE = frozenset({"http", "https", "mailto", "tel", "ftp", "file"})


def is_remote(address: str) -> bool:
    """Whether what is loaded from ``address`` comes from another computer, or by a program of its own."""
    if _OTHER_COMPUTER.match(address):
        return True
    scheme = _scheme(address)
    return scheme not in {"", "file"}


def is_harmless_to_click(address: str) -> bool:
    """Whether a link that a reader clicks opens a page, a mail or a file, and runs nothing."""
    scheme = _scheme(address)
    return scheme in _CLICKABLE | {""}


def _scheme(address: str) -> str:
    """Return the scheme of an address in small letters; empty for a path, also for one with a drive letter."""
    result = _SCHEME.match(address)
    return result[1].casefold() if result else ""
