"""The program as its users meet it: the app on a test's database, with the demo cast, and somebody who uses it."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, ClassVar

from flask import Flask
from jinja2 import BytecodeCache

from app import create_app
from demo.cast import PASSWORD, make_cast
from lpse_admin.config import LoginLimit, RunMode, Settings
from lpse_admin.sop import bundled_sops
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from models.sops.sop import load_revision

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from jinja2.bccache import Bucket
    from werkzeug.test import TestResponse

#: The small files that requirements are met with.
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


class _TemplateCache(BytecodeCache):
    """The compiled templates of this process, for every program that its tests make."""

    _codes: ClassVar[dict[str, tuple[str, CodeType]]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what an earlier program compiled, unless the template has changed since."""
        checksum, code = self._codes.get(bucket.key, (None, None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        assert bucket.code is not None
        self._codes[bucket.key] = bucket.checksum, bucket.code


# Set before there is any program, since each compiles some of its templates when it is made.
Flask.jinja_options = Flask.jinja_options | {"bytecode_cache": _TemplateCache()}

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def make_app(
    url: str,
    *,
    clock: Callable[[], dt.datetime] | None = None,
    login_limit: LoginLimit | None = None,
    proxies: int = 0,
) -> Flask:
    """Return the app on the empty database at ``url``, with both papers in force and the demo cast."""
    settings = Settings(
        run_mode=RunMode.DEMO,
        database_url=url,
        secret_key="x" * 32,
        login_limit=login_limit or LoginLimit(),
        proxies=proxies,
    )
    app = create_app(settings, clock=clock)
    now = clock() if clock else dt.datetime.now(dt.UTC)
    with app.app_context():
        session = db.session()
        set_audit_context(session, AuditContext(at=now, actor_id=None, actor_name="test", action="set up"))
        for key, text in bundled_sops():
            load_revision(session, text, key, now=now).enact(now=now, by=None)
        make_cast(session, now)
        session.commit()
    return app


def close_app(app: Flask) -> None:
    """Let go of the database."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


class Visitor:
    """Somebody with a browser of their own; ``json`` asks for answers as JSON."""

    def __init__(self, app: Flask, username: str | None = None, password: str = PASSWORD) -> None:
        """Come in, and log in where a name is given."""
        self.client = app.test_client()
        self.token = ""
        if username:
            answer = self.post("/login", username=username, password=password)
            assert answer.status_code == 303, answer.text
            self.token = ""

    def get(self, path: str, *, json: bool = False) -> TestResponse:
        """Ask for a page."""
        return self.client.get(path, headers=_headers(json=json))

    def post(self, path: str, *, json: bool = False, **fields: Any) -> TestResponse:
        """Send a form with its token; a name's ``__`` stands for the ``-`` of the form's fields."""
        if not self.token:
            self.token = self._token()
        data = {"csrf_token": self.token} | {name.replace("__", "-"): value for name, value in fields.items()}
        answer = self.client.post(path, data=data, headers=_headers(json=json))
        # What is large was sent from a temporary file, which the client leaves open.
        answer.request.environ["wsgi.input"].close()
        return answer

    def _token(self) -> str:
        page = self.client.get("/login", follow_redirects=True).text
        found = _TOKEN.search(page)
        assert found, "no page without a token for its forms"
        return found.group(1)


def _headers(*, json: bool) -> dict[str, str]:
    return {"Accept": "application/json"} if json else {}
