"""Every address of the program, each in one table: who may come in, and that looking changes nothing.

Whom the table lets in is decided before a statement is sent: that is tried on SQLite alone, every page on both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import column, func, select

from lpse_admin.accounts.permissions import Resource, Verb, is_granted
from lpse_admin.accounts.roles import Role
from lpse_admin.sop import bundled_sops
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.administration.account_request import AccountRequest
from models.administration.operations import reset_account
from models.assessment.finding import AssessorFinding
from models.audit.trail import AuditEntry
from models.base import Base
from models.changes.change import ChangeRequest
from models.changes.comment import Comment, add_comment
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity, OwnStep
from models.delegation.absence import Absence
from models.delegation.delegation import Delegation
from models.deviations.deviation import Deviation
from models.documents.document import Document
from models.inspection.dossier import Dossier
from models.integrity.record import VerificationFinding
from models.inventory.asset import Asset
from models.inventory.code_list import AssetCode
from models.inventory.period import AssetPeriod
from models.inventory.room import Room
from models.notifications.notification import Notification
from models.office.office_day import OfficeDay
from models.office.working_hours import WorkingHours
from models.papers.printed import PaperPrint
from models.papers.trusted_certificate import TrustedCertificate
from models.releases.freeze import Freeze
from models.retention.archive_reference import ArchiveReference
from models.retention.destruction import Destruction
from models.retention.hold import Hold
from models.retention.rule import RetentionRule
from models.self_check.finding import SelfCheckFinding
from models.sops.appointment import Appointment
from models.sops.editing import EditedSop
from models.sops.sop import SopRevision
from models.takeover.asset_import import AssetImport
from tests.support.cast import (
    LUMAJANG,
    NOW,
    absence,
    asset,
    delegation,
    deviation,
    freeze,
    move_through,
    new_change,
    set_test_audit_context,
    settings,
)
from tests.support.pages.records import (
    add_appointments,
    add_asset_records,
    add_edited_sop,
    add_finding,
    add_paper_settings,
    add_retention_records,
    print_paper,
    run_checks,
)
from tests.support.present import present
from tests.support.program import Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from werkzeug.routing import Rule

    from tests.support.running_app import RunningApp

PUBLIC = "public"
ANYBODY = "anybody who is logged in"
BY_ADDRESS = "whoever knows the secret part of the address"
NOBODY = "nobody: Flask-Admin's address, shut"

#: Every screen of records has these.
SCREEN = {
    "index_view": Verb.READ,
    "details_view": Verb.READ,
    "export": Verb.EXPORT,
    "create_view": NOBODY,
    "edit_view": NOBODY,
    "delete_view": NOBODY,
    "action_view": NOBODY,
    "ajax_lookup": NOBODY,
    "ajax_update": NOBODY,
}

#: What is open beside them, or instead. Moves and what is kept follow from the paper: those who read may knock.
ROUTES: dict[str, object] = {
    "static": PUBLIC,
    "access.login": PUBLIC,
    "access.enter_second_step": PUBLIC,
    "password_reset.ask": PUBLIC,
    "password_reset.show": BY_ADDRESS,
    "health.healthz": PUBLIC,
    "language.choose": PUBLIC,
    "home.index": ANYBODY,
    "search.show": ANYBODY,
    "admin.index": ANYBODY,
    "access.logout": ANYBODY,
    "access.first_password": ANYBODY,
    "help.index": ANYBODY,
    "help.show": ANYBODY,
    "help.about_step": ANYBODY,
    "profile.show": ANYBODY,
    "profile.change_password": ANYBODY,
    "profile.change_contact": ANYBODY,
    "profile.choose_mail": ANYBODY,
    "profile.choose_colours": ANYBODY,
    "profile.choose_csv_separator": ANYBODY,
    "factors.show": ANYBODY,
    "factors.offer_codes": ANYBODY,
    "factors.confirm_codes": ANYBODY,
    "factors.turn_off": ANYBODY,
    "factors.make_codes": ANYBODY,
    "factors.offer_passkey": ANYBODY,
    "factors.add": ANYBODY,
    "factors.remove": ANYBODY,
    "sessions.show": ANYBODY,
    "sessions.end": ANYBODY,
    "sessions.end_others": ANYBODY,
    "user.reset_factor": Verb.EDIT,
    "user.end_sessions": Verb.EDIT,
    "change.create_view": Verb.CREATE,
    "change.edit_view": Verb.EDIT,
    "change.delete_view": Verb.DELETE,
    "change.move": Verb.READ,
    "change.save": Verb.READ,
    "change.take_up": Verb.READ,
    "change.reassign": Verb.READ,
    "change.comment": Verb.READ,
    "change.consent": Verb.READ,
    "change.copy": Verb.CREATE,
    "change.correct_clock": Verb.READ,
    "deviation.dispose": Verb.READ,
    "deviation.follow_up": Verb.READ,
    "evaluation.edit_view": Verb.READ,
    "urgency.edit_view": Verb.READ,
    "approval.edit_view": Verb.READ,
    "implementation.edit_view": Verb.READ,
    "test.edit_view": Verb.READ,
    "rollback.edit_view": Verb.READ,
    "report.edit_view": Verb.READ,
    "verification.edit_view": Verb.READ,
    "release.edit_view": Verb.READ,
    "release.actual": Verb.EDIT,
    "release.correct_actual": Verb.EDIT,
    "release.move_window": Verb.EDIT,
    "release.set_aside": Verb.EDIT,
    "asset-update.item": Verb.EDIT,
    "asset-update.remove_item": Verb.EDIT,
    "asset-review.edit_view": Verb.READ,
    "asset-update.edit_view": Verb.READ,
    "own-step.edit_view": Verb.READ,
    "asset.create_view": Verb.CREATE,
    "asset.edit_view": Verb.EDIT,
    "asset-code.create_view": Verb.CREATE,
    "asset-import.create_view": Verb.CREATE,
    "asset-import.apply_list": Verb.EDIT,
    "asset-import.discard": Verb.EDIT,
    "asset-import.undo": Verb.EDIT,
    "asset-import.layout": Verb.EDIT,
    "asset-period.create_view": Verb.CREATE,
    "asset-period.signatories": Verb.EDIT,
    "asset-period.sheets": Verb.READ,
    "asset-period.card": Verb.EXPORT,
    "asset-period.room": Verb.EXPORT,
    "asset-period.half_year": Verb.EXPORT,
    "room.create_view": Verb.CREATE,
    "room.edit_view": Verb.EDIT,
    "document.file": Verb.READ,
    "document.preview": Verb.READ,
    "document.remove": Verb.READ,
    "document.erase": Verb.EDIT,
    "retention.create_view": Verb.CREATE,
    "retention.edit_view": Verb.EDIT,
    "hold.create_view": Verb.CREATE,
    "hold.lift": Verb.EDIT,
    "destruction.create_view": Verb.CREATE,
    "destruction.approve": Verb.EDIT,
    "destruction.refuse": Verb.EDIT,
    "archive-reference.create_view": Verb.CREATE,
    "archive-reference.edit_view": Verb.EDIT,
    "delegation.create_view": Verb.CREATE,
    "delegation.withdraw": Verb.EDIT,
    "appointment.create_view": Verb.CREATE,
    "appointment.end": Verb.EDIT,
    "absence.create_view": Verb.CREATE,
    "absence.end": Verb.EDIT,
    "release.calendar": Verb.READ,
    "release.window": Verb.EDIT,
    "freeze.create_view": Verb.CREATE,
    "freeze.edit_view": Verb.EDIT,
    "freeze.lift": Verb.EDIT,
    "freeze.permit": Verb.READ,
    "feed.show": BY_ADDRESS,
    "feed.create": ANYBODY,
    "feed.revoke_address": ANYBODY,
    "paper.file_paper": Verb.EDIT,
    "paper.of_change": Verb.READ,
    "paper.print_one": Verb.READ,
    "paper.print_all": Verb.READ,
    "paper.print_step": Verb.READ,
    "paper.print_sop": Verb.READ,
    "paper.draft": Verb.READ,
    "paper.signed": Verb.READ,
    "paper_check.show": BY_ADDRESS,
    "paper-setting.create_view": Verb.CREATE,
    "paper-setting.remove": Verb.EDIT,
    "paper-setting.letterhead": Verb.EDIT,
    "paper-setting.layout": Verb.EDIT,
    "paper-setting.preview": Verb.READ,
    "paper-setting.restore": Verb.EDIT,
    "sop.create_view": Verb.CREATE,
    "sop.enact": Verb.ENACT,
    "sop.download": Verb.READ,
    "sop.bpmn": Verb.READ,
    "sop.compare": Verb.READ,
    "sop.template": Verb.CREATE,
    "sop.trial": Verb.CREATE,
    "sop.trial_file": Verb.CREATE,
    "edited-sop.create_view": Verb.CREATE,
    "edited-sop.delete_view": Verb.DELETE,
    "edited-sop.head": Verb.EDIT,
    "edited-sop.settings": Verb.EDIT,
    "edited-sop.actors": Verb.EDIT,
    "edited-sop.row": Verb.EDIT,
    "edited-sop.new_row": Verb.EDIT,
    "edited-sop.field": Verb.EDIT,
    "edited-sop.new_field": Verb.EDIT,
    "edited-sop.change": Verb.EDIT,
    "edited-sop.remedy": Verb.EDIT,
    "edited-sop.load": Verb.EDIT,
    "edited-sop.compare": Verb.READ,
    "edited-sop.download": Verb.READ,
    "notification.latest": Verb.READ,
    "notification.open": Verb.READ,
    "notification.read_all": Verb.READ,
    "mail.resend": Verb.EDIT,
    "user.create_view": Verb.CREATE,
    "user.edit_view": Verb.EDIT,
    "user.password": Verb.EDIT,
    "account-request.approve": Verb.EDIT,
    "account-request.refuse": Verb.EDIT,
    "account-request.withdraw": Verb.EDIT,
    "delegation.confirm": Verb.EDIT,
    "user.disable": Verb.EDIT,
    "user.hand_over_requests": Verb.EDIT,
    "user.enable": Verb.EDIT,
    "holiday.create_view": Verb.CREATE,
    "holiday.edit_view": Verb.EDIT,
    "holiday.delete_view": Verb.DELETE,
    "setting.create_view": Verb.CREATE,
    "setting.edit_view": Verb.EDIT,
    "setting.delete_view": Verb.DELETE,
    "setting.ramadan": Verb.EDIT,
    "setting.remove_ramadan": Verb.DELETE,
    "setting.threshold": Verb.EDIT,
    "setting.files": Verb.EDIT,
    "setting.digest": Verb.EDIT,
    "setting.anchors": Verb.EDIT,
    # What is done with several rows: those who read may knock, as at the single row's door.
    **dict.fromkeys(
        (
            "evaluation.action_view",
            "urgency.action_view",
            "implementation.action_view",
            "test.action_view",
            "rollback.action_view",
            "report.action_view",
            "release.action_view",
            "asset-review.action_view",
            "asset-update.action_view",
            "own-step.action_view",
            "deviation.action_view",
            "notification.action_view",
        ),
        Verb.READ,
    ),
    "mail.action_view": Verb.EDIT,
    "inspection.show": Verb.READ,
    "inspection.ask": Verb.EXPORT,
    "inspection.progress": Verb.READ,
    "finding.create_view": Verb.CREATE,
    "finding.edit_view": Verb.EDIT,
    "finding.act": Verb.EDIT,
    "finding.agree": Verb.EDIT,
    "integrity.run_now": Verb.EXPORT,
    "integrity.anchor": Verb.READ,
    "integrity.stamp": Verb.READ,
    # Whoever may read the list that is named; tests/listing/test_saved_views.py knocks as those who may not.
    "saved_view.index": ANYBODY,
    "saved_view.create": ANYBODY,
    "saved_view.columns": ANYBODY,
    "saved_view.edit": ANYBODY,
    "saved_view.set_default": ANYBODY,
    "saved_view.delete": ANYBODY,
}

#: Who knocks at every address, and as what.
PEOPLE = {
    "pemohon": Role.REQUESTER,
    "pengelola": Role.CHANGE_MANAGER,
    "kepala": Role.HEAD,
    "pemeriksa": Role.INSPECTOR,
    "administrator": Role.ADMINISTRATOR,
}
SCREENS = {resource.value for resource in Resource}


def classified(endpoint: str) -> object:
    """Return who may come in at an address; fails for one that nobody classified."""
    if endpoint in ROUTES:
        return ROUTES[endpoint]
    screen, _dot, tail = endpoint.partition(".")
    assert screen in SCREENS, f"nobody has classified {endpoint}"
    assert tail in SCREEN, f"nobody has classified {endpoint}"
    return SCREEN[tail]


#: What stands in the variable parts of an address; elsewhere the number of a record.
_VALUES = {"export_type": "csv", "filename": "app.css", "guide": "pemohon", "step": "evaluation", "screen": "change",
           "card": "B", "kind": "pdf", "key": "2025-2"}  # fmt: skip


def rules(running_app: RunningApp) -> Iterator[tuple[Rule, str, str]]:
    """Yield each rule with each of its methods and an address that it answers."""
    for rule in running_app.app.url_map.iter_rules():
        values = {name: _VALUES.get(name, "1") for name in rule.arguments}
        if rule.endpoint.startswith("paper-setting.") and "key" in values:
            values["key"] = "list"  # of a layout
        with running_app.app.test_request_context():
            _domain, path = present(rule.build(values))
        for method in sorted(present(rule.methods) - {"HEAD", "OPTIONS"}):
            query = "?id=1" if method == "GET" and path.endswith(("/details/", "/edit/")) else ""
            yield rule, method, path + query


def test_every_address_is_classified_and_nothing_is_classified_that_is_not_there(running_app: RunningApp) -> None:
    endpoints = {rule.endpoint for rule in running_app.app.url_map.iter_rules()}
    for endpoint in endpoints:
        classified(endpoint)
    assert set(ROUTES) <= endpoints


def test_a_stranger_is_sent_to_the_login_page_and_a_script_is_told_401(running_app: RunningApp) -> None:
    stranger = Visitor(running_app.app)
    for rule, method, path in rules(running_app):
        answers = {
            json: stranger.client.open(path, method=method, headers={"Accept": "application/json"} if json else {})
            for json in (False, True)
        }
        for answer in answers.values():
            answer.close()
        if classified(rule.endpoint) is BY_ADDRESS:
            # What is sent without the token of the form is refused before the address is looked up.
            expected = 404 if method == "GET" else 400
            assert {answer.status_code for answer in answers.values()} == {expected}, path
            continue
        if classified(rule.endpoint) is PUBLIC:
            # The second step of a login leads to the first one whoever has not taken that.
            leads = {303} if rule.endpoint == "access.enter_second_step" else set()
            assert {answer.status_code for answer in answers.values()} <= {200, 400} | leads, path
            continue
        assert answers[True].status_code == 401, path
        assert answers[True].get_json()["status"] == 401
        if method == "GET":
            assert answers[False].status_code == 302, path
            assert answers[False].location.startswith("/login"), path
        else:
            assert answers[False].status_code == 401, path


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("name", PEOPLE)
def test_nobody_comes_in_where_their_role_may_not(name: str, running_app: RunningApp) -> None:
    visitor, role = running_app.visitor(name), PEOPLE[name]
    for rule, method, path in rules(running_app):
        kind = classified(rule.endpoint)
        if kind in {PUBLIC, ANYBODY, BY_ADDRESS}:
            continue
        resource = Resource(rule.endpoint.partition(".")[0])
        reads = is_granted({role}, Verb.READ, resource)
        if isinstance(kind, Verb) and reads and is_granted({role}, kind, resource):
            continue
        answer = visitor.get(path, json=True) if method == "GET" else visitor.post(path, json=True)
        assert answer.status_code in ({403, 404} if reads else {403}), (path, answer.status_code)
        if kind is NOBODY and reads:
            assert answer.status_code == 404, path


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("name", ["pengelola", "admin"])
def test_no_post_is_taken_without_the_token_of_the_form(name: str, running_app: RunningApp) -> None:
    visitor = running_app.visitor(name)
    before = _everything(running_app)
    for _rule, method, path in rules(running_app):
        if method == "POST":
            answer = visitor.client.post(path, data={"outcome": "submitted"}, headers={"Accept": "application/json"})
            assert answer.status_code == 400, path
    forged = visitor.client.post("/profile/password", data={"csrf_token": "IjEi.x.y"}, headers={"X-CSRFToken": "x"})
    assert forged.status_code == 400
    assert _everything(running_app) == before


@pytest.mark.sqlite_alone
def test_no_address_takes_other_methods(running_app: RunningApp) -> None:
    visitor = running_app.visitor("admin")
    visitor.post("/language", lang="id")
    for index, (_rule, _method, path) in enumerate(rules(running_app)):
        method = ("PUT", "DELETE", "PATCH")[index % 3]
        headers = {"X-CSRFToken": visitor.token, "Accept": "application/json"}
        answer = visitor.client.open(path, method=method, headers=headers)
        assert answer.status_code == 405, (method, path)


def _everything(running_app: RunningApp) -> dict[str, object]:
    """Return how many rows every table has, and what the trail tells apart from exports, which it notes."""
    exports = AuditEntry.action.in_(("list.export", "inspection.download"))
    with running_app.session() as session:
        counts = {
            table.name: session.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
            if table.name not in {"audit_entry", "audit_chain"}
        }
        assert session.scalars(select(AuditEntry.rows).where(exports).distinct()).all() in ([], ["[]"])
        return {**counts, "trail": session.scalars(select(AuditEntry.hash).where(~exports)).all()}


@pytest.fixture(scope="module")
def furnished(running_app: RunningApp, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put a record behind every screen of both agencies, open steps and drafts among them."""
    with running_app.session() as session:
        cast = running_app.cast(session)
        for office in (cast.lumajang, cast.tana_tidung):
            asset(session, office)
            add_asset_records(session, office)
            add_paper_settings(session, office, tmp_path_factory.mktemp("certificates"))
            settings(session, office)
            delegation(session, office, office.manager2)
            absence(session, office)
            freeze(session, office)
            add_finding(session, office)
            new_change(session, office)
            closed = move_through(session, office, *WAY)
            print_paper(session, office, closed)
            add_retention_records(session, office, closed)
            add_edited_sop(session, office, TEXT_OF_SOP)
            add_appointments(session, office)
            add_comment(closed, by=office.requester, now=NOW, text="Terima kasih")
            session.commit()
            for steps in range(1, len(WAY)) if office is cast.lumajang else ():
                move_through(session, office, *WAY[:steps])
            deviation(session, office)
            run_checks(session, office)
            set_test_audit_context(session)
            reset_account(office.head, office.administrator, now=NOW, secret_key=None)
            session.commit()


