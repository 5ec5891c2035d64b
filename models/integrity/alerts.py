"""What is told of a verification that found something: to heads and administrators, at most once an hour of a kind."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from lpse_admin.i18n import _, join_messages
from lpse_admin.notifications.events import Event
from models.accounts.user import User
from models.audit.trail import INSTALLATION_CHAIN
from models.integrity.findings import FindingKind
from models.notifications.notification import Notice, Notification, create_notifications

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from models.integrity.run import Report

#: So long nobody is told of the same kind again.
PAUSE = dt.timedelta(hours=1)


def alert_of_report(session: Session, report: Report, now: dt.datetime) -> int:
    """Tell of what a verification found those whom it concerns, and return how many were told.

    What is of no office concerns all, and so does what was counted and not kept.
    """
    chains: set[int | None] = {finding.chain for finding in report.findings}
    concerns_all = report.found > len(report.findings) or not chains.isdisjoint({None, INSTALLATION_CHAIN})
    return alert(
        session, report.by_kind, now, agency_ids=None if concerns_all else [chain for chain in chains if chain]
    )


def alert(
    session: Session, found: Mapping[FindingKind, int], now: dt.datetime, *, agency_ids: Iterable[int] | None = None
) -> int:
    """Tell heads and administrators what was ``found``, by kind, and return how many were told.

    They are those of the offices, of all where none are named, and of the installation. Of a kind that somebody was
    told of within the last hour they are not told again. The caller sets the audit context and commits.
    """
    people = _people(session, agency_ids)
    told = _told_lately(session, people, now)
    groups: dict[tuple[FindingKind, ...], list[User]] = defaultdict(list)
    for person in people:
        if kinds := tuple(kind for kind in FindingKind if found.get(kind) and kind.value not in told[person.id]):
            groups[kinds].append(person)
    notices = [
        # The first kind tells apart what two verifications of one moment found: nobody is told of it twice.
        Notice(Event.INTEGRITY, users, f"integrity-{now.isoformat()}-{kinds[0].value}", None, _values(kinds, found))
        for kinds, users in groups.items()
    ]
    return len(create_notifications(session, notices, change=None, now=now))


def _values(kinds: Iterable[FindingKind], found: Mapping[FindingKind, int]) -> dict[str, object]:
    counted = [_("%(kind)s (%(count)s)", kind=kind.title, count=found[kind]) for kind in kinds]
    return {"findings": join_messages([*counted], ", "), "kinds": " ".join(kind.value for kind in kinds)}


def _people(session: Session, agency_ids: Iterable[int] | None) -> Sequence[User]:
    people = select(User).where(User.is_active, or_(User.is_head, User.is_administrator)).order_by(User.id)
    if agency_ids is not None:
        people = people.where(or_(User.agency_id.in_(list(agency_ids)), User.agency_id.is_(None)))
    return session.scalars(people).all()


def _told_lately(session: Session, people: Sequence[User], now: dt.datetime) -> dict[int, set[str]]:
    """Return of which kinds each was told within the last hour."""
    told: dict[int, set[str]] = defaultdict(set)
    lately = select(Notification).where(
        Notification.user_id.in_([person.id for person in people]),
        Notification.event == Event.INTEGRITY,
        Notification.at > now - PAUSE,
    )
    for notification in session.scalars(lately):
        told[notification.user_id].update(str(notification.details.get("kinds", "")).split())
    return told
