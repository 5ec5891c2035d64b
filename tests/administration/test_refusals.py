"""Who may refuse what waits for a second person: a stolen session keeps no account open by refusing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.accounts.four_eyes import AccountAct, RequestState, may_owner_refuse
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed
from models.accounts.user import PERSONAL_FIELDS
from models.administration.account_request import AccountRequest
from models.administration.decisions import refuse, withdraw
from models.administration.operations import (
    alter_account,
    change_roles,
    disable_account,
    reset_account,
    reset_factor_of,
)
from tests.support.cast import NOW, cast, session, set_test_audit_context, user  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from models.accounts.user import User
    from tests.support.cast import AuditedSession, Cast


@pytest.mark.rules
def test_an_owner_refuses_no_disabling_no_reset_and_no_end_of_the_second_factor() -> None:
    kept = {AccountAct.DISABLE, AccountAct.RESET, AccountAct.FACTOR}
    assert {act for act in AccountAct if not may_owner_refuse(act)} == kept


def second_head(session: AuditedSession, cast: Cast) -> User:
    set_test_audit_context(session)
    owner = user(session, cast.lumajang.agency, "kepala2", Role.HEAD)
    owner.totp_secret = "seed"
    session.flush()
    return owner


def test_the_owner_cannot_keep_an_account_open_and_another_head_may_refuse(session: AuditedSession, cast: Cast) -> None:
    owner, by = second_head(session, cast), cast.lumajang.administrator
    disable_account(owner, by, now=NOW)
    reset_account(owner, by, now=NOW, secret_key=None)
    reset_factor_of(owner, by, now=NOW)
    session.flush()
    waiting = session.scalars(select(AccountRequest)).all()
    assert {one.act for one in waiting} == {AccountAct.DISABLE, AccountAct.RESET, AccountAct.FACTOR}
    for one in waiting:
        assert not one.can_be_refused_by(owner, NOW)
        with pytest.raises(NotAllowed):
            refuse(one, owner, now=NOW, reason="Saya masih di sini")
        assert one.can_be_refused_by(cast.lumajang.head, NOW)
        refuse(one, cast.lumajang.head, now=NOW, reason="Tidak perlu")
        assert not one.can_be_refused_by(cast.lumajang.head, NOW)
    session.commit()


def test_the_owner_refuses_a_change_of_roles_but_withdraws_what_they_asked_for(
    session: AuditedSession, cast: Cast
) -> None:
    owner, administrator = second_head(session, cast), cast.lumajang.administrator
    asked = change_roles(owner, administrator, {Role.CHANGE_MANAGER}, now=NOW)
    assert asked is not None
    refuse(asked, owner, now=NOW, reason="Saya tetap kepala")
    assert asked.state(NOW) is RequestState.REFUSED
    values = {key: getattr(administrator, key) for key in PERSONAL_FIELDS} | {"email": "lain@example.invalid"}
    (own,) = alter_account(administrator, administrator, values=values, roles=administrator.roles, now=NOW)
    with pytest.raises(NotAllowed):
        refuse(own, administrator, now=NOW, reason="Tidak jadi")
    withdraw(own, administrator, now=NOW)
    session.commit()
