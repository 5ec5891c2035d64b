"""The forms of delegations and absences of the head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload
from typing_extensions import override
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional, ValidationError

from lpse_admin.accounts.roles import Role
from lpse_admin.documents.file_types import FileType
from lpse_admin.documents.hazards.pdfs import has_pages
from lpse_admin.i18n import _
from lpse_admin.workflow.acting_head import reason_cannot_act_for_head
from models.accounts.user import User
from models.database import db
from models.delegation.absence import can_record_absence
from models.delegation.delegation import DelegationKind, is_post_vacant
from models.delegation.grant import Superior
from models.office.agency import Agency
from views.app.access import get_current_user, visible_agencies
from views.forms.base import Form, Required
from views.forms.fields import DateField, ScannedFileField
from views.i18n.language import today, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.delegation.absence import Absence

#: The choice for a post that nobody holds; its agency is that of the delegate.
_VACANT = 0
_VACANT_POST = _("Vacant post: appointed by the superior")
_REASON_ON_BEHALF = _("Why you act in the head's place")


class AbsenceForm(Form):
    """An absence of a head, as it is recorded."""

    head_id = SelectField(_("Head of LPSE"), [Required()], coerce=int)
    from_date = DateField(_("First day"), [InputRequired()], default=today)
    until_date = DateField(_("Last day"), [Optional()], description=_("Leave it empty if it is not known yet."))
    reason = TextAreaField(_("Reason for the absence"), [Required()], render_kw={"rows": 3})
    because = TextAreaField(
        _REASON_ON_BEHALF,
        render_kw={"rows": 3},
        description=_(
            "Required from everybody except the head: how you know of it, and why the head cannot record it."
        ),
    )

    @override
    def set_up(self, record: object) -> None:
        """Offer the heads whose absence the current user may record; a head needs no reason for doing it."""
        user = get_current_user()
        self.heads = {head.id: head for head in _agency_heads() if can_record_absence(user, head)}
        self.head_id.choices = _head_choices(self.heads.values())
        if self.heads.keys() <= {user.id}:
            del self.because
        else:
            self.because.flags.required = user.id not in self.heads

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``record_absence``."""
        values = {"because": None, **super().arguments()}
        return values | {"head": self.heads[values.pop("head_id")]}


class EndAbsenceForm(Form):
    """Why somebody other than the head ends an absence."""

    because = TextAreaField(
        _REASON_ON_BEHALF, render_kw={"rows": 3}, description=_("Required from everybody except the head.")
    )

    def set_up(self, record: Absence) -> None:
        """Mark the reason as required for everybody but the head."""
        self.because.flags.required = get_current_user().id != record.head_id


