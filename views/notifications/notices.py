"""The texts of notifications, in the user's language and time zone, for screens, exports and mail."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from lpse_admin.notifications import events
from lpse_admin.notifications.events import Event
from views.i18n.language import format_date, format_datetime
from views.i18n.wording import tr

if TYPE_CHECKING:
    from collections.abc import Mapping


def notification_text(details: Mapping[str, Any]) -> str:
    """Return the message of a notification in the user's language and time zone."""
    return tr(events.event_message(Event(details["event"]), _formatted_values(details)))


def notification_facts(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (label, value) for each value below the message."""
    return [
        (tr(label), tr(value))
        for label, value in events.labelled_values(_formatted_values(details))
        if value not in {None, ""}
    ]


def _formatted_values(details: Mapping[str, Any]) -> dict[str, object]:
    """Return the values with dates and datetimes formatted."""
    return {name: _format_value(value) for name, value in events.deserialize_values(details).items()}


def _format_value(value: object) -> object:
    match value:
        case dt.datetime():
            return format_datetime(value)
        case dt.date():
            return format_date(value)
        case _:
            return value
