"""Classify the words of a page: from the catalogue, entered by users, or neither.

A marked catalogue puts ⟦ ⟧ around each translation, and the tests put ‹ › around entered texts. Other words on a page
are hard-coded in a template or a view.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import flask_babel
import pytest

from lpse_admin.sop import bundled_sops
from tests.support import cast, program, running_app

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Values of a record that are keys and numbers: they are not marked.
_KEYS = frozenset({"code", "register", "card", "kind", "version", "price", "condition", "asset_id"})
#: Strings of an SOP file that are keys; all others are the SOP's wording.
_PAPER_KEYS = re.compile(r"\b(key|role|actor|time|kind|of|when|time_zone|account_suffix|clock|nip) = $")

_MONTHS = "Januari|Februari|Maret|April|Mei|Juni|Juli|Agustus|September|Oktober|November|Desember"
_SHORT_MONTHS = "Jan|Feb|Mar|Apr|Mei|Jun|Jul|Agu|Sep|Okt|Nov|Des"
_WEEKDAYS = "Senin|Selasa|Rabu|Kamis|Jumat|Sabtu|Minggu"
_UNITS = "detik|menit|jam|hari|minggu|bulan|tahun"
#: Texts that are not words: times, sizes, money, record numbers, addresses, hashes, places in a pattern.
_NUMBERS_AND_DATES = re.compile(
    rf"\d{{1,2}}\s(?:{_MONTHS}|{_SHORT_MONTHS})\s\d{{4}}(?:,? \d\d\.\d\d\sWI(?:B|TA|T))?"
    rf"|\b(?:{_MONTHS}) \d{{4}}|\b(?:{_WEEKDAYS})\b"
    rf"|(?:dalam )?\d+ (?:{_UNITS})(?: yang lalu)?"
    r"|\bWI(?:B|TA|T)\b|\d\d\.\d\d WI(?:B|TA|T)"
    r"|[\d.,]+ (?:B|KB|MB)\b|\bRp[\d.,]+"
    r"|\bRFC/\d{4}/\d{4,}"
    r"|\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\botpauth://\S+|\bflask [a-z]+ [a-z]+\b"
    r"|\bAsia/[A-Z][a-z]+"
    r"|\b[a-z0-9.-]+@[a-z.]+"
    r"|\{[a-z]+\}"
    r"|\b[\w-]+\.(?:pdf|png|toml|txt|csv|pem)\b|\b(?:application|image|text)/[\w.+-]+"
)
#: Names that are the same in every language.
NAMES = frozenset({"LPSE", "NIP", "SHA", "Plh", "Plt", "CSV", "XLSX", "ODS", "JSON", "PDF"})
_TYPED = re.compile(r"‹[^‹›⟦⟧]*›")
#: An entered or translated text that a list or a chart has truncated.
_TRUNCATED = re.compile(r"[‹⟦][^‹›⟦⟧]*…")
_TRANSLATED = re.compile(r"⟦[^‹›⟦⟧]*⟧")
_WORD = re.compile(r"[^\W\d_]+")
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
#: Elements without wording: technical names are in <code>, values of audit entries in cells of class .prose.
_IGNORED_TAGS = frozenset({"script", "style", "code", "textarea"})
_TEXT_ATTRIBUTES = ("title", "aria-label", "placeholder", "alt")


class MarkedCatalogue:
    """A catalogue that marks every text of the app as translated."""

    @staticmethod
    def ugettext(text: str) -> str:
        """Return ``text`` in marks, with its placeholders."""
        return f"⟦{text}⟧"

    @staticmethod
    def ungettext(singular: str, plural: str, number: int) -> str:
        """Return the plural form for ``number`` in marks."""
        return f"⟦{singular if number == 1 else plural}⟧"


def marked_catalogue(domain: flask_babel.Domain) -> Any:
    """Return the catalogue to use for ``domain``: only the app's own texts are marked."""
    return MarkedCatalogue() if domain.domain == ["messages"] else _original_catalogue(domain)


_original_catalogue = flask_babel.Domain.get_translations


@pytest.fixture(scope="module")
def marking() -> Iterator[None]:
    """Mark all translations, and all texts that the test factories enter."""
    values_for = cast.values_for
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flask_babel.Domain, "get_translations", marked_catalogue)
        patch.setattr(program, "bundled_sops", lambda: tuple((key, mark_sop(text)) for key, text in bundled_sops()))
        for module in (cast, running_app):
            patch.setattr(module, "values_for", lambda step, outcome: mark_values(values_for(step, outcome)))
        yield


def mark_text(text: str) -> str:
    """Return ``text`` marked as entered by a user."""
    return f"‹{text}›"


def mark_sop(text: str) -> str:
    """Return an SOP file with its wording marked as entered."""

    def mark(found: re.Match[str]) -> str:
        line = found.string[found.string.rfind("\n", 0, found.start()) + 1 : found.start()]
        is_key = _PAPER_KEYS.search(line) or line.startswith(("outcomes =", "#")) or not found[1]
        return found[0] if is_key else f'"{mark_text(found[1])}"'

    return re.sub(r'"([^"\n]*)"', mark, text)


def mark_values(values: Any, key: str = "") -> Any:
    """Return form values with their free texts marked as entered."""
    if isinstance(values, dict):
        return {name: mark_values(value, name) for name, value in values.items()}
    if isinstance(values, list):
        return [mark_values(value) for value in values]
    is_text = isinstance(values, str) and not isinstance(values, Enum)
    return mark_text(values) if is_text and key not in _KEYS else values


def unmarked_texts(page: str, *, names: frozenset[str] = NAMES) -> list[str]:
    """Return the texts of ``page`` with words that are neither translated nor entered."""
    reader = _TextCollector()
    reader.feed(page)
    reader.close()
    return [text for text in reader.texts if has_unmarked_words(text, names)]


def has_unmarked_words(text: str, names: frozenset[str] = NAMES) -> bool:
    """Whether ``text`` has words that are neither translated, entered nor in ``names``."""
    if not _WORD.search(text):
        return False
    left, before = text, ""
    while left != before:
        before, left = left, _TRANSLATED.sub(" ", _TYPED.sub(" ", left))
    left = _compound_names(names).sub(" ", _NUMBERS_AND_DATES.sub(" ", _TRUNCATED.sub(" ", left)))
    return any(word not in names for word in _WORD.findall(left))


@cache
def _compound_names(names: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern for the names of more than one word."""
    compound = sorted((re.escape(name) for name in names if not name.isalpha()), key=len, reverse=True)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(compound)})(?![\w.]|-\w)" if compound else r"(?!)")


class _TextCollector(HTMLParser):
    """Collects the texts of a page, and the attributes that are shown or read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent: list[bool] = []
        #: Whether each open element is in another language than the page.
        self._foreign: list[bool] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        is_foreign = ("lang" in given and tag != "html") or (bool(self._foreign) and self._foreign[-1])
        is_silent = tag in _IGNORED_TAGS or is_foreign or (tag == "td" and given.get("class") == "prose")
        if tag not in _VOID:
            self._silent.append(is_silent or (bool(self._silent) and self._silent[-1]))
            self._foreign.append(is_foreign)
        spoken = [] if is_foreign and tag in _VOID else [given.get(name) for name in _TEXT_ATTRIBUTES]
        if tag == "input" and given.get("type") in {"submit", "button", "reset"}:
            spoken.append(given.get("value"))
        self.texts += [text for text in spoken if text]

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self._silent:
            self._silent.pop()
            self._foreign.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not (self._silent and self._silent[-1]):
            self.texts.append(" ".join(data.split()))
