"""What the code should never do, both databases refuse by themselves, behind the ORM's back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError

from lpse_admin.sop.steps import Outcome, Step
from models import triggers
from models.changes.steps.activity import Release
from tests.support.cast import (
    NOW,
    OUTCOMES_TO,
    asset,
    change_at_step,
    make_move,
    move_through,
    new_change,
    set_test_audit_context,
)
from tests.support.present import one_of, present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Cast, Office

#: The step that a record's table belongs to, and a column of that record.
RECORDS = {
    "evaluation": (Step.URGENCY, "findings"),
    "urgency_assessment": (Step.IMPLEMENTATION, "assessment"),
    "implementation": (Step.TEST, "steps_taken"),
    "test_run": (Step.REPORT, "documentation"),
    "test_case": (Step.REPORT, "actual"),
    "report": (Step.VERIFICATION, "summary"),
    "verification": (Step.RELEASE, "notes"),
    "release": (Step.ASSET_REVIEW, "version"),
    "asset_review": (Step.ASSET_UPDATE, "assessment"),
    "asset_review_item": (Step.ASSET_UPDATE, "finding"),
}


@pytest.fixture
def session(shared: tuple[AuditedSession, Cast]) -> Iterator[AuditedSession]:
    yield shared[0]
    shared[0].rollback()


@pytest.fixture
def cast(shared: tuple[AuditedSession, Cast]) -> Cast:
    return shared[1]


@pytest.fixture
def office(cast: Cast) -> Office:
    return cast.lumajang


@pytest.fixture
def refuses(session: AuditedSession) -> Callable[..., None]:
    """Give a function that runs a statement past the session, and fails unless the database refuses it."""

    def refused(statement: str, says: str = ".") -> None:
        with pytest.raises(IntegrityError, match=says):
            session.connection().execute(text(statement))
        session.rollback()

    return refused


@pytest.fixture
def allows(session: AuditedSession) -> Callable[..., None]:
    """Give a function that runs a statement past the session, and takes it back."""

    def allowed(statement: str) -> None:
        assert session.connection().execute(text(statement)).rowcount == 1
        session.rollback()

    return allowed


ACTIVITY = (
    "INSERT INTO activity (agency_id, change_id, sop_id, requester_id, sequence, previous_sequence, revision, step,"
    " actor_role, arrived_at, finished_at, outcome, target, actor_id, capacity, equipment, declared)"
    " VALUES ({agency}, {change}, {sop}, {requester}, {sequence}, {previous}, 1, '{step}', 'change_manager',"
    " '2026-03-02 02:00:00', {rest}, '[]', '{{}}')"
)


def activity(change: ChangeRequest, step: str, sequence: int, rest: str = "NULL, NULL, NULL, NULL, NULL") -> str:
    return ACTIVITY.format(
        agency=change.agency_id, change=change.id, sop=change.sop_id, requester=change.requester_id,
        sequence=sequence, previous=sequence - 1, step=step, rest=rest,
    )  # fmt: skip


def finished(outcome: str, target: str, actor: User) -> str:
    return f"'2026-03-02 02:00:00', '{outcome}', '{target}', {actor.id}, 'Pengelola Perubahan'"


def test_a_move_that_the_paper_does_not_have(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    current = present(change.current_activity).id
    for outcome, target in (("done", "test"), ("accepted", "implementation"), ("approved", "closed")):
        refuses(
            f"UPDATE activity SET finished_at = arrived_at, actor_id = {office.manager.id}, actor_name = 'x',"
            f" capacity = 'x', outcome = '{outcome}', target = '{target}' WHERE id = {current}",
            "move_of_the_paper|FOREIGN KEY",
        )
    refuses(f"UPDATE change_request SET step = 'release' WHERE id = {change.id}", "last finished step led")
    refuses(f"UPDATE change_request SET step = 'nowhere' WHERE id = {change.id}")


def test_a_move_added_to_a_paper_in_force_or_a_paper_rewritten(office: Office, refuses: Callable[..., None]) -> None:
    refuses(
        "INSERT INTO sop_move (sop_id, position, step, outcome, target)"
        f" VALUES ({office.sop_revision.id}, 99, 'urgency', 'passed', 'closed')",
        "no further rows|gets no further",
    )
    refuses("UPDATE sop_move SET target = 'closed' WHERE outcome = 'accepted'")
    refuses("UPDATE sop_step SET standard_minutes = 1")
    refuses(f"UPDATE sop SET source = '' WHERE id = {office.sop_revision.id}", "cannot be changed")
    refuses(f"DELETE FROM sop WHERE id = {office.sop_revision.id}")


def test_a_step_that_does_not_follow_the_former_one(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    rest = finished("normal", "implementation", office.manager)
    refuses(activity(change, "urgency", 3, rest), "FOREIGN KEY|foreign key")
    refuses(activity(change, "urgency", 4, rest), "FOREIGN KEY|foreign key")
    closed = change_at_step(session, office, Step.CLOSED)
    refuses(activity(closed, "evaluation", len(closed.activities) + 1), "FOREIGN KEY|foreign key")
    refuses(activity(closed, "closed", len(closed.activities) + 1), "closed_is_no_step")


def test_a_second_current_step(session: AuditedSession, office: Office, refuses: Callable[..., None]) -> None:
    change = move_through(session, office, *OUTCOMES_TO[Step.EVALUATION])
    refuses(activity(change, "evaluation", 2), "UNIQUE|unique")
    refuses(f"UPDATE activity SET finished_at = NULL WHERE change_id = {change.id} AND sequence = 1")


def test_a_step_moved_to_another_place_or_time(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    for assignment in ("arrived_at = '2020-01-01 00:00:00'", "sequence = 9", "requester_id = 2", "step = 'urgency'"):
        refuses(f"UPDATE activity SET {assignment} WHERE id = {present(change.current_activity).id}")


def test_a_finished_step_changed_or_deleted(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    change = change_at_step(session, office, Step.URGENCY)
    for assignment in ("reason = 'lain'", f"actor_id = {office.head.id}", "capacity = 'Kepala LPSE'"):
        refuses(f"UPDATE activity SET {assignment} WHERE change_id = {change.id} AND sequence = 2", "finished step")
    refuses(f"DELETE FROM activity WHERE change_id = {change.id} AND sequence = 1")
    refuses(f"DELETE FROM activity WHERE id = {present(change.current_activity).id}", "cannot be deleted")


@pytest.mark.parametrize("table", RECORDS)
def test_the_record_of_a_finished_step_changed_or_deleted(
    table: str, session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    step, column = RECORDS[table]
    change_at_step(session, office, step)
    refuses(f"UPDATE {table} SET {column} = 'lain'", "finished|finished release")
    refuses(f"DELETE FROM {table}", "finished step")


def test_the_records_of_the_head_the_roll_back_and_the_asset_update_too(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    move_through(
        session, office, *OUTCOMES_TO[Step.APPROVAL], Outcome.APPROVED, Outcome.DONE, Outcome.FAILED,
        Outcome.ROLLED_BACK,
        Outcome.REPORTED, Outcome.VERIFIED, Outcome.NO_RELEASE, Outcome.CHANGED, Outcome.UPDATED,
    )  # fmt: skip
    for table, column in (("approval", "considerations"), ("rollback", "cause"), ("asset_update", "notes")):
        refuses(f"UPDATE {table} SET {column} = 'lain'")
        refuses(f"DELETE FROM {table}")


def test_a_finished_release_changed_but_for_its_actual_time_once(
    session: AuditedSession, office: Office, refuses: Callable[..., None], allows: Callable[..., None]
) -> None:
    change = change_at_step(session, office, Step.ASSET_REVIEW)
    release = change.activities[-2].id
    for assignment in ("downtime_minutes = 0", "window_end_at = '2027-01-01 00:00:00'", "person_in_charge = 'lain'"):
        refuses(f"UPDATE release SET {assignment} WHERE id = {release}", "gets its actual time")
    allows(f"UPDATE release SET actual_at = '2026-03-04 02:00:00' WHERE id = {release}")
    set_test_audit_context(session)
    one_of(Release, change.activities[-2]).actual_at = NOW
    session.commit()
    refuses(f"UPDATE release SET actual_at = '2026-03-04 02:00:00' WHERE id = {release}", "gets its actual time")
    refuses(f"UPDATE release SET actual_at = NULL WHERE id = {release}")


def test_a_user_without_a_role_or_without_an_agency(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    everything = ", ".join(
        f"is_{role} = FALSE" for role in ("requester", "change_manager", "head", "inspector", "administrator")
    )
    refuses(f"UPDATE user_account SET {everything} WHERE id = {office.requester.id}", "has_a_role")
    refuses(f"UPDATE user_account SET agency_id = NULL WHERE id = {office.head.id}", "agency_or_administrator")


MUTATION = (
    "INSERT INTO asset_mutation (agency_id, change_id, update_id, asset_id, kind, before, after)"
    " VALUES ({agency}, {change}, {update}, {asset}, 'altered', '{{}}', '{{}}')"
)


def test_an_asset_mutation_without_its_request(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    item = asset(session, office, "0501")
    change = change_at_step(session, office, Step.ASSET_UPDATE)
    other = change_at_step(session, office, Step.EVALUATION)
    mutation = {"agency": office.agency.id, "asset": item.id}
    refuses(MUTATION.format(**mutation, change="NULL", update="NULL"))
    refuses(MUTATION.format(**mutation, change=change.id, update="NULL"))
    refuses(MUTATION.format(**mutation, change="NULL", update=present(change.current_activity).id))
    refuses(MUTATION.format(**mutation, change=other.id, update=present(change.current_activity).id))
    refuses(MUTATION.format(**mutation, change=other.id, update=present(other.current_activity).id))


def test_an_item_changed_that_a_request_names_or_taken_off_the_list_without_one(
    session: AuditedSession, office: Office, refuses: Callable[..., None], allows: Callable[..., None]
) -> None:
    item = asset(session, office, "0502")
    damage = f"UPDATE asset SET condition = 'heavy-damage' WHERE id = {item.id}"
    allows(damage)  # a mistake at the entry can be corrected
    refuses(f"UPDATE asset SET is_retired = TRUE WHERE id = {item.id}", "only through a request")
    change = change_at_step(session, office, Step.ASSET_REVIEW)
    results = [{"asset_id": item.id, "finding": "Rusak berat"}]
    make_move(session, change, Outcome.CHANGED, office.manager, values={"assets": results})
    refuses(damage, "only through a request")
    refuses(f"DELETE FROM asset WHERE id = {item.id}")


def test_a_mutation_changed_or_deleted(session: AuditedSession, office: Office, refuses: Callable[..., None]) -> None:
    move_through(session, office, *OUTCOMES_TO[Step.ASSET_UPDATE], Outcome.UPDATED)
    refuses("UPDATE asset_mutation SET after = '{}'")
    refuses("DELETE FROM asset_mutation")


def test_a_closed_request_without_a_result_and_an_open_one_with_one(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    closed = change_at_step(session, office, Step.CLOSED)
    refuses(f"UPDATE change_request SET result = NULL WHERE id = {closed.id}")
    refuses(f"UPDATE change_request SET result = 'rejected' WHERE id = {closed.id}", "closed request")
    change = change_at_step(session, office, Step.EVALUATION)
    refuses(f"UPDATE change_request SET result = 'completed' WHERE id = {change.id}", "closed_with_a_result")
    refuses(f"UPDATE change_request SET step = 'closed' WHERE id = {change.id}")


def test_a_number_given_twice_changed_or_taken_away(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    first, second = change_at_step(session, office, Step.EVALUATION), change_at_step(session, office, Step.EVALUATION)
    refuses(f"UPDATE change_request SET number = '{first.number}' WHERE id = {second.id}")
    nothing = "submitted_at = NULL, number = NULL, year = NULL, serial = NULL, step = 'request'"
    refuses(f"UPDATE change_request SET {nothing} WHERE id = {first.id}")
    draft = new_change(session, office)
    for number, serial in ((first.number, 4711), ("RFC/2026/4711", first.serial)):
        refuses(
            f"UPDATE change_request SET number = '{number}', year = {first.year}, serial = {serial},"
            f" submitted_at = created_at WHERE id = {draft.id}",
            "[Uu][Nn][Ii][Qq][Uu][Ee]",
        )


def test_a_submitted_request_deleted_or_rewritten(
    session: AuditedSession, office: Office, refuses: Callable[..., None], allows: Callable[..., None]
) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    refuses(f"DELETE FROM change_request WHERE id = {change.id}", "cannot be deleted")
    for assignment in ("title = 'lain'", "rollback_plan = NULL", "linked_change_id = NULL, impact = 'lain'"):
        refuses(f"UPDATE change_request SET {assignment} WHERE id = {change.id}", "what was submitted")
    for assignment in (f"requester_id = {office.requester2.id}", "sop_id = 2", "created_at = '2020-01-01 00:00:00'"):
        refuses(f"UPDATE change_request SET {assignment} WHERE id = {change.id}")
    refuses("UPDATE change_revision SET content = '{}'")
    refuses("DELETE FROM change_revision")
    returned = change_at_step(session, office, Step.RETURNED)
    allows(f"UPDATE change_request SET title = 'lain' WHERE id = {returned.id}")


def test_a_refused_request_carried_out_without_the_head(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    change = move_through(session, office, *OUTCOMES_TO[Step.APPROVAL], Outcome.REFUSED, Outcome.ACCEPTED)
    refuses(
        f"UPDATE activity SET finished_at = arrived_at, actor_id = {office.manager.id}, actor_name = 'x',"
        f" capacity = 'x', outcome = 'normal', target = 'implementation'"
        f" WHERE id = {present(change.current_activity).id}",
        "without the head",
    )


def test_a_release_after_a_failed_test_or_a_roll_back(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    change = move_through(
        session, office, *OUTCOMES_TO[Step.ROLLBACK], Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED
    )
    refuses(
        f"UPDATE activity SET finished_at = arrived_at, actor_id = {office.manager.id}, actor_name = 'x',"
        f" capacity = 'x', outcome = 'scheduled', target = 'asset-review'"
        f" WHERE id = {present(change.current_activity).id}",
        "nothing is released",
    )


def test_the_trail_changed_deleted_or_replaced(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    change_at_step(session, office, Step.EVALUATION)
    refuses("UPDATE audit_entry SET action = 'lain'", "append-only")
    refuses("DELETE FROM audit_entry", "append-only")
    refuses("UPDATE audit_row SET row_id = '0'", "append-only")
    refuses("DELETE FROM audit_row", "append-only")
    refuses("UPDATE audit_chain SET number = number - 1", "only grows")
    refuses("UPDATE audit_chain SET hash = ''", "only grows")
    refuses("DELETE FROM audit_chain")
    if session.get_bind().dialect.name == "sqlite":
        refuses("INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE number = 1", "append-only")
        refuses("UPDATE OR REPLACE audit_row SET entry_id = 1", "append-only")


def test_a_file_of_a_finished_step_changed_or_its_bytes(
    session: AuditedSession, office: Office, refuses: Callable[..., None]
) -> None:
    change_at_step(session, office, Step.EVALUATION)
    refuses("UPDATE document SET name = 'lain.pdf'", "finished step")
    refuses("DELETE FROM document", "finished step")
    refuses("UPDATE file_content SET size = 0")
    refuses("DELETE FROM file_content")


def test_a_table_of_evidence_emptied_at_one_stroke(session: AuditedSession, office: Office) -> None:
    if session.get_bind().dialect.name == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    for table in {ban.table for ban in triggers.POSTGRESQL_TRIGGERS} | {"agency", "user_account"}:
        with pytest.raises(IntegrityError, match="cannot be emptied"):
            session.connection().execute(text(f"TRUNCATE {table} CASCADE"))
        session.rollback()


def test_every_trigger_that_the_models_name_is_in_the_database(session: AuditedSession) -> None:
    connection = session.connection()
    if session.get_bind().dialect.name == "sqlite":
        result = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
        assert {name for name in result if not name.startswith(("search_", "total_"))} == {
            ban.name for ban in triggers.DENY_TRIGGERS
        }
    else:
        result = set(connection.scalars(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")))
        assert {name for name in result if not name.startswith(("search_", "total_"))} == {
            ban.name for ban in (*triggers.DENY_TRIGGERS, *triggers.POSTGRESQL_TRIGGERS)
        }
    # Those that keep the search index and the totals are tested with them (tests/search, tests/reports).


def test_a_connection_to_sqlite_is_set_up_to_be_safe(session: AuditedSession) -> None:
    if session.get_bind().dialect.name != "sqlite":
        pytest.skip("PostgreSQL needs no such settings")
    url = one_of(Engine, session.get_bind()).url
    engine = create_engine(url)
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    engine.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}


def test_a_move_through_the_door_still_passes_all_of_it(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    make_move(session, change, Outcome.ACCEPTED, office.manager)
