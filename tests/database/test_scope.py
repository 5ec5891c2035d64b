"""Which rows somebody sees: requesters their own, nobody another agency's, by the one criterion of each table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from lpse_admin.sop import to_toml
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.changes.activity import RECORD_OF, Activity, Approval, Evaluation, TestCase
from models.changes.change import ChangeRequest
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
from models.releases.freeze_permit import permit
from models.scope import sees_the_office, told_in_office, visible
from models.sops import sop
from models.sops.sop import SopRevision
from tests.support.cast import (
    NOW,
    ROUTES,
    absence,
    answer,
    asset,
    at,
    delegation,
    deviation,
    freeze,
    fulfil,
    move,
    new,
    settings,
    walk,
)

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
def register(shared):
    """In both agencies: a closed request, a stranger's, a draft with a file, an item, a delegation, a draft paper."""
    session, cast = shared
    for office in (cast.lumajang, cast.tana_tidung):
        asset(session, office)
        settings(session, office)
        walk(session, office, *ROUTES[Step.ASSET_UPDATE], Outcome.UPDATED)
        move(session, new(session, office, requester=office.outsider), Outcome.SUBMITTED, office.outsider)
        draft = new(session, office)
        answer(session)
        fulfil(session, draft)
        attach(session, name="a.txt", media_type="text/plain", content=b"a", by=office.requester, now=NOW,
               activity=draft.current)  # fmt: skip
        sop.load(session, to_toml(replace(office.sop.paper, revised=NOW.date())), office.sop.key, now=NOW)
        absence(session, office)
        deviation(session, office)
        granted = delegation(session, office)
        attach(session, name="sk.pdf", media_type="application/pdf", content=b"%PDF-", by=office.head, now=NOW,
               delegation=granted)  # fmt: skip
        allowed = at(session, office, Step.EVALUATION)
        held = freeze(session, office)
        answer(session)
        permit(session, held, allowed, by=office.head, now=NOW, reason="Diizinkan")
        session.commit()
    return shared


def seen(session, model, user, **standing):
    return set(session.scalars(select(model).where(visible(model, user, **standing))))


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model.__name__)
def test_nobody_sees_anything_of_another_agency(model, register):
    session, cast = register
    for office in (cast.lumajang, cast.tana_tidung):
        for person in office.people:
            agencies = {getattr(row, SCOPED[model].key) for row in seen(session, model, person)}
            assert agencies <= {office.agency.id}


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model.__name__)
def test_the_office_sees_all_of_its_own_but_drafts(model, register):
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
        assert sees_the_office(person)
        assert seen(session, model, person) == everything - drafts
    assert seen(session, model, office.delegate, stands_in_for_head=True) == everything - drafts


def test_requesters_see_their_own_and_nothing_else(register):
    session, cast = register
    office = cast.lumajang
    for person in (office.requester, office.outsider):
        assert not sees_the_office(person)
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
    assert len(seen(session, Document, office.outsider)) == 1


def test_who_was_told_of_what_is_for_the_office_s_own_eyes(register):
    session, cast = register
    office = cast.lumajang

    def looked_into(person, **standing):
        found = session.scalars(select(Notification).where(told_in_office(person, **standing)))
        return {one.agency_id for one in found}

    for person in (office.manager, office.head, office.inspector, office.administrator):
        assert looked_into(person) == {office.agency.id}
    assert looked_into(office.requester) == looked_into(office.delegate) == set()
    assert looked_into(office.delegate, stands_in_for_head=True) == {office.agency.id}
    assert looked_into(cast.installer) == {office.agency.id, cast.tana_tidung.agency.id}
    session.rollback()
    office.head.is_active = False
    with session.no_autoflush:
        assert looked_into(office.head) == set()
    session.rollback()


def test_a_user_with_several_roles_sees_the_office_and_their_own_drafts(register):
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


def test_every_step_s_record_is_scoped_as_its_activity_is(register):
    session, cast = register
    office = cast.lumajang
    for step, record in RECORD_OF.items():
        for person in (office.manager, office.requester, office.outsider, cast.tana_tidung.head):
            of_step = {activity.id for activity in seen(session, Activity, person) if activity.step is step}
            assert {activity.id for activity in seen(session, record, person)} == of_step
    assert seen(session, Evaluation, office.outsider)
    assert not seen(session, Approval, office.outsider)


def test_only_the_administrator_of_the_installation_reaches_across(register):
    session, cast = register
    for model, column in SCOPED.items():
        agencies = {getattr(row, column.key) for row in seen(session, model, cast.installer)}
        assert agencies >= {cast.lumajang.agency.id, cast.tana_tidung.agency.id}
    assert not any(change.is_draft for change in seen(session, ChangeRequest, cast.installer))


def test_a_disabled_user_sees_nothing_and_a_table_without_a_criterion_is_seen_by_nobody(register):
    session, cast = register
    for model in (TestCase, NumberCounter):
        assert seen(session, model, cast.installer) == set()
    session.rollback()
    cast.lumajang.head.is_active = False
    with session.no_autoflush:
        assert all(seen(session, model, cast.lumajang.head) == set() for model in SCOPED)
    session.rollback()
