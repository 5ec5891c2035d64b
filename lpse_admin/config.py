"""The settings of an installation, read from environment variables at startup and validated."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import ssl
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lpse_admin.accounts.identity_provider import IdentityProvider, parse_identity_provider
from lpse_admin.i18n import _
from lpse_admin.notifications import smtp_url as notifications_smtp_url
from lpse_admin.notifications.addresses import read_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpse_admin.i18n import Message

_T = TypeVar("_T")

#: The version of the program, as in the changelog.
VERSION = "0.2.0"

#: The shortest secret key, in bytes.
MIN_SECRET_KEY_BYTES = 32

_INSTANCE_FOLDER = Path(__file__).resolve().parent.parent / "instance"
_MAX_PORT = 65_535
_MAX_SCHEDULER_INTERVAL = 86_400
_MAX_PROXIES = 9
_UPLOAD_LIMIT = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")
_LOGIN_LIMIT = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,4})")
_POSTGRESQL_SCHEME = re.compile(r"postgres(ql)?://")
_PREPARE_THRESHOLD = re.compile(r"(?<=[?&])prepare_threshold=([^&]*)&?")


class ConfigurationError(Exception):
    """Invalid settings: a sentence for each, which names the variable and says what it must be."""

    def __init__(self, *faults: Message) -> None:
        """Store the sentences."""
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class RunMode(StrEnum):
    """The mode in which the program runs."""

    DEMO = "demo"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class LoginLimit:
    """The most failed logins in a number of minutes."""

    failures: int = 5
    minutes: int = 15


@dataclass(frozen=True, slots=True)
class UploadLimit:
    """The most that a user, and all users of an office, may send in files on a day, in MiB."""

    user_mib: int = 500
    office_mib: int = 2000


@dataclass(frozen=True, slots=True)
class ScannerAddress:
    """Where clamd listens: a socket in the file system, or a port."""

    path: str = ""
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of an installation; ``read_settings`` reads them."""

    run_mode: RunMode
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 5000
    base_url: str | None = None
    smtp_url: str | None = field(default=None, repr=False)
    #: The virus scanner that every file has to pass; None for none.
    scanner: ScannerAddress | None = None
    #: Parsed from ``smtp_url``; None if mail stays in the outbox.
    mail_server: notifications_smtp_url.MailServer | None = None
    #: Seconds between two runs of the scheduler.
    scheduler_interval_seconds: int = 60
    login_limit: LoginLimit = LoginLimit()
    upload_limit: UploadLimit = UploadLimit()
    #: The number of trusted reverse proxies, whose X-Forwarded headers are used.
    proxies: int = 0
    #: Who else may say who somebody is, at the login; None for nobody.
    identity_provider: IdentityProvider | None = None
    time_zone: str | None = None
    #: What the seals of the audit trail are made with, where it is not the secret key; and former ones, and former
    #: secret keys, which verify older seals.
    audit_key: str | None = field(default=None, repr=False)
    former_audit_keys: tuple[str, ...] = field(default=(), repr=False)
    #: Secret keys of before: what they have signed or encrypted is still read.
    former_secret_keys: tuple[str, ...] = field(default=(), repr=False)
    #: The file of the security log, "-" for the standard error; None for none.
    security_log: str | None = None
    #: To whom the anchors of the whole installation are mailed each day.
    anchor_addresses: tuple[str, ...] = ()
    #: The server that stamps the anchors with a time (RFC 3161), and the certificates that its own leads to.
    tsa_url: str | None = None
    tsa_ca: str | None = None
    #: Where inspection dossiers are kept, where it is not the usual folder.
    chosen_dossier_folder: Path | None = None

    @property
    def dossier_folder(self) -> Path:
        """Where inspection dossiers are kept for some days: beside the file of SQLite, else in the instance folder."""
        if self.chosen_dossier_folder is not None:
            return self.chosen_dossier_folder
        kind, _scheme, location = self.database_url.partition("://")
        file = Path(location.removeprefix("/")) if kind == "sqlite" and location else Path(location.rpartition("/")[2])
        return _INSTANCE_FOLDER / file.parent / f"{file.name.partition('?')[0] or 'memory'}.dossiers"

    @property
    def is_demo(self) -> bool:
        """Whether the program runs as a demo, with known accounts."""
        return self.run_mode is RunMode.DEMO


