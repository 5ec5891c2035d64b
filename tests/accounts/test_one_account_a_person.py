"""One person has one active account: the NIP as people write it, and the same NIP a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from models.accounts.user import User
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

NIP = "197901012008011001"


def create(running_app: RunningApp, username: str, nip: str, by: str = "administrator", **values: Any) -> TestResponse:
    """Create an account with a NIP."""
    fields = {"full_name": "Staf A, S.Kom.", "roles": ["change_manager"], "password": "empat kata yang panjang"}
    return running_app.visitor(by).post("/admin/user/new/", username=username, nip=nip, **fields | values)


def stored(running_app: RunningApp, username: str) -> User:
    with running_app.session() as session:
        return session.scalars(select(User).where(User.username == username)).one()


def disable(running_app: RunningApp, username: str) -> None:
    path = f"/admin/user/{stored(running_app, username).id}/disable"
    assert running_app.visitor("administrator").post(path).status_code == 303


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("19790101.200801.1.002", "197901012008011002"),
        ("19790101-200801-1-003", "197901012008011003"),
        ("NIP. 19790101 200801 1 004", "197901012008011004"),
        ("nip:197901012008011005 ", "197901012008011005"),
        ("-", None),
        ("–", None),
        ("\u200b", None),
        ("", None),
    ],
)
def test_a_nip_is_taken_as_people_write_it(running_app: RunningApp, typed: str, kept: str | None) -> None:
    name = f"nip.{sum(map(ord, typed))}"
    assert create(running_app, name, typed).status_code == 303
    assert stored(running_app, name).nip == kept


def test_a_second_active_account_with_the_same_nip_is_refused_with_whose_it_is(running_app: RunningApp) -> None:
    assert create(running_app, "staf.a", NIP).status_code == 303
    refused = create(running_app, "staf.a2", "NIP. 19790101.200801.1.001", position="Analis")
    assert refused.status_code == 422
    assert 'id="nip-error"' in refused.text
    assert "Staf A, S.Kom. sudah mempunyai akun aktif dengan NIP ini (staf.a)" in refused.text
    assert 'value="Analis"' in refused.text
    assert create(running_app, "staf.tt", NIP, "administrator.tt").status_code == 303, "another LPSE is another office"
    assert create(running_app, "staf.b", "").status_code == 303
    edited: dict[str, Any] = {"username": "staf.b", "full_name": "Staf B", "roles": ["head"], "nip": NIP}
    path = f"/admin/user/edit/?id={stored(running_app, 'staf.b').id}"
    assert running_app.visitor("administrator").post(path, **edited).status_code == 422
    own = edited | {"username": "staf.a", "full_name": "Staf A, S.Kom., M.T."}
    path = f"/admin/user/edit/?id={stored(running_app, 'staf.a').id}"
    assert running_app.visitor("administrator").post(path, **own).status_code == 303


def test_a_disabled_account_gives_its_nip_free_and_is_not_enabled_beside_the_new_one(running_app: RunningApp) -> None:
    nip = "198001012008011001"
    assert create(running_app, "lama", nip).status_code == 303
    disable(running_app, "lama")
    assert create(running_app, "baru", nip).status_code == 303
    enable = f"/admin/user/{stored(running_app, 'lama').id}/enable"
    refused = running_app.visitor("administrator").post(enable)
    assert refused.status_code == 409
    assert "(baru)" in refused.text
    disable(running_app, "baru")
    assert running_app.visitor("administrator").post(enable).status_code == 303


@pytest.mark.parametrize("username", ["Staf.Kecil", " staf.kecil2 ", "STAF.KECIL3"])
def test_a_user_name_in_capitals_is_stored_in_small_letters(running_app: RunningApp, username: str) -> None:
    assert create(running_app, username, "").status_code == 303
    assert stored(running_app, username.strip().lower()).username == username.strip().lower()


@pytest.mark.parametrize("username", ["Kepala", "KEPALA", "ｋｅｐａｌａ"])
def test_a_user_name_that_differs_in_capitals_alone_is_taken(running_app: RunningApp, username: str) -> None:
    refused = create(running_app, username, "")
    assert (refused.status_code, 'id="username-error"' in refused.text) == (422, True)
