"""Role by address by method by row: what is another office's, another requester's or another role's stays shut.

Every address that takes a record is tried with records that are there. The answer is 403 or 404, whatever else is wrong
with what was sent, and nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb, is_granted
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity, OwnStep
from models.documents.document import attach
from models.notifications.notification import Notification
from tests.architecture.test_routes import (
    NOBODY,
    PEOPLE,
    SCREENS,
    TABLES,
    _everything,
    classified,
    furnished,
    rules,
)
from tests.support.cast import NOW, new_change, set_test_audit_context
from tests.support.present import present
from tests.support.program import PDF, Visitor
from tests.support.running_app import running_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.routing import Rule

    from lpse_admin.accounts.roles import Role
    from tests.support.cast import AuditedSession
    from tests.support.running_app import RunningApp

#: Fixtures of other modules.
__all__ = ["furnished", "running_app"]

#: What a part of an address numbers, where it is not a record of the screen.
_NUMBERED = {"change_id": "change", "sop_id": "sop", "step_id": "step", "print_id": "paper", "room_id": "room"}
#: Numbers of what no other office or requester has here: anchors, months, signed papers.
_NOT_MADE = {"anchor_id", "month_id", "signed_id"}
_WORDS = {"place": 0, "field": 0, "table": "steps", "kind": "pdf", "export_type": "csv"}
_TYPED = {"confirm": "yes", "reason": "Alasan", "text": "Catatan", "action": "take-up", "outcome": "submitted"}
#: Each is tried with the first and the last of a kind.
_PEOPLE = {**PEOPLE, "pemohon2": PEOPLE["pemohon"]}


@dataclass(frozen=True)
class Owner:
    """Whose a record is: of which office, and of which user where it is one person's."""

    agency_id: int | None
    user_id: int | None


@pytest.fixture(scope="module")
def owners(running_app: RunningApp, furnished: None) -> dict[str, dict[int, Owner]]:
    """Return of each kind of records whose they are, by number."""
    with running_app.session() as session:
        cast = running_app.cast(session)
        for office in (cast.lumajang, cast.tana_tidung):
            set_test_audit_context(session)
            attach(
                session, name="surat.pdf", media_type="application/pdf", content=PDF, by=office.requester, now=NOW,
                activity=new_change(session, office).current_activity,
            )  # fmt: skip
            session.commit()
        return {kind: _owners(session, kind) for kind in (*TABLES, "step")}


def _owners(session: AuditedSession, kind: str) -> dict[int, Owner]:
    of_change = ChangeRequest.agency_id, ChangeRequest.requester_id
    steps = {step.value for step in ACTIVITY_CLASSES}
    if kind == "change":
        query = select(ChangeRequest.id, *of_change)
    elif kind in steps | {"step", "returned"}:
        query = select(Activity.id, *of_change).join(ChangeRequest, ChangeRequest.id == Activity.change_id)
        query = query if kind == "step" else query.where(Activity.step == kind)
    elif kind == "own-step":
        query = select(OwnStep.id, *of_change).join(ChangeRequest, ChangeRequest.id == OwnStep.change_id)
    elif kind in {"audit", "integrity"}:
        chains = TABLES[kind].c.chain
        return {id_: Owner(chain or None, None) for id_, chain in session.execute(select(TABLES[kind].c.id, chains))}
    elif kind == "notification":
        query = select(Notification.id, Notification.agency_id, Notification.user_id)
    else:
        table = TABLES[kind]
        if "change_id" not in table.c:
            return {id_: Owner(agency, None) for id_, agency in session.execute(select(table.c.id, table.c.agency_id))}
        joined = select(table.c.id, table.c.agency_id, ChangeRequest.requester_id)
        query = joined.outerjoin(ChangeRequest, ChangeRequest.id == table.c.change_id)
    return {id_: Owner(agency, user) for id_, agency, user in session.execute(query)}


def _addresses(running_app: RunningApp) -> Iterator[tuple[Rule, str, str, dict[str, Any]]]:
    """Yield each rule of a record, with a method, the kind of record, and the other values of its address."""
    for rule, method, _path in rules(running_app):
        screen, _dot, tail = rule.endpoint.partition(".")
        numbers = rule.arguments - _WORDS.keys() - {"key", "card", "step"}
        if screen not in SCREENS or numbers & _NOT_MADE or classified(rule.endpoint) is NOBODY:
            continue
        if numbers or tail in {"details_view", "edit_view", "delete_view", "action_view"}:
            kind = next((_NUMBERED[name] for name in numbers if name in _NUMBERED), screen)
            words = {name: value for name, value in _WORDS.items() if name in rule.arguments}
            yield rule, method, kind, {"number": next(iter(numbers), None), "words": words}


