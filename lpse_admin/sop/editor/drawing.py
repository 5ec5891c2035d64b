"""What can be drawn of an SOP that is not sound yet."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.model import Sop, SopActor, StepRule
from lpse_admin.sop.steps import Step

if TYPE_CHECKING:
    from lpse_admin.sop.fields import SopField

#: The column of steps whose actor is not chosen.
_NO_ACTOR = SopActor("?", "…", Role.INSPECTOR)


def drawable(sop: Sop) -> Sop | None:
    """Return ``sop`` without moves to steps that are not there; None where there is no way from the start to the end.

    A step without an actor is drawn in a column of its own.
    """
    actors = {actor.key for actor in sop.actors}
    rules = {step: _drawable_rule(sop, rule, actors) for step, rule in sop.rules.items()}
    if Step.REQUEST not in rules or not any(Step.CLOSED in rule.leads_to.values() for rule in rules.values()):
        return None
    needs_column = any(rule.actor_key == _NO_ACTOR.key for rule in rules.values())
    return replace(sop, actors=(*sop.actors, _NO_ACTOR) if needs_column else sop.actors, rules=MappingProxyType(rules))


def _drawable_rule(sop: Sop, rule: StepRule, actors: set[str]) -> StepRule:
    known = {*sop.rules, Step.CLOSED}
    return replace(
        rule,
        actor_key=rule.actor_key if rule.actor_key in actors else _NO_ACTOR.key,
        leads_to=MappingProxyType({outcome: to for outcome, to in rule.leads_to.items() if to in known}),
        flow_labels=MappingProxyType({key: word for key, word in rule.flow_labels.items() if key in actors}),
        fields=tuple(_drawable_field(field, rule) for field in rule.fields),
    )


def _drawable_field(field: SopField, rule: StepRule) -> SopField:
    keys = {other.key for other in rule.fields}
    return replace(field, when=None) if field.when and field.when.key not in keys else field
