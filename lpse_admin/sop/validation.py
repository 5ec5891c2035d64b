"""Validate the moves of an SOP: every request can end, and no path bypasses a check.

Where a target is unknown (for example mistyped), only errors that hold for every possible target are reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import (
    CONFLICTING_DUTIES,
    HEAD_STEPS,
    REQUESTER_STEPS,
    Outcome,
    Step,
    duty_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from lpse_admin.sop.model import Switches
    from lpse_admin.sop.toml.scanner import KeyPath

    Errors = Iterator[tuple[KeyPath, Message]]

#: Steps whose actor must have a certain role.
_FIXED_ROLE = {
    **dict.fromkeys(REQUESTER_STEPS, Role.REQUESTER),
    **dict.fromkeys(HEAD_STEPS, Role.HEAD),
    Step.ACCEPTANCE: Role.REQUESTER,
}
#: Steps of an SOP's own in which somebody decides, and so can say no.
_CHOICES = (Step.DECISION, Step.ACCEPTANCE)
#: Outcomes that must lead to CLOSED.
_ALWAYS_CLOSING = (Outcome.REJECTED, Outcome.WITHDRAWN)
#: Outcomes that may close a request before its implementation.
_MAY_CLOSE_EARLY = (*_ALWAYS_CLOSING, Outcome.REFUSED)
#: Outcomes that are a decision; after a return the path is checked again from the resubmission.
_DECISIONS = frozenset({Outcome.ACCEPTED, Outcome.APPROVED, Outcome.RETURNED, Outcome.REJECTED, Outcome.RESUBMITTED})
#: The targets that a refusal may have; any later step would bypass the head.
_ALLOWED_AFTER_REFUSAL = (Step.EVALUATION, Step.URGENCY, Step.RETURNED, Step.CLOSED)


@dataclass(frozen=True, slots=True)
class StepNode:
    """A step of the file; ``is_incomplete`` if an outcome or target of it could not be read."""

    step: Step
    path: KeyPath
    role: Role | None
    declared_outcomes: Mapping[Outcome, Step]
    is_incomplete: bool = False
    required_records: tuple[tuple[KeyPath, Step], ...] = field(default=())
    apart_from: tuple[Step, ...] = ()


def apply_switches(
    step: Step, declared_outcomes: Mapping[Outcome, Step], switches: Switches, steps: Iterable[Step]
) -> dict[Outcome, Step]:
    """Return the target of each outcome of ``step`` with the switches applied; ``steps`` are those of the SOP.

    Of several approvals a normal change comes to the first one; a report goes back to the last one before.
    """
    moves, steps = dict(declared_outcomes), tuple(steps)
    if switches.head_approves_every_change and step.kind is Step.URGENCY and Outcome.NORMAL in moves:
        moves[Outcome.NORMAL] = next((one for one in steps if one.kind is Step.APPROVAL), Step.APPROVAL)
    if switches.verification_may_return_report and step.kind is Step.VERIFICATION:
        before = steps[: steps.index(step)] if step in steps else steps
        reports = [one for one in before or steps if one.kind is Step.REPORT]
        moves[Outcome.REVISE] = reports[-1] if reports else Step.REPORT
    return moves


def validate_moves(nodes: Mapping[Step, StepNode], switches: Switches, *, without_verification: bool = False) -> Errors:
    """Yield every error in the moves, with its path in the file.

    ``without_verification``: the SOP says why a change may end without one.
    """
    if Step.REQUEST not in nodes:
        yield ("steps",), _("there is no step %(step)s, where every request starts", step=Step.REQUEST)
    yield from _switch_errors(nodes, switches)
    graph = _Graph(nodes, switches)
    for node in nodes.values():
        yield from _role_errors(node, nodes)
        yield from _target_errors(node, nodes, switches)
        yield from _record_errors(node, graph)
        yield from _separation_errors(node, nodes)
        yield from _outcome_errors(node)
    yield from _reachability_errors(graph)
    yield from _decision_errors(graph)
    yield from _approval_errors(graph, switches)
    yield from _closing_errors(graph, without_verification=without_verification)
    yield from _test_errors(graph)


class _Graph:
    """The effective moves, and the steps that can be reached by them."""

    def __init__(self, nodes: Mapping[Step, StepNode], switches: Switches) -> None:
        self.nodes = nodes
        self.moves = {
            step: apply_switches(step, node.declared_outcomes, switches, nodes) for step, node in nodes.items()
        }
        known = {*nodes, Step.CLOSED}
        self.incomplete_steps = {
            step
            for step, node in nodes.items()
            if node.is_incomplete or not known.issuperset(self.moves[step].values())
        }
        self.reachable_from_start = self.reachable_from({Step.REQUEST} & nodes.keys())

    def outcome_path(self, step: Step, outcome: Outcome) -> KeyPath:
        return (*self.nodes[step].path, "outcomes", outcome.value)

    def of_kind(self, kind: Step) -> set[Step]:
        """Return the steps of the SOP of this kind."""
        return {step for step in self.nodes if step.kind is kind}

    def targets(self, kind: Step, outcome: Outcome) -> Iterator[tuple[Step, Step]]:
        """Yield each step of this kind that has ``outcome``, and where that leads."""
        for step in self.nodes:
            if step.kind is kind and (target := self.moves[step].get(outcome)) is not None:
                yield step, target

    def edges(self) -> Iterator[tuple[Step, Outcome, Step]]:
        for step, moves in self.moves.items():
            for outcome, target in moves.items():
                yield step, outcome, target

    def reachable_from(
        self, starts: Iterable[Step], *, excluding: Callable[[Step, Outcome], bool] | None = None
    ) -> set[Step]:
        """Return ``starts`` and the steps reachable from them without the moves that ``excluding`` selects."""
        reached: set[Step] = set()
        pending = list(starts)
        while pending:
            step = pending.pop()
            if step in reached:
                continue
            reached.add(step)
            for outcome, target in self.moves.get(step, {}).items():
                if excluding is None or not excluding(step, outcome):
                    pending.append(target)
        return reached

    def reaches(
        self, kind: Step, starts: Iterable[Step], *, excluding: Callable[[Step, Outcome], bool] | None = None
    ) -> bool:
        """Whether a step of this kind can be reached from ``starts`` without the moves that ``excluding`` selects."""
        return any(step.kind is kind for step in self.reachable_from(starts, excluding=excluding))

    def is_complete(self, reached: Collection[Step]) -> bool:
        """Whether no other step than ``reached`` could be reached, whatever the unknown targets are."""
        return not self.incomplete_steps.intersection(reached)


def _switch_errors(nodes: Mapping[Step, StepNode], switches: Switches) -> Errors:
    kinds = {step.kind for step in nodes}
    if switches.head_approves_every_change and Step.APPROVAL not in kinds:
        yield (
            ("switches", "head_approves_every_change"),
            _("this switch needs the step %(step)s, which this SOP leaves out", step=Step.APPROVAL),
        )
    if switches.verification_may_return_report:
        for step in (Step.REPORT, Step.VERIFICATION):
            if step not in kinds:
                yield (
                    ("switches", "verification_may_return_report"),
                    _("this switch needs the step %(step)s, which this SOP leaves out", step=step),
                )


def _role_errors(node: StepNode, nodes: Mapping[Step, StepNode]) -> Errors:
    if node.role is None:
        return
    path = (*node.path, "actor")
    fixed = _FIXED_ROLE.get(node.step.kind)
    if fixed is not None:
        if node.role is not fixed:
            yield (
                path,
                _("the actor of %(step)s must have the role %(role)s, not %(found)s",
                  step=node.step, role=fixed, found=node.role),
            )  # fmt: skip
        return
    duty = duty_of(node.step)
    conflicting = CONFLICTING_DUTIES[duty] if duty is not None else frozenset()
    for other in nodes.values():
        # A wrong actor of a step with a fixed role is reported at that step only.
        role = _FIXED_ROLE.get(other.step.kind, other.role)
        if role is node.role and duty_of(other.step) in conflicting:
            yield (
                path,
                _("%(step)s and %(other)s check each other, so their actors must not both have the role %(role)s",
                  step=node.step, other=other.step, role=node.role),
            )  # fmt: skip
            return


def _target_errors(node: StepNode, nodes: Mapping[Step, StepNode], switches: Switches) -> Errors:
    for outcome, target in node.declared_outcomes.items():
        path = (*node.path, "outcomes", outcome.value)
        if target is Step.REQUEST:
            yield path, _("%(outcome)s must not lead back to %(step)s", outcome=outcome, step=target)
        elif target is not Step.CLOSED and target not in nodes:
            yield path, _("%(outcome)s leads to %(step)s, a step that this SOP leaves out",
                           outcome=outcome, step=target)  # fmt: skip
        elif outcome in _ALWAYS_CLOSING and target is not Step.CLOSED:
            yield path, _("%(outcome)s must lead to %(step)s", outcome=outcome, step=Step.CLOSED)
        elif outcome is Outcome.RETURNED and target is not Step.RETURNED:
            yield path, _("%(outcome)s must lead to %(step)s", outcome=outcome, step=Step.RETURNED)
        elif outcome is Outcome.RESUBMITTED and (target is Step.CLOSED or nodes[target].role is Role.REQUESTER):
            yield path, _("%(outcome)s must lead to a step of an actor other than the requester", outcome=outcome)
        elif outcome is Outcome.REFUSED and target.kind not in _ALLOWED_AFTER_REFUSAL:
            yield path, _("%(outcome)s must not lead to %(step)s: that would bypass the head",
                           outcome=outcome, step=target)  # fmt: skip
        elif outcome is Outcome.REVISE and not switches.verification_may_return_report:
            yield path, _("%(outcome)s needs the switch verification_may_return_report", outcome=outcome)
        elif outcome is Outcome.REVISE and target.kind is not Step.REPORT:
            yield path, _("%(outcome)s must lead to %(step)s", outcome=outcome, step=Step.REPORT)


def _outcome_errors(node: StepNode) -> Errors:
    """Check how many ways out a step of the SOP's own has: a choice has two, what is none has one."""
    if node.is_incomplete:
        return
    number, path = len(node.declared_outcomes), (*node.path, "outcomes")
    if node.step.kind in _CHOICES and number == 1:
        yield path, _("%(step)s has one outcome: name the way to say no as well", step=node.step)
    elif node.step.kind in (Step.ACKNOWLEDGEMENT, Step.WAITING) and number > 1:
        yield path, _("%(step)s is no decision, so it has one outcome; a decision is called decision.%(name)s",
                       step=node.step, name=node.step.own_name)  # fmt: skip


