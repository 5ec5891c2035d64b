"""Clean the names of uploaded files."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME_LENGTH = 150
_FALLBACK_NAME = "file"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{device}{number}" for device in ("COM", "LPT") for number in "0123456789¹²³"}
)


def clean_name(name: str) -> str:
    """Return a file name that is safe on every system: no folders or invisible characters, 1 to 150 characters."""
    # Tabs and line ends become spaces; other invisible characters (also bidi overrides) are removed.
    spaced = re.sub(r"[\t\r\n]", " ", name)
    visible = "".join(char for char in spaced if unicodedata.category(char) not in _INVISIBLE)
    parts = [part for part in re.split(r"[\\/]", visible) if part.strip(" .")]
    name = re.sub(r'[<>:"|?*]', "_", unicodedata.normalize("NFC", parts[-1] if parts else ""))
    name = re.sub(r"\s+", " ", name).lstrip(" .").rstrip(" .") or _FALLBACK_NAME
    if name.partition(".")[0].strip().upper() in _RESERVED:
        name = f"_{name}"
    if len(name) <= MAX_NAME_LENGTH:
        return name
    stem, extension = split_extension(name)
    ending = f".{extension}" if extension else ""
    return stem[: MAX_NAME_LENGTH - len(ending)].rstrip(" .") + ending


def split_extension(name: str) -> tuple[str, str]:
    """Return the stem and the extension (without the dot, or empty) of a cleaned name."""
    match = re.fullmatch(r"(.+)\.([^. ]{1,16})", name)
    return (match[1], match[2]) if match else (name, "")
