"""Which rows somebody sees: requesters their own, nobody another agency's, by the one criterion of each table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.sop import to_toml
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity, Approval, Evaluation, TestCase
from models.delegation.absence import Absence
from models.delegation.delegation import Delegation
from models.deviations.deviation import Deviation
from models.documents.document import Document, attach
from models.inventory.asset import Asset, AssetMutation
from models.notifications.notification import Notification
from models.office.agency import NumberCounter
from models.office.office_day import OfficeDay
from models.office.setting import Threshold
from models.office.working_hours import RamadanMonth, WorkingHours
from models.releases.freeze import Freeze, FreezePermit
from models.releases.freeze_permit import grant_permit
from models.scope import sees_all_requests, visible, visible_agency_notifications
from models.sops import sop
from models.sops.sop import SopRevision
from tests.support.cast import (
    NOW,
    OUTCOMES_TO,
    absence,
    asset,
    attach_required,
    change_at_step,
    delegation,
    deviation,
    freeze,
    make_move,
    move_through,
    new_change,
    set_test_audit_context,
    settings,
)

if TYPE_CHECKING:
    from typing import Any

    from tests.support.cast import AuditedSession, Cast

#: Everything that has a criterion, with the column that names the agency.
SCOPED = {
    ChangeRequest: ChangeRequest.agency_id, Activity: Activity.agency_id, Document: Document.agency_id,
    SopRevision: SopRevision.agency_id, Asset: Asset.agency_id, AssetMutation: AssetMutation.agency_id,
    Delegation: Delegation.agency_id, OfficeDay: OfficeDay.agency_id, WorkingHours: WorkingHours.agency_id,
    RamadanMonth: RamadanMonth.agency_id, Threshold: Threshold.agency_id, Absence: Absence.agency_id,
    Deviation: Deviation.agency_id, Freeze: Freeze.agency_id, FreezePermit: FreezePermit.agency_id,
    AuditEntry: AuditEntry.chain, User: User.agency_id,
}  # fmt: skip


@pytest.fixture(scope="module")
def register(shared: tuple[AuditedSession, Cast]) -> tuple[AuditedSession, Cast]:
    """In both agencies: a closed request, a stranger's, a draft with a file, an item, a delegation, a draft paper."""
    session, cast = shared
    for office in (cast.lumajang, cast.tana_tidung):
        asset(session, office)
        settings(session, office)
        move_through(session, office, *OUTCOMES_TO[Step.ASSET_UPDATE], Outcome.UPDATED)
        make_move(
            session, new_change(session, office, requester=office.requester2), Outcome.SUBMITTED, office.requester2
        )
        draft = new_change(session, office)
        set_test_audit_context(session)
        attach_required(session, draft)
        attach(session, name="a.txt", media_type="text/plain", content=b"a", by=office.requester, now=NOW,
               activity=draft.current_activity)  # fmt: skip
        sop.load_revision(
            session, to_toml(replace(office.sop_revision.sop, revised=NOW.date())), office.sop_revision.key, now=NOW
        )
        absence(session, office)
        deviation(session, office)
        granted = delegation(session, office)
        attach(session, name="sk.pdf", media_type="application/pdf", content=b"%PDF-", by=office.head, now=NOW,
               delegation=granted)  # fmt: skip
        allowed = change_at_step(session, office, Step.EVALUATION)
        held = freeze(session, office)
        set_test_audit_context(session)
        grant_permit(session, held, allowed, by=office.head, now=NOW, reason="Diizinkan")
        session.commit()
    return shared


def seen(session: AuditedSession, model: type[Any], user: User, **standing: bool) -> set[Any]:
    return set(session.scalars(select(model).where(visible(model, user, **standing))))


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model.__name__)
def test_nobody_sees_anything_of_another_agency(model: type[Any], register: tuple[AuditedSession, Cast]) -> None:
    session, cast = register
    for office in (cast.lumajang, cast.tana_tidung):
        for person in office.people:
            agencies = {getattr(row, SCOPED[model].key) for row in seen(session, model, person)}
            assert agencies <= {office.agency.id}


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model.__name__)
def test_the_office_sees_all_of_its_own_but_drafts(model: type[Any], register: tuple[AuditedSession, Cast]) -> None:
    session, cast = register
    office = cast.lumajang
    column = SCOPED[model]
    everything = set(session.scalars(select(model).where(column == office.agency.id)))
    drafts = {
        row
        for row in everything
        if (model is ChangeRequest and row.is_draft)
        or (model is Activity and row.change.is_draft)
        or (model is Document and row.change is not None and row.change.is_draft)
    }
    assert bool(drafts) == (model in {ChangeRequest, Activity, Document})
    for person in (office.manager, office.head, office.inspector, office.administrator):
        assert sees_all_requests(person)
        assert seen(session, model, person) == everything - drafts
    assert seen(session, model, office.delegate, is_acting_head=True) == everything - drafts


