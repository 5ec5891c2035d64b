"""Records of another agency or another requester cannot be read or written at any address.

Visibility is one criterion (``models.scope``), added to every statement by the same function for both dialects. So all
users are tried on SQLite; on PostgreSQL a requester, a change manager and the superadmin, at every address, for
statements that PostgreSQL treats differently. Of the invalid ids, PostgreSQL gets those that could reach a statement.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.changes.moves.drafts import create_draft
from models.changes.steps.activity import Activity
from models.delegation.absence import Absence
from models.delegation.delegation import Delegation
from models.deviations.deviation import Deviation
from models.documents.document import Document, attach
from models.inventory.asset import Asset
from models.notifications.mail import Mail
from models.notifications.notification import Notification
from models.office.office_day import OfficeDay
from models.office.working_hours import WorkingHours
from models.releases.freeze import Freeze, FreezePermit
from models.sops.sop import SopRevision
from tests.support.cast import (  # fmt: skip
    LUMAJANG,
    NOW,
    OUTCOMES_TO,
    TANA_TIDUNG,
    absence,
    asset,
    delegation,
    deviation,
    freeze,
    make_move,
    set_test_audit_context,
    settings,
    values_for,
)
from tests.support.present import present
from tests.support.program import PDF
from tests.support.running_app import ACCOUNT_SUFFIXES, running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cast import AuditedSession, Office
    from tests.support.running_app import RunningApp

OFFICE = ("pengelola", "kepala", "plh", "pemeriksa", "administrator")
STEPS = (
    "evaluation", "urgency", "approval", "implementation", "test", "rollback", "report", "verification", "release",
    "asset-review", "asset-update",
)  # fmt: skip
#: A path through every step up to a scheduled release, and one through the roll back, as outcomes.
WAYS = (
    (*OUTCOMES_TO[Step.RETURNED], Outcome.RESUBMITTED, Outcome.ACCEPTED, Outcome.EMERGENCY, Outcome.APPROVED,
     Outcome.DONE,
     Outcome.PASSED, Outcome.REPORTED, Outcome.VERIFIED, Outcome.SCHEDULED, Outcome.CHANGED, Outcome.UPDATED),
    (*OUTCOMES_TO[Step.ROLLBACK], Outcome.ROLLED_BACK),
)  # fmt: skip


@dataclass(frozen=True)
class Belongings:
    """The records of one requester: the mark in their texts, and their ids by screen."""

    mark: str
    draft_mark: str
    ids: dict[str, list[int]]
    draft_ids: dict[str, list[int]]
    number: str


def marked(values: dict[str, Any], mark: str) -> dict[str, Any]:
    """Return values with the mark in every text, including those in rows."""

    def mark_in(value: Any) -> Any:
        if type(value) is str:
            return f"{value} {mark}"
        if isinstance(value, list):
            return [{key: part if key in _KEYS else mark_in(part) for key, part in row.items()} for row in value]
        return value

    return {key: mark_in(value) for key, value in values.items()}


_KEYS = {"kind", "card", "code", "register", "asset_id"}


def furnish(session: AuditedSession, office: Office, requester: User, mark: str) -> Belongings:
    """Create two advanced requests and a draft of a requester, with the mark in all texts."""
    changes = []
    for way in WAYS:
        set_test_audit_context(session)
        change = create_draft(
            session, requester, now=NOW, values=marked(values_for(Step.REQUEST, Outcome.SUBMITTED), mark)
        )
        session.commit()
        for outcome in way:
            actor = requester if change.step in {Step.REQUEST, Step.RETURNED} else office.actor(change.step)
            attach(session, name=f"{mark}.pdf", media_type="application/pdf", content=PDF, by=actor, now=NOW,
                   activity=change.current_activity)  # fmt: skip
            typed = marked(values_for(change.step, outcome), mark)
            if "mutations" in typed:
                typed["mutations"] = [{**typed["mutations"][0], "register": f"{requester.id:04}"}]
            make_move(session, change, outcome, actor, values=typed)
        changes.append(change)
    changes.append(deviation(session, office, mark, requester=requester).change)
    hidden = mark.replace("TANDA", "KONSEP")
    set_test_audit_context(session)
    saved = create_draft(
        session, requester, now=NOW, values=marked(values_for(Step.REQUEST, Outcome.SUBMITTED), hidden)
    )
    attach(session, name=f"{hidden}.pdf", media_type="application/pdf", content=PDF, by=requester, now=NOW,
           activity=saved.current_activity)  # fmt: skip
    session.commit()
    number = changes[0].number
    assert number
    return Belongings(mark, hidden, _ids(session, changes), _ids(session, [saved]), number)


def _ids(session: AuditedSession, changes: list[ChangeRequest]) -> dict[str, list[int]]:
    mine = [change.id for change in changes]
    result: dict[str, list[int]] = {"change": mine}
    result["deviation"] = list(session.scalars(select(Deviation.id).where(Deviation.change_id.in_(mine))))
    result["document"] = list(session.scalars(select(Document.id).where(Document.change_id.in_(mine))))
    for step in STEPS:
        steps = select(Activity.id).where(Activity.change_id.in_(mine), Activity.step == Step(step))
        result[step] = list(session.scalars(steps))
    return result


@pytest.fixture(scope="module")
def everything(running_app: RunningApp) -> dict[str, Belongings]:
    """Create records of both requesters and of the office, for both agencies."""
    results = {}
    with running_app.session() as session:
        cast = running_app.cast(session)
        for key in (LUMAJANG, TANA_TIDUNG):
            office, suffix = cast.office(key), ACCOUNT_SUFFIXES[key]
            mark = f"TANDAKANTOR{'L' if key == LUMAJANG else 'T'}X"
            item = asset(session, office, "0099", name=f"Laptop {mark}", remarks=mark)
            created = delegation(session, office, office.manager2, reason=mark)
            held = freeze(session, office, name=mark)
            set_test_audit_context(session)
            decree = attach(session, name=f"{mark}.pdf", media_type="application/pdf", content=PDF, by=office.head,
                            now=NOW, delegation=created)  # fmt: skip
            gone = absence(session, office, reason=mark)
            session.commit()
            of_the_day = f"TANDAHARI{'L' if key == LUMAJANG else 'T'}X"
            day, hours, _month = settings(session, office, of_the_day)
            # A holiday of an office is visible to all its users.
            results[f"hari{suffix}"] = Belongings(of_the_day, of_the_day, {"holiday": [day.id]}, {}, "")
            results[f"kantor{suffix}"] = Belongings(
                mark, mark,
                {
                    "setting": [hours.id],
                    "asset": [item.id], "delegation": [created.id], "absence": [gone.id], "freeze": [held.id],

                    "document": [decree.id], "sop": [office.sop_revision.id],
                    "user": [person.id for person in office.people],
                    "audit": list(session.scalars(select(AuditEntry.id).where(AuditEntry.chain == office.agency.id))),
                    "mail": list(
                        session.scalars(select(Notification.id).where(Notification.agency_id == office.agency.id))
                    ),
                },
                {}, "",
            )  # fmt: skip
            for name, person in (("pemohon", office.requester), ("pemohon2", office.requester2)):
                location = "L" if key == LUMAJANG else "T"
                mark = f"TANDA{'SATU' if name == 'pemohon' else 'DUA'}{location}X"
                results[name + suffix] = furnish(session, office, person, mark)
    return results


def others(everything: dict[str, Belongings], name: str) -> Iterator[Belongings]:
    """Yield the records that ``name`` must not see: all of the other agency, and requests of others."""
    here = ".tt" if name.endswith(".tt") else ""
    for owner, belongings in everything.items():
        same_agency = owner.endswith(".tt") == bool(here)
        if not same_agency or (name.startswith("pemohon") and owner != name and not owner.startswith("hari")):
            yield belongings


REQUESTERS = ("pemohon", "pemohon2", "pemohon.tt", "pemohon2.tt")
KNOCKING = (
    "pemohon", "pengelola",
    *(pytest.param(name, marks=pytest.mark.sqlite_alone)
      for name in ("pemohon2.tt", "kepala.tt", "pemeriksa", "administrator.tt")),
)  # fmt: skip
SCREENS = (
    "change", *STEPS, "document", "asset", "delegation", "absence", "deviation",
    "freeze", "notification", "mail", "sop", "user",
    "holiday", "setting",
    "audit",
)  # fmt: skip


#: These show the releases of WAYS and the freezes.
CALENDARS = tuple(
    f"/admin/release/calendar?view={view}&date={date}"
    for view in ("month", "week", "list")
    for date in ("2026-03-04", "2026-04-01")
)


def text_of(answer: Any) -> str:
    """Return the text of a response, or of the cells of a workbook."""
    if answer.mimetype.endswith("sheet"):
        book = load_workbook(io.BytesIO(answer.data), read_only=True)
        return " ".join(str(cell) for row in present(book.active).values for cell in row)
    return str(answer.text)


@pytest.mark.parametrize("name", KNOCKING)
def test_no_list_search_filter_or_export_shows_what_is_another_s(
    name: str, running_app: RunningApp, everything: dict[str, Belongings]
) -> None:
    visitor = running_app.visitor(name)
    marks = {mark for one in others(everything, name) for mark in (one.mark, one.draft_mark)}
    if not name.startswith("pemohon"):  # only its requester sees a draft
        marks |= {one.draft_mark for owner, one in everything.items() if owner.startswith("pemohon")}
    queries = ["?size=100", "?search=TANDA", "?search=KONSEP", "?state=draft", "?search=' OR 1=1 --"]
    seen = set()
    for screen in SCREENS:
        for path in ("", "export/csv/", "export/xlsx/"):
            for query in queries if path == "" else queries[1:2] if path.endswith("csv/") else ("",):
                answer = visitor.get(f"/admin/{screen}/{path}{query}")
                assert answer.status_code in {200, 400, 403}, (screen, path, query)
                said = text_of(answer)
                if query.startswith(("?search=TANDA", "?search=KONSEP")):
                    said = said.replace('value="TANDA"', "").replace('value="KONSEP"', "")
                shown = {mark for mark in marks if mark in said}
                assert not shown, (screen, path, query)
                seen.add((screen, answer.status_code))
    assert ("change", 200) in seen
    for path in ("/", "/profile", *CALENDARS):
        said = visitor.get(path).text
        assert not {mark for mark in marks if mark in said}


@pytest.mark.parametrize("name", KNOCKING)
def test_no_address_of_a_record_shows_what_is_another_s(
    name: str, running_app: RunningApp, everything: dict[str, Belongings]
) -> None:
    visitor = running_app.visitor(name)
    for path, mark in addresses(everything, name):
        answer = visitor.get(path, json=True)
        assert answer.status_code in {403, 404}, path
        assert mark not in answer.text


def addresses(everything: dict[str, Belongings], name: str) -> Iterator[tuple[str, str]]:
    """Yield (address, mark) of the records that ``name`` must not see."""
    hidden = list(others(everything, name))
    for owner, one in everything.items():
        is_here = owner.endswith(".tt") == name.endswith(".tt")
        records = [(screen, ids[-1]) for screen, ids in one.ids.items() if one in hidden]
        if owner != name:
            records += [(screen, ids[-1]) for screen, ids in one.draft_ids.items() if ids]
        for screen, id_ in records:
            if screen == "sop" and is_here:
                continue  # the SOP in force is visible to all users of its agency
            tails = {"document": ["file"], "user": ["password"], "sop": ["download"]}.get(screen, [])
            for path in (f"details/?id={id_}", f"edit/?id={id_}&id=1", *(f"{id_}/{tail}" for tail in tails)):
                yield f"/admin/{screen}/{path}", one.mark


@pytest.mark.parametrize("name", KNOCKING)
def test_nothing_of_another_s_is_written(name: str, running_app: RunningApp, everything: dict[str, Belongings]) -> None:
    visitor = running_app.visitor(name)
    before = _state(running_app)
    for one in others(everything, name):
        for path, fields in writes(one):
            answer = visitor.post(path, json=True, **fields)
            assert answer.status_code in {403, 404}, path
    assert _state(running_app) == before


def writes(one: Belongings) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every write to the records of ``one``."""
    for ids in (one.ids, one.draft_ids):
        for id_ in ids.get("change", ()):
            for outcome in ("rolled-back", "submitted"):
                yield f"/admin/change/{id_}/move", {"outcome": outcome, "title": "Direbut", "reason": "Direbut"}
            yield f"/admin/change/{id_}/save", {"title": "Direbut", "summary": "Direbut"}
            yield f"/admin/change/edit/?id={id_}", {"title": "Direbut", "document": upload_file("direbut.pdf")}
            yield "/admin/change/delete/", {"id": id_}
        for screen, path, fields in WRITES:
            for id_ in ids.get(screen, ())[:2]:
                yield path.format(id_), dict(fields)