def read_settings(variables: Mapping[str, str] | None = None, *, instance: Path = _INSTANCE_FOLDER) -> Settings:
    """Return the settings in ``variables`` (default: the environment).

    ``instance`` is the folder of the default database and secret key. Raises ConfigurationError with all faults.
    """
    given = {name: value.strip() for name, value in (os.environ if variables is None else variables).items()}
    faults: list[Message] = []

    def read(parse: Callable[..., _T], variable: str, *others: object, otherwise: _T) -> _T:
        try:
            return parse(given.get(variable, ""), *others)
        except ConfigurationError as error:
            faults.extend(error.faults)
            return otherwise

    run_mode = read(_run_mode, "LPSE_ENV", otherwise=RunMode.PRODUCTION)
    base_url = read(_base_url, "LPSE_BASE_URL", otherwise=None)
    smtp_url = given.get("LPSE_SMTP_URL") or None
    settings = Settings(
        run_mode=run_mode,
        database_url=read(_database_url, "LPSE_DATABASE_URL", run_mode, instance, otherwise=""),
        secret_key=read(_secret_key, "LPSE_SECRET_KEY", run_mode, instance, otherwise=""),
        host=read(_host, "LPSE_HOST", run_mode, otherwise=""),
        port=read(_port, "LPSE_PORT", otherwise=0),
        base_url=base_url,
        smtp_url=smtp_url,
        mail_server=with_ca_file(
            read(_mail_server, "LPSE_SMTP_URL", given.get("LPSE_MAIL_FROM", ""), base_url, otherwise=None),
            read(_ca_file, "LPSE_SMTP_CA", "LPSE_SMTP_CA", otherwise=None),
            is_starttls_optional=read(_starttls, "LPSE_SMTP_STARTTLS", otherwise=False),
        ),
        scheduler_interval_seconds=read(_scheduler_interval, "LPSE_ROUND_SECONDS", otherwise=0),
        login_limit=read(_login_limit, "LPSE_LOGIN_LIMIT", otherwise=LoginLimit()),
        upload_limit=read(_upload_limit, "LPSE_UPLOAD_LIMIT", otherwise=UploadLimit()),
        proxies=read(_proxies, "LPSE_PROXIES", otherwise=0),
        identity_provider=read(_identity_provider, "LPSE_OIDC_ISSUER", given, base_url, otherwise=None),
        time_zone=read(_time_zone, "LPSE_TIMEZONE", otherwise=None),
        audit_key=read(_audit_key, "LPSE_AUDIT_KEY", otherwise=None),
        scanner=read(_scanner, "LPSE_CLAMD", otherwise=None),
        former_audit_keys=tuple(given.get("LPSE_AUDIT_FORMER_KEYS", "").split()),
        former_secret_keys=tuple(given.get("LPSE_FORMER_SECRET_KEYS", "").split()),
        security_log=read(_security_log, "LPSE_SECURITY_LOG", run_mode, otherwise=None),
        anchor_addresses=read(_anchor_addresses, "LPSE_ANCHOR_TO", otherwise=()),
        tsa_url=read(_tsa_url, "LPSE_TSA_URL", given.get("LPSE_TSA_CA", ""), otherwise=None),
        tsa_ca=read(_ca_file, "LPSE_TSA_CA", "LPSE_TSA_CA", otherwise=None),
        chosen_dossier_folder=read(_dossier_folder, "LPSE_DOSSIER_FOLDER", otherwise=None),
    )
    if faults:
        raise ConfigurationError(*faults)
    return settings


def _identity_provider(issuer: str, given: Mapping[str, str], base_url: str | None) -> IdentityProvider | None:
    names = ("LPSE_OIDC_CLIENT_ID", "LPSE_OIDC_CLIENT_SECRET", "LPSE_OIDC_NAME", "LPSE_OIDC_NIP_CLAIM")
    try:
        result = parse_identity_provider(issuer, *(given.get(name, "") for name in names))
    except ValueError as error:
        raise ConfigurationError(error.args[0]) from None
    if result is not None and base_url is None:
        raise ConfigurationError(
            _("LPSE_OIDC_ISSUER needs LPSE_BASE_URL, the address that the provider leads back to.")
        )
    return result


