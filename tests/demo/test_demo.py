"""The demo: its cast, and a register made through the program's own operations."""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import zipfile
import zlib
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text

from demo import CAST, PASSWORD, REFERENCE, accounts, first_start, make_register
from demo.content.attachments import DOCX, PDF, PNG
from demo.content.wording import topics
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Result, Step
from lpse_admin.workflow.deviations import DeviationKind, Disposal, LatenessBasis
from models.accounts.user import User, is_password_correct
from models.audit import trail as audit_trail
from models.audit import verification
from models.audit.trail import AuditEntry
from models.base import Base, canonical_json
from models.changes import history
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import Reassignment
from models.changes.moves.drafts import create_draft
from models.changes.steps.activity import Activity, Release, UrgencyAssessment
from models.changes.steps.timing import lateness
from models.delegation.delegation import Delegation
from models.deviations.deviation import Deviation, DeviationState
from models.documents.document import Document, FileContent
from models.inventory.asset import Asset, AssetMutation
from models.inventory.mutation import snapshot
from models.notifications.notification import Notification
from models.office.agency import Agency
from models.office.calendars import load_calendar
from models.search import index
from models.sops.sop import SopRevision, SopState
from tests.support.cast import open_session, set_test_audit_context
from tests.support.present import present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from tests.conftest import NewDatabase

