"""The app with the clients of its users, for tests over HTTP: one for all tests of a file."""

from __future__ import annotations

import datetime as dt
import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, select

from lpse_admin.accounts.roles import Role
from lpse_admin.config import LoginLimit
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.transitions import required_items
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.sops.sop import SopRevision
from tests.support.cast import (
    LUMAJANG,
    NOW,
    TANA_TIDUNG,
    AuditedSession,
    Cast,
    Office,
    change_at_step,
    set_test_audit_context,
    user,
    values_for,
)
from tests.support.present import present
from tests.support.program import PDF, Visitor, close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _pytest.mark import ParameterSet
    from flask import Flask
    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

    from lpse_admin.sop.steps import Outcome
    from tests.conftest import NewDatabase

#: Fields with another name in the form: ``version`` is taken by the version of the request.
FORM_FIELD_NAMES = {"version": "release_version"}

#: Less than any session lasts without use.
_SESSION = dt.timedelta(hours=1)

#: The suffix of the usernames of each SOP's office.
ACCOUNT_SUFFIXES = {LUMAJANG: "", TANA_TIDUNG: ".tt"}


def sample_for_postgres(values: Iterable[Any], step: int = 3) -> list[ParameterSet]:
    """Return test parameters: all for SQLite, the first and every ``step``-th for PostgreSQL."""
    marks = pytest.mark.sqlite_alone
    sets = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*one, marks=marks if index % step else ()) for index, one in enumerate(sets)]


@dataclass
class RunningApp:
    """The app, its clock, and the visitors so far."""

    app: Flask
    engine: Engine
    now: dt.datetime = NOW
    _visitors: dict[str, Visitor] = field(default_factory=dict)

    def visitor(self, username: str) -> Visitor:
        """Return the client of a user, which is logged in again where the clock was moved past the end of a session."""
        return self._visitors.get(username) or self.log_in_again(username)

    def log_in_again(self, username: str) -> Visitor:
        """Log a user in with a new client, and return it."""
        visitor = Visitor(self.app, username)
        since = self.now

        def renew() -> None:
            nonlocal since
            if abs(self.now - since) > _SESSION:
                since = self.now
                visitor.log_in(username)

        visitor.renew = renew
        self._visitors[username] = visitor
        return visitor

    def actor(self, change_id: int) -> Visitor:
        """Return the client of the next move's actor; of the requester for a closed request."""
        with self.session() as session:
            name = _actor_username(session.get_one(ChangeRequest, change_id))
        return self.visitor(name)

    @contextmanager
    def session(self) -> Iterator[AuditedSession]:
        """Open a session on the database."""
        with AuditedSession(self.engine) as session:
            set_test_audit_context(session)
            yield session

    def cast(self, session: AuditedSession) -> Cast:
        """Return the cast, for the functions of ``tests.support.cast``."""
        return Cast(_office(session, LUMAJANG), _office(session, TANA_TIDUNG), _user(session, "admin"))

    def change_at_step(self, key: str, step: Step) -> int:
        """Create a request of the office of ``key`` at ``step``, and return its id."""
        with self.session() as session:
            return change_at_step(session, self.cast(session).office(key), step).id

    def move_form(self, change_id: int, outcome: Outcome, **values: Any) -> dict[str, Any]:
        """Return the complete form of the current step for ``outcome``; ``typed`` overrides its fields."""
        with self.session() as session:
            change = session.get_one(ChangeRequest, change_id)
            return move_form(change, outcome) | values

    def make_move(self, change_id: int, outcome: Outcome, *, json: bool = False, **values: Any) -> TestResponse:
        """Submit a complete move as its actor, and return the response."""
        fields = self.move_form(change_id, outcome, **values)
        return self.actor(change_id).post(f"/admin/change/{change_id}/move", json=json, **fields)

    def actor_page(self, change_id: int) -> TestResponse:
        """Return the page of a request as the actor of the next move sees it."""
        return self.actor(change_id).get(f"/admin/change/details/?id={change_id}")

    def step_and_version(self, change_id: int) -> tuple[Step, int]:
        """Return the current step and the version of a request."""
        with self.session() as session:
            change = session.get_one(ChangeRequest, change_id)
            return change.step, change.version


