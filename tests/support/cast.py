"""The fixed users of every test, and functions that bring a request to a step through transitions.

Uses no browser. ``create_cast`` fills a database that has only the schema; ``change_at_step`` brings a new request to
a step; ``make_move`` makes one complete move; ``values_for`` returns the values of its form.
"""

from __future__ import annotations

import datetime as dt
import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from lpse_admin.accounts.roles import Role
from lpse_admin.inventory.cards import Card
from lpse_admin.sop import ItemKind, bundled_sops
from lpse_admin.sop.steps import NEEDS_REASON, Outcome, Step
from lpse_admin.workflow.deviations import DetectedDeviation, DeviationKind, Disposal, LatenessBasis
from lpse_admin.workflow.record_fields import ChangeKind, ChangeSource, EmergencyGround, Environment, Risk
from lpse_admin.workflow.transitions import required_items
from lpse_admin.worktime.office_hours import DEFAULT_HOURS, RAMADAN_HOURS
from lpse_admin.worktime.working_calendar import DayOverrideKind
from models.accounts.user import User
from models.audit import trail
from models.changes.moves import transition
from models.changes.moves.case_file import open_case
from models.changes.moves.drafts import create_draft
from models.changes.steps.undisposed import undisposed
from models.delegation.absence import Absence, record_absence
from models.delegation.delegation import Delegation, DelegationKind
from models.delegation.grant import grant_delegation
from models.deviations.deviation import DISPOSALS, Deviation, raise_deviations
from models.documents.document import attach
from models.inventory.asset import Asset
from models.inventory.mutation import parse_new_asset, set_values
from models.office.office_day import OfficeDay, set_day
from models.office.setting import set_warning_share
from models.office.working_hours import RAMADAN_WEEK, WEEK, RamadanMonth, WorkingHours, set_hours, set_ramadan
from models.releases.freeze import Freeze, FreezeValues, create_freeze
from models.sops import sop

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from models.changes.change import ChangeRequest
    from models.changes.steps.activity import Activity
    from models.office.agency import Agency
    from tests.conftest import NewDatabase

#: A Monday, 09.00 in Lumajang and 10.00 in Tana Tidung.
NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)

PASSWORD = "lpse-demo-2026"

LUMAJANG, TANA_TIDUNG = "lumajang-2018", "tana-tidung-2017"

_PDF = b"%PDF-1.4\n%%EOF\n"


class AuditedSession(Session):
    """A session with the audit trail's listeners, as in the app."""


trail.install_listeners(AuditedSession)


@dataclass(frozen=True, slots=True)
class Office:
    """One agency with a user for each role, a second requester and manager, and a delegate without other roles."""

    sop_revision: sop.SopRevision
    requester: User
    requester2: User
    manager: User
    manager2: User
    head: User
    delegate: User
    inspector: User
    administrator: User

    @property
    def agency(self) -> Agency:
        """The agency of the users."""
        return self.sop_revision.agency

    @property
    def people(self) -> tuple[User, ...]:
        """All users."""
        return (
            self.requester, self.requester2, self.manager, self.manager2, self.head, self.delegate, self.inspector,
            self.administrator,
        )  # fmt: skip

    def actor(self, step: Step) -> User:
        """Return the actor of a step of the requester's request."""
        role = self.sop_revision.sop.rules[step].actor
        return {Role.REQUESTER: self.requester, Role.CHANGE_MANAGER: self.manager, Role.HEAD: self.head}[role]


@dataclass(frozen=True, slots=True)
class Cast:
    """Two offices, and the superadmin, who belongs to neither."""

    lumajang: Office
    tana_tidung: Office
    superadmin: User

    def office(self, key: str) -> Office:
        """Return the office of the SOP ``key``."""
        return {LUMAJANG: self.lumajang, TANA_TIDUNG: self.tana_tidung}[key]


@contextmanager
def open_session(url: str) -> Iterator[AuditedSession]:
    """Open an audited session on the database at ``url``, and close its connections afterwards."""
    engine = create_engine(url)
    try:
        with AuditedSession(engine) as session:
            yield session
    finally:
        engine.dispose()


