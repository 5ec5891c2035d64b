"""The composition root: puts the parts together, and serves them when it is run."""

from __future__ import annotations

import datetime as dt
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Flask
from flask_migrate import Migrate, upgrade
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.exc import SQLAlchemyError

import demo
from lpse_admin import config
from lpse_admin.accounts.secrets.secret_box import SecretBox
from lpse_admin.i18n import _
from lpse_admin.start_notices import start_notices
from models.accounts.demo_password import accounts_with_demo_password
from models.accounts.factors import sealing
from models.accounts.factors.second_factor import encrypt_seeds
from models.audit import seal
from models.audit import trail as audit_trail
from models.audit.seal import KeyRing
from models.audit.trail import AuditContext
from models.database import db, protect_file, startup_lock
from models.integrity.clock import clock_error
from models.office.upload import set_upload_limit
from models.schema import upgrade_error
from models.triggers import changed_triggers
from views import commands
from views.accounts import password_reset, profile
from views.accounts.access import factors, sessions
from views.app import access, clock, errors, health, screens, security_log
from views.app.authentication import identity_provider, login, reauthentication
from views.app.http import compression, cookie_clock, head_requests, headers, hosts, proxies
from views.app.http.limits import export_limit, write_limit
from views.app.http.serving import Server
from views.app.scheduler import JOBS, LONG_JOBS, Scheduler
from views.audit import context, readings
from views.audit.verifying import alert_of_triggers
from views.forms import once
from views.help import guides
from views.i18n import language
from views.i18n.sop_titles import SopBabel
from views.i18n.wording import terminal_text
from views.inspection import making
from views.papers import check_page
from views.releases import calendar_feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpse_admin.i18n import Message

_ROOT = Path(__file__).resolve().parent
_MIGRATIONS = _ROOT / "models" / "migrations"
_MIB = 1024 * 1024
_IDLE = dt.timedelta(hours=8)
#: How waitress serves. An export waits for its reader at a megabyte: waitress would let 16 of them pile up in memory.
#: A browser keeps up to six connections open, so the default limit of 100 would serve sixteen people; 600 fit into the
#: 1,024 file descriptors that a process usually has. Idle and half-sent connections end after a minute.
SERVING: dict[str, Any] = {
    "threads": 24,
    "outbuf_high_watermark": _MIB,
    "connection_limit": 600,
    "channel_timeout": 60,
    "cleanup_interval": 10,
    "asyncore_use_poll": True,
    # No Server header: strangers need not know what serves.
    "ident": None,
}


def create_app(settings: config.Settings | None = None, *, clock: Callable[[], dt.datetime] | None = None) -> Flask:
    """Return the program, set up by ``settings`` (None: the environment's) and told the time by ``clock``."""
    chosen = settings or _settings()
    app = Flask(__name__, root_path=str(_ROOT), static_folder="views/static", template_folder="templates")
    app.config.update(_flask_settings(chosen))
    making.init_app(app, chosen.dossier_folder)
    head_requests.init_app(app)
    proxies.init_app(app, chosen.proxies)
    compression.init_app(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _set_clock(app, clock)
    protect_file(chosen.database_url)
    db.init_app(app)
    _arm_the_trail()
    seal.set_keys(KeyRing.of(chosen.audit_key or chosen.secret_key, _audit_keys(chosen)))
    set_upload_limit(chosen.upload_limit)
    sealing.set_box(SecretBox.of(chosen.secret_key, chosen.former_secret_keys))
    Migrate(app, db, directory=str(_MIGRATIONS), render_as_batch=True)
    SopBabel(app, locale_selector=language.current_language)
    cookie_clock.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    # The order of these is the order in which they look at a request.
    context.init_request_ids(app)
    hosts.init_app(app, chosen)
    health.init_app(app)
    write_limit.init_app(app)
    access.init_app(app, chosen)
    login.init_app(app)
    identity_provider.init_app(app, chosen)
    export_limit.init_app(app)
    security_log.init_app(app, chosen)
    CSRFProtect(app)
    context.init_app(app)
    reauthentication.init_app(app)
    once.init_app(app)
    readings.init_app(app)
    language.init_app(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(profile.blueprint)
    app.register_blueprint(factors.blueprint)
    app.register_blueprint(sessions.blueprint)
    app.register_blueprint(password_reset.blueprint)
    app.register_blueprint(calendar_feed.blueprint)
    app.register_blueprint(check_page.blueprint)
    app.register_blueprint(guides.blueprint)
    commands.init_app(app, demo.make_register)
    screens.register(app)
    return app


def _audit_keys(settings: config.Settings) -> tuple[str, ...]:
    """Return the keys with which older entries of the trail may be sealed."""
    return (settings.secret_key, *settings.former_audit_keys, *settings.former_secret_keys)


def _settings() -> config.Settings:
    """Return what the environment says, or end the program with a sentence for each fault."""
    try:
        return config.read_settings()
    except config.ConfigurationError as error:
        sys.stderr.writelines(f"{terminal_text(fault)}\n" for fault in error.faults)
        raise SystemExit(2) from None


def _flask_settings(settings: config.Settings) -> dict[str, object]:
    address, driver_options = config.driver_options(settings.database_url)
    return {
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.former_secret_keys),
        "SQLALCHEMY_DATABASE_URI": address,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "connect_args": driver_options,
            "pool_pre_ping": settings.database_url.startswith("postgresql"),
            # A connection for each thread of the server, and another for the export that it may stream.
            "pool_size": 8,
            "max_overflow": 2 * SERVING["threads"],
            "pool_timeout": 10,
        },
        # A browser takes a cookie of this prefix over HTTPS alone, from this host and for all of it.
        "SESSION_COOKIE_NAME": "lpse" if settings.is_demo else "__Host-lpse",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": not settings.is_demo,
        "PERMANENT_SESSION_LIFETIME": _IDLE,
        "SESSION_REFRESH_EACH_REQUEST": False,  # but every few minutes: views/app/access.py
        "MAX_CONTENT_LENGTH": 64 * _MIB,
        "MAX_UPLOAD_LENGTH": 256 * _MIB,  # of those who are logged in
        "MAX_FORM_MEMORY_SIZE": 2 * _MIB,
        "MAX_FORM_PARTS": 1000,
        "WTF_CSRF_TIME_LIMIT": None,  # good as long as the session
        "BABEL_DEFAULT_LOCALE": "id",
        "BABEL_TRANSLATION_DIRECTORIES": str(_ROOT / "views" / "translations"),
    }


