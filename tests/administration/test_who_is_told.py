"""Who is told of what administrators do: by the operation itself, and each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.i18n import Message
from models.administration.operations import reset_factor_of
from models.notifications.notification import Notification
from models.notifications.security_notices import notify_owner
from tests.support.cast import NOW, cast, session, set_test_audit_context  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast


def test_the_reset_of_a_second_factor_is_told_by_the_operation_of_each_account(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    set_test_audit_context(session)
    for person in (office.requester, office.requester2):
        person.totp_secret = "seed"
        session.flush()
        reset_factor_of(person, office.administrator, now=NOW)
    session.commit()
    told = [one.user_id for one in session.scalars(select(Notification))]
    assert told.count(office.head.id) == 2, "within a minute, and both"
    assert {office.requester.id, office.requester2.id} <= set(told)


def test_two_changes_of_one_kind_within_a_minute_are_both_told(session: AuditedSession, cast: Cast) -> None:
    owner = cast.lumajang.requester
    set_test_audit_context(session)
    for name in (Message("telepon"), Message("kantor")):
        notify_owner(owner, name, kind="passkey", address="10.0.0.1", now=NOW)
    session.commit()
    told = session.scalars(select(Notification).where(Notification.user_id == owner.id)).all()
    assert [one.details["what"]["text"] for one in told] == ["telepon", "kantor"]
