"""Form fields that WTForms does not have."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask_babel import gettext
from flask_wtf.file import FileField
from typing_extensions import override
from wtforms import Field
from wtforms.validators import StopValidation
from wtforms.widgets import DateTimeLocalInput

from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.documents.inspection import InspectedFile, inspect_file
from lpse_admin.errors import FileTooLarge, ValidationFailed
from views.forms.base import Form
from views.i18n.language import current_timezone

if TYPE_CHECKING:
    from wtforms.form import BaseForm


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
        text = valuelist[0].strip() if valuelist else ""
        if not text:
            return
        try:
            self.data = dt.datetime.fromisoformat(text).replace(tzinfo=current_timezone())
        except ValueError:
            raise ValueError(gettext("This is not a date and time.")) from None


class ScannedFileField(FileField):
    """One file, checked by ``lpse_admin.documents.inspection``; ``content`` and ``inspected`` hold it after that."""

    content = b""
    inspected: InspectedFile | None = None

    @override
    def pre_validate(self, form: BaseForm) -> None:
        """Read the file, if one was sent; the form gets the status of its refusal."""
        if not self.data:
            return
        self.content = self.data.read(MAX_FILE_BYTES + 1)
        self.data.close()
        try:
            self.inspected = inspect_file(self.data.filename or "", self.content)
        except (ValidationFailed, FileTooLarge) as refusal:
            if isinstance(form, Form):
                form.status = refusal.status
            raise StopValidation(refusal.message) from None

    def as_document(self) -> dict[str, Any]:
        """Return name, media type and content, as ``models.documents.document.attach`` takes them."""
        if self.inspected is None:
            raise ValueError("the file has not been validated")
        return {"name": self.inspected.name, "media_type": self.inspected.type.media_type, "content": self.content}
