"""A real provider of OpenID Connect for the tests, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

from tests.support.servers.nginx import free_port, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def identity_provider(people: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Run the provider with ``people`` (their claims by name), and yield its address."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port, process)
            address = f"http://127.0.0.1:{port}"
            for name, claims in people.items():
                requests.put(f"{address}/users/{name}", json=claims, timeout=20).raise_for_status()
            yield address
        finally:
            process.terminate()
