"""What was typed into a field, judged before it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from models.base import is_storable

if TYPE_CHECKING:
    import datetime as dt


#: The years within which a date is meant.
MIN_YEAR, MAX_YEAR = 1900, 2200


def is_plausible_date(value: dt.date) -> bool:
    """Whether a date is near enough to be meant, and to be put into any zone."""
    return MIN_YEAR <= value.year <= MAX_YEAR


def text_error(text: str, *, required_label: Message | None = None, max_length: int | None = None) -> Message | None:
    """Return why ``text`` cannot be kept, or None where it can.

    ``required_label`` is the field's name where the text has to say something, ``max_length`` its length in characters.
    """
    said = text.strip()
    if required_label is not None and not said:
        return _("“%(field)s” is required here.", field=required_label)
    if max_length is not None and len(said) > max_length:
        return _("At most %(most)s characters are allowed; this has %(length)s.", most=max_length, length=len(said))
    return None if is_storable(text) else _("This text has a character that cannot be stored.")
