"""The words that go to the client: a Refusal as an ErrorResponse, an upstream's error without
what a mask hides (PG manual, 55.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from masking.verdict import Refusal
from protocol.backend import ErrorResponse, NoticeResponse

#: Detail, Where (context), internal query and its position: they can quote rows.
TELLING_FIELDS = ("D", "W", "q", "p")
#: In class 42 (syntax error or access rule violation) the detail speaks of names, never of rows.
CLASS_OF_NAMES = "42"
#: The place in PostgreSQL's source that says the same: drivers (asyncpg, pgjdbc) know by it that
#: preparing the statement again helps, and do so.
ROUTINES = {"changed-catalog": "RevalidateCachedQuery"}


def error(refusal: Refusal, severity: str = "ERROR") -> bytes:
    """The frame that tells the client of a refusal."""
    fields = {"S": severity, "V": severity, "C": refusal.sqlstate, "M": refusal.message}
    if refusal.detail:
        fields["D"] = refusal.detail
    if refusal.hint:
        fields["H"] = refusal.hint
    if refusal.rule in ROUTINES:
        fields["R"] = ROUTINES[refusal.rule]
    if refusal.position is not None:
        fields["P"] = str(refusal.position)
    return ErrorResponse(fields).encode()


def fatal(sqlstate: str, message: str, *, detail: str | None = None, hint: str | None = None) -> bytes:
    """The frame that ends a connection, with its reason."""
    return error(Refusal(sqlstate, "fatal", message, detail, hint), severity="FATAL")


def notice(message: str, *, sqlstate: str = "01000", hint: str | None = None) -> bytes:
    """A WARNING-severity NoticeResponse of the gateway's own."""
    fields = {"S": "WARNING", "V": "WARNING", "C": sqlstate, "M": message}
    if hint:
        fields["H"] = hint
    return NoticeResponse(fields).encode()


def without_values(fields: Mapping[str, str], position: Callable[[int], int | None]) -> dict[str, str]:
    """The fields of an upstream's error or notice as the client may see them.

    `position` maps a place in the text that was sent to a place in the client's own text, or to
    None, in which case the field is dropped.
    """
    keep_detail = fields.get("C", "").startswith(CLASS_OF_NAMES)
    shown = {
        code: value for code, value in fields.items() if code not in TELLING_FIELDS or (code == "D" and keep_detail)
    }
    if "P" in shown:
        at = position(int(shown["P"])) if shown["P"].isdigit() else None
        if at is None:
            del shown["P"]
        else:
            shown["P"] = str(at)
    return shown


#: What the judge writes before the names of functions, so that they can mean nothing else.
_OUR_SCHEMA = "pg_catalog."


def as_asked(fields: Mapping[str, str], original: str) -> dict[str, str]:
    """`function pg_catalog.sum(text) does not exist` becomes `function sum(text) …`, as it would read for
    the client's own text, when that names no such schema."""
    message = fields.get("M", "")
    if not fields.get("C", "").startswith(CLASS_OF_NAMES) or _OUR_SCHEMA in original.lower():
        return dict(fields)
    return {**fields, "M": message.replace(_OUR_SCHEMA, "")}
