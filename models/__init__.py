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
    deviation,
    document,
    handover,
    history,
    login,
    mutation,
    opening,
    recording,
    scope,
    sop,
    timekeeping,
    triggers,
    user,
    working_time,
)

__all__ = [
    "activity",
    "agency",
    "asset",
    "audit",
    "change",
    "delegation",
    "deviation",
    "document",
    "handover",
    "history",
    "login",
    "mutation",
    "opening",
    "recording",
    "scope",
    "sop",
    "timekeeping",
    "triggers",
    "user",
    "working_time",
]
