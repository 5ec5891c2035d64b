"""Stock Flask-Admin over the program's tables, as somebody would write it who knows Flask-Admin and nothing of us.

It shows the columns, filters and searches of our lists, loads relations by join, and leaves all else as it comes:
its templates, its row actions, its counts and pages, its exports. It has no login, no languages, no rights, no
trail, and one list for all agencies, which is in its favour. Its models are the tables as it finds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import and_, func

if TYPE_CHECKING:
    from types import SimpleNamespace

#: The agency whose queue is shown: the one whose head is logged in on our side.
AGENCY = 1


def create_app(url: str) -> Flask:
    """Return the stock program on the database at ``url``."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="stock", SQLALCHEMY_DATABASE_URI=url)
    db = SQLAlchemy(app)
    Babel(app)  # without it Flask-Admin 2.2.1 answers KeyError 'babel' where Flask-Babel is installed
    with app.app_context():
        db.reflect()
    models = _models(db)
    admin = Admin(app, name="Stock")
    admin.add_view(_change_view(models)(models.ChangeRequest, db, endpoint="change", url="change"))
    admin.add_view(_queue_view(models)(models.Activity, db, endpoint="approval", url="approval"))
    app.add_url_rule("/shutdown-check", view_func=lambda: Response(request.path))
    return app