def _separation_errors(node: StepNode, nodes: Mapping[Step, StepNode]) -> Errors:
    """Check that what the SOP keeps apart is there, and is not both the requester's, who is one person."""
    path = (*node.path, "apart_from")
    for step in node.apart_from:
        if step not in nodes:
            yield path, _("%(step)s cannot be kept apart from %(other)s: this SOP leaves that step out",
                           step=node.step, other=step)  # fmt: skip
        elif node.role is Role.REQUESTER and nodes[step].role is Role.REQUESTER:
            yield path, _("%(step)s and %(other)s are both the requester's, so they cannot be kept apart",
                           step=node.step, other=step)  # fmt: skip


def _record_errors(node: StepNode, graph: _Graph) -> Errors:
    for path, of in node.required_records:
        if of not in graph.nodes:
            yield path, _("the record of %(step)s cannot be available: this SOP leaves that step out", step=of)
            continue
        after = graph.reachable_from({of})
        # For a step that cannot be reached, only that is reported.
        are_reachable = graph.reachable_from_start.issuperset({of, node.step})
        if are_reachable and node.step not in after and graph.is_complete(after):
            yield path, _("the record of %(of)s cannot be available in %(step)s, which never follows it",
                           of=of, step=node.step)  # fmt: skip


def _reachability_errors(graph: _Graph) -> Errors:
    is_certain = Step.REQUEST in graph.nodes and graph.is_complete(graph.reachable_from_start)
    for step, node in graph.nodes.items():
        ahead = graph.reachable_from({step})
        if step not in graph.reachable_from_start and is_certain:
            yield (*node.path, "key"), _("the step %(step)s cannot be reached", step=step)
        if Step.CLOSED not in ahead and graph.is_complete(ahead):
            yield (*node.path, "key"), _("the end cannot be reached from the step %(step)s", step=step)


