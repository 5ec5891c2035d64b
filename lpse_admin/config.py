"""The settings of an installation, read from environment variables at startup and validated."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lpse_admin.notifications import smtp_url as notifications_smtp_url

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The version of the program, as in the changelog.
VERSION = "0.2.0"

#: The shortest secret key, in bytes.
MIN_SECRET_KEY_BYTES = 32

_INSTANCE_FOLDER = Path(__file__).resolve().parent.parent / "instance"
_MAX_PORT = 65_535
_MAX_SCHEDULER_INTERVAL = 86_400
_MAX_PROXIES = 9
_LOGIN_LIMIT = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,4})")
_POSTGRESQL_SCHEME = re.compile(r"postgres(ql)?://")


class ConfigurationError(Exception):
    """An invalid setting; the message names the variable and says what it must be."""


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
class Settings:
    """All settings of an installation; ``read_settings`` reads them."""

    run_mode: RunMode
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 5000
    base_url: str | None = None
    smtp_url: str | None = field(default=None, repr=False)
    #: Parsed from ``smtp_url``; None if mail stays in the outbox.
    mail_server: notifications_smtp_url.MailServer | None = None
    #: Seconds between two runs of the scheduler.
    scheduler_interval_seconds: int = 60
    login_limit: LoginLimit = LoginLimit()
    #: The number of trusted reverse proxies, whose X-Forwarded headers are used.
    proxies: int = 0
    time_zone: str | None = None

    @property
    def is_demo(self) -> bool:
        """Whether the program runs as a demo, with known accounts."""
        return self.run_mode is RunMode.DEMO


def read_settings(variables: Mapping[str, str] | None = None, *, instance: Path = _INSTANCE_FOLDER) -> Settings:
    """Return the settings in ``variables`` (default: the environment).

    ``instance`` is the folder of the default database and secret key. Raises ConfigurationError for the first error.
    """
    given = {name: value.strip() for name, value in (os.environ if variables is None else variables).items()}
    run_mode = _run_mode(given.get("LPSE_ENV", ""))
    base_url = _base_url(given.get("LPSE_BASE_URL", ""))
    smtp_url = given.get("LPSE_SMTP_URL") or None
    return Settings(
        run_mode=run_mode,
        database_url=_database_url(given.get("LPSE_DATABASE_URL", ""), run_mode, instance),
        secret_key=_secret_key(given.get("LPSE_SECRET_KEY", ""), run_mode, instance),
        host=_host(given.get("LPSE_HOST", ""), run_mode),
        port=_port(given.get("LPSE_PORT", "")),
        base_url=base_url,
        smtp_url=smtp_url,
        mail_server=_mail_server(smtp_url, given.get("LPSE_MAIL_FROM", ""), base_url),
        scheduler_interval_seconds=_scheduler_interval(given.get("LPSE_ROUND_SECONDS", "")),
        login_limit=_login_limit(given.get("LPSE_LOGIN_LIMIT", "")),
        proxies=_proxies(given.get("LPSE_PROXIES", "")),
        time_zone=_time_zone(given.get("LPSE_TIMEZONE", "")),
    )


def _run_mode(value: str) -> RunMode:
    try:
        return RunMode(value or RunMode.DEMO)
    except ValueError:
        message = f"LPSE_ENV is “{value}”; it must be demo or production."
        raise ConfigurationError(message) from None


def _database_url(value: str, run_mode: RunMode, instance: Path) -> str:
    if not value:
        if run_mode is RunMode.PRODUCTION:
            message = "LPSE_DATABASE_URL is missing: production needs the address of its database."
            raise ConfigurationError(message)
        _create_folder(instance)
        return f"sqlite:///{instance / 'lpse.db'}"
    value = _POSTGRESQL_SCHEME.sub("postgresql+psycopg://", value, count=1)
    kind = value.partition("://")[0]
    if "://" not in value or kind.partition("+")[0] not in {"sqlite", "postgresql"}:
        message = "LPSE_DATABASE_URL must begin with sqlite:/// or postgresql://."
        raise ConfigurationError(message)
    if kind not in {"sqlite", "postgresql+psycopg"}:
        message = f"LPSE_DATABASE_URL names the driver {kind}; write sqlite:/// or postgresql:// instead."
        raise ConfigurationError(message)
    return value


def _secret_key(value: str, run_mode: RunMode, instance: Path) -> str:
    if not value:
        if run_mode is RunMode.PRODUCTION:
            message = f"LPSE_SECRET_KEY is missing: production needs one of {MIN_SECRET_KEY_BYTES} bytes or more."
            raise ConfigurationError(message)
        return _load_or_create_secret_key(instance / "secret-key")
    if len(value.encode()) < MIN_SECRET_KEY_BYTES:
        message = f"LPSE_SECRET_KEY has {len(value.encode())} bytes; it needs {MIN_SECRET_KEY_BYTES} or more."
        raise ConfigurationError(message)
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
        message = f"The secret key cannot be written to {path.parent} ({error.strerror}): set LPSE_SECRET_KEY."
        raise ConfigurationError(message) from None
    if len(key) < MIN_SECRET_KEY_BYTES:
        message = f"The key in {path} is too short: remove the file, or set LPSE_SECRET_KEY."
        raise ConfigurationError(message)
    return key


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = (
            f"The folder {folder} cannot be created ({error.strerror}): set LPSE_DATABASE_URL and LPSE_SECRET_KEY."
        )
        raise ConfigurationError(message) from None


def _host(value: str, run_mode: RunMode) -> str:
    host = value or "127.0.0.1"
    if run_mode is RunMode.DEMO and not _is_loopback(host):
        message = (
            f"LPSE_HOST is “{host}”; the demo has known passwords and listens on 127.0.0.1 only."
            " Set LPSE_ENV=production to serve others."
        )
        raise ConfigurationError(message)
    return host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(value: str) -> int:
    if not value:
        return 5000
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= _MAX_PORT):
        message = f"LPSE_PORT is “{value}”; it must be a number from 1 to {_MAX_PORT}."
        raise ConfigurationError(message)
    return int(value)


def _base_url(value: str) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        message = f"LPSE_BASE_URL is “{value}”; it must look like https://lpse.example.go.id."
        raise ConfigurationError(message)
    return value.rstrip("/")


def _mail_server(url: str | None, sender: str, base_url: str | None) -> notifications_smtp_url.MailServer | None:
    if sender and not notifications_smtp_url.is_email_address(sender):
        message = "LPSE_MAIL_FROM must be an address like lpse@example.go.id."
        raise ConfigurationError(message)
    if url is None:
        return None
    try:
        return notifications_smtp_url.parse_smtp_url(url, sender, program_host=urlsplit(base_url or "").hostname or "")
    except ValueError as error:
        # The URL may contain a password, so it is not repeated.
        raise ConfigurationError(str(error)) from None


def _scheduler_interval(value: str) -> int:
    if not value:
        return 60
    is_number = value.isascii() and value.isdigit() and len(value) <= len(str(_MAX_SCHEDULER_INTERVAL))
    if not (is_number and 0 < int(value) <= _MAX_SCHEDULER_INTERVAL):
        message = f"LPSE_ROUND_SECONDS is “{value}”; it must be a number from 1 to {_MAX_SCHEDULER_INTERVAL}."
        raise ConfigurationError(message)
    return int(value)


def _login_limit(value: str) -> LoginLimit:
    if not value:
        return LoginLimit()
    match = _LOGIN_LIMIT.fullmatch(value)
    if match is None:
        message = f"LPSE_LOGIN_LIMIT is “{value}”; it must be failures/minutes, as in 5/15."
        raise ConfigurationError(message)
    return LoginLimit(failures=int(match[1]), minutes=int(match[2]))


def _proxies(value: str) -> int:
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) == 1):
        message = f"LPSE_PROXIES is “{value}”; it must be a number from 0 to {_MAX_PROXIES}."
        raise ConfigurationError(message)
    return int(value)


def _time_zone(value: str) -> str | None:
    if not value:
        return None
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        message = f"LPSE_TIMEZONE is “{value}”; it must be a zone's name, as in Asia/Jakarta."
        raise ConfigurationError(message) from None
    return value
