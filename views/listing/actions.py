"""Actions on one record: a button on its details page, an address, a right and a form from one declaration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask_admin import expose

from lpse_admin.accounts.permissions import Verb
from lpse_admin.i18n import Message, _
from views.forms.base import Form
from views.forms.recovery import recoverable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from models.accounts.user import User
    from views.listing.record_view import RecordView

    #: A row of the screen's model.
    Record = Any
    #: Whether a user may take an action on a record at a moment, as far as the record decides that.
    When = Callable[[Record, User, dt.datetime], bool]


SAVED = _("Saved.")


@dataclass(frozen=True, slots=True)
class Action:
    """What a screen can do to one of its records, beside editing and deleting it.

    ``%(name)s`` in a text is the name of the record.
    """

    name: str
    #: The text of the button.
    label: Message
    form: type[Form] = Form
    #: Hides the button where it is False; the operation raises there.
    when: When | None = None
    verb: Verb = Verb.EDIT
    #: The text of the line on the details page that unfolds the form, and the sentence above the form.
    summary: Message | None = None
    explanation: Message | None = None
    #: The heading of the page that shows the form with its errors.
    heading: Message | None = None
    #: What the next page says when it is done.
    success: Message = SAVED
    #: Whether the form has a page of its own, and a link to that on the details page.
    has_page: bool = False
    is_dangerous: bool = False
    #: Whether the details page offers it; another page does where it is False.
    is_offered: bool = True
    #: The address of "Back" on the page of its form, where it is not the details page.
    back_url: Callable[[Any], str] | None = None
    #: The name of the method, which Flask-Admin makes the endpoint of.
    endpoint: str = ""

    @property
    def has_fields(self) -> bool:
        """Whether its form has fields to fill in."""
        return self.form is not Form

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of its address."""
        return ("GET", "POST") if self.has_page else ("POST",)


@dataclass(frozen=True, slots=True)
class OfferedAction:
    """An action as the details page of a record offers it: its address, and its form, empty."""

    action: Action
    url: str
    form: Form
    summary: str
    explanation: str

    def make_ids_unique(self) -> None:
        """Give the fields other ids than those of another form on the same page."""
        for field in self.form:
            field.id = field.label.field_id = f"{self.action.name}-{field.id}"


def action(name: str, label: Message, **declared: Any) -> Callable[[Callable[..., str | None]], Callable[..., Any]]:  # noqa: ANN401 - the fields of ``Action``
    """Declare a method of a ``RecordView`` as an action, answered at ``<id>/<name>``; see ``Action`` for the rest.

    The method is called with the record and its valid form, calls the operation of the model, and returns None, or
    the address to go to instead of the details page.
    """

    def declare(method: Callable[..., str | None]) -> Callable[..., Any]:
        declaration = Action(name, label, **declared, endpoint=method.__name__)

        @expose(f"/<record_id>/{name}", methods=declaration.methods)
        @wraps(method)
        def answer(view: RecordView, record_id: str) -> ResponseReturnValue:
            return view.run_action(declaration, method, record_id)

        vars(answer)["action"] = declaration
        return recoverable(answer) if declaration.has_fields else answer

    return declare
