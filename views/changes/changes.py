"""Requests: the list, the page of a request, the requester's form, moves and assignment."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from flask import flash, redirect, request
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import and_, select
from sqlalchemy.orm import aliased
from typing_extensions import override
from wtforms import TextAreaField

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import FileTooLarge, Malformed, NoSuchMove, NotAllowed, NotFound, Refused, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.sop.steps import HEAD_STEPS, REQUESTER_STEPS, Outcome, Result, Step, Urgency
from lpse_admin.workflow.consents import reason_cannot_consent
from lpse_admin.workflow.record_fields import REQUEST_FIELDS, ChangeKind, ChangeSource, FieldKind
from models.accounts.user import User
from models.audit import trail
from models.changes.assets.affected import AFFECTED_TEXT, copy_items
from models.changes.change import ChangeRequest
from models.changes.clock_correction import begins_after, correct_clock, may_correct_clock
from models.changes.comment import add_comment, require_may_comment
from models.changes.loading import load_change
from models.changes.moves.assignment import reassign_step, require_may_reassign, take_up_step
from models.changes.moves.consent import give_consent
from models.changes.moves.drafts import (
    content_to_copy,
    copy_own_fields,
    create_draft,
    discard_draft,
    new_draft,
    write_content,
)
from models.changes.steps.activity import Activity
from models.changes.steps.due_times import StepDue
from models.changes.steps.field_value import value_of_request
from models.database import db
from models.office.agency import Agency
from models.retention.archive_reference import ArchiveReference
from models.search.index import SearchKind
from views.app.access import get_current_user
from views.app.clock import now
from views.app.errors import wants_json
from views.changes.change_filters import AssetFilter, HandlerFilter, OpenStepTimeliness, UrgencyFilter
from views.changes.comments import CommentForm
from views.changes.moves.assignment import make_reassign_form
from views.changes.moves.consents import ConsentForm
from views.changes.moves.submission import (
    SentStep,
    keep_step_files,
    locked_case,
    save_step_input,
    with_form_field_names,
)
from views.changes.own_fields.columns import with_own_fields
from views.changes.page import ChangePage, SentForms
from views.changes.steps.lists import KIND_COLUMN
from views.changes.steps.times import Timeliness, timing_columns
from views.changes.waiting_filter import WaitingFilter
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.forms.commit import commit_or_show_errors
from views.forms.once import creates, earlier_location, forget_submissions_of, keep_submission
from views.forms.recovery import recoverable, require_resubmit
from views.i18n.language import tr
from views.listing.actions import action
from views.listing.filters.agency import AgencyFilter
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, DateRangeFilter, WordsFilter
from views.listing.filters.order import SortTable
from views.listing.filters.search import SearchedKind, search_index
from views.listing.filters.several import MemberFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView, parse_id
from views.sops.named_steps import SOP_OUTCOMES, SOP_STEPS, NamedChoiceFilter

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from models.changes.moves.case_file import CaseFile
    from views.listing.lists import ListSpec

_linked = aliased(ChangeRequest, flat=True, name="linked_request")
#: The texts of a request that are columns of the list under names of their own.
_LISTED_FIELDS = frozenset({"title", "requester_institution"})
_open_activity = aliased(Activity, flat=True, name="open_activity")

_TIMING = timing_columns(_open_activity, SortTable(StepDue.__table__, "change_id", "due_at"))

#: What a request says, for exports and the choice of columns; the rest are columns of the list.
REQUEST_TEXT_COLUMNS = tuple(
    Column(field.key, field.label, getattr(ChangeRequest, field.key), in_list=False, wide=True)
    for field in REQUEST_FIELDS
    if field.kind in {FieldKind.MULTI_LINE, FieldKind.SINGLE_LINE} and field.key not in _LISTED_FIELDS
)

#: Where a request is filed in the archive application.
_FILED = (
    ("archive-number", _("Number in the archive application"), ArchiveReference.reference_number),
    ("archive-code", _("Classification code"), ArchiveReference.classification_code),
)

#: Open, and not at a step of the requester.
_WITH_OFFICE = ChangeRequest.closed_at.is_(None) & ChangeRequest.step.not_in(REQUESTER_STEPS)


class ClockForm(Form):
    """Why the times of a step lie in the future."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


