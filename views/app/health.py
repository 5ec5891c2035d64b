"""The health check, for monitoring, without a login; and a database of another version, which is not served."""

from __future__ import annotations

import os
import platform
import tempfile
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from lpse_admin.config import VERSION, is_loopback
from models.database import db, is_sqlite, read_only
from models.schema import schema_error, schema_revision
from views.app.access import public
from views.app.errors import error_response

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

    from lpse_admin.i18n import Message

blueprint = Blueprint("health", __name__)

#: About what a request with its files' records writes.
_ROOM_BYTES = 1024 * 1024
_PACKAGES = ("Flask", "Flask-Admin", "SQLAlchemy", "WTForms")
#: Answered on any database: the error page needs the files, and the health check says it itself.
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


@blueprint.get("/healthz")
@public
def healthz() -> tuple[Any, int]:
    """Return 200 if the database is of this version and can be read and written, else 503.

    Versions are told only to this machine itself.
    """
    try:
        versions = _versions() if is_loopback(request.remote_addr or "") else {}
        is_writable = find_schema_error() is None and _is_writable()
    except SQLAlchemyError:
        db.session.rollback()
        versions, is_writable = {}, False
    if not is_writable:
        return jsonify(status="unavailable", **versions), HTTPStatus.SERVICE_UNAVAILABLE
    return jsonify(status="ok", **versions), HTTPStatus.OK


def _versions() -> dict[str, Any]:
    """Return the versions of the program and its parts, which tell strangers where to look for holes."""
    return {
        "program": VERSION,
        "python": platform.python_version(),
        "parts": {part: version(part) for part in _PACKAGES},
        "database": {"kind": db.engine.dialect.name, "revision": schema_revision(db.session.connection())},
    }


def _is_writable() -> bool:
    """Whether the database takes writes: SQLite's disk has room, PostgreSQL is no standby and not set read-only."""
    if is_sqlite(db.engine):
        return has_room(Path(db.engine.url.database or "").parent)
    answer = db.session.connection().execute(text("SELECT current_setting('transaction_read_only')"))
    return bool(answer.scalar_one() == "off")


def has_room(folder: Path) -> bool:
    """Whether a file of a mebibyte can be written into ``folder``; it is removed at once."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)
    except OSError:
        return False
    return True
