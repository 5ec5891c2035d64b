"""A virus scanner beside the program: clamd, asked over its socket (man 8 clamd, command INSTREAM)."""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import TYPE_CHECKING

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from lpse_admin.config import ScannerAddress

_TIMEOUT_SECONDS = 20
_CHUNK = 64 * 1024
_MAX_ANSWER = 4096


class HeldBackError(ValidationFailed):
    """The scanner gave no answer: the file is not taken until it has."""


def require_clean(name: str, content: bytes, address: ScannerAddress) -> None:
    """Raise ValidationFailed for a file in which the scanner finds something, HeldBackError if it does not answer."""
    try:
        answer = _ask(content, address)
    except OSError:
        answer = ""
    if answer.endswith(" FOUND"):
        result = answer.removesuffix(" FOUND").rpartition(": ")[2]
        raise ValidationFailed(
            _("%(name)s is not accepted: the virus scanner found %(found)s.", name=name, found=result)
        )
    if not answer.endswith(" OK"):
        raise HeldBackError(
            _(
                "%(name)s is held back: the virus scanner does not answer. The file stays with this form; send it again"
                " in a few minutes.",
                name=name,
            )
        )


def _ask(content: bytes, address: ScannerAddress) -> str:
    """Return the scanner's answer, such as "stream: OK". Raises OSError."""
    family = socket.AF_UNIX if address.path else socket.AF_INET
    target = address.path or (address.host, address.port)
    with closing(socket.socket(family, socket.SOCK_STREAM)) as connection:
        connection.settimeout(_TIMEOUT_SECONDS)
        connection.connect(target)
        connection.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), _CHUNK):
            chunk = content[start : start + _CHUNK]
            connection.sendall(struct.pack(">I", len(chunk)) + chunk)
        connection.sendall(struct.pack(">I", 0))
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < _MAX_ANSWER and (more := connection.recv(_MAX_ANSWER)):
            answer += more
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")