TEXT_OF_SOP = dict(bundled_sops())[LUMAJANG]
#: One way through every step.
WAY = (
    Outcome.SUBMITTED, Outcome.RETURNED, Outcome.RESUBMITTED, Outcome.ACCEPTED, Outcome.EMERGENCY, Outcome.APPROVED,
    Outcome.DONE, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED, Outcome.NO_RELEASE,
    Outcome.CHANGED, Outcome.UPDATED,
)  # fmt: skip


@pytest.mark.usefixtures("furnished")
def test_looking_at_everything_changes_nothing(running_app: RunningApp) -> None:
    visitors = [running_app.visitor(name) for name in ("pemohon", "pengelola", "kepala", "admin")]
    with running_app.session() as session:
        ids: dict[str, Sequence[Any]] = {
            resource: session.scalars(select(column("id")).select_from(of).order_by(column("id"))).all()
            for resource, of in TABLES.items()
        }
    before = _everything(running_app)
    seen = set()
    for visitor in visitors:
        for rule, method, path in rules(running_app):
            if method != "GET" or classified(rule.endpoint) is NOBODY:
                continue
            screen = rule.endpoint.partition(".")[0]
            for id_ in (ids.get(screen) or [1])[:FEW]:
                answer = visitor.client.get(path.replace("id=1", f"id={id_}").replace("/1/", f"/{id_}/"))
                answer.close()
                assert answer.status_code < 500, path
                if answer.status_code == 200:
                    seen.add(rule.endpoint)
                if "id=" not in path and "/1/" not in path:
                    break
    assert _everything(running_app) == before
    opened = {
        rule.endpoint
        for rule, method, _path in rules(running_app)
        if method == "GET" and classified(rule.endpoint) is not NOBODY
    }
    # The last is asked with a request at its step: tests/releases/test_window_check.py.
    closed = {"admin.index", "access.login", "access.first_password", "feed.show", "password_reset.show"}
    # The second step is a form, which follows the first: tests/accounts/access/test_second_factor.py.
    closed.add("access.enter_second_step")
    # A dossier is downloaded when it was made: tests/inspection/test_dossier_page.py.
    closed.add("inspection.export")
    # The code of a paper is no number: tests/papers/test_papers_http.py.
    closed |= {"release.window", "change.copy", "paper_check.show"}
    # Nor is one a draft, which alone can be tried: tests/sops/trial.
    closed |= {"sop.trial", "sop.trial_file"}
    # No SOP here has steps of its own: tests/changes/own_steps.
    closed |= {"own-step.details_view", "own-step.edit_view"}
    assert opened - seen == closed


