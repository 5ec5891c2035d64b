"""A request that goes through every step, and a row in every table, for tests of what holds for all of them."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Date, Enum, Integer, LargeBinary, String, func, select
from sqlalchemy.exc import IntegrityError

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Step
from models.base import Base, OpenEnum, UtcDateTime
from models.changes.moves.case_file import open_case
from models.changes.moves.consent import give_consent
from models.changes.moves.drafts import create_draft
from models.changes.steps.activity import Activity
from models.integrity.rows.coverage import CHECKED_OTHERWISE
from models.retention.archive_reference import enter_reference
from models.retention.hold import place_hold
from models.sops.sop import load_revision
from tests.changes.consents.office import EVALUATOR, REQUESTER, open_office, person
from tests.support.cast import (
    NOW,
    OUTCOMES_TO,
    asset,
    change_at_step,
    create_cast,
    delegation,
    freeze,
    make_move,
    make_office,
    move_through,
    new_change,
    set_test_audit_context,
    values_for,
)

if TYPE_CHECKING:
    from sqlalchemy import Column

    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Cast, Office


#: An SOP with steps of its own.
OWN_STEPS = Path(__file__).parents[1] / "changes" / "own_steps" / "files" / "kota-langkah-2025.toml"


def whole_play(session: AuditedSession, cast: Cast) -> None:
    """Write to every table that the procedure has."""
    office = cast.lumajang
    item = asset(session, office)
    granted = delegation(session, office)
    change = new_change(session, office)
    move_through(
        session, office, *OUTCOMES_TO[Step.RETURNED], Outcome.RESUBMITTED, Outcome.ACCEPTED, Outcome.EMERGENCY,
        Outcome.REFUSED, Outcome.ACCEPTED, Outcome.EMERGENCY, Outcome.APPROVED, Outcome.DONE, Outcome.FAILED,
        Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED, Outcome.NO_RELEASE, Outcome.CHANGED, change=change,
    )  # fmt: skip
    rows = [
        {"kind": "altered", "asset_id": item.id, "column": "price", "value": "9.750.000,5"},
        {"kind": "added", "card": "B", "code": "132100102003", "register": "0001", "name": "Notebook", "price": "1"},
    ]
    make_move(session, change, Outcome.UPDATED, office.manager, values={"mutations": rows})
    set_test_audit_context(session)
    granted.withdraw(now=NOW, by=office.head)
    session.commit()


def fill_every_table(session: AuditedSession) -> Cast:
    """Play requests in both offices, and write a row into each table that is still empty; commit."""
    cast = create_cast(session)
    whole_play(session, cast)
    for office in (cast.lumajang, cast.tana_tidung):
        scheduled = change_at_step(session, office, Step.RELEASE)
        change_at_step(session, office, Step.CLOSED)
        freeze(session, office)
        _file_and_hold(session, office, scheduled)
    _play_own_steps(session)
    _play_consents(session)
    for table in Base.metadata.sorted_tables:
        model = _MODELS.get(table.name)
        if model is None or table.name in CHECKED_OTHERWISE or session.scalar(select(func.count()).select_from(table)):
            continue
        for number in (1, 2):
            set_test_audit_context(session)
            with suppress(IntegrityError), session.begin_nested():  # of some there is one at the most
                values = _values(cast).get(table.name, {}) | _open_step(session, table.name)
                session.add(_row(session, model, number, values))
            session.commit()
    return cast


def _play_own_steps(session: AuditedSession) -> None:
    """Play a request in an office whose SOP has steps of its own, twice through two of them; commit."""
    set_test_audit_context(session, "install")
    revision = load_revision(session, OWN_STEPS.read_text(encoding="utf-8"), OWN_STEPS.stem, now=NOW)
    revision.enact(now=NOW, by=None)
    office = make_office(session, revision)
    session.commit()
    actors = {Role.REQUESTER: office.requester, Role.CHANGE_MANAGER: office.manager, Role.HEAD: office.head}
    change = new_change(session, office)
    for outcome in (
        "submitted", "accepted", "approved", "approved", "done", "done", "passed", "reported", "verified", "keberatan",
        "diperbaiki", "keberatan",
    ):  # fmt: skip
        given = {"field-tinjau-pada": NOW.date(), "field-tindakan": "Diperbaiki", "notes": f"Catatan {change.version}"}
        make_move(
            session, change, Outcome(outcome), actors[change.sop.rules[change.step].actor],
            values={"reason": "Belum sesuai"} | given,
        )  # fmt: skip


def _play_consents(session: AuditedSession) -> None:
    """Play a request of an office with appointments in which the requester agrees to the evaluation; commit."""
    set_test_audit_context(session, "install")
    open_office(session)
    requester, evaluator = person(session, REQUESTER), person(session, EVALUATOR)
    set_test_audit_context(session)
    values = values_for(Step.REQUEST, Outcome.SUBMITTED)
    change = create_draft(session, requester, now=NOW, values=values)
    session.commit()
    make_move(session, change, Outcome.SUBMITTED, requester)
    set_test_audit_context(session)
    for agrees in (False, True):
        give_consent(open_case(change, requester, NOW), agrees=agrees, reason=f"Alasan {agrees}")
    session.commit()
    make_move(session, change, Outcome.ACCEPTED, evaluator)
    session.commit()


def _file_and_hold(session: AuditedSession, office: Office, change: ChangeRequest) -> None:
    """Note where a request is filed in the archive, and put it under a hold; commit."""
    number = change.number
    assert number is not None
    set_test_audit_context(session)
    enter_reference(
        session, by=office.manager, now=NOW, number=number, reference_number=f"000.5/{office.agency.id}",
        classification_code="000.5",
    )  # fmt: skip
    place_hold(session, by=office.head, now=NOW, number=number, reason="Pemeriksaan masih berjalan")
    session.commit()


def _open_step(session: AuditedSession, table: str) -> dict[str, Any]:
    """Return the step that a value of an SOP's own field belongs to: one that is not finished."""
    if table != "field_value":
        return {}
    row = Activity.__table__.c
    result = select(row.id, row.agency_id, row.change_id).where(row.finished_at.is_(None)).order_by(row.id).limit(1)
    activity_id, agency_id, change_id = session.execute(result).one()
    return {"activity_id": activity_id, "agency_id": agency_id, "change_id": change_id}


