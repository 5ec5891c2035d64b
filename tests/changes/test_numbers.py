"""Numbers are gapless for each agency and year; of two concurrent moves one succeeds."""

from __future__ import annotations

import datetime as dt
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.errors import NoSuchMove, NotFound
from lpse_admin.i18n import Message
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.loading import load_change
from models.changes.moves.drafts import discard_draft
from models.database import is_sqlite
from models.documents.document import FileContent, attach, store_content
from models.office.agency import NumberCounter
from tests.support.cast import (
    NOW,
    attach_required,
    change_at_step,
    make_move,
    new_change,
    open_session,
    set_test_audit_context,
    values_for,
)
from tests.support.present import present

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cast import AuditedSession, Cast


def numbers(session: AuditedSession) -> list[str]:
    session.expire_all()
    return sorted(map(present, session.scalars(select(ChangeRequest.number).where(ChangeRequest.number.is_not(None)))))


def test_numbers_count_up_from_one_for_each_agency_and_a_draft_has_none(session: AuditedSession, cast: Cast) -> None:
    draft = new_change(session, cast.lumajang)
    first, second = (
        change_at_step(session, cast.lumajang, Step.EVALUATION),
        change_at_step(session, cast.lumajang, Step.EVALUATION),
    )
    theirs = change_at_step(session, cast.tana_tidung, Step.EVALUATION)
    assert [change.number for change in (draft, first, second, theirs)] == [
        None, "RFC/2026/0001", "RFC/2026/0002", "RFC/2026/0001",
    ]  # fmt: skip
    make_move(session, draft, Outcome.SUBMITTED, cast.lumajang.requester)
    assert (draft.year, draft.serial, draft.submitted_at) == (2026, 3, NOW)
    assert (str(draft), str(new_change(session, cast.lumajang))[0]) == (f"RFC/2026/0003 {draft.title}", "–")


def test_a_year_begins_at_midnight_of_the_office_s_own_zone(session: AuditedSession, cast: Cast) -> None:
    for office, hours in ((cast.lumajang, 17), (cast.tana_tidung, 16)):
        midnight = dt.datetime(2026, 12, 31, hours, 0, tzinfo=dt.UTC)
        for moment in (midnight - dt.timedelta(minutes=1), midnight):
            change = new_change(session, office, now=moment)
            make_move(session, change, Outcome.SUBMITTED, office.requester, now=moment)
        rows = session.execute(
            select(ChangeRequest.year, ChangeRequest.serial).where(ChangeRequest.agency_id == office.agency.id)
        )
        assert sorted(tuple(row) for row in rows) == [(2026, 1), (2027, 1)]


