"""The consents that an SOP asks for besides the decision of a step's actor: a board, the requester, a second person.

Pure functions, without a database. Whoever consents holds a post of the SOP (``transitions.holds_post``) and took no
part that conflicts with the step; only the requester, whom the SOP asks as such, may have made the request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.transitions import conflicting_duty, holds_post, reason_kept_apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lpse_admin.sop import ConsentRule, Sop
    from lpse_admin.workflow.transitions import Position, Principal


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """The last word of a user on a step, for an actor of the SOP."""

    user_id: int
    actor_key: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class ConsentCount:
    """How many of an actor's people have agreed to a step, and how many must."""

    rule: ConsentRule
    agreed: int
    objected: int
    needed: int

    @property
    def is_complete(self) -> bool:
        """Whether enough have agreed."""
        return self.agreed >= self.needed


def post_to_consent_for(sop: Sop, position: Position, principal: Principal) -> ConsentRule | None:
    """Return for which of the actors that the SOP asks on this step ``principal`` would speak; None if for none."""
    rule = sop.rules.get(position.step)
    asked = rule.consents if rule is not None else ()
    return next((one for one in asked if holds_post(one.actor, one.actor_key, position, principal)), None)


def reason_cannot_consent(sop: Sop, position: Position, principal: Principal) -> Message | None:
    """Return why ``principal`` may not consent or object to the current step, or None if they may."""
    if position.step is Step.CLOSED:
        return _("This request is closed; no further action is possible.")
    post = post_to_consent_for(sop, position, principal)
    if post is None:
        return _("The SOP does not ask for your agreement to “%(step)s”.", step=sop.step_title(position.step))
    if post.actor is Role.REQUESTER:
        return None
    if duty := conflicting_duty(position, principal):
        return _(
            "You have already %(part)s, so somebody else must agree to “%(step)s”.",
            part=duty.title,
            step=sop.step_title(position.step),
        )
    return reason_kept_apart(sop, position, principal)


def count_consents(
    sop: Sop,
    position: Position,
    given: Iterable[GivenConsent],
    *,
    finisher: Principal | None,
    holders: Mapping[str, frozenset[int]],
) -> tuple[ConsentCount, ...]:
    """Return how the consents that the SOP asks for on the current step stand.

    ``given`` is the last word of each person; ``finisher``, who is about to finish the step, agrees by that for the
    posts that they hold; ``holders`` are all who hold a post of which everybody must agree, by the actor's key.
    """
    rule = sop.rules.get(position.step)
    words = tuple(given)
    counts = []
    for one in rule.consents if rule is not None else ():
        agreed = {word.user_id for word in words if word.actor_key == one.actor_key and word.agrees}
        objected = {word.user_id for word in words if word.actor_key == one.actor_key and not word.agrees}
        if finisher is not None and holds_post(one.actor, one.actor_key, position, finisher):
            theirs = {finisher.id, *(user for user in agreed | objected if finisher.is_among({user}))}
            agreed, objected = agreed - theirs | {finisher.id}, objected - theirs
        if one.number is None:
            everybody = holders.get(one.actor_key, frozenset())
            agreed &= everybody
            needed = max(len(everybody), 1)
        else:
            needed = one.number
        counts.append(ConsentCount(one, len(agreed), len(objected), needed))
    return tuple(counts)
