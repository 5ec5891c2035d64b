"""The password is asked again before what only its owner may do, and nothing that was typed is lost."""

from __future__ import annotations

import datetime as dt
import html
import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from sqlalchemy import select

from lpse_admin.accounts.secrets.passwords import DEMO_PASSWORD
from lpse_admin.config import LoginLimit
from lpse_admin.errors import Unauthenticated
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.login import LoginFailure
from models.accounts.login_session import Login, open_login
from models.accounts.reauthentication import confirm_password
from models.accounts.user import User, hash_password
from models.delegation.delegation import Delegation
from tests.support.cast import LUMAJANG, NOW, PASSWORD, cast, session  # noqa: F401 - fixtures
from tests.support.program import PDF, Visitor
from tests.support.running_app import open_app, running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase
    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp

LATER = dt.timedelta(minutes=11)
#: Where it is asked, of whom.
GUARDED = (
    ("administrator", "/admin/user/new/"),
    ("administrator", "/admin/user/edit/?id=1"),
    ("administrator", "/admin/user/1/password"),
    ("administrator", "/admin/user/1/disable"),
    ("administrator", "/admin/user/1/enable"),
    ("kepala", "/admin/account-request/1/approve"),
    ("kepala", "/admin/account-request/1/refuse"),
    ("kepala", "/admin/delegation/new/"),
    ("kepala", "/admin/delegation/1/confirm"),
    ("kepala", "/admin/sop/1/enact"),
    ("kepala", "/admin/freeze/1/permit"),
)


def send(visitor: Visitor, path: str, **fields: Any) -> TestResponse:
    """Send a form as a browser does that answers no question."""
    if not visitor.token:
        visitor.token = visitor._token()
    answer = visitor.client.post(path, data={"csrf_token": visitor.token, **fields})
    answer.request.environ["wsgi.input"].close()
    return answer


def is_asked(answer: TestResponse) -> bool:
    return answer.status_code == 401 and 'name="current-password"' in answer.text


@pytest.fixture
def late(running_app: RunningApp) -> Iterator[RunningApp]:
    """Give the program eleven minutes after everybody has logged in."""
    for name in ("administrator", "kepala", "pengelola"):
        running_app.now = NOW
        running_app.log_in_again(name)
    running_app.now = NOW + LATER
    yield running_app
    running_app.now = NOW


def held_back(answer: TestResponse) -> dict[str, str]:
    """Return the fields that the page which asks for the password sends on."""
    result = re.findall(r'<textarea name="([^"]+)"[^>]*>\n(.*?)</textarea>', answer.text, re.DOTALL)
    return {name: html.unescape(text) for name, text in result}


@pytest.mark.parametrize(("username", "path"), GUARDED)
def test_it_is_asked_for_ten_minutes_after_the_login_and_not_before(late: RunningApp, username: str, path: str) -> None:
    visitor = late.visitor(username)
    assert is_asked(send(visitor, path, full_name="Orang"))
    late.now = NOW
    assert not is_asked(send(visitor, path, full_name="Orang"))


def test_what_was_typed_is_sent_on_with_the_password(late: RunningApp) -> None:
    visitor = late.visitor("administrator")
    form_values = {"username": "sesudah.ditanya", "full_name": "Orang <b>Baru</b>\nKedua", "roles": "requester",
             "password": "empat kata yang panjang"}  # fmt: skip
    asked = send(visitor, "/admin/user/new/", **form_values | {"full_name": "Orang <b>Baru</b>"})
    assert held_back(asked) == form_values | {"full_name": "Orang <b>Baru</b>"}
    wrong = send(visitor, "/admin/user/new/", **held_back(asked), **{"current-password": "salah sekali"})
    assert is_asked(wrong)
    assert "alert-danger" in wrong.text
    done = send(visitor, "/admin/user/new/", **held_back(wrong), **{"current-password": PASSWORD})
    assert done.status_code == 303
    with late.session() as session:
        created = session.scalars(select(User).where(User.username == "sesudah.ditanya")).one()
        assert created.full_name == "Orang <b>Baru</b>"
    again = send(visitor, f"/admin/user/{created.id}/disable")
    assert again.status_code == 303, "once asked, it counts for ten minutes"


def test_files_that_were_chosen_come_along(late: RunningApp) -> None:
    visitor = late.visitor("kepala")
    page = visitor.get("/admin/delegation/new/").text
    (form_id,) = set(re.findall(r'name="form_id"[^>]*value="([0-9a-f]{32})"', page.partition("<main")[2]))
    with late.session() as session:
        ids = {user.username: user.id for user in session.scalars(select(User))}
    form_values = {
        "form_id": form_id, "head_id": ids["kepala"], "delegate_id": ids["plh"], "kind": "plh",
        "decree_number": "800/71/2026", "from_date": "2026-03-02", "until_date": "2026-03-03",
    }  # fmt: skip
    asked = send(visitor, "/admin/delegation/new/", **form_values, decree=upload_file("SK tanya.pdf"))
    assert is_asked(asked)
    assert "SK tanya.pdf" in asked.text
    done = send(visitor, "/admin/delegation/new/", **held_back(asked), **{"current-password": PASSWORD})
    assert done.status_code == 303, done.text
    with late.session() as session:
        recorded = session.scalars(select(Delegation).where(Delegation.decree_number == "800/71/2026")).one()
        assert [document.name for document in recorded.documents] == ["SK tanya.pdf"]
        assert recorded.documents[0].size == len(PDF)