def set_test_audit_context(
    session: Session, action: str = "test", *, now: dt.datetime = NOW, **circumstances: Any
) -> None:
    """Set the audit context of the next commit; the actor is "tests" unless ``circumstances`` name another."""
    context = {"actor_id": None, "actor_name": "tests", **circumstances}
    trail.set_audit_context(session, trail.AuditContext(at=now, action=action, **context))


def create_cast(session: Session) -> Cast:
    """Load and enact both SOPs, create all users, and commit."""
    set_test_audit_context(session, "install")
    revisions = {}
    for key, text in bundled_sops():
        revisions[key] = sop.load_revision(session, text, key, now=NOW)
        revisions[key].enact(now=NOW, by=None)
    cast = Cast(
        make_office(session, revisions[LUMAJANG]),
        make_office(session, revisions[TANA_TIDUNG]),
        user(session, None, "admin", Role.ADMINISTRATOR),
    )
    session.commit()
    return cast


def make_office(session: Session, revision: sop.SopRevision) -> Office:
    """Create the people of the office of an SOP."""
    suffix = revision.sop.agency.account_suffix

    def make(name: str, *roles: Role) -> User:
        return user(session, revision.agency, name + suffix, *roles)

    return Office(
        sop_revision=revision,
        requester=make("pemohon", Role.REQUESTER),
        requester2=make("pemohon2", Role.REQUESTER),
        manager=make("pengelola", Role.CHANGE_MANAGER),
        manager2=make("pengelola2", Role.CHANGE_MANAGER),
        head=make("kepala", Role.HEAD),
        delegate=make("plh", Role.REQUESTER),
        inspector=make("pemeriksa", Role.INSPECTOR),
        administrator=make("administrator", Role.ADMINISTRATOR),
    )


def user(session: Session, agency: Agency | None, username: str, *roles: Role) -> User:
    """Create a user with ``roles`` and the password PASSWORD."""
    created = User(agency=agency, username=username, full_name=username.capitalize(), password_hash=_password_hash())
    created.roles = frozenset(roles)
    session.add(created)
    session.flush()
    return created


@cache
def _password_hash() -> str:
    somebody = User()
    somebody.set_password(PASSWORD)
    return somebody.password_hash


def asset(session: Session, office: Office, register: str = "0001", **columns: object) -> Asset:
    """Create a laptop on card B, and commit."""
    raw = {"code": "1.3.2.10.01.02.002", "name": "Laptop", "condition": "good", "price": "12500000", **columns}
    created = Asset(
        agency_id=office.agency.id, card=Card.B, details={}, is_retired=False, entered_at=NOW,
        entered_by_id=office.manager.id,
    )  # fmt: skip
    set_values(created, parse_new_asset(Card.B, {**raw, "register": register}))
    session.add(created)
    set_test_audit_context(session, "asset.enter")
    session.commit()
    return created


def official(session: Session, person: User) -> User:
    """Make somebody who is only a requester an official of the LPSE, who can act for the head."""
    if person.roles == {Role.REQUESTER}:
        set_test_audit_context(session, "user.edit")
        person.is_change_manager = True
        session.flush()
    return person


def delegation(
    session: Session, office: Office, delegate: User | None = None, *, days: int = 1, reason: str | None = None
) -> Delegation:
    """Create a delegation by the head from today for ``days``, and commit."""
    today = NOW.astimezone(office.agency.zone).date()
    numbers = session.scalars(select(Delegation.decree_number).where(Delegation.agency_id == office.agency.id)).all()
    number = f"800/12-{len(numbers)}/2026" if "800/12/2026" in numbers else "800/12/2026"
    created = grant_delegation(
        session, head=office.head, delegate=official(session, delegate or office.delegate), kind=DelegationKind.PLH,
        decree_number=number, from_date=today, until_date=today + dt.timedelta(days=days - 1),
        by=office.head, now=NOW, reason=reason,
    )  # fmt: skip
    set_test_audit_context(session, "delegation.grant")
    session.commit()
    return created


