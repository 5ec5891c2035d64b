"""Fill an empty database with the program of an earlier version, for the tests of upgrades.

Run within a checkout of that version; `python -m tools.old_database` does so. Everything is done as its users do it:
by commands and forms, at a fixed time. The names of commands, addresses and fields are those of version 0.1.0.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import secrets
import socket
import sys
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

#: 9.00 in Lumajang, on the day on which the demo register ends.
BEGIN = dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)
REQUESTS = 36
PASSWORD = "lpse-demo-2026"
Field = str | tuple[io.BytesIO, str] | list[str]

REQUEST: dict[str, Field] = {
    "title": "Pembaruan sertifikat TLS aplikasi SPSE",
    "kind": "application",
    "source": "user",
    "description": "Sertifikat lama berakhir minggu depan",
    "purpose": "Layanan tetap dapat diakses dengan aman",
    "impact": "Seluruh penyedia, sekitar sepuluh menit",
    "risk_if_not_done": "Layanan tidak dapat diakses",
    "test_plan": "Masuk sebagai penyedia uji",
    "rollback_plan": "Memasang kembali sertifikat lama",
}
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


class Clock:
    """A clock that goes on by a minute with each step of the scenario."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> dt.datetime:
        return self.now


class _Forms(HTMLParser):
    """What a browser would send of each form of a page, by the address that the form goes to ("": the page's own)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, Field]] = {}
        self._form: dict[str, Field] = {}
        self._select = self._area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value, kind = given.get("name", ""), given.get("value", ""), given.get("type", "text")
        if tag == "form":
            self._form = self.forms.setdefault(given.get("action", "").partition("?")[0], {})
        elif tag == "select":
            self._select = name
        elif tag == "textarea":
            self._area = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self._form):
            self._form[self._select] = value
        elif tag == "input" and name and (kind in {"text", "hidden"} or "checked" in given):
            self._form[name] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self._form[self._area] = data.strip()


class Person:
    """Somebody with a browser."""

    def __init__(self, app: Flask, clock: Clock, username: str, password: str = PASSWORD) -> None:
        self._client: FlaskClient = app.test_client()
        self._clock = clock
        self.send("/login", "/login", username=username, password=password)

    def read(self, address: str) -> str:
        """Return the page at ``address``."""
        answer = self._client.get(address)
        _require(answer.status_code == HTTPStatus.OK, f"{address}: {answer.status}")
        return answer.text

    def send(self, page: str, address: str, /, **fields: Field) -> str:
        """Send the form of ``page`` that goes to ``address``, with ``fields`` in it; return where that leads."""
        forms = _Forms(self.read(page)).forms
        token = next(held["csrf_token"] for held in forms.values() if "csrf_token" in held)
        filled = forms.get(address) or (forms.get("", {}) if page.startswith(address) else {})
        self._clock.now += dt.timedelta(minutes=1)
        answer = self._client.post(address, data={**filled, "csrf_token": token, **fields})
        _require(answer.status_code < HTTPStatus.BAD_REQUEST, f"{address}: {answer.status}\n{answer.text}")
        return answer.location or ""


class Scenario:
    """What happens in one afternoon, after the demo register has been made."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._people: dict[str, Person] = {}

    def play(self) -> None:
        """Let everything happen."""
        self._office()
        self._people_are_away()
        moved = self._requests()
        self._freeze(moved)
        self._own_lists()

    def _by(self, username: str) -> Person:
        if username not in self._people:
            self._people[username] = Person(self._app, self._clock, username)
        return self._people[username]

    def _office(self) -> None:
        """Set a holiday, hours, a month of Ramadan and a threshold at one office."""
        admin = self._by("admin")
        new = "/admin/holiday/new/"
        admin.send(new, new, date="2026-12-15", kind="holiday", name="Hari jadi", reason="SK Bupati")
        new = "/admin/setting/new/"
        admin.send(new, new, since="2027-01-04", monday="07.00–12.00, 13.00–16.00", reason="Perbup 1")
        new = "/admin/setting/ramadan"
        admin.send(new, new, first_day="2028-01-29", last_day="2028-02-26", reason="Sidang isbat")
        new = "/admin/setting/threshold"
        admin.send(new, new, warning_share="75", reason="Diminta kepala")

    def _people_are_away(self) -> None:
        """Let both heads delegate and be absent; one delegation is withdrawn."""
        for suffix, decree in (("", "800/77/2026"), (".tt", "800/78/2026")):
            head, new = self._by(f"kepala{suffix}"), "/admin/delegation/new/"
            delegate = _choices(head.read(new), "delegate_id")
            (one,) = (value for name, value in delegate.items() if "Pengelola Perubahan 3" in name)
            result = head.send(
                new, new, delegate_id=one, kind="plh", decree_number=decree, from_date="2026-12-01",
                until_date="2026-12-03", reason="Dinas luar", decree=(io.BytesIO(PDF), "keputusan.pdf"),
            )  # fmt: skip
            new = "/admin/absence/new/"
            head.send(new, new, from_date="2026-12-01", until_date="2026-12-03", reason="Dinas luar")
            if suffix:
                head.send(result, f"/admin/delegation/{_last_number(result)}/withdraw", reason="Dinas luar dibatalkan")

    def _requests(self) -> int:
        """Submit a request, take it up, hand it over and evaluate it; leave a draft; return the request's id."""
        requester, new = self._by("pemohon"), "/admin/change/new/"
        requester.send(new, new, title="Rancangan yang belum diajukan")
        letter: dict[str, Field] = {"document-surat-permohonan": (io.BytesIO(PDF), "surat.pdf")}
        id_ = _last_number(requester.send(new, new, outcome="submitted", **REQUEST, **letter))
        page, manager, colleague = f"/admin/change/details/?id={id_}", self._by("pengelola"), self._by("pengelola2")
        manager.send(page, f"/admin/change/{id_}/take-up")
        (to,) = (value for name, value in _choices(manager.read(page), "to").items() if "Pengelola Perubahan 2" in name)
        manager.send(page, f"/admin/change/{id_}/hand-over", to=to, reason="Cuti bersama")
        _command(self._app, "mail", "send")
        colleague.send(page, f"/admin/change/{id_}/move", outcome="accepted", findings="Berkas lengkap", risk="low")
        (opened, *_others) = re.findall(r"/admin/notification/\d+/open", manager.read("/admin/notification/"))
        manager.send("/admin/notification/", opened)
        return id_

    def _freeze(self, change: int) -> None:
        """Enter two freezes; a release is allowed in one, and the other is lifted."""
        admin, new = self._by("admin"), "/admin/freeze/new/"
        agency = _choices(admin.read(new), "agency_id")
        (one,) = (value for name, value in agency.items() if "Lumajang" in name)
        for index, (begin, end) in enumerate((("2026-12-20", "2027-01-02"), ("2027-03-01", "2027-03-05"))):
            result = admin.send(
                new, new, agency_id=one, name="Penutupan tender", environment="production", from_at=f"{begin}T08:00",
                until_at=f"{end}T16:00", reason="Masa pemasukan penawaran",
            )  # fmt: skip
            id_ = _last_number(result)
            if index:
                admin.send(result, f"/admin/freeze/{id_}/lift", reason="Tender dibatalkan")
            else:
                page = f"/admin/change/details/?id={change}"
                self._by("kepala").send(page, f"/admin/freeze/{id_}/permit", change=str(change), reason="Keamanan")

    def _own_lists(self) -> None:
        """Save a view, choose columns, make the address of a calendar, read a notification, fail to log in."""
        inspector, page = self._by("pemeriksa"), "/admin/change/"
        inspector.send(page, "/lists/change/", name="Yang terbuka", address="state=open", begins="y")
        inspector.send(page, "/lists/change/columns", show=["title", "number"])
        inspector.send("/profile", "/profile/calendar")
        client = self._app.test_client()
        token = _Forms(client.get("/login").text).forms["/login"]["csrf_token"]
        client.post("/login", data={"csrf_token": token, "username": "kepala", "password": "keliru"})


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise SystemExit(reason)


