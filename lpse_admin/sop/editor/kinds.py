"""What kinds of rows an SOP can have, what each is called, and the outcomes that it knows.

The one place of the editor where the format of steps is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.sop.model import RowKind
from lpse_admin.sop.steps import KNOWN_STEPS, OUTCOMES, Outcome, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.sop.editor.document import SopDocument

#: The list of the file with the steps; the other rows are in ``rows``.
STEP_LIST = "steps"
#: What rows that are no steps are called.
EXTRA_TITLES: dict[str, Message] = {
    RowKind.START.value: _("Start"),
    RowKind.END.value: _("End"),
    RowKind.NOTE.value: _("Row outside the program"),
}


def kind_of(key: str) -> Step | None:
    """Return which of the known steps a step is; None if it is none of them."""
    try:
        return Step(key.partition(".")[0])
    except ValueError:
        return None


def title_of(values: Mapping[str, object]) -> Message:
    """Return what a step is called: by the SOP, or by the program."""
    title, key = values.get("title"), str(values.get("key", ""))
    if isinstance(title, str) and title.strip():
        return Message("%(title)s", {"title": title})
    kind = kind_of(key)
    return kind.title if kind else _("Unknown step")


def outcomes_of(key: str) -> tuple[Outcome, ...]:
    """Return the outcomes that a step knows."""
    kind = kind_of(key)
    return OUTCOMES[kind] if kind else ()


def offered_steps(taken: set[str]) -> list[tuple[str, Message]]:
    """Return key and title of each step that can be added to an SOP that has those with the keys ``taken``."""
    return [(step.value, step.title) for step in KNOWN_STEPS if step.value not in taken]


def outcome_title(key: str) -> Message:
    """Return what an outcome is called."""
    return next((outcome.title for outcome in Outcome if outcome.value == key), Message("%(key)s", {"key": key}))


def target_title(document: SopDocument, key: str, *, numbered: bool = True) -> Message:
    """Return what the row that an outcome leads to is called."""
    if key == Step.CLOSED.value:
        return _("End of the request")
    return document.step_names(numbered=numbered).get(key) or _("%(row)s (removed)", row=title_of({"key": key}))
