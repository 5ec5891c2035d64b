"""In whose hands a step is, as the request's page shows it, and the two buttons that change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext
from sqlalchemy import select
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.roles import Role
from models.database import db
from models.user import User
from views.forms import Form

if TYPE_CHECKING:
    import datetime as dt

    from models.change import ChangeRequest


class HandOverForm(Form):
    """To whom a step goes, and why."""

    to = SelectField(lazy_gettext("Hand over to"), id="hand-over-to")
    reason = TextAreaField(lazy_gettext("Reason of the hand-over"), id="hand-over-reason")


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