def settings(
    session: Session, office: Office, mark: str = "Libur daerah"
) -> tuple[OfficeDay, WorkingHours, RamadanMonth]:
    """Create one setting of each kind for a later year, by the office's administrator, and commit."""
    set_test_audit_context(session, "setting.hours")
    told: dict[str, Any] = {"by": office.administrator, "now": NOW, "reason": mark}
    week = dict(zip((*WEEK, *RAMADAN_WEEK), (*DEFAULT_HOURS.texts, *RAMADAN_HOURS.texts), strict=True))
    created = (
        set_day(session, office.agency, date=dt.date(2028, 5, 2), kind=DayOverrideKind.HOLIDAY, name=mark, **told),
        set_hours(session, office.agency, dt.date(2028, 1, 3), week, **told),
        set_ramadan(session, office.agency, dt.date(2028, 1, 29), dt.date(2028, 2, 26), **told),
    )
    set_warning_share(session, office.agency, 75, **told)
    session.commit()
    return created


def absence(session: Session, office: Office, *, days: int | None = None, reason: str = "Dinas luar") -> Absence:
    """Record an absence of the head from today for ``days`` (None: until it is ended), and commit."""
    today = NOW.astimezone(office.agency.zone).date()
    last = None if days is None else today + dt.timedelta(days=days - 1)
    created = record_absence(
        session, head=office.head, from_date=today, until_date=last, reason=reason, by=office.head, now=NOW
    )
    set_test_audit_context(session, "absence.record")
    session.commit()
    return created


def freeze(
    session: Session,
    office: Office,
    *,
    first: float = 30,
    last: float = 31,
    environment: Environment | None = None,
    name: str = "Penutupan tender",
    reason: str = "Masa pemasukan penawaran",
) -> Freeze:
    """Create a freeze from ``first`` to ``last`` days after NOW, by the administrator, and commit."""
    entry = FreezeValues(name, NOW + dt.timedelta(days=first), NOW + dt.timedelta(days=last), environment, reason)
    set_test_audit_context(session, "freeze.enter")
    created = create_freeze(session, office.agency, entry, by=office.administrator, now=NOW)
    session.commit()
    return created


def deviation(
    session: Session, office: Office, account: str = "Antrean panjang", *, requester: User | None = None
) -> Deviation:
    """Create an explained deviation: reject a request after its due time under either SOP, and commit."""
    change = new_change(session, office, requester=requester)
    make_move(session, change, Outcome.SUBMITTED, change.requester)
    assert change.current_activity is not None
    late = DetectedDeviation(
        DeviationKind.TIME, LatenessBasis.ARRIVAL, standard="2 jam", allowed_minutes=120, measured_minutes=150
    )
    set_test_audit_context(session)
    (raised,) = raise_deviations(change, change.current_activity, [late], now=NOW)
    make_move(session, change, Outcome.REJECTED, office.manager, values={"account-time": account})
    return raised


def values_for(step: Step, outcome: Outcome) -> dict[str, Any]:
    """Return valid values for the form of ``step`` and ``outcome``."""
    values = dict(_VALUES.get(step.kind, {}))
    if step.kind is Step.RELEASE and outcome is Outcome.NO_RELEASE:
        values = {}
    if outcome is Outcome.UPDATED:
        values["mutations"] = [
            {"kind": "added", "card": "B", "code": "1.3.2.10.01.02.003", "register": f"{next(_registers):04d}",
             "name": "Notebook"}
        ]  # fmt: skip
    if outcome is Outcome.CHANGED:
        values["assets"] = [{"asset_id": None, "finding": "Laptop baru belum tercatat"}]
    if outcome is Outcome.EMERGENCY:
        values["ground"] = EmergencyGround.SECURITY
    if outcome in NEEDS_REASON:
        values["reason"] = "Sebab yang diberitahukan kepada pemohon"
    return values


