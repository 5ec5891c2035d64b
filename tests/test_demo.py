"""The demo: its cast, and a register made in bulk that nobody could tell from one made by hand."""

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

from lpse_admin.records import RECORDS, FieldKind
from lpse_admin.roles import Role
from lpse_admin.steps import Outcome, Result, Step
from models import audit, history
from models.activity import RECORD_OF, Activity, Release
from models.agency import Agency
from models.asset import Asset, AssetMutation
from models.audit import AuditEntry
from models.base import Base, UtcDateTime, as_json
from models.change import ChangeRequest, draft
from models.delegation import Delegation
from models.demo import CAST, PASSWORD, REFERENCE, accounts, first_start, make_register
from models.demo.attachments import DOCX, PDF, PNG
from models.document import Document, FileContent, attach
from models.mutation import snapshot
from models.sop import SopRevision, SopState
from models.user import User, is_password_of
from tests.cast import answer, session_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from tests.conftest import NewDatabase

TRAIL = {"audit_entry", "audit_row", "audit_chain"}
#: The register is a past: nobody is told of it anew, and nothing of it is mailed.
TOLD = {"notification", "mail"}
WALL_CLOCK = dt.datetime(2027, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def register_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    """Give a register of 200 requests, which no test changes."""
    with new_database(request.param) as url:
        with session_on(url) as session:
            make_register(session, requests=200, seed=4, now=WALL_CLOCK)
        yield url


@pytest.fixture
def register(register_url: str) -> Iterator[Session]:
    with session_on(register_url) as session:
        yield session


def rows_of(session: Session, leaving_out: frozenset[str] = frozenset()) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table but the hashes of passwords, which are salted."""
    columns = {
        table: [column for column in table.c if column.name not in {"password_hash", *leaving_out}]
        for table in Base.metadata.sorted_tables
    }
    return {
        table.name: [
            dict(row._mapping) for row in session.connection().execute(select(*named).order_by(*table.primary_key))
        ]
        for table, named in columns.items()
    }


# -- the cast ------------------------------------------------------------------------------------------------------


def test_the_first_start_makes_the_cast_of_both_offices_and_a_small_register(database_url):
    with session_on(database_url) as session:
        made = first_start(session, WALL_CLOCK, requests=8)
        names = {account.username: account.roles for account in made}
        expected = {figure.username + suffix: (figure.role,) for figure in CAST for suffix in ("", ".tt")}
        assert names == {**expected, "admin": (Role.ADMINISTRATOR,)}
        assert session.scalar(select(func.count()).select_from(ChangeRequest)) == 8
        assert {revision.state for revision in session.scalars(select(SopRevision))} == {SopState.IN_FORCE}
        for user in session.scalars(select(User)):
            assert (user.agency_id is None) == (user.username == "admin")
            assert user.nip is None or (len(user.nip) == 18 and user.nip.isdigit())
            assert user.email
            assert user.email.endswith("@example.invalid")
        assert is_password_of(user, PASSWORD)


def test_a_second_start_makes_nothing_and_still_knows_the_accounts(database_url):
    with session_on(database_url) as session:
        made = first_start(session, WALL_CLOCK, requests=8)
        before = rows_of(session)
        assert first_start(session, WALL_CLOCK + dt.timedelta(days=1)) == []
        assert rows_of(session) == before
        assert {account.username for account in accounts(session)} == {account.username for account in made}


def test_where_there_are_users_already_no_demo_account_is_made(database_url):
    with session_on(database_url) as session:
        answer(session)
        somebody = User(username="somebody", full_name="Somebody", password_hash="x")
        somebody.roles = [Role.ADMINISTRATOR]
        session.add(somebody)
        session.commit()
        assert first_start(session, WALL_CLOCK) == []
        assert session.scalars(select(User.username)).all() == ["somebody"]
        assert make_register(session, requests=3) == 0


# -- what the register shows ---------------------------------------------------------------------------------------


def test_every_step_every_move_and_every_result_occurs_at_both_offices(register):
    papers = {revision.agency_id: revision.paper for revision in register.scalars(select(SopRevision))}
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


def test_both_offices_have_half_of_the_requests_over_three_years(register):
    requests = register.scalars(select(ChangeRequest)).all()
    assert set(Counter(request.agency_id for request in requests).values()) == {100}
    assert {request.created_at.year for request in requests} == {2023, 2024, 2025, 2026}
    assert max(request.created_at for request in requests) < REFERENCE
    assert len({request.title for request in requests}) > 100
    assert any(request.linked_change_id for request in requests)


def test_a_refused_emergency_is_approved_later_and_a_returned_request_comes_back_as_a_new_revision(register):
    outcomes = [
        [activity.outcome for activity in request.activities] for request in register.scalars(select(ChangeRequest))
    ]
    assert any(Outcome.APPROVED in row[row.index(Outcome.REFUSED) :] for row in outcomes if Outcome.REFUSED in row)
    revised = register.scalars(select(ChangeRequest).where(ChangeRequest.revision > 1)).all()
    assert revised
    for request in revised:
        assert [revision.revision for revision in request.revisions] == list(range(1, request.revision + 1))
        assert len({as_json(revision.content) for revision in request.revisions}) == request.revision


def test_delegates_decide_within_their_days_and_under_their_decree(register):
    decided = register.scalars(select(Activity).where(Activity.delegation_id.is_not(None))).all()
    assert {activity.agency_id for activity in decided} == {1, 2}
    for activity in decided:
        delegation = activity.delegation
        assert activity.actor_id == delegation.delegate_id
        assert activity.capacity.endswith("Kepala LPSE")
        assert activity.capacity.startswith(("Plh. ", "Plt. "))
        assert delegation.is_in_force(activity.finished_at)
    for delegation in register.scalars(select(Delegation)):
        assert delegation.until_date < REFERENCE.date()
        assert delegation.recorded_at.date() <= delegation.from_date
        assert [document.media_type for document in delegation.documents] == [PDF]


def test_everything_happens_in_the_office_s_own_working_hours(register):
    zones = {agency.id: agency.zone for agency in register.scalars(select(Agency))}
    for agency_id, moment in register.execute(
        select(Activity.agency_id, Activity.finished_at).where(Activity.finished_at.is_not(None))
    ):
        local = moment.astimezone(zones[agency_id])
        assert local.weekday() < 5
        assert dt.time(7, 30) <= local.time() <= dt.time(16, 30)


def test_the_files_open(register):
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
            assert all(content[place:].startswith(b"%d 0 obj" % number) for number, place in enumerate(places, 1))
        elif media_type == PNG:
            length = struct.unpack(">I", content[33:37])[0]
            assert len(zlib.decompress(content[41 : 41 + length])) == 40 * 65
        elif media_type == DOCX:
            assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(content)).namelist()
        else:
            assert content.decode()
    assert len(kinds) == 4


# -- what is true of it --------------------------------------------------------------------------------------------


def test_the_trail_holds_and_the_stored_steps_agree_with_the_history(register):
    assert audit.verify(register) is None
    assert list(history.verify(register)) == []


def test_the_trail_tells_of_every_row_in_the_order_of_time(register):
    told = {
        (row.table_name, row.row_id)
        for row in register.connection().execute(select(audit.AuditRow.table_name, audit.AuditRow.row_id))
    }
    for table, rows in rows_of(register).items():
        if table not in TRAIL | {"alembic_version"}:
            keys = ["/".join(str(row[key.name]) for key in Base.metadata.tables[table].primary_key) for row in rows]
            assert told.issuperset((table, key) for key in keys)
    for agency_id in (1, 2):
        moments = register.scalars(
            select(AuditEntry.at).where(AuditEntry.chain == agency_id).order_by(AuditEntry.number)
        ).all()
        assert moments == sorted(moments)


def test_no_foreign_key_of_it_leads_nowhere(register):
    if register.get_bind().dialect.name == "sqlite":
        assert register.connection().execute(text("PRAGMA foreign_key_check")).all() == []


def test_numbers_are_gapless_in_the_order_of_submission(register):
    for agency_id in (1, 2):
        serials = register.execute(
            select(ChangeRequest.year, ChangeRequest.serial)
            .where(ChangeRequest.agency_id == agency_id, ChangeRequest.submitted_at.is_not(None))
            .order_by(ChangeRequest.submitted_at)
        ).all()
        years = Counter(year for year, _serial in serials)
        assert [tuple(row) for row in serials] == [
            (year, serial) for year in sorted(years) for serial in range(1, years[year] + 1)
        ]


def test_the_asset_list_is_what_its_mutations_made_of_it(register):
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


def test_the_same_number_and_seed_give_the_same_rows_whatever_the_clock_says(new_database):
    dumps = []
    for clock in (None, WALL_CLOCK):
        with new_database("sqlite") as url, session_on(url) as session:
            make_register(session, requests=40, seed=9, now=clock)
            dumps.append(as_json(rows_of(session)))
    assert dumps[0] == dumps[1]


def test_another_seed_gives_another_register(new_database):
    titles = []
    for seed in (1, 2):
        with new_database("sqlite") as url, session_on(url) as session:
            make_register(session, requests=10, seed=seed)
            titles.append(session.scalars(select(ChangeRequest.title)).all())
    assert titles[0] != titles[1]


def test_nothing_lies_in_the_future_of_a_clock_that_is_behind(new_database):
    clock = dt.datetime(2026, 3, 2, 3, 0, tzinfo=dt.UTC)
    with new_database("sqlite") as url, session_on(url) as session:
        make_register(session, requests=30, now=clock)
        assert max(session.scalars(select(AuditEntry.at))) < clock


def test_a_register_on_top_of_another_goes_on_from_it(database_url):
    with session_on(database_url) as session:
        first_start(session, WALL_CLOCK, requests=20)
        assert make_register(session, requests=20, now=WALL_CLOCK) == 40
        assert audit.verify(session) is None
        assert list(history.verify(session)) == []
        assert session.scalar(select(func.count()).select_from(ChangeRequest)) == 40


# -- as by hand ----------------------------------------------------------------------------------------------------


def test_a_request_of_the_register_moves_on_through_the_door(database_url):
    now = REFERENCE + dt.timedelta(hours=5)
    with session_on(database_url) as session:
        make_register(session, requests=60)
        for step in (Step.EVALUATION, Step.REPORT):
            request = session.scalars(select(ChangeRequest).where(ChangeRequest.step == step).limit(1)).one()
            managers = session.scalars(
                select(User).where(User.agency_id == request.agency_id, User.is_change_manager).order_by(User.id)
            )
            manager = next(user for user in managers if request.bar(user, now) is None)
            answer(session, now=now)
            outcome, values = {
                Step.EVALUATION: (Outcome.REJECTED, {"findings": "Tidak lengkap", "reason": "Bukan wewenang LPSE"}),
                Step.REPORT: (Outcome.REPORTED, {"summary": "Selesai"}),
            }[step]
            request.advance(outcome, manager, now=now, values=values)
            session.commit()
            assert request.step is not step
        requester = session.scalars(select(User).where(User.username == "pemohon")).one()
        draft(session, requester, now=now, values={"title": "Baru"})
        session.commit()
        assert audit.verify(session) is None
        assert list(history.verify(session)) == []


def test_the_door_given_the_same_would_have_written_the_same(new_database):
    with new_database("sqlite") as url, new_database("sqlite") as other:
        with session_on(url) as bulk:
            make_register(bulk, requests=40, seed=2)
            entries = [
                (entry.action, entry.at, entry.actor_id, entry.told)
                for entry in bulk.scalars(select(AuditEntry).order_by(AuditEntry.id))
            ]
            contents = dict(bulk.execute(select(FileContent.sha256, FileContent.content)).all())
            expected, expected_trail = rows_of(bulk), tellings(bulk)
        with session_on(other) as session:
            first_start(session, REFERENCE, requests=0)
            for action, at, actor_id, told in entries:
                if actor_id is not None:
                    again(session, action, at, session.get_one(User, actor_id), told, contents)
            made, trail = rows_of(session), tellings(session)
    for rows in (expected, made):
        for activity in rows["activity"]:
            # Nobody takes a step up through the door yet.
            del activity["taken_up_at"], activity["taken_up_by_id"]
    assert {name: rows for name, rows in made.items() if name not in TRAIL | TOLD} == {
        name: rows for name, rows in expected.items() if name not in TRAIL | TOLD
    }
    assert trail == expected_trail


def tellings(session: Session) -> list[dict[tuple[str, str], dict[str, Any]]]:
    """Return what each entry of the register tells of each row in the end."""
    told = []
    for entry in session.scalars(select(AuditEntry).where(AuditEntry.actor_id.is_not(None)).order_by(AuditEntry.id)):
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for row in entry.told:
            if row["table"] not in TOLD:
                rows.setdefault((row["table"], row["id"]), {}).update(row["after"])
        for after in rows.values():
            after.pop("taken_up_at", None)
            after.pop("taken_up_by_id", None)
        told.append({key: after for key, after in rows.items() if after})
    return [rows for rows in told if rows]


def again(  # noqa: PLR0917 - one transaction of the register
    session: Session, action: str, at: dt.datetime, by: User, told: list[dict[str, Any]], contents: dict[str, bytes]
) -> None:
    """Do by hand what one entry of a register tells of, in a transaction of its own."""
    answer(session, action, now=at, actor_id=by.id, actor_name=by.full_name)
    inserted = {
        table: [row["after"] for row in told if row["table"] == table and row["action"] == "inserted"]
        for table in {row["table"] for row in told}
    }
    match action.split("."):
        case ["asset", "enter"]:
            session.add_all([Asset(**typed(Asset, row)) for row in inserted["asset"]])
        case ["delegation", "grant"]:
            delegation = Delegation(**typed(Delegation, inserted["delegation"][0]))
            session.add(delegation)
            session.flush()
            attach_again(session, inserted, contents, by, at, delegation=delegation)
        case ["release", "actual"]:
            row = next(row for row in told if row["table"] == "release")
            session.get_one(Release, int(row["id"])).actual_at = dt.datetime.fromisoformat(row["after"]["actual_at"])
        case ["change", "take-up"]:
            return
        case ["change", "draft"]:
            said = typed(ChangeRequest, inserted["change_request"][0])
            values = {field.key: said[field.key] for field in RECORDS[Step.REQUEST] if field.key in said}
            draft(session, by, now=at, values=values)
        case ["change", outcome]:
            finished = next(row for row in told if row["table"] == "activity" and row["action"] == "updated")
            activity = session.get_one(Activity, int(finished["id"]))
            attach_again(session, inserted, contents, by, at, activity=activity)
            session.get_one(ChangeRequest, activity.change_id).advance(
                Outcome(outcome),
                by,
                now=at,
                values=written(activity, told, inserted) | {"reason": finished["after"].get("reason")},
                equipment=finished["after"].get("equipment", ()),
            )
    session.commit()


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
    kept_on = ChangeRequest if activity.step in {Step.REQUEST, Step.RETURNED} else RECORD_OF[activity.step]
    after: dict[str, Any] = next(
        (row["after"] for row in told if row["table"] == kept_on.__tablename__ and row["action"] == "updated"), {}
    )
    typed_in = typed(kept_on, after)
    values: dict[str, Any] = {}
    for field in RECORDS[activity.step]:
        if field.kind is FieldKind.CASES:
            parts = ("name", "expected", "actual")
            values["cases"] = [{part: row[part] for part in parts} for row in inserted["test_case"]]
        elif field.kind is FieldKind.ASSETS and "asset_review_item" in inserted:
            rows = inserted["asset_review_item"]
            values["assets"] = [{"asset_id": row.get("asset_id"), "finding": row["finding"]} for row in rows]
        elif field.kind is FieldKind.TOUCHED and "release_asset" in inserted:
            values["touched_assets"] = [{"asset_id": row["asset_id"]} for row in inserted["release_asset"]]
        elif field.kind is FieldKind.MUTATIONS:
            values["mutations"] = after["draft"]["rows"]
        elif field.key in typed_in:
            values[field.key] = typed_in[field.key]
    return values


def typed(model: type[Base], row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the trail tells of it with the types of its columns."""
    found = {}
    for name, value in row.items():
        column = model.__table__.c[name].type
        kind: Any = dt.datetime if isinstance(column, UtcDateTime) else column.python_type
        plain = isinstance(value, str) and kind is not str
        if plain and kind in {dt.date, dt.datetime}:
            found[name] = kind.fromisoformat(value)
        else:
            found[name] = kind(value) if plain else value
    return found