def _decision_errors(graph: _Graph) -> Errors:
    """Check that a change is decided before its implementation, and not implemented again once verified."""
    if not graph.of_kind(Step.EVALUATION) | graph.of_kind(Step.APPROVAL):
        return
    for step, outcome in ((Step.REQUEST, Outcome.SUBMITTED), (Step.RETURNED, Outcome.RESUBMITTED)):
        target = graph.moves.get(step, {}).get(outcome)
        if target is None:
            continue
        undecided = graph.reachable_from({target}, excluding=lambda _step, made: made in _DECISIONS)
        if any(reached.kind is Step.IMPLEMENTATION for reached in undecided):
            yield (
                graph.outcome_path(step, outcome),
                _("after %(outcome)s a change could reach %(step)s without having been accepted or approved",
                  outcome=outcome, step=Step.IMPLEMENTATION),
            )  # fmt: skip
    implementations = graph.of_kind(Step.IMPLEMENTATION)
    for verification, verified in graph.targets(Step.VERIFICATION, Outcome.VERIFIED):
        after = graph.reachable_from({verified}) & implementations
        # Of several implementations one may follow the verification of another.
        again = [one for one in after if len(implementations) == 1 or verification in graph.reachable_from({one})]
        if again:
            yield (
                graph.outcome_path(verification, Outcome.VERIFIED),
                _("a verified change could come to %(step)s again", step=min(again)),
            )


