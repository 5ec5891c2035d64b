"""Passkeys in the browser (WebAuthn): what it is asked, and whether its answer holds."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from models.accounts.factors.passkey import Passkey, load_passkeys
from models.base import session_of
from views.app.access import settings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from models.accounts.user import User

_LONGEST_ANSWER = 20_000
#: What an answer of a browser may be made of that is none: wrong JSON, a missing part, a wrong type or encoding.
_BROKEN = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError)


def _origin() -> str:
    return (settings().base_url or request.host_url).rstrip("/")


def _origin_parts() -> tuple[str, str]:
    """Return the name of the host that keys are bound to, and the origin."""
    parts = urlsplit(_origin())
    return parts.hostname or "", f"{parts.scheme}://{parts.netloc}"


def are_possible() -> bool:
    """Whether browsers offer passkeys here: over HTTPS or on this machine, and under a name instead of a number."""
    host, origin = _origin_parts()
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return False
    return origin.startswith("https://") or host == "localhost"


def registration_options(user: User, passkeys: Sequence[Passkey]) -> tuple[str, str]:
    """Return what a browser needs to make a key (JSON), and the challenge in it (base64url)."""
    options = generate_registration_options(
        rp_id=_origin_parts()[0],
        rp_name=f"LPSE {user.agency.region}" if user.agency else "LPSE",
        user_id=f"lpse-{user.id}".encode(),
        user_name=user.username,
        user_display_name=user.full_name,
        exclude_credentials=_descriptors(passkeys),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def authentication_options(passkeys: Sequence[Passkey]) -> tuple[str, str]:
    """Return what a browser needs to prove one of these keys (JSON), and the challenge in it (base64url)."""
    options = generate_authentication_options(
        rp_id=_origin_parts()[0],
        allow_credentials=_descriptors(passkeys),
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id)) for passkey in passkeys]


def made_passkey(answer: str, challenge: str, name: str) -> Passkey | None:
    """Return the key that a browser has made, not yet of anybody; None if its answer does not hold."""
    host, origin = _origin_parts()
    if len(answer) > _LONGEST_ANSWER:
        return None
    try:
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=host,
            expected_origin=origin,
        )
    except _BROKEN:
        return None
    return Passkey(
        name=name,
        credential_id=bytes_to_base64url(verified.credential_id),
        public_key=bytes_to_base64url(verified.credential_public_key),
        sign_count=verified.sign_count,
    )


def proves_passkey(user: User, answer: str, challenge: str, asked_at: dt.datetime, now: dt.datetime) -> bool:
    """Whether a browser's answer proves a key of ``user``; its use is noted, so that no answer is taken twice."""
    if len(answer) > _LONGEST_ANSWER:
        return False
    host, origin = _origin_parts()
    for passkey in load_passkeys(session_of(user), user.id):
        if f'"{passkey.credential_id}"' not in answer or (passkey.used_at is not None and passkey.used_at > asked_at):
            continue
        try:
            verified = verify_authentication_response(
                credential=answer,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=host,
                expected_origin=origin,
                credential_public_key=base64url_to_bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
            )
        except _BROKEN:
            continue
        passkey.sign_count, passkey.used_at = verified.new_sign_count, now
        return True
    return False
