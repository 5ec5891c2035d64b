"""Lists of e-mail addresses as people type them."""

from __future__ import annotations

import re

from lpse_admin.notifications.smtp_url import is_email_address

_SEPARATORS = re.compile(r"[,;\n]")
#: The address behind a name, as mail programs copy it: Inspektorat <inspektorat@example.go.id>.
_NAMED = re.compile(r"<([^<>]*)>\s*$")


def read_addresses(text: str) -> tuple[list[str], list[str]]:
    """Return the addresses in ``text``, each once, and the parts that are none.

    They are separated by commas, semicolons, blanks or lines, and may have a name before them as mail programs write
    it.
    """
    valid: dict[str, str] = {}
    invalid: list[str] = []
    for part in filter(None, map(str.strip, _SEPARATORS.split(text))):
        named = _NAMED.search(part)
        for word in [named[1].strip()] if named else part.split():
            if is_email_address(word):
                valid.setdefault(word.lower(), word)
            else:
                invalid.append(word)
    return list(valid.values()), invalid