class DelegationForm(Form):
    """A delegation as its decree says it."""

    head_id = SelectField(_("Head who delegates"), [Required()], coerce=int)
    giver_name = StringField(_("Name of the superior"), [Required()])
    giver_title = StringField(
        _("Title of the superior"), [Required()], description=_("As the decree has it, for example Sekretaris Daerah.")
    )
    delegate_id = SelectField(_("Delegate"), [Required()], coerce=lambda text: int(text) if text else None)
    kind = SelectField(_("Kind"), [Required()], coerce=DelegationKind)
    decree_number = StringField(_("Decree number"), [Required()])
    decree_date = DateField(_("Date of the decree"), [Optional()])
    from_date = DateField(_("First day"), [InputRequired()])
    until_date = DateField(_("Last day"), [InputRequired()])
    reason = TextAreaField(_("Reason for the absence"), render_kw={"rows": 3})
    exception_reason = TextAreaField(
        _("Reason for an exception"),
        render_kw={"rows": 2},
        description=_("Only if it starts more than a day ago, or a Plt. is appointed for longer than three months."),
    )
    decree = ScannedFileField(_("Scanned decree"), [Required()])

    @override
    def set_up(self, record: object) -> None:
        """Offer the heads in whose name the current user may record one, and the delegates."""
        user = get_current_user()
        is_administrator = Role.ADMINISTRATOR in user.roles
        self.heads = {head.id: head for head in _agency_heads() if is_administrator or head.id == user.id}
        vacant = _vacant_agencies() if is_administrator else []
        self.head_id.choices = [
            *_head_choices(self.heads.values()),
            *(SelectChoice(_VACANT, _with_agency(tr(_VACANT_POST), agency)) for agency in vacant[:1]),
        ]
        if not vacant:
            del self.giver_name, self.giver_title, self.decree_date
        elif self.heads:  # of other offices: only a vacant post needs them
            for field in (self.giver_name, self.giver_title):
                field.validators, field.flags.required = [Optional()], False
        else:
            self.decree_date.flags.required = True
        self.delegate_id.choices = _delegate_choices(user)
        kinds = [DelegationKind.PLT] if vacant and not self.heads else list(DelegationKind)
        self.kind.choices = [SelectChoice(kind.value, tr(kind.title)) for kind in kinds]

    def validate_delegate_id(self, field: SelectField) -> None:
        """Raise ValidationError where nobody is chosen."""
        if field.data is None:
            raise ValidationError(_("Choose the delegate."))

    def validate_decree(self, field: ScannedFileField) -> None:
        """Raise ValidationError where no file was sent."""
        if not field.is_given:
            raise ValidationError(_("The scanned decree is required: without it nobody can act for the head."))
        is_own = self.head_id.data == get_current_user().id
        if (
            not is_own
            and field.inspected is not None
            and not (field.inspected.type is FileType.PDF and has_pages(field.content))
        ):
            raise ValidationError(
                _("Whoever records it for the head attaches the signed decree as a PDF with its pages.")
            )

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``grant_delegation``."""
        superior = None
        if self.head_id.data == _VACANT:
            superior = Superior(self.giver_name.data or "", self.giver_title.data or "", self.decree_date.data)
        return {
            "head": None if superior else self.heads[self.head_id.data],
            "superior": superior,
            "exception_reason": self.exception_reason.data or None,
            "delegate": db.session.get_one(User, self.delegate_id.data),
            "kind": self.kind.data,
            "decree_number": self.decree_number.data or "",
            "from_date": self.from_date.data,
            "until_date": self.until_date.data,
            "reason": self.reason.data or None,
        }


class WithdrawalForm(Form):
    """Why a delegation ends before its last day."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


def _agency_heads() -> Sequence[User]:
    """Return the heads of the current user's agency, of all agencies for a superadmin."""
    user = get_current_user()
    heads = select(User).where(User.is_head, User.agency_id.is_not(None)).options(joinedload(User.agency))
    if not user.is_superadmin:
        heads = heads.where(User.agency_id == user.agency_id)
    return db.session.scalars(heads.order_by(User.full_name)).all()


def _vacant_agencies() -> list[Agency]:
    """Return the agencies without a head in office, of those that the current user sees."""
    return [agency for agency in visible_agencies(db.session()) if is_post_vacant(db.session(), agency.id)]


def _head_choices(heads: Iterable[User]) -> list[SelectChoice]:
    return [SelectChoice(head.id, _with_agency(head.full_name, head.agency)) for head in heads]


def _delegate_choices(user: User) -> list[SelectChoice]:
    """Return who may be named: every active user of the agency who can act for the head; change managers first."""
    people = (
        select(User)
        .join(User.agency)
        .options(contains_eager(User.agency))
        .where(User.is_active)
        .order_by(Agency.name, User.is_change_manager.desc(), User.full_name)
    )
    if not user.is_superadmin:
        people = people.where(User.agency_id == user.agency_id)
    return [
        SelectChoice("", "–"),
        *(
            SelectChoice(str(one.id), _with_agency(", ".join(filter(None, (one.full_name, one.position))), one.agency))
            for one in db.session.scalars(people)
            if not reason_cannot_act_for_head(one.roles)
        ),
    ]


def _with_agency(name: str, agency: object) -> str:
    return f"{name} ({agency})" if get_current_user().is_superadmin else name
