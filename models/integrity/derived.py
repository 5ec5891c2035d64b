"""What is not in the trail and follows from other rows: histories, summaries, durations, index; and the triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.errors import Refused
from lpse_admin.i18n import _
from models.changes.change import ChangeRequest
from models.changes.history import verify_histories
from models.changes.steps import durations as step_durations
from models.integrity.findings import Finding, FindingKind
from models.office.agency import Agency
from models.reports import totals
from models.search import index
from models.triggers import changed_triggers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

#: What reading raises where something stands that no program has written.
_UNREADABLE = (Refused, LookupError, ValueError, TypeError)

#: Of one table that is out of step as a whole, so many rows are named.
_MOST_OF_ONE = 200


def verify_schema(session: Session) -> Iterator[Finding]:
    """Yield the triggers that are missing, switched off, altered, or not of this program."""
    for name, error in changed_triggers(session.connection()):
        yield Finding(FindingKind.SCHEMA, error, table="trigger", row=name)


def verify_history(session: Session) -> Iterator[Finding]:
    """Yield the requests whose history their SOP does not allow, or does not lead to where they are."""
    discrepancies = verify_histories(session)
    while True:
        try:
            result = next(discrepancies)
        except StopIteration:
            return
        except _UNREADABLE as error:
            reason = _("the histories cannot be read further: %(reason)s", reason=str(error))
            yield Finding(FindingKind.HISTORY, reason, table="change_request")
            return
        agency_id = None
        if result.change_id is not None:
            of = select(ChangeRequest.agency_id).where(ChangeRequest.id == result.change_id)
            agency_id = session.scalar(of)
        yield Finding(
            FindingKind.HISTORY,
            result.message,
            chain=agency_id,
            table="change_request",
            row=None if result.change_id is None else str(result.change_id),
            change_id=result.change_id,
            change_number=result.number,
        )


def verify_derived(session: Session) -> Iterator[Finding]:
    """Yield the summaries, durations and records of the search index that are not what they are made of."""
    connection = session.connection()
    yield from _first(
        Finding(
            FindingKind.DERIVED,
            _("the summary and the register differ: %(row)s", row=", ".join(map(str, row))),
            table=table,
        )
        for table, row in totals.differences(connection)
    )
    yield from _first(
        Finding(
            FindingKind.DERIVED,
            _("the search index says something else than the record"),
            table="search_record",
            row=f"{kind.name.lower()} {id_}",
        )
        for kind, id_ in index.stale_records(connection)
    )
    for agency in session.scalars(select(Agency).order_by(Agency.id)):
        yield from _first(_durations(session, agency))


def _durations(session: Session, agency: Agency) -> Iterator[Finding]:
    try:
        for table, key in step_durations.differences(session, agency):
            error = _("the stored duration is not what the calendar gives")
            yield Finding(FindingKind.DERIVED, error, chain=agency.id, table=table, row=key)
    except _UNREADABLE as refusal:
        error = _("the durations of this office cannot be counted: %(reason)s", reason=str(refusal))
        yield Finding(FindingKind.DERIVED, error, chain=agency.id, table="step_time")


def _first(findings: Iterator[Finding]) -> Iterator[Finding]:
    for number, finding in enumerate(findings):
        if number == _MOST_OF_ONE:
            return
        yield finding
