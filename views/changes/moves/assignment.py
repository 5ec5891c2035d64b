"""The assignment of a step: the part of the request's page, and the actions to assign and to reassign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext
from sqlalchemy import select
from typing_extensions import override
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import Message, _
from models.accounts.user import User
from models.audit import trail
from models.changes.moves.assignment import may_reassign_for_others, reason_error, reassign, take_up
from models.database import db
from views.app.access import can, get_current_user, visible_agencies
from views.app.clock import now
from views.forms.base import Form, Required
from views.listing.bulk import BulkAction, BulkView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.changes.change import ChangeRequest
    from models.changes.loading import StepShown
    from models.changes.moves.case_file import CaseFile
    from models.changes.steps.activity import Activity


class ReassignForm(Form):
    """The new assignee of a step, and the reason."""

    to = SelectField(lazy_gettext("Reassign to"), id="hand-over-to")
    reason = TextAreaField(lazy_gettext("Reason for the reassignment"), id="hand-over-reason")


class BulkReassignForm(Form):
    """The new assignee of several steps, and the reason."""

    to = SelectField(lazy_gettext("Reassign to"), [Required()])
    reason = TextAreaField(lazy_gettext("Reason for the reassignment"), [Required()])


class _StepBulkAction(BulkAction):
    """An action of change managers on several open steps."""

    @override
    def is_allowed(self) -> bool:
        """Whether the current user is a change manager."""
        return Role.CHANGE_MANAGER in get_current_user().roles

    @staticmethod
    def _change_at_open_step(view: BulkView, id_: int) -> ChangeRequest:
        """Return the request of an open step. Raises NoSuchMove if the step is finished."""
        activity: Activity = view.get_one(str(id_))
        change = activity.change
        if not activity.is_open or change.step is not activity.step:
            raise NoSuchMove(_("This step is finished; it can no longer be reassigned."))
        return change


class TakeUp(_StepBulkAction):
    """Assign several steps to the current user."""

    key = "take-up"
    title = _("Assign to me")
    explanation = _("Each step is assigned to you, and its handling time starts now.")

    @override
    def form(self, view: BulkView, ids: Sequence[int]) -> Form:
        """Return a form without fields, for a confirmation."""
        return Form()

    @override
    def apply(self, view: BulkView, id_: int, form: Form | None) -> Message:
        """Assign one step."""
        change = self._change_at_open_step(view, id_)
        trail.update_audit_context(
            db.session(), action="change.take-up", capacity=change.capacity_of(get_current_user(), now()), reason=None
        )
        take_up(change, get_current_user(), now=now(), version=change.version)
        return _("The step is assigned to you. Its handling time starts now.")


class Reassign(_StepBulkAction):
    """Reassign several steps to one user, with one reason."""

    key = "hand-over"
    title = _("Reassign")
    explanation = _(
        "A step assigned to you is reassigned to the colleague you choose. A step assigned to a colleague can only "
        "be taken over by yourself; an administrator gives it to any colleague."
    )

    @override
    def is_allowed(self) -> bool:
        """Whether the current user is a change manager, or an administrator."""
        return super().is_allowed() or can(Verb.EDIT, Resource.USER)

    @override
    def form(self, view: BulkView, ids: Sequence[int]) -> Form:
        """Return the form with the change managers of the office as choices, including the current user."""
        form = BulkReassignForm()
        agency_ids = [agency.id for agency in visible_agencies(db.session())]
        people = db.session.execute(
            select(User.id, User.full_name)
            .where(User.agency_id.in_(agency_ids), User.is_active, User.is_change_manager)
            .order_by(User.full_name)
        )
        form.to.choices = [SelectChoice("", "–"), *(SelectChoice(str(id_), name) for id_, name in people)]
        return form

    @override
    def validate(self, view: BulkView, ids: Sequence[int], form: Form) -> None:
        """Require an assignee and a reason."""
        errors = {}
        if form["to"].data not in {choice.value for choice in form["to"].choices if choice.value}:
            errors["to"] = _("Choose the new assignee of the steps.")
        if error := reason_error(form["reason"].data or ""):
            errors["reason"] = error
        if errors:
            raise ValidationFailed(_("The step cannot be reassigned with these values."), field_errors=errors)

    def apply(self, view: BulkView, id_: int, form: Form | None) -> Message:
        """Reassign one step."""
        change = self._change_at_open_step(view, id_)
        to = db.session.get_one(User, int(form["to"].data if form else 0))
        reason = (form["reason"].data or "").strip() if form else ""
        trail.update_audit_context(db.session(), action="change.hand-over", reason=reason)
        reassigned = reassign(change, to, get_current_user(), now=now(), reason=reason, version=change.version)
        trail.update_audit_context(db.session(), capacity=reassigned.by_capacity)
        return _("The step is now assigned to %(name)s.", name=to.full_name)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The assignee of the open step, and what the current user may do; ``form`` reassigns it."""

    assignee: str | None
    is_mine: bool
    #: Whether the current user gives the step from one colleague to another.
    for_others: bool
    may_take_up: bool
    form: ReassignForm | None

    @classmethod
    def of(cls, case: CaseFile, current: StepShown, form: ReassignForm | None) -> Assignment | None:
        """Return the assignment of the open step; None for a step of the requester."""
        if current.actor_role is Role.REQUESTER:
            return None
        is_mine = current.held_by_id == case.actor.id
        is_eligible = case.reason_cannot_take(case.actor) is None
        for_others = not is_mine and may_reassign_for_others(case.actor, case.change.agency_id)
        if current.held_by_id is not None and (is_mine or is_eligible or for_others):
            form = form or make_reassign_form(case)
        return cls(
            assignee=current.holder,
            is_mine=is_mine,
            for_others=for_others,
            may_take_up=current.held_by_id is None and is_eligible,
            form=form,
        )


def make_reassign_form(case: CaseFile) -> ReassignForm:
    """Return the form to reassign the open step: to a colleague, or to the actor who takes a colleague's step over."""
    form = ReassignForm()
    actor = case.actor
    if case.position.assignee_id == actor.id or may_reassign_for_others(actor, case.change.agency_id):
        form.to.choices = [SelectChoice(str(one.id), one.full_name) for one in _eligible_assignees(case)]
    else:
        form.to.choices = [SelectChoice(str(actor.id), actor.full_name)]
    return form


def _eligible_assignees(case: CaseFile) -> list[User]:
    """Return the users of the office who are eligible for the open step, without its assignee."""
    office = db.session.scalars(
        select(User)
        .where(User.agency_id == case.change.agency_id, User.is_active, User.id != case.position.assignee_id)
        .order_by(User.full_name)
    )
    return [one for one in office if case.reason_cannot_take(one) is None]
