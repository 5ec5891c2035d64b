"""The head by the title that the reader's SOP gives it: "Kepala UKPBJ" wherever the catalogue says "Kepala LPSE".

Every translated text passes through here before its values are inserted, so that screens, refusals and mails need not
name the title themselves, and nothing that somebody typed is changed.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import g, has_app_context
from flask_babel import Babel, Domain, get_locale

from lpse_admin.accounts.roles import Role
from views.app.access import current_user_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from babel.support import NullTranslations, Translations

_KEY = "sop_head_title"


class SopBabel(Babel):
    """Flask-Babel with the titles of the reader's SOP."""

    @cached_property
    def domain_instance(self) -> Domain:
        """The catalogue of this program."""
        return _SopDomain(domain=self.domain)


class _SopDomain(Domain):
    def get_translations(self) -> Any:  # noqa: ANN401 - stands in for Babel's Translations
        """Return the catalogue of the current language with the titles of the reader's SOP."""
        return _SopTranslations(super().get_translations())


class _SopTranslations:
    """A catalogue whose texts name the head as the reader's SOP does."""

    def __init__(self, catalogue: Translations | NullTranslations) -> None:
        self._catalogue = catalogue
        self._usual = str(catalogue.ugettext(Role.HEAD.title.text))

    def ugettext(self, text: str) -> str:
        """Return the translation of a text."""
        return self._with_title(str(self._catalogue.ugettext(text)))

    def ungettext(self, singular: str, plural: str, number: int) -> str:
        """Return the translation of a text with a number."""
        return self._with_title(str(self._catalogue.ungettext(singular, plural, number)))

    def _with_title(self, text: str) -> str:
        if self._usual not in text:
            return text
        title = _head_title()
        return text.replace(self._usual, title.replace("%", "")) if title else text

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the catalogue itself."""
        return getattr(self._catalogue, name)


@contextmanager
def head_called(title: str | None) -> Iterator[None]:
    """Call the head ``title`` in what is translated here, for a reader who is not the current user."""
    setattr(g, _KEY, title)
    try:
        yield
    finally:
        g.pop(_KEY, None)


def wording_key() -> tuple[str, str | None]:
    """Return what a translated text depends on: the language, and the title of the head in the reader's SOP.

    Whatever keeps translated text for several readers keeps it by this.
    """
    return str(get_locale()), _head_title()


def _head_title() -> str | None:
    """Return what the reader's SOP calls the head; None for a reader of no office."""
    if not has_app_context():
        return None
    if _KEY in g:
        title: str | None = g.get(_KEY)
        return title
    user = current_user_or_none()
    return user.agency.head_title if user is not None and user.agency is not None else None