_MODELS = {str(mapper.class_.__tablename__): mapper.class_ for mapper in Base.registry.mappers}


def _values(cast: Cast) -> dict[str, dict[str, Any]]:
    """Return values that a CHECK or a trigger asks for, by table."""
    office, other = cast.lumajang, {"from_id": cast.lumajang.manager.id, "to_id": cast.lumajang.manager2.id}
    return {
        "paper_print": {"change_id": 1},
        "absence": {"agency_id": office.agency.id, "head_id": office.head.id, "recorded_because": "sakit"},
        "handover": {**other, "by_id": office.manager.id},
        "requester_takeover": other,
        "change_item": {"service": "website"},
        "evaluation_item": {"service": "website"},
        "clock_correction": {"former_arrived_at": NOW + dt.timedelta(1)},
        "release_revision": {"window_end_at": NOW + dt.timedelta(1)},
        "ramadan_month": {"last_day": NOW.date() + dt.timedelta(40)},
        "office_day": {"name": "Cuti"},
        "working_hours": {
            column.name: "07.30–12.00"
            for column in _MODELS["working_hours"].__table__.columns
            if isinstance(column.type, String)
        },
    }


#: Of these, two rows have two.
_UNIQUE = ("user_id", "agency_id", "notification_id", "asset_id")


def _row(session: AuditedSession, model: type[Base], number: int, given: dict[str, Any]) -> Base:
    """Return a row of ``model`` with a value of the right type in each column that needs one."""
    values: dict[str, Any] = {}
    table: Any = model.__table__
    for column in table.columns:
        if column.name in given:
            values[column.name] = given[column.name]
        elif not column.nullable and (not column.primary_key or len(table.primary_key.columns) > 1):
            values[column.name] = _value(session, column, number)
    return model(**values)


def _value(session: AuditedSession, column: Column[Any], number: int) -> Any:
    kind: Any = column.type
    for key in column.foreign_keys:
        keys = session.scalars(select(key.column).order_by(key.column).limit(2)).all()
        return keys[number % len(keys)] if column.name in _UNIQUE else keys[0]
    if isinstance(kind, Enum):
        return kind.enums[0] if kind.enum_class is None else next(iter(kind.enum_class))
    if isinstance(kind, OpenEnum):
        return next(iter(kind.enum_class))
    if isinstance(kind, Date):
        return NOW.date() + dt.timedelta(number)
    if isinstance(kind, Integer) and not isinstance(kind, Boolean):
        return number
    otherwise: Any = {} if kind.python_type is dict else f"isi {number}"
    return next((value for of, value in _FITTING if isinstance(kind, of)), otherwise)


#: Values of a type.
_FITTING: tuple[tuple[type[Any], Any], ...] = (
    (Boolean, False), (UtcDateTime, NOW), (LargeBinary, b"x"),
)  # fmt: skip
