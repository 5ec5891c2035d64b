"""The forms about papers: a signed file that came back, the letterhead, a layout, a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice

from lpse_admin.documents.file_types import FileType
from lpse_admin.documents.inspection import inspect_file
from lpse_admin.errors import Refused
from lpse_admin.i18n import _
from lpse_admin.papers.numbering import DEFAULT_PATTERN, PLACES
from models.database import db
from models.papers.letterhead import LetterheadInput, load_letterhead
from models.papers.printed import SignedForm
from views.forms.base import Form, Required
from views.forms.fields import ScannedFileField
from views.i18n.language import tr

if TYPE_CHECKING:
    from models.office.agency import Agency

_MAX_ARMS, _MAX_CERTIFICATE = 1024 * 1024, 200_000


class SignedPaperForm(Form):
    """A paper that came back signed."""

    signed_as = SelectField(_("How it was signed"), [Required()], coerce=SignedForm)
    file = ScannedFileField(_("Signed file"), [Required()])

    def set_up(self, record: object) -> None:
        """Offer both forms."""
        del record
        self.signed_as.choices = [SelectChoice(form.value, tr(form.title)) for form in SignedForm]

    def validate_file(self, field: ScannedFileField) -> None:
        """Raise ValidationError without a file, or for one that is not of the form."""
        if field.inspected is None:
            raise ValidationError(_("Choose the file that came back."))
        pdf = field.inspected.type is FileType.PDF
        if self.signed_as.data is SignedForm.ELECTRONIC and not pdf:
            raise ValidationError(_("An electronically signed paper is a PDF."))
        if not pdf and field.inspected.type not in {FileType.JPEG, FileType.PNG}:
            raise ValidationError(_("A scan is a PDF, a JPEG or a PNG."))


class ReasonForm(Form):
    """Why something that was set is taken back."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 2})


class LetterheadForm(Form):
    """The letterhead of an office."""

    names = TextAreaField(
        _("Names of region and office"),
        [Required()],
        render_kw={"rows": 3},
        description=_("A line each; the last is the office itself."),
    )
    address = TextAreaField(
        _("Address"), render_kw={"rows": 2}, description=_("A line each, also telephone and e-mail.")
    )
    arms = FileField(
        _("Coat of arms"), description=_("PNG or SVG, at most 1 MiB. Without a file the present one stays.")
    )
    without_arms = BooleanField(_("Without coat of arms"))
    place = StringField(_("Place of signing"), description=_("The word before the date."))
    signs_for = StringField(
        _("The head signs for"), description=_("Printed after “a.n.”; empty where nobody is signed for.")
    )
    number_pattern = StringField(_("Pattern of the numbers"))
    classification = StringField(_("Classification code"))
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 2})
    _arms: tuple[bytes, str] | None = None

    def begin_with(self, agency: Agency) -> None:
        """Begin with what is set, or with the names of the office."""
        places = "; ".join(f"{{{name}}}: {tr(meaning)}" for name, meaning in PLACES.items())
        self.number_pattern.description = f"{places}."
        if request.method != "GET":
            return
        row = load_letterhead(db.session(), agency.id)
        self.names.data = row.names if row else f"{agency.region}\n{agency.name}"
        self.number_pattern.data = (row.number_pattern if row else None) or DEFAULT_PATTERN
        for key in ("address", "place", "signs_for", "classification"):
            self[key].data = getattr(row, key, None) or ""

    def validate_arms(self, field: FileField) -> None:
        """Raise ValidationError for what is no PNG and no SVG."""
        if not field.data:
            return
        content = field.data.read(_MAX_ARMS + 1)
        field.data.close()
        if len(content) > _MAX_ARMS:
            raise ValidationError(_("The picture is larger than 1 MiB."))
        kind = _picture_type(content)
        if kind is None:
            raise ValidationError(_("This is no PNG and no SVG picture."))
        self._arms = content, kind

    def given(self) -> LetterheadInput:
        """Return what was typed."""
        keys = ("names", "address", "place", "signs_for", "number_pattern", "classification")
        texts = {key: self[key].data or "" for key in keys}
        return LetterheadInput(**texts, arms=self._arms, without_arms=bool(self.without_arms.data))


def _picture_type(content: bytes) -> str | None:
    if content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"<svg", b"<?xml")) and b"<svg" in content:
        return "svg"
    try:
        return "png" if inspect_file("arms.png", content).type is FileType.PNG else None
    except Refused:
        return None


class LayoutForm(Form):
    """The text of a layout."""

    template = "papers/layout_form.html"
    text = TextAreaField(
        _("Layout"), [Required()], render_kw={"rows": 30, "spellcheck": "false", "autocapitalize": "none"}
    )
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 2})


class CertificateForm(Form):
    """Certificates to be trusted."""

    file = FileField(_("Certificate file"), [Required()], description=_("PEM (.pem, .crt) or DER (.cer)."))
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 2})

    def arguments(self) -> dict[str, Any]:
        """Return the content of the file and the reason."""
        content = self.file.data.read(_MAX_CERTIFICATE + 1) if self.file.data else b""
        return {"content": content, "reason": self.reason.data or ""}
