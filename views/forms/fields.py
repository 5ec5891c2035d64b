"""Form fields that WTForms does not have, and those that read what people type by ``lpse_admin.parsing``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flask_babel import gettext
from flask_wtf.file import FileField
from typing_extensions import override
from wtforms import DateField as WTFormsDateField
from wtforms import Field, StringField
from wtforms import IntegerField as WTFormsIntegerField
from wtforms.validators import StopValidation
from wtforms.widgets import DateTimeLocalInput, TextInput

from lpse_admin.documents.file_types import EXECUTED_EXTENSIONS, MAX_FILE_BYTES, FileType
from lpse_admin.errors import FileTooLarge, ValidationFailed
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date, read_datetime
from lpse_admin.parsing.numbers import read_whole_number, write_number
from models.database import db
from models.documents.scanner import HeldBackError
from models.office.options import load_accepted_types
from views.app.access import get_current_user
from views.forms.base import Form
from views.forms.scanning import check_file
from views.forms.uploads import kept_files
from views.i18n.language import current_timezone, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from wtforms.form import BaseForm

    from lpse_admin.documents.inspection import InspectedFile


class DateField(WTFormsDateField):
    """A date, as a browser sends it and as people write it: 2025-12-31, 31-12-2025, 31 Desember 2025."""

    @override
    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the date; what cannot be read is an error with its reason."""
        self.data = _read(read_date, valuelist)


class IntegerField(WTFormsIntegerField):
    """A whole number, with a full stop between groups of three digits or without: 1.440."""

    widget = TextInput()

    @override
    def __init__(self, *args: Any, **settings: Any) -> None:
        """Ask telephones for their keyboard of digits."""
        settings["render_kw"] = {"inputmode": "numeric", **(settings.get("render_kw") or {})}
        super().__init__(*args, **settings)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else write_number(self.data)

    @override
    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the number; what cannot be read is an error with its reason."""
        self.data = _read(read_whole_number, valuelist)


_T = TypeVar("_T")


def _read(read: Callable[[str], _T], valuelist: list[str]) -> _T | None:
    """Return what ``read`` makes of the submitted text; raises ValueError with the reader's reason, translated."""
    try:
        return read(valuelist[0]) if valuelist else None
    except UnreadableError as refusal:
        raise ValueError(tr(refusal.message)) from None


class ParsedField(StringField):
    """A text that ``read`` turns into a value, and ``write`` a value into text."""

    @override
    def __init__(
        self, label: object = None, *, read: Callable[[str], Any], write: Callable[[Any], str], **settings: Any
    ) -> None:
        """Take the functions; ``read`` raises UnreadableError for what it cannot read."""
        super().__init__(label, **settings)
        self.read, self.write = read, write

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.write(self.data)

    @override
    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the value; what cannot be read is an error with its reason."""
        self.data = _read(self.read, valuelist)


class AwareDateTimeField(Field):
    """A date and time in the reader's time zone, read into an aware datetime."""

    widget = DateTimeLocalInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.astimezone(current_timezone()).strftime("%Y-%m-%dT%H:%M") if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what a browser's date and time field sends."""
        self.data = None
        zone = current_timezone()
        self.data = _read(lambda text: read_datetime(text, zone), valuelist)


def file_input_attributes(accepted: Collection[FileType]) -> dict[str, str]:
    """Return the attributes of a file input: the usual extensions for its dialog, and what a script refuses at once.

    The extensions are an offer (a telephone converts its photographs for them): the content decides.
    """
    extensions = [f".{extension}" for kind in FileType if kind in accepted for extension in kind.extensions]
    return {"accept": ",".join(extensions), "data-refused": " ".join(sorted(EXECUTED_EXTENSIONS))}


def describe_accepted_files(accepted: Collection[FileType]) -> str:
    """Return the sentence below a file input."""
    kinds = ", ".join(kind.label for kind in FileType if kind in accepted)
    return str(gettext("%(kinds)s, at most %(most)s MB each.", kinds=kinds, most=MAX_FILE_BYTES // 1024**2))


class ScannedFileField(FileField):
    """One file, checked by ``lpse_admin.documents.inspection``; ``content`` and ``inspected`` hold it after that.

    Where none was chosen it is the one that came with the form before, when that came back (``views.forms.uploads``).
    """

    content = b""
    inspected: InspectedFile | None = None
    #: The name of the file that is kept for this form.
    kept_name: str | None = None

    accepted: Collection[FileType] = ()

    @override
    def process_data(self, value: object) -> None:
        """Offer the kinds of files that the current user's office takes."""
        super().process_data(value)
        self.accepted = load_accepted_types(db.session(), get_current_user().agency_id)
        self.description = describe_accepted_files(self.accepted)
        self.render_kw = {**(self.render_kw or {}), **file_input_attributes(self.accepted)}

    @override
    def pre_validate(self, form: BaseForm) -> None:
        """Read the file, if one was sent or kept; the form gets the status of its refusal."""
        if self.data:
            name, self.content = self.data.filename or "", self.data.read(MAX_FILE_BYTES + 1)
            self.data.close()
        elif saved := kept_files(self.name):
            name, self.content = saved[-1].name, saved[-1].content
        else:
            return
        try:
            self.inspected = check_file(name, self.content, self.accepted)
        except (ValidationFailed, FileTooLarge) as refusal:
            if isinstance(form, Form):
                form.status = refusal.status
            if isinstance(refusal, HeldBackError):
                self.kept_name = name  # it waits with the form for the scanner
            raise StopValidation(refusal.message) from None
        self.kept_name = name

    @property
    def is_given(self) -> bool:
        """Whether there is a file, chosen now or kept."""
        return self.inspected is not None

    @property
    def sent_file(self) -> tuple[str, bytes] | None:
        """Return name and content of a file that was sent now and can be taken; it is kept if the form comes back."""
        return (self.kept_name, self.content) if self.data and self.kept_name else None

    def as_document(self) -> dict[str, Any]:
        """Return name, media type and content, as ``models.documents.document.attach`` takes them."""
        if self.inspected is None:
            raise ValueError("the file has not been validated")
        return {"name": self.inspected.name, "media_type": self.inspected.type.media_type, "content": self.content}
