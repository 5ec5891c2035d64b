"""Validate the moves of an SOP: every request can end, and no path bypasses a check.

Where a target is unknown (for example mistyped), only errors that hold for every possible target are reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import CONFLICTING_DUTIES, HEAD_STEPS, REQUESTER_STEPS, STEP_DUTIES, Outcome, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from lpse_admin.sop.model import Switches
    from lpse_admin.sop.toml.scanner import KeyPath

    Errors = Iterator[tuple[KeyPath, Message]]

#: Steps whose actor must have a certain role.
_FIXED_ROLE = {
    **dict.fromkeys(REQUESTER_STEPS, Role.REQUESTER),
    **dict.fromkeys(HEAD_STEPS, Role.HEAD),
}
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


def apply_switches(step: Step, declared_outcomes: Mapping[Outcome, Step], switches: Switches) -> dict[Outcome, Step]:
    """Return the target of each outcome of ``step`` with the switches applied."""
    moves = dict(declared_outcomes)
    if switches.head_approves_every_change and step is Step.URGENCY and Outcome.NORMAL in moves:
        moves[Outcome.NORMAL] = Step.APPROVAL
    if switches.verification_may_return_report and step is Step.VERIFICATION:
        moves[Outcome.REVISE] = Step.REPORT
    return moves


def validate_moves(nodes: Mapping[Step, StepNode], switches: Switches) -> Errors:
    """Yield every error in the moves, with its path in the file."""
    if Step.REQUEST not in nodes:
        yield ("steps",), _("there is no step %(step)s, where every request starts", step=Step.REQUEST)
    yield from _switch_errors(nodes, switches)
    graph = _Graph(nodes, switches)
    for node in nodes.values():
        yield from _role_errors(node, nodes)
        yield from _target_errors(node, nodes, switches)
        yield from _record_errors(node, graph)
    yield from _reachability_errors(graph)
    yield from _decision_errors(graph)
    yield from _approval_errors(graph, switches)
    yield from _closing_errors(graph)
    yield from _test_errors(graph)


class _Graph:
    """The effective moves, and the steps that can be reached by them."""

    def __init__(self, nodes: Mapping[Step, StepNode], switches: Switches) -> None:
        self.nodes = nodes
        self.moves = {step: apply_switches(step, node.declared_outcomes, switches) for step, node in nodes.items()}
        known = {*nodes, Step.CLOSED}
        self.incomplete_steps = {
            step
            for step, node in nodes.items()
            if node.is_incomplete or not known.issuperset(self.moves[step].values())
        }
        self.reachable_from_start = self.reachable_from({Step.REQUEST} & nodes.keys())

    def outcome_path(self, step: Step, outcome: Outcome) -> KeyPath:
        return (*self.nodes[step].path, "outcomes", outcome.value)

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

    def is_complete(self, reached: Collection[Step]) -> bool:
        """Whether no other step than ``reached`` could be reached, whatever the unknown targets are."""
        return not self.incomplete_steps.intersection(reached)


def _switch_errors(nodes: Mapping[Step, StepNode], switches: Switches) -> Errors:
    if switches.head_approves_every_change and Step.APPROVAL not in nodes:
        yield (
            ("switches", "head_approves_every_change"),
            _("this switch needs the step %(step)s, which this SOP leaves out", step=Step.APPROVAL),
        )
    if switches.verification_may_return_report:
        for step in (Step.REPORT, Step.VERIFICATION):
            if step not in nodes:
                yield (
                    ("switches", "verification_may_return_report"),
                    _("this switch needs the step %(step)s, which this SOP leaves out", step=step),
                )


def _role_errors(node: StepNode, nodes: Mapping[Step, StepNode]) -> Errors:
    if node.role is None:
        return
    path = (*node.path, "actor")
    fixed = _FIXED_ROLE.get(node.step)
    if fixed is not None:
        if node.role is not fixed:
            yield (
                path,
                _("the actor of %(step)s must have the role %(role)s, not %(found)s",
                  step=node.step, role=fixed, found=node.role),
            )  # fmt: skip
        return
    conflicting = CONFLICTING_DUTIES[STEP_DUTIES[node.step]] if node.step in STEP_DUTIES else frozenset()
    for other in nodes.values():
        # A wrong actor of a step with a fixed role is reported at that step only.
        role = _FIXED_ROLE.get(other.step, other.role)
        if role is node.role and STEP_DUTIES.get(other.step) in conflicting:
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
        elif outcome is Outcome.REFUSED and target not in _ALLOWED_AFTER_REFUSAL:
            yield path, _("%(outcome)s must not lead to %(step)s: that would bypass the head",
                           outcome=outcome, step=target)  # fmt: skip
        elif outcome is Outcome.REVISE and not switches.verification_may_return_report:
            yield path, _("%(outcome)s needs the switch verification_may_return_report", outcome=outcome)
        elif outcome is Outcome.REVISE and target is not Step.REPORT:
            yield path, _("%(outcome)s must lead to %(step)s", outcome=outcome, step=Step.REPORT)


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
    if not graph.nodes.keys() & {Step.EVALUATION, Step.APPROVAL}:
        return
    for step, outcome in ((Step.REQUEST, Outcome.SUBMITTED), (Step.RETURNED, Outcome.RESUBMITTED)):
        target = graph.moves.get(step, {}).get(outcome)
        if target is None:
            continue
        undecided = graph.reachable_from({target}, excluding=lambda _step, made: made in _DECISIONS)
        if Step.IMPLEMENTATION in undecided:
            yield (
                graph.outcome_path(step, outcome),
                _("after %(outcome)s a change could reach %(step)s without having been accepted or approved",
                  outcome=outcome, step=Step.IMPLEMENTATION),
            )  # fmt: skip
    verified = graph.moves.get(Step.VERIFICATION, {}).get(Outcome.VERIFIED)
    if verified is not None and Step.IMPLEMENTATION in graph.reachable_from({verified}):
        yield (
            graph.outcome_path(Step.VERIFICATION, Outcome.VERIFIED),
            _("a verified change could come to %(step)s again", step=Step.IMPLEMENTATION),
        )


def _approval_errors(graph: _Graph, switches: Switches) -> Errors:
    urgent = graph.moves.get(Step.URGENCY, {}).get(Outcome.EMERGENCY)
    if urgent is not None:
        path = graph.outcome_path(Step.URGENCY, Outcome.EMERGENCY)
        if Step.APPROVAL not in graph.nodes:
            yield path, _("an emergency needs the step %(step)s, which this SOP leaves out", step=Step.APPROVAL)
        elif Step.IMPLEMENTATION in graph.reachable_from(
            {urgent}, excluding=lambda step, _outcome: step is Step.APPROVAL
        ):
            yield path, _("an emergency could reach %(step)s without the approval of the head",
                           step=Step.IMPLEMENTATION)  # fmt: skip
    if switches.head_approves_every_change and Step.APPROVAL in graph.nodes:
        around = graph.reachable_from(
            {Step.REQUEST}, excluding=lambda step, outcome: (step, outcome) == (Step.APPROVAL, Outcome.APPROVED)
        )
        if Step.IMPLEMENTATION in around:
            yield (
                ("switches", "head_approves_every_change"),
                _("a change could reach %(step)s without the approval of the head", step=Step.IMPLEMENTATION),
            )
    refused = graph.moves.get(Step.APPROVAL, {}).get(Outcome.REFUSED)
    if refused in _ALLOWED_AFTER_REFUSAL and refused is not Step.CLOSED:
        ahead = graph.reachable_from({refused}, excluding=lambda step, _outcome: step is Step.IMPLEMENTATION)
        if Step.APPROVAL not in ahead and graph.is_complete(ahead):
            yield (
                graph.outcome_path(Step.APPROVAL, Outcome.REFUSED),
                _("after a refusal there would be no way back to %(step)s", step=Step.APPROVAL),
            )


def _closing_errors(graph: _Graph) -> Errors:
    if Step.IMPLEMENTATION not in graph.nodes:
        return
    untouched = graph.reachable_from({Step.REQUEST}, excluding=lambda step, _outcome: step is Step.IMPLEMENTATION)
    unverified = graph.reachable_from(
        {Step.IMPLEMENTATION}, excluding=lambda step, outcome: (step, outcome) == (Step.VERIFICATION, Outcome.VERIFIED)
    )
    for step, outcome, target in graph.edges():
        if target is not Step.CLOSED:
            continue
        if step in unverified and outcome is not Outcome.VERIFIED:
            yield (
                graph.outcome_path(step, outcome),
                _("%(outcome)s could close a change that was implemented and never verified", outcome=outcome),
            )
        elif step in untouched and step is not Step.IMPLEMENTATION and outcome not in _MAY_CLOSE_EARLY:
            yield (
                graph.outcome_path(step, outcome),
                _("%(outcome)s could close a change as completed that was never implemented", outcome=outcome),
            )


def _test_errors(graph: _Graph) -> Errors:
    failed = graph.moves.get(Step.TEST, {}).get(Outcome.FAILED)
    if failed is not None:
        after = graph.reachable_from(
            {failed}, excluding=lambda step, outcome: step is Step.ROLLBACK or outcome is Outcome.PASSED
        )
        is_released = Step.RELEASE in after and Outcome.SCHEDULED in graph.moves[Step.RELEASE]
        if is_released or Step.CLOSED in after:
            yield (
                graph.outcome_path(Step.TEST, Outcome.FAILED),
                _("a change whose test failed could be released or closed without a roll back or a passed test"),
            )
    rolled_back = graph.moves.get(Step.ROLLBACK, {}).values()
    after = graph.reachable_from(rolled_back, excluding=lambda _step, outcome: outcome is Outcome.PASSED)
    release = graph.nodes.get(Step.RELEASE)
    if (
        release
        and Step.RELEASE in after
        and not release.is_incomplete
        and Outcome.NO_RELEASE not in release.declared_outcomes
    ):
        yield (
            (*release.path, "outcomes"),
            _("%(step)s can follow a roll back, so it needs the outcome %(outcome)s",
              step=Step.RELEASE, outcome=Outcome.NO_RELEASE),
        )  # fmt: skip
