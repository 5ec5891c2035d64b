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

    def lines(self) -> list[tuple[str, str]]:
        """Return title and facts as rows of two cells."""
        return [(self.title, ""), *self.facts]
