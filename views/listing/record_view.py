"""Records that are created, edited, deleted and acted upon: the view that every screen extends.

A screen declares; addresses, buttons, rights, forms that survive a lapsed login and refusals follow. What it does not
declare it does not have: without ``create`` the address ``new/`` answers 404, without a grant 403.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import abort, flash, redirect, request
from flask_admin import expose
from typing_extensions import override

from lpse_admin.accounts.permissions import Verb
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from models.database import db
from views.app.access import can, get_current_user
from views.app.clock import now
from views.app.errors import wants_json
from views.forms.commit import commit_or_show_errors
from views.forms.once import forget_submissions_of, keep_submission
from views.forms.recovery import recoverable
from views.forms.uploads import KeptFile, keep_files
from views.i18n.wording import tr
from views.listing.actions import SAVED, Action, OfferedAction
from views.listing.read_only_view import ReadOnlyView, current_principal, get_visible, parse_id, url_builder

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from werkzeug.wrappers import Response

    from views.forms.base import Form
    from views.listing.actions import Record, When


class RecordView(ReadOnlyView):
    """A screen of records.

    ``create``, ``edit`` and ``delete`` are operations of the model. They are called with the session or the record,
    ``by`` (the current user), ``now`` and what the form's ``arguments()`` returns, and raise what a model raises.
    ``%(name)s`` in a text is the name of the record.
    """

    form: ClassVar[type[Form]]
    #: The form of ``edit/``, where it is another.
    edit_form_class: ClassVar[type[Form] | None] = None
    form_template: ClassVar[str] = "admin/form.html"

    create: ClassVar[Callable[..., Any] | None] = None
    create_submit: ClassVar[Message] = _("Save")
    create_success: ClassVar[Message] = SAVED

    edit: ClassVar[Callable[..., Any] | None] = None
    #: Hides the button where it is False; the operation raises there.
    edit_when: ClassVar[When | None] = None
    edit_label: ClassVar[Message] = _("Edit")
    edit_heading: ClassVar[Message] = Message("%(name)s")
    edit_success: ClassVar[Message] = SAVED

    delete: ClassVar[Callable[..., Any] | None] = None
    #: The form of ``delete/``, with its texts.
    delete_action: ClassVar[Action] = Action("delete", _("Remove"), verb=Verb.DELETE, success=_("Removed."))

    #: The actions on one record, in the order of their declaration.
    record_actions: ClassVar[tuple[Action, ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Derive from what is declared what Flask-Admin calls it."""
        super().__init_subclass__(**kwargs)
        cls.can_create = cls.can_create or cls.create is not None
        cls.can_edit = cls.can_edit or cls.edit is not None
        cls.can_delete = cls.can_delete or cls.delete is not None
        declared = (getattr(member, "action", None) for member in vars(cls).values())
        cls.record_actions += tuple(result for result in declared if isinstance(result, Action))

    # -- what a screen may override --------------------------------------------------------------------------

    def record_name(self, record: Record) -> str:
        """Return what people know a record by."""
        return str(record)

    def details_heading(self, record: Record) -> str:
        """Return the heading of the details page."""
        return self.record_name(record)

    def create_defaults(self) -> dict[str, Any]:
        """Return what the form of ``new/`` begins with."""
        return {}

    def record_context(self, record: Record) -> dict[str, Any]:  # noqa: ARG002
        """Return what the screen's own details template needs."""
        return {}

    @override
    def create_form(self, obj: Record | None = None) -> Form:
        """Return the form of ``new/``."""
        form = self.form(obj=obj, data=self.create_defaults())
        form.set_up(None)
        return form

    @override
    def edit_form(self, obj: Record | None = None) -> Form:
        """Return the form of ``edit/``, filled in from the record."""
        form = (self.edit_form_class or self.form)(obj=obj)
        form.set_up(obj)
        return form

    @override
    def create_model(self, form: Form) -> Record:
        """Create a record and return it."""
        operation: Any = type(self).create
        return operation(db.session(), by=get_current_user(), now=now(), **form.arguments())

    @override
    def update_model(self, form: Form, model: Record) -> None:
        """Change a record."""
        operation: Any = type(self).edit
        operation(model, by=get_current_user(), now=now(), **form.arguments())

    @override
    def delete_form(self) -> Form:
        """Return the form of ``delete/``."""
        return self.delete_action.form()

    @override
    def delete_model(self, model: Record, form: Form | None = None) -> None:
        """Delete a record, with what was typed into the form."""
        operation: Any = type(self).delete
        operation(model, by=get_current_user(), **(form.arguments() if form else {}))

    @override
    def after_model_change(self, form: Form, model: Record, is_created: bool) -> None:
        """Do what a screen has to do after a commit."""

    # -- pages -----------------------------------------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    @recoverable
    def create_view(self) -> ResponseReturnValue:
        """Create a record."""
        if self.create is None:
            abort(404)
        self.require_permission(Verb.CREATE)
        form = self.create_form()

        def done(record: Record) -> Response:
            self.after_model_change(form, record, is_created=True)
            return self.redirect_to_record(self._fill(self.create_success, record), record.id)

        return self.submit_form(
            form,
            lambda: self.create_model(form),
            done,
            location=lambda record: self.row_url(record.id),
            heading=self.create_label,
            submit=self.create_submit,
        )

    @expose("/edit/", methods=("GET", "POST"))
    @recoverable
    def edit_view(self) -> ResponseReturnValue:
        """Change a record."""
        if self.edit is None:
            abort(404)
        self.require_permission(Verb.EDIT)
        record = self.get_one(request.args.get("id", ""))
        record_id, form = record.id, self.edit_form(record)

        def done(_result: object) -> Response:
            self.after_model_change(form, record, is_created=False)
            return self.redirect_to_record(self._fill(self.edit_success, record), record_id)

        return self.submit_form(
            form,
            lambda: self.update_model(form, record),
            done,
            location=lambda _result: self.row_url(record_id),
            heading=self._fill(self.edit_heading, record),
            submit=_("Save"),
            back=self.row_url(record_id),
        )

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Delete a record."""
        if self.delete is None:
            abort(404)
        self.require_permission(Verb.DELETE)
        record = self.get_one(request.form.get("id", ""))
        action, form = self.delete_action, self.delete_form()
        success, page, index = self._fill(action.success, record), self.row_url(record.id), self.get_url(".index_view")

        def delete() -> None:
            self.delete_model(record, form)
            forget_submissions_of(page)

        return self.submit_form(
            form,
            delete,
            lambda _result: self.redirect_with_message(success, index),
            location=lambda _result: index,
            heading=self._fill(action.heading or action.label, record),
            submit=action.label,
            back=self.row_url(record.id),
        )

    def run_action(self, action: Action, method: Callable[..., str | None], record_id: str) -> ResponseReturnValue:
        """Take an action on a record: show its form, or submit it."""
        self.require_permission(action.verb)
        record = self.get_one(record_id)
        form = action.form()
        form.set_up(record)
        back = self.row_url(record.id) if action.back_url is None else action.back_url(form)
        return self.submit_form(
            form,
            lambda: method(self, record, form),
            lambda url: self.redirect_with_message(self._fill(action.success, record), url or back),
            location=lambda url: url or back,
            heading=self._fill(action.heading or action.label, record),
            submit=action.label,
            back=back,
        )

    def submit_form(  # noqa: PLR0913 - what is done, and what the page says
        self,
        form: Form,
        operation: Callable[[], Any],
        done: Callable[[Any], Response],
        *,
        location: Callable[[Any], str] | None = None,
        heading: Message,
        submit: Message,
        back: str | None = None,
    ) -> ResponseReturnValue:
        """Show ``form``; where it was sent, run ``operation`` in one transaction and return ``done`` of its result.

        What the operation refuses is shown beside the fields. ``location`` returns where ``done`` leads, for who
        sends the form again.
        """
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form):
                result = operation()
                if location is not None:
                    keep_submission(location(result))
            if not form.errors:
                return done(result)
        return self.render_form(form, heading, submit, back=back)

    def render_form(
        self,
        form: Form,
        heading: Message | str,
        submit: Message,
        *,
        template: str | None = None,
        **context: object,
    ) -> ResponseReturnValue:
        """Show a form: empty with 200; sent and refused with its status and what was typed, as JSON where asked."""
        if request.method == "POST":
            if wants_json():
                message = _("Some of the values entered cannot be saved.")
                raise ValidationFailed(message, field_errors=form.error_messages())
            keep_files(str(form.form_id.data), (KeptFile(*one) for one in form.files_to_keep()), replace=True)
        page = self.render(
            template or form.template or self.form_template,
            view=self,
            form=form,
            heading=tr(heading),
            submit=tr(submit),
            **context,
        )
        return page, form.status if request.method == "POST" else 200

    # -- the details page ------------------------------------------------------------------------------------

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the record with what the current user may do to it, for screens that declare an operation."""
        if not (self.can_edit or self.can_delete or self.record_actions):
            return {}
        record = self.get_one(str(id))
        return {
            "record": record,
            "name": self.details_heading(record),
            "edit_url": self.get_url(".edit_view", id=id) if self._may_edit(record) else None,
            "actions": self._offered_actions(record),
            **self.record_context(record),
        }

    def _may_edit(self, record: Record) -> bool:
        return self.can_edit and can(Verb.EDIT, self.resource) and _holds(type(self).edit_when, record)

    def _offered_actions(self, record: Record) -> list[OfferedAction]:
        """Return the actions that the current user may take on ``record`` now, its deletion last."""
        offered = [
            self._offer(action, self.get_url(f".{action.endpoint}", record_id=record.id), record)
            for action in self.record_actions
            if action.is_offered and can(action.verb, self.resource) and _holds(action.when, record)
        ]
        if self.can_delete and can(Verb.DELETE, self.resource):
            offered.append(self._offer(self.delete_action, self.get_url(".delete_view"), record))
        for other in offered[1:]:
            other.make_ids_unique()
        return offered

    def _offer(self, action: Action, url: str, record: Record) -> OfferedAction:
        form = action.form(formdata=None)
        form.set_up(record)
        return OfferedAction(
            action,
            url,
            form,
            summary=tr(self._fill(action.summary or action.label, record)),
            explanation=tr(self._fill(action.explanation, record)) if action.explanation else "",
        )

    # -- answers ---------------------------------------------------------------------------------------------

    def redirect_to_record(self, message: Message | str, record_id: int) -> Response:
        """Go to the details page of a record and say what was done."""
        return self.redirect_with_message(message, self.row_url(record_id))

    @staticmethod
    def redirect_with_message(message: Message | str, url: str) -> Response:
        """Go to ``url`` and say what was done."""
        flash(tr(message), "success")
        return redirect(url, 303)

    def _fill(self, message: Message, record: Record) -> Message:
        """Return ``message`` with the name of ``record`` in it."""
        if "%(name)s" not in message.text:
            return message
        return Message(message.text, {**message.values, "name": self.record_name(record)})


def _holds(when: When | None, record: Record) -> bool:
    return when is None or when(record, get_current_user(), now())


__all__ = ["RecordView", "current_principal", "get_visible", "parse_id", "url_builder"]
