"""The browser that the tests drive, and a server for it to talk to. Run as a program, it installs the browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

#: Names that Chromium and its kin go by on the PATH.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")

#: Names a browser that is not on the PATH.
VARIABLE = "LPSE_TEST_BROWSER"

#: It runs without a screen, as any user, in a container, and calls nobody.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

MISSING_MESSAGE = (
    "NO BROWSER TEST HAS RUN: no Chromium was found, and installing one takes root and apt-get. "
    f"Install chromium, or name a browser in {VARIABLE}."
)


def find_browser() -> str | None:
    """Return the path of the browser to use, or None where there is none."""
    if named := os.environ.get(VARIABLE):
        if not shutil.which(named):
            message = f"{VARIABLE} names {named}, which cannot be run"
            raise FileNotFoundError(message)
        return shutil.which(named)
    return next((path for path in map(shutil.which, NAMES) if path), None)


def install_browser() -> None:
    """Install Chromium from the system's packages where that is possible and it is not there yet."""
    if find_browser() or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Chromium from the system's packages.", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium", "fonts-liberation"]):
        subprocess.run(["apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL, check=False)


@contextmanager
def serve_app(app: WSGIApplication) -> Iterator[str]:
    """Serve `app` on a free port of this machine; yield its address, with no slash behind it."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="live-server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    install_browser()
    if not find_browser():
        print(MISSING_MESSAGE, file=sys.stderr)
