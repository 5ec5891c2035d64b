"""Cookies and forms that were signed before the server's clock was set back: they stay valid for as long as others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask.sessions import SecureCookieSessionInterface
from itsdangerous import SignatureExpired, TimestampSigner

if TYPE_CHECKING:
    from flask import Flask
    from itsdangerous import URLSafeTimedSerializer


class ClockTolerantSigner(TimestampSigner):
    """A signer that takes a signature from the future for a new one, up to the age that an old one may have.

    itsdangerous refuses it: a clock that jumps two hours back would end every session.
    """

    def unsign(self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - as in the base class
        """Return the value; raises BadSignature, and SignatureExpired if its age is beyond ``max_age`` either way."""
        value, signed_at = super().unsign(signed_value, return_timestamp=True)
        if max_age is not None:
            age = self.get_timestamp() - int(signed_at.timestamp())
            if abs(age) > max_age:
                message = f"Signature age {age} is beyond {max_age} seconds"
                raise SignatureExpired(message, payload=value, date_signed=signed_at)
        return (value, signed_at) if return_timestamp else value


class _SessionInterface(SecureCookieSessionInterface):
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return Flask's serializer with a signer that bears a clock set back."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = ClockTolerantSigner
        return serializer


def init_app(app: Flask) -> None:
    """Let the sessions of ``app`` survive a clock that is set back."""
    app.session_interface = _SessionInterface()
