"""The head of an export: what was asked, by whom, when and under which SOP."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExportHead:
    """What an export says of itself: its title, and facts as (label, value), in the reader's language."""

    title: str
    #: The name of the sheet that the head fills beside the rows.
    sheet: str
    facts: tuple[tuple[str, str], ...] = ()
    #: Who signs, a line each: place and date, capacity, room for the signature, name, rank, NIP. None for data alone.
    signing: tuple[str, ...] = ()

    def lines(self) -> list[tuple[str, str]]:
        """Return title and facts as rows of two cells."""
        return [(self.title, ""), *self.facts]

    def signing_lines(self) -> list[tuple[str, str]]:
        """Return the place to sign as rows of two cells, below a blank one; none where nobody signs."""
        return [("", ""), *(("", line) for line in self.signing)] if self.signing else []
