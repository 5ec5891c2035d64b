"""The release calendar as a private iCalendar feed (RFC 5545, RFC 7986)."""

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
from models.delegation.delegation import load_active_delegation
from models.releases.calendar import CalendarEntryKind, calendar_entries
from models.releases.calendar_feed import create_feed, feed_owner, revoke_feed
from views.accounts.profile import commit_profile, redirect_to_profile, render_profile
from views.app.access import get_current_user, public, settings
from views.app.clock import now
from views.i18n.language import tr
from views.i18n.sop_titles import head_called

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from models.accounts.user import User
    from models.releases.calendar import CalendarEntry

blueprint = Blueprint("feed", __name__)

#: How far back the feed goes, the most entries of each kind, and the refresh interval for clients.
_HISTORY, _MAX_ENTRIES, _REFRESH_INTERVAL = dt.timedelta(days=180), 3000, dt.timedelta(hours=1)
_MAX_DATETIME = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_MIMETYPE = "text/calendar; charset=utf-8"


@blueprint.get("/calendar/<token>.ics")
@public
def show(token: str) -> Response:
    """Return the entries that the owner of the feed may see now; needs no login. Raises NotFound for a wrong token."""
    session, at = db.session(), now()
    owner = feed_owner(session, token, at)
    if owner is None or owner.outside_inspection(at):
        raise NotFound(_("There is no such record, or you may not see it."))
    # From the start of a day, so that the ETag does not change with the time of the request.
    since = (at - _HISTORY).replace(hour=0, minute=0, second=0, microsecond=0)
    entries = calendar_entries(
        session,
        owner,
        (since, _MAX_DATETIME),
        is_acting_head=load_active_delegation(session, owner, at) is not None,
        limit=_MAX_ENTRIES,
    )
    with force_locale(owner.language.value), head_called(owner.agency.head_title if owner.agency else None):
        body = _build_calendar(owner, entries)
    response = Response(body, content_type=_MIMETYPE)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Disposition"] = 'inline; filename="lpse.ics"'
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.post("/profile/calendar")
def create() -> str:
    """Create a new address, which replaces the former one, and show it once."""
    session = db.session()
    token = create_feed(session, get_current_user(), now())
    trail.update_audit_context(session, action="feed.make")
    session.commit()
    return render_profile(feed_address=_base_url() + url_for("feed.show", token=token))


@blueprint.post("/profile/calendar/revoke")
def revoke_address() -> AnyResponse:
    """Revoke the address."""
    session = db.session()
    revoke_feed(session, get_current_user(), now())
    trail.update_audit_context(session, action="feed.revoke")
    commit_profile("calendar")
    return redirect_to_profile(gettext("The calendar address is revoked."), anchor="calendar")


def _base_url() -> str:
    """Return the base URL of the program, without a slash at the end."""
    return (settings().base_url or request.host_url).rstrip("/")


def _build_calendar(owner: User, calendar_entries: list[CalendarEntry]) -> bytes:
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
    calendar.add("refresh-interval", vDuration(_REFRESH_INTERVAL), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(_REFRESH_INTERVAL))
    for entry in calendar_entries:
        calendar.add_component(_build_event(entry))
    written: bytes = calendar.to_ical()
    return written


def _build_event(entry: CalendarEntry) -> Event:
    """Return an entry as an event with a stable UID and times in UTC."""
    event = Event()
    event.add("uid", f"{entry.kind.value}-{entry.id}@agency-{entry.agency_id}.lpse")
    # In a published calendar this is the time of the last revision (RFC 5545, 3.8.7.2).
    event.add("dtstamp", _utc_without_microseconds(entry.changed_at))
    event.add("last-modified", _utc_without_microseconds(entry.changed_at))
    event.add("sequence", entry.revision)
    event.add("dtstart", _utc_without_microseconds(entry.starts_at))
    if entry.ends_at is not None:
        event.add("dtend", _utc_without_microseconds(entry.ends_at))
    environment = tr(entry.environment.title) if entry.environment else tr(_("All environments"))
    title = f"{entry.number} {entry.title}" if entry.number else entry.title
    event.add("summary", f"{tr(entry.kind.title)}: {title}")
    event.add("location", environment)
    event.add("categories", [tr(entry.kind.title), environment])
    event.add("description", "\n".join(f"{tr(label)}: {value}" for label, value in _description_lines(entry)))
    event.add("url", _base_url() + _entry_path(entry))
    event.add("status", "CANCELLED" if entry.is_void else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if entry.kind is CalendarEntryKind.FREEZE else "OPAQUE")
    return event


def _entry_path(entry: CalendarEntry) -> str:
    if entry.kind is CalendarEntryKind.FREEZE:
        return url_for("freeze.details_view", id=entry.id)
    return url_for("change.details_view", id=entry.change_id)


def _description_lines(entry: CalendarEntry) -> list[tuple[Message, str]]:
    """Return (label, value) of an entry's facts without its times, empty ones left out."""
    facts: list[tuple[Message, Any]] = [
        (_("Agency"), entry.agency),
        (_("Version"), entry.version),
        (_("Downtime (minutes)"), entry.downtime_minutes),
        (_("Notified parties"), entry.audience),
        (_("Person in charge"), entry.person_in_charge),
        (_("Assets affected by the release"), "; ".join(entry.assets)),
        (_("Reason for the overlap"), entry.overlap_reason),
        (_("Permitted in a freeze"), "; ".join(entry.permitted_freezes)),
        (_("Reason"), entry.reason),
    ]
    if entry.is_overlapping:
        facts.append((_("Note"), tr(_("Overlaps with another release"))))
    return [(label, str(value)) for label, value in facts if value not in (None, "")]


def _utc_without_microseconds(moment: dt.datetime) -> dt.datetime:
    """Return a datetime in UTC without microseconds, which iCalendar cannot store."""
    return moment.astimezone(dt.UTC).replace(microsecond=0)
