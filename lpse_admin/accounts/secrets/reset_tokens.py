"""The tokens of links to set a new password.

A token is derived from the installation's secret key and a nonce, so that the mail can be written when it is sent while
the database holds no token: only its hash, and a nonce that is of no use without the key.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from base64 import urlsafe_b64encode

#: How long a link is good.
LINK_LIFETIME = dt.timedelta(minutes=30)

_PURPOSE = b"lpse password reset "


def derive_token(secret_key: str, nonce: str) -> str:
    """Return the token of ``nonce``: 43 letters, digits, hyphens and underscores."""
    digest = hmac.new(secret_key.encode(), _PURPOSE + nonce.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def hash_token(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
