"""The app on a test's database with the demo users, and a visitor who sends requests to it."""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import select

from app import create_app
from demo.cast import PASSWORD, make_cast
from lpse_admin.config import LoginLimit, RunMode, Settings
from lpse_admin.sop import bundled_sops
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from models.sops.sop import load_revision

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from jinja2.bccache import Bucket
    from werkzeug.test import TestResponse

#: Small files to meet the requirements with.
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n2 0 obj<</Type/Page>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


#: What a user of the tests chooses at the first login.
OWN_PASSWORD = "tujuh bebek menyeberang jalan"


class _TemplateCache(BytecodeCache):
    """The compiled templates of this process, for all apps that its tests create."""

    _codes: ClassVar[dict[str, tuple[str, CodeType]]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the bytecode of an earlier app, unless the template has changed."""
        checksum, code = self._codes.get(bucket.key, (None, None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Store the bytecode."""
        assert bucket.code is not None
        self._codes[bucket.key] = bucket.checksum, bucket.code


# Set before any app is created: an app compiles some templates at once.
Flask.jinja_options = Flask.jinja_options | {"bytecode_cache": _TemplateCache()}

#: What a page or an answer says that asks for the password again.
_ASKS_PASSWORD = "Masukkan kata sandi Anda sekali lagi"

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def make_app(
    url: str,
    *,
    clock: Callable[[], dt.datetime] | None = None,
    login_limit: LoginLimit | None = None,
    proxies: int = 0,
) -> Flask:
    """Return the app on the empty database at ``url``, with both SOPs in force and the demo users."""
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


def give_own_passwords(app: Flask, at: dt.datetime | None = None) -> None:
    """Give the demo's users OWN_PASSWORD ``at`` a time (None: now), so that they can log in to production."""
    owner = User()
    owner.set_password(OWN_PASSWORD)
    with app.app_context():
        at = at or dt.datetime.now(dt.UTC)
        set_audit_context(db.session(), AuditContext(at=at, actor_id=None, actor_name="test", action="set up"))
        for user in db.session.scalars(select(User)):
            user.password_hash = owner.password_hash
        db.session.commit()


def close_app(app: Flask) -> None:
    """Close the database connections."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


class Visitor:
    """A user with a client of their own; ``json`` requests JSON responses."""

    def __init__(self, app: Flask, username: str | None = None, password: str = PASSWORD) -> None:
        """Create the client, and log in if a name is given."""
        self.client = app.test_client()
        self.token, self._password = "", password
        #: Called before each request; logs in again where the session has ended.
        self.renew: Callable[[], None] = lambda: None
        if username:
            self.log_in(username)

    def log_in(self, username: str) -> None:
        """Log in."""
        self.token = ""
        answer = self._post("/login", json=False, username=username, password=self._password)
        assert answer.status_code == 303, answer.text
        self.token = ""

    @classmethod
    def first_login(cls, app: Flask, username: str, password: str, own: str = OWN_PASSWORD) -> Visitor:
        """Log in with the password that an administrator set, and choose ``own`` instead."""
        visitor = cls(app, username, password)
        visitor._password = own
        answer = visitor.post("/first-password", new=own, again=own)
        assert answer.status_code == 303, answer.text
        visitor.token = ""
        return visitor

    def get(self, path: str, *, json: bool = False) -> TestResponse:
        """Send a GET request."""
        self.renew()
        return self.client.get(path, headers=_headers(json=json))

    def post(self, path: str, *, json: bool = False, **fields: Any) -> TestResponse:
        """Submit a form with its CSRF token; ``__`` in a name stands for ``-`` in the field's name."""
        self.renew()
        return self._post(path, json=json, **fields)

    def _post(self, path: str, *, json: bool, **fields: Any) -> TestResponse:
        if not self.token:
            self.token = self._token()
        data = {"csrf_token": self.token} | {name.replace("__", "-"): value for name, value in fields.items()}
        contents = {name: _content(value) for name, value in data.items()}
        answer = self._send(path, contents, json=json)
        if answer.status_code == 401 and _ASKS_PASSWORD in answer.text:
            answer = self._send(path, contents | {"current-password": self._password}, json=json)
        return answer

    def _send(self, path: str, contents: dict[str, Any], *, json: bool) -> TestResponse:
        data = {name: _as_file(value) for name, value in contents.items()}
        answer = self.client.post(path, data=data, headers=_headers(json=json))
        # The client leaves the temporary file of a large upload open.
        answer.request.environ["wsgi.input"].close()
        return answer

    def _token(self) -> str:
        page = self.client.get("/login", follow_redirects=True).text
        match = _TOKEN.search(page)
        assert match, "no page without a token for its forms"
        return match.group(1)


def _content(value: Any) -> Any:
    """Return a file of a form as its content and name, which can be sent twice; any other value as it is."""
    if isinstance(value, list):
        return [_content(one) for one in value]
    if isinstance(value, tuple) and isinstance(value[0], io.BytesIO):
        return _File(value[0].getvalue(), value[1:])
    return value


def _as_file(value: Any) -> Any:
    """Return a file as the client sends it."""
    if isinstance(value, list):
        return [_as_file(one) for one in value]
    return (io.BytesIO(value.content), *value.name) if isinstance(value, _File) else value


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a form."""

    content: bytes
    name: tuple[Any, ...]


def _headers(*, json: bool) -> dict[str, str]:
    return {"Accept": "application/json"} if json else {}
