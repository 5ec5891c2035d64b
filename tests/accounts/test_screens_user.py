"""The screen of users."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove
from models.accounts.user import User
from models.administration.operations import change_roles, disable_account
from tests.support.cast import NOW, PASSWORD, cast, session, user  # noqa: F401 - fixtures
from tests.support.program import OWN_PASSWORD, Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp

SOMEBODY: dict[str, Any] = {
    "full_name": "Pengelola Perubahan 9",
    "roles": ["change_manager"],
    "password": "empat kata yang panjang",
}


def find(running_app: RunningApp, username: str) -> User | None:
    with running_app.session() as opened:
        return opened.scalars(select(User).where(User.username == username)).one_or_none()


def known(running_app: RunningApp, username: str) -> User:
    result = find(running_app, username)
    assert result is not None
    return result


def made(running_app: RunningApp, username: str, by: str = "administrator", **values: Any) -> User:
    answer = running_app.visitor(by).post("/admin/user/new/", **SOMEBODY | {"username": username} | values)
    assert answer.status_code == 303, answer.text
    return known(running_app, username)


def test_an_administrator_makes_an_account_that_logs_in(running_app: RunningApp) -> None:
    page = running_app.visitor("administrator").get("/admin/user/new/")
    first = re.search(r'name="password"[^>]* value="([a-z2-9-]{24})"', page.text)
    assert first, "no password is made up"
    somebody = made(running_app, "baru.satu", password=first[1], roles=["change_manager", "requester"])
    assert (somebody.agency_id, somebody.roles) == (
        known(running_app, "administrator").agency_id,
        frozenset({Role.CHANGE_MANAGER, Role.REQUESTER}),
    )
    assert Visitor.first_login(running_app.app, "baru.satu", first[1]).get("/").status_code == 200
    assert first[1] not in running_app.visitor("administrator").get(f"/admin/user/details/?id={somebody.id}").text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"username": "Huruf Besar"}, "username"),
        ({"username": "ab"}, "username"),
        ({"username": "pengelola"}, "username"),
        ({"full_name": " "}, "full_name"),
        ({"roles": []}, "roles"),
        ({"roles": ["wizard"]}, "roles"),
        ({"password": "pendek"}, "password"),
        ({"password": "salah.ketik.satu", "username": "salah.ketik.satu"}, "password"),
        ({"nip": "123"}, "nip"),
        ({"email": "bukan surel"}, "email"),
        ({"phone": "0" * 41}, "phone"),
        ({"institution": "x" * 301}, "institution"),
        ({"agency": "-"}, "agency"),
    ],
)
def test_wrong_input_is_422_beside_its_field_and_nothing_is_lost(
    running_app: RunningApp, typed: dict[str, Any], field: str
) -> None:
    sent = SOMEBODY | {"username": "salah.ketik", "position": "Analis & <b>Sistem</b>"} | typed
    answer = running_app.visitor("administrator").post("/admin/user/new/", **sent)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "Analis &amp; &lt;b&gt;Sistem&lt;/b&gt;" in answer.text
    if "wizard" not in sent["roles"]:
        assert ("checked" in answer.text) == bool(sent["roles"])
    response = running_app.visitor("administrator").post("/admin/user/new/", json=True, **sent)
    assert (response.status_code, list(response.get_json()["fields"])) == (422, [field])
    assert find(running_app, "salah.ketik") is None


def test_an_agency_s_administrator_reaches_nobody_beyond_it(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    for username in ("admin", "pengelola.tt"):
        other = known(running_app, username)
        assert f'details/?id={other.id}"' not in administrator.get("/admin/user/?size=100").text
        for path in (f"details/?id={other.id}", f"edit/?id={other.id}", f"{other.id}/password"):
            assert administrator.get(f"/admin/user/{path}").status_code == 404
        for path in (f"edit/?id={other.id}", f"{other.id}/password", f"{other.id}/disable", f"{other.id}/enable"):
            assert administrator.post(f"/admin/user/{path}", **SOMEBODY, username=username).status_code == 404


def test_what_no_field_of_the_form_asks_for_changes_nothing(running_app: RunningApp) -> None:
    theirs = known(running_app, "kepala.tt")
    extra: dict[str, Any] = {
        "id": str(theirs.id), "agency_id": str(theirs.agency_id), "is_head": "y",
        "is_administrator": "true", "is_active": "", "session_version": "99", "password_hash": theirs.password_hash,
        "totp_secret": "JBSWY3DPEHPK3PXP", "is_password_initial": "", "password_set_at": "2020-01-01T00:00",
    }  # fmt: skip
    somebody = made(running_app, "baru.lebih", **extra)
    assert somebody.id != theirs.id
    assert somebody.agency_id == known(running_app, "administrator").agency_id
    assert somebody.roles == frozenset(Role(role) for role in SOMEBODY["roles"])
    assert (somebody.totp_secret, somebody.session_version) != ("JBSWY3DPEHPK3PXP", 99)
    assert (somebody.is_active, somebody.is_password_initial) == (True, True)
    assert somebody.password_hash != theirs.password_hash


def test_the_installation_s_administrator_chooses_the_agency(running_app: RunningApp) -> None:
    theirs = known(running_app, "pengelola.tt").agency_id
    assert made(running_app, "baru.tt", "admin", agency=str(theirs)).agency_id == theirs
    assert made(running_app, "admin.dua", "admin", agency="-", roles=["administrator"]).is_superadmin
    answer = running_app.visitor("admin").post("/admin/user/new/", username="baru.tiga", agency="-", **SOMEBODY)
    assert (answer.status_code, 'id="roles-error"' in answer.text) == (422, True)


def test_a_change_of_roles_ends_the_sessions_and_one_of_the_name_does_not(running_app: RunningApp) -> None:
    somebody = made(running_app, "peran.berubah")
    browser = Visitor.first_login(running_app.app, "peran.berubah", SOMEBODY["password"])
    administrator = running_app.visitor("administrator")
    typed: dict[str, Any] = {"username": "peran.berubah", "full_name": "Nama Lain", "roles": ["change_manager"]}
    assert administrator.post(f"/admin/user/edit/?id={somebody.id}", **typed).status_code == 303
    assert "Nama Lain" in browser.get("/").text
    typed["roles"] = ["requester"]
    assert administrator.post(f"/admin/user/edit/?id={somebody.id}", **typed).status_code == 303
    assert browser.get("/").status_code == 302
    assert known(running_app, "peran.berubah").roles == {Role.REQUESTER}


def test_a_new_password_ends_the_sessions_and_is_the_only_one_that_opens(running_app: RunningApp) -> None:
    somebody = made(running_app, "lupa.sandi")
    browser = Visitor.first_login(running_app.app, "lupa.sandi", SOMEBODY["password"])
    administrator = running_app.visitor("administrator")
    path = f"/admin/user/{somebody.id}/password"
    assert "without_second_factor" not in administrator.get(path).text
    assert administrator.post(path, password="kata sandi pilihan administrator").status_code == 303
    shown = administrator.get(f"/admin/user/details/?id={somebody.id}").text
    (password,) = re.findall(r"(?:[a-z2-9]{4}-){4}[a-z2-9]{4}", shown)
    assert password not in administrator.get(f"/admin/user/details/?id={somebody.id}").text, "it is shown once"
    assert browser.get("/").status_code == 302
    for former in (SOMEBODY["password"], OWN_PASSWORD, "kata sandi pilihan administrator"):
        assert browser.post("/login", username="lupa.sandi", password=former).status_code == 401
    again = Visitor.first_login(running_app.app, "lupa.sandi", password)
    assert again.get("/").status_code == 200


def test_a_disabled_account_is_locked_at_once_and_opened_again(running_app: RunningApp) -> None:
    somebody = made(running_app, "ditutup")
    browser, administrator = (
        Visitor.first_login(running_app.app, "ditutup", SOMEBODY["password"]),
        running_app.visitor("administrator"),
    )
    assert administrator.post(f"/admin/user/{somebody.id}/disable").status_code == 303
    assert administrator.post(f"/admin/user/{somebody.id}/disable").status_code == 409
    assert browser.get("/").status_code == 302
    assert browser.post("/login", username="ditutup", password=OWN_PASSWORD).status_code == 401
    assert "ditutup" in administrator.get("/admin/user/?state=disabled").text
    assert administrator.post(f"/admin/user/{somebody.id}/enable").status_code == 303
    assert administrator.post(f"/admin/user/{somebody.id}/enable").status_code == 409
    assert Visitor(running_app.app, "ditutup", OWN_PASSWORD).get("/").status_code == 200


def test_nobody_dismisses_disables_or_resets_themselves(running_app: RunningApp) -> None:
    administrator, me = running_app.visitor("administrator"), known(running_app, "administrator")
    typed: dict[str, Any] = {"username": "administrator", "full_name": "Administrator", "roles": ["inspector"]}
    assert administrator.post(f"/admin/user/edit/?id={me.id}", **typed).status_code == 403
    assert administrator.post(f"/admin/user/{me.id}/disable").status_code == 403
    assert administrator.post(f"/admin/user/{me.id}/password").status_code == 403
    typed["roles"] = ["administrator", "requester"]
    assert administrator.post(f"/admin/user/edit/?id={me.id}", **typed).status_code == 403
    typed["roles"] = ["administrator"]
    assert administrator.post(f"/admin/user/edit/?id={me.id}", **typed).status_code == 303


def test_the_last_administrator_stays(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    second = user(session, office.agency, "administrator2", Role.ADMINISTRATOR)
    cast.superadmin.is_active = False
    session.flush()
    office.administrator.is_active = False
    session.flush()
    # Whoever was dismissed a moment ago still holds an object that says otherwise.
    stale = User(id=0, agency_id=None, is_active=True, is_administrator=True, full_name="", username="")
    with pytest.raises(NoSuchMove, match="last administrator"):
        disable_account(second, stale, now=NOW)
    with pytest.raises(NoSuchMove, match="last administrator"):
        change_roles(second, stale, [Role.INSPECTOR], now=NOW)


def test_an_inspector_reads_and_changes_nothing(running_app: RunningApp) -> None:
    inspector, somebody = running_app.visitor("pemeriksa"), known(running_app, "pengelola")
    assert inspector.get("/admin/user/?role=change_manager&search=pengelola").status_code == 200
    assert inspector.get(f"/admin/user/details/?id={somebody.id}").status_code == 200
    assert inspector.get("/admin/user/export/csv/").status_code == 200
    for path in ("new/", f"edit/?id={somebody.id}", f"{somebody.id}/password"):
        assert inspector.get(f"/admin/user/{path}").status_code == 403
    for path in ("new/", f"edit/?id={somebody.id}", f"{somebody.id}/disable"):
        assert inspector.post(f"/admin/user/{path}", **SOMEBODY).status_code == 403
    assert running_app.visitor("pengelola").get("/admin/user/").status_code == 403


def test_no_secret_is_shown_exported_sorted_or_filtered_by(running_app: RunningApp) -> None:
    administrator, somebody = running_app.visitor("administrator"), known(running_app, "pengelola")
    pages = (f"details/?id={somebody.id}", "export/csv/", "", f"edit/?id={somebody.id}")
    for path in pages:
        assert somebody.password_hash not in administrator.get(f"/admin/user/{path}").text
    assert administrator.get("/admin/user/?sort=password_hash").status_code == 400
    assert administrator.get("/admin/user/?password_hash=x").status_code == 400


def test_nobody_is_ever_deleted(running_app: RunningApp) -> None:
    somebody = known(running_app, "pengelola")
    assert running_app.visitor("admin").post("/admin/user/delete/", id=str(somebody.id)).status_code == 404
