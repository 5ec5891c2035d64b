"""What is changed on an account while a login is underway ends that login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.config import LoginLimit
from models.accounts import login as login_module
from models.accounts.login import LoginAttempt, LoginRefused, SecondStep, complete_log_in, log_in
from models.accounts.login_session import Login
from models.accounts.user import User, is_password_correct
from tests.support.cast import (
    NOW,
    PASSWORD,
    AuditedSession,
    cast,  # noqa: F401 - fixtures
    session,  # noqa: F401
    set_test_audit_context,
)

if TYPE_CHECKING:
    import pytest

    from tests.support.cast import Cast

ATTEMPT = LoginAttempt("pengelola", PASSWORD, "", "10.0.0.1")


def set_password_elsewhere(session: AuditedSession, user_id: int) -> None:
    """Set the password of somebody anew in another session, as an administrator does."""
    with AuditedSession(session.get_bind()) as other:
        set_test_audit_context(other)
        other.get_one(User, user_id).set_password("kata sandi yang baru sekali")
        other.commit()


def test_a_password_that_is_set_anew_during_the_hash_opens_nothing(
    session: AuditedSession, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = cast.lumajang.manager.id
    session.commit()

    def slow(user: User | None, password: str) -> bool:
        set_password_elsewhere(session, user_id)
        return is_password_correct(user, password)

    assert isinstance(log_in(session, ATTEMPT, now=NOW, limit=LoginLimit(), is_demo=True), Login)
    session.rollback()
    set_test_audit_context(session)
    monkeypatch.setattr(login_module, "is_password_correct", slow)
    outcome = log_in(session, ATTEMPT, now=NOW, limit=LoginLimit(), is_demo=True)
    assert isinstance(outcome, LoginRefused)
    assert outcome.user is not None, "it is counted as a wrong password"


def test_a_password_that_is_set_anew_before_the_second_step_opens_nothing(session: AuditedSession, cast: Cast) -> None:
    user = cast.lumajang.manager
    user.totp_secret = "JBSWY3DPEHPK3PXP"
    session.commit()
    first = log_in(session, ATTEMPT, now=NOW, limit=LoginLimit(), is_demo=True)
    assert isinstance(first, SecondStep)
    session.expunge(first.user)  # as it was let through
    session.rollback()
    set_password_elsewhere(session, first.user.id)
    outcome = complete_log_in(session, first.user, ATTEMPT, now=NOW, limit=LoginLimit(), proves=lambda _owner: True)
    assert isinstance(outcome, LoginRefused)
