"""The self-check: what each rule finds, that findings are kept until they are put right, and where they are shown."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from app import create_app
from demo import make_register
from demo.cast import PASSWORD
from lpse_admin.config import RunMode, Settings
from lpse_admin.self_check.rules import RULES, RuleKey, Severity
from models.accounts.user import User
from models.audit.trail import AuditContext, AuditEntry, set_audit_context
from models.database import db, is_sqlite
from models.office.agency import Agency
from models.self_check.finding import SelfCheckFinding
from models.self_check.queries import QUERIES
from models.self_check.run import run_self_check
from models.sops.appointment import Decree, appoint
from tests.support.cast import open_session
from tests.support.program import Visitor, close_app
from views.app.scheduler import _check_registers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from sqlalchemy.orm import Session

    from tests.conftest import NewDatabase

NOW = dt.datetime(2027, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    """Give a register of 60 requests, in which the tests do damage that they take back."""
    with new_database(request.param) as address:
        with open_session(address) as session:
            make_register(session, requests=60, seed=5, now=NOW)
        yield address


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    """Give a session on it without its triggers, as an owner of the database has; nothing is kept."""
    with open_session(url) as opened:
        if is_sqlite(opened):
            opened.connection().execute(text("PRAGMA defer_foreign_keys = ON"))
            for (name,) in (
                opened.connection().execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
            ):
                opened.connection().execute(text(f'DROP TRIGGER "{name}"'))
        else:
            opened.connection().execute(text("SET LOCAL session_replication_role = replica"))
        yield opened
        opened.rollback()


def lumajang(session: Session) -> Agency:
    """Return the first office."""
    return session.scalars(select(Agency).order_by(Agency.id)).all()[0]


def check(session: Session, now: dt.datetime = NOW) -> list[SelfCheckFinding]:
    """Run the self-check of the first office."""
    set_audit_context(session, AuditContext(at=now, actor_id=None, actor_name="test", action="self-check.run"))
    return run_self_check(session, lumajang(session), now)


def found(session: Session, rule: RuleKey) -> set[tuple[int, str]]:
    """Return the key and the name of what a rule finds."""
    return {(one.record_id, one.record_name) for one in check(session) if one.rule is rule}


#: For each rule: what an owner of the database, or time, does, and a query for the one record that is then found.
DAMAGE: dict[RuleKey, tuple[str, str]] = {
    RuleKey.OUT_OF_ORDER: (
        "UPDATE change_request SET submitted_at = '2099-01-01 00:00:00'"
        " WHERE id = (SELECT change_id FROM activity WHERE id = ({one}))",
        "SELECT min(id) FROM activity WHERE step = 'approval' AND agency_id = :agency AND finished_at IS NOT NULL",
    ),
    RuleKey.PARTS_NOT_APART: (
        "UPDATE activity SET actor_id = requester_id WHERE id = ({one})",
        "SELECT min(id) FROM activity WHERE step = 'verification' AND agency_id = :agency AND finished_at IS NOT NULL",
    ),
    RuleKey.APPROVAL_MISSING: (
        "UPDATE activity SET outcome = 'refused' WHERE id = ({one})",
        "SELECT min(a.id) FROM activity a JOIN change_request c ON c.id = a.change_id WHERE a.step = 'approval'"
        " AND a.outcome = 'approved' AND c.agency_id = :agency AND c.urgency = 'emergency' AND EXISTS (SELECT 1 FROM"
        " activity i WHERE i.change_id = c.id AND i.step = 'implementation') AND (SELECT count(*) FROM activity b"
        " WHERE b.change_id = c.id AND b.step = 'approval') = 1",
    ),
}


@pytest.mark.parametrize("rule", DAMAGE)
def test_what_was_altered_behind_the_procedure_is_found_at_its_request(session: Session, rule: RuleKey) -> None:
    agency = {"agency": lumajang(session).id}
    statement, one = DAMAGE[rule]
    before = found(session, rule)
    change_id = (
        session.connection().execute(text(f"SELECT change_id FROM activity WHERE id = ({one})"), agency).scalar_one()
    )
    session.connection().execute(text(statement.format(one=one)), agency)
    session.expire_all()
    assert {key for key, _name in found(session, rule) - before} == {change_id}


#: For each rule about a state of things: what brings it about, and a query for the record that is then found.
STATES: dict[RuleKey, tuple[str, str]] = {
    RuleKey.LATE_UNEXPLAINED: (
        "UPDATE deviation SET account = NULL, accounted_at = NULL, accounted_by_id = NULL, disposal = NULL,"
        " disposed_at = NULL, disposed_by_id = NULL, disposed_capacity = NULL WHERE id = ({one})",
        "SELECT min(id) FROM deviation WHERE agency_id = :agency AND kind = 'time' AND account IS NOT NULL"
        " AND disposal = 'accepted'",
    ),
    RuleKey.DOCUMENT_MISSING: (
        "UPDATE deviation SET kind = 'output', subject = 'x', measured_minutes = NULL, allowed_minutes = NULL,"
        " disposal = NULL, disposed_at = NULL, disposed_by_id = NULL, disposed_capacity = NULL WHERE id = ({one})",
        "SELECT min(id) FROM deviation WHERE agency_id = :agency AND kind = 'time' AND disposal = 'accepted'",
    ),
    RuleKey.FOLLOW_UP_OVERDUE: (
        "UPDATE deviation SET follow_up_until = '2020-01-01', followed_up_at = NULL, follow_up_note = NULL,"
        " followed_up_by_id = NULL WHERE id = ({one})",
        "SELECT max(id) FROM deviation WHERE agency_id = :agency AND disposal = 'follow-up'",
    ),
    RuleKey.CONDITION_NOT_MET: (
        "UPDATE document SET item_key = NULL WHERE change_id = ({one})",
        "SELECT min(c.id) FROM change_request c WHERE c.agency_id = :agency AND c.on_behalf_of IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM document d WHERE d.change_id = c.id AND d.item_key = 'surat-kuasa')",
    ),
    RuleKey.RELEASE_NOT_RECORDED: (
        "UPDATE release SET actual_at = NULL WHERE id = ({one})",
        "SELECT min(id) FROM release WHERE actual_at IS NOT NULL AND set_aside_at IS NULL"
        " AND id IN (SELECT id FROM activity WHERE agency_id = :agency AND outcome = 'scheduled')",
    ),
    RuleKey.ASSET_NOT_UPDATED: (
        "UPDATE activity SET step = 'test' WHERE step = 'asset-update'"
        " AND change_id = (SELECT a.change_id FROM activity a WHERE a.id = ({one}))",
        "SELECT min(r.id) FROM activity r WHERE r.agency_id = :agency AND r.step = 'asset-review'"
        " AND r.outcome = 'changed' AND r.finished_at < '2026-01-01'",
    ),
    RuleKey.ROLES_MIXED: (
        "UPDATE user_account SET is_administrator = TRUE WHERE id = ({one})",
        "SELECT min(id) FROM user_account WHERE agency_id = :agency AND is_change_manager AND is_active",
    ),
    RuleKey.NIP_MISSING: (
        "UPDATE user_account SET nip = NULL WHERE id = ({one})",
        "SELECT min(id) FROM user_account WHERE agency_id = :agency AND is_head AND is_active",
    ),
    RuleKey.INSPECTOR_UNDATED: (
        "UPDATE user_account SET inspects_from = NULL, inspects_until = NULL WHERE id = ({one})",
        "SELECT min(id) FROM user_account WHERE agency_id = :agency AND is_inspector AND is_active",
    ),
    RuleKey.INSPECTOR_OVER: (
        "UPDATE user_account SET inspects_from = '2020-01-01', inspects_until = '2020-02-01' WHERE id = ({one})",
        "SELECT min(id) FROM user_account WHERE agency_id = :agency AND is_inspector AND is_active",
    ),
    RuleKey.ACCOUNT_UNUSED: (  # opened, and never used
        "UPDATE user_account SET password_set_at = '2026-01-02 03:04:05' WHERE id = ({one})",
        "SELECT min(u.id) FROM user_account u WHERE u.agency_id = :agency AND u.is_active"
        " AND NOT EXISTS (SELECT 1 FROM login l WHERE l.user_id = u.id)",
    ),
    RuleKey.TERM_TOO_LONG: (
        "UPDATE delegation SET kind = 'plt', until_date = '2099-01-01', withdrawn_at = NULL, withdrawn_by_id = NULL,"
        " void_at = NULL, exception_reason = NULL WHERE id = ({one})",
        "SELECT max(id) FROM delegation WHERE agency_id = :agency",
    ),
}


@pytest.mark.parametrize("rule", STATES)
def test_a_state_that_a_rule_is_about_is_found_at_its_record(session: Session, rule: RuleKey) -> None:
    agency = {"agency": lumajang(session).id}
    statement, one = STATES[rule]
    record_id = session.connection().execute(text(one), agency).scalar_one()
    assert record_id is not None
    session.connection().execute(text(statement.format(one=one)), agency)
    session.expire_all()
    assert record_id in {key for key, _name in found(session, rule)}


def test_a_demo_of_a_usual_day_has_nothing_of_what_only_an_insider_can_do(session: Session) -> None:
    rules = {finding.rule for finding in check(session)}
    assert rules.isdisjoint({RuleKey.OUT_OF_ORDER, RuleKey.PARTS_NOT_APART, RuleKey.APPROVAL_MISSING})


def test_overdue_follow_ups_releases_without_a_time_and_sleeping_requests_are_found_as_time_passes(
    session: Session,
) -> None:
    later = NOW + dt.timedelta(days=400)
    rules = {finding.rule for finding in check(session, later)}
    assert {RuleKey.ASLEEP, RuleKey.SOP_OLD} <= rules
    assert not {finding.rule for finding in check(session, later)} - set(QUERIES)


def test_one_person_with_two_accounts_is_found_by_name_nip_and_address(session: Session) -> None:
    first, second = (
        session.connection()
        .execute(
            text("SELECT id, full_name FROM user_account WHERE agency_id = :agency ORDER BY id"),
            {"agency": lumajang(session).id},
        )
        .all()[:2]
    )
    assert not found(session, RuleKey.PERSON_TWICE)
    session.connection().execute(
        text("UPDATE user_account SET email = 'SAMA@lpse.example.go.id' WHERE id = :id"), {"id": first.id}
    )
    session.connection().execute(
        text("UPDATE user_account SET email = 'sama@lpse.example.go.id' WHERE id = :id"), {"id": second.id}
    )
    assert found(session, RuleKey.PERSON_TWICE) == {(second.id, second.full_name)}


def test_two_people_of_one_name_are_two_where_each_has_a_nip(session: Session) -> None:
    agency = {"agency": lumajang(session).id}
    rename = "UPDATE user_account SET full_name = 'Siti Aminah' WHERE agency_id = :agency AND nip IS NOT NULL"
    session.connection().execute(text(rename), agency)
    assert not found(session, RuleKey.PERSON_TWICE)
    first = "SELECT min(id) FROM user_account WHERE agency_id = :agency AND nip IS NOT NULL"
    session.connection().execute(text(f"UPDATE user_account SET nip = NULL WHERE id = ({first})"), agency)
    assert found(session, RuleKey.PERSON_TWICE)


def test_items_recorded_twice_and_gaps_in_the_registers_are_found(session: Session) -> None:
    rows = (
        session.connection()
        .execute(
            text("SELECT id, name FROM asset WHERE agency_id = :agency AND NOT is_retired ORDER BY id"),
            {"agency": lumajang(session).id},
        )
        .all()
    )
    double, gap = rows[0], rows[1]
    before = found(session, RuleKey.ASSET_DOUBLE), found(session, RuleKey.ASSET_GAP)
    session.connection().execute(text("UPDATE asset SET details = :details WHERE id IN (:one, :two)"),
                    {"details": '{"factory_number": "SN-1"}', "one": double.id, "two": gap.id})  # fmt: skip
    session.connection().execute(text("UPDATE asset SET register = '0777' WHERE id = :id"), {"id": rows[2].id})
    session.expire_all()
    doubles = found(session, RuleKey.ASSET_DOUBLE) - before[0]
    assert {key for key, _name in doubles} <= {double.id, gap.id}
    assert len(doubles) == 1
    assert (rows[2].id, rows[2].name) in found(session, RuleKey.ASSET_GAP) - before[1]


def test_a_delegation_without_the_file_of_its_decree_is_found(session: Session) -> None:
    before = found(session, RuleKey.DECREE_MISSING)
    session.connection().execute(text("DELETE FROM document WHERE delegation_id IS NOT NULL"))
    names = {name for _key, name in found(session, RuleKey.DECREE_MISSING) - before}
    saved = session.scalars(
        text("SELECT decree_number FROM delegation WHERE agency_id = :agency"), {"agency": lumajang(session).id}
    )
    assert names == set(saved)


def test_a_post_whose_last_appointment_is_over_is_found_and_one_that_is_held_is_not(
    session: Session,
) -> None:
    agency = session.scalars(select(Agency).order_by(Agency.id)).first()
    assert agency is not None
    head, manager = (
        session.scalars(select(User).where(User.agency_id == agency.id, User.is_active, has_role)).first()
        for has_role in (User.is_head, User.is_change_manager)
    )
    assert head is not None
    assert manager is not None
    decree = Decree("pengelola", [manager], "800/1", NOW.date(), NOW.date())
    (one,) = appoint(session, agency, decree, by=head, now=NOW)
    assert not found(session, RuleKey.POST_VACANT)
    manager.is_change_manager, manager.is_requester = False, True
    session.flush()
    assert found(session, RuleKey.POST_VACANT) == {(one.id, one.actor_title)}
    manager.is_change_manager, manager.is_requester = True, False
    session.flush()
    one.end("Pindah tugas", by=head, now=NOW)
    assert found(session, RuleKey.POST_VACANT) == {(one.id, one.actor_title)}


def test_a_finding_keeps_its_first_day_and_is_cleared_when_it_is_put_right(session: Session) -> None:
    user = session.connection().execute(text("SELECT min(id) FROM user_account WHERE agency_id = 1")).scalar_one()
    session.connection().execute(text("UPDATE user_account SET full_name = 'Orang yang sama' WHERE agency_id = 1"))
    first = {one.id: one.found_at for one in check(session) if one.rule is RuleKey.PERSON_TWICE}
    assert first
    assert user not in {session.get_one(SelfCheckFinding, key).record_id for key in first}
    again = {one.id: one.found_at for one in check(session, NOW + dt.timedelta(days=3))}
    assert first.items() <= again.items()
    session.connection().execute(text("UPDATE user_account SET full_name = 'Orang ' || username WHERE agency_id = 1"))
    check(session, NOW + dt.timedelta(days=4))
    cleared = session.scalars(select(SelfCheckFinding).where(SelfCheckFinding.id.in_(first))).all()
    assert {one.cleared_at for one in cleared} == {NOW + dt.timedelta(days=4)}


@pytest.mark.rules
def test_every_rule_has_its_weight_source_remedy_and_query() -> None:
    assert set(RULES) == set(RuleKey) == set(QUERIES)
    assert all(str(rule.source) and str(rule.remedy) for rule in RULES.values())


@pytest.fixture(scope="module")
def checked_url(new_database: NewDatabase) -> Iterator[str]:
    """Give a demo register of which the server has checked both offices."""
    with new_database("sqlite") as address:
        with open_session(address) as opened:
            make_register(opened, requests=40, seed=5, now=NOW)
        app = create_app(Settings(RunMode.DEMO, address, "x" * 32), clock=lambda: NOW)
        with app.app_context():
            _check_registers(lambda: False)
        close_app(app)
        yield address


@pytest.fixture
def program(checked_url: str) -> Iterator[Flask]:
    """Give the program on it."""
    app = create_app(Settings(RunMode.DEMO, checked_url, "x" * 32), clock=lambda: NOW)
    yield app
    close_app(app)


@pytest.mark.sqlite_alone
def test_the_command_prints_the_findings_and_says_by_its_status_whether_one_is_serious(program: Flask) -> None:
    result = program.test_cli_runner().invoke(args=["self-check"])
    with program.app_context():
        serious = db.session.scalars(
            select(SelfCheckFinding).where(SelfCheckFinding.is_open, SelfCheckFinding.severity == Severity.SERIOUS)
        ).all()
        told = db.session.scalars(select(AuditEntry.action).where(AuditEntry.action == "self-check.run")).all()
    assert result.exit_code == (1 if serious else 0), result.output
    assert "LPSE" in result.output
    assert told
    unknown = program.test_cli_runner().invoke(args=["self-check", "--agency", "tidak-ada"])
    assert unknown.exit_code == 1
    assert "tidak-ada" in unknown.stderr
    assert PASSWORD not in result.output


@pytest.mark.sqlite_alone
def test_the_head_reads_on_the_home_page_what_was_found_and_comes_to_each_record(program: Flask) -> None:
    head = Visitor(program, "kepala")
    home = head.get("/").text
    assert "Pemeriksaan mandiri" in home
    assert head.get("/admin/self-check/").status_code == 200
    with program.app_context():
        findings = db.session.scalars(select(SelfCheckFinding).where(SelfCheckFinding.agency_id == 1)).all()
        one_of_each = {finding.rule: finding for finding in findings}
        pages = {one.id: (one.definition.resource.value, one.record_id) for one in one_of_each.values()}
    assert pages
    for finding_id, (screen, record_id) in pages.items():
        record = f"/admin/{screen}/details/?id={record_id}"
        status = head.get(record).status_code
        assert status == (403 if screen == "user" else 200)
        assert (record in head.get(f"/admin/self-check/details/?id={finding_id}").text) == (status == 200)


@pytest.mark.sqlite_alone
def test_requesters_see_no_findings_and_an_office_sees_its_own(program: Flask) -> None:
    assert Visitor(program, "pemohon").get("/admin/self-check/").status_code == 403
    other = Visitor(program, "kepala.tt").get("/admin/self-check/export/csv/?state=open").text
    own = Visitor(program, "kepala").get("/admin/self-check/export/csv/?state=open").text
    assert own.splitlines()[1:] != other.splitlines()[1:]
