"""Delegations: who stands in for an absent head, by which decree and until when; granted and withdrawn here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import request
from flask_admin import expose
from flask_babel import gettext
from flask_wtf.file import FileField
from sqlalchemy import select
from sqlalchemy.orm import aliased, joinedload
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.documents.inspection import InspectedFile, inspect_file
from lpse_admin.errors import FileTooLarge, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.user import User
from models.database import db
from models.delegation.delegation import Delegation, DelegationKind, DelegationState, in_state, state_on
from models.delegation.grant import grant_delegation
from models.documents.document import attach
from models.office.agency import Agency
from views.app.access import can, get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.forms.commit import FormView, commit_or_show_errors
from views.i18n.language import today, tr
from views.listing.filters import ChoiceFilter, DateRangeFilter, StateFilter
from views.listing.lists import Column, ListSpec

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

_head = aliased(User, name="delegation_head")
_delegate = aliased(User, name="delegate")
_recorded_by = aliased(User, name="recorder")
_withdrawn_by = aliased(User, name="withdrawer")


def _coerce_user_id(text: str) -> int | None:
    """Return the user that a choice names; None for the choice of nobody."""
    return int(text) if text else None


class DelegationForm(Form):
    """A delegation as its decree says it."""

    head_id = SelectField(_("Head who delegates"), [Required()], coerce=int)
    delegate_id = SelectField(_("Delegate"), [Required()], coerce=_coerce_user_id)
    kind = SelectField(_("Kind"), [Required()], coerce=DelegationKind)
    decree_number = StringField(_("Decree number"), [Required()])
    from_date = DateField(_("First day"), [InputRequired()])
    until_date = DateField(_("Last day"), [InputRequired()])
    reason = TextAreaField(_("Reason for the absence"), render_kw={"rows": 3})
    decree = FileField(
        _("Scanned decree"),
        [Required()],
        description=_("PDF, PNG, JPEG, DOCX, XLSX, ODT, ODS or TXT, at most 20 MB."),
    )
    content = b""
    inspected: InspectedFile

    def validate_delegate_id(self, field: SelectField) -> None:
        """Say it where nobody is chosen."""
        if field.data is None:
            raise ValidationError(_("Choose the delegate."))

    def validate_decree(self, field: FileField) -> None:
        """Read the scanned decree and look what it is."""
        if not field.data:
            raise ValidationError(_("The scanned decree is required: without it nobody can act for the head."))
        self.content = field.data.read(MAX_FILE_BYTES + 1)
        field.data.close()
        try:
            self.inspected = inspect_file(field.data.filename or "", self.content)
        except (ValidationFailed, FileTooLarge) as refusal:
            self.status = refusal.status
            raise ValidationError(refusal.message) from None


class WithdrawalForm(Form):
    """Why a delegation ends before its last day."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


