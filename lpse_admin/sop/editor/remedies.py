"""What puts a fault right by one button, where that is clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _
from lpse_admin.sop.editor.kinds import STEP_LIST, kind_of
from lpse_admin.sop.steps import HEAD_STEPS, REQUESTER_STEPS, Outcome, Step

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from lpse_admin.sop.editor.document import SopDocument

    Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Remedy:
    """A button: what it says, and what it does to a document."""

    label: Message
    apply: Callable[[SopDocument], object]


@dataclass(frozen=True, slots=True)
class _Case:
    """An error of the checker: its values, and the path in the file."""

    document: SopDocument
    values: dict[str, object]
    path: Path
    today: dt.date

    def step(self, name: str = "step") -> Step | None:
        value = self.values.get(name)
        return value if isinstance(value, Step) else None

    @property
    def row(self) -> int | None:
        """The place of the step of the error among the rows."""
        if self.path[:1] != (STEP_LIST,) or not self.path[1:]:
            return None
        rows = self.document.rows()
        return next((at for at, row in enumerate(rows) if row.is_step and row.index == self.path[1]), None)


def remedies_for(document: SopDocument, message: Message, path: Path, today: dt.date) -> tuple[Remedy, ...]:
    """Return the remedies of an error of the checker."""
    make = REMEDIES.get(message.text)
    return tuple(make(_Case(document, dict(message.values), path, today))) if make else ()


# -- what they do ----------------------------------------------------------------------------------------------------


def _drop(label: Message, path: Path) -> Remedy:
    return Remedy(label, lambda document: remove_at(document.values, path))


def _set(label: Message, path: Path, value: object) -> Remedy:
    return Remedy(label, lambda document: _put_at(document.values, path, value))


def _add_step(step: Step, after: int | None) -> Remedy:
    label = _("Add the row “%(row)s”", row=step.title)
    return Remedy(label, lambda document: _insert(document, step, after))


def _insert(document: SopDocument, step: Step, after: int | None) -> None:
    if step.value not in document.step_names():
        document.add_step(step.value, actor=usual_actor(document, step), after=after)


def usual_actor(document: SopDocument, step: Step | None) -> str:
    """Return the key of the actor who usually takes a step; empty if there is none."""
    kind = step.kind if step else None
    of_head, of_requester = (*HEAD_STEPS, Step.DECISION), (*REQUESTER_STEPS, Step.ACCEPTANCE)
    role = Role.REQUESTER if kind in of_requester else Role.HEAD if kind in of_head else Role.CHANGE_MANAGER
    return next((str(one.get("key", "")) for one in document.actors if one.get("role") == role.value), "")


def remove_at(values: object, path: Path) -> None:
    """Remove the value at ``path``, if it is there."""
    if not path:
        return
    for part in path[:-1]:
        values = _at(values, part)
    if isinstance(values, dict):
        values.pop(path[-1], None)
    elif isinstance(values, list) and isinstance(path[-1], int) and path[-1] < len(values):
        del values[path[-1]]


def _put_at(values: object, path: Path, value: object) -> None:
    if not path:
        return
    for part in path[:-1]:
        values = values.setdefault(part, {}) if isinstance(values, dict) else _at(values, part)
    if isinstance(values, dict):
        values[path[-1]] = value


def _at(values: object, part: str | int) -> object:
    if isinstance(values, list):
        return values[part] if isinstance(part, int) and part < len(values) else {}
    return values.get(part, {}) if isinstance(values, dict) else {}


# -- which belong to which error -------------------------------------------------------------------------------------


def _missing_target(case: _Case) -> list[Remedy]:
    step = case.step()
    remedies = [_add_step(step, case.row)] if step else []
    return [*remedies, *_next_target(case), _drop(_("Remove this outcome"), case.path)]


def _next_target(case: _Case) -> list[Remedy]:
    """Return the remedy that leads an outcome to the row that follows."""
    rows = case.document.rows()
    later = rows[case.row + 1 :] if case.row is not None else []
    follower = next((row for row in later if row.is_step and kind_of(row.key) is not Step.RETURNED), None)
    if follower is None:
        return [_set(_("Let it end the request"), case.path, Step.CLOSED.value)]
    return [_set(_("Lead it to “%(row)s”", row=follower.name), case.path, follower.key)]


def _fixed_target(case: _Case) -> list[Remedy]:
    step = case.step()
    if step is None:
        return []
    label = _("Let it end the request") if step is Step.CLOSED else _("Lead it to “%(row)s”", row=step.title)

    def lead(document: SopDocument) -> None:
        _put_at(document.values, case.path, step.value)
        if step is not Step.CLOSED:
            _insert(document, step, case.row)

    return [Remedy(label, lead), _drop(_("Remove this outcome"), case.path)]


def _switch_needs_step(case: _Case) -> list[Remedy]:
    step = case.step()
    return [*([_add_step(step, None)] if step else []), _set(_("Switch the setting off"), case.path, value=False)]


def _add_the_step(case: _Case) -> list[Remedy]:
    step = case.step()
    if step is None or step.value in case.document.step_names():
        return []
    return [_add_step(step, -1 if step is Step.REQUEST else case.row)]


def _add_verification(case: _Case) -> list[Remedy]:
    missing = Step.VERIFICATION.value not in case.document.step_names()
    return [_add_step(Step.VERIFICATION, case.row)] if missing else []


def _add_rollback(case: _Case) -> list[Remedy]:
    return [_add_step(Step.ROLLBACK, case.row)] if Step.ROLLBACK.value not in case.document.step_names() else []


def _add_decision(case: _Case) -> list[Remedy]:
    names = case.document.step_names()
    return [_add_step(step, 0) for step in (Step.EVALUATION, Step.APPROVAL) if step.value not in names]


def _actor_of_role(case: _Case) -> list[Remedy]:
    role = case.values.get("role")
    actors = [one for one in case.document.actors if isinstance(role, Role) and one.get("role") == role.value]
    path = (*case.path[:2], "actor")
    remedies = [
        _set(_("Choose “%(actor)s”", actor=str(one.get("title", ""))), path, one.get("key", "")) for one in actors
    ]
    return remedies if isinstance(role, Role) and actors else _add_actor(role)


def _add_actor(role: object) -> list[Remedy]:
    if not isinstance(role, Role):
        return []
    label = _("Add an executor “%(role)s”", role=role.title)
    return [Remedy(label, lambda document: document.add_actor(_ROLE_TITLES[role], role.value))]


def _another_actor(case: _Case) -> list[Remedy]:
    """Return the remedies for a step whose actor is not there, or that has a word in the column of one."""
    if case.path[2:3] == ("flow",):
        return [_drop(_("Remove it"), case.path)]
    if case.path[:1] != (STEP_LIST,) or case.values.get("key", "actor") != "actor" or case.row is None:
        return []
    row = case.document.rows()[case.row]
    key = usual_actor(case.document, kind_of(row.key))
    title = case.document.actor_title(key)
    return [_set(_("Choose “%(actor)s”", actor=title), (*case.path[:2], "actor"), key)] if title else []


def _usual_outcomes(case: _Case) -> list[Remedy]:
    if case.row is None:
        return []
    place, key = case.row, case.document.rows()[case.row].key

    def lead_on(document: SopDocument) -> None:
        document.lead_on(place)

    return [Remedy(_("Let it lead to the row that follows"), lead_on)] if kind_of(key) else []


def _reach(case: _Case) -> list[Remedy]:
    """Return the remedies for a step to which nothing leads."""
    if case.row is None:
        return []
    place = case.row
    before = next((row for row in reversed(case.document.rows()[:place]) if row.is_step), None)
    remedies = []
    if before is not None:
        label = _("Lead “%(row)s” here", row=before.name)
        remedies.append(Remedy(label, lambda document: document.lead_on(place - 1, to=place)))
    return [*remedies, Remedy(_("Remove this row"), lambda document: document.remove_row(place))]


def _add_outcome(case: _Case) -> list[Remedy]:
    outcome = case.values.get("outcome")
    if not isinstance(outcome, Outcome):
        return []
    targets = case.document.outcomes(case.document.steps[int(case.path[1])])
    to = next(iter(targets.values()), Step.CLOSED.value)
    label = _("Add the outcome “%(outcome)s”", outcome=outcome.title)
    return [_set(label, (*case.path[:2], "outcomes", outcome.value), to)]


def _way_out(case: _Case) -> list[Remedy]:
    """Return the remedies for a decision that cannot say no."""
    step = case.step()
    outcome = _WAYS_OUT.get(step.kind) if step else None
    if case.row is None or outcome is None:
        return []
    path = (*case.path[:2], "outcomes", outcome.value)
    return [_set(_("Add the outcome “%(outcome)s”", outcome=outcome.title), path, Step.CLOSED.value)]


def _needs_switch(case: _Case) -> list[Remedy]:
    path = ("switches", "verification_may_return_report")
    return [_set(_("Switch the setting on"), path, value=True), _drop(_("Remove this outcome"), case.path)]


def _drop_requirement(case: _Case) -> list[Remedy]:
    return [_drop(_("Remove this requirement"), case.path[:4])]


def _drop_it(case: _Case) -> list[Remedy]:
    return [_drop(_("Remove it"), case.path)]


def _drop_outcome(case: _Case) -> list[Remedy]:
    return [_drop(_("Remove this outcome"), case.path)]


def _drop_condition(case: _Case) -> list[Remedy]:
    return [_drop(_("Ask it always"), (*case.path[:4], "when"))]


def _number_anew(_case: _Case) -> list[Remedy]:
    return [Remedy(_("Number the rows anew"), lambda document: document.number_rows())]


def _revised_today(case: _Case) -> list[Remedy]:
    return [_set(_("Enter today as the date of revision"), ("revised",), case.today)]


_WAYS_OUT = {
    Step.APPROVAL: Outcome.REFUSED,
    Step.EVALUATION: Outcome.REJECTED,
    Step.DECISION: Outcome.REJECTED,
    Step.ACCEPTANCE: Outcome.WITHDRAWN,
}
_ROLE_TITLES = {Role.REQUESTER: "Pemohon", Role.CHANGE_MANAGER: "Pengelola Perubahan", Role.HEAD: "Kepala LPSE"}
REMEDIES: dict[str, Callable[[_Case], list[Remedy]]] = {
    "%(outcome)s leads to %(step)s, a step that this SOP leaves out": _missing_target,
    "%(outcome)s must not lead back to %(step)s": _next_target,
    "%(outcome)s must lead to %(step)s": _fixed_target,
    "%(outcome)s needs the switch verification_may_return_report": _needs_switch,
    "%(outcome)s is not an outcome of %(step)s; its outcomes are %(known)s": _drop_outcome,
    "unknown outcome %(outcome)s; known outcomes are %(known)s": _drop_outcome,
    "unknown step %(step)s; did you mean %(close)s?": _drop_it,
    "unknown step %(step)s; known steps are %(known)s": _drop_it,
    "unknown key %(key)s; did you mean %(close)s?": _drop_it,
    "unknown key %(key)s; known keys are %(known)s": _drop_it,
    "%(key)s must be above the first table, above [agency]": _drop_it,
    "%(outcome)s is not among the outcomes of this step: %(known)s": _drop_it,
    "this switch needs the step %(step)s, which this SOP leaves out": _switch_needs_step,
    "there is no step %(step)s, where every request starts": _add_the_step,
    "an emergency needs the step %(step)s, which this SOP leaves out": _add_the_step,
    "after %(outcome)s a change could reach %(step)s without having been accepted or approved": _add_decision,
    "%(outcome)s could close a change that was implemented and never verified": _add_verification,
    "a change whose test failed could be released or closed without a roll back or a passed test": _add_rollback,
    "the actor of %(step)s must have the role %(role)s, not %(found)s": _actor_of_role,
    "unknown actor %(actor)s": _another_actor,
    "%(key)s is missing": _another_actor,
    "the step has no outcome": _usual_outcomes,
    "the step %(step)s cannot be reached": _reach,
    "%(step)s can follow a roll back, so it needs the outcome %(outcome)s": _add_outcome,
    (
        "%(step)s has no way to say no: a request that is not to go on would stay here for good; add %(outcomes)s"
    ): _way_out,
    "%(step)s has one outcome: name the way to say no as well": _way_out,
    "%(key)s belongs to steps called waiting.name": _drop_it,
    "a waiting step has no standard time; what is done after it is a step of its own": _drop_it,
    "%(outcome)s belongs to the steps of the procedure; name it in the SOP's own words%(others)s": _drop_outcome,
    "the record of %(step)s cannot be available: this SOP leaves that step out": _drop_requirement,
    "the record of %(of)s cannot be available in %(step)s, which never follows it": _drop_requirement,
    "the same thing is required twice": _drop_requirement,
    "only a record belongs to a step": _drop_it,
    "no field %(key)s stands before this one in the step": _drop_condition,
    "only a field of the kind yes-no, one-of or several-of can be a condition, not %(kind)s": _drop_condition,
    "the number %(no)s is used twice": _number_anew,
    "a revision of this SOP has this number with other content; a new one has a later date in revised": _revised_today,
}