def move_form(change: ChangeRequest, outcome: Outcome) -> dict[str, Any]:
    """Return the form fields of a complete move, including files."""
    fields: dict[str, Any] = {"outcome": outcome.value, "version": str(change.version)}
    step = Step.REQUEST if change.step is Step.RETURNED else change.step
    for key, value in values_for(step, outcome).items():
        fields |= form_fields(FORM_FIELD_NAMES.get(key, key), value, change)
    there = {document.item_key for document in change.documents}
    items = () if change.step is Step.CLOSED else required_items(change.sop.rules[change.step], change.position)
    for item in items:
        if item.kind is ItemKind.EQUIPMENT:
            fields[f"equipment-{item.key}"] = "y"
        elif item.kind is ItemKind.DOCUMENT and item.key not in there:
            fields[f"document-{item.key}"] = upload_file(f"{item.key}.pdf")
    return fields


def form_fields(key: str, value: Any, change: ChangeRequest | None = None) -> dict[str, str]:
    """Return a value of a record as form fields."""
    if isinstance(value, list):
        rows = [{name: part for name, part in row.items() if part is not None} for row in value]
        return {f"{key}-{number}-{name}": str(part) for number, row in enumerate(rows) for name, part in row.items()}
    if isinstance(value, tuple):  # one of them: these forms have each field once
        return {key: value[0].value}
    if isinstance(value, dt.datetime):
        return {key: value.astimezone(present(change).agency.zone).strftime("%Y-%m-%dT%H:%M")}
    return {key: value.value if isinstance(value, StrEnum) else str(value)}


def upload_file(name: str, content: bytes = PDF) -> tuple[io.BytesIO, str]:
    """Return a file for a form."""
    return io.BytesIO(content), name


def _actor_username(change: ChangeRequest) -> str:
    rule = change.sop.rules.get(change.step)
    names = {Role.CHANGE_MANAGER: "pengelola", Role.HEAD: "kepala"}
    return names.get(rule.actor if rule else Role.REQUESTER, "pemohon") + ACCOUNT_SUFFIXES[change.sop.key]


def _user(session: AuditedSession, username: str) -> User:
    return session.scalars(select(User).where(User.username == username)).one()


def _office(session: AuditedSession, key: str) -> Office:
    names = ("pemohon", "pemohon2", "pengelola", "pengelola2", "kepala", "plh", "pemeriksa", "administrator")
    revision = session.scalars(select(SopRevision).where(SopRevision.key == key)).one()
    return Office(revision, *(_user(session, name + ACCOUNT_SUFFIXES[key]) for name in names))


@contextmanager
def open_app(url: str, *, failures: int = 1000) -> Iterator[RunningApp]:
    """Open the app on the empty database at ``url``, with the demo users and an administrator for each office."""
    result: list[RunningApp] = []
    app = make_app(
        url, clock=lambda: result[0].now if result else NOW, login_limit=LoginLimit(failures=failures, minutes=15)
    )
    engine = create_engine(url)
    result.append(RunningApp(app, engine))
    with result[0].session() as session:
        for key, suffix in ACCOUNT_SUFFIXES.items():
            revision = session.scalars(select(SopRevision).where(SopRevision.key == key)).one()
            user(session, revision.agency, f"administrator{suffix}", Role.ADMINISTRATOR)
        session.commit()
    yield result[0]
    engine.dispose()
    close_app(app)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def running_app(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[RunningApp]:
    """Yield one app for all tests of a file, once for each dialect."""
    with new_database(request.param) as url, open_app(url) as created:
        yield created
