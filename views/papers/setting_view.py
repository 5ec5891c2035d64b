"""What an office sets for its papers: letterhead, layouts, and the certificates that it trusts (which are the list)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from flask import Response, request
from flask_admin import expose
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotFound, ValidationFailed
from lpse_admin.i18n import LabelledEnum, _
from models.database import db
from models.papers.layout import adapt_layout, load_layouts, restore_layout
from models.papers.letterhead import load_letterhead, set_letterhead
from models.papers.trusted_certificate import TrustedCertificate, trust_certificates
from views.app.access import can, get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.recovery import recoverable
from views.i18n.language import tr
from views.listing.actions import action
from views.listing.lists import Column
from views.listing.record_view import RecordView
from views.office.overview import agency_context
from views.papers.forms import CertificateForm, LayoutForm, LetterheadForm, ReasonForm
from views.papers.paper_view import base_url, pdf_response
from views.papers.printing import Office, set_layout, usual_layout
from views.papers.samples import describe_layout_error, layout_error, sample
from views.papers.typesetting import LayoutError

if TYPE_CHECKING:
    import datetime as dt

    from flask.typing import ResponseReturnValue

    from models.accounts.user import User
    from models.office.agency import Agency
    from views.listing.lists import ListQuery, Page


class Layout(LabelledEnum):
    """The layouts, by the names of their files."""

    BASE = "base", _("Letterhead and parts of all papers")
    RECORD = "record", _("Record of a step")
    CHANGE_FORM = "change-form", _("Change form")
    MINUTES = "minutes", _("Minutes and receipts")
    LIST = "list", _("List on landscape paper")
    SOP = "sop", _("SOP with its table of activities")


def _is_trusted(certificate: TrustedCertificate, _by: User, _now: dt.datetime) -> bool:
    return certificate.removed_at is None


class PaperSettingView(RecordView):
    """Letterhead and layouts of the reader's office; the list holds the certificates that it trusts or trusted."""

    resource = Resource.PAPER_SETTING
    model = TrustedCertificate
    title = _("Paper settings")
    empty_message = _("No certificate is trusted: every electronic signature is said to be of an unknown certificate.")
    list_template = "papers/setting_list.html"
    column_list = (
        Column("subject", _("Certificate of"), TrustedCertificate.subject, is_link=True),
        Column("issuer", _("Issued by"), TrustedCertificate.issuer),
        Column("until", _("Valid until"), TrustedCertificate.not_after, CellKind.DATETIME),
        Column("added", _("Trusted since"), TrustedCertificate.added_at, CellKind.DATETIME),
        Column("removed", _("Removed"), TrustedCertificate.removed_at, CellKind.DATETIME),
        Column("fingerprint", _("SHA-256"), TrustedCertificate.fingerprint, in_list=False),
        Column("added_by", _("Added by"), TrustedCertificate.added_by_name, in_list=False),
    )
    column_searchable_list = (TrustedCertificate.subject, TrustedCertificate.issuer)
    search_hint = _("Whose certificate it is, and who issued it.")
    other_parameters = frozenset({"agency"})
    column_sortable_list: ClassVar = ("id",)
    column_default_sort = "-id"

    form = CertificateForm
    create = trust_certificates
    create_label = _("Trust a certificate")
    create_success = _("The certificates are on the list.")

    def record_name(self, record: TrustedCertificate) -> str:
        """Return whose certificate it is."""
        return record.subject

    @override
    def create_model(self, form: Any) -> TrustedCertificate:
        """Trust the certificates of a file, and return the first."""
        rows = trust_certificates(db.session(), _agency(), by=get_current_user(), now=now(), **form.arguments())
        return rows[0]

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return letterhead and layouts."""
        context = agency_context()
        agency = context["agency"]
        if agency is None:
            return context
        session = db.session()
        return context | {
            "letterhead": load_letterhead(session, agency.id),
            "layouts": list(Layout),
            "adapted": load_layouts(session, agency.id),
            "may_edit": can(Verb.EDIT, self.resource),
        }

    @action("remove", _("Trust it no longer"), form=ReasonForm, when=_is_trusted, success=_("Removed."))
    def remove(self, certificate: TrustedCertificate, form: ReasonForm) -> None:
        """Take a certificate off the list."""
        certificate.remove(by=get_current_user(), now=now(), **form.arguments())

    @expose("/letterhead", methods=("GET", "POST"))
    @recoverable
    def letterhead(self) -> ResponseReturnValue:
        """Set the letterhead."""
        self.require_permission(Verb.EDIT)
        agency, form = _agency(), LetterheadForm()
        form.begin_with(agency)
        back = self.get_url(".index_view", agency=request.args.get("agency"))
        return self.submit_form(
            form,
            lambda: set_letterhead(
                db.session(), agency, form.given(), by=get_current_user(), now=now(), reason=form.reason.data or ""
            ),
            lambda _row: self.redirect_with_message(_("The letterhead is set."), back),
            heading=_("Letterhead"),
            submit=_("Set"),
            back=back,
        )

    @expose("/layout/<key>", methods=("GET", "POST"))
    @recoverable
    def layout(self, key: str) -> ResponseReturnValue:
        """Adapt a layout: one that cannot be set is refused with its fault, and the former one counts on."""
        self.require_permission(Verb.EDIT)
        chosen, agency, form = _layout(key), _agency(), LayoutForm()
        office = _office(agency)
        if request.method == "GET":
            form.text.data = office.layouts.get(chosen.value) or usual_layout(chosen.value)
        text = (form.text.data or "").replace("\r\n", "\n")
        check = partial(layout_error, db.session(), office, chosen.value)
        back = self.get_url(".index_view", agency=request.args.get("agency"))
        if request.method == "POST" and request.form.get("do") == "preview":
            return _preview(office, chosen, text)
        return self.submit_form(
            form,
            lambda: adapt_layout(
                db.session(),
                agency,
                (chosen.value, text, check),
                by=get_current_user(),
                now=now(),
                reason=form.reason.data or "",
            ),
            lambda _row: self.redirect_with_message(_("The layout is adapted."), back),
            heading=chosen.title,
            submit=_("Set"),
            back=back,
        )

    @expose("/layout/<key>/preview")
    def preview(self, key: str) -> ResponseReturnValue:
        """Show a made-up paper with the layout that counts."""
        self.require_permission(Verb.READ)
        return _preview(_office(_agency()), _layout(key), None)

    @expose("/layout/<key>/restore", methods=("GET", "POST"))
    @recoverable
    def restore(self, key: str) -> ResponseReturnValue:
        """Go back to the usual layout."""
        self.require_permission(Verb.EDIT)
        chosen, agency, form = _layout(key), _agency(), ReasonForm()
        back = self.get_url(".index_view", agency=request.args.get("agency"))
        return self.submit_form(
            form,
            lambda: restore_layout(
                db.session(), agency, chosen.value, by=get_current_user(), now=now(), reason=form.reason.data or ""
            ),
            lambda _row: self.redirect_with_message(_("The usual layout counts again."), back),
            heading=chosen.title,
            submit=_("Use the usual layout again"),
            back=back,
        )


def _preview(office: Office, chosen: Layout, text: str | None) -> Response:
    """Return a made-up paper as PDF; raises ValidationFailed for a layout that cannot be set."""
    key = Layout.RECORD.value if chosen is Layout.BASE else chosen.value
    shown = office if text is None else office.with_layout(chosen.value, text)
    draft = sample(db.session(), shown, key)
    if draft is None:
        raise NotFound(_("No SOP is in force."))
    try:
        return pdf_response(set_layout(shown, draft), f"{tr(chosen.title)}.pdf")
    except LayoutError as error:
        message = describe_layout_error(error)
        raise ValidationFailed(message, field_errors={"text": message}) from None


def _agency() -> Agency:
    agency: Agency | None = agency_context()["agency"]
    if agency is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    return agency


def _office(agency: Agency) -> Office:
    return Office.load(db.session(), agency, base_url())


def _layout(key: str) -> Layout:
    try:
        return Layout(key)
    except ValueError:
        raise NotFound(_("There is no such record, or you may not see it.")) from None
