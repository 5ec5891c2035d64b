"""Requests: their list, the page that shows one whole, the requester's form, and the one door for moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, redirect, request
from flask_admin import expose
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import and_
from sqlalchemy.orm import aliased

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import Incomplete, Malformed, NoSuchMove, NotFound, Refused, TooLarge
from lpse_admin.i18n import _
from lpse_admin.sop.steps import OF_THE_REQUESTER, Outcome, Result, Step, Urgency
from lpse_admin.workflow.record_fields import ChangeKind, ChangeSource
from models.accounts.user import User
from models.audit import trail
from models.changes.activity import Activity
from models.changes.assignment import hand_over, take_up
from models.changes.change import ChangeRequest
from models.changes.drafts import blank, discard, draft
from models.changes.loading import whole
from models.database import db
from models.office.agency import Agency
from views.app.clock import now
from views.app.errors import wants_json
from views.changes.assignment import hand_over_form
from views.changes.moves import attach_files, keep, named_as_sent, sent_form, sent_version
from views.changes.page import ChangePage
from views.changes.step_form import StepForm, step_form
from views.exports.columns import CellKind
from views.forms.recovery import come_back
from views.i18n.language import tr
from views.listing.agency_filter import AgencyFilter
from views.listing.filters import CaseFilter, ChoiceFilter, PeriodFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import RecordView, row_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement

    from lpse_admin.i18n import Message
    from views.changes.assignment import HandOverForm

_open = aliased(Activity, flat=True, name="open_activity")
_requester = aliased(User, name="requester")

#: Open, and neither the requester's to begin nor theirs to mend.
_WITH_OFFICE = ChangeRequest.closed_at.is_(None) & ChangeRequest.step.not_in(OF_THE_REQUESTER)

#: The value of the filter for what has no urgency yet.
UNJUDGED = "unjudged"


@dataclass(frozen=True, slots=True)
class UrgencyFilter(ChoiceFilter):
    """One of the urgencies, or those that nobody has judged yet: ``?urgency=unjudged``."""

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the values that can be chosen, each with its title."""
        return [*ChoiceFilter.options(self), (UNJUDGED, _("Not judged yet"))]

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return equality with the chosen member, or with none."""
        if given.get(self.key) == UNJUDGED:
            result: ColumnElement[bool] = self.of.is_(None)
            return result
        return ChoiceFilter.criterion(self, given, zone)


class ChangeView(RecordView):
    """Every request that the reader may see, and what may be done with each."""

    resource = Resource.CHANGE
    title = _("Change requests (RFC)")
    empty = _("No request yet. A requester begins one with “New request”.")
    details_template = "changes/page.html"
    create_label = _("New request")
    can_create = True
    can_edit = True
    can_delete = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=ChangeRequest,
        joins=(
            (_open, and_(_open.change_id == ChangeRequest.id, _open.finished_at.is_(None))),
            (_requester, _requester.id == ChangeRequest.requester_id),
            (Agency, Agency.id == ChangeRequest.agency_id),
        ),
        columns=(
            Column("id", _("Id"), ChangeRequest.id, CellKind.NUMBER, sortable=True, listed=False, exported=False),
            Column("number", _("Number"), ChangeRequest.number, leads=True),
            Column("agency", _("Agency"), Agency.name, across_only=True),
            Column("title", _("Title"), ChangeRequest.title, wide=True),
            Column("kind", _("Kind"), ChangeRequest.kind, CellKind.CHOICE, ChangeKind, listed=False),
            Column("urgency", _("Urgency"), ChangeRequest.urgency, CellKind.CHOICE, Urgency),
            Column("step", _("Present step"), ChangeRequest.step, CellKind.CHOICE, Step),
            Column("waiting_since", _("Waiting since"), _open.arrived_at, CellKind.MOMENT),
            Column("result", _("Result"), ChangeRequest.result, CellKind.CHOICE, Result),
            Column("requester", _("Requester"), _requester.full_name),
            Column("submitted", _("Submitted"), ChangeRequest.submitted_at, CellKind.MOMENT, sortable=True),
            Column("closed", _("Closed"), ChangeRequest.closed_at, CellKind.MOMENT, listed=False),
            Column("source", _("Source"), ChangeRequest.source, CellKind.CHOICE, ChangeSource, listed=False),
            Column("institution", _("Institution"), ChangeRequest.requester_institution, listed=False),
            Column("wanted_by", _("Wanted by"), ChangeRequest.wanted_by, CellKind.DATE, listed=False),
            Column("revision", _("Revision"), ChangeRequest.revision, CellKind.NUMBER, listed=False),
        ),
        filters=(
            CaseFilter(
                "state",
                _("State"),
                cases=(
                    ("open", _("Open"), ChangeRequest.closed_at.is_(None)),
                    ("closed", _("Closed"), ChangeRequest.closed_at.is_not(None)),
                    ("draft", _("Draft"), ChangeRequest.submitted_at.is_(None)),
                    ("with-office", _("With the office"), _WITH_OFFICE),
                ),
            ),
            ChoiceFilter("step", _("Present step"), of=ChangeRequest.step, choices=Step),
            UrgencyFilter("urgency", _("Urgency"), of=ChangeRequest.urgency, choices=Urgency),
            ChoiceFilter("result", _("Result"), of=ChangeRequest.result, choices=Result),
            ChoiceFilter("kind", _("Kind"), of=ChangeRequest.kind, choices=ChangeKind),
            PeriodFilter("submitted", _("Submitted"), of=ChangeRequest.submitted_at),
            AgencyFilter("agency", _("Agency"), of=ChangeRequest.agency_id),
        ),
        search=(ChangeRequest.number, ChangeRequest.title),
        order="-id",
    )

    # -- one request, whole ---------------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> str:
        """Show a request whole, with the moves that the reader may make now."""
        return self._page(self.change(row_id(request.args.get("id"))))

    def change(self, change_id: int) -> ChangeRequest:
        """Return the visible request of this id with all that its page shows; raises NotFound."""
        change = whole(db.session(), change_id, self.visible())
        if change is None:
            raise NotFound(_("There is no such record, or it is not yours to see."))
        return change

    def _page(
        self,
        change: ChangeRequest,
        form: StepForm | None = None,
        refusal: Refused | None = None,
        hand_over: HandOverForm | None = None,
    ) -> str:
        page = ChangePage.of(change, current_user, now(), form=form, refusal=refusal, hand_over=hand_over)
        # The requester's own form has no page beside it that would say the same again.
        template = (
            "changes/form.html" if form is not None and change.step in OF_THE_REQUESTER else self.details_template
        )
        return str(self.render(template, view=self, page=page, change=change, history=self.history(change.id)))

    # -- the requester's own -----------------------------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:  # noqa: ANN401 - a page or a redirect
        """Begin a request: kept as a draft, or submitted at once."""
        self.demand(Verb.CREATE)
        session = db.session()
        if request.method == "GET":
            change = blank(session, current_user, now=now())
            for key, value in _known_of(current_user).items():
                setattr(change, key, value)
            page = ChangePage.of(change, current_user, now())
            return self.render("changes/form.html", view=self, page=page, change=change)
        if request.form.get("outcome"):
            _sent_outcome()  # a form that cannot be read leaves no draft behind
        change = draft(session, current_user, now=now(), values=_known_of(current_user))
        trail.give(session, action="change.draft")
        session.commit()
        return self._requested(change.id)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:  # noqa: ANN401
        """Go on with a draft, or with a request that came back."""
        self.demand(Verb.EDIT)
        change = self.change(row_id(request.args.get("id")))
        if request.method == "POST":
            return self._requested(change.id)
        if change.step not in OF_THE_REQUESTER or change.bar(current_user, now()):
            return redirect(self.row_url(change.id))
        page = ChangePage.of(change, current_user, now())
        return self.render("changes/form.html", view=self, page=page, change=change)

    def _requested(self, change_id: int) -> Any:  # noqa: ANN401
        """Keep what the requester typed, and submit it where they pressed that button."""
        if request.form.get("outcome"):
            return self._moved(change_id)
        try:
            keep(lambda: self.change(change_id))
        except (Incomplete, TooLarge, NoSuchMove) as refusal:
            return self._refused(change_id, refusal)
        flash(gettext("Kept as it is. Nobody else sees it until you submit it."), "success")
        return redirect(self.get_url(".edit_view", id=change_id), 303)

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Any:  # noqa: ANN401
        """Throw a draft away; what was submitted is never deleted."""
        self.demand(Verb.DELETE)
        session = db.session()
        discard(self.change(row_id(request.form.get("id"))), current_user)
        trail.give(session, action="change.discard")
        session.commit()
        flash(gettext("The draft is gone."), "success")
        return redirect(self.get_url(".index_view"), 303)

    # -- the one door ------------------------------------------------------------------------------------------

    @expose("/<change_id>/move", methods=("POST",))
    def move(self, change_id: str) -> Any:  # noqa: ANN401 - a page or a redirect
        """Make one move of the procedure, or say with the right status why it cannot be made."""
        return self._moved(row_id(change_id))

    @expose("/<change_id>/save", methods=("POST",))
    def save(self, change_id: str) -> Any:  # noqa: ANN401 - a page or a redirect
        """Keep what the step's actor has typed so far; the step stays open."""
        id_ = row_id(change_id)
        try:
            keep(lambda: self.change(id_))
        except (Incomplete, TooLarge, NoSuchMove) as refusal:
            return self._refused(id_, refusal)
        flash(gettext("Kept. The step stays open until you finish it."), "success")
        return redirect(self.row_url(id_) + "#step", 303)

    # -- in whose hands ----------------------------------------------------------------------------------------

    @expose("/<change_id>/take-up", methods=("POST",))
    def take_up(self, change_id: str) -> Any:  # noqa: ANN401 - a redirect
        """Take the open step up: from now on it is in this person's hands."""
        change = self.change(row_id(change_id))
        take_up(change, current_user, now=now(), version=sent_version())
        trail.give(db.session(), action="change.take-up", capacity=change.capacity_of(current_user, now()))
        db.session.commit()
        flash(gettext("The step is in your hands. Its handling is counted from now on."), "success")
        return redirect(self.row_url(change.id) + "#step", 303)

    @expose("/<change_id>/hand-over", methods=("POST",))
    def hand_over(self, change_id: str) -> Any:  # noqa: ANN401 - a page or a redirect
        """Give the open step to a colleague, or take it over from one, with the reason."""
        id_ = row_id(change_id)
        change = self.change(id_)
        form = hand_over_form(change, current_user, now())
        try:
            to = self._colleague(change, form.to.data)
            reason = form.reason.data or ""
            come_back()
            hand_over(change, to, current_user, now=now(), reason=reason, version=sent_version())
            capacity = change.capacity_of(current_user, now())
            trail.give(db.session(), action="change.hand-over", capacity=capacity, reason=reason.strip())
            db.session.commit()
        except (Incomplete, NoSuchMove) as refusal:
            if wants_json():
                raise
            db.session.rollback()
            form.refuse(refusal)
            return self._page(self.change(id_), refusal=refusal, hand_over=form), refusal.status
        flash(tr(_("The step is in the hands of %(name)s now.", name=to.full_name)), "success")
        return redirect(self.row_url(id_) + "#step", 303)

    @staticmethod
    def _colleague(change: ChangeRequest, text: str | None) -> User:
        """Return the user whose id the form sent, of the same office; raises Incomplete for anybody else."""
        try:
            to = db.session.get(User, row_id(text))
        except NotFound:
            to = None
        if to is None or to.agency_id != change.agency_id:
            message = _("Choose one of the list.")
            raise Incomplete(message, fields={"to": message})
        return to

    def _moved(self, change_id: int) -> Any:  # noqa: ANN401
        outcome = _sent_outcome()
        session = db.session()
        change = self.change(change_id)
        try:
            form = sent_form(change)
            values = form.values(request.form)
            come_back()
            attach_files(change, form)
            finished = change.advance(
                outcome, current_user, now=now(), values=values, equipment=form.equipment(), version=sent_version()
            )
            trail.give(session, action=f"change.{outcome}", capacity=finished.capacity, reason=finished.reason)
            session.commit()
        except (Incomplete, TooLarge) as refusal:
            session.rollback()
            return self._refused(change_id, refusal, keep=True)
        except NoSuchMove as refusal:
            session.rollback()
            return self._refused(change_id, refusal)
        flash(self._told(change, outcome), "success")
        return redirect(self.row_url(change_id), 303)

    def _refused(self, change_id: int, refusal: Refused, *, keep: bool = False) -> Any:  # noqa: ANN401
        """Answer a refusal with its status, the request's page and everything that was typed."""
        if wants_json():  # a script has what it sent, and the version that it was sent for must stay good
            raise named_as_sent(refusal)
        db.session.rollback()
        if keep:
            self._keep_what_can_be(change_id)
        change = self.change(change_id)
        form = None
        if change.current is not None and not change.bar(current_user, now()):
            form = step_form(change, change.current, request.form)
            form.tell(refusal.fields)
        return self._page(change, form, refusal), refusal.status

    def _keep_what_can_be(self, change_id: int) -> None:
        """Keep what came with a refused move, so that neither text nor files have to be given twice."""
        try:
            keep(lambda: self.change(change_id))
        except Refused:
            db.session.rollback()

    @staticmethod
    def _told(change: ChangeRequest, outcome: Outcome) -> str:
        number = change.number or ""
        if change.step is Step.CLOSED and change.result is not None:
            return tr(_("%(number)s: %(result)s.", number=number, result=change.result.title))
        return tr(
            _(
                "%(number)s: %(outcome)s. Now waiting: %(step)s (%(actor)s).",
                number=number,
                outcome=outcome.title,
                step=change.step.title,
                actor=change.paper.actor_title(change.step),
            )
        )


def _sent_outcome() -> Outcome:
    """Return the outcome that the form names; raises Malformed where it names none."""
    try:
        return Outcome(request.form.get("outcome", ""))
    except ValueError:
        raise Malformed(_("The form does not say which outcome the step has.")) from None


def _known_of(user: User) -> dict[str, str]:
    """Return what a new request says of its requester before anything is typed."""
    known = {
        "requester_name": user.full_name,
        "requester_contact": user.email or user.phone,
        "requester_institution": user.institution,
    }
    return {key: value for key, value in known.items() if value}
