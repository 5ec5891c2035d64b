"""A run of the self-check: the rules are applied to an office, and what is found is kept until it is found no more."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lpse_admin.i18n import _
from lpse_admin.self_check.rules import RULES, RuleKey, Severity
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH
from models.self_check.finding import SelfCheckFinding
from models.self_check.queries import QUERIES, Found, Register

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from models.office.agency import Agency

#: How often the server checks an office.
INTERVAL = dt.timedelta(hours=6)

_CHECKED = AuditAction("self-check.run", _("Ran the self-check"))


def run_self_check(session: Session, agency: Agency, now: dt.datetime) -> list[SelfCheckFinding]:
    """Check the register of ``agency`` and return its open findings; the caller sets the audit context and commits.

    What was found before keeps its first day. What is not found any more is cleared.
    """
    open_findings = select(SelfCheckFinding).where(SelfCheckFinding.agency_id == agency.id, SelfCheckFinding.is_open)
    known: dict[tuple[RuleKey, int], SelfCheckFinding] = {
        (finding.rule, finding.record_id): finding for finding in session.scalars(open_findings)
    }
    register = Register(session, agency, now)
    results = [
        known[key, one.record_id] if (key, one.record_id) in known else _new_finding(register, key, one)
        for key, query in QUERIES.items()
        for one in query(register)
    ]
    for gone in set(known.values()).difference(results):
        gone.cleared_at = now
    session.add_all(results)
    _CHECKED.describe(session)
    session.flush()
    return sorted(results, key=lambda finding: (list(Severity).index(finding.severity), finding.id))


def _new_finding(register: Register, key: RuleKey, one: Found) -> SelfCheckFinding:
    rule = RULES[key]
    return SelfCheckFinding(
        agency_id=register.agency_id,
        rule=rule.key,
        severity=rule.severity,
        record_id=one.record_id,
        record_name=one.name[:SHORT_TEXT_LENGTH],
        fact=one.fact[:SHORT_TEXT_LENGTH] if one.fact else None,
        since=one.since,
        found_at=register.now,
    )


def open_counts(session: Session, is_visible: ColumnElement[bool]) -> Mapping[Severity, int]:
    """Return how many findings are open, by severity, of those that ``is_visible`` lets through."""
    counts = (
        select(SelfCheckFinding.severity, func.count())
        .where(is_visible, SelfCheckFinding.is_open)
        .group_by(SelfCheckFinding.severity)
    )
    return dict(session.execute(counts).all())