#: Writes besides those of a request: screen, address for an id, form values.
WRITES: tuple[tuple[str, str, dict[str, str]], ...] = (
    *((step, f"/admin/{step}/edit/?id={{}}", {"findings": "Direbut", "reason": "Direbut"}) for step in STEPS),
    ("release", "/admin/release/{}/actual", {"actual_at": "2026-03-02T09:30"}),
    ("document", "/admin/document/{}/remove", {"confirm": "yes"}),
    ("asset", "/admin/asset/edit/?id={}", {"name": "Direbut"}),
    ("delegation", "/admin/delegation/{}/withdraw", {"reason": "Direbut"}),
    ("absence", "/admin/absence/{}/end", {"because": "Direbut"}),
    ("deviation", "/admin/deviation/{}/dispose", {"note": "Direbut"}),
    ("deviation", "/admin/deviation/{}/done", {"note": "Direbut"}),
    ("freeze", "/admin/freeze/{}/lift", {"reason": "Direbut"}),
    ("freeze", "/admin/freeze/edit/?id={}", {"name": "Direbut", "why": "Direbut"}),
    ("freeze", "/admin/freeze/{}/permit", {"change": "1", "reason": "Direbut"}),
    ("mail", "/admin/mail/{}/again", {}),
    ("sop", "/admin/sop/{}/enact", {}),
    ("user", "/admin/user/edit/?id={}", {"full_name": "Direbut", "username": "direbut", "roles": "head"}),
    ("user", "/admin/user/{}/password", {"password": "kata-sandi-yang-direbut"}),
    ("user", "/admin/user/{}/disable", {}),
    ("user", "/admin/user/{}/enable", {}),
    ("holiday", "/admin/holiday/edit/?id={}", {"kind": "holiday", "name": "Direbut", "reason": "Direbut"}),
    ("setting", "/admin/setting/edit/?id={}", {"monday": "01.00–02.00", "reason": "Direbut"}),
)