#: What an inspector may write: what is their own, and no record of the office.
OWN_TABLES = {
    "login", "notification", "user_account", "list_choice", "saved_view", "calendar_feed",
    "audit_job",  # that they asked for a verification
}  # fmt: skip


@pytest.mark.sqlite_alone
@pytest.mark.usefixtures("furnished")
def test_an_inspector_reads_everything_and_writes_nothing_but_what_is_their_own(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemeriksa")
    with running_app.session() as session:
        inspector = session.scalars(select(User).where(User.username == "pemeriksa")).one()
        own, chain = inspector.id, present(inspector.agency_id)
        ids: dict[str, Sequence[Any]] = {
            name: session.scalars(select(column("id")).select_from(of)).all() for name, of in TABLES.items()
        }
        open_moves = {
            change.id: next((move.outcome for move in change.sop.moves if move.origin is change.step), None)
            for change in session.scalars(select(ChangeRequest).where(ChangeRequest.agency_id == chain))
        }
    plausible = {"confirm": "yes", "reason": "Alasan", "text": "Catatan", "ids": "1", "lang": "id", "action": "take-up"}
    refused = {}
    for rule, method, path in rules(running_app):
        screen = rule.endpoint.partition(".")[0]
        if rule.endpoint in {"access.logout", "access.login", "language.choose", "profile.change_password"}:
            continue
        most = len(open_moves) if rule.endpoint == "change.move" else FEW - (method == "GET")
        for number in ids.get(screen, [1])[:most] if "/1" in path or "id=1" in path else [1]:
            address = path.replace("id=1", f"id={number}").replace("/1", f"/{number}")
            if method == "GET":
                answer = visitor.client.get(address)
            else:
                outcome = open_moves.get(number) if screen == "change" else None
                form = running_app.move_form(number, outcome) if outcome else {}
                answer = visitor.post(address, **plausible | {"id": str(number)} | form)
                refused[rule.endpoint] = answer.status_code
            answer.close()
            assert answer.status_code < 500, address
    with running_app.session() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.actor_id == own)).all()
        written = [(row["table"], row["id"]) for entry in entries for row in entry.row_changes]
        actions = {entry.action for entry in entries}
    assert {table for table, _id in written} <= OWN_TABLES
    assert {id_ for table, id_ in written if table == "user_account"} <= {str(own)}
    assert {"inspection.open", "list.export"} <= actions
    classified_as_own = {endpoint for endpoint in refused if classified(endpoint) in {ANYBODY, PUBLIC, BY_ADDRESS}}
    assert {refused[endpoint] for endpoint in refused.keys() - classified_as_own} <= {403, 404, 409, 422, 303, 400}