def _choices(page: str, name: str) -> dict[str, str]:
    """Return the values of a select by what they say."""
    select = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL)
    _require(select is not None, f"no select {name}")
    assert select is not None
    result = re.findall(r'<option[^>]*value="([^"]+)"[^>]*>([^<]*)<', select[0])
    return {text.strip(): value for value, text in result}


def _last_number(address: str) -> int:
    result = re.findall(r"\d+", address)
    _require(bool(result), f"no number in {address}")
    return int(result[-1])


class _MailServer:
    """A mail server that takes what it is sent."""

    async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:  # noqa: N802 - its name there
        return "250 OK"


def _command(app: Flask, *words: str) -> None:
    done = app.test_cli_runner().invoke(args=words)
    _require(done.exit_code == 0, f"flask {' '.join(words)}: {done.output}{done.exception or ''}")


def main() -> None:
    """Fill the empty database that LPSE_DATABASE_URL names."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    os.environ |= {
        "LPSE_ENV": "demo",
        "LPSE_SECRET_KEY": secrets.token_hex(32),
        "LPSE_SMTP_URL": f"smtp://127.0.0.1:{port}?from=lpse@lpse.example",
        "LOGNAME": "lpse",  # the account at the terminal, which the trail names
    }
    from app import create_app  # noqa: PLC0415 - of the checkout that this runs in, and with these variables

    clock = Clock()
    app = create_app(clock=clock)
    server = Controller(_MailServer(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        _command(app, "db", "upgrade")
        _command(app, "demo", "--requests", str(REQUESTS))
        Scenario(app, clock).play()
        _command(app, "deadline", "sweep")
        for kind in ("audit", "history", "search"):
            _command(app, kind, "verify")
    finally:
        server.stop()


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main()
