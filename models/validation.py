"""Checks of single values before they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import strip_blank
from models.base import is_storable

if TYPE_CHECKING:
    import datetime as dt


#: The years of plausible dates.
MIN_YEAR, MAX_YEAR = 1900, 2200


def is_plausible_date(value: dt.date) -> bool:
    """Whether the date is within MIN_YEAR and MAX_YEAR, and so convertible to any time zone."""
    return MIN_YEAR <= value.year <= MAX_YEAR


def text_error(text: str, *, required_label: Message | None = None, max_length: int | None = None) -> Message | None:
    """Return why ``text`` cannot be stored, or None.

    ``required_label`` is the label of a required field; ``max_length`` is in characters.
    """
    stripped = strip_blank(text)
    if required_label is not None and not stripped:
        return _("“%(field)s” is required here.", field=required_label)
    if max_length is not None and len(stripped) > max_length:
        return _("At most %(most)s characters are allowed; this has %(length)s.", most=max_length, length=len(stripped))
    return None if is_storable(text) else _("This text has a character that cannot be stored.")
