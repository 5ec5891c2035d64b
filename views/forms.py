"""The form that all forms extend: guarded against forgery, and its messages in the reader's language."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext
from flask_wtf import FlaskForm

from lpse_admin.message import _


class _Translations:
    """WTForms' messages out of the program's own catalogue, as WTForms has none in Indonesian."""

    def gettext(self, text: str) -> str:
        return str(gettext(text))

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        return str(ngettext(singular, plural, count))


_TRANSLATIONS = _Translations()


class Form(FlaskForm):  # type: ignore[misc] # Flask-WTF comes without types
    """A form of this program."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """Where the messages come from."""

        def get_translations(self, _form: Any) -> _Translations:  # noqa: ANN401 - WTForms passes the form
            """Return the catalogue for WTForms' own messages."""
            return _TRANSLATIONS


#: WTForms' own messages, named here so that they are collected into the catalogue.
WTFORMS_MESSAGES = (
    _("This field is required."),
    _("Not a valid choice."),
    _("Invalid Choice: could not coerce."),
    _("Not a valid integer value."),
    _("Not a valid decimal value."),
    _("Not a valid float value."),
    _("Not a valid date value."),
    _("Not a valid datetime value."),
    _("Not a valid time value."),
    _("Invalid email address."),
    _("Invalid input."),
    _("Invalid URL."),
    _("Field must be at least %(min)d character long."),
    _("Field must be at least %(min)d characters long."),
    _("Field cannot be longer than %(max)d character."),
    _("Field cannot be longer than %(max)d characters."),
    _("Field must be exactly %(max)d character long."),
    _("Field must be exactly %(max)d characters long."),
    _("Field must be between %(min)d and %(max)d characters long."),
    _("Field must be equal to %(other_name)s."),
    _("Invalid field name '%s'."),
    _("Number must be at least %(min)s."),
    _("Number must be at most %(max)s."),
    _("Number must be between %(min)s and %(max)s."),
    _("Choice cannot be None."),
    _("CSRF token missing."),
    _("CSRF failed."),
    _("CSRF token expired."),
    _("Invalid CSRF Token."),
)