def new_change(
    session: Session, office: Office, *, requester: User | None = None, now: dt.datetime = NOW
) -> ChangeRequest:
    """Create a draft that is complete except for the documents that the SOP requires, and commit."""
    set_test_audit_context(session, "change.draft", now=now)
    values = values_for(Step.REQUEST, Outcome.SUBMITTED)
    change = create_draft(session, requester or office.requester, now=now, values=values)
    session.commit()
    return change


def attach_required(session: Session, change: ChangeRequest, *, now: dt.datetime = NOW) -> list[str]:
    """Attach the missing documents of the open step, and return the keys of its equipment."""
    activity = change.current_activity
    assert activity is not None
    items = required_items(change.sop.rules[change.step], change.position)
    there = {document.item_key for document in change.documents}
    for item in items:
        if item.kind is ItemKind.DOCUMENT and item.key not in there:
            attach(
                session, name=f"{item.key}.pdf", media_type="application/pdf", content=_PDF, by=change.requester,
                now=now, item_key=item.key, activity=activity,
            )  # fmt: skip
    return [item.key for item in items if item.kind is ItemKind.EQUIPMENT]


def make_move(
    session: Session,
    change: ChangeRequest,
    outcome: Outcome,
    actor: User,
    *,
    now: dt.datetime = NOW,
    values: Mapping[str, object] | None = None,
    confirmed: Collection[str] = (),
) -> Activity:
    """Make one complete move and commit it; ``values`` override the default ones. Rolls back if it is refused.

    ``confirmed`` are the field keys of questions that are answered with "it is so".
    """
    set_test_audit_context(session, f"change.{outcome}", now=now, actor_id=actor.id, actor_name=actor.full_name)
    try:
        equipment = [] if change.step is Step.CLOSED else attach_required(session, change, now=now)
        given = {**values_for(change.step, outcome), **explanations(change), **(values or {})}
        case = open_case(change, actor, now)
        finished = transition.advance(case, outcome, transition.Given(given, equipment, confirmed=confirmed))
        trail.update_audit_context(session, capacity=finished.capacity, reason=finished.reason)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    return finished


def explanations(change: ChangeRequest) -> dict[str, Any]:
    """Return the explanation of a possible delay, and the head's disposals of the waiting deviations."""
    accepted = {str(one.id): {"disposal": Disposal.ACCEPTED} for one in undisposed(change)}
    return {"account-time": "Antrean panjang", DISPOSALS: accepted}


#: The shortest path from a draft to each step, as outcomes.
OUTCOMES_TO: dict[Step, tuple[Outcome, ...]] = {Step.REQUEST: (), Step.EVALUATION: (Outcome.SUBMITTED,)}
OUTCOMES_TO[Step.RETURNED] = (*OUTCOMES_TO[Step.EVALUATION], Outcome.RETURNED)
OUTCOMES_TO[Step.URGENCY] = (*OUTCOMES_TO[Step.EVALUATION], Outcome.ACCEPTED)
OUTCOMES_TO[Step.APPROVAL] = (*OUTCOMES_TO[Step.URGENCY], Outcome.EMERGENCY)
OUTCOMES_TO[Step.IMPLEMENTATION] = (*OUTCOMES_TO[Step.URGENCY], Outcome.NORMAL)
OUTCOMES_TO[Step.TEST] = (*OUTCOMES_TO[Step.IMPLEMENTATION], Outcome.DONE)
OUTCOMES_TO[Step.ROLLBACK] = (*OUTCOMES_TO[Step.TEST], Outcome.FAILED)
OUTCOMES_TO[Step.REPORT] = (*OUTCOMES_TO[Step.TEST], Outcome.PASSED)
OUTCOMES_TO[Step.VERIFICATION] = (*OUTCOMES_TO[Step.REPORT], Outcome.REPORTED)
OUTCOMES_TO[Step.RELEASE] = (*OUTCOMES_TO[Step.VERIFICATION], Outcome.VERIFIED)
OUTCOMES_TO[Step.ASSET_REVIEW] = (*OUTCOMES_TO[Step.RELEASE], Outcome.SCHEDULED)
OUTCOMES_TO[Step.ASSET_UPDATE] = (*OUTCOMES_TO[Step.ASSET_REVIEW], Outcome.CHANGED)
OUTCOMES_TO[Step.CLOSED] = (*OUTCOMES_TO[Step.ASSET_REVIEW], Outcome.UNCHANGED)


