"""Copied requests: nobody could tell them from what the program's own operations would have made."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import FromClause, func, select, text
from sqlalchemy.dialects import sqlite

from demo import REFERENCE, make_register
from demo.copying.templates import OWNERS
from lpse_admin.sop.steps import KNOWN_STEPS, Outcome, Step
from lpse_admin.workflow.deviations import OUTPUT_LACKING, DeviationKind, account_field
from lpse_admin.workflow.record_fields import FieldKind, fields_of_step
from models.accounts.user import User
from models.audit.trail import AuditEntry, AuditRow
from models.base import Base, EnumSet, UtcDateTime
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import reassign, take_up
from models.changes.moves.drafts import create_draft
from models.changes.steps import durations
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity, Release
from models.changes.steps.timing import raise_overdue
from models.deviations.deviation import DISPOSALS, Deviation
from models.documents.document import FileContent, attach
from models.office.agency import Agency
from models.reports import totals
from tests.demo.test_demo import (
    DERIVED,
    FORGOTTEN,
    TOLD,
    TRAIL,
    WALL_CLOCK,
    rows_of,
    test_a_late_step_is_one_of_about_twelve,
    test_a_refused_emergency_is_approved_later_and_a_returned_request_comes_back_as_a_new_revision,
    test_all_of_it_can_be_searched,
    test_every_late_step_has_its_deviation_in_time_and_no_other_step_has_one,
    test_every_step_every_move_and_every_result_occurs_at_both_offices,
    test_everything_happens_in_the_office_s_own_working_hours,
    test_no_foreign_key_of_it_leads_nowhere,
    test_the_asset_list_is_what_its_mutations_made_of_it,
    test_the_files_open,
    test_the_trail_holds_and_the_stored_steps_agree_with_the_history,
    test_what_was_not_kept_is_accounted_for_and_disposed_of_by_the_head,
)
from tests.support.cast import open_session, set_test_audit_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from tests.conftest import NewDatabase

    Rows = dict[str, list[dict[str, Any]]]

#: What holds of every register holds of one that is nearly all copies.
__all__ = [
    "test_a_late_step_is_one_of_about_twelve",
    "test_a_refused_emergency_is_approved_later_and_a_returned_request_comes_back_as_a_new_revision",
    "test_all_of_it_can_be_searched",
    "test_every_late_step_has_its_deviation_in_time_and_no_other_step_has_one",
    "test_every_step_every_move_and_every_result_occurs_at_both_offices",
    "test_everything_happens_in_the_office_s_own_working_hours",
    "test_no_foreign_key_of_it_leads_nowhere",
    "test_the_asset_list_is_what_its_mutations_made_of_it",
    "test_the_files_open",
    "test_the_trail_holds_and_the_stored_steps_agree_with_the_history",
    "test_what_was_not_kept_is_accounted_for_and_disposed_of_by_the_head",
]

REQUESTS, MADE = 900, 120

#: What has to be among the transactions that are made again, beside moves.
REPLAYED = {"change.take-up", "change.hand-over", "deadline.sweep", "deviation.dispose", "deviation.follow-up"}
#: Numbers are given in the order of submission, and below request by request.
NUMBERED = frozenset({"number", "serial"})
#: The tables of copied rows that the trail tells of.
COPIED = {name for name in OWNERS if name != "step_time"}

#: Nobody is told of copies or prints them; requests that changed the asset list or were allowed in a freeze stay out.
LEFT_OUT = {
    "change_comment", "step_consent", "clock_correction", "notification", "mail", "asset_mutation", "freeze_permit",
    "requester_deviation", "requester_takeover", "paper_print", "signed_paper", "step_due", "field_value",
    "assessor_finding", "hold", "destruction_item", "archive_reference",
}  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def register_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    """Give a register that is nearly all copies, which no test changes."""
    with new_database(request.param) as url:
        with open_session(url) as session:
            make_register(session, requests=REQUESTS, seed=2, now=WALL_CLOCK, most_made=MADE)
        yield url


@pytest.fixture
def register(register_url: str) -> Iterator[Session]:
    with open_session(register_url) as session:
        yield session


def test_postgresql_plans_for_the_copies_at_once(register: Session) -> None:
    if register.get_bind().dialect.name == "sqlite":  # it plans without statistics
        assert register.scalar(text("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'")) == 0
        return
    planned = text("SELECT reltuples FROM pg_class WHERE relname = 'change_request'")
    assert register.scalar(planned) == REQUESTS


def test_the_next_row_of_every_table_gets_an_id_that_is_free(register: Session) -> None:
    is_postgresql = register.get_bind().dialect.name == "postgresql"
    counters = "replace(sequencename, '_id_seq', ''), last_value FROM pg_sequences"
    counted = register.execute(text(f"SELECT {counters if is_postgresql else 'name, seq FROM sqlite_sequence'}")).all()
    last = {name: number or 0 for name, number in counted}
    # SQLite counts on from the highest id, but where ids must never be used again.
    assert ({"change_request", "audit_entry"} <= last.keys()) is is_postgresql
    for name, number in last.items():
        assert number >= (register.scalar(select(func.max(Base.metadata.tables[name].c.id))) or 0), name


def test_both_offices_have_half_of_them_over_three_years(register: Session) -> None:
    requests = register.scalars(select(ChangeRequest).order_by(ChangeRequest.id)).all()
    assert Counter(request.agency_id for request in requests) == {1: REQUESTS // 2, 2: REQUESTS // 2}
    copies = [request for request in requests if request.id > MADE]
    assert {request.created_at.year for request in copies} == {2023, 2024, 2025, 2026}
    assert [copy.created_at for copy in copies] == sorted(copy.created_at for copy in copies)
    assert max(copy.created_at for copy in copies) < REFERENCE
    waiting = Counter(copy.step for copy in copies)
    assert waiting.keys() >= {*KNOWN_STEPS, Step.CLOSED} - {Step.ASSET_UPDATE}


def test_the_numbers_of_copies_go_on_without_a_gap_in_the_order_of_submission(register: Session) -> None:
    for agency_id in (1, 2):
        of_agency = (ChangeRequest.agency_id == agency_id, ChangeRequest.submitted_at.is_not(None))
        numbers = register.execute(
            select(ChangeRequest.year, ChangeRequest.serial, ChangeRequest.id, ChangeRequest.number)
            .where(*of_agency)
            .order_by(ChangeRequest.submitted_at, ChangeRequest.id)
        ).all()
        years = {year for year, *_rest in numbers}
        for year in years:
            of_year = [row for row in numbers if row.year == year]
            assert sorted(row.serial for row in of_year) == list(range(1, len(of_year) + 1))
            copied = [row.serial for row in of_year if row.id > MADE]
            assert copied == list(range(len(of_year) - len(copied) + 1, len(of_year) + 1))
        assert all(number == f"RFC/{year}/{serial:04d}" for year, serial, _id, number in numbers)


def test_the_trail_of_copies_is_in_the_order_of_time(register: Session) -> None:
    first = register.scalar(
        select(func.min(AuditEntry.id))
        .join(ChangeRequest, (ChangeRequest.created_at == AuditEntry.at) & (AuditEntry.action == "change.draft"))
        .where(ChangeRequest.id == MADE + 1)
    )
    moments = register.scalars(select(AuditEntry.at).where(AuditEntry.id >= first).order_by(AuditEntry.id)).all()
    assert len(moments) > REQUESTS
    assert moments == sorted(moments)


def test_what_the_clocks_of_copied_steps_came_to_is_what_they_come_to(register: Session) -> None:
    before = rows_of(register)["step_time"]
    for agency in register.scalars(select(Agency)):
        durations.recompute_stale(register, agency, REFERENCE, everything=True)
    after = rows_of(register)["step_time"]
    register.rollback()
    assert before == after


def test_the_summaries_are_added_up_and_are_what_a_recount_gives(register: Session) -> None:
    assert list(totals.differences(register.connection())) == []
    assert all(register.scalars(select(totals.StepTotal.is_merged)))


def test_the_trail_says_of_every_row_what_it_is(register: Session) -> None:
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in register.scalars(select(AuditEntry).order_by(AuditEntry.id)):
        for row in entry.row_changes:
            told.setdefault((row["table"], row["id"]), {}).update(row["after"])
    tables = Base.metadata.tables
    for name, rows in rows_of(register).items():
        if name in COPIED | {"number_counter"}:
            for row in rows:
                said = told[name, str(row["id"])]
                values = {column: value for column, value in row.items() if value is not None}
                assert typed(tables[name], {column: said[column] for column in values}) == values


def test_every_table_of_a_request_is_copied_or_left_out_on_purpose() -> None:
    owned, before = {"change_request"}, set[str]()
    while owned != before:
        before = set(owned)
        owned |= {
            table.name
            for table in Base.metadata.tables.values()
            if any(key.column.table.name in before for key in table.foreign_keys)
        }
    assert owned - LEFT_OUT == OWNERS.keys()


def test_the_operations_given_the_same_would_have_written_the_same(new_database: NewDatabase) -> None:
    with new_database("sqlite") as url, new_database("sqlite") as other:
        with open_session(other) as session:
            make_register(session, requests=80, seed=2)
            last = session.scalars(select(func.max(AuditEntry.id))).one()
        with open_session(url) as session:
            make_register(session, requests=200, seed=2, most_made=80)
            entries = entries_by_request(session, last)
            assert {entry.action for entry in entries} >= REPLAYED
            contents = dict(session.execute(select(FileContent.sha256, FileContent.content)).all())
            messages = [(entry.action, entry.at, entry.actor_id, entry.row_changes) for entry in entries]
            expected, expected_trail = rows_of(session, NUMBERED), said(entries)
        with open_session(other) as session:
            for action, at, actor_id, rows in messages:
                if actor_id is not None:
                    again(session, action, at, session.get_one(User, actor_id), rows, contents)
                else:
                    sweep_again(session, at, rows)
            created, trail = rows_of(session, NUMBERED), said(entries_by_request(session, last))
            assert list(totals.differences(session.connection())) == []
    # The index has the words of details in the order in which they were typed; the sweep reckons months later, and
    # totals are added up later.
    apart = TRAIL | TOLD | FORGOTTEN | DERIVED - {"step_time"}
    assert {name: rows for name, rows in created.items() if name not in apart} == {
        name: rows for name, rows in expected.items() if name not in apart
    }
    assert trail == expected_trail


def entries_by_request(session: Session, after: int) -> list[AuditEntry]:
    """Return the entries beyond ``after`` request by request: so ids are given as they are by copying."""
    of_request = (AuditRow.entry_id == AuditEntry.id) & (AuditRow.table_name == "change_request")
    result = session.execute(
        select(AuditEntry, AuditRow.row_id).join(AuditRow, of_request).where(AuditEntry.id > after)
    ).all()
    return [entry for entry, _request in sorted(result, key=lambda pair: (int(pair[1]), pair[0].id))]


def said(entries: list[AuditEntry]) -> list[dict[tuple[str, str], dict[str, Any]]]:
    """Return what each of ``entries`` says of each row in the end, numbers aside."""
    results = []
    for entry in entries:
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for row in entry.row_changes:
            if row["table"] not in {*TOLD, "number_counter"}:
                after = {name: value for name, value in row["after"].items() if name not in NUMBERED}
                rows.setdefault((row["table"], row["id"]), {}).update(after)
        results.append({key: after for key, after in rows.items() if after})
    return results


def sweep_again(session: Session, at: dt.datetime, told: list[dict[str, Any]]) -> None:
    """Let the sweep come by a request at the moment at which it did."""
    set_test_audit_context(session, "deadline.sweep", now=at)
    raise_overdue(session.get_one(ChangeRequest, told[0]["after"]["change_id"]), at)
    session.commit()


def again(
    session: Session, action: str, at: dt.datetime, by: User, told: list[dict[str, Any]], contents: dict[str, bytes]
) -> None:
    """Do through the program's operations what one entry of a register tells of, in a transaction of its own."""
    set_test_audit_context(session, action, now=at, actor_id=by.id, actor_name=by.full_name)
    inserted = {
        table: [row["after"] for row in told if row["table"] == table and row["action"] == "inserted"]
        for table in {row["table"] for row in told}
    }
    match action.split("."):
        case ["release", "actual"]:
            row = next(row for row in told if row["table"] == "release")
            session.get_one(Release, int(row["id"])).actual_at = dt.datetime.fromisoformat(row["after"]["actual_at"])
        case ["deviation", "dispose"]:
            (row,) = told
            deviation = session.get_one(Deviation, int(row["id"]))
            deviation.dispose(by, now=at, values=disposal_of(row["after"]))
        case ["deviation", "follow-up"]:
            (row,) = told
            note = row["after"]["follow_up_note"]
            session.get_one(Deviation, int(row["id"])).follow_up(by, now=at, note=note)
        case ["change", "take-up"]:
            take_up(session.get_one(ChangeRequest, change_of(told)), by, now=at)
        case ["change", "hand-over"]:
            (row,) = inserted["handover"]
            to = session.get_one(User, row["to_id"])
            reassign(session.get_one(ChangeRequest, row["change_id"]), to, by, now=at, reason=row["reason"])
        case ["change", "draft"]:
            first = next(row["id"] for row in told if row["table"] == "change_request")
            said = typed(ChangeRequest.__table__, told_of(told, "change_request", first))
            values = {field.key: said[field.key] for field in fields_of_step(Step.REQUEST) if field.key in said}
            create_draft(session, by, now=at, values=values)
        case ["change", outcome]:
            updated = [row for row in told if row["table"] == "activity" and row["action"] == "updated"]
            finished_id = next(row["id"] for row in updated if "outcome" in row["after"])
            # The equipment is written before the step is finished: the entry tells of the row twice.
            finished = {
                name: value for row in updated if row["id"] == finished_id for name, value in row["after"].items()
            }
            activity = session.get_one(Activity, int(finished_id))
            attach_again(session, inserted, contents, by, at, activity=activity)
            session.get_one(ChangeRequest, activity.change_id).advance(
                Outcome(outcome),
                by,
                now=at,
                values={
                    "reason": finished.get("reason"),
                    **written(activity, told, inserted),
                    **said_of_deviations(session, told),
                },
                equipment=finished.get("equipment", ()),
            )
    session.commit()