def _approval_errors(graph: _Graph, switches: Switches) -> Errors:
    approvals = graph.of_kind(Step.APPROVAL)
    for urgency, urgent in graph.targets(Step.URGENCY, Outcome.EMERGENCY):
        path = graph.outcome_path(urgency, Outcome.EMERGENCY)
        if not approvals:
            yield path, _("an emergency needs the step %(step)s, which this SOP leaves out", step=Step.APPROVAL)
        elif graph.reaches(Step.IMPLEMENTATION, {urgent}, excluding=lambda step, _outcome: step.kind is Step.APPROVAL):
            yield path, _("an emergency could reach %(step)s without the approval of the head",
                           step=Step.IMPLEMENTATION)  # fmt: skip
    if switches.head_approves_every_change and approvals:
        is_approved = (Step.APPROVAL, Outcome.APPROVED)
        if graph.reaches(
            Step.IMPLEMENTATION, {Step.REQUEST}, excluding=lambda step, outcome: (step.kind, outcome) == is_approved
        ):
            yield (
                ("switches", "head_approves_every_change"),
                _("a change could reach %(step)s without the approval of the head", step=Step.IMPLEMENTATION),
            )
    for approval, refused in graph.targets(Step.APPROVAL, Outcome.REFUSED):
        if refused.kind not in _ALLOWED_AFTER_REFUSAL or refused is Step.CLOSED:
            continue
        ahead = graph.reachable_from({refused}, excluding=lambda step, _outcome: step.kind is Step.IMPLEMENTATION)
        if approval not in ahead and graph.is_complete(ahead):
            yield (
                graph.outcome_path(approval, Outcome.REFUSED),
                _("after a refusal there would be no way back to %(step)s", step=approval),
            )


def _closing_errors(graph: _Graph, *, without_verification: bool) -> Errors:
    implementations = graph.of_kind(Step.IMPLEMENTATION)
    if not implementations:
        return
    untouched = graph.reachable_from({Step.REQUEST}, excluding=lambda step, _outcome: step.kind is Step.IMPLEMENTATION)
    is_verified = (Step.VERIFICATION, Outcome.VERIFIED)
    unverified: set[Step] = set()
    if not without_verification:
        unverified = graph.reachable_from(
            implementations, excluding=lambda step, outcome: (step.kind, outcome) == is_verified
        )
    for step, outcome, target in graph.edges():
        if target is not Step.CLOSED:
            continue
        if step in unverified and outcome is not Outcome.VERIFIED:
            yield (
                graph.outcome_path(step, outcome),
                _("%(outcome)s could close a change that was implemented and never verified", outcome=outcome),
            )
        elif step in untouched and step.kind is not Step.IMPLEMENTATION and outcome not in _MAY_CLOSE_EARLY:
            yield (
                graph.outcome_path(step, outcome),
                _("%(outcome)s could close a change as completed that was never implemented", outcome=outcome),
            )


def _test_errors(graph: _Graph) -> Errors:
    for test, failed in graph.targets(Step.TEST, Outcome.FAILED):
        after = graph.reachable_from(
            {failed}, excluding=lambda step, outcome: step.kind is Step.ROLLBACK or outcome is Outcome.PASSED
        )
        if Step.CLOSED in after or any(
            release in after for release, _ in graph.targets(Step.RELEASE, Outcome.SCHEDULED)
        ):
            yield (
                graph.outcome_path(test, Outcome.FAILED),
                _("a change whose test failed could be released or closed without a roll back or a passed test"),
            )
    rolled_back = [target for step in graph.of_kind(Step.ROLLBACK) for target in graph.moves[step].values()]
    after = graph.reachable_from(rolled_back, excluding=lambda _step, outcome: outcome is Outcome.PASSED)
    for step in graph.of_kind(Step.RELEASE) & after:
        release = graph.nodes[step]
        if not release.is_incomplete and Outcome.NO_RELEASE not in release.declared_outcomes:
            yield (
                (*release.path, "outcomes"),
                _("%(step)s can follow a roll back, so it needs the outcome %(outcome)s",
                  step=step, outcome=Outcome.NO_RELEASE),
            )  # fmt: skip