class DelegationView(FormView):
    """The delegations of the reader's agency."""

    resource = Resource.DELEGATION
    title = _("Delegations (Plh./Plt.)")
    empty_message = _("No delegation is recorded. The head delegates here, or an administrator records the decree.")
    details_template = "delegation/details.html"
    create_label = _("New delegation")
    can_create = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=Delegation,
        joins=(
            (_head, _head.id == Delegation.head_id),
            (_delegate, _delegate.id == Delegation.delegate_id),
            (_recorded_by, _recorded_by.id == Delegation.recorded_by_id),
            (_withdrawn_by, _withdrawn_by.id == Delegation.withdrawn_by_id),
            (Agency, Agency.id == Delegation.agency_id),
        ),
        column_list=(
            Column("id", _("Id"), Delegation.id, CellKind.NUMBER, in_list=False, in_export=False),
            Column("delegate", _("Delegate"), _delegate.full_name, is_link=True),
            Column("agency", _("Agency"), Agency.name, superadmin_only=True),
            Column("kind", _("Kind"), Delegation.kind, CellKind.CHOICE, DelegationKind),
            Column("decree", _("Decree number"), Delegation.decree_number),
            Column("from", _("First day"), Delegation.from_date, CellKind.DATE, sortable=True),
            Column("until", _("Last day"), Delegation.until_date, CellKind.DATE),
            Column("state", _("State"), Delegation.id, CellKind.CHOICE, DelegationState),
            Column("head", _("Granted by"), _head.full_name),
            Column("reason", _("Reason for the absence"), Delegation.reason, in_list=False),
            Column("recorder", _("Recorded by"), _recorded_by.full_name, in_list=False),
            Column("recorded", _("Recorded"), Delegation.recorded_at, CellKind.DATETIME, in_list=False),
            Column("withdrawn", _("Revoked"), Delegation.withdrawn_at, CellKind.DATETIME, in_list=False),
            Column("withdrawer", _("Revoked by"), _withdrawn_by.full_name, in_list=False),
            Column("withdrawn_reason", _("Reason for the revocation"), Delegation.withdrawn_reason, in_list=False),
        ),
        column_filters=(
            StateFilter(
                "state",
                _("State"),
                states=DelegationState,
                criterion_for=lambda state, zone: in_state(state, now().astimezone(zone).date()),
            ),
            ChoiceFilter("kind", _("Kind"), column=Delegation.kind, choices=DelegationKind),
            DateRangeFilter("from", _("First day"), column=Delegation.from_date, is_datetime=False),
        ),
        column_searchable_list=(_delegate.full_name, Delegation.decree_number),
        column_default_sort="-from",
    )

    def state_expression(self) -> ColumnElement[str]:
        """Return the state on the reader's own day."""
        return state_on(today())

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the decree's file, and the form for withdrawing where the reader may."""
        return self._extras(self.get_one(str(id)), WithdrawalForm(formdata=None))

    def _extras(self, delegation: Delegation, form: WithdrawalForm) -> dict[str, Any]:
        may_withdraw = (
            can(Verb.EDIT, self.resource)
            and delegation.can_be_withdrawn_by(get_current_user())
            and delegation.is_open_to_withdrawal(now())
        )
        return {"delegation": delegation, "documents": delegation.documents, "form": form if may_withdraw else None}

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Record a delegation from its decree, which is attached."""
        self.require_permission(Verb.CREATE)
        form = DelegationForm()
        heads = _selectable_heads()
        form.head_id.choices = [
            SelectChoice(str(head.id), _label_with_agency(head.full_name, head.agency)) for head in heads
        ]
        form.delegate_id.choices = _delegate_choices()
        form.kind.choices = [SelectChoice(kind.value, tr(kind.title)) for kind in DelegationKind]
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "delegation.grant", reason=form.reason.data or None):
                delegation = _grant_from_form(form, next(head for head in heads if head.id == form.head_id.data))
            if not form.errors:
                return self.redirect_to_record(gettext("The delegation is recorded."), delegation.id)
        if form.decree.data and not form.decree.errors:
            form.decree.errors = [_("Choose the file again: the browser cannot restore it.")]
        return self.render_form(form, _("New delegation"), _("Record the delegation"))

    @expose("/<delegation_id>/withdraw", methods=("POST",))
    def withdraw(self, delegation_id: str) -> ResponseReturnValue:
        """End a delegation at once, with the reason."""
        self.require_permission(Verb.EDIT)
        delegation = self.get_one(delegation_id)
        form = WithdrawalForm()
        with commit_or_show_errors(form, "delegation.withdraw", reason=form.reason.data):
            delegation.withdraw(now=now(), by=get_current_user(), reason=form.reason.data or "")
        if not form.errors:
            return self.redirect_to_record(gettext("The delegation is revoked."), delegation.id)
        heading = _("Revoke the delegation to %(name)s", name=delegation.delegate.full_name)
        return self.render_form(form, heading, _("Revoke the delegation"), back=self.row_url(delegation.id))


def _grant_from_form(form: DelegationForm, head: User) -> Delegation:
    """Record what was typed, with its decree."""
    session = db.session()
    delegation = grant_delegation(
        session,
        head=head,
        delegate=session.get_one(User, form.delegate_id.data),
        kind=form.kind.data,
        decree_number=form.decree_number.data or "",
        from_date=form.from_date.data,
        until_date=form.until_date.data,
        by=get_current_user(),
        now=now(),
        reason=form.reason.data or None,
    )
    attach(
        session,
        name=form.inspected.name,
        media_type=form.inspected.type.media_type,
        content=form.content,
        by=get_current_user(),
        now=now(),
        delegation=delegation,
    )
    return delegation


def _selectable_heads() -> list[User]:
    """Return the heads in whose name the reader may record a delegation."""
    heads = select(User).where(User.is_head, User.agency_id.is_not(None)).options(joinedload(User.agency))
    if Role.ADMINISTRATOR not in get_current_user().roles:
        heads = heads.where(User.id == get_current_user().id)
    elif not get_current_user().is_superadmin:
        heads = heads.where(User.agency_id == get_current_user().agency_id)
    return list(db.session.scalars(heads.order_by(User.full_name)))


def _delegate_choices() -> list[SelectChoice]:
    """Return who may be named: every active user of the agency but a head; those of the office first."""
    people = (
        select(User.id, User.full_name, User.position, Agency.name)
        .join(Agency, Agency.id == User.agency_id)
        .where(User.is_active, User.is_head.is_(False))
        .order_by(Agency.name, User.is_change_manager.desc(), User.full_name)
    )
    if not get_current_user().is_superadmin:
        people = people.where(User.agency_id == get_current_user().agency_id)
    return [
        SelectChoice("", "–"),
        *(
            SelectChoice(str(id_), _label_with_agency(f"{name}, {position}" if position else name, agency))
            for id_, name, position, agency in db.session.execute(people)
        ),
    ]


def _label_with_agency(name: str, agency: object) -> str:
    return f"{name} ({agency})" if get_current_user().is_superadmin else name
