"""The events that users are notified of, and their messages.

An event is stored with its values as JSON. A Message is stored by its msgid and translated when it is shown, so that
every user reads it in their own language.
"""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lpse_admin.i18n import LabelledEnum, Message, TimeSpan, _

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Event(LabelledEnum):
    """An event that users are notified of."""

    WAITING = "waiting", _("A step is waiting for you")
    EMERGENCY = "emergency", _("Emergency awaiting a decision")
    OUTCOME = "outcome", _("Outcome of a step on your request")
    TAKEN_UP = "taken-up", _("Step assigned")
    HANDED_OVER = "handed-over", _("Step reassigned")
    SOON_LATE = "soon-late", _("Step due soon")
    OVERDUE = "overdue", _("Step overdue")
    DEVIATION = "deviation", _("Deviation awaiting a decision")
    DEVIATION_DISPOSED = "deviation-disposed", _("Deviation decided")
    FOLLOW_UP = "follow-up", _("Follow-up assigned to you")
    COMMENT = "comment", _("Comment or question for you")
    DELEGATION_GRANTED = "delegation-granted", _("Delegation granted")
    DELEGATION_UNCONFIRMED = "delegation-unconfirmed", _("Delegation waiting for confirmation")
    DELEGATION_WITHDRAWN = "delegation-withdrawn", _("Delegation revoked")
    RELEASE_UNRECORDED = "release-unrecorded", _("Release without its actual time")
    RELEASE_REVISED = "release-revised", _("Release plan changed")
    RELEASE_ALLOWED = "release-allowed", _("Release permitted in a freeze period")
    DOSSIER_READY = "dossier-ready", _("Inspection dossier ready")
    DOSSIER_FAILED = "dossier-failed", _("Inspection dossier could not be made")
    FINDING_ASSIGNED = "finding-assigned", _("Action on an assessor's finding assigned to you")
    INTEGRITY = "integrity", _("Verification of the register found something")
    PASSWORD_RESET = "password-reset", _("Link to set a new password")
    EMAIL_CHANGED = "email-changed", _("E-mail address of your account changed")
    ACCOUNT_SECURITY = "account-security", _("Security of your account")
    SECURITY_ALERT = "security-alert", _("Security of the installation")
    ACCOUNT_CHANGED = "account-changed", _("Account changed")
    ACCOUNT_REQUEST = "account-request", _("Account change waiting for a second person")


#: Also for an administrator of the installation, who belongs to no agency: about the account itself, and about all.
ACCOUNT_EVENTS = frozenset(
    {
        Event.PASSWORD_RESET,
        Event.EMAIL_CHANGED,
        Event.ACCOUNT_SECURITY,
        Event.SECURITY_ALERT,
        Event.INTEGRITY,
        Event.ACCOUNT_CHANGED,
        Event.ACCOUNT_REQUEST,
    }
)

#: About a dossier that was asked for.
DOSSIER_EVENTS = frozenset({Event.DOSSIER_READY, Event.DOSSIER_FAILED})

#: Mailed whatever the user's settings.
ALWAYS_MAILED = frozenset({Event.EMERGENCY}) | ACCOUNT_EVENTS


class Delivery(LabelledEnum):
    """When the mail of an event goes to a user."""

    AT_ONCE = "at-once", _("At once")
    DAILY = "daily", _("Daily digest")
    NONE = "none", _("No mail")


def delivery_of(event: Event, muted: Collection[str], daily: Collection[str]) -> Delivery:
    """Return when a user gets mail of ``event`` who has turned ``muted`` off and wants ``daily`` once a day."""
    if event in ALWAYS_MAILED:
        return Delivery.AT_ONCE
    if event.value in muted:
        return Delivery.NONE
    return Delivery.DAILY if event.value in daily else Delivery.AT_ONCE


_MESSAGES: dict[Event, Message] = {
    Event.WAITING: _("“%(step)s” is waiting for you."),
    Event.EMERGENCY: _("An emergency is waiting for your decision in “%(step)s”."),
    Event.OUTCOME: _("“%(step)s” on your request ended: %(outcome)s."),
    Event.TAKEN_UP: _("%(by)s is now assigned to “%(step)s”."),
    Event.HANDED_OVER: _("“%(step)s” was reassigned to %(to)s."),
    Event.SOON_LATE: _("“%(step)s” is due soon."),
    Event.OVERDUE: _("“%(step)s” is overdue."),
    Event.DEVIATION: _("A deviation in “%(step)s” is waiting for a decision."),
    Event.DEVIATION_DISPOSED: _("A deviation in “%(step)s” was decided: %(disposal)s."),
    Event.FOLLOW_UP: _("A deviation in “%(step)s” was assigned to you for follow-up."),
    Event.COMMENT: _("%(by)s wrote to you about this request."),
    Event.DELEGATION_GRANTED: _("%(delegate)s acts for the head from %(first_day)s to %(last_day)s."),
    Event.DELEGATION_UNCONFIRMED: _(
        "%(delegate)s is to act for the head from %(first_day)s to %(last_day)s: confirm the delegation or revoke it."
    ),
    Event.DELEGATION_WITHDRAWN: _("The delegation to %(delegate)s was revoked."),
    Event.RELEASE_UNRECORDED: _("The release window has passed, and the actual time is not recorded."),
    Event.RELEASE_REVISED: _("The release plan was changed: %(revision)s."),
    Event.RELEASE_ALLOWED: _("The head has permitted this release within a freeze period."),
    Event.DOSSIER_READY: _("The inspection dossier of %(first_day)s to %(last_day)s is ready."),
    Event.DOSSIER_FAILED: _("The inspection dossier of %(first_day)s to %(last_day)s could not be made."),
    Event.FINDING_ASSIGNED: _("The action on finding %(finding)s was assigned to you."),
    Event.INTEGRITY: _("The register is not as the audit trail says: %(findings)s."),
    Event.PASSWORD_RESET: _("A link to set a new password was asked for."),
    Event.EMAIL_CHANGED: _("The e-mail address of your account was changed from %(former)s to %(present)s."),
    Event.ACCOUNT_SECURITY: _("%(what)s"),
    Event.SECURITY_ALERT: _("%(what)s"),
    Event.ACCOUNT_CHANGED: _("%(what)s: %(person)s."),
    Event.ACCOUNT_REQUEST: _("%(what)s for %(person)s waits for a second person."),
}