def _state(running_app: RunningApp) -> list[Any]:
    """Return the state that a write to another's record would change."""
    with running_app.session() as session:
        result: list[Any] = [session.execute(select(User.id, User.full_name, User.session_version)).all()]
        result.append(session.execute(select(ChangeRequest.id, ChangeRequest.version, ChangeRequest.title)).all())
        result.append(session.execute(select(Asset.id, Asset.name)).all())
        result.append(session.execute(select(Delegation.id, Delegation.withdrawn_at)).all())
        result.append(session.execute(select(Absence.id, Absence.ended_at)).all())
        result.append(session.execute(select(Deviation.id, Deviation.disposal, Deviation.follow_up_note)).all())
        result.append(session.execute(select(Freeze.id, Freeze.name, Freeze.lifted_at)).all())
        result.append(session.execute(select(Mail.id, Mail.state, Mail.attempts)).all())
        result.append(session.execute(select(FreezePermit.id)).all())
        result.append(session.execute(select(SopRevision.id, SopRevision.state)).all())
        result.append(session.execute(select(Document.id)).all())
        result.append(session.execute(select(OfficeDay.id, OfficeDay.name)).all())
        result.append(session.execute(select(WorkingHours.id, WorkingHours.monday)).all())
        return [sorted(map(str, rows)) for rows in result]


