"""The demo: a cast, and a register of requests as it might stand at two LPSEs after three years.

Nothing here runs in production. The register ends at ``REFERENCE``, whatever day it is, so that the same number of
requests and the same seed give the same register on every machine; only where the clock stands before that day does
the register end with the clock, since nothing in it may lie in the future.
"""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from demo.bulk import Ledger
from demo.cast import ADMINISTRATOR, CAST, PASSWORD, Account, accounts, make_cast
from demo.hours import OfficeHours
from demo.inventory import Inventory
from demo.letters import Shelf, letters_of, unasked
from demo.office import Counters, Office, papers_with_requesters, planned_releases, players
from demo.register import Register
from demo.routes import Routes
from lpse_admin.sop import bundled_sops
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.delegation.delegation import Delegation
from models.office.calendars import load_calendar
from models.sops.sop import SopRevision, SopState, load_revision, sop_in_force
from models.worktime import step_durations

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = [
    "ADMINISTRATOR", "CAST", "PASSWORD", "REFERENCE", "Account", "accounts", "first_start", "make_cast",
    "make_register",
]  # fmt: skip

#: The moment at which every demo register ends.
REFERENCE = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)

_YEARS = 3
_FIRST_REQUESTS, _FIRST_SEED = 60, 6
#: Days before the end on which the last delegation is over.
_LAST_DELEGATION_OVER = 35


def first_start(session: Session, now: dt.datetime, requests: int = _FIRST_REQUESTS) -> list[Account]:
    """See to it that there is something to look at, and return the accounts that were made for it (none: all is there).

    Loads and enacts the papers that come with the program where an agency has none in force and, in a database
    without users, makes the cast and a register of ``requests``. Commits. ``now`` is the clock.
    """
    begin = _begin(_end(now))
    set_audit_context(session, AuditContext(begin, None, "flask demo", "demo.start"))
    revisions = [load_revision(session, text, key, now=begin) for key, text in bundled_sops()]
    made = [] if session.scalar(select(func.count()).select_from(User)) else make_cast(session, begin)
    for revision in revisions:
        if revision.state is SopState.DRAFT and sop_in_force(session, revision.agency_id) is None:
            revision.enact(now=begin, by=_head_of(session, revision))
    session.commit()
    if made and requests:
        make_register(session, requests=requests, seed=_FIRST_SEED, now=now)
    return made


def make_register(session: Session, *, requests: int, seed: int = 1, now: dt.datetime | None = None) -> int:
    """Add ``requests`` to the register, evenly over the agencies, commit, and return how many there are now.

    From an empty database the same ``requests`` and ``seed`` give the same rows in every table. On top of others the
    numbers, ids and chains go on from where they stand. ``now`` is the clock, if it may stand before ``REFERENCE``.
    """
    end = _end(now)
    first_start(session, end, requests=0)
    ledger = Ledger(session.connection())
    shelf = Shelf(ledger)
    offices = [_office(session, ledger, shelf, revision, seed, end) for revision in papers_with_requesters(session)]
    register = Register(ledger, offices, seed)
    for place, office in enumerate(offices):
        register.enter_assets(office)
        register.plan(office, requests // len(offices) + (place < requests % len(offices)))
    register.run()
    ledger.close()
    for office in offices:
        step_durations.recompute_stale(session, office.agency, end, everything=True)
    session.commit()
    return ledger.last_id("change_request")


def _end(now: dt.datetime | None) -> dt.datetime:
    return REFERENCE if now is None else min(now, REFERENCE)


def _begin(end: dt.datetime) -> dt.datetime:
    return end - dt.timedelta(days=_YEARS * 365 + 1)


def _head_of(session: Session, revision: SopRevision) -> User | None:
    """Return the head who puts a paper in force; None stands for the terminal."""
    return session.scalars(
        select(User).where(User.agency_id == revision.agency_id, User.is_head).order_by(User.id)
    ).first()


def _office(
    session: Session, ledger: Ledger, shelf: Shelf, revision: SopRevision, seed: int, end: dt.datetime
) -> Office:
    agency, paper = revision.agency, revision.sop
    begin = agency.local_date(_begin(end)) + dt.timedelta(1)
    last = agency.local_date(end)
    calendar = load_calendar(session, agency)
    hours = OfficeHours(calendar, begin, last + dt.timedelta(60))
    # Another register on top of this one is another one, even under the same seed.
    random = Random(f"{seed}:{agency.key}:{ledger.last_id('change_request')}")  # noqa: S311 - nothing secret here
    office = Office(
        agency=agency,
        sop_id=revision.id,
        paper=paper,
        calendar=calendar,
        hours=hours,
        end=hours.until(end),
        random=random,
        people=players(session, agency),
        inventory=Inventory(ledger, agency.id, random),
        letters=letters_of(paper, agency.name),
        extras=unasked(paper),
        shelf=shelf,
        counters=Counters(ledger, agency.id),
        routes=Routes(paper),
        delegations=list(
            session.scalars(select(Delegation).where(Delegation.agency_id == agency.id).order_by(Delegation.id))
        ),
        planned=[],
        releases=planned_releases(session, agency),
    )
    if not office.delegations:
        office.planned = office.plan_delegations(begin, last - dt.timedelta(_LAST_DELEGATION_OVER))
    return office