def _scanner(value: str) -> ScannerAddress | None:
    if not value:
        return None
    if value.startswith("/"):
        return ScannerAddress(path=value)
    host, _colon, port = value.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT):
        raise ConfigurationError(
            _("LPSE_CLAMD must be the path of clamd's socket (/run/clamav/clamd.ctl) or host:port, not %(value)s.",
              value=repr(value))
        )  # fmt: skip
    return ScannerAddress(host=host, port=int(port))


def _run_mode(value: str) -> RunMode:
    try:
        return RunMode(value or RunMode.DEMO)
    except ValueError:
        raise ConfigurationError(_("LPSE_ENV is “%(value)s”; it must be demo or production.", value=value)) from None


def _database_url(value: str, run_mode: RunMode, instance: Path) -> str:
    if not value:
        if run_mode is RunMode.PRODUCTION:
            raise ConfigurationError(_("LPSE_DATABASE_URL is missing: production needs the address of its database."))
        _create_folder(instance)
        return f"sqlite:///{instance / 'lpse.db'}"
    value = _POSTGRESQL_SCHEME.sub("postgresql+psycopg://", value, count=1)
    kind = value.partition("://")[0]
    if "://" not in value or kind.partition("+")[0] not in {"sqlite", "postgresql"}:
        raise ConfigurationError(_("LPSE_DATABASE_URL must begin with sqlite:/// or postgresql://."))
    if kind not in {"sqlite", "postgresql+psycopg"}:
        raise ConfigurationError(
            _("LPSE_DATABASE_URL names the driver %(kind)s; write sqlite:/// or postgresql:// instead.", kind=kind)
        )
    if kind == "sqlite":
        _require_folder(value.partition("///")[2])
    elif (given := _PREPARE_THRESHOLD.search(value)) and not re.fullmatch("none|[0-9]{1,6}", given[1]):
        raise ConfigurationError(
            _("LPSE_DATABASE_URL: prepare_threshold is “%(value)s”; it must be a number, or none.", value=given[1])
        )
    return value


def driver_options(database_url: str) -> tuple[str, dict[str, int | None]]:
    """Return ``database_url`` without ``prepare_threshold``, and that as the option that psycopg takes.

    It is the number of executions after which a statement is prepared on the server. 0 and "none" are never, which
    PgBouncer before 1.21 needs in transaction mode: there the next statement may go to another server connection.
    """
    given = _PREPARE_THRESHOLD.search(database_url)
    if given is None or not database_url.startswith("postgresql"):
        return database_url, {}
    threshold = int(given[1]) if given[1].isdecimal() else 0
    return _PREPARE_THRESHOLD.sub("", database_url).rstrip("?&"), {"prepare_threshold": threshold or None}


def _require_folder(database: str) -> None:
    """Raise ConfigurationError unless SQLite can create the file: it needs the folder for its journal too."""
    folder = Path(database).parent
    if not database.startswith("/"):
        return  # relative to the instance folder, which is created
    if not folder.is_dir():
        raise ConfigurationError(
            _("LPSE_DATABASE_URL: the folder %(folder)s does not exist; create it first.", folder=str(folder))
        )
    if not os.access(folder, os.W_OK | os.X_OK) or (Path(database).exists() and not os.access(database, os.W_OK)):
        raise ConfigurationError(_("LPSE_DATABASE_URL: %(file)s cannot be written by this user.", file=database))


def _dossier_folder(value: str) -> Path | None:
    if not value:
        return None
    if not os.access(value, os.W_OK | os.X_OK) or not Path(value).is_absolute():
        raise ConfigurationError(
            _("LPSE_DOSSIER_FOLDER: %(folder)s is no folder that this user can write to.", folder=value)
        )
    return Path(value)


