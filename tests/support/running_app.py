"""The program with its people at their browsers, for the tests that go in by HTTP: one for all tests of a file."""

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

#: Fields whose name in the form is not their own, which is taken: ``version`` is that of the request.
FORM_FIELD_NAMES = {"version": "release_version"}

#: The account suffix of each paper's office.
ACCOUNT_SUFFIXES = {LUMAJANG: "", TANA_TIDUNG: ".tt"}


def sample_for_postgres(values: Iterable[Any], step: int = 3) -> list[ParameterSet]:
    """Return what a test is to be given: all on SQLite, of which PostgreSQL gets the first and each ``step``-th."""
    marks = pytest.mark.sqlite_alone
    sets = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*one, marks=marks if place % step else ()) for place, one in enumerate(sets)]


@dataclass
class RunningApp:
    """The running program, its clock, and whoever has come in so far."""

    app: Flask
    engine: Engine
    now: dt.datetime = NOW
    _visitors: dict[str, Visitor] = field(default_factory=dict)

    def visitor(self, username: str) -> Visitor:
        """Return this user's browser, logged in."""
        if username not in self._visitors:
            self._visitors[username] = Visitor(self.app, username)
        return self._visitors[username]

    def actor(self, change_id: int) -> Visitor:
        """Return the browser of whoever has the next move; of a closed request, its requester's."""
        with self.session() as session:
            name = _actor_username(session.get_one(ChangeRequest, change_id))
        return self.visitor(name)

    @contextmanager
    def session(self) -> Iterator[AuditedSession]:
        """Look into the database, or write to it, past the screens."""
        with AuditedSession(self.engine) as session:
            set_test_audit_context(session)
            yield session

    def cast(self, session: AuditedSession) -> Cast:
        """Return everybody as the factories of ``tests.support.cast`` know them."""
        return Cast(_office(session, LUMAJANG), _office(session, TANA_TIDUNG), _user(session, "admin"))

    def change_at_step(self, key: str, step: Step) -> int:
        """Bring a new request of the office of ``key`` to ``step`` and return its id."""
        with self.session() as session:
            return change_at_step(session, self.cast(session).office(key), step).id

    def move_form(self, change_id: int, outcome: Outcome, **typed: Any) -> dict[str, Any]:
        """Return all that the form of the present step has to send for ``outcome``; ``typed`` is put over it."""
        with self.session() as session:
            change = session.get_one(ChangeRequest, change_id)
            return move_form(change, outcome) | typed

    def make_move(self, change_id: int, outcome: Outcome, *, json: bool = False, **typed: Any) -> TestResponse:
        """Send a complete move as whoever has it, and return the answer."""
        fields = self.move_form(change_id, outcome, **typed)
        return self.actor(change_id).post(f"/admin/change/{change_id}/move", json=json, **fields)

    def actor_page(self, change_id: int) -> TestResponse:
        """Return the page of a request as whoever has the next move sees it."""
        return self.actor(change_id).get(f"/admin/change/details/?id={change_id}")

    def step_and_version(self, change_id: int) -> tuple[Step, int]:
        """Return the step at which a request stands, and its version."""
        with self.session() as session:
            change = session.get_one(ChangeRequest, change_id)
            return change.step, change.version


def move_form(change: ChangeRequest, outcome: Outcome) -> dict[str, Any]:
    """Return the fields of a complete move as a browser would send them, the files among them."""
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
    """Return a value of a record as the form's fields hold it."""
    if isinstance(value, list):
        rows = [{name: part for name, part in row.items() if part is not None} for row in value]
        return {f"{key}-{number}-{name}": str(part) for number, row in enumerate(rows) for name, part in row.items()}
    if isinstance(value, dt.datetime):
        return {key: value.astimezone(present(change).agency.zone).strftime("%Y-%m-%dT%H:%M")}
    return {key: value.value if isinstance(value, StrEnum) else str(value)}


def upload_file(name: str, content: bytes = PDF) -> tuple[io.BytesIO, str]:
    """Return a file to be sent with a form."""
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
    """Open the program on the empty database at ``url``, with an administrator of each office beside the demo cast."""
    found: list[RunningApp] = []
    app = make_app(
        url, clock=lambda: found[0].now if found else NOW, login_limit=LoginLimit(failures=failures, minutes=15)
    )
    engine = create_engine(url)
    found.append(RunningApp(app, engine))
    with found[0].session() as session:
        for key, suffix in ACCOUNT_SUFFIXES.items():
            revision = session.scalars(select(SopRevision).where(SopRevision.key == key)).one()
            user(session, revision.agency, f"administrator{suffix}", Role.ADMINISTRATOR)
        session.commit()
    yield found[0]
    engine.dispose()
    close_app(app)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def running_app(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[RunningApp]:
    """Give one program for all tests of a file, once on each kind of database."""
    with new_database(request.param) as url, open_app(url) as made:
        yield made
