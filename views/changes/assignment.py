"""In whose hands a step is, as the request's page shows it, and the two buttons that change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext
from sqlalchemy import select
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import Incomplete, NoSuchMove
from lpse_admin.i18n import Message, _
from models.accounts.user import User
from models.audit import trail
from models.changes.assignment import fault_of_reason, hand_over, take_up
from models.database import db
from views.app.clock import now
from views.forms.base import Form, Needed
from views.listing.bulk import BulkAction, BulkView
from views.listing.record_view import me

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from models.changes.activity import Activity
    from models.changes.change import ChangeRequest


class HandOverForm(Form):
    """To whom a step goes, and why."""

    to = SelectField(lazy_gettext("Hand over to"), id="hand-over-to")
    reason = TextAreaField(lazy_gettext("Reason of the hand-over"), id="hand-over-reason")


class ColleagueForm(Form):
    """To which colleague several steps go, and why."""

    to = SelectField(lazy_gettext("Hand over to"), [Needed()])
    reason = TextAreaField(lazy_gettext("Reason of the hand-over"), [Needed()])


class _OfSteps(BulkAction):
    """What change managers do with several open steps."""

    def may(self) -> bool:
        """Whether the one who asks takes steps of this kind."""
        return Role.CHANGE_MANAGER in me().roles

    @staticmethod
    def _change(view: BulkView, id_: int) -> ChangeRequest:
        """Return the request whose open step this row is; raises NoSuchMove where it is finished."""
        activity: Activity = view.get_one(str(id_))
        change = activity.change
        if not activity.is_open or change.step is not activity.step:
            raise NoSuchMove(_("This step is finished; there is nothing to take up or to hand over."))
        return change


class TakeUp(_OfSteps):
    """Take several steps up."""

    key = "take-up"
    title = _("Take up")
    explanation = _("Each step is in your hands then, and its handling is counted from now on.")

    def form(self, view: BulkView, ids: Sequence[int]) -> Form:  # noqa: ARG002
        """Return a form without fields: it asks whether this is meant."""
        return Form()

    def act(self, view: BulkView, id_: int, form: Form | None) -> Message:  # noqa: ARG002
        """Take one up."""
        change = self._change(view, id_)
        trail.give(db.session(), action="change.take-up", capacity=change.capacity_of(me(), now()), reason=None)
        take_up(change, me(), now=now(), version=change.version)
        return _("The step is in your hands. Its handling is counted from now on.")


class HandOver(_OfSteps):
    """Give several steps to one colleague, or take them over, with one reason."""

    key = "hand-over"
    title = _("Hand over")
    explanation = _(
        "A step that is in your hands goes to the colleague whom you choose. One that is in a colleague's hands you can"
        " only take over yourself."
    )

    def form(self, view: BulkView, ids: Sequence[int]) -> Form:  # noqa: ARG002
        """Return the form with the change managers of the office, the one who asks among them."""
        form = ColleagueForm()
        people = db.session.execute(
            select(User.id, User.full_name)
            .where(User.agency_id == me().agency_id, User.is_active, User.is_change_manager)
            .order_by(User.full_name)
        )
        form.to.choices = [SelectChoice("", "–"), *(SelectChoice(str(id_), name) for id_, name in people)]
        return form

    def check(self, view: BulkView, ids: Sequence[int], form: Form) -> None:  # noqa: ARG002
        """Refuse a hand-over to nobody, or without a reason."""
        faults = {}
        if form["to"].data not in {choice.value for choice in form["to"].choices if choice.value}:
            faults["to"] = _("Choose to whom the steps go.")
        if fault := fault_of_reason(form["reason"].data or ""):
            faults["reason"] = fault
        if faults:
            raise Incomplete(_("The step cannot be handed over like this."), fields=faults)

    def act(self, view: BulkView, id_: int, form: Form | None) -> Message:
        """Hand one over."""
        change = self._change(view, id_)
        to = db.session.get_one(User, int(form["to"].data if form else 0))
        reason = (form["reason"].data or "").strip() if form else ""
        capacity = change.capacity_of(me(), now())
        trail.give(db.session(), action="change.hand-over", capacity=capacity, reason=reason)
        hand_over(change, to, me(), now=now(), reason=reason, version=change.version)
        return _("The step is in the hands of %(name)s now.", name=to.full_name)


@dataclass(frozen=True, slots=True)
class Hands:
    """What the reader may do about the hands that the open step is in; ``form`` to give it away or take it over."""

    holder: User | None
    is_mine: bool
    may_take_up: bool
    form: HandOverForm | None

    @classmethod
    def of(cls, change: ChangeRequest, user: User, now: dt.datetime, form: HandOverForm | None) -> Hands | None:
        """Return in whose hands the open step of ``change`` is; None for a step that is the requester's own."""
        current = change.current
        if current is None or current.actor_role is Role.REQUESTER:
            return None
        is_mine = current.held_by_id == user.id
        can_be_theirs = change.bar_from_taking(user, now) is None
        if current.held_by_id is not None and (is_mine or can_be_theirs):
            form = form or hand_over_form(change, user, now)
        return cls(
            holder=current.held_by,
            is_mine=is_mine,
            may_take_up=current.held_by_id is None and can_be_theirs,
            form=form,
        )


def hand_over_form(change: ChangeRequest, user: User, now: dt.datetime) -> HandOverForm:
    """Return the form in which ``user`` gives the open step away or, where another holds it, takes it over."""
    form = HandOverForm()
    current = change.current
    if current is not None and current.held_by_id == user.id:
        form.to.choices = [SelectChoice(str(one.id), one.full_name) for one in _colleagues(change, user, now)]
    else:
        form.to.choices = [SelectChoice(str(user.id), user.full_name)]
    return form


def _colleagues(change: ChangeRequest, user: User, now: dt.datetime) -> list[User]:
    """Return those of the office who could take the open step."""
    office = db.session.scalars(
        select(User)
        .where(User.agency_id == change.agency_id, User.is_active, User.id != user.id)
        .order_by(User.full_name)
    )
    return [one for one in office if change.bar_from_taking(one, now) is None]
