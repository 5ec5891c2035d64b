"""What an SOP makes of one closed request: whether its way is open, what would be missing, late or barred.

Every step of the history is judged as it happened, also behind the first that the SOP does not allow: what the request
would have done from there on nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, Message, _, own_words
from lpse_admin.sop import Move
from lpse_admin.workflow.record_fields import REASON_FIELD, missing_fields, sop_fields
from lpse_admin.workflow.transitions import (
    Evidence,
    Position,
    Principal,
    conditions_of,
    conflicting_duty,
    missing_items,
    position_after,
    reason_move_blocked,
    separated_step,
)
from lpse_admin.worktime.limits import measure_stretches
from lpse_admin.worktime.step_timing import exceeds_standard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpse_admin.sop import Sop
    from lpse_admin.sop.steps import Step
    from lpse_admin.trial.past import PastRequest, PastStep
    from lpse_admin.worktime.working_calendar import WorkCalendar


class Obstacle(LabelledEnum):
    """Why a request could not have gone on."""

    NO_STEP = "no-step", _("No such step")
    NO_OUTCOME = "no-outcome", _("No such outcome")
    OTHER_TARGET = "other-target", _("Leads elsewhere")
    BLOCKED = "blocked", _("Not allowed after what was before")


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a request could not have gone on: its first step that the SOP does not allow.

    ``next_actor`` is whose turn it would be instead: of that step, or of the one that its outcome leads to; empty where
    the SOP has no such step, or ends there.
    """

    obstacle: Obstacle
    step: Step
    message: Message
    next_actor: str | Message = ""


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """One visit to a step: how the SOP judges it.

    ``is_known``: the SOP has the step, and judges it. ``actor`` is the SOP's actor, and ``is_other_actor`` whether its
    role is another one than that of who took the step. ``missing`` are things that it asks for, that were not asked for
    and are not there; ``barred`` is why the person who took it may not have.
    """

    step: Step
    title: Message
    is_known: bool
    actor: str | Message = ""
    is_other_actor: bool = False
    missing: tuple[Message, ...] = ()
    is_late: bool = False
    was_late: bool = False
    barred: str = ""
    barred_reason: Message | None = None


@dataclass(frozen=True, slots=True)
class JudgedRequest:
    """A request as the SOP judges it; ``stop`` is None where it could have gone its way."""

    id: int
    number: str
    title: str
    stop: Stop | None
    steps: tuple[JudgedStep, ...]
    #: The limits on stretches of its steps that it would have passed, by their titles.
    passed_limits: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[JudgedStep, ...]:
        """The steps in which something would be missing."""
        return tuple(step for step in self.steps if step.missing)

    @property
    def late(self) -> tuple[JudgedStep, ...]:
        """The steps that would be late."""
        return tuple(step for step in self.steps if step.is_late)

    @property
    def barred(self) -> tuple[JudgedStep, ...]:
        """The steps that somebody else would have had to take."""
        return tuple(step for step in self.steps if step.barred)

    @property
    def other_actors(self) -> tuple[JudgedStep, ...]:
        """The steps that another actor would have had to take."""
        return tuple(step for step in self.steps if step.is_other_actor)

    @property
    def is_without_remark(self) -> bool:
        """Whether it would have gone as it went, in time, by the same actors."""
        return self.stop is None and not any(
            (self.missing, self.late, self.barred, self.other_actors, self.passed_limits)
        )


def judge(sop: Sop, calendar: WorkCalendar, request: PastRequest) -> JudgedRequest:
    """Return how ``sop`` judges a closed request, by the present ``calendar`` of its office.

    Raises OutsideCalendar for times in years whose holidays nobody knows.
    """
    position = Position(sop.first_step, requester_id=request.requester_id)
    stop: Stop | None = None
    steps: list[JudgedStep] = []
    for past in request.steps:
        conditions = conditions_of(request.on_behalf_of, request.kinds, position.urgency)
        position = replace(position, step=past.step, conditions=conditions)
        move = Move(past.step, past.outcome, past.target)
        stop = stop or _stop_at(sop, position, move, request.former)
        steps.append(_judge_step(sop, calendar, request, position, past))
        position = position_after(position, move, past.actor_id)
    stretches = measure_stretches(calendar, sop, request.steps, request.closed_at)
    passed = dict.fromkeys(one.limit.title for one in stretches if one.is_late)
    return JudgedRequest(request.id, request.number, request.title, stop, tuple(steps), tuple(passed))


