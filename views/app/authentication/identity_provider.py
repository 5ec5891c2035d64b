"""Logging in by the identity provider that the settings name (OpenID Connect): the way there, and the way back.

Authlib checks state, nonce, signature, issuer, audience and times of what comes back. Nothing of the provider but the
NIP and the verified address is looked at: roles, groups and names are this program's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, current_app, session, url_for
from joserfc.errors import JoseError
from requests import RequestException

from lpse_admin.accounts.identity_provider import read_claims
from lpse_admin.errors import NotAllowed, Unauthenticated
from lpse_admin.i18n import _
from models.accounts.login import SecondStep
from models.accounts.provider_login import find_claimed_user, log_in_by_provider
from models.database import db
from views.app import security_log
from views.app.access import public, settings
from views.app.authentication import second_step
from views.app.authentication.login import LoginForm, begin_session, go_on, login_refused, requested_next_url
from views.app.authentication.sessions import client_address, client_device
from views.app.clock import now

if TYPE_CHECKING:
    from authlib.integrations.flask_client import Client
    from flask import Flask
    from werkzeug.wrappers import Response

    from lpse_admin.config import Settings
    from lpse_admin.i18n import Message

blueprint = Blueprint("identity_provider", __name__)

_EXTENSION = "lpse_identity_provider"
_NEXT_KEY = "provider_next"
_SECONDS = 10
#: What Authlib raises for an answer that is refused, or that has another shape than the standard says.
_UNUSABLE = (AuthlibBaseError, JoseError, ValueError, TypeError, LookupError, AttributeError)
_FAILED = _("The identity provider has not confirmed who you are. Try again, or log in with your password.")
_UNREACHABLE = _("The identity provider cannot be reached. Log in with your password, or try again later.")
_UNKNOWN = _("No account here has this NIP or verified e-mail address. Ask an administrator of your LPSE.")


def _client() -> Client:
    client: Client = current_app.extensions[_EXTENSION]
    return client


@blueprint.get("/login/provider")
@public
def begin() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Lead to the provider."""
    session[_NEXT_KEY] = requested_next_url()
    back = f"{settings().base_url}{url_for('identity_provider.finish')}"
    try:
        _require_issuer()
        return _client().authorize_redirect(back)
    except (RequestException, *_UNUSABLE):
        current_app.logger.exception("the identity provider cannot be used")
        return login_refused(Unauthenticated(_UNREACHABLE), LoginForm(formdata=None), "/", {})


def _require_issuer() -> None:
    """Raise ValueError unless the provider calls itself what the settings call it."""
    provider = settings().identity_provider
    metadata = _client().load_server_metadata()
    if provider is None or metadata.get("issuer") != provider.issuer:
        message = f"the metadata names the issuer {metadata.get('issuer')}"
        raise ValueError(message)


@blueprint.get("/login/provider/return")
@public
def finish() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Open the account of whom the provider has named."""
    leads_to = str(session.pop(_NEXT_KEY, "/"))
    try:
        token = _client().authorize_access_token()
    except _UNUSABLE as error:
        current_app.logger.warning("the identity provider's answer is refused: %s", type(error).__name__)
        return _refuse(_FAILED, leads_to)
    except RequestException:
        current_app.logger.exception("the identity provider cannot be reached")
        return _refuse(_UNREACHABLE, leads_to)
    provider = settings().identity_provider
    claims = token.get("userinfo")
    user = None
    if provider is not None and claims:
        user = find_claimed_user(db.session(), read_claims(claims, provider.nip_claim))
    if user is None:
        return _refuse(_UNKNOWN if claims else _FAILED, leads_to)
    try:
        outcome = log_in_by_provider(db.session(), user, address=client_address(), device=client_device(), now=now())
    except NotAllowed as refusal:
        return login_refused(refusal, LoginForm(formdata=None), leads_to, {})
    if isinstance(outcome, SecondStep):
        security_log.note_login(user, user.username, outcome="second-step")
        return second_step.ask(user, leads_to, None, is_by_provider=True)
    begin_session(user, outcome, is_password_entered=False)
    return go_on(user, leads_to)


def _refuse(sentence: Message, leads_to: str) -> tuple[str, int] | tuple[str, int, dict[str, str]]:
    security_log.note_reason("identity-provider")
    return login_refused(Unauthenticated(sentence), LoginForm(formdata=None), leads_to, {})


def init_app(app: Flask, settings_: Settings) -> None:
    """Offer the login by the provider, where the settings name one."""
    provider = settings_.identity_provider
    if provider is None:
        return
    app.extensions[_EXTENSION] = OAuth(app).register(
        "provider",
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        server_metadata_url=provider.metadata_url,
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "timeout": _SECONDS},
    )
    app.register_blueprint(blueprint)