def test_requesters_see_their_own_and_nothing_else(register: tuple[AuditedSession, Cast]) -> None:
    session, cast = register
    office = cast.lumajang
    for person in (office.requester, office.requester2):
        assert not sees_all_requests(person)
        own = seen(session, ChangeRequest, person)
        assert own == set(session.scalars(select(ChangeRequest).where(ChangeRequest.requester_id == person.id)))
        assert {activity.change for activity in seen(session, Activity, person)} == own
        assert {document.change for document in seen(session, Document, person)} <= own
        assert {day.agency for day in seen(session, OfficeDay, person)} == {office.agency}
        hidden_ones = (
            Asset, AssetMutation, Delegation, Absence, Freeze, WorkingHours, RamadanMonth, Threshold, AuditEntry,
        )  # fmt: skip
        assert {permit.change for permit in seen(session, FreezePermit, person)} <= own
        for hidden in hidden_ones:
            assert seen(session, hidden, person) == set()
        assert seen(session, User, person) == {person}
        assert {revision.state for revision in seen(session, SopRevision, person)} == {"in-force"}
    assert len(seen(session, Document, office.requester)) == 5
    assert len(seen(session, Document, office.requester2)) == 1


def test_who_was_told_of_what_is_for_the_office_s_own_eyes(register: tuple[AuditedSession, Cast]) -> None:
    session, cast = register
    office = cast.lumajang

    def looked_into(person: User, **standing: bool) -> set[int | None]:
        result = session.scalars(select(Notification).where(visible_agency_notifications(person, **standing)))
        return {one.agency_id for one in result}

    for person in (office.manager, office.head, office.inspector, office.administrator):
        assert looked_into(person) == {office.agency.id}
    assert looked_into(office.requester) == looked_into(office.requester2) == set()
    assert looked_into(office.requester2, is_acting_head=True) == {office.agency.id}
    assert looked_into(cast.superadmin) == {office.agency.id, cast.tana_tidung.agency.id}
    session.rollback()
    office.head.is_active = False
    with session.no_autoflush:
        assert looked_into(office.head) == set()
    session.rollback()


def test_a_user_with_several_roles_sees_the_office_and_their_own_drafts(register: tuple[AuditedSession, Cast]) -> None:
    session, cast = register
    office = cast.lumajang
    session.rollback()
    office.requester.is_inspector = True
    with session.no_autoflush:
        assert any(change.is_draft for change in seen(session, ChangeRequest, office.requester))
        assert any(
            document.change and document.change.is_draft for document in seen(session, Document, office.requester)
        )
    session.rollback()


def test_every_step_s_record_is_scoped_as_its_activity_is(register: tuple[AuditedSession, Cast]) -> None:
    session, cast = register
    office = cast.lumajang
    for step, record in ACTIVITY_CLASSES.items():
        for person in (office.manager, office.requester, office.requester2, cast.tana_tidung.head):
            of_step = {activity.id for activity in seen(session, Activity, person) if activity.step is step}
            assert {activity.id for activity in seen(session, record, person)} == of_step
    assert seen(session, Evaluation, office.requester2)
    assert not seen(session, Approval, office.requester2)


def test_only_the_administrator_of_the_installation_reaches_across(register: tuple[AuditedSession, Cast]) -> None:
    session, cast = register
    for model, column in SCOPED.items():
        agencies = {getattr(row, column.key) for row in seen(session, model, cast.superadmin)}
        assert agencies >= {cast.lumajang.agency.id, cast.tana_tidung.agency.id}
    assert not any(change.is_draft for change in seen(session, ChangeRequest, cast.superadmin))


def test_a_disabled_user_sees_nothing_and_a_table_without_a_criterion_is_seen_by_nobody(
    register: tuple[AuditedSession, Cast],
) -> None:
    session, cast = register
    for model in (TestCase, NumberCounter):
        assert seen(session, model, cast.superadmin) == set()
    session.rollback()
    cast.lumajang.head.is_active = False
    with session.no_autoflush:
        assert all(seen(session, model, cast.lumajang.head) == set() for model in SCOPED)
    session.rollback()
