"""What kinds of rows an SOP can have, what each is called, and the outcomes that it knows.

The one place of the editor where the format of steps is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.sop.model import RowKind
from lpse_admin.sop.reading import slug
from lpse_admin.sop.steps import OUTCOMES, OWN_KINDS, OWN_STEP_OUTCOMES, REPEATABLE_STEPS, Outcome, Step

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lpse_admin.sop.editor.document import SopDocument

#: The list of the file with the steps; the other rows are in ``rows``.
STEP_LIST = "steps"
#: What rows that are no steps are called.
EXTRA_TITLES: dict[str, Message] = {
    RowKind.START.value: _("Start"),
    RowKind.END.value: _("End"),
    RowKind.NOTE.value: _("Row outside the program"),
}


#: With which outcomes a step of an SOP's own begins, the first being the one that goes on.
_FIRST_OUTCOMES: dict[Step | None, tuple[str, ...]] = {
    Step.DECISION: ("setuju", Outcome.REJECTED.value),
    Step.TASK: ("selesai",),
    Step.ACKNOWLEDGEMENT: ("diketahui",),
    Step.ACCEPTANCE: ("diterima", Outcome.WITHDRAWN.value),
    Step.WAITING: ("waktunya-tiba",),
}
#: The longest that a label becomes in the key of an outcome and of a step.
_MAX_OUTCOME_SLUG, _MAX_NAME_SLUG = 50, 50


def kind_of(key: str) -> Step | None:
    """Return which kind of step a step is; None if the program has no such kind."""
    try:
        return Step(key.partition(".")[0])
    except ValueError:
        return None


def title_of(values: Mapping[str, object]) -> Message:
    """Return what a step is called: by the SOP, or by the program."""
    title, key = values.get("title"), str(values.get("key", ""))
    if isinstance(title, str) and title.strip():
        return Message("%(title)s", {"title": title})
    try:
        return Step(key).title
    except ValueError:
        return kind_title(key)


def kind_title(key: str) -> Message:
    """Return what the kind of a step is called."""
    kind = kind_of(key)
    return kind.title if kind else _("Unknown step")


def outcomes_of(key: str) -> tuple[Outcome, ...]:
    """Return the outcomes that a step knows besides those that the SOP names."""
    kind = kind_of(key)
    return (*OUTCOMES[kind], *OWN_STEP_OUTCOMES.get(kind, ())) if kind else ()


def names_outcomes(key: str) -> bool:
    """Whether the SOP names the outcomes of a step."""
    return kind_of(key) in OWN_KINDS


def first_outcomes(key: str) -> tuple[str, ...]:
    """Return the outcomes that a new step of an SOP's own begins with."""
    return _FIRST_OUTCOMES.get(kind_of(key), ())


def outcome_key(label: str, taken: Collection[str]) -> str:
    """Return the key of an outcome that the SOP calls ``label``; that of one of the same label among ``taken``."""
    key = slug(label)[:_MAX_OUTCOME_SLUG].strip("-") or "hasil"
    return f"hasil-{key}" if key in tuple(Outcome) and key not in taken else key


def offered_steps(taken: Collection[str]) -> list[tuple[str, Message]]:
    """Return key and title of each kind of step that can be added to an SOP that has those with the keys ``taken``."""
    kinds = [kind for kind in Step if kind is not Step.CLOSED]
    return [(kind.value, kind.title) for kind in kinds if kind.value not in taken or kind in REPEATABLE_STEPS]


def step_key(kind: str, name: str, taken: Collection[str]) -> str:
    """Return the key of a new step: its kind, with a name where there is one already, or it is of the SOP's own."""
    if kind not in taken and kind_of(kind) not in OWN_KINDS:
        return kind
    base = slug(name)[:_MAX_NAME_SLUG].strip("-") or "lain"
    key, number = f"{kind}.{base}", 1
    while key in taken:
        number += 1
        key = f"{kind}.{base}-{number}"
    return key


def outcome_title(key: str) -> Message:
    """Return what an outcome is called."""
    try:
        return Outcome(key).title
    except ValueError:
        return Message("%(key)s", {"key": key})


def target_title(document: SopDocument, key: str, *, numbered: bool = True) -> Message:
    """Return what the row that an outcome leads to is called."""
    if key == Step.CLOSED.value:
        return _("End of the request")
    return document.step_names(numbered=numbered).get(key) or _("%(row)s (removed)", row=title_of({"key": key}))
