"""Which characters the fonts of the papers have: Libertinus Serif and DejaVu Sans Mono, which typst brings along.

PDF/A and PDF/UA refuse a character that no font has. The ranges were found by setting every character in both weights;
``tests/papers/test_characters.py`` sets them all again.
"""

from __future__ import annotations

import unicodedata

#: Stands for a character that cannot be printed.
REPLACEMENT = "□"

_RANGES = (
    (0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x377), (0x37A, 0x37F), (0x384, 0x38A), (0x38C, 0x38C), (0x38E, 0x3A1),
    (0x3A3, 0x482), (0x48A, 0x4FF), (0x1E00, 0x1EFF), (0x2010, 0x2027), (0x2030, 0x2040), (0x2070, 0x2071),
    (0x2074, 0x208E), (0x20A0, 0x20BF), (0x2116, 0x2116), (0x2122, 0x2122), (0x2126, 0x2126), (0x2150, 0x2151),
    (0x2153, 0x2184), (0x2190, 0x22FF), (0x2500, 0x25FF), (0x2610, 0x2612), (0x2713, 0x2718),
)  # fmt: skip
_PRINTABLE = frozenset(chr(code) for first, last in _RANGES for code in range(first, last + 1)) | {"\n"}
#: Categories of characters that show nothing: controls, formats, surrogates, unassigned.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn"})


def printable(text: str) -> str:
    """Return ``text`` as the fonts can print it.

    Invisible characters are left out, other blanks become a space, letters in another form (wide, mathematical) become
    the plain ones, and what is left that no font has becomes ``REPLACEMENT``.
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(one if one in _PRINTABLE else _substitute(one) for one in composed)


def _substitute(character: str) -> str:
    if character.isspace():
        return " "
    if unicodedata.category(character) in _INVISIBLE:
        return ""
    plain = unicodedata.normalize("NFKC", character)
    return plain if set(plain) <= _PRINTABLE else REPLACEMENT
