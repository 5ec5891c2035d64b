from typing import Any, Protocol

from flask import Flask
from werkzeug.wrappers import Response

class Client(Protocol):
    def authorize_redirect(self, redirect_uri: str) -> Response: ...
    def authorize_access_token(self) -> dict[str, Any]: ...
    def load_server_metadata(self) -> dict[str, Any]: ...

class OAuth:
    def __init__(self, app: Flask) -> None: ...
    def register(
        self,
        name: str,
        *,
        client_id: str,
        client_secret: str,
        server_metadata_url: str,
        client_kwargs: dict[str, object],
    ) -> Client: ...
