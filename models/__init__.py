"""Tables, and the operations that keep them true.

Importing the package maps every table, so that no relationship is left without its other end.
"""

from models import (
    activity,
    agency,
    asset,
    audit,
    change,
    delegation,
    document,
    feed,
    freeze,
    freeze_permit,
    history,
    login,
    mutation,
    opening,
    recording,
    release_calendar,
    release_plan,
    scope,
    sop,
    triggers,
    user,
)

__all__ = [
    "activity",
    "agency",
    "asset",
    "audit",
    "change",
    "delegation",
    "document",
    "feed",
    "freeze",
    "freeze_permit",
    "history",
    "login",
    "mutation",
    "opening",
    "recording",
    "release_calendar",
    "release_plan",
    "scope",
    "sop",
    "triggers",
    "user",
]
