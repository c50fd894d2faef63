"""What is refused, with a sentence for the person and what to do next."""

from __future__ import annotations


class AccessRefused(Exception):
    """We understood and refuse. `cause` is a word for programs and the record; `message` says
    what happened, `hint` what to do next. Neither ever holds a secret."""

    def __init__(self, cause: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.hint = hint


class NotPermitted(AccessRefused):
    """The person may not do this (HTTP 403)."""


class NotFound(AccessRefused):
    """There is no such thing, or the person may not know of it (HTTP 404)."""


class NotValid(AccessRefused):
    """What was asked for does not fit the terms (HTTP 422)."""


class NotPossible(AccessRefused):
    """The thing is no longer in a state where this can happen (HTTP 409)."""


class NotSignedIn(AccessRefused):
    """We do not know who this is (HTTP 401). Says the same whatever was wrong."""


class TooMany(AccessRefused):
    """Too much at once or too often; after `seconds` it may be tried again (HTTP 429)."""

    def __init__(self, cause: str, message: str, hint: str = "", *, seconds: int) -> None:
        super().__init__(cause, message, hint)
        self.seconds = seconds


class AdmissionRefused(AccessRefused):
    """The door stays closed. `sqlstate` is 28P01 for what is wrong with the token itself,
    28000 for what it may open, 53300 for too many sessions. `token_id` is the token's
    `jti`, once its signature was found good; `person` its subject, likewise."""

    def __init__(
        self, cause: str, sqlstate: str, message: str, hint: str = "", *, token_id: str = "", person: str = ""
    ) -> None:
        super().__init__(cause, message, hint)
        self.sqlstate = sqlstate
        self.token_id = token_id
        self.person = person
