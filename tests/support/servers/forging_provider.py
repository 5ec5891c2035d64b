"""A provider of OpenID Connect that answers as a test says: with forged, spoilt or no tokens."""

from __future__ import annotations

import base64
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENT_ID, CLIENT_SECRET = "lpse", "secret-of-the-program-of-thirty-two-bytes"


@dataclass
class Forger:
    """The provider: ``claims`` and ``token`` are changed by a test, and ``answers`` replace whole answers by path."""

    address: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    other_key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    claims: dict[str, Any] = field(default_factory=dict)
    token: Callable[[Forger, dict[str, Any]], Any] | None = None
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    nonce: str = ""

    def answer(self, path: str) -> tuple[int, bytes]:
        """Return status and content of what stands at ``path``."""
        if path in self.answers:
            return self.answers[path]
        return 200, json.dumps(self._contents()[path]()).encode()

    def _contents(self) -> dict[str, Callable[[], Any]]:
        return {
            "/.well-known/openid-configuration": lambda: {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            "/keys": lambda: {"keys": [self.key.as_dict(private=False, alg="RS256", use="sig")]},
            "/token": lambda: {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token()},
        }

    def id_token(self) -> Any:
        """Return the token of the present claims."""
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": CLIENT_ID, "sub": "one", "iat": now, "exp": now + 300, "nonce": self.nonce,
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return (self.token or signed)(self, claims)


def signed(forger: Forger, claims: dict[str, Any]) -> str:
    """Return a token that is as it should be."""
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, forger.key)


def signed_by_another(forger: Forger, claims: dict[str, Any]) -> str:
    """Return a token that another key has signed."""
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, forger.other_key)


def unsigned(_forger: Forger, claims: dict[str, Any]) -> str:
    """Return a token of the algorithm "none"."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def signed_with_the_secret(_forger: Forger, claims: dict[str, Any]) -> str:
    """Return a token that the client's secret has signed, which others than the provider may know."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), algorithms=["HS256"])


def signed_with_the_public_key(forger: Forger, claims: dict[str, Any]) -> str:
    """Return a token whose secret is the public key, which everybody knows."""
    key = OctKey.import_key(json.dumps(forger.key.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, key, algorithms=["HS256"])


@contextmanager
def forging_provider() -> Iterator[Forger]:
    """Run the provider in a thread, and yield what a test changes."""
    forger = Forger()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = forger.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def log_message(self, *_told: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forger.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield forger
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
