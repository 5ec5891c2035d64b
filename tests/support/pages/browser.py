"""The browser for the tests, and a server for it. Run as a program, this module installs the browser."""

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

#: Names of Chromium and browsers based on it on the PATH.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")

#: The environment variable with the path of a browser that is not on the PATH.
VARIABLE = "LPSE_TEST_BROWSER"

#: Options to run headless, as any user, in a container, without background requests.
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
    """Return the path of the browser, or None if there is none."""
    if named := os.environ.get(VARIABLE):
        if not shutil.which(named):
            message = f"{VARIABLE} names {named}, which cannot be run"
            raise FileNotFoundError(message)
        return shutil.which(named)
    return next((path for path in map(shutil.which, NAMES) if path), None)


def install_browser() -> None:
    """Install Chromium from the system's packages if it is missing and that is possible."""
    if find_browser() or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Chromium from the system's packages.", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium", "fonts-liberation"]):
        subprocess.run(["apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL, check=False)


@contextmanager
def serve_app(app: WSGIApplication) -> Iterator[str]:
    """Serve `app` on a free local port; yield its base URL, without a slash at the end."""
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
