"""A clock that is wrong: compared with the database's and with the trail at the start and in each round."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.notifications.events import Event
from models.database import db, is_sqlite
from models.integrity.clock import TOLERANCE, clock_error
from models.notifications.notification import Notification
from tests.support.cast import NOW, Cast, set_test_audit_context
from tests.support.program import close_app, make_app
from views.app.scheduler import JOBS

if TYPE_CHECKING:
    from tests.conftest import NewDatabase
    from tests.support.cast import AuditedSession


def test_a_clock_behind_the_last_entry_of_the_trail_was_set_back(session: AuditedSession, cast: Cast) -> None:
    cast.lumajang.head.phone = "0812"
    set_test_audit_context(session)
    session.commit()
    if not is_sqlite(session):
        return  # there the database's own clock speaks first
    assert clock_error(session, NOW) is None
    assert clock_error(session, NOW - TOLERANCE) is None
    assert "set back" in str(clock_error(session, NOW - TOLERANCE - dt.timedelta(seconds=1)))


def test_the_clock_of_a_database_on_another_machine_is_compared(session: AuditedSession, cast: Cast) -> None:
    if is_sqlite(session):
        return
    now = dt.datetime.now(dt.UTC)
    assert clock_error(session, now) is None
    for wrong in (now - dt.timedelta(minutes=5), now + dt.timedelta(minutes=5)):
        assert "apart" in str(clock_error(session, wrong))


def test_a_round_alerts_the_administrators_once_an_hour(new_database: NewDatabase) -> None:
    times = [dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)]
    with new_database("sqlite") as url:
        app = make_app(url, clock=lambda: times[0])
        job = dict(JOBS)["clock"]

        def alerts() -> int:
            with app.app_context():
                job(lambda: False)
                told = select(Notification.id).where(Notification.event == Event.SECURITY_ALERT)
                return len(db.session.scalars(told).all())

        assert alerts() == 0
        times[0] -= dt.timedelta(minutes=30)
        first = alerts()
        assert first > 0
        assert alerts() == first
        close_app(app)
