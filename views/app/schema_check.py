"""A database of another version than the program: nothing is served, and the page says why."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import request
from sqlalchemy.exc import SQLAlchemyError

from models.database import db, read_only
from models.schema import schema_error
from views.app.errors import error_response

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

    from lpse_admin.i18n import Message

#: Answered all the same: the error page needs the files, and the health check says it itself.
_EXEMPT = frozenset({"static", "health.healthz"})


def init_app(app: Flask) -> None:
    """Refuse every request of ``app`` until the schema has once been found to be the program's own."""
    is_present = False

    def check() -> Response | None:
        nonlocal is_present
        if is_present or request.endpoint in _EXEMPT:
            return None
        try:
            error = find_schema_error()
        except SQLAlchemyError:
            return None  # unavailable: whoever needs the database says so
        is_present = error is None
        return None if error is None else error_response(HTTPStatus.SERVICE_UNAVAILABLE, error)

    app.before_request(check)


def find_schema_error() -> Message | None:
    """Return why the program cannot work on the database; raises SQLAlchemyError where it cannot be reached."""
    with read_only(db.engine).connect() as connection:
        return schema_error(connection)
