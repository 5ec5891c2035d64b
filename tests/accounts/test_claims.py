"""Whom the claims of an identity provider name, and which issuers a setting may name."""

from __future__ import annotations

from typing import Any

import pytest

from lpse_admin.accounts.identity_provider import (
    ClaimedIdentity,
    IdentityProvider,
    is_issuer,
    parse_identity_provider,
    read_claims,
)

NIP = "198001012005011001"
NOBODY = ClaimedIdentity(None, None)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, NOBODY),
        ({"nip": NIP}, ClaimedIdentity(NIP, None)),
        ({"nip": NIP + "1"}, NOBODY),
        ({"nip": int(NIP)}, NOBODY),
        ({"nip": "١" * 18}, NOBODY),
        ({"email": "a@b.example"}, NOBODY),
        ({"email": "a@b.example", "email_verified": "true"}, NOBODY),
        ({"email": "a@b.example", "email_verified": 1}, NOBODY),
        ({"email": "", "email_verified": True}, NOBODY),
        ({"email": "a" * 201, "email_verified": True}, NOBODY),
        ({"email": ["a@b.example"], "email_verified": True}, NOBODY),
        ({"email": "a@b.example", "email_verified": True}, ClaimedIdentity(None, "a@b.example")),
    ],
)
def test_a_nip_of_eighteen_digits_and_a_verified_address_name_somebody(
    claims: dict[str, Any], expected: ClaimedIdentity
) -> None:
    assert read_claims(claims, "nip") == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://sso.example.go.id", True),
        ("https://sso.example.go.id/realms/daerah", True),
        ("http://localhost:8080", True),
        ("http://sso.example.go.id", False),
        ("https://sso.example.go.id?x=1", False),
        ("https://a:b@sso.example.go.id", False),
        ("https://", False),
        ("ftp://sso.example.go.id", False),
        ("sso.example.go.id", False),
    ],
)
def test_an_issuer_is_reached_by_https_or_on_this_machine(url: str, *, expected: bool) -> None:
    assert is_issuer(url) is expected


def test_a_provider_is_off_whole_or_faulty() -> None:
    assert parse_identity_provider("", "a", "b", "", "") is None
    whole = parse_identity_provider("https://sso.example.go.id/", "a", "b", "", "")
    assert whole == IdentityProvider("https://sso.example.go.id/", "a", "b", "SSO", "nip")
    assert whole.metadata_url == "https://sso.example.go.id/.well-known/openid-configuration"
    for arguments in (("http://x.example", "a", "b"), ("https://x.example", "", "b"), ("https://x.example", "a", "")):
        with pytest.raises(ValueError, match="LPSE_OIDC"):
            parse_identity_provider(*arguments, "", "")
