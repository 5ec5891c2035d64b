"""Who signs for an office on a day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from models.papers.signatory import load_signatory
from tests.support.cast import NOW, delegation, set_test_audit_context

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast


def test_who_acts_for_the_head_signs_as_such_while_the_decree_runs(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    set_test_audit_context(session)
    running = delegation(session, office)
    today = office.agency.local_date(NOW)
    acting = load_signatory(session, office.agency, today)
    assert (acting.capacity, acting.name) == ("Plh. Kepala LPSE", running.delegate.full_name)
    later = load_signatory(session, office.agency, running.until_date + dt.timedelta(days=1))
    assert (later.capacity, later.name) == ("Kepala LPSE", office.head.full_name)


def test_without_anybody_in_office_the_name_is_left_to_be_written(session: AuditedSession, cast: Cast) -> None:
    office = cast.tana_tidung
    set_test_audit_context(session)
    office.head.is_active = False
    session.flush()
    vacant = load_signatory(session, office.agency, office.agency.local_date(NOW))
    assert (vacant.name, vacant.rank, vacant.nip) == ("", "", "")
    assert vacant.capacity
