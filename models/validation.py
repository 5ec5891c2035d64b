"""What was typed into a field, judged before it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from models.base import is_storable

if TYPE_CHECKING:
    import datetime as dt


#: The years within which a date is meant.
FIRST_YEAR, LAST_YEAR = 1900, 2200


def is_of_our_times(value: dt.date) -> bool:
    """Whether a date is near enough to be meant, and to be put into any zone."""
    return FIRST_YEAR <= value.year <= LAST_YEAR


def fault_of(text: str, *, needed_as: Message | None = None, most: int | None = None) -> Message | None:
    """Return why ``text`` cannot be kept, or None where it can.

    ``needed_as`` is the field's name where the text has to say something, ``most`` the characters that it may have.
    """
    said = text.strip()
    if needed_as is not None and not said:
        return _("“%(field)s” is required here.", field=needed_as)
    if most is not None and len(said) > most:
        return _("At most %(most)s characters; this has %(length)s.", most=most, length=len(said))
    return None if is_storable(text) else _("This text has a character that cannot be kept.")
