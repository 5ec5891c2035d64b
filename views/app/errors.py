"""Error responses: a page with the message and advice, or the same as JSON."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import current_app, g, jsonify, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from lpse_admin.errors import Refused, TooManyAttempts, UploadLimitReached
from lpse_admin.i18n import Message, _
from models.database import db, is_read_only_error
from views.i18n.wording import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask, Response
    from flask_wtf.csrf import CSRFError
    from werkzeug.wrappers import Response as AnyResponse

_TITLES = {
    400: _("Bad request"),
    401: _("Please log in"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("Method not allowed"),
    409: _("Conflict"),
    413: _("Too large"),
    415: _("Unsupported media type"),
    422: _("Incomplete or invalid input"),
    429: _("Too many attempts"),
    500: _("Something went wrong"),
    503: _("Database unavailable"),
}
_MESSAGES = {
    400: _("The program could not read what was sent."),
    401: _("Please log in first."),
    403: _("You are not allowed to do this."),
    404: _("There is no such page, or you may not see it."),
    405: _("This address does not support this method."),
    409: _("Conflict: the record was changed in the meantime."),
    413: _("What was sent is too large: a file may have 20 MB."),
    415: _("The program does not accept content of this type."),
    422: _("What was sent is incomplete or wrong."),
    429: _("There were too many attempts within a short time."),
    500: _("The program has failed; nothing was saved."),
    503: _("The database is busy or unavailable; nothing was saved."),
}
_ADVICE = {
    400: _("Go back, reload the page and send it again."),
    401: _("Your session has ended. Log in again, then repeat the last step."),
    403: _("Ask somebody responsible for it, or an administrator if you think you should have access."),
    404: _("Check the address, or look for the record in its list."),
    405: _("Go back and use the buttons of the page."),
    409: _("Open the record again to see what happened, then decide again."),
    413: _("Make the file smaller, or split it, and send it again."),
    415: _("Choose a file of another type."),
    422: _("Go back, fill in what is named here, and send it again."),
    429: _("Wait a while, then try again."),
    500: _("Try again later. If it fails again, give the request ID below to an administrator."),
    503: _("Try again in a minute. If it fails again, give the request ID below to an administrator."),
}
_CSRF_MESSAGE = _("The page was open for too long, or the form was not sent from this site; nothing was saved.")
_RETRY_SECONDS = 30


def wants_json() -> bool:
    """Whether the client prefers JSON to HTML."""
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def error_response(
    status: int,
    message: Message | None = None,
    *,
    fields: Mapping[str, Message] | None = None,
    headers: Mapping[str, str] | None = None,
) -> AnyResponse:
    """Return an error response with ``status``; without ``message`` it has the status's own message."""
    with suppress(SQLAlchemyError):
        db.session.rollback()
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        _forget_current_user()
    try:
        response = _render_error(status, message, fields or {})
    except SQLAlchemyError:
        _forget_current_user()
        response = _render_error(status, message, fields or {})
    response.status_code = status
    response.headers.extend(headers or {})
    return response


def _forget_current_user() -> None:
    """Render the page without a query for the user, since the database may be unavailable."""
    g.current_user = g.delegation = None


def _render_error(status: int, message: Message | None, fields: Mapping[str, Message]) -> Response:
    kind = status if status in _TITLES else (500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400)
    sentence = tr(message or _MESSAGES[kind])
    if wants_json():
        errors = {name: tr(error) for name, error in fields.items()}
        return jsonify(error=sentence, fields=errors, status=status, request_id=g.get("request_id"))
    return make_response(
        render_template(
            "app/error.html",
            status=status,
            title=_TITLES[kind],
            sentence=sentence,
            fields=fields,
            advice=_ADVICE[kind],
            request_id=g.get("request_id"),
        )
    )


def refusal_response(refusal: Refused) -> AnyResponse:
    """Return the response to a refusal; a GET without a login is redirected to the login page."""
    if refusal.status == HTTPStatus.UNAUTHORIZED and request.method in {"GET", "HEAD"} and not wants_json():
        next_url = request.full_path.rstrip("?")
        return redirect(url_for("access.login", next=None if next_url == "/" else next_url))
    headers = {}
    if isinstance(refusal, TooManyAttempts | UploadLimitReached):
        headers["Retry-After"] = str(refusal.retry_after)
    return error_response(refusal.status, refusal.message, fields=refusal.field_errors, headers=headers)


def _handle_http_exception(error: HTTPException) -> AnyResponse:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if error.response is not None or status < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    names = {"Allow", "Retry-After", "WWW-Authenticate"}
    return error_response(status, headers={name: value for name, value in error.get_headers() if name in names})


def csrf_error_response(error: CSRFError) -> AnyResponse:
    """Return the response to a form with an invalid CSRF token."""
    return error_response(error.code or HTTPStatus.BAD_REQUEST, _CSRF_MESSAGE)


def _handle_internal_error(_error: InternalServerError) -> AnyResponse:
    """Return the response to an unhandled exception, which Flask has logged; the page shows the request id."""
    current_app.logger.error("the exception above was raised in request %s", g.get("request_id"))
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR)


def busy_response() -> AnyResponse:
    """Return the response while the database is busy or unavailable: 503, and when to try again."""
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": str(_RETRY_SECONDS)})


def _handle_database_error(error: SQLAlchemyError) -> AnyResponse:
    """Return the response to a database error: 409 for a violated constraint, 503 if it is unavailable, else 500."""
    current_app.logger.error("request %s: database error", g.get("request_id"), exc_info=error)
    if isinstance(error, IntegrityError):
        return error_response(HTTPStatus.CONFLICT)
    if isinstance(error, OperationalError | PoolTimeout) or (
        isinstance(error, DBAPIError) and (error.connection_invalidated or is_read_only_error(error))
    ):
        return busy_response()
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR)


def init_app(app: Flask) -> None:
    """Register the error handlers of ``app``."""
    app.register_error_handler(Refused, refusal_response)
    app.register_error_handler(HTTPException, _handle_http_exception)
    app.register_error_handler(InternalServerError, _handle_internal_error)
    app.register_error_handler(SQLAlchemyError, _handle_database_error)
