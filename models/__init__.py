"""Tables, and the operations that keep them true.

Importing the package maps every table, so that no relationship is left without its other end.
"""

from models import (
    absence,
    activity,
    agency,
    asset,
    audit,
    change,
    delegation,
    document,
    history,
    login,
    mutation,
    opening,
    recording,
    scope,
    sop,
    triggers,
    user,
)

__all__ = [
    "absence",
    "activity",
    "agency",
    "asset",
    "audit",
    "change",
    "delegation",
    "document",
    "history",
    "login",
    "mutation",
    "opening",
    "recording",
    "scope",
    "sop",
    "triggers",
    "user",
]
