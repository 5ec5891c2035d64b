"""The health check, for monitoring, without a login."""

from __future__ import annotations

import platform
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from flask import Blueprint, jsonify
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from lpse_admin.config import VERSION
from models.database import db
from views.app.access import public

blueprint = Blueprint("health", __name__)

_PACKAGES = ("Flask", "Flask-Admin", "SQLAlchemy", "WTForms")


@blueprint.get("/healthz")
@public
def healthz() -> tuple[Any, int]:
    """Return 200 and versions if the database is available, else 503."""
    answer: dict[str, Any] = {
        "program": VERSION,
        "python": platform.python_version(),
        "parts": {part: version(part) for part in _PACKAGES},
    }
    try:
        answer["database"] = {"kind": db.engine.dialect.name, "revision": _revision()}
    except SQLAlchemyError:
        db.session.rollback()
        return jsonify(status="unavailable", **answer), HTTPStatus.SERVICE_UNAVAILABLE
    return jsonify(status="ok", **answer), HTTPStatus.OK


def _revision() -> str | None:
    """Return the database's migration revision, or None if it was created without migrations."""
    connection = db.session.connection()
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
