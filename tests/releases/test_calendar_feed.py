"""The feed: what its owner may see now, under an address that can be taken back, as any calendar program reads it."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest
from icalendar import Calendar, Event
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.changes.steps.activity import Release
from models.releases.calendar_feed import CalendarFeed, create_feed, feed_owner, revoke_feed
from models.releases.freeze import Freeze, FreezeValues
from tests.support.cast import (
    LUMAJANG,
    NOW,
    TANA_TIDUNG,
    asset,
    change_at_step,
    freeze,
    make_move,
    set_test_audit_context,
)
from tests.support.present import one_of
from tests.support.program import Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp

TITLE = 'Rilis; "khusus", dengan ekor yang sangat panjang ' + "é" * 60


def address(running_app: RunningApp, name: str) -> str:
    """Make an address as ``name`` and return its path."""
    page = running_app.visitor(name).post("/profile/calendar")
    assert page.status_code == 200
    match = re.search(r"http://localhost(/calendar/[\w-]+\.ics)", page.text)
    assert match
    return match.group(1)


def fetch(running_app: RunningApp, path: str, **headers: str) -> TestResponse:
    return Visitor(running_app.app).client.get(path, headers=headers)


def events(answer: TestResponse) -> dict[str, dict[str, str]]:
    """Read a feed by RFC 5545's own rules: lines unfolded, properties split, backslashes taken off."""
    body = answer.data.decode()
    assert body.endswith("\r\n")
    assert "\n" not in body.replace("\r\n", "")
    assert all(len(line.encode()) <= 75 for line in body.split("\r\n"))
    result: dict[str, dict[str, str]] = {}
    event: dict[str, str] = {}
    for line in body.replace("\r\n ", "").split("\r\n"):
        name, _colon, value = line.partition(":")
        name = name.partition(";")[0]
        if line == "BEGIN:VEVENT":
            event = {}
        elif line == "END:VEVENT":
            result[event["UID"]] = event
        else:
            event[name] = re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), value)
    return result


@pytest.fixture(scope="module")
def made(running_app: RunningApp) -> dict[str, int]:
    """In both offices a planned release of each requester, one of them live, with assets, and a freeze."""
    results = {}
    with running_app.session() as session:
        everybody = running_app.cast(session)
        for key, office in ((LUMAJANG, everybody.lumajang), (TANA_TIDUNG, everybody.tana_tidung)):
            item = asset(session, office, "0555")
            change = change_at_step(session, office, Step.RELEASE)
            release = one_of(Release, make_move(session, change, Outcome.SCHEDULED, office.manager, values={
                "touched_assets": [{"asset_id": item.id}], "audience": TITLE}))  # fmt: skip
            release.add_actual_time(NOW, now=NOW)
            session.commit()
            results[key] = release.id
            freeze(session, office, name=f"Pembekuan {key}")
    return results


def test_it_says_what_is_planned_what_happened_and_what_is_frozen(
    running_app: RunningApp, made: dict[str, int]
) -> None:
    answer_ = fetch(running_app, address(running_app, "pengelola"))
    assert answer_.content_type == "text/calendar; charset=utf-8"
    calendar = Calendar.from_ical(answer_.data)
    assert str(calendar["X-WR-CALNAME"]).startswith("Kalender rilis ")
    assert calendar["REFRESH-INTERVAL"].params["VALUE"] == "DURATION"
    parsed = {str(event["UID"]): one_of(Event, event) for event in calendar.walk("VEVENT")}
    plain = events(answer_)
    assert set(plain) == set(parsed)
    (planned,) = (event for uid, event in parsed.items() if uid.startswith(f"planned-{made[LUMAJANG]}@"))
    assert planned.start == NOW + dt.timedelta(days=2)
    assert planned.end == NOW + dt.timedelta(days=2, hours=1)
    assert one_of(dt.datetime, planned.start).utcoffset() == dt.timedelta(0)
    assert (str(planned["STATUS"]), int(str(planned["SEQUENCE"]))) == ("CONFIRMED", 0)
    assert (str(planned["LOCATION"]), planned.stamp) == ("Produksi", NOW)
    assert planned.LAST_MODIFIED == NOW
    assert TITLE in str(planned["DESCRIPTION"])
    assert "1.3.2.10.01.02.002.0555 Laptop" in str(planned["DESCRIPTION"])
    assert str(planned["URL"]).startswith("http://localhost/admin/change/details/?id=")
    assert set(planned.categories) == {"Rencana rilis", "Produksi"}
    uid = str(planned["UID"])
    assert plain[uid]["DTSTART"] == "20260304T020000Z"
    assert TITLE in plain[uid]["DESCRIPTION"]
    (actual,) = (event for uid, event in parsed.items() if uid.startswith(f"actual-{made[LUMAJANG]}@"))
    assert (actual.start, "DTEND" in actual) == (NOW, False)
    (frozen,) = (event for uid, event in parsed.items() if uid.startswith("freeze-"))
    assert (str(frozen["LOCATION"]), str(frozen["TRANSP"])) == ("Semua lingkungan", "TRANSPARENT")


