"""The requests of somebody who is disabled, or is no requester any more: given to another, and not too early."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.administration.account_request import AccountRequest
from models.administration.decisions import approve
from models.administration.operations import change_roles, disabling_waits
from models.changes.change import ChangeRequest
from models.changes.requester_takeover import take_over_request
from tests.support.cast import (
    NOW,
    cast,  # noqa: F401 - fixtures
    change_at_step,
    session,  # noqa: F401
    set_test_audit_context,
)
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp


def test_the_role_of_requester_goes_only_after_the_requests_on_every_path_of_an_administrator(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.RETURNED)
    set_test_audit_context(session)
    for roles in ({Role.CHANGE_MANAGER}, {Role.HEAD}):
        with pytest.raises(ValidationFailed) as refusal:
            change_roles(office.requester, office.administrator, roles, now=NOW)
        assert set(refusal.value.field_errors) == {"roles"}
    take_over_request(change, office.requester2, by=office.administrator, now=NOW, reason="Mutasi")
    assert change_roles(office.requester, office.administrator, {Role.CHANGE_MANAGER}, now=NOW) is None
    assert change_roles(office.requester2, None, {Role.CHANGE_MANAGER}, now=NOW) is None, "the terminal may"


def test_a_request_that_came_while_the_roles_waited_stops_the_approval(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    set_test_audit_context(session)
    asked = change_roles(office.requester, office.administrator, {Role.HEAD}, now=NOW)
    assert asked is not None
    session.commit()
    change_at_step(session, office, Step.RETURNED)
    set_test_audit_context(session)
    with pytest.raises(NoSuchMove, match="another requester"):
        approve(asked, office.head, now=NOW, secret_key=None)
    assert office.requester.roles == {Role.REQUESTER}


def test_nothing_is_given_to_others_before_a_second_person_agrees_to_the_disabling(running_app: RunningApp) -> None:
    with running_app.session() as opened:
        office = running_app.cast(opened).lumajang
        change = change_at_step(opened, office, Step.RETURNED)
        set_test_audit_context(opened)
        office.requester.roles = {Role.REQUESTER, Role.HEAD}
        opened.commit()
        assert disabling_waits(office.requester, office.administrator, NOW)
        assert not disabling_waits(office.requester2, office.administrator, NOW)
        change_id, number, ids = change.id, str(change.number), (office.requester.id, office.requester2.id)
    administrator, path = running_app.visitor("administrator"), f"/admin/user/{ids[0]}/disable"
    assert administrator.post(path, successor_id=str(ids[1]), reason="Pensiun").status_code == 303
    page = administrator.get(f"/admin/user/details/?id={ids[0]}").text
    assert number in page, "what is to be given to another is named"
    with running_app.session() as opened:
        assert opened.get_one(ChangeRequest, change_id).requester_id == ids[0]
        one = opened.scalars(select(AccountRequest.id)).one()
    assert running_app.visitor("kepala").post(f"/admin/account-request/{one}/approve").status_code == 303
    with running_app.session() as opened:
        assert not opened.get_one(User, ids[0]).is_active
    given = administrator.post(f"/admin/user/{ids[0]}/hand-over-requests", successor_id=str(ids[1]), reason="Pensiun")
    assert given.status_code == 303
    with running_app.session() as opened:
        assert opened.get_one(ChangeRequest, change_id).requester_id == ids[1]
