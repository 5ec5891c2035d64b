"""The first password, chosen by somebody else, is changed before anything else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from models.accounts.user import User
from tests.support.program import OWN_PASSWORD, Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

FIRST = "empat kata yang panjang"


def newcomer(running_app: RunningApp, username: str) -> None:
    """Have an administrator make an account."""
    typed: dict[str, Any] = {"full_name": "Pengelola Perubahan 9", "roles": ["change_manager"], "password": FIRST}
    response = running_app.visitor("administrator").post("/admin/user/new/", username=username, **typed)
    assert response.status_code == 303, response.text


def test_whoever_logs_in_with_it_is_led_to_choose_their_own_and_then_to_where_they_wanted(
    running_app: RunningApp,
) -> None:
    newcomer(running_app, "baru.pertama")
    visitor = Visitor(running_app.app)
    entered = visitor.post("/login?next=/profile", username="baru.pertama", password=FIRST)
    assert (entered.status_code, entered.location) == (303, "/first-password?next=/profile")
    page = visitor.get(entered.location)
    assert page.status_code == 200
    assert 'name="next" value="/profile"' in page.text
    visitor.token = ""
    for new, again in (("pendek", "pendek"), (FIRST, FIRST), (OWN_PASSWORD, "yang lain lagi")):
        assert visitor.post("/first-password", new=new, again=again).status_code == 422
    done = visitor.post("/first-password", new=OWN_PASSWORD, again=OWN_PASSWORD, next="/profile")
    assert (done.status_code, done.location) == (303, "/profile")
    assert visitor.get("/profile").status_code == 200
    assert visitor.get("/first-password").status_code == 303
    assert Visitor(running_app.app).post("/login", username="baru.pertama", password=FIRST).status_code == 401
    assert Visitor(running_app.app, "baru.pertama", OWN_PASSWORD).get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/profile", "/admin/change/?state=open", "/admin/change/export/csv/", "/help/"])
def test_no_page_is_open_before(running_app: RunningApp, path: str) -> None:
    name = f"baru.{sum(map(ord, path))}"
    newcomer(running_app, name)
    visitor = Visitor(running_app.app, name, FIRST)
    answer = visitor.get(path)
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/first-password")
    refused = visitor.get(path, json=True)
    assert refused.status_code == 403
    assert "sendiri" in refused.get_json()["error"]
    assert visitor.post("/profile/mail").status_code == 403
    assert visitor.post("/profile/mail", json=True).status_code == 403
    assert visitor.post("/language", lang="id").status_code == 303
    assert visitor.post("/logout").location == "/login"


def test_a_form_that_meets_a_first_password_comes_back_afterwards(running_app: RunningApp) -> None:
    newcomer(running_app, "baru.mengetik")
    visitor = Visitor.first_login(running_app.app, "baru.mengetik", FIRST)
    visitor.token = re.findall(r'name="csrf_token" value="([^"]+)"', visitor.get("/").text)[0]
    with running_app.session() as session:
        id_ = session.scalars(select(User.id).where(User.username == "baru.mengetik")).one()
    administrator = running_app.visitor("administrator")
    administrator.post(f"/admin/user/{id_}/password")
    shown = administrator.get(f"/admin/user/details/?id={id_}").text
    (password,) = re.findall(r"(?:[a-z2-9]{4}-){4}[a-z2-9]{4}", shown)
    typed: dict[str, Any] = {
        "name": "Tender",
        "from_at": "2026-12-01T08:00",
        "until_at": "2026-12-02T08:00",
        "reason": "Alasan saya",
    }
    lapsed = visitor.post("/admin/freeze/new/", **typed)
    assert lapsed.status_code == 401
    packed = re.findall(r'name="typed" value="([^"]+)"', lapsed.text)[0]
    visitor.token = ""
    page = visitor.post("/login", username="baru.mengetik", password=password, typed=packed)
    assert page.status_code == 200
    assert 'action="/first-password"' in page.text
    visitor.token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0]
    chosen = "delapan ikan di kolam"
    back = visitor.post("/first-password", new=chosen, again=chosen, typed=packed)
    assert back.status_code == 200
    assert "Alasan saya" in back.text


def test_a_form_sent_before_the_password_is_changed_comes_back_too(running_app: RunningApp) -> None:
    newcomer(running_app, "baru.lain")
    visitor = Visitor(running_app.app, "baru.lain", FIRST)
    visitor.token = re.findall(r'name="csrf_token" value="([^"]+)"', visitor.get("/first-password").text)[0]
    refused = visitor.post("/admin/freeze/new/", name="Tender", reason="Alasan saya")
    assert refused.status_code == 403
    packed = re.findall(r'name="typed" value="([^"]+)"', refused.text)[0]
    back = visitor.post("/first-password", new=OWN_PASSWORD, again=OWN_PASSWORD, typed=packed)
    assert back.status_code == 200
    assert "Alasan saya" in back.text


def test_the_demo_s_accounts_keep_their_password(running_app: RunningApp) -> None:
    assert Visitor(running_app.app, "pemohon").get("/profile").status_code == 200