@pytest.mark.parametrize(
    "id_",
    ["{0},{1}", "0{0}", "-{0}", "9" * 18, "9" * 19, "{0}%00",
     *(pytest.param(one, marks=pytest.mark.sqlite_alone) for one in (
         "{0} OR 1=1", "{0}%20OR%201", "{0};", " {0}", "{0}\u0660", "\u0661", "+{0}", "{0}.0", "{0}e0", "0x{0}",
         "9" * 400, "", "null", "None", "[{0}]", "{0}/../{1}", "１",
     ))],
)  # fmt: skip
def test_an_id_that_is_none_leads_nowhere(id_: str, running_app: RunningApp, everything: dict[str, Belongings]) -> None:
    hidden, own = everything["pemohon2"].ids["change"][0], everything["pemohon"].ids["change"][0]
    asked = id_.format(own, hidden)
    visitor = running_app.visitor("pemohon")
    for screen in ("change", "evaluation", "document"):
        for tail in ("details", "edit"):
            answer = visitor.client.get(f"/admin/{screen}/{tail}/", query_string=f"id={asked}")
            assert answer.status_code in {302, 403, 404} or (
                asked.lstrip("0") == str(own) and answer.status_code in {200, 409}
            )
            assert everything["pemohon2"].mark not in answer.text
    for name in ("id[]", "id[0]", "ID"):
        assert visitor.client.get("/admin/change/details/", query_string={name: own}).status_code == 404


