"""Read the lists in which a package says what its parts are: content types and relations, or a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The relation of a package to its main part; the strict format has another beginning.
_MAIN_RELATION = "/officedocument"
#: Content types of parts that hold macros, or of main parts that may.
_MACRO_TYPES = ("macroenabled", "vbaproject", "macrosheet", "activex")
#: XLSB calls itself so although it mostly holds no macros.
_BINARY_WORKBOOK = "application/vnd.ms-excel.sheet.binary.macroenabled.main"


class InvalidListError(ValueError):
    """A list that is not well-formed XML, or that has a document type of its own."""


class PackageLists:
    """What [Content_Types].xml and _rels/.rels say; names and types in small letters."""

    def __init__(self, content_types: bytes, relations: bytes) -> None:
        """Read both lists; ``relations`` may be empty. Raises InvalidListError."""
        self._overrides: dict[str, str] = {}
        self._defaults: dict[str, str] = {}
        self.main_part: str | None = None
        for element, attributes in _elements(content_types):
            content_type = attributes.get("contenttype", "").casefold()
            if element == "override":
                self._overrides[_part(attributes.get("partname", ""))] = content_type
            elif element == "default":
                self._defaults[attributes.get("extension", "").casefold()] = content_type
        for element, attributes in _elements(relations) if relations else ():
            kind = attributes.get("type", "").casefold()
            if element == "relationship" and kind.endswith(_MAIN_RELATION) and self.main_part is None:
                self.main_part = _part(attributes.get("target", ""))

    def content_type(self, part: str) -> str | None:
        """Return the content type of a part; None where the list has none."""
        extension = part.rpartition(".")[2]
        return self._overrides.get(part) or self._defaults.get(extension)

    @property
    def has_macros(self) -> bool:
        """Whether a part is said to hold macros, whatever its name."""
        types = {*self._overrides.values(), *self._defaults.values()} - {_BINARY_WORKBOOK}
        return any(kind in content_type for content_type in types for kind in _MACRO_TYPES)


def root_media_type(manifest: bytes) -> tuple[str, bool]:
    """Return what an ODF manifest says of the whole document, and whether anything in it is encrypted."""
    media_type, is_encrypted = "", False
    for element, attributes in _elements(manifest):
        is_encrypted |= element == "encryption-data"
        if element == "file-entry" and attributes.get("full-path") == "/":
            media_type = attributes.get("media-type", "")
    return media_type, is_encrypted


def _part(target: str) -> str:
    """Return the name of a part that an address within the package leads to."""
    steps: list[str] = []
    for step in target.replace("\\", "/").casefold().split("/"):
        if step == ".." and steps:
            steps.pop()
        elif step not in {"", ".", ".."}:
            steps.append(step)
    return "/".join(steps)


def _elements(xml: bytes) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the elements with their attributes, by the local names in small letters. Raises InvalidListError."""
    result: list[tuple[str, dict[str, str]]] = []

    def refuse(*_: object) -> None:
        # Entities, by which a small text becomes a huge one, are declared in a document type.
        raise InvalidListError

    def note(name: str, attributes: dict[str, str]) -> None:
        local = {key.rpartition(" ")[2].casefold(): value for key, value in attributes.items()}
        result.append((name.rpartition(" ")[2].casefold(), local))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = note
    try:
        is_final = True  # the parser takes it by position only
        parser.Parse(xml, is_final)
    except (expat.ExpatError, ValueError, LookupError):
        raise InvalidListError from None
    yield from result
