"""Freeze periods: entered and lifted by an administrator; here too the head allows single releases in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.orm import aliased
from typing_extensions import override
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotFound
from lpse_admin.i18n import Message, _
from lpse_admin.workflow.record_fields import Environment
from models.accounts.user import User
from models.audit import trail
from models.changes.change import ChangeRequest
from models.database import db
from models.office.agency import Agency
from models.releases import conflicts
from models.releases.freeze import Freeze, FreezePermit, FreezeState, FreezeValues, create_freeze, in_state, state_at
from models.releases.freeze_permit import PermitLetter, grant_permit
from models.scope import visible
from views.app.access import can, get_current_user, is_acting_head
from views.app.clock import now
from views.changes.step_form import AwareDateTimeField
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.forms.commit import FormView, commit_or_show_errors
from views.i18n.language import tr
from views.listing.filters import DateRangeFilter, OptionFilter, StateFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import parse_id
from views.releases.conflicts import PermitForm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self
    from zoneinfo import ZoneInfo

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

_entered_by = aliased(User, name="freeze_enterer")
_lifted_by = aliased(User, name="freeze_lifter")


@dataclass(frozen=True, slots=True)
class EnvironmentChoice:
    """What a freeze holds still, as a list shows it: an environment, or all of them."""

    value: str
    title: Message


ALL_ENVIRONMENTS = EnvironmentChoice("all", _("All environments"))
_ENVIRONMENT_CHOICES: tuple[Any, ...] = (ALL_ENVIRONMENTS, *Environment)
_environment_value = func.coalesce(cast(Freeze.environment, String), literal(ALL_ENVIRONMENTS.value))
#: What the head has allowed in it, as one text.
_PERMITTED_RELEASES = (
    select(
        func.aggregate_strings(ChangeRequest.number + " (" + FreezePermit.capacity + "): " + FreezePermit.reason, "; ")
    )
    .join(FreezePermit, FreezePermit.change_id == ChangeRequest.id)
    .where(FreezePermit.freeze_id == Freeze.id)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class EnvironmentFilter(OptionFilter):
    """An environment, or all of them: ``?environment=production``."""

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the environments, and all of them."""
        return [(reach.value, reach.title) for reach in _ENVIRONMENT_CHOICES]

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for what was chosen."""
        value = given.get(self.key)
        if not value:
            return None
        if value == ALL_ENVIRONMENTS.value:
            return Freeze.environment.is_(None)
        if value not in set(Environment):
            raise self._malformed(value)
        return Freeze.environment == Environment(value)


def _coerce_environment(text: object) -> Environment | None:
    """Return the environment that a choice names; None for all of them."""
    if isinstance(text, Environment) or text in (None, "None", ""):
        return text if isinstance(text, Environment) else None
    return Environment(str(text))


class FreezeForm(Form):
    """A freeze as it is entered."""

    agency_id = SelectField(_("Agency"), [Required()], coerce=int)
    name = StringField(_("Freeze name"), [Required()], description=_("Such as: closing of tenders in December."))
    environment = SelectField(_("Environment"), coerce=_coerce_environment)
    from_at = AwareDateTimeField(_("From"), [Required()])
    until_at = AwareDateTimeField(_("Until"), [Required()])
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})

    @classmethod
    def for_freeze(cls, freeze: Freeze | None = None) -> Self:
        """Return the form, filled with what ``freeze`` says; only who reaches across agencies chooses one."""
        form = cls(obj=freeze)
        form.environment.choices = [
            SelectChoice("", tr(ALL_ENVIRONMENTS.title)),
            *(SelectChoice(one.value, tr(one.title)) for one in Environment),
        ]
        if freeze is None and get_current_user().is_superadmin:
            agencies = db.session.scalars(select(Agency).order_by(Agency.name))
            form.agency_id.choices = [SelectChoice(str(agency.id), agency.name) for agency in agencies]
        else:
            del form.agency_id
        return form

    def to_freeze_entry(self) -> FreezeValues:
        """Return what was typed."""
        return FreezeValues(
            name=self.name.data or "",
            from_at=self.from_at.data,
            until_at=self.until_at.data,
            environment=self.environment.data,
            reason=self.reason.data or "",
        )


class EditFreezeForm(FreezeForm):
    """A freeze that is corrected, and why."""

    why = TextAreaField(_("Reason for the correction"), [Required()], render_kw={"rows": 2})


class LiftFreezeForm(Form):
    """Why a freeze ends before its time."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


