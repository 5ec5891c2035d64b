"""What a reader keeps of a list: its columns, and its address under a name; each list has a page for those names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, HiddenField, StringField

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import Malformed, NotFound, ValidationFailed
from lpse_admin.i18n import _
from models.audit import trail
from models.database import db
from models.listing.saved_view import (
    SavedView,
    load_list_preference,
    may_share,
    save_columns,
    save_view,
    set_default_view,
)
from models.scope import visible_saved_views
from views.app.access import get_current_user
from views.app.clock import now
from views.app.errors import wants_json
from views.forms.base import Form
from views.forms.once import creates, keep_submission
from views.i18n.wording import tr
from views.listing.lists import select_columns
from views.listing.page.header import SHOW_ALL_QUERY, default_column_keys, parse_query
from views.listing.record_view import RecordView, parse_id

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from werkzeug.wrappers import Response

    from lpse_admin.i18n import Message

blueprint = Blueprint("saved_view", __name__, url_prefix="/lists/<screen>")

_MAX_QUERY_LENGTH = 4000
_MAX_POSITION = 99


class SavedViewForm(Form):
    """A view that is saved: its name, who has it, and whether the list begins with it."""

    address = HiddenField()
    name = StringField(_("Name"))
    shared_with = StringField(_("Visible to"))
    begins = BooleanField(_("Make default"))
    replaces = BooleanField(_("Replace the view of the same name"))

    def role(self) -> Role | None:
        """Return whom it is shared with; raises Malformed for what is no role."""
        if not self.shared_with.data:
            return None
        try:
            return Role(self.shared_with.data)
        except ValueError:
            raise Malformed(_("There is no such role.")) from None


def _record_view(name: str) -> RecordView:
    """Return the screen of this name; raises NotFound where there is none, NotAllowed where it is not the reader's."""
    views = current_app.extensions["admin"][0]._views  # noqa: SLF001 - Flask-Admin has no other list of them
    result = next((view for view in views if isinstance(view, RecordView) and view.endpoint == name), None)
    if result is None:
        raise NotFound(_("There is no such list."))
    if not result.is_accessible():
        result.inaccessible_callback(name)
    return result


def _saved_view(screen: RecordView, view_id: str) -> SavedView:
    """Return the saved view of this id among those of ``screen`` that the reader has; raises NotFound."""
    result = db.session.scalars(
        select(SavedView).where(
            SavedView.id == parse_id(view_id),
            SavedView.screen == screen.resource,
            visible_saved_views(get_current_user()),
        )
    ).one_or_none()
    if result is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    return result


def _list_url(screen: RecordView, query: str = "") -> str:
    """Return the address of the list."""
    address = url_for(f"{screen.endpoint}.index_view")
    return f"{address}?{query}" if query else address


def _submitted_query(screen: RecordView) -> str:
    """Return the address of the list that was sent, as the list itself writes it; raises Malformed for none of it."""
    text = request.form.get("address", "")
    if len(text) > _MAX_QUERY_LENGTH:
        raise Malformed(_("This address is too long to save."))
    listing = screen.list_query(parse_query(text))
    listing.criteria()
    return listing.arguments.query_string(listing.spec, page=0)


# -- columns -------------------------------------------------------------------------------------------------


@blueprint.post("/columns")
def columns(screen: str) -> Response:
    """Keep which columns the reader wants in this list and in what order, or put them back to the list's own."""
    view = _record_view(screen)
    if not view.can_choose_columns:
        raise NotFound(_("There is no such list."))
    address = _submitted_query(view)
    offered = view.get_selectable_columns()
    keys = [] if request.form.get("standard") else _selected_keys([column.key for column in offered])
    if keys:
        keys = [column.key for column in select_columns(offered, keys)]
    session = db.session()
    trail.update_audit_context(session, action="list.columns")
    save_columns(
        session, get_current_user(), view.resource, [] if tuple(keys) == default_column_keys(offered, {}) else keys
    )
    has_default = load_list_preference(session, get_current_user(), view.resource).default_view is not None
    location = _list_url(view, address or (SHOW_ALL_QUERY if has_default else ""))
    keep_submission(location)
    session.commit()
    flash(gettext("The columns are saved, for you only."), "success")
    return redirect(location, 303)


