"""Four eyes: one administrator makes no head, takes none away and resets none, on any path."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from lpse_admin.accounts.four_eyes import (
    GUARDED_ROLES,
    AccountAct,
    RequestState,
    may_second,
    mixed_roles_error,
    needs_second_person,
)
from lpse_admin.accounts.inspection import InspectionDates
from lpse_admin.accounts.roles import ACTOR_ROLES, Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.notifications.events import Event
from models.accounts.user import PERSONAL_FIELDS, User, is_password_correct
from models.administration.account_request import AccountRequest
from models.administration.decisions import approve, refuse, withdraw
from models.administration.operations import (
    NewAccount,
    alter_account,
    change_roles,
    create_account,
    disable_account,
    enable_account,
    reset_account,
)
from models.audit.trail import AuditEntry
from models.notifications.mail import Mail
from models.notifications.notification import Notification
from tests.support.cast import NOW, cast, session, set_test_audit_context, user  # noqa: F401 - fixtures
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.cast import AuditedSession, Cast, Office
    from tests.support.running_app import RunningApp

PASSWORD = "empat kata yang panjang"
_ROLES = st.frozensets(st.sampled_from(Role))


@pytest.mark.rules
@given(_ROLES, _ROLES)
def test_head_and_administrator_are_guarded_both_ways_and_nothing_else_is(
    before: frozenset[Role], after: frozenset[Role]
) -> None:
    changed = before ^ after
    waits = needs_second_person(AccountAct.ROLES, before, after)
    assert waits == (Role.HEAD in changed or Role.ADMINISTRATOR in changed)
    for act in set(AccountAct) - {AccountAct.ROLES}:
        assert needs_second_person(act, before, before) == bool(before & GUARDED_ROLES)


@pytest.mark.rules
@given(_ROLES)
def test_an_administrator_holds_no_role_of_the_procedure(roles: frozenset[Role]) -> None:
    is_mixed = Role.ADMINISTRATOR in roles and bool(roles & set(ACTOR_ROLES))
    assert (mixed_roles_error(roles) is not None) == is_mixed


@pytest.mark.rules
@pytest.mark.parametrize(("is_asker", "is_owner"), [(True, False), (False, True), (True, True)])
def test_neither_who_asked_nor_the_owner_is_the_second_person(is_asker: bool, is_owner: bool) -> None:
    assert may_second({Role.HEAD}, is_asker=False, is_owner=False)
    assert not may_second({Role.HEAD}, is_asker=is_asker, is_owner=is_owner)
    assert not may_second({Role.CHANGE_MANAGER, Role.INSPECTOR, Role.REQUESTER}, is_asker=False, is_owner=False)


def values_of(person: User, **changed: str) -> dict[str, str | None]:
    return {key: getattr(person, key) for key in PERSONAL_FIELDS} | changed


def new_account(session: AuditedSession, office: Office, roles: Iterable[Role], username: str = "baru.satu") -> User:
    account = NewAccount(office.agency, {"username": username, "full_name": "Orang Baru"}, frozenset(roles), PASSWORD)
    return create_account(session, office.administrator, account, now=NOW)


def waiting(session: AuditedSession) -> AccountRequest:
    session.flush()
    return session.scalars(select(AccountRequest).order_by(AccountRequest.id.desc())).all()[0]


@pytest.fixture
def office(session: AuditedSession, cast: Cast) -> Office:
    set_test_audit_context(session)
    return cast.lumajang


@pytest.mark.parametrize("roles", [{Role.HEAD}, {Role.ADMINISTRATOR}, {Role.HEAD, Role.CHANGE_MANAGER}])
def test_a_new_head_or_administrator_stays_disabled_until_a_second_person_approves(
    session: AuditedSession, office: Office, roles: set[Role]
) -> None:
    created = new_account(session, office, roles)
    assert not created.is_active
    request = waiting(session)
    for nobody in (office.administrator, office.manager, office.inspector, created):
        with pytest.raises(NotAllowed):
            approve(request, nobody, now=NOW, secret_key=None)
    way_in = approve(request, office.head, now=NOW, secret_key=None)
    assert (created.is_active, created.roles, created.is_password_initial) == (True, frozenset(roles), True)
    assert way_in is not None
    assert way_in.password is not None
    session.commit()


def test_no_administrator_makes_a_head_out_of_anybody_alone(session: AuditedSession, office: Office) -> None:
    before = office.manager.roles
    for roles in ({Role.HEAD}, {Role.CHANGE_MANAGER, Role.HEAD}):
        assert change_roles(office.manager, office.administrator, roles, now=NOW) is not None
        assert office.manager.roles == before
        withdraw(waiting(session), office.administrator, now=NOW)
        (asked,) = alter_account(
            office.manager, office.administrator, values=values_of(office.manager), roles=roles, now=NOW
        )
        assert (asked.act, office.manager.roles) == (AccountAct.ROLES, before)
        withdraw(asked, office.administrator, now=NOW)


def test_the_roles_come_with_the_approval_and_end_the_sessions(session: AuditedSession, office: Office) -> None:
    version = office.manager.session_version
    change_roles(office.manager, office.administrator, {Role.HEAD}, now=NOW)
    approve(waiting(session), office.head, now=NOW, secret_key=None)
    assert office.manager.roles == {Role.HEAD}
    assert office.manager.session_version == version + 2, "by the roles, and by the new password"


def test_the_address_of_a_head_waits_and_the_rest_of_the_form_does_not(session: AuditedSession, office: Office) -> None:
    values = values_of(office.head, email="lain@example.invalid", position="Kepala LPSE")
    (asked,) = alter_account(office.head, office.administrator, values=values, roles=office.head.roles, now=NOW)
    assert (office.head.email, office.head.position) == (None, "Kepala LPSE")
    second = user(session, office.agency, "administrator2", Role.ADMINISTRATOR)
    approve(asked, second, now=NOW, secret_key=None)
    assert office.head.email == "lain@example.invalid"


def test_a_reset_of_a_head_waits_and_its_password_is_not_known_to_who_asked(
    session: AuditedSession, office: Office
) -> None:
    former = office.head.password_hash
    asked = reset_account(office.head, office.administrator, now=NOW, secret_key="x" * 32)
    assert isinstance(asked, AccountRequest)
    assert office.head.password_hash == former
    with pytest.raises(NotAllowed):
        approve(asked, office.head, now=NOW, secret_key=None)
    second = user(session, office.agency, "administrator2", Role.ADMINISTRATOR)
    assert approve(asked, second, now=NOW, secret_key=None) is not None
    assert office.head.password_hash != former
    assert office.head.is_password_initial


def test_a_reset_by_mail_is_a_link_and_nobody_is_shown_a_password(session: AuditedSession, office: Office) -> None:
    office.manager.email = "pengelola@example.invalid"
    session.flush()
    assert reset_account(office.manager, office.administrator, now=NOW, secret_key="x" * 32) is None
    session.commit()
    told = session.scalars(select(Notification.event).where(Notification.user_id == office.manager.id)).all()
    assert sorted(told) == [Event.ACCOUNT_CHANGED, Event.PASSWORD_RESET]


def test_the_last_head_is_neither_dismissed_nor_disabled_by_anybody(session: AuditedSession, office: Office) -> None:
    for by in (office.administrator, None):
        with pytest.raises(NoSuchMove, match="last head"):
            disable_account(office.head, by, now=NOW)
        with pytest.raises(NoSuchMove, match="last head"):
            change_roles(office.head, by, {Role.INSPECTOR}, now=NOW)
    second = user(session, office.agency, "kepala2", Role.HEAD)
    disable_account(second, office.administrator, now=NOW)
    approve(waiting(session), office.head, now=NOW, secret_key=None)
    assert not second.is_active
    with pytest.raises(NoSuchMove, match="last head"):
        disable_account(office.head, office.administrator, now=NOW)


def test_the_last_head_stays_also_where_two_requests_wait(session: AuditedSession, office: Office) -> None:
    second = user(session, office.agency, "kepala2", Role.HEAD)
    admin2 = user(session, office.agency, "administrator2", Role.ADMINISTRATOR)
    requests = []
    for head in (office.head, second):
        disable_account(head, office.administrator, now=NOW)
        requests.append(waiting(session))
    approve(requests[0], admin2, now=NOW, secret_key=None)
    with pytest.raises(NoSuchMove, match="last head"):
        approve(requests[1], admin2, now=NOW, secret_key=None)
    assert second.is_active


def test_nobody_changes_their_own_roles(session: AuditedSession, office: Office) -> None:
    user(session, office.agency, "administrator2", Role.ADMINISTRATOR)
    for roles in itertools.chain.from_iterable(itertools.combinations(Role, size) for size in (1, 2)):
        if set(roles) != {Role.ADMINISTRATOR}:
            with pytest.raises(NotAllowed, match="own roles"):
                change_roles(office.administrator, office.administrator, roles, now=NOW)


def test_an_account_of_before_with_both_keeps_them_until_its_roles_are_changed(
    session: AuditedSession, office: Office
) -> None:
    both = user(session, office.agency, "keduanya", Role.ADMINISTRATOR, Role.CHANGE_MANAGER)
    alter_account(both, office.administrator, values=values_of(both, position="Staf"), roles=both.roles, now=NOW)
    assert both.position == "Staf"
    with pytest.raises(ValidationFailed):
        change_roles(both, None, {Role.ADMINISTRATOR, Role.REQUESTER}, now=NOW)
    with pytest.raises(ValidationFailed):
        new_account(session, office, {Role.ADMINISTRATOR, Role.HEAD})


def test_a_request_is_decided_once_and_only_while_it_waits(session: AuditedSession, office: Office) -> None:
    change_roles(office.manager, office.administrator, {Role.HEAD}, now=NOW)
    first = waiting(session)
    with pytest.raises(NoSuchMove, match="already"):
        change_roles(office.manager, office.administrator, {Role.HEAD, Role.REQUESTER}, now=NOW)
    late = NOW + dt.timedelta(days=7)
    assert first.state(late) is RequestState.EXPIRED
    with pytest.raises(NoSuchMove):
        approve(first, office.head, now=late, secret_key=None)
    with pytest.raises(ValidationFailed):
        refuse(first, office.head, now=NOW, reason=" ")
    with pytest.raises(NotAllowed):
        withdraw(first, office.head, now=NOW)
    refuse(first, office.manager, now=NOW, reason="Saya tidak mau")
    with pytest.raises(NoSuchMove):
        approve(first, office.head, now=NOW, secret_key=None)
    with pytest.raises(NoSuchMove):
        refuse(first, office.head, now=NOW, reason="Lagi")
    with pytest.raises(NoSuchMove):
        withdraw(first, office.administrator, now=NOW)
    session.commit()


def test_enabling_a_disabled_head_waits_too(session: AuditedSession, office: Office) -> None:
    second = user(session, office.agency, "kepala2", Role.HEAD)
    second.is_active = False
    session.flush()
    assert enable_account(second, office.administrator, now=NOW) is not None
    assert not second.is_active
    approve(waiting(session), office.head, now=NOW, secret_key=None)
    assert second.is_active


def test_a_password_of_who_asked_never_opens_a_new_head_by_way_of_enabling(
    session: AuditedSession, office: Office
) -> None:
    created = new_account(session, office, {Role.HEAD})
    with pytest.raises(NoSuchMove, match="already"):
        enable_account(created, office.administrator, now=NOW)
    withdraw(waiting(session), office.administrator, now=NOW)
    enable_account(created, office.administrator, now=NOW)
    way_in = approve(waiting(session), office.head, now=NOW, secret_key=None)
    assert created.is_active
    assert way_in is not None
    assert way_in.password is not None
    assert is_password_correct(created, way_in.password)
    assert not is_password_correct(created, PASSWORD)


def test_a_head_who_chose_a_password_keeps_it_when_enabled_again(session: AuditedSession, office: Office) -> None:
    second = user(session, office.agency, "kepala2", Role.HEAD)
    second.is_active = False
    before = second.password_hash
    enable_account(second, office.administrator, now=NOW)
    assert approve(waiting(session), office.head, now=NOW, secret_key=None) is None
    assert second.password_hash == before


def test_who_becomes_a_head_gets_in_by_nothing_that_was_set_before(session: AuditedSession, office: Office) -> None:
    created = new_account(session, office, {Role.REQUESTER})
    created.set_password(PASSWORD)  # by whoever made the account, who logged in as its owner
    created.totp_secret = "seed"
    change_roles(created, office.administrator, {Role.HEAD}, now=NOW)
    way_in = approve(waiting(session), office.head, now=NOW, secret_key=None)
    assert way_in is not None
    assert way_in.password is not None
    assert not is_password_correct(created, PASSWORD)
    assert (created.roles, created.is_password_initial) == (frozenset({Role.HEAD}), True)
    assert not session.scalar(select(User.totp_secret).where(User.id == created.id))
    change_roles(created, office.administrator, {Role.HEAD, Role.REQUESTER}, now=NOW)
    assert created.roles == {Role.HEAD, Role.REQUESTER}
    assert is_password_correct(created, way_in.password), "a head who gets a further role keeps the password"


def test_what_is_asked_for_with_or_after_the_role_of_head_waits_as_it_does_for_a_head(
    session: AuditedSession, office: Office
) -> None:
    values = values_of(office.manager, email="lain@example.invalid")
    asked = alter_account(office.manager, office.administrator, values=values, roles={Role.HEAD}, now=NOW)
    assert {one.act for one in asked} == {AccountAct.ROLES, AccountAct.EMAIL}
    assert office.manager.email is None
    assert isinstance(reset_account(office.manager, office.administrator, now=NOW, secret_key=None), AccountRequest)
    for one in asked:
        withdraw(one, office.administrator, now=NOW)
    withdraw(waiting(session), office.administrator, now=NOW)
    assert isinstance(reset_account(office.manager, office.administrator, now=NOW, secret_key=None), str)


def test_a_new_head_is_not_approved_with_another_address_than_was_asked(
    session: AuditedSession, office: Office
) -> None:
    created = new_account(session, office, {Role.HEAD})
    request = waiting(session)
    alter_account(created, None, values=values_of(created, email="lain@example.invalid"), roles=created.roles, now=NOW)
    with pytest.raises(NoSuchMove, match="another e-mail address"):
        approve(request, office.head, now=NOW, secret_key=None)


DATES = {"inspects_from": NOW.date().isoformat(), "inspects_until": (NOW.date() + dt.timedelta(days=5)).isoformat()}
INSPECTION = InspectionDates(NOW.date(), NOW.date() + dt.timedelta(days=5))


def test_the_days_of_an_inspection_wait_with_the_role(session: AuditedSession, office: Office) -> None:
    second = user(session, office.agency, "kepala2", Role.HEAD)
    (asked,) = alter_account(
        second, office.administrator, values=values_of(second, **DATES), roles={Role.INSPECTOR}, now=NOW
    )
    assert second.inspection == InspectionDates()
    session.commit()
    set_test_audit_context(session)
    approve(asked, office.head, now=NOW, secret_key=None)
    assert (second.roles, second.inspection) == (frozenset({Role.INSPECTOR}), INSPECTION)


def test_the_days_of_an_inspector_stay_until_another_role_is_approved_and_go_with_the_role(
    session: AuditedSession, office: Office
) -> None:
    inspector = office.inspector
    inspector.inspects_from, inspector.inspects_until = INSPECTION.first, INSPECTION.last
    empty = dict.fromkeys(DATES)
    values: dict[str, str | None] = values_of(inspector) | empty
    (asked,) = alter_account(inspector, office.administrator, values=values, roles={Role.HEAD}, now=NOW)
    assert inspector.inspection == INSPECTION
    approve(asked, office.head, now=NOW, secret_key=None)
    assert (inspector.roles, inspector.inspection) == (frozenset({Role.HEAD}), InspectionDates())


def test_the_terminal_leaves_no_days_of_an_inspection_on_a_head(session: AuditedSession, office: Office) -> None:
    office.inspector.inspects_until = NOW.date() - dt.timedelta(days=9)
    assert office.inspector.outside_inspection(NOW) is not None
    office.inspector.roles = {Role.HEAD}
    assert office.inspector.outside_inspection(NOW) is None
    change_roles(office.inspector, None, {Role.INSPECTOR}, now=NOW)
    assert office.inspector.inspection == InspectionDates(), "days of before do not come back with the role"
    office.inspector.inspects_until = NOW.date()
    change_roles(office.inspector, None, {Role.REQUESTER}, now=NOW)
    assert office.inspector.inspection == InspectionDates()


def test_owner_heads_administrators_and_inspectors_are_told_and_inspectors_get_no_mail(
    session: AuditedSession, office: Office
) -> None:
    for person in office.people:
        person.email = f"{person.username}@example.invalid"
    session.flush()
    values = values_of(office.requester, email="lain@example.invalid")
    alter_account(
        office.requester, office.administrator, values=values, roles={Role.REQUESTER, Role.CHANGE_MANAGER}, now=NOW
    )
    session.commit()
    told = session.execute(
        select(Notification.user_id, Notification.event, Mail.address).outerjoin(
            Mail, Mail.notification_id == Notification.id
        )
    ).all()
    changed = {(row.user_id, row.address) for row in told if row.event is Event.ACCOUNT_CHANGED}
    assert changed == {
        (office.requester.id, "lain@example.invalid"),
        (office.head.id, office.head.email),
        (office.administrator.id, office.administrator.email),
        (office.inspector.id, None),
    }
    former = [row.address for row in told if row.event is Event.EMAIL_CHANGED]
    assert former == ["pemohon@example.invalid"]


def account(running_app: RunningApp, username: str) -> User:
    with running_app.session() as opened:
        return opened.scalars(select(User).where(User.username == username)).one()


def latest(running_app: RunningApp) -> AccountRequest:
    with running_app.session() as opened:
        return opened.scalars(select(AccountRequest).order_by(AccountRequest.id.desc())).all()[0]


def panel_of(running_app: RunningApp, username: str) -> str:
    """Return the panel of accounts on a home page; "" where there is none."""
    found = re.search(
        r'<section class="panel accounts".*?</section>', running_app.visitor(username).get("/").text, re.DOTALL
    )
    return found[0] if found else ""


def test_on_the_screens_a_new_head_waits_and_the_head_approves(running_app: RunningApp) -> None:
    administrator, head = running_app.visitor("administrator"), running_app.visitor("kepala")
    address, nip = "dua@example.invalid", "197503122001121004"
    typed: dict[str, Any] = {"full_name": "Kepala Kedua", "roles": ["head"], "password": PASSWORD}
    typed |= {"email": address, "nip": nip}
    assert administrator.post("/admin/user/new/", username="kepala.dua", **typed).status_code == 303
    assert "menunggu orang kedua" in administrator.get("/admin/user/").text
    one = latest(running_app)
    page = f"/admin/account-request/details/?id={one.id}"
    shown = head.get(page).text
    assert "Setujui" in shown
    for known in ("kepala.dua", "Kepala Kedua", address, "19750312 200112 1 004"):
        assert known in shown, "whoever approves sees whom it lets in, and where a link would go"
    assert f"{one.id}/approve" not in administrator.get(page).text
    assert administrator.post(f"/admin/account-request/{one.id}/approve").status_code == 403
    assert running_app.visitor("pemeriksa").get(page).status_code == 200
    assert running_app.visitor("pemeriksa").post(f"/admin/account-request/{one.id}/approve").status_code == 403
    assert running_app.visitor("kepala.tt").get(page).status_code == 404
    panel = panel_of(running_app, "kepala")
    assert f'href="{page}">Akun baru: Kepala Kedua</a>' in panel
    assert ">Putuskan<" in panel
    assert "Putuskan" not in panel_of(running_app, "administrator"), "who asked does not decide"
    assert "Kepala Kedua" not in panel_of(running_app, "kepala.tt")
    assert panel_of(running_app, "pengelola") == ""
    assert head.post(f"/admin/account-request/{one.id}/approve").status_code == 303
    assert re.search(r"(?:[a-z2-9]{4}-){4}[a-z2-9]{4}", head.get(page).text), "the first password is shown once"
    assert account(running_app, "kepala.dua").is_active
    assert head.post(f"/admin/account-request/{one.id}/approve").status_code == 409
    for told in ("kepala", "administrator", "pemeriksa"):
        panel = panel_of(running_app, told)
        assert "Kepala Kedua" in panel
        assert f"{one.id}&quot;>Putuskan" not in panel
    with running_app.session() as opened:
        actions = opened.scalars(select(AuditEntry.action)).all()
    assert "account-request.approve" in actions


def test_on_the_screens_a_refusal_needs_its_reason_and_changes_nothing(running_app: RunningApp) -> None:
    administrator, head = running_app.visitor("administrator"), running_app.visitor("kepala")
    manager = account(running_app, "pengelola2")
    typed: dict[str, Any] = {"username": "pengelola2", "full_name": manager.full_name, "roles": ["head"]}
    assert administrator.post(f"/admin/user/edit/?id={manager.id}", **typed).status_code == 303
    one = latest(running_app)
    assert head.post(f"/admin/account-request/{one.id}/refuse", reason=" ").status_code == 422
    assert head.post(f"/admin/account-request/{one.id}/refuse", reason="Tidak tahu").status_code == 303
    assert account(running_app, "pengelola2").roles == {Role.CHANGE_MANAGER}
    assert "Tidak tahu" in administrator.get(f"/admin/account-request/details/?id={one.id}").text


@pytest.mark.parametrize("roles", [["head", "administrator"], ["administrator", "requester"]])
def test_on_the_screens_an_administrator_beside_another_role_is_422(running_app: RunningApp, roles: list[str]) -> None:
    typed: dict[str, Any] = {"full_name": "Dua Peran", "roles": roles, "password": PASSWORD}
    refused = running_app.visitor("administrator").post("/admin/user/new/", username="dua.peran", **typed)
    assert (refused.status_code, 'id="roles-error"' in refused.text) == (422, True)
