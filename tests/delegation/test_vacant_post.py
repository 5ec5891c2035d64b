"""A vacant post of head: the Plt. whom the superior appoints, and when that ends."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.acting_head import length_to_explain, reason_cannot_act_for_head
from models.accounts.user import User
from models.delegation.delegation import Delegation, DelegationKind, DelegationState, load_active_delegation
from models.delegation.grant import Superior, confirm_delegation, grant_delegation
from models.delegation.head_absence import AbsenceCause, head_absence
from tests.support.cast import (
    LUMAJANG,
    NOW,
    cast,  # noqa: F401 - fixtures
    change_at_step,
    delegation,
    make_move,
    session,  # noqa: F401
    set_test_audit_context,
)
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast, Office
    from tests.support.running_app import RunningApp

TODAY = dt.date(2026, 3, 2)
SEKDA = Superior("Dra. Sri Handayani, M.Si.", "Sekretaris Daerah Kabupaten Lumajang", TODAY)


def leave(session: AuditedSession, office: Office, roles: set[Role] | None = None) -> None:
    """Take the role of head from the head, or give them ``roles``."""
    set_test_audit_context(session, "user.edit")
    office.head.roles = roles or {Role.REQUESTER}
    session.commit()


_SUPERADMIN = select(User).where(User.agency_id.is_(None))


def appoint(session: AuditedSession, office: Office, **changes: Any) -> Delegation:
    """Record the superior's decree for the manager, for three months from today, with ``changes``."""
    set_test_audit_context(
        session, "delegation.grant", actor_id=office.administrator.id, actor_name="A", capacity="Administrator"
    )
    values = {
        "head": None, "superior": SEKDA, "delegate": office.manager2, "kind": DelegationKind.PLT,
        "decree_number": "821/15/2026", "from_date": TODAY, "until_date": dt.date(2026, 6, 1),
        "by": office.administrator, "now": NOW, **changes,
    }  # fmt: skip
    created = grant_delegation(session, **values)
    confirm_delegation(created, by=session.scalars(_SUPERADMIN).one(), now=NOW)
    session.commit()
    return created


def test_the_plt_whom_the_superior_appoints_decides_and_signs_as_plt(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.APPROVAL)
    leave(session, office)
    created = appoint(session, office)
    assert (created.head_id, created.head_name, created.head_title) == (None, SEKDA.name, SEKDA.title)
    assert (created.decree_date, created.recorded_by_capacity) == (TODAY, "Administrator")
    assert office.manager2.roles == {Role.CHANGE_MANAGER}, "keeps the post of their own"
    decided = make_move(session, change, Outcome.APPROVED, office.manager2)
    assert (decided.capacity, decided.delegation_id) == ("Plt. Kepala LPSE", created.id)
    result = head_absence(session, office.agency, NOW)
    assert result is not None
    assert (result.cause, result.delegation, result.uncovered_since) == (AbsenceCause.VACANT, created, None)