def _secret_key(value: str, run_mode: RunMode, instance: Path) -> str:
    if not value:
        if run_mode is RunMode.PRODUCTION:
            raise ConfigurationError(
                _(
                    "LPSE_SECRET_KEY is missing: production needs one of %(bytes)s bytes or more.",
                    bytes=MIN_SECRET_KEY_BYTES,
                )
            )
        return _load_or_create_secret_key(instance / "secret-key")
    if len(value.encode()) < MIN_SECRET_KEY_BYTES:
        raise ConfigurationError(
            _(
                "LPSE_SECRET_KEY has %(bytes)s bytes; it needs %(least)s or more.",
                bytes=len(value.encode()),
                least=MIN_SECRET_KEY_BYTES,
            )
        )
    return value


def _load_or_create_secret_key(path: Path) -> str:
    """Return the demo's secret key; it is created on first start, readable by the owner only."""
    _create_folder(path.parent)
    try:
        with (
            suppress(FileExistsError),
            os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file,
        ):
            file.write(secrets.token_hex(MIN_SECRET_KEY_BYTES))
        path.chmod(0o600)
        key = path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            _(
                "The secret key cannot be written to %(folder)s (%(reason)s): set LPSE_SECRET_KEY.",
                folder=str(path.parent),
                reason=error.strerror or str(error),
            )
        ) from None
    if len(key) < MIN_SECRET_KEY_BYTES:
        raise ConfigurationError(
            _("The key in %(file)s is too short: remove the file, or set LPSE_SECRET_KEY.", file=str(path))
        )
    return key


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            _(
                "The folder %(folder)s cannot be created (%(reason)s): set LPSE_DATABASE_URL and LPSE_SECRET_KEY.",
                folder=str(folder),
                reason=error.strerror or str(error),
            )
        ) from None


def _host(value: str, run_mode: RunMode) -> str:
    host = value or "127.0.0.1"
    if run_mode is RunMode.DEMO and not is_loopback(host):
        raise ConfigurationError(
            _(
                "LPSE_HOST is “%(host)s”; the demo has known passwords and listens on 127.0.0.1 only."
                " Set LPSE_ENV=production to serve others.",
                host=host,
            )
        )
    return host