def told_of(told: list[dict[str, Any]], table: str, id_: str) -> dict[str, Any]:
    """Return what an entry says of a row in the end."""
    result: dict[str, Any] = {}
    for row in told:
        if (row["table"], row["id"]) == (table, id_):
            result |= row["after"]
    return result


def change_of(told: list[dict[str, Any]]) -> int:
    """Return the id of the request that an entry alters."""
    return next(int(row["id"]) for row in told if row["table"] == "change_request")


def said_of_deviations(session: Session, told: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the accounts, statements and disposals that an entry of a move tells of, as its form had them."""
    said: dict[str, Any] = {DISPOSALS: {}}
    for row in told:
        if row["table"] != "deviation":
            continue
        after = row["after"]
        if "disposal" in after:
            said[DISPOSALS][row["id"]] = disposal_of(after)
            continue
        if row["action"] == "inserted":
            kind, subject = DeviationKind(after["kind"]), after["subject"]
        else:
            raised = session.get_one(Deviation, int(row["id"]))
            kind, subject = raised.kind, raised.subject
        said[account_field(kind, subject)] = after["account"]
        if kind is DeviationKind.OUTPUT:
            said[subject] = OUTPUT_LACKING
    return said


def disposal_of(after: dict[str, Any]) -> dict[str, Any]:
    """Return what the head typed in."""
    until = after.get("follow_up_until")
    return {
        "disposal": after["disposal"],
        "note": after.get("disposal_note"),
        "follow_up_by": after.get("follow_up_by_id"),
        "follow_up_until": until and dt.date.fromisoformat(until),
    }


def attach_again(
    session: Session, inserted: dict[str, Any], contents: dict[str, bytes], by: User, at: dt.datetime, **owner: Any
) -> None:
    """Attach the files that an entry tells of."""
    for row in inserted.get("document", ()):
        attach(
            session, name=row["name"], media_type=row["media_type"], content=contents[row["sha256"]], by=by, now=at,
            item_key=row.get("item_key"), **owner,
        )  # fmt: skip


def written(
    activity: Activity, told: list[dict[str, Any]], inserted: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """Return what was typed into the record of a step, as an entry tells of it."""
    kept_on = ChangeRequest if activity.step in {Step.REQUEST, Step.RETURNED} else ACTIVITY_CLASSES[activity.step]
    after: dict[str, Any] = next(
        (row["after"] for row in told if row["table"] == kept_on.__tablename__ and row["action"] == "updated"), {}
    )
    typed_in = typed(kept_on.__table__, after)
    values: dict[str, Any] = {}
    for field in fields_of_step(activity.step):
        if field.kind is FieldKind.TEST_CASES:
            parts = ("name", "expected", "actual")
            values["cases"] = [{part: row[part] for part in parts} for row in inserted["test_case"]]
        elif field.kind is FieldKind.ASSETS and "asset_review_item" in inserted:
            rows = inserted["asset_review_item"]
            values["assets"] = [{"asset_id": row.get("asset_id"), "finding": row["finding"]} for row in rows]
        elif field.kind is FieldKind.TOUCHED_ASSETS and "release_asset" in inserted:
            values["touched_assets"] = [{"asset_id": row["asset_id"]} for row in inserted["release_asset"]]
        elif field.kind is FieldKind.MUTATIONS:
            values["mutations"] = after["draft"]["rows"]
        elif field.key in typed_in:
            values[field.key] = typed_in[field.key]
    return values


def typed(table: FromClause, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the trail tells of it with the types of its columns."""
    results = {}
    for name, value in row.items():
        column = table.c[name].type
        if isinstance(column, EnumSet):
            results[name] = column.process_result_value(value, sqlite.dialect())
            continue
        kind: Any = dt.datetime if isinstance(column, UtcDateTime) else column.python_type
        plain = isinstance(value, str) and kind is not str
        if plain and kind in {dt.date, dt.datetime}:
            results[name] = kind.fromisoformat(value)
        else:
            results[name] = kind(value) if plain else value
    return results