#: The values that are listed below the message, in this order.
_VALUE_LABELS: dict[str, Message] = {
    "outcome": _("Outcome"),
    "reason": _("Reason"),
    "next": _("Next step"),
    "ground": _("Grounds for the emergency"),
    "deviation": _("Deviation"),
    "measure": _("Measured"),
    "standard": _("Standard"),
    "disposal": _("Decision"),
    "arrived": _("Waiting since"),
    "due": _("Due"),
    "by": _("By"),
    "to": _("To"),
    "decree": _("Decree number"),
    "window": _("Release window"),
    "username": _("User name"),
    "roles": _("Roles"),
    "from_address": _("Asked for from"),
    "until": _("Valid until"),
    "note": _("Note"),
    "fingerprint": _("Fingerprint"),
    "action": _("Action"),
    "target": _("Target date"),
}

#: Every value that a message or the list may have; a missing one is shown as a dash in the message.
_NAMES_IN_TEXTS = (
    "step", "delegate", "first_day", "last_day", "former", "present", "revision", "what", "finding", "findings",
    "person",
)  # fmt: skip
VALUE_NAMES = frozenset({*_NAMES_IN_TEXTS, *_VALUE_LABELS})
_MISSING_VALUES = dict.fromkeys(VALUE_NAMES, "–")

#: Texts that version 0.1.0 stored with notifications, and their present wording, by which they are translated.
_RENAMED_TEXTS = MappingProxyType(
    {
        "Submitted again": "Resubmitted",
        "Carried out": "Implemented",
        "Report to be mended": "Report returned for revision",
        "Account accepted": "Explanation accepted",
        "To be followed up": "Follow-up required",
        "Account not accepted": "Explanation not accepted",
        "Time of handling": "Handling time",
        "Other ground": "Other grounds",
    }
)


def serialize_values(values: Mapping[str, object]) -> dict[str, Any]:
    """Return ``values`` for JSON, without those that are None.

    They are strings, numbers, enums, Messages, dates, datetimes and time spans.
    """
    return {name: _serialize(value) for name, value in values.items() if value is not None}


def _serialize(value: object) -> object:
    match value:
        case LabelledEnum():
            return _serialize(value.title)
        case Message(text=text, values=values):
            return {"text": text, "values": serialize_values(values)}
        case TimeSpan(start=start, end=end):
            return {"from": start.isoformat(), "until": end.isoformat(), "zone": str(start.tzinfo)}
        case dt.datetime():
            return {"moment": value.isoformat()}
        case dt.date():
            return {"day": value.isoformat()}
        case _:
            return value if isinstance(value, int) else str(value)


def deserialize_values(details: Mapping[str, Any]) -> dict[str, object]:
    """Return the values that ``serialize_values`` stored, with Messages, dates, datetimes and time spans restored."""
    return {name: _deserialize(value) for name, value in details.items()}


def _deserialize(value: object) -> object:
    match value:
        case {"text": str(text), "values": dict(values)}:
            return Message(_RENAMED_TEXTS.get(text, text), MappingProxyType(deserialize_values(values)))
        case {"from": str(start), "until": str(end), "zone": str(zone)}:
            start_at, end_at = (dt.datetime.fromisoformat(text).astimezone(ZoneInfo(zone)) for text in (start, end))
            return TimeSpan(start_at, end_at)
        case {"moment": str(moment)}:
            return dt.datetime.fromisoformat(moment)
        case {"day": str(day)}:
            return dt.date.fromisoformat(day)
        case _:
            return value


def event_message(event: Event, values: Mapping[str, object]) -> Message:
    """Return the message of ``event``; dates and datetimes in ``values`` must already be formatted."""
    return Message(_MESSAGES[event].text, MappingProxyType({**_MISSING_VALUES, **values}))


def labelled_values(values: Mapping[str, object]) -> list[tuple[Message, object]]:
    """Return the values that are listed below the message, each with its label."""
    return [(label, values[name]) for name, label in _VALUE_LABELS.items() if name in values]