def test_each_sees_what_is_theirs(running_app: RunningApp, everything: dict[str, Belongings]) -> None:
    for name in REQUESTERS:
        visitor, own = running_app.visitor(name), everything[name]
        for screen in ("change", "document", *STEPS):
            answer = visitor.get(f"/admin/{screen}/?search={own.mark}")
            shown = answer.text.replace(f'value="{own.mark}"', "")
            if own.ids.get(screen):
                assert own.mark in shown, screen
                details = visitor.get(f"/admin/{screen}/details/?id={own.ids[screen][0]}")
                assert own.mark in details.text, screen
        page = visitor.get(f"/admin/change/details/?id={own.ids['change'][0]}").text
        assert page.count(own.mark) > 20
        assert own.draft_mark in visitor.get(f"/admin/change/edit/?id={own.draft_ids['change'][0]}").text


def test_the_office_sees_all_submitted_requests_of_its_agency(
    running_app: RunningApp, everything: dict[str, Belongings]
) -> None:
    for name in OFFICE:
        for suffix in ("", ".tt"):
            said = running_app.visitor(name + suffix).get("/admin/change/?size=100").text
            assert everything[f"pemohon{suffix}"].mark in said
            assert everything[f"pemohon2{suffix}"].mark in said


def test_only_the_superadmin_sees_all_agencies(running_app: RunningApp, everything: dict[str, Belongings]) -> None:
    visitor = running_app.visitor("admin")
    for one in everything.values():
        for screen, ids in one.ids.items():
            if ids:
                answer = visitor.get(f"/admin/{screen}/details/?id={ids[0]}")
                assert answer.status_code == 200, screen
        if one.draft_ids:
            assert visitor.get(f"/admin/change/details/?id={one.draft_ids['change'][0]}").status_code == 404
    listed = visitor.get("/admin/change/?size=100").text
    assert everything["pemohon"].mark in listed
    assert everything["pemohon.tt"].mark in listed


def test_an_installation_administrator_takes_no_step_and_makes_no_request(
    running_app: RunningApp, everything: dict[str, Belongings]
) -> None:
    visitor = running_app.visitor("admin")
    assert visitor.get("/admin/change/new/").status_code == 403
    assert visitor.post("/admin/change/new/", title="Apa saja").status_code == 403
    open_one = everything["pemohon"].ids["change"][1]
    assert visitor.post(f"/admin/change/{open_one}/move", outcome="reported").status_code == 403


@pytest.mark.parametrize("owner", ["pemohon2", "pemohon.tt", "pemohon"])
def test_a_request_can_follow_only_an_earlier_one_of_the_same_requester(
    owner: str, running_app: RunningApp, everything: dict[str, Belongings]
) -> None:
    visitor = running_app.visitor("pemohon")
    response = visitor.post(
        "/admin/change/new/", title=f"Lanjutan dari {owner}", linked_change_id=everything[owner].number
    )
    number = everything[owner].number
    if owner == "pemohon":
        assert response.status_code == 303
        assert number in visitor.get(response.location).text
        return
    # The agencies use the same numbers: then the user's own request is linked.
    if number == everything["pemohon"].number:
        assert response.status_code == 303
        assert everything[owner].mark not in visitor.get(response.location).text
    else:
        assert response.status_code == 422
    for guess in (str(everything[owner].ids["change"][0]), everything[owner].mark):
        answer = visitor.post("/admin/change/new/", title="Lanjutan", linked_change_id=guess)
        assert answer.status_code == 422
        assert everything[owner].mark not in answer.text.replace(f'value="{guess}"', "")


