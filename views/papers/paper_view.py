"""The papers of a request and of an SOP: printed as drafts to be signed, and filed when they come back signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from flask import Response, redirect, request
from flask_admin import expose
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.documents.file_types import FileType
from lpse_admin.errors import Malformed, NotFound, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.papers.kinds import PaperKind
from models.changes.change import ChangeRequest
from models.changes.loading import load_change
from models.changes.steps.activity import Activity
from models.database import db
from models.papers.printed import PaperPrint, SignedForm, SignedPaper, file_signed, record_print
from models.papers.signatures import check_signatures
from models.papers.trusted_certificate import load_trusted
from models.scope import visible
from models.sops.sop import SopRevision
from views.app.access import get_current_user, is_acting_head, settings
from views.app.clock import now
from views.audit.altered_files import content_to_send
from views.exports.columns import CellKind
from views.i18n.language import tr
from views.listing.actions import action
from views.listing.export_log import note_in_transaction, record_export
from views.listing.filters.kinds import ChoiceFilter, DateRangeFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView, get_visible, parse_id
from views.papers.contents.source import read_source
from views.papers.forms import SignedPaperForm
from views.papers.papers import papers_of_source
from views.papers.printing import Office, Printer, print_paper, print_sop, print_together

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from views.papers.contents.source import Source
    from views.papers.papers import Paper
    from views.papers.printing import Printed

_UNSIGNED = _(
    "This PDF has no electronic signature. If it is a scan of a paper that was signed by hand, say so in the form."
)


class PaperView(RecordView):
    """Drafts that were printed, with the signed files that came back."""

    resource = Resource.PAPER
    model = PaperPrint
    title = _("Printed papers")
    empty_message = _("Nothing was printed yet. The papers of a request are printed from its page.")
    details_template = "papers/details.html"
    column_joins = ((ChangeRequest, ChangeRequest.id == PaperPrint.change_id),)
    column_list = (
        Column("number", _("Number"), PaperPrint.number, is_link=True),
        Column("kind", _("Paper"), PaperPrint.kind, CellKind.CHOICE, PaperKind),
        Column("request", _("Request"), ChangeRequest.number),
        Column("printed", _("Printed"), PaperPrint.printed_at, CellKind.DATETIME),
        Column("printer", _("By"), PaperPrint.printed_by_name),
        Column("sha256", _("SHA-256"), PaperPrint.sha256, in_list=False),
        Column("fingerprint", _("Fingerprint of the content"), PaperPrint.fingerprint, in_list=False),
    )
    column_filters = (
        ChoiceFilter("kind", _("Paper"), column=PaperPrint.kind, choices=PaperKind),
        DateRangeFilter("printed", _("Printed"), column=PaperPrint.printed_at),
    )
    column_searchable_list = (PaperPrint.number, ChangeRequest.number)
    search_hint = _("Number of the paper and of its request.")
    column_sortable_list: ClassVar = ("id",)
    column_default_sort = "-id"

    def record_name(self, record: PaperPrint) -> str:
        """Return the number of the paper."""
        return record.number

    @action(
        "file",
        _("File a signed paper"),
        form=SignedPaperForm,
        has_page=True,
        success=_("Filed beside its draft."),
    )
    def file_paper(self, draft: PaperPrint, form: SignedPaperForm) -> None:
        """File a paper that came back signed, with what its signatures are found to be."""
        inspected, content = form.file.inspected, form.file.content
        if inspected is None:
            raise Malformed(_("Choose the file that came back."))
        result = []
        if inspected.type is FileType.PDF:
            trusted = [row.pem for row in load_trusted(db.session(), draft.agency_id)]
            result = check_signatures(content, trusted, now())
        if form.signed_as.data is SignedForm.ELECTRONIC and not result:
            raise ValidationFailed(_UNSIGNED, field_errors={"file": _UNSIGNED})
        row = SignedPaper(
            form=form.signed_as.data,
            name=inspected.name,
            media_type=inspected.type.media_type,
            findings={
                "signatures": [one.as_data() for one in result],
                "begins_with_draft": content.startswith(draft.file.content),
            },
            filed_at=now(),
        )
        file_signed(db.session(), draft, row, content, by=get_current_user())

    # -- the papers of a request -----------------------------------------------------------------------------

    @expose("/of/<change_id>")
    def of_change(self, change_id: str) -> str:
        """Show the papers that a request has by now, with what was printed and what came back."""
        source = self._source(change_id)
        prints = select(PaperPrint).where(PaperPrint.change_id == source.change.id).order_by(PaperPrint.id.desc())
        by_paper: dict[tuple[PaperKind, int], list[PaperPrint]] = {}
        for row in db.session.scalars(prints):
            by_paper.setdefault((row.kind, row.subject_id), []).append(row)
        return str(
            self.render(
                "papers/of_change.html",
                view=self,
                change=source.change,
                source=source,
                papers=papers_of_source(source),
                prints=by_paper,
            )
        )

    @expose("/of/<change_id>/print", methods=("POST",))
    def print_one(self, change_id: str) -> ResponseReturnValue:
        """Print a paper of a request and show it."""
        source = self._source(change_id)
        paper = _chosen(source)
        office = Office.load(db.session(), source.change.agency, base_url())
        printed = print_paper(office, source, paper, _printer())
        return self._recorded(printed, PaperPrint(change_id=source.change.id, subject_id=paper.subject_id))

    @expose("/of/<change_id>/all.pdf")
    def print_all(self, change_id: str) -> Response:
        """Send all papers of a request in one file."""
        source = self._source(change_id)
        papers = papers_of_source(source)
        if not papers:
            raise NotFound(_("A draft has no papers yet."))
        record_export(tr(_("Papers of a request")), [source.change.number or ""])
        office = Office.load(db.session(), source.change.agency, base_url())
        pdf = print_together(office, source, papers, _printer())
        return pdf_response(pdf, f"{(source.change.number or '').replace('/', '-')}.pdf")

    @expose("/step/<step_id>/print", methods=("POST",))
    def print_step(self, step_id: str) -> ResponseReturnValue:
        """Print the paper of one step, from the page of its record."""
        step = get_visible(Activity, step_id)
        source = self._source(str(step.change_id))
        paper = next((one for one in papers_of_source(source) if one.step and one.subject_id == step.id), None)
        if paper is None:
            raise NotFound(_("This step is not finished: it has no paper yet."))
        office = Office.load(db.session(), source.change.agency, base_url())
        printed = print_paper(office, source, paper, _printer())
        return self._recorded(printed, PaperPrint(change_id=source.change.id, subject_id=paper.subject_id))

    @expose("/sop/<sop_id>/print", methods=("POST",))
    def print_sop(self, sop_id: str) -> ResponseReturnValue:
        """Print an SOP and show it."""
        revision = get_visible(SopRevision, sop_id)
        office = Office.load(db.session(), revision.agency, base_url())
        printed = print_sop(office, revision, _printer())
        return self._recorded(printed, PaperPrint(sop_id=revision.id, subject_id=revision.id))

    # -- files -----------------------------------------------------------------------------------------------

    @expose("/<print_id>/draft.pdf")
    def draft(self, print_id: str) -> Response:
        """Send a draft; whoever printed it sees it, also that of an SOP, which belongs to no request."""
        self.require_permission(Verb.READ)
        row = db.session.get(PaperPrint, parse_id(print_id))
        if row is None or row.printed_by_id != get_current_user().id:
            row = self.get_one(str(parse_id(print_id)))
        content = content_to_send(row.file, row.number, row.agency_id)
        return pdf_response(content, f"{row.number.replace('/', '-')}.pdf")

    @expose("/signed/<signed_id>/file")
    def signed(self, signed_id: str) -> Response:
        """Send a signed file."""
        row = get_visible(SignedPaper, signed_id)
        content = content_to_send(row.file, row.name, row.agency_id)
        return pdf_response(content, row.name, row.media_type, "attachment")

    def _source(self, change_id: str) -> Source:
        """Return the request, if the current user may see it; raises NotFound."""
        self.require_permission(Verb.READ)
        criterion = visible(ChangeRequest, get_current_user(), is_acting_head=is_acting_head())
        change = load_change(db.session(), parse_id(change_id), criterion)
        if change is None:
            raise NotFound(_("There is no such record, or you may not see it."))
        return read_source(db.session(), change)

    def _recorded(self, printed: Printed, row: PaperPrint) -> ResponseReturnValue:
        """Keep a draft and go to its file; an inspector, who changes nothing, gets the file alone."""
        if Role.INSPECTOR in get_current_user().roles:
            note_in_transaction(f"{tr(printed.content.kind)}; {printed.number}")
            return pdf_response(printed.pdf, f"{printed.number.replace('/', '-')}.pdf")
        row.agency_id, row.kind, row.number = printed.agency_id, printed.content.kind, printed.number
        row.fingerprint, row.printed_by_id, row.printed_at = printed.fingerprint, get_current_user().id, now()
        record_print(db.session(), row, printed.pdf)
        url = self.get_url(".draft", print_id=row.id)
        db.session.commit()
        return redirect(url, 303)


def base_url() -> str:
    """Return the address of this program for the codes on papers."""
    return settings().base_url or request.host_url


def _printer() -> Printer:
    return Printer(get_current_user().full_name, now())


def _chosen(source: Source) -> Paper:
    """Return the paper that the form names; raises NotFound."""
    kind, subject = request.form.get("kind"), request.form.get("subject")
    for paper in papers_of_source(source):
        if paper.kind.value == kind and str(paper.subject_id) == subject:
            return paper
    raise NotFound(_("This request has no such paper yet."))


def pdf_response(
    content: bytes, name: str, media_type: str = "application/pdf", disposition: str = "inline"
) -> Response:
    """Return a file that is sent, a PDF unless ``media_type`` says otherwise."""
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'self'"
    response.headers["Cache-Control"] = "private, no-store"
    return response