TRAIL = {"audit_entry", "audit_row", "audit_chain"}
#: Nobody is told of what is copied.
TOLD = {"notification", "mail"}
#: What can be made again from the rest at any time, and is told of with it.
DERIVED = {
    "search_record", "step_time", "step_due", "reckoned_month", "request_total", "requester_total", "step_total",
    "deviation_total", "requester_deviation", "requester_deviation_total",
}  # fmt: skip
#: How much was sent in files on a day: what each belongs to is told, and the count is forgotten.
FORGOTTEN = {"upload"}
WALL_CLOCK = dt.datetime(2027, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def register_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    """Give a register of 200 requests, which no test changes."""
    with new_database(request.param) as url:
        with open_session(url) as session:
            make_register(session, requests=200, seed=5, now=WALL_CLOCK)
        yield url


@pytest.fixture
def register(register_url: str) -> Iterator[Session]:
    with open_session(register_url) as session:
        yield session


def rows_of(session: Session, leaving_out: frozenset[str] = frozenset()) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table but what is random: salted hashes of passwords, and keys of papers."""
    columns = {
        table: [column for column in table.c if column.name not in {"password_hash", "paper_key", *leaving_out}]
        for table in Base.metadata.sorted_tables
    }
    return {
        table.name: [
            dict(row._mapping) for row in session.connection().execute(select(*named).order_by(*table.primary_key))
        ]
        for table, named in columns.items()
    }


# -- the cast ------------------------------------------------------------------------------------------------------


def test_the_first_start_makes_the_cast_of_both_offices_and_a_small_register(database_url: str) -> None:
    with open_session(database_url) as session:
        created = first_start(session, WALL_CLOCK, requests=8)
        names = {account.username: account.roles for account in created}
        expected = {figure.username + suffix: (figure.role,) for figure in CAST for suffix in ("", ".tt")}
        assert names == {**expected, "admin": (Role.ADMINISTRATOR,)}
        assert session.scalar(select(func.count()).select_from(ChangeRequest)) == 8
        assert {revision.state for revision in session.scalars(select(SopRevision))} == {SopState.IN_FORCE}
        for user in session.scalars(select(User)):
            assert (user.agency_id is None) == (user.username == "admin")
            assert user.nip is None or (len(user.nip) == 18 and user.nip.isdigit())
            assert user.email
            assert user.email.endswith("@example.invalid")
            assert (user.inspection.last is not None) == (Role.INSPECTOR in user.roles)
            if user.inspection.first and user.inspection.last:
                assert user.inspection.first < WALL_CLOCK.date() < user.inspection.last
        assert is_password_correct(user, PASSWORD)


def test_a_second_start_makes_nothing_and_still_knows_the_accounts(database_url: str) -> None:
    with open_session(database_url) as session:
        created = first_start(session, WALL_CLOCK, requests=8)
        before = rows_of(session)
        assert first_start(session, WALL_CLOCK + dt.timedelta(days=1)) == []
        assert rows_of(session) == before
        assert {account.username for account in accounts(session)} == {account.username for account in created}


def test_a_first_start_that_ended_after_the_cast_makes_the_register_the_next_time(database_url: str) -> None:
    with open_session(database_url) as session:
        first_start(session, WALL_CLOCK, requests=0)
        assert session.scalar(select(func.count()).select_from(ChangeRequest)) == 0
        first_start(session, WALL_CLOCK, requests=4)
        assert session.scalar(select(func.count()).select_from(ChangeRequest)) == 4


def test_where_there_are_users_already_no_demo_account_is_made(database_url: str) -> None:
    with open_session(database_url) as session:
        set_test_audit_context(session)
        somebody = User(username="somebody", full_name="Somebody", password_hash="x")
        somebody.roles = [Role.ADMINISTRATOR]
        session.add(somebody)
        session.commit()
        assert first_start(session, WALL_CLOCK) == []
        assert session.scalars(select(User.username)).all() == ["somebody"]
        assert make_register(session, requests=3) == 0


# -- what the register shows ---------------------------------------------------------------------------------------


def test_every_step_every_move_and_every_result_occurs_at_both_offices(register: Session) -> None:
    papers = {revision.agency_id: revision.sop for revision in register.scalars(select(SopRevision))}
    assert len(papers) == 2
    for agency_id, paper in papers.items():
        activities = register.execute(
            select(Activity.step, Activity.outcome, Activity.target).where(Activity.agency_id == agency_id)
        ).all()
        assert {row.step for row in activities if row.outcome is None} == set(paper.steps)
        taken = {(row.step, row.outcome, row.target) for row in activities if row.outcome is not None}
        assert taken == {(move.origin, move.outcome, move.target) for move in paper.moves}
        results = register.scalars(select(ChangeRequest.result).where(ChangeRequest.agency_id == agency_id))
        assert set(results) == {None, *Result}


def test_both_offices_have_half_of_the_requests_over_three_years(register: Session) -> None:
    requests = register.scalars(select(ChangeRequest)).all()
    assert set(Counter(request.agency_id for request in requests).values()) == {100}
    assert {request.created_at.year for request in requests} == {2023, 2024, 2025, 2026}
    assert max(request.created_at for request in requests) < REFERENCE
    assert len({request.title for request in requests}) > 100
    assert any(request.linked_change_id for request in requests)


def test_a_refused_emergency_is_approved_later_and_a_returned_request_comes_back_as_a_new_revision(
    register: Session,
) -> None:
    outcomes = [
        [activity.outcome for activity in request.activities] for request in register.scalars(select(ChangeRequest))
    ]
    assert any(Outcome.APPROVED in row[row.index(Outcome.REFUSED) :] for row in outcomes if Outcome.REFUSED in row)
    revised = register.scalars(select(ChangeRequest).where(ChangeRequest.revision > 1)).all()
    assert revised
    for request in revised:
        assert [revision.revision for revision in request.revisions] == list(range(1, request.revision + 1))
        assert len({canonical_json(revision.content) for revision in request.revisions}) == request.revision


def test_delegates_decide_within_their_days_and_under_their_decree(register: Session) -> None:
    decided = register.scalars(select(Activity).where(Activity.delegation_id.is_not(None))).all()
    assert {activity.agency_id for activity in decided} == {1, 2}
    for activity in decided:
        delegation = activity.delegation
        assert activity.actor_id == present(delegation).delegate_id
        assert present(activity.capacity).endswith("Kepala LPSE")
        assert present(activity.capacity).startswith(("Plh. ", "Plt. "))
        assert present(delegation).is_in_force(present(activity.finished_at))
    for delegation in register.scalars(select(Delegation)):
        is_ahead = delegation.from_date > REFERENCE.date()
        assert is_ahead or delegation.until_date < REFERENCE.date()
        assert delegation.recorded_at.date() <= delegation.from_date
        assert [document.media_type for document in delegation.documents] == [PDF]


def test_everything_happens_in_the_office_s_own_working_hours(register: Session) -> None:
    calendars = {agency.id: load_calendar(register, agency) for agency in register.scalars(select(Agency))}
    zones = {agency.id: agency.zone for agency in register.scalars(select(Agency))}
    entries = register.execute(select(AuditEntry.chain, AuditEntry.at, AuditEntry.action)).all()
    moments = {(entry.chain, entry.at) for entry in entries if entry.action != "demo.start"}
    for agency_id, moment in moments:
        spans = calendars[agency_id].spans(moment.astimezone(zones[agency_id]).date())
        assert any(opens <= moment < closes for opens, closes in spans)
    times = register.execute(
        select(Activity.agency_id, Activity.arrived_at, Activity.taken_up_at, Activity.finished_at)
    )
    assert {(agency_id, moment) for agency_id, *those in times for moment in those if moment} <= moments


# -- in whose hands, and what was not kept ---------------------------------------------------------------------------


def test_steps_are_taken_up_by_somebody_other_than_a_requester_and_handed_over_now_and_then(register: Session) -> None:
    taken_up = set()
    for activity in register.scalars(select(Activity)):
        if activity.actor_role is Role.REQUESTER:
            assert (activity.taken_up_at, activity.held_by_id) == (None, None)
        else:
            taken_up.add((activity.agency_id, activity.is_open, activity.taken_up_at is not None))
        hands = [activity.taken_up_by_id, *(handover.to_id for handover in activity.reassignments)]
        assert activity.held_by_id == hands[-1]
        assert activity.is_open or activity.held_by_id in {None, activity.actor_id}
    assert len(taken_up) == 8
    handed = register.scalars(select(Reassignment)).all()
    assert {handover.agency_id for handover in handed} == {1, 2}
    assert len({handover.reason for handover in handed}) > 1


def test_every_late_step_has_its_deviation_in_time_and_no_other_step_has_one(register: Session) -> None:
    subjects, was_open = set(), set()
    for activity in register.scalars(select(Activity)):
        change = activity.change
        expected = lateness(change, activity, REFERENCE) if change.sop.switches.deviations else None
        raised = [deviation for deviation in activity.deviations if deviation.kind is DeviationKind.TIME]
        if not activity.is_open:
            assert len(raised) == (expected is not None)
        elif raised:  # what is overdue just now the sweep has yet to find
            assert expected
        for deviation in raised:
            assert (deviation.subject, deviation.standard) == (present(expected).subject, present(expected).standard)
            assert deviation.allowed_minutes == present(expected).allowed_minutes
            assert deviation.measured_minutes == present(expected).measured_minutes or activity.is_open
            subjects.add(deviation.subject)
            was_open.add(deviation.was_open)
    assert subjects == set(LatenessBasis)
    assert was_open == {True, False}


def test_what_was_not_kept_is_accounted_for_and_disposed_of_by_the_head(register: Session) -> None:
    result = register.scalars(select(Deviation)).all()
    assert {deviation.kind for deviation in result} == set(DeviationKind)
    assert {deviation.disposal for deviation in result} == {None, *Disposal}
    assert {deviation.state for deviation in result} == set(DeviationState)
    assert len({deviation.account for deviation in result}) > 15
    for deviation in result:
        activity = deviation.activity
        # Nothing ends without its accounts, which are the executor's.
        assert (deviation.account is None) == activity.is_open
        if deviation.account:
            assert (deviation.executor_id, deviation.accounted_by_id) == (activity.actor_id, activity.actor_id)
            assert deviation.accounted_at == activity.finished_at
        if deviation.kind is DeviationKind.EQUIPMENT:
            keys = {f"document-{document.item_key}" for document in activity.change.documents}
            assert deviation.subject not in keys | {f"equipment-{key}" for key in activity.equipment}
        if deviation.disposal:
            assert_disposed_of_by_a_head(deviation)


def assert_disposed_of_by_a_head(deviation: Deviation) -> None:
    verified = [present(step.finished_at) for step in deviation.change.activities if step.outcome is Outcome.VERIFIED]
    accounted_at, disposed_at = present(deviation.accounted_at), present(deviation.disposed_at)
    before = [moment for moment in verified if moment > accounted_at]
    assert disposed_at in before if before else disposed_at > accounted_at
    if deviation.delegation:
        assert deviation.disposed_by_id == deviation.delegation.delegate_id
        assert deviation.disposed_by_id not in {deviation.executor_id, deviation.accounted_by_id}
        assert deviation.delegation.is_in_force(disposed_at)
        assert deviation.disposed_capacity == f"{deviation.delegation.kind.prefix} Kepala LPSE"
    else:
        assert Role.HEAD in present(deviation.disposed_by).roles
        assert deviation.disposed_capacity == "Kepala LPSE"
    assert deviation.disposal_note or deviation.disposal is not Disposal.NOT_ACCEPTED
    if deviation.followed_up_at:
        assert deviation.followed_up_at > disposed_at
        assert deviation.followed_up_at.date() <= present(deviation.follow_up_until)


def test_nearly_all_notifications_are_read_and_those_of_the_last_hours_are_not(register: Session) -> None:
    result = register.scalars(select(Notification)).all()
    unread = [one for one in result if one.read_at is None]
    end = max(one.at for one in result)
    assert 0 < len(unread) < len(result) / 20
    assert all(one.at > end - dt.timedelta(days=1) for one in unread)


def test_what_is_to_be_an_emergency_is_about_something_pressing(register: Session) -> None:
    waiting = register.scalars(
        select(UrgencyAssessment).join(ChangeRequest, ChangeRequest.id == UrgencyAssessment.change_id)
        .where(UrgencyAssessment.outcome == Outcome.EMERGENCY, ChangeRequest.step == Step.APPROVAL)
    ).all()  # fmt: skip
    assert waiting
    begin = tuple(topic.texts["title"].partition("{")[0] for topic in topics() if topic.is_pressing)
    assert all(present(one.change.title).startswith(begin) for one in waiting)


def test_releases_of_the_past_have_their_actual_time_but_for_a_few(register: Session) -> None:
    past = [one for one in register.scalars(select(Release)) if one.window_end_at and one.window_end_at < REFERENCE]
    assert 0 < sum(one.actual_at is None for one in past) < len(past) / 5


def test_a_late_step_is_one_of_about_twelve(register: Session) -> None:
    judged = [
        bool(lateness(activity.change, activity, REFERENCE))
        for activity in register.scalars(select(Activity).where(Activity.finished_at.is_not(None)))
        if activity.change.sop.switches.deviations and activity.actor_role is not Role.REQUESTER
    ]
    assert 1 / 20 < sum(judged) / len(judged) < 1 / 7


def test_the_files_open(register: Session) -> None:
    kinds = set()
    for file, media_type in register.execute(
        select(FileContent, Document.media_type).join(Document, Document.sha256 == FileContent.sha256).distinct()
    ):
        kinds.add(media_type)
        content = file.content
        assert file.size == len(content)
        if media_type == PDF:
            table = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
            assert content[table:].startswith(b"xref\n0 6\n")
            places = [int(line[:10]) for line in content[table:].splitlines()[3:8]]
            assert all(content[location:].startswith(b"%d 0 obj" % number) for number, location in enumerate(places, 1))
        elif media_type == PNG:
            length = struct.unpack(">I", content[33:37])[0]
            assert len(zlib.decompress(content[41 : 41 + length])) == 40 * 65
        elif media_type == DOCX:
            assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(content)).namelist()
        else:
            assert content.decode()
    assert len(kinds) == 4


# -- what is true of it --------------------------------------------------------------------------------------------


def test_the_trail_holds_and_the_stored_steps_agree_with_the_history(register: Session) -> None:
    assert verification.verify_chains(register) is None
    assert list(history.verify_histories(register)) == []


def test_the_trail_tells_of_every_row_in_the_order_of_time(register: Session) -> None:
    messages = {
        (row.table_name, row.row_id)
        for row in register.connection().execute(select(audit_trail.AuditRow.table_name, audit_trail.AuditRow.row_id))
    }
    for table, rows in rows_of(register).items():
        if table not in TRAIL | DERIVED | FORGOTTEN | {"alembic_version"}:
            keys = ["/".join(str(row[key.name]) for key in Base.metadata.tables[table].primary_key) for row in rows]
            assert messages.issuperset((table, key) for key in keys)
    for agency_id in (1, 2):
        moments = register.scalars(
            select(AuditEntry.at).where(AuditEntry.chain == agency_id).order_by(AuditEntry.number)
        ).all()
        assert moments == sorted(moments)


def test_all_of_it_can_be_searched(register: Session) -> None:
    assert list(index.stale_records(register.connection())) == []
    assert index.is_fts_intact(register.connection())


def test_no_foreign_key_of_it_leads_nowhere(register: Session) -> None:
    if register.get_bind().dialect.name == "sqlite":
        assert register.connection().execute(text("PRAGMA foreign_key_check")).all() == []


def test_numbers_are_gapless_in_the_order_of_submission(register: Session) -> None:
    for agency_id in (1, 2):
        serials = register.execute(
            select(ChangeRequest.year, ChangeRequest.serial)
            .where(ChangeRequest.agency_id == agency_id, ChangeRequest.submitted_at.is_not(None))
            .order_by(ChangeRequest.submitted_at)
        ).all()
        years = Counter(present(year) for year, _serial in serials)
        assert [tuple(row) for row in serials] == [
            (year, serial) for year in sorted(years) for serial in range(1, years[year] + 1)
        ]


def test_the_asset_list_is_what_its_mutations_made_of_it(register: Session) -> None:
    latest: dict[int, str] = {}
    for mutation in register.scalars(select(AssetMutation).order_by(AssetMutation.id)):
        if mutation.asset_id in latest:
            assert mutation.before == latest[mutation.asset_id]
        latest[mutation.asset_id] = mutation.after
    assert latest
    for asset_id, after in latest.items():
        listed = snapshot(register.get_one(Asset, asset_id))
        said = json.loads(after)
        assert listed.pop("price") == Decimal(said.pop("price"))
        assert listed == said


# -- the same again ------------------------------------------------------------------------------------------------


def test_the_same_number_and_seed_give_the_same_rows_whatever_the_clock_says(new_database: NewDatabase) -> None:
    dumps = []
    for clock in (None, WALL_CLOCK):
        with new_database("sqlite") as url, open_session(url) as session:
            make_register(session, requests=40, seed=9, now=clock)
            dumps.append(canonical_json(rows_of(session)))
    assert dumps[0] == dumps[1]


def test_another_seed_gives_another_register(new_database: NewDatabase) -> None:
    titles = []
    for seed in (1, 2):
        with new_database("sqlite") as url, open_session(url) as session:
            make_register(session, requests=10, seed=seed)
            titles.append(session.scalars(select(ChangeRequest.title)).all())
    assert titles[0] != titles[1]


def test_nothing_lies_in_the_future_of_a_clock_that_is_behind(new_database: NewDatabase) -> None:
    clock = dt.datetime(2026, 3, 2, 3, 0, tzinfo=dt.UTC)
    with new_database("sqlite") as url, open_session(url) as session:
        make_register(session, requests=30, now=clock)
        assert max(session.scalars(select(AuditEntry.at))) < clock


def test_a_register_on_top_of_another_goes_on_from_it(database_url: str) -> None:
    with open_session(database_url) as session:
        first_start(session, WALL_CLOCK, requests=20)
        assert make_register(session, requests=20, now=WALL_CLOCK) == 40
        assert verification.verify_chains(session) is None
        assert list(history.verify_histories(session)) == []
        assert session.scalar(select(func.count()).select_from(ChangeRequest)) == 40


# -- as by hand ----------------------------------------------------------------------------------------------------


def test_a_request_of_the_register_moves_on_through_the_door(database_url: str) -> None:
    now = REFERENCE + dt.timedelta(hours=5)
    with open_session(database_url) as session:
        make_register(session, requests=60)
        for step in (Step.EVALUATION, Step.REPORT):
            request = session.scalars(select(ChangeRequest).where(ChangeRequest.step == step).limit(1)).one()
            managers = session.scalars(
                select(User).where(User.agency_id == request.agency_id, User.is_change_manager).order_by(User.id)
            )
            manager = next(user for user in managers if request.reason_cannot_act(user, now) is None)
            set_test_audit_context(session, now=now)
            outcome, values = {
                Step.EVALUATION: (Outcome.REJECTED, {"findings": "Tidak lengkap", "reason": "Bukan wewenang LPSE"}),
                Step.REPORT: (Outcome.REPORTED, {"summary": "Selesai"}),
            }[step]
            # By now it is late under a paper that knows deviations.
            request.advance(outcome, manager, now=now, values={**values, "account-time": "Menunggu keterangan"})
            session.commit()
            assert request.step is not step
        requester = session.scalars(select(User).where(User.username == "pemohon")).one()
        create_draft(session, requester, now=now, values={"title": "Baru"})
        session.commit()
        assert verification.verify_chains(session) is None
        assert list(history.verify_histories(session)) == []