def move_through(
    session: Session, office: Office, *outcomes: Outcome, change: ChangeRequest | None = None
) -> ChangeRequest:
    """Move a new request (or ``change``) through ``outcomes``, each by the actor of its step."""
    change = change or new_change(session, office)
    for outcome in outcomes:
        make_move(session, change, outcome, office.actor(change.step))
    return change


def change_at_step(session: Session, office: Office, step: Step) -> ChangeRequest:
    """Return a new request at ``step``."""
    return move_through(session, office, *OUTCOMES_TO[step])


_REQUEST = {
    "title": "Pembaruan sertifikat TLS aplikasi SPSE",
    "kind": (ChangeKind.APPLICATION,),
    "source": ChangeSource.USER,
    "description": "Sertifikat lama berakhir minggu depan",
    "purpose": "Layanan tetap dapat diakses dengan aman",
    "impact": "Seluruh penyedia, sekitar sepuluh menit",
    "risk_if_not_done": "Layanan tidak dapat diakses",
    "test_plan": "Masuk sebagai penyedia uji",
    "rollback_plan": "Memasang kembali sertifikat lama",
    "requester_name": "Pemohon 1",
    "requester_contact": "pemohon@lpse.example",
    "requester_institution": "Dinas Pekerjaan Umum",
}
_VALUES: dict[Step, dict[str, Any]] = {
    Step.REQUEST: _REQUEST,
    Step.EVALUATION: {
        "findings": "Berkas lengkap",
        "resources": "Satu pengelola, satu jam",
        "risk": Risk.LOW,
        "answer_to_refusal": "Rencana roll back telah dilengkapi",
    },
    Step.URGENCY: {"assessment": "Batas waktunya minggu depan"},
    Step.APPROVAL: {"considerations": "Rencana roll back memadai"},
    Step.IMPLEMENTATION: {
        "environment": Environment.PRODUCTION,
        "steps_taken": "Sertifikat baru dipasang",
        "participants": "Pengelola 1",
    },
    Step.TEST: {
        "cases": [{"name": "Masuk", "expected": "Berhasil", "actual": "Berhasil"}],
        "documentation": "Tangkapan layar tersimpan",
    },
    Step.ROLLBACK: {
        "cause": "Rantai sertifikat tidak lengkap",
        "steps_taken": "Sertifikat lama dipasang kembali",
        "state_restored": "Seperti sebelum perubahan",
        "verified_how": "Masuk sebagai penyedia uji",
    },
    Step.REPORT: {"summary": "Perubahan dilaksanakan sesuai rencana"},
    Step.VERIFICATION: {"notes": "Laporan sesuai dengan dokumentasi"},
    Step.RELEASE: {
        "version": "4.5.20260302",
        "window_start_at": NOW + dt.timedelta(days=2),
        "window_end_at": NOW + dt.timedelta(days=2, hours=1),
        "environment": Environment.PRODUCTION,
        "overlap_reason": "Kedua rilis dikerjakan bersama",
        "downtime_minutes": 10,
        "audience": "Seluruh penyedia",
        "person_in_charge": "Pengelola 1",
    },
    Step.ASSET_REVIEW: {"assessment": "Daftar aset dibandingkan dengan keadaan"},
}

#: Unused register numbers.
_registers = itertools.count(1000)


@pytest.fixture
def session(database_url: str) -> Iterator[AuditedSession]:
    """Yield an audited session on the test's own database, once for each dialect."""
    with open_session(database_url) as opened:
        yield opened


@pytest.fixture
def cast(session: AuditedSession) -> Cast:
    """Return the cast in the test's own database."""
    return create_cast(session)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def shared(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[tuple[AuditedSession, Cast]]:
    """Return session and cast on one database for all tests of a module."""
    with new_database(request.param) as url, open_session(url) as opened:
        yield opened, create_cast(opened)
