"""The form that all forms extend: guarded against forgery, and its messages in the reader's language."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from flask import request
from flask_babel import gettext
from flask_wtf import FlaskForm
from typing_extensions import override
from werkzeug.datastructures import MultiDict
from wtforms import FileField, HiddenField, MultipleFileField, SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput

from lpse_admin.i18n import Message, _
from lpse_admin.workflow.questions import reach_question

if TYPE_CHECKING:
    #: A row of the screen's model.
    Record = Any
    from wtforms import Field
    from wtforms import Form as WTForm

    from lpse_admin.errors import Refused


class _Translations:
    """WTForms' messages out of the program's own catalogue, as WTForms has none in Indonesian."""

    def gettext(self, text: str) -> str:
        return str(gettext(text))

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        # Each is a text of its own in the catalogue: it is collected from below, where nothing tells that they are one.
        return self.gettext(singular if count == 1 else plural)


_TRANSLATIONS = _Translations()


#: The hidden field with the id of a form, by which it is taken once (``views.forms.once``).
FORM_ID = "form_id"
_FORM_ID_BYTES = 16
#: Before the name of a field: the box that confirms what is asked about it.
CONFIRM_PREFIX = "confirm-"


def new_form_id() -> str:
    """Return an id for a form on a page."""
    return secrets.token_hex(_FORM_ID_BYTES)


def is_form_id(text: str) -> bool:
    """Whether ``text`` can be an id of ``new_form_id``."""
    return len(text) == 2 * _FORM_ID_BYTES and not set(text) - set("0123456789abcdef")


class Form(FlaskForm):
    """A form of this program."""

    form_id = HiddenField(default=new_form_id)

    class Meta(FlaskForm.Meta):
        """Where the messages come from."""

        @override
        def get_translations(self, form: WTForm) -> _Translations:
            """Return the catalogue for WTForms' own messages."""
            return _TRANSLATIONS

        @override
        def wrap_formdata(self, form: WTForm, formdata: MultiDict[str, Any] | object) -> MultiDict[str, Any] | None:
            """Read texts from the fields that were sent and files from the files, and neither in the other's place."""
            if formdata is None or isinstance(formdata, MultiDict):
                return formdata
            if request.method != "POST":
                return None
            takes_files = {field.name for field in form if isinstance(field, FileField | MultipleFileField)}
            files = [one for one in request.files.items(multi=True) if one[0] in takes_files]
            return MultiDict([*files, *(one for one in request.form.items(multi=True) if one[0] not in takes_files)])

    #: The status of a form that was sent and not taken.
    status = 422
    #: The template of a page that shows this form, where it is not that of the screen.
    template: ClassVar[str] = ""

    def set_up(self, record: Record) -> None:
        """Fill in choices and defaults, and remove what the current user is not asked; ``record`` None is a new one."""

    def arguments(self) -> dict[str, Any]:
        """Return what was typed by the names of the operation's arguments; a text that was not sent is ""."""
        return {
            name: field.data or "" if isinstance(field, StringField) else field.data
            for name, field in self._fields.items()
            if not isinstance(field, HiddenField)
        }

    def add_errors(self, refusal: Refused) -> None:
        """Put each sentence of a refusal beside its field, and one that belongs to none above the form."""
        self.status = refusal.status
        for name, message in refusal.field_errors.items():
            if name in self._fields:
                self[name].errors = [*self[name].errors, message]
        if self._fields.keys().isdisjoint(refusal.field_errors):
            self.form_errors.append(refusal.message)

    def questions(self, now: dt.datetime) -> dict[str, Message]:
        """Return the questions about dates that were typed and are years away from ``now``, by field."""
        asked: dict[str, Message] = {}
        for name, field in self._fields.items():
            if isinstance(field.data, dt.date) and field.data != field.object_data:
                label = field.label.text
                question = reach_question(label if isinstance(label, Message) else str(label), field.data, now)
                if question is not None:
                    asked[str(name)] = question
                    field.flags.question = True  # with a box to tick beside it
        return asked

    def files_to_keep(self) -> list[tuple[str, str, bytes]]:
        """Return (field, name, content) of the files that were sent with it and are not at fault themselves."""
        sent = ((name, getattr(field, "sent_file", None)) for name, field in self._fields.items())
        return [(name, *file) for name, file in sent if file]

    def error_messages(self) -> dict[str, Message]:
        """Return the first sentence beside each field."""
        return {str(name): _as_message(result[0]) for name, result in self.errors.items() if result}


def _as_message(sentence: Message | str) -> Message:
    return _(sentence) if isinstance(sentence, str) else sentence


class Required:
    """Marks a field as required on the page; that something is there is checked by the rule behind the form."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, form: Form, field: Field) -> None:
        """Let everything through."""


class CheckboxListField(SelectMultipleField):
    """Several of a few, each with a box to tick (templates/macros/forms.html draws them)."""

    option_widget = CheckboxInput()


#: WTForms' own messages, named here so that they are collected into the catalogue.
WTFORMS_MESSAGES = (
    _("This field is required."),
    _("Not a valid choice."),
    _("Invalid Choice: could not coerce."),
    _("Invalid choice(s): one or more data inputs could not be coerced."),
    _("'%(value)s' is not a valid choice for this field."),
    _("'%(value)s' are not valid choices for this field."),
    _("Not a valid integer value."),
    _("Not a valid decimal value."),
    _("Not a valid float value."),
    _("Not a valid date value."),
    _("Not a valid datetime value."),
    _("Not a valid time value."),
    _("Not a valid week value."),
    _("Date must be at least %(min)s."),
    _("Date must be at most %(max)s."),
    _("Date must be between %(min)s and %(max)s."),
    _("Invalid email address."),
    _("Invalid input."),
    _("Invalid URL."),
    _("Invalid IP address."),
    _("Invalid Mac address."),
    _("Invalid UUID."),
    _("Invalid value, must be one of: %(values)s."),
    _("Invalid value, can't be any of: %(values)s."),
    _("This field cannot be edited."),
    _("This field is disabled and cannot have a value."),
    _("Field must be at least %(min)d character long."),
    _("Field must be at least %(min)d characters long."),
    _("Field cannot be longer than %(max)d character."),
    _("Field cannot be longer than %(max)d characters."),
    _("Field must be exactly %(max)d character long."),
    _("Field must be exactly %(max)d characters long."),
    _("Field must be between %(min)d and %(max)d characters long."),
    _("Field must be equal to %(other_name)s."),
    _("Invalid field name '%s'."),
    _("Number must be at least %(min)s."),
    _("Number must be at most %(max)s."),
    _("Number must be between %(min)s and %(max)s."),
    _("Choice cannot be None."),
    _("Choices cannot be None."),
    _("CSRF token missing."),
    _("CSRF failed."),
    _("CSRF token expired."),
    _("Invalid CSRF Token."),
)
