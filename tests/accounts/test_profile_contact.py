"""One's own e-mail address and telephone number, and the former address that is told of a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.notifications.mail import Mail, MailState
from models.notifications.notification import Notification
from tests.support.cast import PASSWORD
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp


def save(running_app: RunningApp, username: str, email: str, phone: str = "", password: str = "") -> TestResponse:
    """Save one's own contact data."""
    return running_app.visitor(username).post("/profile/contact", email=email, phone=phone, password=password)


def contact(running_app: RunningApp, username: str) -> tuple[str | None, str | None]:
    """Return the e-mail address and the telephone number of a user."""
    with running_app.session() as session:
        user = session.scalars(select(User).where(User.username == username)).one()
        return user.email, user.phone


def told_addresses(running_app: RunningApp, username: str) -> list[str]:
    """Return the addresses that were told of a new one."""
    statement = select(Mail.address).join(Notification).join(User, User.id == Notification.user_id)
    statement = statement.where(Notification.event == "email-changed", User.username == username).order_by(Mail.id)
    with running_app.session() as session:
        return list(session.scalars(statement))


def test_a_telephone_number_is_saved_without_a_password_and_is_in_the_trail(running_app: RunningApp) -> None:
    email = contact(running_app, "pemohon")[0] or ""
    answer = save(running_app, "pemohon", email, "+62 852-1234-5678")
    assert (answer.status_code, answer.location) == (303, "/profile#contact")
    assert contact(running_app, "pemohon") == (email, "+62 852-1234-5678")
    assert "+62 852-1234-5678" in running_app.visitor("pemohon").get("/profile").text
    assert told_addresses(running_app, "pemohon") == []
    with running_app.session() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (entry.action, entry.actor_name) == ("profile.contact", "Ani Lestari")


def test_a_new_address_takes_the_password_and_the_former_one_is_told(running_app: RunningApp) -> None:
    former = contact(running_app, "pemohon2")[0]
    for password in ("", "bukan kata sandinya"):
        refused = save(running_app, "pemohon2", "baru@example.invalid", "0812", password)
        assert refused.status_code == 422
        assert 'id="contact-password-error"' in refused.text
        assert 'value="baru@example.invalid"' in refused.text
        assert 'value="0812"' in refused.text
    assert save(running_app, "pemohon2", " baru@example.invalid ", "0812", PASSWORD).status_code == 303
    assert contact(running_app, "pemohon2") == ("baru@example.invalid", "0812")
    assert told_addresses(running_app, "pemohon2") == [former]
    assert save(running_app, "pemohon2", "", "0812", PASSWORD).status_code == 303
    assert contact(running_app, "pemohon2") == (None, "0812")
    assert told_addresses(running_app, "pemohon2") == [former, "baru@example.invalid"]


def test_what_is_told_to_a_former_address_goes_there_again_when_it_is_sent_again(running_app: RunningApp) -> None:
    former = contact(running_app, "pengelola2")[0]
    assert save(running_app, "pengelola2", "lain@example.invalid", "", PASSWORD).status_code == 303
    with running_app.session() as session:
        mail = session.scalars(select(Mail).where(Mail.address == former).order_by(Mail.id.desc()).limit(1)).one()
        mail.state = MailState.FAILED
        session.flush()
        mail.send_again(running_app.now)
        assert mail.address == former
        session.rollback()


def test_an_address_that_an_administrator_changes_is_told_too(running_app: RunningApp) -> None:
    with running_app.session() as session:
        user = session.scalars(select(User).where(User.username == "plh")).one()
        id_, name, former = user.id, user.full_name, user.email
    typed: dict[str, Any] = {
        "username": "plh",
        "full_name": name,
        "roles": ["change_manager"],
        "email": "kantor@example.invalid",
    }
    assert running_app.visitor("administrator").post(f"/admin/user/edit/?id={id_}", **typed).status_code == 303
    assert told_addresses(running_app, "plh") == [former]


def test_an_administrator_of_the_installation_is_told_as_everybody(running_app: RunningApp) -> None:
    former = contact(running_app, "admin")[0]
    assert save(running_app, "admin", "pusat@example.invalid", "", PASSWORD).status_code == 303
    assert told_addresses(running_app, "admin") == [former]
    for page in ("/admin/notification/", "/admin/mail/"):
        assert running_app.visitor("admin").get(page).status_code == 200


@pytest.mark.parametrize(
    ("email", "phone", "field"),
    [
        ("bukan surel", "", "email"),
        ("a@b", "", "email"),
        ("a@b.id", "0" * 41, "phone"),
        ("a@b.id", "0\u200b8", "phone"),
    ],
)
def test_wrong_input_is_422_beside_its_field(running_app: RunningApp, email: str, phone: str, field: str) -> None:
    before = contact(running_app, "pemeriksa")
    refused = save(running_app, "pemeriksa", email, phone, PASSWORD)
    assert refused.status_code == 422
    assert f'id="{field}-error"' in refused.text
    assert contact(running_app, "pemeriksa") == before


def test_language_and_colours_are_saved_together(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    assert visitor.post("/profile/colours", lang="en", scheme="dark").status_code == 303
    assert '<html lang="en" data-scheme="dark">' in visitor.get("/profile").text
    assert visitor.post("/profile/colours", lang="xx", scheme="dark").status_code == 303
    assert visitor.post("/profile/colours", lang="id", scheme="system").status_code == 303
    assert '<html lang="id">' in visitor.get("/profile").text
