"""What a reader keeps of a list: its columns, and its address under a name; each list has a page for those names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, HiddenField, StringField

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import Incomplete, Malformed, NotFound
from lpse_admin.i18n import _
from models.audit import trail
from models.database import db
from models.listing.saved_view import SavedView, begin_with, keep_columns, kept_of, may_share, save
from models.scope import saved_views_of
from views.app.clock import now
from views.app.errors import wants_json
from views.forms.base import Form
from views.listing.header import ALL, arguments_of, standard_keys
from views.listing.lists import chosen
from views.listing.record_view import RecordView, me, row_id

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("saved_view", __name__, url_prefix="/lists/<screen>")

_LONGEST = 4000
_HIGHEST_PLACE = 99


class ViewForm(Form):
    """A view that is saved: its name, who has it, and whether the list begins with it."""

    address = HiddenField()
    name = StringField(_("Name"))
    shared_with = StringField(_("Who has it"))
    begins = BooleanField(_("Begin this list with it"))
    replaces = BooleanField(_("Replace the one of the same name"))

    def role(self) -> Role | None:
        """Return whom it is shared with; raises Malformed for what is no role."""
        if not self.shared_with.data:
            return None
        try:
            return Role(self.shared_with.data)
        except ValueError:
            raise Malformed(_("There is no such role.")) from None


def _screen(name: str) -> RecordView:
    """Return the screen of this name; raises NotFound where there is none, NotAllowed where it is not the reader's."""
    views = current_app.extensions["admin"][0]._views  # noqa: SLF001 - Flask-Admin has no other list of them
    found = next((view for view in views if isinstance(view, RecordView) and view.endpoint == name), None)
    if found is None:
        raise NotFound(_("There is no such list."))
    if not found.is_accessible():
        found.inaccessible_callback(name)
    return found


def _view(screen: RecordView, view_id: str) -> SavedView:
    """Return the saved view of this id among those of ``screen`` that the reader has; raises NotFound."""
    found = db.session.scalars(
        select(SavedView).where(
            SavedView.id == row_id(view_id), SavedView.screen == screen.resource, saved_views_of(me())
        )
    ).one_or_none()
    if found is None:
        raise NotFound(_("There is no such record, or it is not yours to see."))
    return found


def _list(screen: RecordView, query: str = "") -> Response:
    """Lead to the list."""
    address = url_for(f"{screen.endpoint}.index_view")
    return redirect(f"{address}?{query}" if query else address, 303)


def _sent_address(screen: RecordView) -> str:
    """Return the address of the list that was sent, as the list itself writes it; raises Malformed for none of it."""
    text = request.form.get("address", "")
    if len(text) > _LONGEST:
        raise Malformed(_("This address is too long to be kept."))
    listing = screen.listing(arguments_of(text))
    listing.criteria()
    return listing.arguments.address(screen.spec, page=0)


# -- columns -------------------------------------------------------------------------------------------------


@blueprint.post("/columns")
def columns(screen: str) -> Response:
    """Keep which columns the reader wants in this list and in what order, or put them back to the list's own."""
    view = _screen(screen)
    if not view.may_choose_columns:
        raise NotFound(_("There is no such list."))
    address = _sent_address(view)
    offered = view.offered()
    keys = [] if request.form.get("standard") else _wanted([column.key for column in offered])
    if keys:
        keys = [column.key for column in chosen(offered, keys)]
    session = db.session()
    trail.give(session, action="list.columns")
    keep_columns(session, me(), view.resource, [] if tuple(keys) == standard_keys(offered, {}) else keys)
    session.commit()
    flash(gettext("The columns are kept. Nobody else's list has changed."), "success")
    return _list(view, address or (ALL if kept_of(session, me(), view.resource).default else ""))


def _wanted(keys: list[str]) -> list[str]:
    """Return the ticked keys among ``keys`` by the numbers beside them; those without one keep their place."""
    ticked = set(request.form.getlist("show"))
    places = {key: (_place(request.form.get(f"place-{key}"), place), place) for place, key in enumerate(keys, 1)}
    return sorted((key for key in keys if key in ticked), key=places.__getitem__)


def _place(text: str | None, usual: int) -> int:
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST_PLACE))
    return int(text) if text and is_number else usual


# -- saved views ---------------------------------------------------------------------------------------------


@blueprint.get("/")
def index(screen: str) -> str:
    """Show the views of this list that the reader has."""
    return _page(_screen(screen))


def _page(screen: RecordView, **more: Any) -> str:  # noqa: ANN401 - for the template
    kept = kept_of(db.session(), me(), screen.resource)
    found = db.session.scalars(
        select(SavedView)
        .where(SavedView.id.in_([view.id for view in kept.views]))
        .options(joinedload(SavedView.user))
        .order_by(SavedView.name, SavedView.id)
    )
    return render_template(
        "listing/saved_views.html",
        screen=screen,
        list_url=url_for(f"{screen.endpoint}.index_view"),
        views=list(found),
        default=kept.default,
        may_share=may_share(me()),
        **{"save": None, "altered": None, **more},
    )


@blueprint.post("/")
def keep(screen: str) -> Any:  # noqa: ANN401 - a page or a redirect
    """Keep an address of this list under a name."""
    view = _screen(screen)
    form = ViewForm()
    query = _sent_address(view)
    session = db.session()
    trail.give(session, action="list.view.save")
    try:
        saved = save(
            session,
            me(),
            view.resource,
            name=form.name.data or "",
            query=query,
            shared_with=form.role(),
            replaces=form.replaces.data,
            now=now(),
        )
        if form.begins.data:
            begin_with(session, me(), view.resource, saved)
        session.commit()
    except Incomplete as refusal:
        return _refused(view, form, refusal, save=form)
    flash(gettext("The view is saved."), "success")
    return _list(view, query or ALL)


def _refused(screen: RecordView, form: ViewForm, refusal: Incomplete, **more: Any) -> tuple[str, int]:  # noqa: ANN401
    if wants_json():
        raise refusal
    db.session.rollback()
    form.refuse(refusal)
    return _page(screen, form=form, **more), form.status


@blueprint.post("/<view_id>/alter")
def alter(screen: str, view_id: str) -> Any:  # noqa: ANN401 - a page or a redirect
    """Give a view another name, or share it otherwise."""
    place, form = _screen(screen), ViewForm()
    view = _view(place, view_id)
    id_ = view.id
    trail.give(db.session(), action="list.view.alter")
    try:
        view.alter(me(), name=form.name.data or "", shared_with=form.role())
        db.session.commit()
    except Incomplete as refusal:
        return _refused(place, form, refusal, altered=id_)
    flash(gettext("The view is altered."), "success")
    return redirect(url_for(".index", screen=screen), 303)


@blueprint.post("/<view_id>/begin")
def begin(screen: str, view_id: str) -> Response:
    """Begin this list with a view or, with ``standard``, as the program has it again."""
    place = _screen(screen)
    view = _view(place, view_id)
    trail.give(db.session(), action="list.view.begin")
    begin_with(db.session(), me(), place.resource, None if request.form.get("standard") else view)
    db.session.commit()
    flash(gettext("The list begins differently from now on, for you alone."), "success")
    return redirect(url_for(".index", screen=screen), 303)


@blueprint.post("/<view_id>/discard")
def discard(screen: str, view_id: str) -> Response:
    """Remove a view; the page has asked before."""
    place = _screen(screen)
    view = _view(place, view_id)
    trail.give(db.session(), action="list.view.discard")
    view.discard(me())
    db.session.commit()
    flash(gettext("The view is removed."), "success")
    return redirect(url_for(".index", screen=screen), 303)