@pytest.mark.parametrize(
    ("step", "outcome"), [(Step.APPROVAL, Outcome.APPROVED), (Step.VERIFICATION, Outcome.VERIFIED)]
)
def test_the_head_s_two_decisions_ask_and_the_other_steps_do_not(
    running_app: RunningApp, step: Step, outcome: Outcome
) -> None:
    running_app.now = NOW
    other = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    change_id = running_app.change_at_step(LUMAJANG, step)
    head = running_app.log_in_again("kepala")
    manager = running_app.log_in_again("pengelola")
    running_app.now = NOW + LATER
    fields = running_app.move_form(change_id, outcome)
    asked = send(head, f"/admin/change/{change_id}/move", **fields)
    assert is_asked(asked)
    assert running_app.step_and_version(change_id)[0] is step
    form = running_app.move_form(other, Outcome.ACCEPTED)
    assert send(manager, f"/admin/change/{other}/move", **form).status_code == 303
    fields = running_app.move_form(change_id, outcome) | {"account-time": "Rapat"}
    done = send(head, f"/admin/change/{change_id}/move", **fields, **{"current-password": PASSWORD})
    assert done.status_code == 303
    running_app.now = NOW


def test_a_script_is_told_and_answers_in_the_same_form(late: RunningApp) -> None:
    visitor = late.visitor("administrator")
    visitor.token = visitor.token or visitor._token()
    data = {"csrf_token": visitor.token}
    response = visitor.client.post("/admin/user/1/disable", data=data, headers={"Accept": "application/json"})
    assert (response.status_code, "sekali lagi" in response.get_json()["error"]) == (401, True)


def test_a_session_that_was_only_continued_says_nothing_of_the_password(new_database: NewDatabase) -> None:
    with new_database("sqlite") as url, open_app(url) as running:
        visitor = running.visitor("administrator")
        assert visitor.post("/profile/second-factor/offer", password=PASSWORD).status_code == 303
        (seed,) = set(re.findall(r"secret=([A-Z2-7]+)", visitor.get("/profile/second-factor").text))
        running.now = NOW + LATER
        code = pyotp.TOTP(seed).at(running.now)
        assert visitor.post("/profile/second-factor/confirm", code=code).status_code == 200
        with running.session() as session:
            assert session.scalars(select(Login.at).order_by(Login.id.desc())).first() == running.now
        assert is_asked(send(visitor, "/admin/user/1/disable")), "its new session was opened without the password"
        assert visitor.post("/profile/second-factor/codes", password=PASSWORD).status_code == 200
        assert not is_asked(send(visitor, "/admin/user/1/disable")), "what asks for the password by itself counts too"


@pytest.mark.parametrize(("is_demo", "password"), [(True, DEMO_PASSWORD), (False, DEMO_PASSWORD), (True, "salah")])
def test_the_password_of_the_demo_confirms_nothing_in_production(
    session: AuditedSession, cast: Cast, is_demo: bool, password: str
) -> None:
    user = cast.lumajang.manager
    user.password_hash = hash_password(DEMO_PASSWORD)
    login = open_login(session, user, address="10.0.0.1", device=None, now=NOW)
    session.commit()
    is_right = is_demo and password == DEMO_PASSWORD
    with nullcontext() if is_right else pytest.raises(Unauthenticated):
        confirm_password(user, login, password, now=NOW, limit=LoginLimit(), is_demo=is_demo)
    assert len(session.scalars(select(LoginFailure.id)).all()) == (0 if is_right else 1)


def test_too_many_wrong_passwords_end_the_session(new_database: NewDatabase) -> None:
    with new_database("sqlite") as url, open_app(url, failures=5) as running:
        visitor = running.visitor("administrator")
        running.now = NOW + LATER
        for _number in range(4):
            assert is_asked(send(visitor, "/admin/user/1/disable", **{"current-password": "tebakan yang salah"}))
        last = send(visitor, "/admin/user/1/disable", **{"current-password": "tebakan yang salah"})
        assert (last.status_code, last.location) == (303, "/login")
        assert visitor.get("/").status_code == 302
        with running.session() as session:
            assert len(session.scalars(select(LoginFailure.id)).all()) == 5
            assert session.scalars(select(Login.ended_at).order_by(Login.id.desc())).first() is not None