#: Records that each screen shows; the first of them are of all kinds.
TABLES = {
    **{step.value: record.__table__ for step, record in ACTIVITY_CLASSES.items() if not step.is_own},
    "own-step": OwnStep.__table__,
    "returned": select(Activity.id).where(Activity.step == Step.RETURNED).subquery(),
    "change": ChangeRequest.__table__,
    "comment": Comment.__table__,
    "asset": Asset.__table__,
    "asset-code": AssetCode.__table__,
    "asset-import": AssetImport.__table__,
    "asset-period": AssetPeriod.__table__,
    "room": Room.__table__,
    "document": Document.__table__,
    "paper": PaperPrint.__table__,
    "paper-setting": TrustedCertificate.__table__,
    "delegation": Delegation.__table__,
    "absence": Absence.__table__,
    "deviation": Deviation.__table__,
    "freeze": Freeze.__table__,
    "sop": SopRevision.__table__,
    "edited-sop": EditedSop.__table__,
    "appointment": Appointment.__table__,
    "notification": Notification.__table__,
    "mail": Notification.__table__,
    "user": User.__table__,
    "account-request": AccountRequest.__table__,
    "holiday": OfficeDay.__table__,
    "setting": WorkingHours.__table__,
    "audit": AuditEntry.__table__,
    "self-check": SelfCheckFinding.__table__,
    "finding": AssessorFinding.__table__,
    "inspection": Dossier.__table__,
    "integrity": VerificationFinding.__table__,
    "retention": RetentionRule.__table__,
    "hold": Hold.__table__,
    "destruction": Destruction.__table__,
    "archive-reference": ArchiveReference.__table__,
}
FEW = 3


@pytest.mark.usefixtures("furnished")
def test_a_head_request_is_answered_like_a_get_without_its_body(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    for path in ("/", "/admin/change/", "/admin/change/export/csv/", "/admin/audit/", "/healthz"):
        answer = visitor.client.head(path)
        assert (answer.status_code, answer.data) == (200, b"")


def test_what_is_not_there_is_404_for_everybody_and_says_nothing(running_app: RunningApp) -> None:
    for visitor in (Visitor(running_app.app), running_app.visitor("pemohon"), running_app.visitor("admin")):
        for path in ("/nowhere", "/admin/nowhere/", "/admin/change/1/nowhere", "/.env", "/admin/change/export/docx/",
                     "/static/../app.py", "/static/%2e%2e/app.py", "/admin/static/admin/js/actions.js"):  # fmt: skip
            answer = visitor.get(path)
            assert answer.status_code in {302, 404}, path
            assert answer.status_code == 404 or "/login" in answer.location
            assert "Traceback" not in answer.text