def _set_clock(app: Flask, reading: Callable[[], dt.datetime] | None) -> None:
    clock.set_clock(app, reading)


@cache
def _arm_the_trail() -> None:
    """Make every session of this process tell the trail what it writes."""
    audit_trail.install_listeners(db.session)
    security_log.listen()


def serving_options(settings: config.Settings) -> dict[str, Any]:
    """Return the options of waitress. It removes what proxies say of the client, unless there are proxies of ours.

    What they say is read by ``views.app.http.proxies``, under any server; waitress itself trusts no proxy. The demo is
    told, since it refuses what is forwarded.
    """
    return {**SERVING, "clear_untrusted_proxy_headers": settings.proxies == 0 and not settings.is_demo}


def prepare(app: Flask, settings: config.Settings) -> None:
    """Bring the database to the present schema and, in the demo, put its first register into it.

    Raises ConfigurationError if the database is of a later version or not the program's, and in production while an
    account has the demo's password.
    """
    with app.app_context(), startup_lock(db.engine):
        with db.engine.connect() as connection:
            if (error := upgrade_error(connection)) is not None:
                raise config.ConfigurationError(error)
        upgrade()
        _encrypt_seeds()
        if settings.is_demo:
            demo.first_start(db.session(), clock.now())
        elif known := accounts_with_demo_password(db.session()):
            raise config.ConfigurationError(
                _(
                    "Accounts with the demo's password, which everybody knows: %(names)s. Disable them, or give each a "
                    "new password (flask user disable, flask user reset); production does not start before.",
                    names=", ".join(known),
                )
            )


def _encrypt_seeds() -> None:
    """Encrypt the seeds of second factors that are plain, or encrypted with a former key, with the present one."""
    session = db.session()
    context = AuditContext(at=clock.now(), actor_id=None, actor_name="Sistem", action="factor.encrypt")
    audit_trail.set_audit_context(session, context)
    if encrypt_seeds(session):
        session.commit()
    session.rollback()


def serve() -> None:
    """Prepare the database, say where the program is found, and serve it until it is stopped."""
    settings = _settings()
    app = create_app(settings)
    try:
        prepare(app, settings)
        server = Server(app, settings.host, settings.port, **serving_options(settings))
    except config.ConfigurationError as error:
        _stop(*error.faults)
    except SQLAlchemyError as error:
        _stop(_("The database cannot be used: %(reason)s", reason=str(error.__cause__ or error).strip()))
    except OSError as error:
        _stop(
            _(
                "http://%(host)s:%(port)s cannot be served (%(reason)s): see LPSE_HOST, LPSE_PORT.",
                host=settings.host,
                port=settings.port,
                reason=error.strerror or str(error),
            )
        )
    _announce(app, settings)
    _say_clock_error(app)
    _look_at_triggers(app)
    making.allow_worker(app)
    schedulers = [Scheduler(app, settings.scheduler_interval_seconds, jobs) for jobs in (JOBS, LONG_JOBS)]
    for scheduler in schedulers:
        scheduler.start()
    try:
        server.run_until_signal()
    finally:
        for scheduler in schedulers:
            scheduler.stop()
        making.stop_worker(app)


def _look_at_triggers(app: Flask) -> None:
    """Say, and tell heads and administrators, where the database lacks the program's triggers, or has others."""
    with app.app_context():
        with db.engine.connect() as connection:
            names = [name for name, _error in changed_triggers(connection)]
        if names:
            notice = _(
                "The database's own protection was changed (triggers: %(names)s). Somebody wrote past the program, or a"
                " backup was put back in another way: run flask audit verify.",
                names=", ".join(names),
            )
            sys.stderr.write(f"{terminal_text(notice)}\n")
            alert_of_triggers(names)


def _say_clock_error(app: Flask) -> None:
    """Say what speaks against the clock of this machine; the rounds of the scheduler compare it again."""
    with app.app_context():
        error = clock_error(db.session(), clock.now())
        db.session.remove()
    if error is not None:
        sys.stderr.write(f"{terminal_text(error)}\n")


def _stop(*reasons: Message) -> NoReturn:
    sys.stderr.writelines(f"{terminal_text(reason)}\n" for reason in reasons)
    raise SystemExit(1)


def _announce(app: Flask, settings: config.Settings) -> None:
    """Print where the program is found, whose accounts the demo has, and what to know of the settings in production."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    lines = [f"LPSE: http://{host}:{settings.port}"]
    if settings.is_demo:
        with app.app_context():
            lines += [
                f"  {account.username:<14} {account.password}   {account.full_name}, {account.agency or 'instalasi'}"
                for account in demo.accounts(db.session())
            ]
    lines += [f"  {terminal_text(notice)}" for notice in start_notices(settings)]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
