"""The field for a spreadsheet: a list of assets, or of item codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_wtf.file import FileField
from typing_extensions import override
from wtforms.validators import StopValidation

from lpse_admin.i18n import _
from lpse_admin.takeover.spreadsheet import MAX_BYTES
from views.forms.uploads import kept_files

if TYPE_CHECKING:
    from wtforms.form import BaseForm

HTTP_TOO_LARGE = 413


class SpreadsheetField(FileField):
    """One spreadsheet, at most ``MAX_BYTES``; ``given`` is its name and content."""

    given: tuple[str, bytes] | None = None

    @override
    def pre_validate(self, form: BaseForm) -> None:
        """Read the file that was sent, or that is kept for this form."""
        if self.data:
            name, content = self.data.filename or "", self.data.read(MAX_BYTES + 1)
            self.data.close()
            if len(content) > MAX_BYTES:
                vars(form)["status"] = HTTP_TOO_LARGE
                raise StopValidation(_("The file is larger than %(most)s MB: split it.", most=MAX_BYTES // 1024**2))
            self.given = name, content
        elif saved := kept_files(self.name):
            self.given = saved[-1].name, saved[-1].content

    @property
    def is_given(self) -> bool:
        """Whether there is a file, chosen now or kept."""
        return self.given is not None

    @property
    def kept_name(self) -> str | None:
        """The name of the file that is kept for this form."""
        return self.given[0] if self.given else None

    @property
    def sent_file(self) -> tuple[str, bytes] | None:
        """Return name and content of a file that was sent now; it is kept if the form comes back."""
        return self.given if self.data else None
