"""What somebody was told, in words for the one who reads it: on the screens, in exports, in mail."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from lpse_admin.notifications import events
from lpse_admin.notifications.events import Event
from views.i18n.language import day, moment
from views.i18n.wording import tr

if TYPE_CHECKING:
    from collections.abc import Mapping


def sentence(details: Mapping[str, Any]) -> str:
    """Return the sentence of a notification in the reader's language and zone."""
    return tr(events.sentence(Event(details["event"]), _written(details)))


def facts(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (label, value) for each thing that was told beside the sentence."""
    return [(tr(label), tr(value)) for label, value in events.facts(_written(details)) if value not in {None, ""}]


def _written(details: Mapping[str, Any]) -> dict[str, object]:
    """Return the values with dates and moments in words."""
    return {name: _in_words(value) for name, value in events.told(details).items()}


def _in_words(value: object) -> object:
    match value:
        case dt.datetime():
            return moment(value)
        case dt.date():
            return day(value)
        case _:
            return value
