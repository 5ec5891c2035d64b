"""The second factor: codes of an app, recovery codes, its reset, and of whom production demands one."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pyotp
from sqlalchemy import select

from app import create_app
from lpse_admin.accounts.secrets.passwords import DEMO_PASSWORD as PASSWORD
from lpse_admin.accounts.secrets.recovery_codes import CODES, format_code, make_secret, parse_code
from lpse_admin.accounts.secrets.secret_box import SecretBox
from lpse_admin.config import RunMode, Settings
from lpse_admin.notifications.events import Event
from models.accounts.factors.passkey import Passkey
from models.accounts.factors.recovery_code import RecoveryCode
from models.accounts.factors.sealing import set_box
from models.accounts.factors.second_factor import encrypt_seeds, is_factor_overdue
from models.accounts.user import User
from models.audit.trail import AuditContext, AuditEntry, set_audit_context
from models.database import db
from models.notifications.notification import Notification
from tests.support.present import present
from tests.support.program import OWN_PASSWORD, Visitor, close_app, give_own_passwords

if TYPE_CHECKING:
    from flask import Flask

    from tests.accounts.access.conftest import Clock

WRONG = "katakan-teman-dan-masuk"
PAGE = "/profile/second-factor"
SEED = re.compile(r'<code class="key">([A-Z2-7]{32})</code>')
CODE = re.compile(r'<code class="key">(\d+-[a-z2-9]{5}-[a-z2-9]{5})</code>')


def seed_of(visitor: Visitor) -> str:
    """Return the seed that is offered."""
    assert visitor.post(f"{PAGE}/offer", password=PASSWORD).status_code == 303
    return present(SEED.search(visitor.get(PAGE).text))[1]


def turn_on(visitor: Visitor, clock: Clock) -> tuple[str, list[str]]:
    """Turn the codes of an app on, and return their seed and the recovery codes."""
    seed = seed_of(visitor)
    answer = visitor.post(f"{PAGE}/confirm", code=pyotp.TOTP(seed).at(clock.time))
    assert answer.status_code == 200
    clock.forward(seconds=30)
    return seed, CODE.findall(answer.text)


def enter(program: Flask, code: str, username: str = "pemohon") -> int:
    """Log in with ``code`` in the form of the first step."""
    return Visitor(program).post("/login", username=username, password=PASSWORD, code=code).status_code


def enter_in_two_steps(program: Flask, code: str, username: str = "pemohon") -> tuple[int, str]:
    """Log in with ``code`` on the page of the second step; return the status and the page that follows."""
    visitor = Visitor(program)
    response = visitor.post("/login?next=/profile", username=username, password=PASSWORD)
    assert response.status_code == 401
    assert 'name="code"' in response.text
    visitor.token = ""
    answer = visitor.post("/login/second-step", code=code)
    return answer.status_code, answer.location or ""


def user_named(username: str) -> User:
    """Return a user, in the present session."""
    return db.session.scalars(select(User).where(User.username == username)).one()


def notified(program: Flask, username: str) -> list[Event]:
    """Return the events of the security of accounts that somebody was told."""
    with program.app_context():
        events = select(Notification.event).join(User).where(User.username == username).order_by(Notification.id)
        security = {Event.ACCOUNT_SECURITY, Event.SECURITY_ALERT, Event.ACCOUNT_CHANGED}
        return [one for one in db.session.scalars(events) if one in security]


def test_the_seed_is_shown_only_after_the_password_as_a_picture_and_as_text(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    assert visitor.post(f"{PAGE}/offer").status_code == 422
    assert visitor.post(f"{PAGE}/offer", password=WRONG).status_code == 422
    assert SEED.search(visitor.get(PAGE).text) is None
    assert visitor.post(f"{PAGE}/confirm", code="000000").status_code == 303  # nothing was offered
    seed = seed_of(visitor)
    page = visitor.get(PAGE).text
    assert 'src="data:image/svg+xml' in page
    assert f"secret={seed}" in page
    with visitor.client.session_transaction() as session:
        assert seed not in str(dict(session))


def test_an_offer_ends_after_a_quarter_of_an_hour_and_is_nobody_else_s(program: Flask, clock: Clock) -> None:
    visitor = Visitor(program, "pemohon")
    seed = seed_of(visitor)
    clock.forward(minutes=16)
    assert visitor.post(f"{PAGE}/confirm", code=pyotp.TOTP(seed).at(clock.time)).status_code == 303
    assert enter(program, "") == 303


def test_the_second_factor_is_on_with_its_first_code_and_each_code_opens_once(program: Flask, clock: Clock) -> None:
    visitor, elsewhere = Visitor(program, "pemohon"), Visitor(program, "pemohon")
    seed = seed_of(visitor)
    assert visitor.post(f"{PAGE}/confirm", code="12345").status_code == 422
    code = pyotp.TOTP(seed).at(clock.time)
    assert visitor.post(f"{PAGE}/confirm", code=code).status_code == 200
    assert visitor.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 302
    assert seed not in visitor.get(PAGE).text
    assert enter(program, code) == 401  # it has confirmed already
    clock.forward(hours=1)
    totp = pyotp.TOTP(seed)
    assert enter(program, totp.at(clock.time - dt.timedelta(minutes=2))) == 401
    fresh = totp.at(clock.time)
    assert enter(program, f"{fresh[:3]} {fresh[3:]}") == 303
    assert enter(program, fresh) == 401
    assert notified(program, "pemohon") == [Event.ACCOUNT_SECURITY]


def test_the_code_is_asked_for_after_the_password_and_leads_on_to_where_one_wanted(
    program: Flask, clock: Clock
) -> None:
    seed, _codes = turn_on(Visitor(program, "pemohon"), clock)
    assert enter_in_two_steps(program, "000000")[0] == 401
    assert enter_in_two_steps(program, pyotp.TOTP(seed).at(clock.time)) == (303, "/profile")
    assert Visitor(program).post("/login/second-step", code="000000").status_code == 303
    response = Visitor(program).post("/login", json=True, username="pemohon", password=PASSWORD)
    assert response.status_code == 401


def test_the_second_step_has_five_minutes_and_ends_with_a_new_password(program: Flask, clock: Clock) -> None:
    seed, _codes = turn_on(Visitor(program, "pemohon"), clock)
    for late in (True, False):
        visitor = Visitor(program)
        assert visitor.post("/login", username="pemohon", password=PASSWORD).status_code == 401
        visitor.token = ""
        if late:
            clock.forward(minutes=6)
        else:
            with program.app_context():
                set_audit_context(db.session(), AuditContext(clock.time, None, "test", "test"))
                user_named("pemohon").set_password(PASSWORD)
                db.session.commit()
        answer = visitor.post("/login/second-step", code=pyotp.TOTP(seed).at(clock.time))
        assert (answer.status_code, answer.location) == (303, "/login")


def test_wrong_codes_are_limited_in_the_second_step_and_where_a_factor_is_confirmed(
    program: Flask, clock: Clock
) -> None:
    visitor = Visitor(program, "pemohon2")
    seed_of(visitor)
    answers = [visitor.post(f"{PAGE}/confirm", code=f"00000{digit}").status_code for digit in range(5)]
    assert answers == [422] * 4 + [429]
    assert visitor.get("/profile").status_code == 302
    seed, codes = turn_on(Visitor(program, "pemohon"), clock)
    assert [enter_in_two_steps(program, f"{digit}-aaaaa-aaaaa")[0] for digit in range(1, 6)] == [401] * 5
    assert enter(program, codes[0]) == 429
    clock.forward(minutes=16)
    assert enter(program, pyotp.TOTP(seed).at(clock.time)) == 303


def test_ten_recovery_codes_are_shown_once_and_each_opens_once(program: Flask, clock: Clock) -> None:
    visitor = Visitor(program, "pemohon")
    _seed, codes = turn_on(visitor, clock)
    assert len(set(codes)) == CODES
    assert CODE.search(visitor.get(PAGE).text) is None
    with program.app_context():
        saved = db.session.scalars(select(RecoveryCode)).all()
        assert len(saved) == CODES
        assert all(code.code_hash.startswith("$argon2id$") for code in saved)
        trail = "".join(db.session.scalars(select(AuditEntry.rows)))
    assert not any(code.partition("-")[2].replace("-", "") in trail.replace("-", "") for code in codes)
    assert enter_in_two_steps(program, codes[2].upper().replace("-", " "))[0] == 303
    assert enter(program, codes[2]) == 401
    other = f"4{codes[4][1:]}"  # the secret of another number
    assert enter(program, other) == 401
    assert enter(program, codes[9]) == 303
    new = visitor.post(f"{PAGE}/codes", password=PASSWORD)
    assert len(CODE.findall(new.text)) == CODES
    assert enter(program, codes[5]) == 401
    assert enter(program, CODE.findall(new.text)[5]) == 303


def test_a_lost_app_is_replaced_for_the_password_and_recovery_codes_are_new(program: Flask, clock: Clock) -> None:
    first = Visitor(program, "kepala")
    former, former_codes = turn_on(first, clock)
    assert first.post(f"{PAGE}/offer", password=WRONG).status_code == 422
    assert SEED.search(first.get(PAGE).text) is None
    seed = seed_of(first)
    assert seed != former
    assert first.post(f"{PAGE}/confirm", code=pyotp.TOTP(former).at(clock.time)).status_code == 422
    assert enter(program, pyotp.TOTP(former).at(clock.time), "kepala") == 303, "the former app is on till then"
    clock.forward(seconds=30)
    answer = first.post(f"{PAGE}/confirm", code=pyotp.TOTP(seed).at(clock.time))
    codes = CODE.findall(answer.text)
    assert (answer.status_code, len(codes)) == (200, CODES)
    assert not set(codes) & set(former_codes)
    clock.forward(seconds=30)
    assert enter(program, pyotp.TOTP(former).at(clock.time), "kepala") == 401
    assert enter(program, former_codes[0], "kepala") == 401
    assert enter(program, pyotp.TOTP(seed).at(clock.time), "kepala") == 303
    assert enter(program, codes[0], "kepala") == 303


def test_the_second_factor_goes_off_for_the_password_and_ends_the_other_sessions(program: Flask, clock: Clock) -> None:
    visitor = Visitor(program, "kepala")
    _seed, codes = turn_on(visitor, clock)
    elsewhere = Visitor(program)
    assert elsewhere.post("/login", username="kepala", password=PASSWORD, code=codes[0]).status_code == 303
    assert visitor.post(f"{PAGE}/off").status_code == 422
    assert visitor.post(f"{PAGE}/off", password=WRONG).status_code == 422
    assert visitor.post(f"{PAGE}/off", password=PASSWORD).status_code == 303
    assert (visitor.get("/profile").status_code, elsewhere.get("/profile").status_code) == (200, 302)
    assert enter(program, "", "kepala") == 303
    with program.app_context():
        assert all(code.ended_at is not None for code in db.session.scalars(select(RecoveryCode)))
    assert Event.SECURITY_ALERT in notified(program, "admin")
    assert visitor.post(f"{PAGE}/off", password=PASSWORD).status_code == 409
    assert visitor.post(f"{PAGE}/codes", password=PASSWORD).status_code == 409


def test_an_administrator_resets_the_factor_of_a_lost_telephone_and_everybody_concerned_is_told(
    program: Flask, clock: Clock
) -> None:
    clerk, administrator = Visitor(program, "pemohon"), Visitor(program, "admin")
    turn_on(clerk, clock)
    with program.app_context():
        user_id = user_named("pemohon").id
    assert Visitor(program, "pengelola").post(f"/admin/user/{user_id}/reset-factor").status_code == 403
    assert administrator.post(f"/admin/user/{user_id}/reset-factor").status_code == 303
    assert clerk.get("/profile").status_code == 302
    assert enter(program, "") == 303
    assert notified(program, "pemohon")[-1] is Event.ACCOUNT_CHANGED
    assert Event.ACCOUNT_CHANGED in notified(program, "kepala")
    assert administrator.post(f"/admin/user/{user_id}/reset-factor").status_code == 409


def test_a_reset_of_the_password_offers_to_turn_off_a_passkey_alone(program: Flask) -> None:
    administrator = Visitor(program, "admin")
    with program.app_context():
        user = user_named("pemohon")
        page = f"/admin/user/{user.id}/password"
        at = dt.datetime.now(dt.UTC)
        set_audit_context(db.session(), AuditContext(at=at, actor_id=None, actor_name="tests", action="test"))
        key = Passkey(
            user_id=user.id, agency_id=user.agency_id, name="Telepon", added_at=at,
            credential_id="x", public_key="x", sign_count=0,
        )  # fmt: skip
        assert "without_second_factor" not in administrator.get(page).text
        db.session.add(key)
        db.session.commit()
    assert "without_second_factor" in administrator.get(page).text


def test_nobody_resets_their_own_factor(program: Flask, clock: Clock) -> None:
    administrator = Visitor(program, "admin")
    turn_on(administrator, clock)
    with program.app_context():
        user_id = user_named("admin").id
    assert administrator.post(f"/admin/user/{user_id}/reset-factor").status_code == 403


def test_alerts_of_one_kind_are_mailed_once_an_hour(program: Flask, clock: Clock) -> None:
    for hours, alerts in ((0, 1), (0, 1), (1, 2)):
        clock.forward(hours=hours)
        visitor = Visitor(program, "pemohon")
        turn_on(visitor, clock)
        assert visitor.post(f"{PAGE}/off", password=PASSWORD).status_code == 303
        assert notified(program, "admin").count(Event.SECURITY_ALERT) == alerts


def test_the_owner_is_told_of_many_refused_logins_once_an_hour(program: Flask, clock: Clock) -> None:
    for _time in range(7):
        Visitor(program).post("/login", username="kepala", password=WRONG)
    assert notified(program, "kepala") == [Event.ACCOUNT_SECURITY, Event.SECURITY_ALERT]
    for _time in range(7):
        Visitor(program).post("/login", username="tidak.ada", password=WRONG)
    assert notified(program, "admin") == [Event.SECURITY_ALERT]


# -- encryption and its keys -------------------------------------------------------------------------------------------


def test_seeds_are_encrypted_in_the_table_and_read_with_former_keys_until_they_are_encrypted_anew(
    program: Flask, clock: Clock
) -> None:
    seed, _codes = turn_on(Visitor(program, "pemohon"), clock)
    with program.app_context():
        stored = present(user_named("pemohon").totp_secret)
    assert seed not in stored
    set_box(SecretBox.of("y" * 32, ("x" * 32,)))
    assert enter(program, pyotp.TOTP(seed).at(clock.time)) == 303
    with program.app_context():
        set_audit_context(db.session(), AuditContext(clock.time, None, "test", "test"))
        assert encrypt_seeds(db.session()) == 1
        db.session.commit()
        assert encrypt_seeds(db.session()) == 0
    set_box(SecretBox.of("y" * 32))
    clock.forward(minutes=1)
    assert enter(program, pyotp.TOTP(seed).at(clock.time)) == 303
    set_box(SecretBox.of("z" * 32))
    clock.forward(minutes=1)
    assert enter(program, pyotp.TOTP(seed).at(clock.time)) == 401
    with program.app_context():
        assert encrypt_seeds(db.session()) == 0
    set_box(SecretBox.of("x" * 32))


def test_a_seed_that_a_former_version_stored_plain_opens_and_is_encrypted_at_the_start(
    program: Flask, clock: Clock
) -> None:
    seed = pyotp.random_base32()
    with program.app_context():
        set_audit_context(db.session(), AuditContext(clock.time, None, "test", "test"))
        user_named("pemohon").totp_secret = seed
        db.session.commit()
    assert enter(program, pyotp.TOTP(seed).at(clock.time)) == 303
    with program.app_context():
        set_audit_context(db.session(), AuditContext(clock.time, None, "test", "test"))
        assert encrypt_seeds(db.session()) == 1
        assert seed not in present(user_named("pemohon").totp_secret)


def test_a_code_is_read_however_it_is_typed() -> None:
    secret = make_secret()
    for number in range(1, CODES + 1):
        shown = format_code(number, secret)
        for typed in (shown, shown.upper(), shown.replace("-", ""), shown.replace("-", "  "), f" {shown}\n"):
            assert parse_code(typed) == (number, secret)
    for wrong in ("", "123456", "11-aaaaa-aaaaa", "0-aaaaa-aaaaa", "1-aaaaa-aaaa", "1-aaaaa-aaaa1", "x"):
        assert parse_code(wrong) is None


# -- of whom production demands one ------------------------------------------------------------------------------------


def production(program: Flask, clock: Clock) -> Flask:
    """Return the program in production on the same database; its users have OWN_PASSWORD."""
    give_own_passwords(program, clock.time)
    settings = Settings(
        run_mode=RunMode.PRODUCTION,
        database_url=program.config["SQLALCHEMY_DATABASE_URI"],
        secret_key="x" * 32,
    )
    return create_app(settings, clock=clock)


def https(app: Flask, username: str, **fields: Any) -> Visitor:
    """Log in over HTTPS."""
    visitor = Visitor(app)
    visitor.client.environ_base |= {"wsgi.url_scheme": "https", "HTTP_REFERER": "https://localhost/login"}
    answer = visitor.post("/login", username=username, password=OWN_PASSWORD, **fields)
    assert answer.status_code == 303, answer.text
    visitor.token = ""
    return visitor


def test_production_demands_a_factor_of_heads_and_administrators_after_fourteen_days(
    program: Flask, clock: Clock
) -> None:
    app = production(program, clock)
    head = https(app, "kepala")
    assert head.get("/").status_code == 200
    assert "paling lambat" in head.get(PAGE).text
    clock.forward(days=14, seconds=-1)
    assert https(app, "kepala").get("/").status_code == 200
    clock.forward(seconds=1)
    head = https(app, "kepala")
    for path in ("/", "/admin/change/", "/profile"):
        answer = head.get(path)
        assert (answer.status_code, answer.location) == (303, PAGE)
    assert head.get("/", json=True).status_code == 403
    assert head.post("/profile/colours", scheme="dark").status_code == 403
    assert https(app, "pemohon").get("/").status_code == 200
    assert head.post(f"{PAGE}/offer", password=OWN_PASSWORD).status_code == 303
    seed = present(SEED.search(head.get(PAGE).text))[1]
    assert head.post(f"{PAGE}/confirm", code=pyotp.TOTP(seed).at(clock.time)).status_code == 200
    assert head.get("/").status_code == 200
    assert head.post(f"{PAGE}/off", password=OWN_PASSWORD).status_code == 403
    close_app(app)


def test_the_demo_demands_no_factor(program: Flask, clock: Clock) -> None:
    Visitor(program, "kepala")
    clock.forward(days=30)
    assert Visitor(program, "kepala").get("/").status_code == 200
    with program.app_context():
        assert user_named("kepala").factor_due_at is None
        assert not is_factor_overdue(user_named("kepala"), clock.time)
