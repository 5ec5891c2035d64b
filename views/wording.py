"""Sentences of the rules, put into the reader's language."""

from __future__ import annotations

from enum import Enum

from flask_babel import gettext
from markupsafe import Markup

from lpse_admin.message import Message


def tr(value: object) -> str:
    """Return ``value`` in the reader's language: Messages with all that is in them, titles of enums, text as it is."""
    match value:
        case None:
            return ""
        case Message(text=text, values=values):
            return str(gettext(text, **{name: _part(part) for name, part in values.items()}))
        case Enum() if isinstance(title := getattr(value, "title", None), Message):
            return tr(title)
        case Markup():
            return value
        case _:
            return str(value)


def _part(value: object) -> object:
    """Return a value for its place in a sentence; figures stay figures for places such as ``%(count)d``."""
    return value if isinstance(value, int | float) and not isinstance(value, Enum) else tr(value)
