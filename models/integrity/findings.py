"""What a verification finds: where it is, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpse_admin.i18n import LabelledEnum, Message, _

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


class FindingKind(LabelledEnum):
    """What is wrong."""

    CHANGED = "changed", _("Changed past the program")
    MISSING = "missing", _("Removed past the program")
    ADDED = "added", _("Added past the program")
    CONTRADICTION = "contradiction", _("Changed past the program for a time")
    CHAIN = "chain", _("Audit trail not intact")
    SEAL = "seal", _("Audit trail not sealed")
    ANCHOR = "anchor", _("Audit trail differs from its anchor")
    FILE = "file", _("File is not what was attached")
    HISTORY = "history", _("History that the SOP does not allow")
    SCHEMA = "schema", _("Protection of the database changed")
    DERIVED = "derived", _("Summary differs from the register")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as the trail says; what does not apply is None."""

    kind: FindingKind
    error: Message
    #: The agency's id, 0 for the installation, None where it is not known.
    chain: int | None = None
    table: str | None = None
    row: str | None = None
    column: str | None = None
    #: The request that it is about, by id and, once it was looked up, by number.
    change_id: int | None = None
    change_number: str | None = None
    #: The entry of the trail that told of the row last: its id, its number in the chain, its time.
    entry_id: int | None = None
    entry: int | None = None
    at: dt.datetime | None = None
    #: What is stored and was never told of, by column: not contradicted by the trail, only unknown to it.
    untold: Mapping[str, Any] | None = None