def test_it_ends_when_the_post_is_filled_and_stays_ended(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    leave(session, office)
    created = appoint(session, office)
    leave(session, office, {Role.HEAD})
    assert created.state(TODAY) is DelegationState.VOID
    leave(session, office)
    assert created.state(TODAY) is DelegationState.VOID
    assert load_active_delegation(session, office.manager2, NOW) is None
    again = appoint(session, office, decree_number="821/16/2026")
    assert load_active_delegation(session, office.manager2, NOW) == again


def test_a_disabled_head_leaves_the_post_vacant_until_the_account_is_enabled(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    set_test_audit_context(session)
    office.head.is_active = False
    session.commit()
    created = appoint(session, office)
    assert load_active_delegation(session, office.manager2, NOW) == created
    set_test_audit_context(session)
    office.head.is_active = True
    session.commit()
    assert created.state(TODAY) is DelegationState.VOID


def test_a_head_s_delegation_stays_void_when_the_head_comes_back(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    created = delegation(session, office, office.manager2, days=365)
    change = change_at_step(session, office, Step.APPROVAL)
    leave(session, office)
    leave(session, office, {Role.HEAD})
    assert created.state(TODAY) is DelegationState.VOID
    with pytest.raises(NotAllowed):
        make_move(session, change, Outcome.APPROVED, office.manager2)
    assert session.scalars(select(Delegation.id).where(Delegation.is_in_force_on(TODAY))).all() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": DelegationKind.PLH}, "kind"),
        ({"superior": Superior("\u200b", "Sekda", TODAY)}, "giver_name"),
        ({"superior": Superior("Sri", " ", TODAY)}, "giver_title"),
        ({"superior": Superior("Sri", "Sekda", None)}, "decree_date"),
        ({"superior": Superior("Sri", "Sekda", TODAY + dt.timedelta(1))}, "decree_date"),
        ({"until_date": dt.date(2026, 6, 2)}, "exception_reason"),
        ({"from_date": dt.date(2026, 2, 5), "until_date": dt.date(2026, 4, 1)}, "exception_reason"),
    ],
)
def test_what_a_decree_of_the_superior_lacks_is_named(
    session: AuditedSession, cast: Cast, changes: dict[str, Any], field: str
) -> None:
    leave(session, cast.lumajang)
    with pytest.raises(ValidationFailed) as refusal:
        appoint(session, cast.lumajang, **changes)
    assert set(refusal.value.field_errors) == {field}


def test_a_longer_term_and_an_earlier_day_are_recorded_with_their_reason(session: AuditedSession, cast: Cast) -> None:
    leave(session, cast.lumajang)
    created = appoint(
        session, cast.lumajang, from_date=dt.date(2026, 2, 5), until_date=dt.date(2026, 12, 31),
        exception_reason="SK diterima terlambat",
    )  # fmt: skip
    assert created.exception_reason == "SK diterima terlambat"


def test_while_a_head_is_in_office_no_superior_appoints_a_plt(session: AuditedSession, cast: Cast) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        appoint(session, cast.lumajang)
    assert set(refusal.value.field_errors) == {"head_id"}


def test_only_an_administrator_records_it(session: AuditedSession, cast: Cast) -> None:
    leave(session, cast.lumajang)
    for person in (cast.lumajang.manager, cast.lumajang.inspector, cast.tana_tidung.administrator):
        with pytest.raises(NotAllowed):
            appoint(session, cast.lumajang, by=person)


@pytest.mark.parametrize(
    ("roles", "can"),
    [
        ({Role.CHANGE_MANAGER}, True),
        ({Role.REQUESTER, Role.CHANGE_MANAGER}, True),
        ({Role.REQUESTER}, False),
        ({Role.INSPECTOR}, False),
        ({Role.INSPECTOR, Role.CHANGE_MANAGER}, False),
        ({Role.HEAD}, False),
    ],
)
def test_an_inspector_and_a_mere_requester_do_not_act_for_the_head(
    roles: set[Role], can: bool, session: AuditedSession, cast: Cast
) -> None:
    assert (reason_cannot_act_for_head(roles) is None) == can
    office = cast.lumajang
    set_test_audit_context(session)
    office.manager2.roles = roles
    session.commit()

    def grant() -> Delegation:
        return grant_delegation(
            session, head=office.head, delegate=office.manager2, kind=DelegationKind.PLH, decree_number="800/1",
            from_date=TODAY, until_date=TODAY, by=office.head, now=NOW,
        )  # fmt: skip

    if can:
        created = grant()
        assert load_active_delegation(session, office.manager2, NOW) == created
        office.manager2.roles = {Role.INSPECTOR}
        assert load_active_delegation(session, office.manager2, NOW) is None
        return
    with pytest.raises(ValidationFailed) as refusal:
        grant()
    assert set(refusal.value.field_errors) == {"delegate_id"}


@pytest.mark.parametrize("number", ["800/12/2026", " 800 / 12 / 2026", "800-12-2026"])
def test_one_decree_serves_one_delegation(number: str, session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    first = delegation(session, office, office.manager)

    def grant(delegate: User, day: int) -> Delegation:
        return grant_delegation(
            session, head=office.head, delegate=delegate, kind=DelegationKind.PLH, decree_number=number,
            from_date=TODAY + dt.timedelta(day), until_date=TODAY + dt.timedelta(day), by=office.head, now=NOW,
        )  # fmt: skip

    for delegate in (office.manager, office.manager2):
        with pytest.raises(ValidationFailed) as refusal:
            grant(delegate, 9)
        assert set(refusal.value.field_errors) == {"decree_number"}
        assert str(first.delegate_name) in str(refusal.value.field_errors["decree_number"])
    first.withdraw(now=NOW, by=office.head)
    assert grant(office.manager, 9).decree_number == number.strip()


@pytest.mark.parametrize(
    ("first", "last", "earlier", "is_asked"),
    [
        ((2026, 3, 2), (2026, 6, 1), [], False),
        ((2026, 3, 2), (2026, 6, 2), [], True),
        ((2026, 11, 30), (2027, 2, 27), [], False),
        ((2026, 6, 2), (2026, 9, 1), [((2026, 3, 2), (2026, 6, 1))], False),
        ((2026, 9, 2), (2026, 9, 9), [((2026, 3, 2), (2026, 6, 1)), ((2026, 6, 2), (2026, 9, 1))], True),
        ((2026, 10, 2), (2026, 10, 9), [((2026, 3, 2), (2026, 6, 1)), ((2026, 6, 2), (2026, 9, 1))], False),
    ],
)
def test_three_months_once_more_three_and_then_it_is_asked(
    first: tuple[int, int, int], last: tuple[int, int, int], earlier: list[Any], is_asked: bool
) -> None:
    terms = [(dt.date(*begins), dt.date(*ends)) for begins, ends in earlier]
    assert (length_to_explain(dt.date(*first), dt.date(*last), terms) is not None) == is_asked


def test_the_administrator_records_it_on_the_screen(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    with running_app.session() as opened:
        head = opened.scalars(select(User).where(User.username == "kepala")).one()
        delegate_id = opened.scalars(select(User.id).where(User.username == "plh")).one()
        head.roles = {Role.REQUESTER}
        opened.commit()
    administrator = running_app.visitor("administrator")
    page = administrator.get("/admin/delegation/new/").text
    assert "Jabatan kosong" in page
    typed: dict[str, Any] = {
        "head_id": "0", "giver_name": SEKDA.name, "giver_title": SEKDA.title, "decree_date": str(TODAY),
        "delegate_id": str(delegate_id), "kind": "plt", "decree_number": "821/1/2026",
        "from_date": "2026-03-02", "until_date": "2026-06-01", "reason": "",
    }  # fmt: skip
    without = administrator.post("/admin/delegation/new/", **typed | {"giver_name": ""}, decree=upload_file("SK.pdf"))
    assert (without.status_code, 'id="giver_name-error"' in without.text) == (422, True)
    assert administrator.post("/admin/delegation/new/", **typed, decree=upload_file("SK.pdf")).status_code == 303
    details = administrator.get("/admin/delegation/").text
    assert SEKDA.name in details
    with running_app.session() as opened:
        recorded = opened.scalars(select(Delegation).where(Delegation.decree_number == "821/1/2026")).one()
    assert administrator.post(f"/admin/delegation/{recorded.id}/confirm").status_code == 403
    fields = running_app.move_form(change_id, Outcome.APPROVED)
    assert running_app.visitor("plh").post(f"/admin/change/{change_id}/move", **fields).status_code == 403
    assert running_app.visitor("admin").post(f"/admin/delegation/{recorded.id}/confirm").status_code == 303
    fields = running_app.move_form(change_id, Outcome.APPROVED)
    assert running_app.visitor("plh").post(f"/admin/change/{change_id}/move", **fields).status_code == 303
    assert "Plt. Kepala LPSE (821/1/2026)" in administrator.get("/admin/approval/").text or "Plt. Kepala LPSE" in (
        running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    )
