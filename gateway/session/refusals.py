"""The words that go to the client: a Refusal as an ErrorResponse, an upstream's error without
what a mask hides (PG manual, 55.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from masking.policy import Messages
from masking.verdict import Refusal
from protocol.backend import ErrorResponse, NoticeResponse

#: Detail, Where (context), internal query and its position: they can quote rows.
TELLING_FIELDS = ("D", "W", "q", "p")
#: The place in PostgreSQL's source. What is hidden is answered by the gateway, which has none, and what is not
#: there often by PostgreSQL: errors about names must not be told apart by that.
PLACE_FIELDS = ("F", "L", "R")
ABOUT_NAMES = ("42", "3D", "3F")
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
    sqlstate = fields.get("C", "")
    keep_detail = sqlstate.startswith(CLASS_OF_NAMES)
    dropped = TELLING_FIELDS + PLACE_FIELDS if sqlstate.startswith(ABOUT_NAMES) else TELLING_FIELDS
    shown = {code: value for code, value in fields.items() if code not in dropped or (code == "D" and keep_detail)}
    if "P" in shown:
        at = position(int(shown["P"])) if shown["P"].isdigit() else None
        if at is None:
            del shown["P"]
        else:
            shown["P"] = str(at)
    return shown


#: SQLSTATEs, or classes of them, whose words quote no value: constraints, transactions, resources, cursors,
#: what is not supported (PG manual, appendix A). Of classes 22 and 42 most do, so few are here.
WORDS_WITHOUT_VALUES = (
    *("00", "01", "0A", "21", "23", "24", "25", "26", "2D", "34", "3B", "40", "44", "53", "54", "55", "57"),
    *("22004", "22012", "42501", "42804", "42P10", "42P18"),
)
#: Places in PostgreSQL's source whose messages hold names only, wherever they are called from: cancels and
#: timeouts, deadlocks, constraints.
ROUTINES_OF_NAMES = frozenset(
    {
        "ProcessInterrupts",
        "DeadLockReport",
        "_bt_check_unique",
        "check_exclusion_or_unique_constraint",
        "ExecConstraints",
        "ri_ReportViolation",
    }
)
#: PL/pgSQL's RAISE, as the field of the source's routine names it.
_RAISE = "exec_stmt_raise"
WITHHELD = "the message of this error is withheld, because it may quote values that masks hide"
WITHHELD_HINT = (
    "It comes from a view, trigger, check, policy, function or foreign table, or from a conversion beside one. "
    'Its SQLSTATE is as it was; messages = "full" in the role\'s policy shows the words.'
)


def quotes_nothing(fields: Mapping[str, str], messages: Messages) -> bool:
    """May the words of an upstream's error or notice pass, by the rule for its statement?

    What has a context (W) comes from inside something: a function, a row being copied. What has a position
    (P) in the text that was sent was found before anything ran.
    """
    routine = fields.get("R")
    if messages is Messages.FULL or routine in ROUTINES_OF_NAMES:
        return True
    if messages is Messages.SHOWN:
        return routine != _RAISE
    context = fields.get("W", "")
    if not context:
        return "P" in fields or fields.get("C", "").startswith(WORDS_WITHOUT_VALUES)
    return messages is Messages.RAISED and routine == _RAISE and "\n" not in context


def withheld(fields: Mapping[str, str]) -> dict[str, str]:
    """An error that says no more than its SQLSTATE, and how to hear more."""
    kept = {code: value for code, value in fields.items() if code in ("S", "V", "C")}
    return kept | {"M": WITHHELD, "H": WITHHELD_HINT}


#: What the judge writes before the names of functions, so that they can mean nothing else.
_OUR_SCHEMA = "pg_catalog."


def as_asked(fields: Mapping[str, str], original: str) -> dict[str, str]:
    """`function pg_catalog.sum(text) does not exist` becomes `function sum(text) …`, as it would read for
    the client's own text, when that names no such schema."""
    message = fields.get("M", "")
    if not fields.get("C", "").startswith(CLASS_OF_NAMES) or _OUR_SCHEMA in original.lower():
        return dict(fields)
    return {**fields, "M": message.replace(_OUR_SCHEMA, "")}
