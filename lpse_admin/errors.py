"""Exceptions for refused operations: each has a message for the user and an HTTP status."""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.i18n import Message


class Refused(Exception):  # noqa: N818 - the answer to a request, not an error of the program
    """The operation is refused; ``message`` says why, for the user."""

    status = HTTPStatus.CONFLICT

    def __init__(self, message: Message, *, field_errors: Mapping[str, Message] | None = None) -> None:
        """Store the message, and the errors of single form fields by field name."""
        super().__init__(str(message))
        self.message = message
        self.field_errors: Mapping[str, Message] = MappingProxyType(dict(field_errors or {}))


class Malformed(Refused):
    """The HTTP request cannot be parsed."""

    status = HTTPStatus.BAD_REQUEST


class NotAllowed(Refused):
    """The user may not do this."""

    status = HTTPStatus.FORBIDDEN


class NotFound(Refused):
    """The record does not exist or the user may not see it; the answer is the same for both."""

    status = HTTPStatus.NOT_FOUND


class NoSuchMove(Refused):
    """The SOP has no such move from the current step, or the record was changed in the meantime."""

    status = HTTPStatus.CONFLICT


class FileTooLarge(Refused):
    """A file is too large."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UploadLimitReached(FileTooLarge):
    """A file would be more than may be sent in a day; it is allowed after ``retry_after`` seconds (RFC 9110, 413)."""

    def __init__(
        self, message: Message, *, retry_after: int, field_errors: Mapping[str, Message] | None = None
    ) -> None:
        """Store the message, the seconds to wait and the errors."""
        super().__init__(message, field_errors=field_errors)
        self.retry_after = retry_after


class ValidationFailed(Refused):
    """Required input is missing or invalid; ``field_errors`` has an error for each field.

    ``questions`` are about values that are possible but hardly meant, by field name; they are errors as well, unless
    somebody has confirmed them.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(
        self,
        message: Message,
        *,
        field_errors: Mapping[str, Message] | None = None,
        questions: Mapping[str, Message] | None = None,
    ) -> None:
        """Store the message, the errors and the questions."""
        super().__init__(message, field_errors=field_errors)
        self.questions: Mapping[str, Message] = MappingProxyType(dict(questions or {}))


class Unauthenticated(Refused):
    """The user is not logged in, or the login failed."""

    status = HTTPStatus.UNAUTHORIZED


class TooManyAttempts(Refused):
    """Too many attempts; the next one is allowed after ``retry_after`` seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: Message, *, retry_after: int) -> None:
        """Store the message and the seconds to wait."""
        super().__init__(message)
        self.retry_after = retry_after