class FreezeView(FormView):
    """The freezes of the reader's agency."""

    resource = Resource.FREEZE
    title = _("Freeze periods")
    empty_message = _("No freeze period is set. An administrator creates one; nothing is released in it.")
    details_template = "releases/freeze_details.html"
    create_label = _("New freeze")
    can_create = True
    can_edit = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=Freeze,
        joins=(
            (_entered_by, _entered_by.id == Freeze.entered_by_id),
            (_lifted_by, _lifted_by.id == Freeze.lifted_by_id),
            (Agency, Agency.id == Freeze.agency_id),
        ),
        column_list=(
            Column("id", _("Id"), Freeze.id, CellKind.NUMBER, in_list=False, in_export=False),
            Column("name", _("Freeze name"), Freeze.name, is_link=True),
            Column("agency", _("Agency"), Agency.name, superadmin_only=True),
            Column("from", _("From"), Freeze.from_at, CellKind.DATETIME, sortable=True),
            Column("until", _("Until"), Freeze.until_at, CellKind.DATETIME),
            Column("environment", _("Environment"), _environment_value, CellKind.CHOICE, _ENVIRONMENT_CHOICES),
            Column("state", _("State"), Freeze.id, CellKind.CHOICE, FreezeState),
            Column("reason", _("Reason"), Freeze.reason, wide=True),
            Column("enterer", _("Entered by"), _entered_by.full_name, in_list=False),
            Column("entered", _("Entered"), Freeze.entered_at, CellKind.DATETIME, in_list=False),
            Column("allowed", _("Releases permitted by the head"), _PERMITTED_RELEASES, in_list=False),
            Column("lifted", _("Lifted"), Freeze.lifted_at, CellKind.DATETIME, in_list=False),
            Column("lifter", _("Lifted by"), _lifted_by.full_name, in_list=False),
            Column("lifted_reason", _("Reason for lifting it"), Freeze.lifted_reason, in_list=False),
        ),
        column_filters=(
            StateFilter(
                "state", _("State"), states=FreezeState, criterion_for=lambda state, _zone: in_state(state, now())
            ),
            EnvironmentFilter("environment", _("Environment")),
            DateRangeFilter("from", _("From"), column=Freeze.from_at),
        ),
        column_searchable_list=(Freeze.name, Freeze.reason),
        column_default_sort="-from",
    )

    def state_expression(self) -> ColumnElement[str]:
        """Return the state at this moment."""
        return state_at(now())

    def details_context(self, id: int) -> dict[str, Any]:
        """Return what the head has allowed in it, what is planned in it, and what the reader may do with it."""
        freeze = self.get_one(str(id))
        edits, at = can(Verb.EDIT, self.resource), now()
        return {
            "freeze": freeze,
            "planned": conflicts.releases_in_freeze(db.session(), freeze),
            "may_alter": edits and freeze.can_be_altered(at),
            "form": LiftFreezeForm(formdata=None) if edits and freeze.can_be_lifted(at) else None,
        }

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Enter a freeze."""
        self.require_permission(Verb.CREATE)
        form = FreezeForm.for_freeze()
        if request.method == "POST" and form.validate():
            session = db.session()
            agency = session.get_one(Agency, form.agency_id.data) if "agency_id" in form else get_current_user().agency
            with commit_or_show_errors(form, "freeze.enter", reason=form.reason.data or None):
                freeze = create_freeze(
                    session, _require_agency(agency), form.to_freeze_entry(), by=get_current_user(), now=now()
                )
            if not form.errors:
                return self.redirect_to_record(gettext("The freeze is saved."), freeze.id)
        return self.render_form(form, _("New freeze"), _("Save the freeze"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Correct a freeze until it begins."""
        self.require_permission(Verb.EDIT)
        freeze = self.get_one(request.args.get("id", ""))
        freeze_id, heading = freeze.id, _("Correct the freeze “%(name)s”", name=freeze.name)
        form = EditFreezeForm.for_freeze(freeze)
        if request.method == "POST" and form.validate():
            if not (form.why.data or "").strip():
                form.why.errors = [_("“%(field)s” is required here.", field=_("Reason for the correction"))]
            else:
                with commit_or_show_errors(form, "freeze.alter", reason=form.why.data):
                    freeze.alter(form.to_freeze_entry(), by=get_current_user(), now=now())
            if not form.errors:
                return self.redirect_to_record(gettext("The freeze was corrected."), freeze_id)
        return self.render_form(form, heading, _("Save"), back=self.row_url(freeze_id))

    @expose("/<freeze_id>/lift", methods=("POST",))
    def lift(self, freeze_id: str) -> ResponseReturnValue:
        """End a freeze at once, with the reason."""
        self.require_permission(Verb.EDIT)
        freeze = self.get_one(freeze_id)
        form = LiftFreezeForm()
        id_, heading = freeze.id, _("Lift the freeze “%(name)s”", name=freeze.name)
        with commit_or_show_errors(form, "freeze.lift", reason=form.reason.data):
            freeze.lift(form.reason.data or "", by=get_current_user(), now=now())
        if not form.errors:
            return self.redirect_to_record(gettext("The freeze was lifted."), id_)
        return self.render_form(form, heading, _("Lift the freeze"), back=self.row_url(id_))

    @expose("/<freeze_id>/permit", methods=("POST",))
    def permit(self, freeze_id: str) -> ResponseReturnValue:
        """Let the head allow one request to be released in this freeze; whether they may is the rule's to say."""
        self.require_permission(Verb.READ)
        freeze, change = self.get_one(freeze_id), _get_change(request.form.get("change"))
        change_id, number = change.id, change.number or ""
        heading = _("Permit the release of %(number)s in the freeze “%(name)s”", number=number, name=freeze.name)
        form = PermitForm()
        if form.validate():
            with commit_or_show_errors(form, "freeze.permit", reason=form.reason.data):
                _record_permit(freeze, change, form)
            if not form.errors:
                flash(gettext("The release is permitted in this freeze."), "success")
                return redirect(url_for("change.details_view", id=change_id), 303)
        if form.letter.data and not form.letter.errors:
            form.letter.errors = [_("Choose the file again: the browser cannot restore it.")]
        back = url_for("change.details_view", id=change_id)
        return self.render_form(
            form,
            heading,
            _("Permit this release"),
            template="releases/freeze_permit_form.html",
            back=back,
            change_id=change_id,
        )


def _require_agency(agency: Agency | None) -> Agency:
    """Return the agency of one who belongs to one: who belongs to none has chosen one."""
    assert agency is not None  # noqa: S101
    return agency


def _get_change(text: str | None) -> ChangeRequest:
    """Return the visible request that a form names; raises NotFound."""
    found = db.session.scalars(
        select(ChangeRequest).where(
            ChangeRequest.id == parse_id(text),
            visible(ChangeRequest, get_current_user(), is_acting_head=is_acting_head()),
        )
    ).one_or_none()
    if found is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    return found


def _record_permit(freeze: Freeze, change: ChangeRequest, form: PermitForm) -> None:
    """Record the permission, and attach the letter to the step at which the request stands."""
    session, at = db.session(), now()
    letter = None
    if form.inspected is not None:
        letter = PermitLetter(form.inspected.name, form.inspected.type.media_type, form.content)
    given = grant_permit(
        session, freeze, change, by=get_current_user(), now=at, reason=form.reason.data or "", letter=letter
    )
    trail.update_audit_context(session, capacity=given.capacity)
