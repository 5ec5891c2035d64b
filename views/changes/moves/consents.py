"""What others than the actor say to a step: their part of the request's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wtforms import HiddenField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.i18n import Message, _
from lpse_admin.workflow.consents import reason_cannot_consent
from models.changes.moves.consent import consents_of
from models.database import db
from views.forms.base import Form, Required
from views.i18n.wording import tr
from views.listing.record_view import parse_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpse_admin.workflow.consents import ConsentCount
    from models.changes.moves.case_file import CaseFile
    from models.changes.moves.consent import Consent
    from models.changes.steps.activity import Activity

_YES, _NO = "yes", "no"


class ConsentForm(Form):
    """Whether somebody agrees to a step, and why."""

    activity = HiddenField()
    agrees = RadioField(_("Your position on this step"), [Required()])
    consent_reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})

    def set_up(self, record: Activity | None) -> None:
        """Offer yes and no on the step that is open: ``record`` is its row, None where the form was sent."""
        if record is not None:
            self.activity.data = str(record.id)
        self.agrees.choices = [SelectChoice(_YES, tr(_("I agree"))), SelectChoice(_NO, tr(_("I object")))]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``give_consent``."""
        return {
            "agrees": self.agrees.data == _YES,
            "reason": self.consent_reason.data or "",
            "activity_id": parse_id(self.activity.data),
        }


@dataclass(frozen=True, slots=True)
class StepConsents:
    """What was said to the steps of a request: ``counts`` of the current one, and all by the id of the step.

    ``titles`` are those of the posts by key; ``form`` is None for a user whom the SOP does not ask now.
    """

    counts: tuple[ConsentCount, ...]
    titles: Mapping[str, str]
    by_activity: Mapping[int, Sequence[Consent]]
    current: Sequence[Consent]
    form: ConsentForm | None

    @classmethod
    def of(cls, case: CaseFile, form: ConsentForm | None = None) -> StepConsents | None:
        """Return what was said; None where the SOP asks for no consent. ``form`` was sent and comes back."""
        if not case.sop.asks_for_consent or case.change.is_draft:
            return None
        by_activity: dict[int, list[Consent]] = {}
        for consent in consents_of(db.session(), case.change.id):
            by_activity.setdefault(consent.activity_id, []).append(consent)
        current = next((visit for visit in case.visits if visit.finished_at is None), None)
        if form is None and reason_cannot_consent(case.sop, case.position, case.person) is None:
            form = ConsentForm(formdata=None)
            form.set_up(current)
        return cls(
            counts=case.consent_counts(finisher=None),
            titles={actor.key: actor.title for actor in case.sop.actors},
            by_activity=by_activity,
            current=by_activity.get(current.id, ()) if current is not None else (),
            form=form,
        )

    def stand(self, count: ConsentCount) -> Message:
        """Return how many of an actor's people have agreed."""
        return _(
            "%(actor)s: %(agreed)s of %(needed)s agree",
            actor=self.titles.get(count.rule.actor_key, count.rule.actor_key),
            agreed=count.agreed,
            needed=count.needed,
        )
