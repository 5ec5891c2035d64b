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
    history,
    judgement,
    login,
    mutation,
    office_day,
    opening,
    recording,
    scope,
    setting,
    sop,
    triggers,
    user,
    working_hours,
    working_time,
)

__all__ = [
    "activity",
    "agency",
    "asset",
    "audit",
    "change",
    "delegation",
    "document",
    "history",
    "judgement",
    "login",
    "mutation",
    "office_day",
    "opening",
    "recording",
    "scope",
    "setting",
    "sop",
    "triggers",
    "user",
    "working_hours",
    "working_time",
]
