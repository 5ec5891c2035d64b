"""How long a login session lasts, why one ends, and what its device is called."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import LabelledEnum, _

if TYPE_CHECKING:
    from collections.abc import Collection


class SessionEnd(LabelledEnum):
    """Why a session was ended before its time."""

    LOGOUT = "logout", _("Logged out")
    REPLACED = "replaced", _("Logged in anew in the same browser")
    PASSWORD = "password", _("Password changed")
    ACCOUNT = "account", _("Roles changed or account disabled")
    FACTOR = "factor", _("Second factor changed")
    GUESSES = "guesses", _("Too many wrong passwords")
    OWNER = "owner", _("Ended by its owner")
    ADMINISTRATOR = "administrator", _("Ended by an administrator")


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session may rest, and how long it lasts at the most."""

    idle: dt.timedelta
    absolute: dt.timedelta


#: A working day; and less for those who decide, and who administer accounts.
_LIMITS = SessionLimits(dt.timedelta(hours=8), dt.timedelta(hours=12))
_STRICT_LIMITS = SessionLimits(dt.timedelta(hours=2), dt.timedelta(hours=10))

#: Roles whose sessions are shorter, and of whom production demands a second factor.
PRIVILEGED_ROLES = frozenset({Role.HEAD, Role.ADMINISTRATOR})

#: How often the time at which a session was last seen is written.
TOUCH_INTERVAL = dt.timedelta(minutes=1)

#: How long those of whom a second factor is demanded may go on without one.
FACTOR_GRACE = dt.timedelta(days=14)


def session_limits(roles: Collection[Role]) -> SessionLimits:
    """Return the limits of sessions of somebody with these roles."""
    return _LIMITS if PRIVILEGED_ROLES.isdisjoint(roles) else _STRICT_LIMITS


#: The first that is found names the browser: others claim to be Chrome or Safari too.
_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip
_LONGEST_NAME = 40


def device_name(user_agent: str) -> str | None:
    """Return what a browser's User-Agent says it is, as "Chrome, Windows"; its first word if it is not known."""
    results = [_first(names, user_agent) for names in (_BROWSERS, _SYSTEMS)]
    named = ", ".join(name for name in results if name)
    if named:
        return named
    word = re.match(r"[A-Za-z][\w.-]*", user_agent, re.ASCII)
    return word[0][:_LONGEST_NAME] if word else None


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for mark, name in names if mark in user_agent), None)