def _knock(running_app: RunningApp, visitor: Visitor, rule: Rule, method: str, id_: int, built: dict[str, Any]) -> int:
    """Ask an address for a record, and return the status of the answer."""
    values = dict(built["words"])
    if built["number"]:
        values[built["number"]] = id_
    with running_app.app.test_request_context():
        _domain, path = present(rule.build(values))
    if not built["number"]:
        path += f"?id={id_}"
    answer = (
        visitor.get(path, json=True)
        if method == "GET"
        else visitor.post(path, json=True, **_TYPED, id=str(id_), rowid=str(id_))
    )
    answer.close()
    return answer.status_code


def _refusals(rule: Rule) -> set[int]:
    """Return the answers that refuse; what is done with several rows at once has first to be an action of the list."""
    return {400, 403, 404} if rule.endpoint.endswith(".action_view") else {403, 404}


def _some(ids: list[int]) -> list[int]:
    return sorted({*ids[:1], *ids[-1:]})


def _tried(name: str) -> object:
    return name if name in {"pengelola", "pemohon2"} else pytest.param(name, marks=pytest.mark.sqlite_alone)


@pytest.mark.parametrize("name", [_tried(name) for name in _PEOPLE])
def test_no_address_does_anything_with_a_record_of_another_office_or_requester(
    name: str, running_app: RunningApp, owners: dict[str, dict[int, Owner]]
) -> None:
    visitor, role = running_app.visitor(name), _PEOPLE[name]
    visitor.post("/language", lang="id")
    with running_app.session() as session:
        me = session.scalars(select(User).where(User.username == name)).one()
        own = Owner(me.agency_id, me.id)
    before, wrong, tried = _everything(running_app), [], set()
    for rule, method, kind, built in _addresses(running_app):
        foreign = [id_ for id_, owner in owners[kind].items() if _is_foreign(owner, own, role, kind)]
        for id_ in _some(foreign):
            tried.add(kind)
            status = _knock(running_app, visitor, rule, method, id_, built)
            if status not in _refusals(rule):
                wrong.append((rule.endpoint, method, id_, status))
    assert wrong == []
    assert _everything(running_app) == before
    assert tried >= {"change", "document", "evaluation", "deviation", "step"}


def _is_foreign(owner: Owner, own: Owner, role: Role, kind: str) -> bool:
    if owner.agency_id is not None and owner.agency_id != own.agency_id:
        return True
    is_personal = kind == "notification" or role is PEOPLE["pemohon"]
    return is_personal and owner.user_id is not None and owner.user_id != own.user_id


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("name", PEOPLE)
def test_no_address_does_with_a_record_of_one_s_office_what_the_role_may_not(
    name: str, running_app: RunningApp, owners: dict[str, dict[int, Owner]]
) -> None:
    visitor, role = running_app.visitor(name), PEOPLE[name]
    with running_app.session() as session:
        me = session.scalars(select(User).where(User.username == name)).one()
    before, wrong, tried = _everything(running_app), [], 0
    for rule, method, kind, built in _addresses(running_app):
        verb, resource = classified(rule.endpoint), Resource(rule.endpoint.partition(".")[0])
        if not isinstance(verb, Verb) or is_granted({role}, verb, resource):
            continue
        for id_ in _some([id_ for id_, owner in owners[kind].items() if owner.agency_id == me.agency_id]):
            tried += 1
            status = _knock(running_app, visitor, rule, method, id_, built)
            if status not in _refusals(rule):
                wrong.append((rule.endpoint, method, id_, status))
    assert wrong == []
    assert _everything(running_app) == before
    assert tried > 30


@pytest.mark.sqlite_alone
def test_a_stranger_with_a_form_s_token_is_told_401_of_every_record(
    running_app: RunningApp, owners: dict[str, dict[int, Owner]]
) -> None:
    stranger = Visitor(running_app.app)
    before = _everything(running_app)
    statuses = {
        _knock(running_app, stranger, rule, method, id_, built)
        for rule, method, kind, built in _addresses(running_app)
        for id_ in _some(list(owners[kind]))
    }
    assert statuses == {401}
    assert _everything(running_app) == before
