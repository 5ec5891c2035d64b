"""Registration of all screens, in the order of the menu."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING

from flask import url_for
from flask_admin import Admin, AdminIndexView, expose
from flask_admin.theme import Theme
from werkzeug.utils import redirect

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.workflow.record_fields import REASON_FIELD, RECORD_FIELDS, FieldKind
from views.accounts.account_requests import AccountRequestView
from views.accounts.users import UserView
from views.app import layout
from views.app.access import can
from views.app.authentication.reauthentication import ask_password_at
from views.app.clock import now
from views.assessment.findings import FindingView
from views.audit.audit_trail import AuditView, audit_action_label
from views.audit.integrity import IntegrityView
from views.changes.changes import ChangeView
from views.changes.comments import CommentView
from views.changes.steps.fields import form_field_name
from views.changes.steps.views import STEP_VIEWS, ReturnedView
from views.dashboard import home
from views.delegation.absences import AbsenceView
from views.delegation.delegations import DelegationView
from views.deviations.deviations import DeviationView
from views.documents.documents import DocumentView
from views.forms.script_texts import script_texts
from views.i18n.language import current_timezone, format_date, format_datetime, tr
from views.inspection import dossier
from views.inspection.contents.registers import SCREENS_KEY
from views.inventory.assets import AssetView
from views.inventory.rooms import AssetCodeView, RoomView
from views.listing.page import saved_views
from views.notifications.mails import MailView
from views.notifications.notifications import NotificationView
from views.office.holidays import HolidayView
from views.office.settings import SettingView
from views.papers.paper_view import PaperView
from views.papers.setting_view import PaperSettingView
from views.papers.sheets.sheets import PrintedPeriodView
from views.releases.freezes import FreezeView
from views.retention.destructions import DestructionView
from views.retention.holds import HoldView
from views.retention.references import ArchiveReferenceView
from views.retention.rules import RetentionView
from views.search import search
from views.self_check.findings import SelfCheckView
from views.sops import flow_cell, limits, own_fields
from views.sops.appointments import AppointmentView
from views.sops.editor.edited_sops import EditedSopView
from views.sops.sops import SopView
from views.takeover.imports import AssetImportView

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from werkzeug.wrappers import Response

    from views.listing.record_view import RecordView


class IndexView(AdminIndexView):
    """Flask-Admin's index page, which redirects to the home page."""

    @expose("/")
    def index(self) -> Response:
        """Redirect to the home page."""
        return redirect(url_for("home.index"))

    def create_blueprint(self, admin: Admin) -> Blueprint:
        """Do not serve Flask-Admin's own static files, which no page uses."""
        self.static_folder = None
        blueprint: Blueprint = super().create_blueprint(admin)
        return blueprint


#: The menu: groups of screens. Screens that the user may not read are hidden.
MENU: tuple[tuple[Message | None, tuple[type[RecordView], ...]], ...] = (
    (None, (ChangeView,)),
    (_("Steps"), (*STEP_VIEWS, ReturnedView)),
    (None, (DeviationView,)),
    (None, (DocumentView,)),
    (_("Assets"), (AssetView, RoomView, AssetCodeView, AssetImportView, PrintedPeriodView)),
    (
        _("Governance"),
        (
            SopView,
            EditedSopView,
            AppointmentView,
            DelegationView,
            AbsenceView,
            FreezeView,
            HolidayView,
            SettingView,
            PaperSettingView,
            UserView,
            AccountRequestView,
        ),
    ),
    (_("Records"), (RetentionView, HoldView, DestructionView, ArchiveReferenceView)),
    (
        _("Supervision"),
        (SelfCheckView, FindingView, IntegrityView, PaperView, CommentView, MailView, AuditView),
    ),
)

#: Screens with a link in the page header and not in the menu.
HEADER_VIEWS: tuple[type[RecordView], ...] = (NotificationView,)


def register(app: Flask) -> None:
    """Register every screen with ``app``."""
    admin = Admin(
        app,
        name="LPSE",
        theme=Theme(folder="admin", base_template="base.html"),
        index_view=IndexView(url="/admin", endpoint="admin"),
        translations_path=app.config["BABEL_TRANSLATION_DIRECTORIES"],
    )
    menu = [(label, [view() for view in views]) for label, views in MENU]
    for _label, views in menu:
        admin.add_views(*views)
    for view in (view for _label, views in menu for view in views):
        for name in view.password_views:
            ask_password_at(app, f"{view.endpoint}.{name}", view.needs_password)
    app.extensions[SCREENS_KEY] = tuple(view for _label, views in menu for view in views)
    admin.add_views(*(view() for view in HEADER_VIEWS))
    app.register_blueprint(home.blueprint)
    app.register_blueprint(saved_views.blueprint)
    app.register_blueprint(search.blueprint)
    app.register_blueprint(dossier.blueprint)
    # Globals and no context processor: macros that are imported without context use them too.
    app.jinja_env.globals.update(
        form_field_name=form_field_name,
        can_copy=lambda: can(Verb.CREATE, Resource.CHANGE),
        may_file=lambda: can(Verb.CREATE, Resource.ARCHIVE_REFERENCE),
        can_read_assets=lambda: can(Verb.READ, Resource.ASSET),
        field_label=_field_label,
        field_value=_field_value,
        zone_label=_timezone_label,
        audit_action=audit_action_label,
        form_words=script_texts,
        roles=lambda: tuple(Role),
    )
    flow_cell.init_app(app)
    limits.init_app(app)
    own_fields.init_app(app)
    layout.init_app(app, menu)


_LABELS: dict[str, Message] = {
    field.key: field.label for fields in RECORD_FIELDS.values() for field in (*fields, REASON_FIELD)
}


def _field_label(key: str) -> str:
    """Return the label of a record's field by its key; a field of a list's row has the label of the list."""
    key = next((own for own in _LABELS if form_field_name(own) == key), key)
    return tr(_LABELS.get(key) or _LABELS.get(key.partition("-")[0]) or key)


_FIELDS = {field.key: field for fields in RECORD_FIELDS.values() for field in fields}


def _field_value(key: str, value: str) -> str:
    """Return the value of a record's field formatted for the user; an invalid value is returned unchanged."""
    field = _FIELDS.get(next((own for own in _LABELS if form_field_name(own) == key), key))
    with suppress(ValueError):
        match field.kind if field else None:
            case FieldKind.CHOICE if field and field.choices:
                return tr(field.choices(value))
            case FieldKind.CHOICES if field and field.choices:
                return tr(join_messages([field.choices(one).title for one in value.split()], ", "))
            case FieldKind.DATE:
                return format_date(dt.date.fromisoformat(value))
            case FieldKind.DATETIME:
                moment = dt.datetime.fromisoformat(value)
                return format_datetime(moment if moment.tzinfo else moment.replace(tzinfo=current_timezone()))
    return value


def _timezone_label() -> str:
    """Return the short name of the user's time zone, such as WIB."""
    return now().astimezone(current_timezone()).tzname() or ""
