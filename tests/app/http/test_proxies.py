"""Where people come from: through the real servers, directly, through what a proxy writes, and through a real nginx."""

from __future__ import annotations

import http.client
import os
import re
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import create_engine, text

from app import create_app, serving_options
from lpse_admin.config import RunMode, Settings
from tests.support.program import OWN_PASSWORD, close_app, give_own_passwords, make_app
from tests.support.servers import nginx
from views.app.http.proxies import read_address
from views.app.http.serving import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import NewDatabase

WRONG = "katakan-teman-dan-masuk"
READER = "192.0.2.10"


@dataclass
class Browser:
    """A browser that is connected to a port and keeps its cookies, from an address of its own of this machine."""

    connect: Callable[[], http.client.HTTPConnection]
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, path: str, body: bytes | None = None, kind: str = "application/x-www-form-urlencoded") -> Answer:
        """Send a request and return status, headers and text of its answer."""
        connection = self.connect()
        headers = self.headers | {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": kind, "Referer": f"https://{nginx.HOST}/login"}
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        result = Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        connection.close()
        return result

    def log_in(self, username: str, password: str) -> Answer:
        """Send the login form."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.open("/login").text)
        assert token
        form_values = {"username": username, "password": password, "csrf_token": token[1]}
        return self.open("/login", urlencode(form_values).encode())


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    text: str


def direct(port: int, **headers: str) -> Browser:
    """Return what speaks to a server as a proxy does: with the host name, and with ``headers``."""
    written = {name.replace("_", "-"): value for name, value in headers.items()}
    return Browser(lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=60), {"Host": nginx.HOST} | written)


@contextmanager
def waitress(url: str, proxies: int) -> Iterator[int]:
    """Serve the program in production as `python app.py` does."""
    settings = Settings(RunMode.PRODUCTION, url, "x" * 32, proxies=proxies)
    app = create_app(settings)
    server = Server(app, "127.0.0.1", 0, **serving_options(settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join()
        close_app(app)


@contextmanager
def gunicorn(url: str, proxies: int) -> Iterator[int]:
    """Serve the program in production by gunicorn, as an office may."""
    port = nginx.free_port()
    environment = os.environ | {
        "LPSE_ENV": "production", "LPSE_DATABASE_URL": url, "LPSE_SECRET_KEY": "x" * 32, "LPSE_PROXIES": str(proxies),
    }  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--log-level", "error"]
    command += ["--bind", f"127.0.0.1:{port}", "--timeout", "300", "app:create_app()"]
    with subprocess.Popen(command, cwd=nginx.ROOT, env=environment) as process:
        try:
            nginx.wait_for_port(port, process)
            yield port
        finally:
            process.terminate()


SERVERS = {"waitress": waitress, "gunicorn": gunicorn}


@pytest.fixture
def url(new_database: NewDatabase) -> Iterator[str]:
    """Give a database with the demo's users, for a program in production."""
    with new_database("sqlite") as address:
        demo = make_app(address)
        give_own_passwords(demo)
        close_app(demo)
        yield address


def recorded(url: str) -> dict[str, list[Any]]:
    """Return the addresses of the failed logins, of the logins, and of the trail's entries of requests."""
    engine = create_engine(url)
    statements = {
        "failures": "SELECT DISTINCT address FROM login_failure",
        "logins": "SELECT DISTINCT address FROM login",
        "trail": "SELECT DISTINCT address FROM audit_entry WHERE request_id IS NOT NULL",
    }
    with engine.connect() as connection:
        results = {name: list(connection.scalars(text(statement))) for name, statement in statements.items()}
    engine.dispose()
    return results


@pytest.mark.parametrize("kind", SERVERS)
def test_what_the_proxy_says_of_the_reader_reaches_trail_logins_limits_and_scheme(url: str, kind: str) -> None:
    with SERVERS[kind](url, 1) as port:
        said = {"X_Forwarded_For": READER, "X_Forwarded_Proto": "https"}
        assert direct(port, **said).log_in("kepala", WRONG).status == 401
        reader = direct(port, **said)
        assert "LPSE_PROXIES" not in reader.open("/login").text
        assert reader.log_in("kepala", OWN_PASSWORD).status == 303
        assert reader.open("/profile").status == 200
        for _time in range(5):
            assert direct(port, **said).log_in("pengelola", WRONG).status == 401
        assert direct(port, **said).log_in("pengelola", OWN_PASSWORD).status == 429
        elsewhere = said | {"X_Forwarded_For": "198.51.100.7"}
        assert direct(port, **elsewhere).log_in("pengelola", OWN_PASSWORD).status == 303
    result = recorded(url)
    assert result["failures"] == [READER]
    assert set(result["logins"]) == set(result["trail"]) == {READER, "198.51.100.7"}


@pytest.mark.parametrize("kind", SERVERS)
def test_without_proxies_of_ours_nobody_writes_their_own_address(url: str, kind: str) -> None:
    with SERVERS[kind](url, 0) as port:
        said = {"X_Forwarded_For": READER, "Forwarded": f"for={READER}", "X_Real_IP": READER}
        assert direct(port, **said).log_in("kepala", WRONG).status == 401
    assert recorded(url)["failures"] == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, "203.0.113.9, 192.0.2.10", "192.0.2.10"),
        (2, "203.0.113.9, 192.0.2.10, 192.0.2.1", "192.0.2.10"),
        (2, "192.0.2.10", "192.0.2.10"),
        (1, "192.0.2.10:51234", "192.0.2.10"),
        (1, "2001:DB8::0001", "2001:db8::1"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "::ffff:192.0.2.10", "192.0.2.10"),
        (1, "unknown", "127.0.0.1"),
        (1, "<script>alert(1)</script>", "127.0.0.1"),
        (1, "9" * 3000, "127.0.0.1"),
        (1, " , ", "127.0.0.1"),
    ],
)
def test_addresses_are_taken_as_proxies_write_them_and_nothing_else_is(
    url: str, proxies: int, forwarded: str, address: str
) -> None:
    with waitress(url, proxies) as port:
        assert direct(port, X_Forwarded_For=forwarded).log_in("kepala", WRONG).status in {400, 401}
        assert direct(port, X_Forwarded_For=forwarded, X_Forwarded_Proto="https").log_in("kepala", WRONG).status == 401
    assert set(recorded(url)["failures"]) == {address}


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ('"[2001:db8::1]"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("1", None),
    ],
)
def test_an_address_has_one_form(written: str, address: str | None) -> None:
    assert read_address(written) == address


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Give a certificate and its key."""
    return nginx.make_certificate(tmp_path)


@pytest.fixture(params=SERVERS)
def behind_nginx(
    request: pytest.FixtureRequest, url: str, certificate: tuple[Path, Path], tmp_path: Path
) -> Iterator[tuple[int, int]]:
    """Give the ports of http and https of nginx before the program, by the file that an office installs."""
    if nginx.find_nginx() is None:
        pytest.skip(nginx.MISSING_MESSAGE)
    with SERVERS[request.param](url, 1) as port, nginx.nginx_before(port, *certificate, tmp_path) as ports:
        yield ports


def from_afar(ports: tuple[int, int], certificate: Path, **headers: str) -> Browser:
    """Return a browser on https, from another address than that of nginx."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False  # it is reached by its address
    written = {"Host": nginx.HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Browser(
        lambda: http.client.HTTPSConnection(
            "127.0.0.1", ports[1], timeout=60, context=context, source_address=("127.0.0.2", 0)
        ),
        written,
    )


def test_behind_the_office_s_nginx_the_reader_s_own_address_is_recorded_over_https(
    behind_nginx: tuple[int, int], certificate: tuple[Path, Path], url: str
) -> None:
    forged = {"X_Forwarded_For": READER, "X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.example"}
    browser = from_afar(behind_nginx, certificate[0], **forged)
    assert browser.log_in("pengelola", WRONG).status == 401
    entered = browser.log_in("kepala", OWN_PASSWORD)
    assert (entered.status, entered.headers["Location"]) == (303, "/")
    assert browser.open("/profile").status == 200
    assert {address for addresses in recorded(url).values() for address in addresses} == {"127.0.0.2"}


def test_nginx_lets_through_what_the_program_reads_and_answers_itself(url: str) -> None:
    program = create_app(Settings(RunMode.PRODUCTION, url, "x" * 32))
    limit = re.search(r"client_max_body_size (\d+)m;", nginx.CONFIGURATION.read_text(encoding="utf-8"))
    assert limit
    assert int(limit[1]) * 1024 * 1024 > program.config["MAX_UPLOAD_LENGTH"] >= program.config["MAX_CONTENT_LENGTH"]
    close_app(program)


def test_three_megabytes_and_much_more_pass_the_office_s_nginx_and_are_answered_by_the_program(
    behind_nginx: tuple[int, int], certificate: tuple[Path, Path]
) -> None:
    browser = from_afar(behind_nginx, certificate[0])
    assert browser.log_in("pemohon", OWN_PASSWORD).status == 303
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.open("/admin/change/new/").text)
    assert token

    def send(megabytes: int) -> Answer:
        head = f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token[1]}\r\n'
        head += '--x\r\nContent-Disposition: form-data; name="document-letter"; filename="a.pdf"\r\n\r\n'
        body = head.encode() + b"x" * (megabytes * 1024 * 1024) + b"\r\n--x--\r\n"
        return browser.open("/admin/change/new/", body, "multipart/form-data; boundary=x")

    for megabytes, expected in ((3, {303, 422}), (65, {303, 413, 422})):
        answer = send(megabytes)
        assert answer.status in expected
        assert "<center>nginx" not in answer.text


def test_http_leads_to_https(behind_nginx: tuple[int, int]) -> None:
    answer = direct(behind_nginx[0]).open("/login?next=/profile")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{nginx.HOST}/login?next=/profile")
