"""The release calendar for calendar programs: a private address that answers as iCalendar (RFC 5545, RFC 7986)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request, url_for
from flask_babel import force_locale, gettext
from icalendar import Calendar, Event, vDuration

from lpse_admin.errors import NotFound
from lpse_admin.i18n import Message, _
from models.audit import trail
from models.database import db
from models.delegation.delegation import delegation_of
from models.releases.calendar import EntryKind, entries
from models.releases.calendar_feed import make, owner_of, revoke
from views.accounts.profile import done, show_page
from views.app.access import public, settings
from views.app.clock import now
from views.i18n.language import tr
from views.listing.record_view import me

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from models.accounts.user import User
    from models.releases.calendar import Entry

blueprint = Blueprint("feed", __name__)

#: How far back a calendar reaches, how much of each kind it holds, and how often it is asked for again.
_BACK, _MOST, _REFRESH = dt.timedelta(days=180), 3000, dt.timedelta(hours=1)
_END_OF_TIME = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_TYPE = "text/calendar; charset=utf-8"


@blueprint.get("/calendar/<token>.ics")
@public
def show(token: str) -> Response:
    """Answer with what the owner of the address may see now, whoever asks; 404 for an address that is not good."""
    session, at = db.session(), now()
    owner = owner_of(session, token)
    if owner is None:
        raise NotFound(_("There is no such record, or it is not yours to see."))
    # From the beginning of a day, so that an hour later the answer is still the same.
    since = (at - _BACK).replace(hour=0, minute=0, second=0, microsecond=0)
    found = entries(
        session,
        owner,
        (since, _END_OF_TIME),
        stands_in_for_head=delegation_of(session, owner, at) is not None,
        most=_MOST,
    )
    with force_locale(owner.language.value):
        body = _calendar(owner, found)
    response = Response(body, content_type=_TYPE)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Disposition"] = 'inline; filename="lpse.ics"'
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.post("/profile/calendar")
def create() -> str:
    """Make a new address in place of a former one, and show it this once."""
    session = db.session()
    token = make(session, me(), now())
    trail.give(session, action="feed.make")
    session.commit()
    return show_page(feed_address=_base() + url_for("feed.show", token=token))


@blueprint.post("/profile/calendar/revoke")
def shut() -> AnyResponse:
    """Revoke the address: whoever knows it reads nothing any more."""
    session = db.session()
    revoke(session, me(), now())
    trail.give(session, action="feed.revoke")
    session.commit()
    return done(gettext("The calendar address is revoked."), anchor="calendar")


def _base() -> str:
    """Return where this program is found, as calendars and their readers reach it."""
    return (settings().base_url or request.host_url).rstrip("/")


def _calendar(owner: User, found: list[Entry]) -> bytes:
    name = tr(_("Release calendar"))
    if owner.agency is not None:
        name = f"{name} {owner.agency.name}"
    calendar = Calendar()
    calendar.add("prodid", "-//LPSE//Change and release management//ID")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(_REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(_REFRESH))
    for entry in found:
        calendar.add_component(_event(entry))
    written: bytes = calendar.to_ical()
    return written


def _event(entry: Entry) -> Event:
    """Return an entry as an event: the same UID always, and times in UTC."""
    event = Event()
    event.add("uid", f"{entry.kind.value}-{entry.id}@agency-{entry.agency_id}.lpse")
    # Of a calendar that is published it says when the event was last revised (RFC 5545, 3.8.7.2).
    event.add("dtstamp", _whole_second(entry.changed_at))
    event.add("last-modified", _whole_second(entry.changed_at))
    event.add("sequence", entry.revision)
    event.add("dtstart", _whole_second(entry.starts_at))
    if entry.ends_at is not None:
        event.add("dtend", _whole_second(entry.ends_at))
    place = tr(entry.environment.title) if entry.environment else tr(_("All environments"))
    what = f"{entry.number} {entry.title}" if entry.number else entry.title
    event.add("summary", f"{tr(entry.kind.title)}: {what}")
    event.add("location", place)
    event.add("categories", [tr(entry.kind.title), place])
    event.add("description", "\n".join(f"{tr(label)}: {value}" for label, value in _facts(entry)))
    event.add("url", _base() + _path(entry))
    event.add("status", "CANCELLED" if entry.is_void else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if entry.kind is EntryKind.FREEZE else "OPAQUE")
    return event


def _path(entry: Entry) -> str:
    if entry.kind is EntryKind.FREEZE:
        return url_for("freeze.details_view", id=entry.id)
    return url_for("change.details_view", id=entry.change_id)


def _facts(entry: Entry) -> list[tuple[Message, str]]:
    """Return what is told of an entry beside its time, without what is empty."""
    facts: list[tuple[Message, Any]] = [
        (_("Agency"), entry.agency),
        (_("Version"), entry.version),
        (_("Downtime (minutes)"), entry.downtime_minutes),
        (_("Who is told"), entry.audience),
        (_("Person in charge"), entry.person_in_charge),
        (_("Assets that the release touches"), "; ".join(entry.assets)),
        (_("Reason of the overlap"), entry.overlap_reason),
        (_("Allowed in a freeze"), "; ".join(entry.allowed_in)),
        (_("Reason"), entry.reason),
    ]
    if entry.is_overlapping:
        facts.append((_("Note"), tr(_("Overlaps with another release"))))
    return [(label, str(value)) for label, value in facts if value not in (None, "")]


def _whole_second(moment: dt.datetime) -> dt.datetime:
    """Return a moment as the format keeps it: in UTC, without parts of a second."""
    return moment.astimezone(dt.UTC).replace(microsecond=0)
