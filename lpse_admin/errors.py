"""Refusals: each holds a sentence that can be shown, and its kind decides the HTTP status."""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.i18n import Message


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """The procedure does not allow what was asked; ``message`` says why, to the person who asked."""

    status = HTTPStatus.CONFLICT

    def __init__(self, message: Message, *, field_errors: Mapping[str, Message] | None = None) -> None:
        """Take the sentence, and the sentences that belong beside single form fields."""
        super().__init__(str(message))
        self.message = message
        self.field_errors: Mapping[str, Message] = MappingProxyType(dict(field_errors or {}))


class Malformed(Refused):
    """The request cannot be read at all."""

    status = HTTPStatus.BAD_REQUEST


class NotAllowed(Refused):
    """Somebody else may do this, but not the one who asked."""

    status = HTTPStatus.FORBIDDEN


class NotFound(Refused):
    """There is no such thing, or it is not theirs to see: the two must look alike."""

    status = HTTPStatus.NOT_FOUND


class NoSuchMove(Refused):
    """The paper has no such move from here, or somebody was faster."""

    status = HTTPStatus.CONFLICT


class FileTooLarge(Refused):
    """A file is larger than the program takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class ValidationFailed(Refused):
    """Something that the paper requires is missing or wrong; ``fields`` names each."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Unauthenticated(Refused):
    """Nobody is logged in, or the login failed."""

    status = HTTPStatus.UNAUTHORIZED


class TooManyAttempts(Refused):
    """Something was tried too often; it may be tried again after ``retry_after`` seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: Message, *, retry_after: int) -> None:
        """Take the sentence, and the seconds to wait."""
        super().__init__(message)
        self.retry_after = retry_after