def _selected_keys(keys: list[str]) -> list[str]:
    """Return the ticked keys among ``keys`` by the numbers beside them; those without one keep their place."""
    ticked = set(request.form.getlist("show"))
    places = {
        key: (_parse_position(request.form.get(f"place-{key}"), index), index) for index, key in enumerate(keys, 1)
    }
    return sorted((key for key in keys if key in ticked), key=places.__getitem__)


def _parse_position(text: str | None, default: int) -> int:
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_POSITION))
    return int(text) if text and is_number else default


# -- saved views ---------------------------------------------------------------------------------------------


@blueprint.get("/")
def index(screen: str) -> str:
    """Show the views of this list that the reader has."""
    return _page(_record_view(screen))


def _page(screen: RecordView, **context: object) -> str:
    saved = load_list_preference(db.session(), get_current_user(), screen.resource)
    result = db.session.scalars(
        select(SavedView)
        .where(SavedView.id.in_([view.id for view in saved.views]))
        .options(joinedload(SavedView.user))
        .order_by(SavedView.name, SavedView.id)
    )
    return render_template(
        "listing/saved_views.html",
        screen=screen,
        list_url=url_for(f"{screen.endpoint}.index_view"),
        views=list(result),
        default=saved.default_view,
        may_share=may_share(get_current_user()),
        **{"save": None, "altered": None, **context},
    )


@blueprint.post("/")
@creates
def create(screen: str) -> ResponseReturnValue:
    """Keep an address of this list under a name."""
    view = _record_view(screen)
    form = SavedViewForm()
    query = _submitted_query(view)
    session = db.session()
    trail.update_audit_context(session, action="list.view.save")
    try:
        saved = save_view(
            session,
            get_current_user(),
            view.resource,
            name=form.name.data or "",
            query=query,
            shared_with=form.role(),
            replaces=form.replaces.data,
            now=now(),
        )
        if form.begins.data:
            set_default_view(session, get_current_user(), view.resource, saved)
        location = _list_url(view, query or SHOW_ALL_QUERY)
        keep_submission(location)
        session.commit()
    except ValidationFailed as refusal:
        return _show_errors(view, form, refusal, save=form)
    flash(gettext("The view is saved."), "success")
    return redirect(location, 303)


def _show_errors(
    screen: RecordView, form: SavedViewForm, refusal: ValidationFailed, **context: object
) -> tuple[str, int]:
    if wants_json():
        raise refusal
    db.session.rollback()
    form.add_errors(refusal)
    return _page(screen, form=form, **context), form.status


@blueprint.post("/<view_id>/alter")
def edit(screen: str, view_id: str) -> ResponseReturnValue:
    """Give a view another name, or share it otherwise."""
    record_view, form = _record_view(screen), SavedViewForm()
    view = _saved_view(record_view, view_id)
    id_ = view.id
    trail.update_audit_context(db.session(), action="list.view.alter")
    try:
        view.alter(get_current_user(), name=form.name.data or "", shared_with=form.role())
        return _commit(screen, _("The view was changed."))
    except ValidationFailed as refusal:
        return _show_errors(record_view, form, refusal, altered=id_)


def _commit(screen: str, done: Message) -> Response:
    """Commit, say what was done, and lead to the saved views of the list."""
    location = url_for(".index", screen=screen)
    keep_submission(location)
    db.session.commit()
    flash(tr(done), "success")
    return redirect(location, 303)


@blueprint.post("/<view_id>/begin")
def set_default(screen: str, view_id: str) -> Response:
    """Begin this list with a view or, with ``standard``, as the program has it again."""
    record_view = _record_view(screen)
    view = _saved_view(record_view, view_id)
    trail.update_audit_context(db.session(), action="list.view.begin")
    set_default_view(
        db.session(), get_current_user(), record_view.resource, None if request.form.get("standard") else view
    )
    return _commit(screen, _("The default view of the list was changed, for you only."))


@blueprint.post("/<view_id>/discard")
def delete(screen: str, view_id: str) -> Response:
    """Remove a view; the page has asked before."""
    record_view = _record_view(screen)
    view = _saved_view(record_view, view_id)
    trail.update_audit_context(db.session(), action="list.view.discard")
    view.discard(get_current_user())
    return _commit(screen, _("The view was removed."))
