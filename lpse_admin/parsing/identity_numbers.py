"""Identity numbers of civil servants (NIP), in the notations of decrees and cards."""

from __future__ import annotations

import re

from lpse_admin.i18n import _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import DASHES, is_blank, is_dash, strip_blank

_NIP_DIGITS = 18
_PREFIX = re.compile(r"^n\s*\.?\s*i\s*\.?\s*p\s*\.?\s*[:=]?\s*", re.IGNORECASE)


def read_nip(text: str) -> str | None:
    """Return the 18 digits of a NIP, with "NIP." before it and dots, hyphens and blanks in it or not.

    None if it is blank or a dash. Raises UnreadableError.
    """
    number = _PREFIX.sub("", strip_blank(text))
    if is_blank(number) or is_dash(number):
        return None
    digits = "".join(one for one in number if one not in DASHES and one not in "./" and not is_blank(one))
    if not (digits.isascii() and digits.isdigit() and len(digits) == _NIP_DIGITS):
        raise UnreadableError(_("A NIP has 18 digits."))
    return digits