def test_it_shows_what_its_owner_may_see_and_nothing_else(running_app: RunningApp, made: dict[str, int]) -> None:
    def kinds(name: str) -> set[str]:
        return {uid.partition("@")[0] for uid in events(fetch(running_app, address(running_app, name)))}

    here = {f"planned-{made[LUMAJANG]}", f"actual-{made[LUMAJANG]}"}
    there = {f"planned-{made[TANA_TIDUNG]}", f"actual-{made[TANA_TIDUNG]}"}
    assert here <= kinds("kepala")
    assert not there & kinds("kepala")
    assert kinds("pemohon") == here  # the office alone reads freezes
    assert kinds("pemohon2") == set()
    assert not here & kinds("pengelola.tt")
    assert here | there <= kinds("admin")
    # Whoever asks is nobody, also with somebody's session at hand.
    path = address(running_app, "pemohon2")
    assert events(running_app.visitor("kepala").get(path)) == {}


def test_an_address_is_good_until_it_is_revoked_replaced_or_its_owner_disabled(running_app: RunningApp) -> None:
    first = address(running_app, "pemeriksa")
    assert fetch(running_app, first).status_code == 200
    second = address(running_app, "pemeriksa")
    assert (fetch(running_app, first).status_code, fetch(running_app, second).status_code) == (404, 200)
    page = running_app.visitor("pemeriksa").get("/profile").text
    assert second not in page
    assert "/profile/calendar/revoke" in page
    for active, status in ((False, 404), (True, 200)):
        with running_app.session() as opened:
            opened.scalars(select(User).where(User.username == "pemeriksa")).one().is_active = active
            opened.commit()
        assert fetch(running_app, second).status_code == status
    assert running_app.visitor("pemeriksa").post("/profile/calendar/revoke").status_code == 303
    assert fetch(running_app, second).status_code == 404
    assert running_app.visitor("pemeriksa").post("/profile/calendar/revoke").status_code == 409
    for guess in ("x", "x" * 43, "x" * 5000, "%00", "..%2f", first[10:-5]):
        assert fetch(running_app, f"/calendar/{guess}.ics").status_code == 404


def test_only_the_hash_is_kept_and_the_trail_has_neither(running_app: RunningApp) -> None:
    path = address(running_app, "pengelola2")
    token = path.removeprefix("/calendar/").removesuffix(".ics")
    assert len(token) == 43
    with running_app.session() as opened:
        saved = opened.scalars(select(CalendarFeed).order_by(CalendarFeed.id.desc()).limit(1)).one()
        assert (len(saved.token_hash), token in saved.token_hash) == (64, False)
    for name in ("kepala", "admin"):
        assert saved.token_hash not in running_app.visitor(name).get("/admin/audit/export/csv/").text


def test_what_has_not_changed_is_not_sent_again(running_app: RunningApp, made: dict[str, int]) -> None:
    path = address(running_app, "kepala")
    first = fetch(running_app, path)
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = fetch(running_app, path, **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    running_app.now = NOW + dt.timedelta(hours=1)
    try:
        assert fetch(running_app, path).headers["ETag"] == tag
    finally:
        running_app.now = NOW
    with running_app.session() as opened:
        freeze(opened, running_app.cast(opened).lumajang, name="Baru")
    assert fetch(running_app, path, **{"If-None-Match": tag}).status_code == 200
    assert Visitor(running_app.app).client.head(path).data == b""


def test_a_freeze_keeps_its_uid_and_counts_its_changes(running_app: RunningApp) -> None:
    path = address(running_app, "administrator")
    with running_app.session() as opened:
        office = running_app.cast(opened).lumajang
        made = freeze(opened, office, name="Bergeser")
        uid = f"freeze-{made.id}@"

        def told() -> tuple[str, str, str]:
            (event,) = (event for key, event in events(fetch(running_app, path)).items() if key.startswith(uid))
            return event["SEQUENCE"], event["STATUS"], event["SUMMARY"]

        assert told()[:2] == ("0", "CONFIRMED")
        set_test_audit_context(opened)
        made.alter(
            FreezeValues("Digeser", NOW + dt.timedelta(9), NOW + dt.timedelta(10), None, "Sebab"),
            why="Salah tanggal", by=office.administrator, now=NOW,
        )  # fmt: skip
        opened.commit()
        assert told() == ("1", "CONFIRMED", "Masa pembekuan: Digeser")
        set_test_audit_context(opened)
        opened.get_one(Freeze, made.id).lift("Batal", by=office.administrator, now=NOW)
        opened.commit()
        assert told()[:2] == ("2", "CANCELLED")


def test_a_user_has_one_address_at_a_time(session: AuditedSession, cast: Cast) -> None:
    set_test_audit_context(session)
    head = cast.lumajang.head
    first, second = create_feed(session, head, NOW), create_feed(session, head, NOW)
    session.commit()
    assert (feed_owner(session, first, NOW), feed_owner(session, second, NOW)) == (None, head)
    revoke_feed(session, head, NOW)
    session.commit()
    assert feed_owner(session, second, NOW) is None
    assert session.scalar(select(CalendarFeed.revoked_at).order_by(CalendarFeed.id.desc()).limit(1)) == NOW
