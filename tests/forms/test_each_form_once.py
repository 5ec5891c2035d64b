"""Every form of the program is taken once: sent again, it does no second thing and leads to what it did."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from sqlalchemy import func, select

from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from models.documents.document import Document
from models.listing.saved_view import SavedView
from models.notifications.mail import Mail, MailState
from models.notifications.notification import Notification, notify
from tests.support.cast import LUMAJANG, NOW, PASSWORD, asset, settings
from tests.support.program import OWN_PASSWORD
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture
from views.forms.once import _content_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.running_app import RunningApp

    #: Who sends the form, to which address, and with what; made by what has to be there before.
    Sent = tuple[str, str, dict[str, Any]]
    Case = Callable[[RunningApp], Sent]


def _password(_app: RunningApp) -> Sent:
    return "plh", "/profile/password", {"old": PASSWORD, "new": OWN_PASSWORD, "again": OWN_PASSWORD}


def _contact(running_app: RunningApp, phone: str = "0812 3456 7890") -> Sent:
    with running_app.session() as session:
        email = session.scalars(select(User.email).where(User.username == "pemohon")).one()
    return "pemohon", "/profile/contact", {"phone": phone, "email": email or ""}


def _confirm_factor(running_app: RunningApp) -> Sent:
    visitor = running_app.visitor("pemohon2")
    visitor.post("/profile/second-factor/offer", password=PASSWORD)
    seed = re.findall(r'<code class="key">([A-Z2-7]+)</code>', visitor.get("/profile/second-factor").text)[0]
    code = pyotp.TOTP(seed).at(running_app.now)
    return "pemohon2", "/profile/second-factor/confirm", {"code": code}


def _factor_off(_app: RunningApp) -> Sent:
    return "pemohon2", "/profile/second-factor/off", {"password": PASSWORD}


def _revoke_calendar(running_app: RunningApp) -> Sent:
    assert running_app.visitor("pengelola").post("/profile/calendar").status_code == 200
    return "pengelola", "/profile/calendar/revoke", {}


def _save_view(_app: RunningApp) -> Sent:
    return "pengelola", "/lists/change/", {"name": "Terbuka", "address": "state=open", "begins": "y"}


def _columns(_app: RunningApp) -> Sent:
    return "pengelola", "/lists/change/columns", {"address": "", "show": ["number", "title"]}


def _view_of(running_app: RunningApp) -> int:
    """Return the view that is saved, which is saved first where the form that does it is tried in another process."""
    known = select(SavedView.id).where(SavedView.name.in_(("Terbuka", "Masih terbuka")))
    with running_app.session() as session:
        found = session.scalars(known).first()
    if found is None:
        who, address, typed = _save_view(running_app)
        assert running_app.visitor(who).post(address, **typed).status_code == 303
        with running_app.session() as session:
            found = session.scalars(known).one()
    return found


def _rename_view(running_app: RunningApp) -> Sent:
    return "pengelola", f"/lists/change/{_view_of(running_app)}/alter", {"name": "Masih terbuka"}


def _default_view(running_app: RunningApp) -> Sent:
    return "pengelola", f"/lists/change/{_view_of(running_app)}/begin", {"standard": "y"}


def _discard_view(running_app: RunningApp) -> Sent:
    return "pengelola", f"/lists/change/{_view_of(running_app)}/discard", {}


def _several_taken_up(running_app: RunningApp) -> Sent:
    changes = [running_app.change_at_step(LUMAJANG, Step.EVALUATION) for _place in range(2)]
    with running_app.session() as session:
        of_both = Activity.change_id.in_(changes), Activity.step == Step.EVALUATION
        ids = session.scalars(select(Activity.id).where(*of_both)).all()
    return "pengelola", "/admin/evaluation/action/", {"action": "take-up", "go": "y", "id": [str(id_) for id_ in ids]}


def _mail_again(running_app: RunningApp) -> Sent:
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, running_app.change_at_step(LUMAJANG, Step.EVALUATION))
        user = session.scalars(select(User).where(User.username == "pengelola")).one()
        user.email = "pengelola@lpse.example"
        notify(session, Event.OVERDUE, [user], now=NOW, key="lagi", change=change)
        mail = session.scalars(select(Mail).order_by(Mail.id.desc())).first()
        assert mail is not None
        mail.state = MailState.FAILED
        notification = session.scalars(select(Notification.id).where(Notification.mail.has(id=mail.id))).one()
        session.commit()
    return "administrator", f"/admin/mail/{notification}/again", {}


def _remove_file(running_app: RunningApp) -> Sent:
    change_id, visitor = running_app.change_at_step(LUMAJANG, Step.EVALUATION), running_app.visitor("pengelola")
    version = str(running_app.step_and_version(change_id)[1])
    visitor.post(f"/admin/change/{change_id}/save", version=version, document=upload_file("catatan.pdf"))
    with running_app.session() as session:
        mine = Document.change_id == change_id, Document.name == "catatan.pdf"
        document = session.scalars(select(Document.id).where(*mine)).one()
    return "pengelola", f"/admin/document/{document}/remove", {"confirm": "yes"}


def _asset_row(running_app: RunningApp) -> Sent:
    change_id = running_app.change_at_step(LUMAJANG, Step.ASSET_UPDATE)
    with running_app.session() as session:
        item = asset(session, running_app.cast(session).lumajang, secrets.token_hex(2)).id
    form_values = {"value": "Gudang", "version": str(running_app.step_and_version(change_id)[1])}
    return "pengelola", f"/admin/asset-update/{change_id}/item?kind=moved&asset={item}", form_values


def _asset_row_out(running_app: RunningApp) -> Sent:
    who, address, typed = _asset_row(running_app)
    assert running_app.visitor(who).post(address, **typed).status_code == 303
    change_id = int(address.split("/")[3])
    version = str(running_app.step_and_version(change_id)[1])
    return who, f"/admin/asset-update/{change_id}/item/remove", {"row": "1", "version": version}


def _edited(running_app: RunningApp, start: str = "paper-tana-tidung-2017") -> int:
    """Return an SOP that is being edited."""
    answer = running_app.visitor("kepala").post("/admin/edited-sop/new/", start=start)
    assert answer.status_code == 303, answer.text
    return int(answer.location.rpartition("=")[2])


def _edited_settings(running_app: RunningApp) -> Sent:
    address = f"/admin/edited-sop/{_edited(running_app)}/settings"
    return "kepala", address, {"version": "1", "clock": "arrival", "deviations": "y"}


def _edited_row_up(running_app: RunningApp) -> Sent:
    address = f"/admin/edited-sop/{_edited(running_app)}/change"
    return "kepala", address, {"version": "1", "do": "row-remove", "place": "5"}


def _edited_remedy(running_app: RunningApp) -> Sent:
    _who, address, typed = _edited_row_up(running_app)
    assert running_app.visitor("kepala").post(address, **typed).status_code == 303
    # The first is the signatory, for which there is no button.
    return "kepala", address.replace("change", "remedy"), {"version": "2", "fault": "1", "remedy": "0"}


def _edited_loaded(running_app: RunningApp) -> Sent:
    return "kepala", f"/admin/edited-sop/{_edited(running_app, f'paper-{LUMAJANG}')}/load", {"version": "1"}


def _threshold(_app: RunningApp) -> Sent:
    return "administrator", "/admin/setting/threshold", {"warning_share": "70", "reason": "Lebih awal"}


def _ramadan_out(running_app: RunningApp) -> Sent:
    with running_app.session() as session:
        month = settings(session, running_app.cast(session).lumajang)[2].id
    return "administrator", f"/admin/setting/ramadan/{month}/remove", {"reason": "Salah tahun"}


def _comment(running_app: RunningApp) -> Sent:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    return "pengelola", f"/admin/change/{change_id}/comment", {"text": "Kapan server dimatikan?", "addressee_id": ""}


def _user(_app: RunningApp) -> Sent:
    form_values = {
        "full_name": "Orang Baru",
        "username": "orang.baru",
        "roles": "requester",
        "password": "tujuh bebek di sawah pagi",
    }
    return "administrator", "/admin/user/new/", form_values


def _dossier(_app: RunningApp) -> Sent:
    return "pemeriksa", "/admin/inspection/", {"from": "2026-01-01", "until": "2026-01-31"}


CASES: dict[str, Case] = {
    "inspection.ask": _dossier,
    "profile.change_password": _password,
    "profile.change_contact": _contact,
    "factors.confirm_codes": _confirm_factor,
    "factors.turn_off": _factor_off,
    "feed.revoke_address": _revoke_calendar,
    "saved_view.create": _save_view,
    "saved_view.columns": _columns,
    "saved_view.edit": _rename_view,
    "saved_view.set_default": _default_view,
    "saved_view.delete": _discard_view,
    "evaluation.action_view": _several_taken_up,
    "mail.resend": _mail_again,
    "document.remove": _remove_file,
    "asset-update.item": _asset_row,
    "asset-update.remove_item": _asset_row_out,
    "setting.threshold": _threshold,
    "setting.remove_ramadan": _ramadan_out,
    "change.comment": _comment,
    "user.create_view": _user,
    "edited-sop.settings": _edited_settings,
    "edited-sop.change": _edited_row_up,
    "edited-sop.remedy": _edited_remedy,
    "edited-sop.load": _edited_loaded,
}

#: Forms that say how something shall be, or that only look: a second time it is so already. A new calendar address
#: and a new key of a second factor take the place of the first, and are shown at once, never again. A paper is printed
#: as often as somebody asks for it.
REPEATABLE = frozenset(
    {
        "access.login", "access.logout", "access.first_password", "language.choose", "password_reset.ask",
        "password_reset.show", "profile.choose_mail", "profile.choose_colours", "profile.choose_csv_separator",
        "factors.offer_codes", "factors.offer_passkey", "factors.make_codes", "sessions.end", "sessions.end_others",
        "access.enter_second_step", "feed.create", "notification.open", "notification.read_all",
        "asset-import.layout", "asset-period.signatories", "paper-setting.layout", "paper-setting.letterhead",
        "paper-setting.restore", "paper.print_one", "paper.print_sop", "paper.print_step",
    }
)  # fmt: skip
#: Forms that other tests send twice (tests/forms/test_once.py), and those that are handled as one of ``CASES`` is.
TRIED_ELSEWHERE = frozenset(
    {
        "change.create_view", "change.edit_view", "change.delete_view", "change.move", "change.save", "change.take_up",
        "change.reassign", "deviation.dispose", "deviation.follow_up", "sop.create_view", "sop.enact",
        "setting.ramadan", "setting.files", "setting.digest", "setting.anchors", "release.actual",
        "integrity.run_now", "factors.add", "factors.remove", "edited-sop.head", "edited-sop.actors", "edited-sop.row",
        "edited-sop.new_row", "edited-sop.field", "edited-sop.new_field",
        "change.consent",
    }
)  # fmt: skip
#: The addresses of the list engine: one function for all screens.
_OF_THE_ENGINE = frozenset({"create_view", "edit_view", "delete_view", "action_view", "ajax_update"})


def trail_length(running_app: RunningApp) -> int:
    with running_app.session() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


@pytest.mark.parametrize("endpoint", CASES)
def test_a_form_that_is_sent_again_does_nothing_and_leads_to_what_it_did(
    endpoint: str, running_app: RunningApp
) -> None:
    who, address, typed = CASES[endpoint](running_app)
    visitor, form_id = running_app.visitor(who), secrets.token_hex(16)
    first = visitor.post(address, form_id=form_id, **typed)
    assert first.status_code in {200, 303}, re.findall(r"field-error.*?<span>(.*?)</span>", first.text, re.DOTALL)
    visitor.token = ""
    before = trail_length(running_app)
    again = visitor.post(address, form_id=form_id, **typed)
    assert again.status_code == 303, again.text
    assert first.status_code == 200 or again.location == first.location
    assert trail_length(running_app) == before
    assert "Sudah terkirim" in visitor.get(again.location).text


def test_every_form_is_tried_here_or_may_be_sent_again(running_app: RunningApp) -> None:
    actions = {
        f"{screen.endpoint}.{one.endpoint}"
        for screen in running_app.app.extensions["admin"][0]._views
        for one in getattr(screen, "record_actions", ())
    }
    for rule in running_app.app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.endpoint.rpartition(".")[2] in _OF_THE_ENGINE:
            continue
        assert rule.endpoint in {*CASES, *REPEATABLE, *TRIED_ELSEWHERE, *actions}, rule.endpoint


@pytest.mark.sqlite_alone
def test_the_forms_of_a_list_have_ids(running_app: RunningApp) -> None:
    running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    page = running_app.visitor("pengelola").get("/admin/evaluation/?state=open").text
    for form in ("list-save", "list-columns", "bulk"):
        assert 'name="form_id"' in page.partition(f'id="{form}"')[2].partition("</form>")[0], form


@pytest.mark.sqlite_alone
def test_no_password_can_be_guessed_from_what_is_kept_of_a_form(running_app: RunningApp) -> None:
    """The hash that is kept of what was sent is keyed: nobody can try it without the installation's key."""
    hashes = []
    for key in ("a" * 32, "b" * 32):
        running_app.app.config["SECRET_KEY"], former = key, running_app.app.config["SECRET_KEY"]
        with running_app.app.test_request_context("/profile/contact", method="POST", data={"phone": "1"}):
            hashes.append(_content_hash())
        running_app.app.config["SECRET_KEY"] = former
    assert hashes[0] != hashes[1]