class ChangeView(RecordView):
    """The requests that the current user may see."""

    resource = Resource.CHANGE
    password_views = frozenset({"move"})
    title = _("Change requests (RFC)")
    empty_message = _("No request yet. A requester creates one with “New request”.")
    details_template = "changes/page.html"
    create_label = _("New request")
    can_create = True
    can_edit = True
    can_delete = True

    model = ChangeRequest
    column_joins = (
        (_open_activity, and_(_open_activity.change_id == ChangeRequest.id, _open_activity.finished_at.is_(None))),
        (Agency, Agency.id == ChangeRequest.agency_id),
        (StepDue, StepDue.change_id == ChangeRequest.id),
        (_linked, _linked.id == ChangeRequest.linked_change_id),
        (ArchiveReference, ArchiveReference.change_id == ChangeRequest.id),
    )
    column_list = (
        Column("number", _("Number"), ChangeRequest.number, is_link=True, empty=_("Draft")),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("title", _("Title"), ChangeRequest.title, wide=True),
        KIND_COLUMN,
        Column("urgency", _("Urgency"), ChangeRequest.urgency, CellKind.CHOICE, Urgency),
        Column("step", _("Current step"), ChangeRequest.step, CellKind.CHOICE, SOP_STEPS),
        Column(
            "waiting_since",
            _("Waiting since"),
            _open_activity.arrived_at,
            CellKind.DATETIME,
            in_list=False,
        ),
        Column("handler", _("With"), _open_activity.held_by_name, in_list=False, in_list_while_open=True),
        *(column for column in _TIMING if column.key in {"lateness", "due"}),
        Column("result", _("Result"), ChangeRequest.result, CellKind.CHOICE, Result, in_list_while_open=False),
        Column("requester", _("Requester"), ChangeRequest.asked_by_name, sortable=True),
        Column("requester_title", _("Title of the requester"), ChangeRequest.asked_by_title, in_list=False),
        Column("submitted", _("Submitted"), ChangeRequest.submitted_at, CellKind.DATETIME, sortable=True),
        Column("closed", _("Closed"), ChangeRequest.closed_at, CellKind.DATETIME, in_list=False),
        Column("source", _("Source"), ChangeRequest.source, CellKind.CHOICE, ChangeSource, in_list=False),
        Column("institution", _("Institution"), ChangeRequest.requester_institution, sortable=True, in_list=False),
        Column("wanted_by", _("Requested date"), ChangeRequest.wanted_by, CellKind.DATE, in_list=False),
        Column("revision", _("Revision"), ChangeRequest.revision, CellKind.NUMBER, in_list=False),
        *REQUEST_TEXT_COLUMNS,
        Column("affected", _("Assets and services affected"), AFFECTED_TEXT, in_list=False, wide=True),
        Column("linked", _("Earlier request"), _linked.number, in_list=False),
        *(Column(key, label, of, in_list=False) for key, label, of in _FILED),
    )
    column_filters = (
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
        WaitingFilter("waiting", _("Waiting for"), of_requests=True),
        NamedChoiceFilter("step", _("Current step"), column=ChangeRequest.step, choices=SOP_STEPS),
        UrgencyFilter("urgency", _("Urgency"), column=ChangeRequest.urgency, choices=Urgency),
        ChoiceFilter("result", _("Result"), column=ChangeRequest.result, choices=Result),
        MemberFilter("kind", _("Type of change"), column=ChangeRequest.kind, choices=ChangeKind),
        WordsFilter("requester", _("Requester"), columns=(ChangeRequest.asked_by_name, ChangeRequest.requester_name)),
        WordsFilter("institution", _("Institution"), columns=(ChangeRequest.requester_institution,)),
        AssetFilter("asset", _("Asset (code, name, plate …)"), column=ChangeRequest.id),
        HandlerFilter("handler", _("With"), activity=_open_activity),
        WordsFilter("handler-name", _("Name of who has it"), columns=(_open_activity.held_by_name,)),
        OpenStepTimeliness("judged", _("Timeliness of the current step"), column=ChangeRequest.id, choices=Timeliness),
        DateRangeFilter("submitted", _("Submitted"), column=ChangeRequest.submitted_at),
        DateRangeFilter("closed", _("Closed"), column=ChangeRequest.closed_at),
        *(WordsFilter(key, label, columns=(of,)) for key, label, of in _FILED),
        AgencyFilter("agency", _("Agency"), column=ChangeRequest.agency_id),
    )
    column_searchable_list = (ChangeRequest.number, ChangeRequest.title)
    search_hint = _("Number, title, requester, all that the request says, and where it is filed.")
    list_index = search_index(SearchedKind(SearchKind.CHANGE, ChangeRequest.id))
    column_sortable_list = ("id",)
    column_default_sort = "-id"

    @override
    def reader_spec(self) -> ListSpec:
        """Return the list with what the SOPs of the reader's office ask for in requests."""
        return with_own_fields(self.spec, Step.REQUEST, value_of_request, ChangeRequest.__table__.c.id)

    # -- the page of a request ------------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> str:
        """Show a request with the moves that the current user may make."""
        return self._render_page(parse_id(request.args.get("id")))

    def _render_page(
        self,
        change_id: int,
        *,
        refusal: Refused | None = None,
        is_typed: bool = False,
        sent: SentForms | None = None,
    ) -> str:
        """Return the page of a request; ``is_typed`` shows the submitted values with the errors of ``refusal``."""
        page = ChangePage.read(
            change_id,
            self.visible_criterion(),
            refusal=refusal,
            is_typed=is_typed,
            sent=sent,
        )
        # At the requester's steps the form alone is shown: the page would repeat its values.
        alone = is_typed and page.form is not None and page.change.step in REQUESTER_STEPS
        template = "changes/form.html" if alone else self.details_template
        context = {
            "history": self.history(change_id),
            "may_correct_clock": begins_after(page.current, now())
            and may_correct_clock(page.change, get_current_user(), now()),
        }
        return str(self.render(template, view=self, page=page, change=page.change, **context))

    # -- drafts and returned requests ---------------------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    @recoverable
    def create_view(self) -> ResponseReturnValue:
        """Create a request: saved as a draft, or submitted at once."""
        self.require_permission(Verb.CREATE)
        session = db.session()
        if request.method == "GET":
            change = new_draft(session, get_current_user(), now=now())
            if request.args.get("copy"):
                copied = self._load_visible(parse_id(request.args.get("copy")))
                write_content(change, content_to_copy(copied, now()))
                copy_own_fields(copied, change)
                copy_items(copied, change)
            for key, value in _requester_defaults(get_current_user()).items():
                setattr(change, key, value)
            return self.render("changes/form.html", view=self, page=ChangePage.of_new(change), change=change)
        if request.form.get("outcome"):
            _outcome_from_request()  # raises before a draft is created
        if (created := _change_made_before()) is not None:  # from the same page, with other content: that one it is
            return self._save_or_submit(created)
        change = create_draft(session, get_current_user(), now=now(), values=_requester_defaults(get_current_user()))
        return self._save_or_submit(change.id, save_action="change.draft")

    @expose("/edit/", methods=("GET", "POST"))
    @recoverable
    def edit_view(self) -> ResponseReturnValue:
        """Edit a draft or a returned request."""
        self.require_permission(Verb.EDIT)
        change_id = parse_id(request.args.get("id"))
        if request.method == "POST":
            return self._save_or_submit(change_id)
        page = ChangePage.read(change_id, self.visible_criterion())
        if page.change.step not in REQUESTER_STEPS or page.form is None:
            return redirect(self.row_url(change_id))
        return self.render("changes/form.html", view=self, page=page, change=page.change)

    def _save_or_submit(self, change_id: int, *, save_action: str = "change.save") -> ResponseReturnValue:
        """Save the submitted values, or make the move if the form names an outcome."""
        if request.form.get("outcome"):
            return self._make_move(change_id, save_action=save_action)
        page = self.get_url(".edit_view", id=change_id)
        try:
            save_step_input(change_id, self.visible_criterion(), action=save_action, location=page)
        except (ValidationFailed, FileTooLarge, NoSuchMove) as refusal:
            return self._answer_refusal(change_id, refusal)
        flash(gettext("Saved as a draft. Nobody else sees it until you submit it."), "success")
        return redirect(page, 303)

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Discard a draft; submitted requests are never deleted."""
        self.require_permission(Verb.DELETE)
        session = db.session()
        change_id = parse_id(request.form.get("id"))
        discard_draft(self._load_visible(change_id), get_current_user())
        trail.update_audit_context(session, action="change.discard")
        forget_submissions_of(self.get_url(".edit_view", id=change_id))
        keep_submission(self.get_url(".index_view"))
        session.commit()
        flash(gettext("The draft was discarded."), "success")
        return redirect(self.get_url(".index_view"), 303)

    @override
    def needs_password(self) -> bool:
        """Ask for it at the head's decisions: approval and verification."""
        change_id = parse_id(str((request.view_args or {})["change_id"]))
        return _kind_of_step(change_id) in HEAD_STEPS

    # -- moves -------------------------------------------------------------------------------------------------

    @expose("/<change_id>/move", methods=("POST",))
    @recoverable
    def move(self, change_id: str) -> ResponseReturnValue:
        """Make a move; a refused one is answered with its status and errors."""
        return self._make_move(parse_id(change_id))

    @expose("/<change_id>/save", methods=("POST",))
    @recoverable
    def save(self, change_id: str) -> ResponseReturnValue:
        """Save the submitted values; the step stays open."""
        id_ = parse_id(change_id)
        try:
            save_step_input(id_, self.visible_criterion(), location=self.row_url(id_) + "#step")
        except (ValidationFailed, FileTooLarge, NoSuchMove) as refusal:
            return self._answer_refusal(id_, refusal)
        flash(gettext("Saved. The step stays open until you finish it."), "success")
        return redirect(self.row_url(id_) + "#step", 303)

    # -- comments ----------------------------------------------------------------------------------------------

    @expose("/<change_id>/comment", methods=("POST",))
    @recoverable
    @creates
    def comment(self, change_id: str) -> ResponseReturnValue:
        """Add a comment or question, and notify the one it is for."""
        change = self._load_visible(parse_id(change_id))
        require_may_comment(change, get_current_user(), now())
        id_, form = change.id, CommentForm()
        form.set_up(change)
        page = self.row_url(id_) + "#comments"
        if form.validate():
            with commit_or_show_errors(form):
                add_comment(change, by=get_current_user(), now=now(), **form.arguments())
                keep_submission(page)
            if not form.errors and not form.form_errors:
                flash(gettext("The comment was saved."), "success")
                return redirect(page, 303)
        if wants_json():
            raise ValidationFailed(
                _("The comment cannot be saved with these values."), field_errors=form.error_messages()
            )
        return self._render_page(id_, sent=SentForms(comment=form)), form.status

    # -- consents ----------------------------------------------------------------------------------------------

    @expose("/<change_id>/consent", methods=("POST",))
    @recoverable
    @creates
    def consent(self, change_id: str) -> ResponseReturnValue:
        """Agree or object to the current step, for a post that the SOP asks."""
        id_, form = parse_id(change_id), ConsentForm()
        form.set_up(None)
        page = self.row_url(id_) + "#consents"
        case = locked_case(id_, self.visible_criterion())
        if refusal := reason_cannot_consent(case.sop, case.position, case.person):
            raise NotAllowed(refusal)
        if form.validate():
            with commit_or_show_errors(form):
                consent = give_consent(case, **form.arguments())
                trail.update_audit_context(db.session(), capacity=consent.capacity)
                keep_submission(page)
            if not form.errors and not form.form_errors:
                flash(gettext("Your position is saved."), "success")
                return redirect(page, 303)
        if wants_json():
            raise ValidationFailed(_("Some of the values entered cannot be saved."), field_errors=form.error_messages())
        return self._render_page(id_, sent=SentForms(consent=form)), form.status

    @expose("/<change_id>/copy")
    def copy(self, change_id: str) -> ResponseReturnValue:
        """Open the form of a new request with the content of this one."""
        self.require_permission(Verb.CREATE)
        return redirect(self.get_url(".create_view", copy=self._load_visible(parse_id(change_id)).id))

    @action(
        "correct-clock",
        _("Correct the times of a wrong clock"),
        form=ClockForm,
        verb=Verb.READ,
        when=may_correct_clock,
        explanation=_("The open step begins now instead of in the future; its former times stay on record."),
        success=_("The times are corrected. The request can go on."),
        has_page=True,
    )
    def correct_clock(self, change: ChangeRequest, form: ClockForm) -> None:
        """Let an open step whose times lie in the future begin now."""
        correct_clock(change, by=get_current_user(), now=now(), reason=form.reason.data or "")

    # -- assignment --------------------------------------------------------------------------------------------

    @expose("/<change_id>/take-up", methods=("POST",))
    def take_up(self, change_id: str) -> ResponseReturnValue:
        """Assign the open step to the current user."""
        case = locked_case(parse_id(change_id), self.visible_criterion())
        take_up_step(case)
        trail.update_audit_context(db.session(), action="change.take-up", capacity=case.capacity)
        keep_submission(self.row_url(parse_id(change_id)) + "#step")
        db.session.commit()
        flash(gettext("The step is assigned to you. Its handling time starts now."), "success")
        return redirect(self.row_url(parse_id(change_id)) + "#step", 303)

    @expose("/<change_id>/hand-over", methods=("POST",))
    @recoverable
    def reassign(self, change_id: str) -> ResponseReturnValue:
        """Reassign the open step, with a reason."""
        id_ = parse_id(change_id)
        form = None
        try:
            case = locked_case(id_, self.visible_criterion())
            require_may_reassign(case)
            form = make_reassign_form(case)
            to = self._get_assignee(case.change, form.to.data)
            reason = form.reason.data or ""
            require_resubmit()
            reassigned = reassign_step(case, to, reason=reason)
            trail.update_audit_context(
                db.session(), action="change.hand-over", capacity=reassigned.by_capacity, reason=reason.strip()
            )
            message = tr(_("The step is now assigned to %(name)s.", name=to.full_name))
            keep_submission(self.row_url(id_) + "#step")
            db.session.commit()
        except (ValidationFailed, NoSuchMove) as refusal:
            if wants_json():
                raise
            db.session.rollback()
            if form is not None:
                form.add_errors(refusal)
            return self._render_page(id_, refusal=refusal, sent=SentForms(reassign=form)), refusal.status
        flash(message, "success")
        return redirect(self.row_url(id_) + "#step", 303)

    def _load_visible(self, change_id: int) -> ChangeRequest:
        """Return the visible request of this id. Raises NotFound if there is none."""
        change = load_change(db.session(), change_id, self.visible_criterion())
        if change is None:
            raise NotFound(_("There is no such record, or you may not see it."))
        return change

    @staticmethod
    def _get_assignee(change: ChangeRequest, text: str | None) -> User:
        """Return the user with the submitted id. Raises ValidationFailed if there is none in the request's agency."""
        try:
            to = db.session.get(User, parse_id(text))
        except NotFound:
            to = None
        if to is None or to.agency_id != change.agency_id:
            message = _("Choose an item from the list.")
            raise ValidationFailed(message, field_errors={"to": message})
        return to

    def _make_move(self, change_id: int, *, save_action: str = "change.save") -> ResponseReturnValue:
        outcome = _outcome_from_request()
        try:
            sent = SentStep(locked_case(change_id, self.visible_criterion()))
        except NoSuchMove as refusal:
            return self._answer_refusal(change_id, refusal)
        try:
            finished = sent.advance(outcome)
        except (ValidationFailed, FileTooLarge) as refusal:
            return self._answer_refusal(change_id, refusal, sent=sent, save_action=save_action)
        except NoSuchMove as refusal:
            return self._answer_refusal(change_id, refusal)
        trail.update_audit_context(
            db.session(), action=f"change.{outcome}", capacity=finished.capacity, reason=finished.reason
        )
        message = self._move_message(sent.case, outcome)
        keep_submission(self.row_url(change_id))
        db.session.commit()
        flash(message, "success")
        return redirect(self.row_url(change_id), 303)

    def _answer_refusal(
        self, change_id: int, refusal: Refused, *, sent: SentStep | None = None, save_action: str = "change.save"
    ) -> ResponseReturnValue:
        """Return the request's page with the submitted values, the errors and the status of ``refusal``.

        The valid values and files of a refused move (``sent``) are saved, so that they need not be entered again.
        """
        if wants_json():  # saving would change the version that a script sends again
            raise with_form_field_names(refusal)
        if sent is not None:
            with suppress(Refused):
                sent.save_valid(action=save_action)
        db.session.rollback()
        if isinstance(refusal, NoSuchMove):
            keep_step_files()
        return self._render_page(change_id, refusal=refusal, is_typed=True), refusal.status

    @staticmethod
    def _move_message(case: CaseFile, outcome: Outcome) -> str:
        change = case.change
        number = change.number or ""
        if change.step is Step.CLOSED and change.result is not None:
            return tr(_("%(number)s: %(result)s.", number=number, result=change.result.title))
        return tr(
            _(
                "%(number)s: %(outcome)s. Now waiting: %(step)s (%(actor)s).",
                number=number,
                outcome=outcome.title,
                step=case.sop.step_title(change.step),
                actor=case.sop.actor_title(change.step),
            )
        )


def _kind_of_step(change_id: int | None) -> Step | None:
    """Return the kind of the current step of a request, None for one that is not there."""
    step = db.session.scalar(select(ChangeRequest.step).where(ChangeRequest.id == change_id))
    return None if step is None else step.kind


def _outcome_from_request() -> Outcome:
    """Return the outcome that the form names. Raises Malformed if it names none."""
    name = request.form.get("outcome", "")
    if name not in Outcome.__members__.values() and name not in set(SOP_OUTCOMES):
        raise Malformed(_("The form does not state the outcome of the step."))
    return Outcome(name)


def _change_made_before() -> int | None:
    """Return the id of the request that the form that was sent has made before; None if it has made none."""
    location = earlier_location()
    return None if location is None else parse_id(dict(parse_qsl(urlsplit(location).query)).get("id"))


def _requester_defaults(user: User) -> dict[str, str]:
    """Return the initial values of a new request's requester fields."""
    defaults = {
        "requester_name": user.full_name,
        "requester_contact": user.email or user.phone,
        "requester_institution": user.institution,
    }
    return {key: value for key, value in defaults.items() if value}
