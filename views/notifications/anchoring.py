"""The anchors of the day: made, stamped, and mailed to whom the offices and the settings name."""

from __future__ import annotations

import datetime as dt
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app, g, render_template
from flask_babel import force_locale, gettext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models.accounts.user import Language
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from models.integrity.anchors import delivery
from models.integrity.anchors.time_stamps import TimeStampError, TimeStampServer, request_stamp
from models.notifications.smtp_client import Attachment, OutgoingMail, RenderedMail, SmtpClient
from models.office.agency import Agency
from views.app.access import settings
from views.app.clock import now
from views.i18n.language import format_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from models.integrity.anchors.delivery import AnchorDelivery, AnchorPlan
    from models.notifications.smtp_client import SendFailure

_ACTION = "audit.anchor"


@dataclass(slots=True)
class AnchoringResult:
    """How many anchors were sent and stamped, and how often that failed."""

    sent: int = 0
    stamped: int = 0
    failed: int = 0


def anchor_all(*, by: str, is_stopped: Callable[[], bool] = lambda: False, at_once: bool = False) -> AnchoringResult:
    """Make the anchors of the day of each office and of the whole, and send and stamp what is due of them.

    Those of former days that could not be sent or stamped come first. ``by`` is the actor in the audit trail. With
    ``at_once`` what failed before does not wait for its time. The function commits its own transactions; what fails is
    recorded and tried again.
    """
    session, result, plan = db.session(), AnchoringResult(), anchor_plan()
    agency_ids = session.scalars(select(Agency.id).order_by(Agency.id)).all()
    session.rollback()
    for agency_id in (*agency_ids, None):
        if is_stopped():
            break
        row = _made(session, agency_id, plan, by)
        if row is None:
            continue
        for one in (*delivery.unfinished_anchors(session, agency_id, row.day, now()), row):
            _deliver(session, one, plan, by, result, at_once=at_once)
    return result


def anchor_plan() -> AnchorPlan:
    """Return what the settings want of anchors."""
    chosen = settings()
    time_zone = chosen.time_zone or delivery.DEFAULT_TIME_ZONE
    return delivery.AnchorPlan(chosen.anchor_addresses, chosen.tsa_url is not None, time_zone)


def _made(session: Session, agency_id: int | None, plan: AnchorPlan, by: str) -> AnchorDelivery | None:
    """Return the anchors of the day; None where another server has just made them, who sends them too."""
    _answer_for(session, by)
    agency = None if agency_id is None else session.get_one(Agency, agency_id)
    try:
        row = delivery.make_anchors(session, agency, plan, now())
        session.commit()
    except IntegrityError:
        session.rollback()
        return None
    return row


def _answer_for(session: Session, by: str) -> None:
    set_audit_context(session, AuditContext(at=now(), actor_id=None, actor_name=by, action=_ACTION))


def _deliver(
    session: Session, row: AnchorDelivery, plan: AnchorPlan, by: str, result: AnchoringResult, *, at_once: bool
) -> None:
    is_wanted = any(_to_do(session, row, plan))
    session.commit()
    if not is_wanted or not delivery.claim(session, row, now(), at_once=at_once):
        return
    before = result.failed
    try:
        session.refresh(row)
        addresses, wants_stamp = _to_do(session, row, plan)
        if wants_stamp:
            _stamp(session, row, by, result, is_all=not addresses)
        if addresses:
            _send(session, row, addresses, by, result, before)
    finally:
        session.rollback()
        delivery.release(session, row, now(), failed=result.failed > before)


def _to_do(session: Session, row: AnchorDelivery, plan: AnchorPlan) -> tuple[list[str], bool]:
    """Return to whom the anchors have yet to be sent, and whether they have yet to be stamped."""
    addresses = delivery.open_addresses(session, row, plan) if settings().mail_server else []
    return addresses, plan.is_stamped and row.time_stamp is None


