"""The health check, for monitoring, without a login."""

from __future__ import annotations

import os
import platform
import tempfile
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Blueprint, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from lpse_admin.config import VERSION, is_loopback
from models.database import db, is_sqlite
from models.schema import schema_revision
from views.app.access import public
from views.app.schema_check import find_schema_error

blueprint = Blueprint("health", __name__)

#: About what a request with its files' records writes.
_ROOM_BYTES = 1024 * 1024
_PACKAGES = ("Flask", "Flask-Admin", "SQLAlchemy", "WTForms")


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