def is_loopback(host: str) -> bool:
    """Whether ``host`` is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(value: str) -> int:
    if not value:
        return 5000
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= _MAX_PORT):
        raise _not_a_number("LPSE_PORT", value, 1, _MAX_PORT)
    return int(value)


def _base_url(value: str) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            _("LPSE_BASE_URL is “%(value)s”; it must look like https://lpse.example.go.id.", value=value)
        )
    return value.rstrip("/")


def _mail_server(url: str, sender: str, base_url: str | None) -> notifications_smtp_url.MailServer | None:
    if sender and not notifications_smtp_url.is_email_address(sender):
        raise ConfigurationError(_("LPSE_MAIL_FROM must be an address like lpse@example.go.id."))
    if not url:
        return None
    try:
        return notifications_smtp_url.parse_smtp_url(url, sender, program_host=urlsplit(base_url or "").hostname or "")
    except ValueError as error:
        # The URL may contain a password, so it is not repeated.
        raise ConfigurationError(error.args[0]) from None


def with_ca_file(
    server: notifications_smtp_url.MailServer | None, ca_file: str | None, *, is_starttls_optional: bool = True
) -> notifications_smtp_url.MailServer | None:
    """Return ``server`` with the certificates that are trusted besides the system's, and whether it must encrypt.

    A server on this machine need not: what is sent to it leaves no wire.
    """
    if server is None:
        return None
    requires = not (is_starttls_optional or server.is_tls or is_loopback(server.host))
    return replace(server, ca_file=ca_file or server.ca_file, requires_starttls=requires)


def _starttls(value: str) -> bool:
    """Return whether a mail server may go without encryption."""
    if value not in {"", "required", "optional"}:
        raise ConfigurationError(_("LPSE_SMTP_STARTTLS is “%(value)s”; it must be required or optional.", value=value))
    return value == "optional"


def _ca_file(value: str, variable: str) -> str | None:
    """Return the path of a file with certificates."""
    if not value:
        return None
    path = Path(value).expanduser()
    try:
        ssl.create_default_context().load_verify_locations(path)
    except ssl.SSLError:
        raise ConfigurationError(
            _(
                "%(variable)s is “%(value)s”; this file has no certificate in PEM form (-----BEGIN CERTIFICATE-----).",
                variable=variable,
                value=value,
            )
        ) from None
    except OSError as error:
        raise ConfigurationError(
            _(
                "%(variable)s is “%(value)s”; this file cannot be read (%(reason)s).",
                variable=variable,
                value=value,
                reason=error.strerror,
            )
        ) from None
    return str(path.resolve())


def _audit_key(value: str) -> str | None:
    if value and len(value.encode()) < MIN_SECRET_KEY_BYTES:
        raise ConfigurationError(
            _(
                "LPSE_AUDIT_KEY has %(bytes)s bytes; it needs %(least)s or more.",
                bytes=len(value.encode()),
                least=MIN_SECRET_KEY_BYTES,
            )
        )
    return value or None


def _security_log(value: str, run_mode: RunMode) -> str | None:
    """Return where the security log goes: in production to the standard error, if nothing else is said."""
    if not value:
        return "-" if run_mode is RunMode.PRODUCTION else None
    if value == "-":
        return value
    path = Path(value).expanduser().absolute()
    if not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK) or path.is_dir():
        raise ConfigurationError(_("LPSE_SECURITY_LOG: %(file)s cannot be written by this user.", file=str(path)))
    return str(path)


def _anchor_addresses(value: str) -> tuple[str, ...]:
    valid, invalid = read_addresses(value)
    if invalid:
        raise ConfigurationError(_("LPSE_ANCHOR_TO has what is no e-mail address: %(wrong)s", wrong=", ".join(invalid)))
    return tuple(valid)


def _tsa_url(value: str, ca_file: str) -> str | None:
    if not value:
        return None
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or "@" in parts.netloc or parts.fragment:
        raise ConfigurationError(
            _("LPSE_TSA_URL is “%(value)s”; it must look like https://tsa.example.go.id/tsr.", value=value)
        )
    if not ca_file:
        raise ConfigurationError(
            _(
                "LPSE_TSA_URL needs LPSE_TSA_CA: a file with the certificates of the authority that the server"
                " belongs to."
            )
        )
    return value


def _scheduler_interval(value: str) -> int:
    if not value:
        return 60
    is_number = value.isascii() and value.isdigit() and len(value) <= len(str(_MAX_SCHEDULER_INTERVAL))
    if not (is_number and 0 < int(value) <= _MAX_SCHEDULER_INTERVAL):
        raise _not_a_number("LPSE_ROUND_SECONDS", value, 1, _MAX_SCHEDULER_INTERVAL)
    return int(value)


def _login_limit(value: str) -> LoginLimit:
    if not value:
        return LoginLimit()
    match = _LOGIN_LIMIT.fullmatch(value)
    if match is None:
        raise ConfigurationError(
            _("LPSE_LOGIN_LIMIT is “%(value)s”; it must be failures/minutes, as in 5/15.", value=value)
        )
    return LoginLimit(failures=int(match[1]), minutes=int(match[2]))


def _upload_limit(value: str) -> UploadLimit:
    if not value:
        return UploadLimit()
    match = _UPLOAD_LIMIT.fullmatch(value)
    if match is None:
        raise ConfigurationError(
            _("LPSE_UPLOAD_LIMIT is “%(value)s”; it must be MB of a user/MB of an office, as in 500/2000.", value=value)
        )
    return UploadLimit(user_mib=int(match[1]), office_mib=int(match[2]))


def _proxies(value: str) -> int:
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) == 1):
        raise _not_a_number("LPSE_PROXIES", value, 0, _MAX_PROXIES)
    return int(value)


def _time_zone(value: str) -> str | None:
    if not value:
        return None
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        raise ConfigurationError(
            _("LPSE_TIMEZONE is “%(value)s”; it must be a zone's name, as in Asia/Jakarta.", value=value)
        ) from None
    return value


def _not_a_number(variable: str, value: str, least: int, most: int) -> ConfigurationError:
    return ConfigurationError(
        _(
            "%(variable)s is “%(value)s”; it must be a number from %(least)s to %(most)s.",
            variable=variable,
            value=value,
            least=least,
            most=most,
        )
    )