def _stamp(session: Session, row: AnchorDelivery, by: str, result: AnchoringResult, *, is_all: bool) -> None:
    chosen, text = settings(), row.anchors_text()
    session.commit()  # no transaction while the server is asked
    try:
        stamp = request_stamp(TimeStampServer(chosen.tsa_url or "", chosen.tsa_ca or ""), text)
    except TimeStampError as error:
        result.failed += 1
        _answer_for(session, by)
        delivery.record_failure(row, session, f"{chosen.tsa_url}: {error}")
    else:
        result.stamped += 1
        _answer_for(session, by)
        delivery.record_stamp(row, session, stamp, is_all=is_all)
    session.commit()


def _send(
    session: Session, row: AnchorDelivery, addresses: list[str], by: str, result: AnchoringResult, before: int
) -> None:
    """Send the anchors; ``before`` is how much had failed when these were begun with."""
    server = settings().mail_server
    if server is None:
        return
    rendered, outgoing = render_anchors(row), {address: _outgoing(row, address) for address in addresses}
    session.commit()  # no transaction while the server is contacted
    with SmtpClient(server) as client:
        for address, mail in outgoing.items():
            failure: SendFailure | None = client.send(mail, rendered, now)
            _answer_for(session, by)
            if failure is None:
                result.sent += 1
                is_all = address == addresses[-1] and result.failed == before
                delivery.record_sent(row, session, address, now(), is_all=is_all)
            else:
                result.failed += 1
                delivery.record_failure(row, session, f"{address}: {failure.error}")
            session.commit()
            if failure is not None and failure.is_unreachable:
                break


def _outgoing(row: AnchorDelivery, address: str) -> OutgoingMail:
    token = hashlib.sha256(f"{row.id} {row.lines} {address}".encode()).hexdigest()[:16]
    domain = server.sender.rpartition("@")[2] if (server := settings().mail_server) else "localhost"
    return OutgoingMail(
        mail_id=0,
        message_id=f"<lpse.anchor.{row.id}.{token}@{domain}>",
        attempts=1,
        claimed_until=now() + dt.timedelta(minutes=15),
        address=address,
        name=address,
        language=Language.INDONESIAN,
        is_active=True,
        agency_name=row.agency.name if row.agency else "LPSE",
        head_title=None,
        zone=row.agency.zone if row.agency else None,
        details={},
        at=row.made_at,
        change_id=None,
        link_base=None,
    )


def render_anchors(row: AnchorDelivery) -> RenderedMail:
    """Return the mail with the anchors of a day, in Indonesian, in the zone of the office."""
    with _in_zone(row):
        office = row.agency.name if row.agency else gettext("All offices of the installation")
        context = {
            "office": office,
            "language": Language.INDONESIAN.value,
            "row": row,
            "day": format_date(row.day),
            "title": gettext("Anchors of the audit trail, %(day)s", day=format_date(row.day)),
        }
        return RenderedMail(
            subject=f"[LPSE] {context['title']}: {office}",
            text=render_template("notifications/anchors.txt", **context),
            html=render_template("notifications/anchors.html", **context),
            sender=row.agency.name if row.agency else "LPSE",
            attachments=tuple(anchor_files(row)),
        )


def anchor_files(row: AnchorDelivery) -> Iterator[Attachment]:
    """Yield the files of a day's anchors: the lines, and the time stamp over them."""
    name = f"jangkar-{row.day.isoformat()}"
    yield Attachment(f"{name}.txt", row.anchors_text().encode(), "text/plain")
    if (stamp := row.stamp_bytes()) is not None:
        yield Attachment(f"{name}.tsr", stamp, "application/timestamp-reply")


@contextmanager
def _in_zone(row: AnchorDelivery) -> Iterator[None]:
    """Format times for the office of ``row``, in Indonesian, for nobody in particular."""
    with current_app.test_request_context(), force_locale(Language.INDONESIAN.value):
        g.current_user, g.delegation = None, None
        if row.agency is not None:
            g.zone = row.agency.zone
        try:
            yield
        finally:
            for name in ("zone", "current_user", "delegation"):
                g.pop(name, None)