def test_a_review_and_an_update_can_name_only_assets_of_their_own_agency(
    running_app: RunningApp, everything: dict[str, Belongings]
) -> None:
    with running_app.session() as session:
        cast = running_app.cast(session)
        foreign = asset(session, cast.tana_tidung, "0777", name="Milik kantor lain")
        named = f"{foreign.code}.{foreign.register}"
        number = foreign.id
    change_id = running_app.change_at_step(LUMAJANG, Step.ASSET_REVIEW)
    review: dict[str, Any] = {"outcome": "changed", "assessment": "Dibandingkan"}
    for name in (named, str(number), f"{named} Milik kantor lain"):
        answer = running_app.visitor("pengelola").post(
            f"/admin/change/{change_id}/move", **review,
            **dict[str, Any]({"assets-0-asset": name, "assets-0-finding": "Direbut", "equipment-pc": "y"}),
        )  # fmt: skip
        assert answer.status_code == 422
        assert "Milik kantor lain" not in answer.text.replace(name, "")  # but for what was typed
    change_id = running_app.change_at_step(LUMAJANG, Step.ASSET_UPDATE)
    for name in (named, str(number)):
        fields: dict[str, Any] = {
            "mutations-0-kind": "retired",
            "mutations-0-asset": name,
            "mutations-0-value": "Direbut",
        }
        answer = running_app.visitor("pengelola").post(f"/admin/change/{change_id}/move", outcome="updated", **fields)
        assert answer.status_code == 422
    with running_app.session() as session:
        assert not session.get_one(Asset, number).is_retired
    page = running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert "Milik kantor lain" not in page
    assert named not in page


@pytest.mark.sqlite_alone
def test_an_installation_with_one_reader_s_agency_never_names_the_other(
    running_app: RunningApp, everything: dict[str, Belongings]
) -> None:
    with running_app.session() as session:
        cast = running_app.cast(session)
        name = cast.tana_tidung.agency.name
        assert name != cast.lumajang.agency.name
    for who in (*REQUESTERS[:2], *OFFICE):
        visitor = running_app.visitor(who)
        for path in (
            "/",
            *(f"/admin/{screen}/" for screen in SCREENS),
            *CALENDARS,
            "/profile",
            "/admin/change/export/csv/",
        ):
            assert name not in visitor.get(path).text, (who, path)


def test_the_trail_shows_the_office_a_draft_but_not_its_content(
    running_app: RunningApp, everything: dict[str, Belongings]
) -> None:
    own = everything["pemohon"]
    with running_app.session() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.rows.contains(own.draft_mark))).all()
        ids = [entry.id for entry in entries]
    assert ids
    for name in ("kepala", "pemeriksa", "administrator", "admin"):
        for id_ in ids:
            answer = running_app.visitor(name).get(f"/admin/audit/details/?id={id_}")
            assert answer.status_code == 200
            assert own.draft_mark not in answer.text
            assert "Dicatat: Permintaan" in answer.text


def test_a_thrown_away_draft_stays_unread(running_app: RunningApp) -> None:
    requester = running_app.visitor("pemohon")
    response = requester.post("/admin/change/new/", title="RAHASIADIBUANG", document=upload_file("RAHASIADIBUANG.pdf"))
    change_id = int(response.location.rpartition("=")[2])
    assert running_app.visitor("pemohon2").post("/admin/change/delete/", id=change_id).status_code == 404
    assert running_app.visitor("pengelola").post("/admin/change/delete/", id=change_id).status_code == 403
    assert requester.post("/admin/change/delete/", id=change_id).status_code == 303
    assert requester.get(f"/admin/change/details/?id={change_id}").status_code == 404
    for name in ("kepala", "pemeriksa"):
        assert "RAHASIADIBUANG" not in running_app.visitor(name).get("/admin/audit/export/csv/").text
        with running_app.session() as session:
            entries = session.scalars(select(AuditEntry.id).where(AuditEntry.rows.contains("RAHASIADIBUANG"))).all()
        for id_ in entries:
            assert "RAHASIADIBUANG" not in running_app.visitor(name).get(f"/admin/audit/details/?id={id_}").text
