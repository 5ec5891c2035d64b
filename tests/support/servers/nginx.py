"""The real nginx for the tests, with the file that an office installs. Run as a program, this module fetches it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
CONFIGURATION = ROOT / "deploy" / "nginx.conf"
#: The host name in that file.
HOST = "perubahan.lpse.example.go.id"

#: Where it is unpacked if the system has none: nothing is installed, and no service is started.
_UNPACKED = ROOT / ".venv" / "nginx"
#: The packages of Debian that have the program.
_PACKAGES = ("nginx", "nginx-light")

MISSING_MESSAGE = "no nginx: neither on this system nor by apt-get download"

_MAIN = """
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def find_nginx() -> str | None:
    """Return the path of nginx, or None if there is none."""
    places = (shutil.which("nginx"), "/usr/sbin/nginx", str(_UNPACKED / "usr" / "sbin" / "nginx"))
    return next((path for path in places if path and os.access(path, os.X_OK)), None)


def fetch_nginx() -> None:
    """Unpack nginx from the system's packages if it is missing and that is possible."""
    if find_nginx() is None:
        unpack_packages(_PACKAGES, _UNPACKED)


def unpack_packages(names: tuple[str, ...], target: Path) -> None:
    """Unpack packages of Debian into ``target``, where that is possible: nothing is installed or started."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return
    print(f"Unpacking {names[0]} from the system's packages.", flush=True)
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "-qq", "update"], stdout=subprocess.DEVNULL, check=False)
    with TemporaryDirectory() as folder:
        for name in names:
            subprocess.run(["apt-get", "-qq", "download", name], cwd=folder, stderr=subprocess.DEVNULL, check=False)
        for package in sorted(Path(folder).glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(package), str(target)], check=False)


def free_port() -> int:
    """Return a local port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def nginx_before(program_port: int, certificate: Path, key: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """Run nginx with the file of the repository before the program; yield its ports of http and https."""
    http, https = free_port(), free_port()
    text = CONFIGURATION.read_text(encoding="utf-8")
    replacements = {
        "listen 80;": f"listen 127.0.0.1:{http};",
        "    listen [::]:80;\n": "",
        "listen 443 ssl;": f"listen 127.0.0.1:{https} ssl;",
        "    listen [::]:443 ssl;\n": "",
        "/etc/ssl/lpse/fullchain.pem": str(certificate),
        "/etc/ssl/lpse/privkey.pem": str(key),
        "http://127.0.0.1:5000": f"http://127.0.0.1:{program_port}",
    }
    for installed, here in replacements.items():
        assert text.count(installed) == 1, installed
        text = text.replace(installed, here)
    (folder / "site.conf").write_text(text, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(user=user, folder=folder), encoding="utf-8")
    command = [str(find_nginx()), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen([*command, "-g", "daemon off;"]) as process:
        try:
            wait_for_port(https, process)
            yield http, https
        finally:
            process.terminate()


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until ``process`` listens on ``port``; fails if it ends before."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise AssertionError(f"it ended with {process.returncode}") from None
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        else:
            return


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for ``HOST``, signed by itself, and its key."""
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return certificate, key


if __name__ == "__main__":
    fetch_nginx()
    if not find_nginx():
        print(f"NO TEST GOES THROUGH NGINX: {MISSING_MESSAGE}.", file=sys.stderr)