def _stop_at(sop: Sop, position: Position, move: Move, former: Sop) -> Stop | None:
    """Return why ``sop`` does not let a request make ``move``, or None if it does."""
    rule = sop.rules.get(move.origin)
    if rule is None:
        text = _("The SOP has no step “%(step)s”.", step=former.step_title(move.origin))
        return Stop(Obstacle.NO_STEP, move.origin, text)
    title = sop.step_title(move.origin)
    if move.outcome not in rule.leads_to:
        text = _("“%(outcome)s” is not an outcome of “%(step)s”.", outcome=move.outcome.title, step=title)
        return Stop(Obstacle.NO_OUTCOME, move.origin, text, sop.actor_title(move.origin))
    target = rule.leads_to[move.outcome]
    if target is not move.target:
        text = _(
            "“%(outcome)s” in “%(step)s” leads to “%(target)s” and not to “%(former)s”.",
            outcome=move.outcome.title,
            step=title,
            target=sop.step_title(target),
            former=former.step_title(move.target),
        )
        actor = sop.actor_title(target) if target in sop.rules else ""
        return Stop(Obstacle.OTHER_TARGET, move.origin, text, actor)
    if refusal := reason_move_blocked(move, position):
        return Stop(Obstacle.BLOCKED, move.origin, refusal, sop.actor_title(move.origin))
    return None


def _judge_step(
    sop: Sop, calendar: WorkCalendar, request: PastRequest, position: Position, past: PastStep
) -> JudgedStep:
    former = request.former
    was_late = exceeds_standard(calendar, former, past.step, past.timestamps)
    rule = sop.rules.get(past.step)
    if rule is None:
        return JudgedStep(past.step, former.step_title(past.step), is_known=False, was_late=was_late)
    asked = dict(_missing(sop, position, request, past))
    asked_before = dict(_missing(former, position, request, past)) if asked else {}
    reason = _reason_barred(sop, position, past.actor_id)
    return JudgedStep(
        past.step,
        sop.step_title(past.step),
        is_known=True,
        actor=sop.actor_title(past.step),
        is_other_actor=rule.actor is not past.actor_role,
        missing=tuple(label for key, label in asked.items() if key not in asked_before),
        is_late=exceeds_standard(calendar, sop, past.step, past.timestamps),
        was_late=was_late,
        barred=past.actor if reason else "",
        barred_reason=reason,
    )


def _missing(sop: Sop, position: Position, request: PastRequest, past: PastStep) -> Iterator[tuple[str, Message]]:
    """Yield (key, label) of what ``sop`` requires in the step and the record does not have."""
    if fields := sop_fields(sop, past.step):
        missing = missing_fields(fields, past.outcome, {**past.own_values, REASON_FIELD.key: "-"})
        yield from ((field.key, field.label) for field in fields if field.key in missing)
    if sop.rules[past.step].needs_reason(past.outcome) and not past.has_reason:
        yield REASON_FIELD.key, REASON_FIELD.label
    evidence = Evidence(attached_documents=request.documents, confirmed_equipment=past.equipment)
    for item in missing_items(sop, position, past.outcome, evidence):
        yield f"{item.kind}-{item.key}", own_words(item.label)


def _reason_barred(sop: Sop, position: Position, actor_id: int) -> Message | None:
    """Return why ``actor_id`` is barred from the current step: by a part that checks it, or by the SOP; or None."""
    principal = Principal(actor_id, frozenset())
    if duty := conflicting_duty(position, principal):
        return duty.title
    taken = separated_step(sop, position, principal)
    return _("took “%(step)s”", step=sop.step_title(taken)) if taken is not None else None
