"""A plain Flask-Admin application on the program's tables, without code of the program.

It has the columns, filters and searches of our lists, loads relationships with joins, and uses the defaults for
everything else: templates, row actions, counts, pages and exports. It has no login, translations, permissions or audit
trail, and one list for all agencies, which makes it faster. Its models are reflected tables with basic types.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import and_
from sqlalchemy.orm import foreign, relationship

db = SQLAlchemy()

#: The other tables with a screen in the program, so that the menu has the same length.
_OTHER_TABLES = (
    "evaluation", "urgency_assessment", "implementation", "test_run", "rollback", "report", "verification", "release",
    "asset_review", "asset_update", "document", "asset", "sop", "delegation", "audit_entry",
)  # fmt: skip

#: The agency whose queue is shown, as for the head in the program.
AGENCY = 1


class ChangeView(ModelView):
    """Requests, with the columns of our list."""

    can_view_details = True
    can_export = True
    export_types = ("csv", "xlsx")
    page_size = 25
    column_default_sort = ("id", True)
    column_list = (
        "number", "agency.name", "title", "kind", "urgency", "step", "open_activity.arrived_at", "result",
        "requester.full_name", "submitted_at",
    )  # fmt: skip
    column_export_list = (
        *column_list, "closed_at", "source", "requester_institution", "wanted_by", "revision",
    )  # fmt: skip
    column_sortable_list = ("submitted_at",)
    column_filters = ("step", "urgency", "result", "kind", "submitted_at")
    column_searchable_list = ("number", "title")
    # Without relationships: each would load its whole table into the form.
    form_columns = ("number", "title", "kind", "source", "urgency", "step", "result")


class QueueView(ModelView):
    """The emergencies that wait for the head, with the columns of our list."""

    can_view_details = True
    page_size = 25
    column_default_sort = "arrived_at"
    column_list = (
        "change.number", "change.title", "change.urgency", "arrived_at", "finished_at", "outcome", "actor.full_name",
        "capacity", "reason",
    )  # fmt: skip
    column_filters = ("outcome", "arrived_at")
    column_searchable_list = ("change.number", "change.title")

    def get_query(self) -> Any:  # noqa: ANN401 - Flask-Admin's signature
        """Return the waiting emergencies."""
        return super().get_query().where(*self._waiting())

    def get_count_query(self) -> Any:  # noqa: ANN401
        """Return their number."""
        return super().get_count_query().where(*self._waiting())

    def _waiting(self) -> tuple[Any, ...]:
        model = self.model
        return (
            model.agency_id == AGENCY,
            model.step == "approval",
            model.finished_at.is_(None),
            model.change.has(urgency="emergency"),
        )


def create_app(url: str) -> Flask:
    """Return the stock program on the database at ``url``."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="stock", SQLALCHEMY_DATABASE_URI=url)  # noqa: S106 - only runs during the benchmark
    db.init_app(app)
    with app.app_context():
        db.reflect()
        change, activity = _models()
        # Otherwise every row would load its relationships one by one.
        ChangeView.column_select_related_list = (change.agency, change.requester, change.open_activity)
        QueueView.column_select_related_list = (activity.change, activity.actor)
        admin = Admin(app, name="Stock")
        admin.add_view(ChangeView(change, db, endpoint="change", url="change"))
        admin.add_view(QueueView(activity, db, endpoint="approval", url="approval"))
        for table in _OTHER_TABLES:
            model = type(table.title(), (db.Model,), {"__table__": db.metadata.tables[table]})
            admin.add_view(ModelView(model, db, endpoint=table, url=table))
    return app


def _models() -> tuple[Any, Any]:
    """Return models of requests and activities on the reflected tables."""

    class Agency(db.Model):  # type: ignore[name-defined, misc]
        __table__ = db.metadata.tables["agency"]

    class User(db.Model):  # type: ignore[name-defined, misc]
        __table__ = db.metadata.tables["user_account"]

    class Activity(db.Model):  # type: ignore[name-defined, misc]
        __table__ = db.metadata.tables["activity"]
        actor = relationship(User, foreign_keys=__table__.c.actor_id)
        change = relationship(
            "ChangeRequest", primaryjoin="foreign(Activity.change_id) == ChangeRequest.id", viewonly=True
        )

    class ChangeRequest(db.Model):  # type: ignore[name-defined, misc]
        __table__ = db.metadata.tables["change_request"]
        agency = relationship(Agency)
        requester = relationship(User, foreign_keys=__table__.c.requester_id)
        open_activity = relationship(
            Activity,
            primaryjoin=and_(__table__.c.id == foreign(Activity.change_id), Activity.finished_at.is_(None)),
            viewonly=True,
            uselist=False,
        )

    return ChangeRequest, Activity
