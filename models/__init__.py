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
    login,
    mail,
    mutation,
    notification,
    opening,
    outbox,
    recording,
    scope,
    sop,
    telling,
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
    "history",
    "login",
    "mail",
    "mutation",
    "notification",
    "opening",
    "outbox",
    "recording",
    "scope",
    "sop",
    "telling",
    "triggers",
    "user",
]