def test_a_submission_that_is_taken_back_leaves_no_gap(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    for _attempt in range(2):
        change = new_change(session, office)
        attach_required(session, change)
        change.advance(Outcome.SUBMITTED, office.requester, now=NOW)
        assert change.number == "RFC/2026/0001"
        session.rollback()
    assert change_at_step(session, office, Step.EVALUATION).number == "RFC/2026/0001"
    assert session.scalars(select(NumberCounter.last)).all() == [1]


class Another(Thread):
    """A concurrent user: a session of their own, and the result of ``doing``."""

    def __init__(self, url: str, doing: Callable[[AuditedSession, Callable[[], None]], object]) -> None:
        super().__init__()
        self.url, self.doing, self.ready = url, doing, Event()
        self.answer: object = None

    def run(self) -> None:
        with open_session(self.url) as session:
            set_test_audit_context(session)
            try:
                self.answer = self.doing(session, self.ready.set)
                session.commit()
            except Exception as error:  # noqa: BLE001 - checked by the test
                self.answer = error

    def meanwhile(self, session: AuditedSession) -> object:
        """Start them, let them run until they wait for ``session``'s transaction, commit it, and wait for them."""
        self.start()
        if not is_sqlite(session):  # they wait for the lock until the commit
            self.ready.wait(60)
        session.commit()
        self.join(60)
        return self.answer


def test_of_two_who_move_a_request_at_once_one_wins_and_the_other_is_refused(
    session: AuditedSession, cast: Cast, database_url: str
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    change_id, other_id = change.id, office.manager2.id
    session.commit()

    def accept(other: AuditedSession, is_ready: Callable[[], None]) -> None:
        seen = load_change(other, change_id)
        assert present(seen).activities  # loaded before the lock is acquired
        is_ready()
        present(seen).advance(
            Outcome.ACCEPTED, other.get_one(User, other_id), now=NOW,
            values=values_for(Step.EVALUATION, Outcome.ACCEPTED),
        )  # fmt: skip

    change.advance(Outcome.REJECTED, office.manager, now=NOW, values=values_for(Step.EVALUATION, Outcome.REJECTED))
    told = Another(database_url, accept).meanwhile(session)
    assert isinstance(told, NoSuchMove)
    session.expire_all()
    assert (change.step, change.activities[-1].outcome) == (Step.CLOSED, Outcome.REJECTED)


def test_what_was_read_before_the_lock_hides_nobody_s_part(
    session: AuditedSession, cast: Cast, database_url: str
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    change_id, other_id = change.id, office.manager.id
    set_test_audit_context(session)
    office.manager.is_head = True
    session.commit()

    def refuse(other: AuditedSession, is_ready: Callable[[], None]) -> tuple[Message | None, object]:
        seen = other.get_one(ChangeRequest, change_id)
        assert [activity.actor_id for activity in seen.activities][1:] == [None] or is_sqlite(other)
        is_ready()
        return seen.reason_cannot_act(other.get_one(User, other_id), NOW), seen.save(
            other.get_one(User, other_id), now=NOW, values={}
        )

    change.advance(Outcome.ACCEPTED, office.manager, now=NOW, values=values_for(Step.EVALUATION, Outcome.ACCEPTED))
    change.advance(Outcome.EMERGENCY, office.manager2, now=NOW, values=values_for(Step.URGENCY, Outcome.EMERGENCY))
    told = Another(database_url, refuse).meanwhile(session)
    assert "evaluated this change" in str(told)


def submitting(url: str, change_id: int, requester_id: int) -> Another:
    def submit(other: AuditedSession, is_ready: Callable[[], None]) -> str | None:
        change = other.get_one(ChangeRequest, change_id)
        person = other.get_one(User, requester_id)
        is_ready()
        change.advance(Outcome.SUBMITTED, person, now=NOW)
        return change.number

    return Another(url, submit)


@pytest.mark.parametrize("is_first_of_the_year", [True, False])
def test_two_submissions_at_once_get_numbers_that_follow_one_another(
    is_first_of_the_year: bool, session: AuditedSession, cast: Cast, database_url: str
) -> None:
    office = cast.lumajang
    if not is_first_of_the_year:
        change_at_step(session, office, Step.EVALUATION)
    changes = [new_change(session, office), new_change(session, office)]
    set_test_audit_context(session)
    for change in changes:
        attach_required(session, change)
    session.commit()
    mine, theirs = changes
    other = submitting(database_url, theirs.id, office.requester.id)
    session.commit()
    mine.advance(Outcome.SUBMITTED, office.requester, now=NOW)
    given = other.meanwhile(session)
    first = 1 if is_first_of_the_year else 2
    assert (mine.number, given) == (f"RFC/2026/{first:04d}", f"RFC/2026/{first + 1:04d}")


def test_many_who_submit_at_once_leave_no_gap(session: AuditedSession, cast: Cast, database_url: str) -> None:
    office = cast.lumajang
    changes = [new_change(session, office) for _ in range(6)]
    set_test_audit_context(session)
    for change in changes:
        attach_required(session, change)
    session.commit()
    crowd = [submitting(database_url, change.id, office.requester.id) for change in changes]
    session.commit()
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert sorted(str(each.answer) for each in crowd) == [f"RFC/2026/{serial:04d}" for serial in range(1, 7)]
    assert numbers(session) == [f"RFC/2026/{serial:04d}" for serial in range(1, 7)]


def test_a_file_that_comes_too_late_for_its_step_is_refused(
    session: AuditedSession, cast: Cast, database_url: str
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    change_id, other_id = change.id, office.manager2.id
    session.commit()

    def add_file(other: AuditedSession, is_ready: Callable[[], None]) -> None:
        activity = other.get_one(ChangeRequest, change_id).activities[1]
        person = other.get_one(User, other_id)
        is_ready()
        attach(other, name="a.txt", media_type="text/plain", content=b"a", by=person, now=NOW, activity=activity)

    change.advance(Outcome.ACCEPTED, office.manager, now=NOW, values=values_for(Step.EVALUATION, Outcome.ACCEPTED))
    assert isinstance(Another(database_url, add_file).meanwhile(session), NoSuchMove)
    session.expire_all()
    assert not change.activities[1].documents


def test_the_same_file_from_two_at_once_is_kept_once(session: AuditedSession, cast: Cast, database_url: str) -> None:
    set_test_audit_context(session)

    def add(other: AuditedSession, is_ready: Callable[[], None]) -> str:
        is_ready()
        return store_content(other, b"isi yang sama").sha256

    mine = store_content(session, b"isi yang sama")
    sha256 = mine.sha256
    assert Another(database_url, add).meanwhile(session) == sha256
    assert session.scalars(select(FileContent.sha256).where(FileContent.sha256 == sha256)).all() == [sha256]


def test_a_draft_that_was_thrown_away_meanwhile_is_not_found(
    session: AuditedSession, cast: Cast, database_url: str
) -> None:
    office = cast.lumajang
    change = new_change(session, office)
    change_id, requester_id = change.id, office.requester.id
    set_test_audit_context(session)
    session.commit()

    def save(other: AuditedSession, is_ready: Callable[[], None]) -> None:
        if is_sqlite(other):  # SQLite has one writer: the draft is gone before they read
            is_ready()
            assert other.get(ChangeRequest, change_id) is None
            raise NotFound(Message("It is gone."))
        seen, person = other.get_one(ChangeRequest, change_id), other.get_one(User, requester_id)
        is_ready()
        seen.save(person, now=NOW, values={"title": "Judul lain"})

    discard_draft(change, office.requester)
    assert isinstance(Another(database_url, save).meanwhile(session), NotFound)
