"""A login by an identity provider of the region (OpenID Connect): its settings, and whom its claims name.

The provider says who somebody is and nothing else: the account is there already, and its roles are this program's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lpse_admin.i18n import _

if TYPE_CHECKING:
    from collections.abc import Mapping

_NIP = re.compile(r"[0-9]{18}", re.ASCII)
_MAX_EMAIL_LENGTH = 200
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """A provider of OpenID Connect: its issuer, what this program is there, and what its button is called."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = "SSO"
    #: The claim that has the NIP.
    nip_claim: str = "nip"

    @property
    def metadata_url(self) -> str:
        """Where the provider says how it is used."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class ClaimedIdentity:
    """Whom a provider names: by NIP, by an e-mail address that it has verified, or both."""

    nip: str | None
    email: str | None


def parse_identity_provider(
    issuer: str, client_id: str, client_secret: str, name: str, nip_claim: str
) -> IdentityProvider | None:
    """Return the provider of these settings, or None without an issuer; raises ValueError with a sentence."""
    if not issuer:
        return None
    if not is_issuer(issuer):
        raise ValueError(_("LPSE_OIDC_ISSUER must look like https://sso.example.go.id, without a query."))
    if not (client_id and client_secret):
        raise ValueError(_("LPSE_OIDC_ISSUER needs LPSE_OIDC_CLIENT_ID and LPSE_OIDC_CLIENT_SECRET as well."))
    return IdentityProvider(issuer, client_id, client_secret, name or "SSO", nip_claim or "nip")


def is_issuer(url: str) -> bool:
    """Whether ``url`` may be an issuer: https, and http on this machine alone."""
    parts = urlsplit(url)
    is_plain = not (parts.query or parts.fragment or parts.username)
    is_encrypted = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return is_plain and is_encrypted and bool(parts.hostname)


def read_claims(claims: Mapping[str, object], nip_claim: str) -> ClaimedIdentity:
    """Return whom ``claims`` name; an address that is not verified, and a NIP that is none, name nobody."""
    nip, email = claims.get(nip_claim), claims.get("email")
    is_verified = claims.get("email_verified") is True
    return ClaimedIdentity(
        nip=nip if isinstance(nip, str) and _NIP.fullmatch(nip) else None,
        email=email if is_verified and isinstance(email, str) and 0 < len(email) <= _MAX_EMAIL_LENGTH else None,
    )
