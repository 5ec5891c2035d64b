"""The demo register: made with the program's operations; further requests are copies of those.

Not used in production. The register of `flask demo` ends at ``REFERENCE``, so that the same number of requests and the
same seed give the same register on every machine. If the clock is before ``REFERENCE``, it ends now, because nothing in
it may be in the future. The small one of the first start ends now, so that it looks as a register does on a usual day.
"""

from __future__ import annotations

import datetime as dt
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from demo.agency.office import Office, office_of, sops_with_requesters
from demo.agency.office_life import OfficeLife
from demo.agency.people import People
from demo.cast import Account, accounts, administrator_of, make_cast
from demo.copying import copy_requests
from demo.scenario import Scenario, Timeline
from lpse_admin.accounts.inspection import InspectionDates
from lpse_admin.sop import bundled_sops, parse
from lpse_admin.worktime.national_holidays import LAST_YEAR
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.changes.change import ChangeRequest
from models.sops.sop import SopRevision, SopState, find_or_create_agency, load_revision, sop_in_force

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: The end of every demo register.
REFERENCE = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)

_YEARS = 3
#: Days after the end whose working hours an office plans with.
_LOOKS_AHEAD = 60
_FIRST_REQUESTS, _FIRST_SEED = 60, 6
#: Up to so many requests are all made with the program's operations; of more, so many are, and the others copied.
_MOST_MADE, _TEMPLATES = 200, 120
#: The last delegation ends this many days before the end.
_LAST_DELEGATION_OVER = 35


def first_start(session: Session, now: dt.datetime, requests: int = _FIRST_REQUESTS) -> list[Account]:
    """Fill an empty database for the demo, commit, and return the new accounts.

    Loads the bundled SOPs and enacts those of agencies without an SOP in force. In a database without users, creates
    the cast and a register of ``requests`` that ends ``now``, as on a usual day: most of what is open is in time.
    """
    end = _latest_end(now)
    begin = _begin(end)
    set_audit_context(session, AuditContext(begin, None, "flask demo", "demo.start"))
    _create_agencies(session)
    revisions = [load_revision(session, text, key, now=begin) for key, text in bundled_sops()]
    created = (
        []
        if session.scalar(select(func.count()).select_from(User))
        else make_cast(session, begin, _inspection(begin, end))
    )
    for revision in revisions:
        if revision.state is SopState.DRAFT and sop_in_force(session, revision.agency_id) is None:
            revision.enact(now=begin, by=_head_of(session, revision))
    session.commit()
    # Also where an earlier first start was ended after the cast, and before the first request.
    if requests and not _count(session) and accounts(session):
        _fill(session, requests, _FIRST_SEED, end)
    return created


def _create_agencies(session: Session) -> None:
    """Create the missing agencies of the bundled SOPs, with keys that are always the same: the trail tells of them."""
    for key, text in bundled_sops():
        sop = parse(text, key)
        find_or_create_agency(session, sop, paper_key=sha256(sop.agency.key.encode()).hexdigest())


def make_register(
    session: Session, *, requests: int, seed: int = 1, now: dt.datetime | None = None, most_made: int = _MOST_MADE
) -> int:
    """Add ``requests`` to the register, evenly over the agencies, commit, and return the new total.

    In an empty database the same ``requests`` and ``seed`` give the same rows in every table. In others the numbers,
    ids and audit chains are continued. ``now`` is the current time, if it may be before ``REFERENCE``. If there are
    more than ``most_made``, most of them are copies.
    """
    end = _end(now)
    first_start(session, end, requests=0)
    return _fill(session, requests, seed, end, most_made)


def _fill(session: Session, requests: int, seed: int, end: dt.datetime, most_made: int = _MOST_MADE) -> int:
    """Add ``requests`` that end at ``end``, commit, and return the new total."""
    existing, last_id = _count(session), session.scalar(select(func.max(ChangeRequest.id))) or 0
    offices = [
        # With the number of requests, so that a second register with the same seed differs from the first.
        office_of(session, revision, _begin(end), end, Random(f"{seed}:{revision.agency.key}:{existing}"))  # noqa: S311
        for revision in sops_with_requesters(session)
    ]
    count = requests if requests <= most_made else min(most_made, _TEMPLATES)
    _make(session, offices, count, f"demo-{seed}")
    if requests > count and offices:
        copy_requests(session, offices, requests - count, after=last_id)
    return _count(session)


def _make(session: Session, offices: list[Office], requests: int, mark: str) -> None:
    """Make ``requests`` at ``offices`` with the program's operations."""
    timeline, people = Timeline(), People(session, mark)
    life, scenario = OfficeLife(timeline, people), Scenario(timeline, people)
    administrator = administrator_of(session)
    for index, office in enumerate(offices):
        if not office.deputies:
            last = office.hours.day(office.end - 1) - dt.timedelta(_LAST_DELEGATION_OVER)
            office.plan_deputies(office.hours.day(0), last)
        life.plan(office, administrator)
        scenario.plan(office, requests // len(offices) + (index < requests % len(offices)))
    timeline.run()


def _count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ChangeRequest)) or 0


def _end(now: dt.datetime | None) -> dt.datetime:
    return REFERENCE if now is None else min(now, REFERENCE)


def _latest_end(now: dt.datetime) -> dt.datetime:
    """Return ``now``, or ``REFERENCE`` where the national holidays of the time around it are not known."""
    return now if (now + dt.timedelta(_LOOKS_AHEAD)).year <= LAST_YEAR else min(now, REFERENCE)


def _begin(end: dt.datetime) -> dt.datetime:
    return end - dt.timedelta(days=_YEARS * 365 + 1)


def _inspection(begin: dt.datetime, end: dt.datetime) -> InspectionDates:
    """Return the days of the inspection: from the first year of the register to the end of the year after its last."""
    return InspectionDates(dt.date(begin.year, 1, 1), dt.date(end.year + 1, 12, 31))


def _head_of(session: Session, revision: SopRevision) -> User | None:
    """Return the head who enacts an SOP; None for the terminal."""
    return session.scalars(
        select(User).where(User.agency_id == revision.agency_id, User.is_head).order_by(User.id)
    ).first()
