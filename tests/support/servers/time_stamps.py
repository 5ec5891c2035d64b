"""A time-stamp server (RFC 3161) on the loopback: `openssl ts` answers, with a certificate of a test's authority."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from models.integrity.anchors.time_stamps import TimeStampServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONFIGURATION = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamping]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = default
[default]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
signer_digest = sha256
ess_cert_id_alg = sha256
"""


@dataclass
class Tsa:
    """The folder of the server's keys, its address, and what it answers instead of a stamp."""

    folder: Path
    url: str = ""
    answer: bytes | None = None
    status: int = 200
    #: How many stamps were asked for.
    asked: int = 0

    @property
    def server(self) -> TimeStampServer:
        """The server, as the settings name it."""
        return TimeStampServer(self.url, str(self.ca_file))

    @property
    def ca_file(self) -> Path:
        """The file with the authority's certificate."""
        return self.folder / "ca.pem"

    def reply(self, query: bytes) -> bytes:
        """Return the answer to a query."""
        self.asked += 1
        if self.answer is not None:
            return self.answer
        (self.folder / "query.tsq").write_bytes(query)
        _openssl(
            self.folder, "ts", "-reply", "-config", "openssl.cnf", "-queryfile", "query.tsq", "-signer", "tsa.pem",
            "-inkey", "tsa.key", "-chain", "ca.pem", "-out", "reply.tsr",
        )  # fmt: skip
        return (self.folder / "reply.tsr").read_bytes()


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)


def make_authority(folder: Path) -> Path:
    """Make an authority and a certificate of its time-stamp server in ``folder``; return it."""
    folder.mkdir(exist_ok=True)
    (folder / "openssl.cnf").write_text(_CONFIGURATION.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("req", "-config", "openssl.cnf", "-newkey", "rsa:2048", "-nodes")
    _openssl(
        folder, *new, "-x509", "-days", "30", "-subj", "/CN=Otoritas Uji", "-extensions", "authority",
        "-keyout", "ca.key", "-out", "ca.pem",
    )  # fmt: skip
    _openssl(folder, *new, "-subj", "/CN=Penanda Waktu Uji", "-keyout", "tsa.key", "-out", "tsa.csr")
    _openssl(
        folder, "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "20",
        "-extfile", "openssl.cnf", "-extensions", "stamping", "-out", "tsa.pem",
    )  # fmt: skip
    return folder


@contextmanager
def running_tsa(folder: Path) -> Iterator[Tsa]:
    """Run a time-stamp server with the keys in ``folder``."""
    tsa = Tsa(folder)

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            content = tsa.reply(query)
            self.send_response(tsa.status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    tsa.url = f"http://127.0.0.1:{server.server_port}/tsr"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield tsa
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
