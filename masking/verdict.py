"""What the judge says of a statement: frozen values that carry their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from masking.policy import Messages, StatementKind


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a statement may not run, in the words that the client will read.

    `rule` is a stable dotted name ("statement-kind", "function-not-allowed", …) for the
    record, metrics and tests; `position` is 1-based, in characters of the original query
    string, as in the P field of ErrorResponse (PG manual 55.8).
    """

    sqlstate: str
    rule: str
    message: str
    detail: str | None = None
    hint: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Touched:
    """One relation a statement names, with the columns it can see or change.

    `read` holds every column exposed to the statement unless the analysis could tell
    exactly which were referenced; `masked` is the part of `read` that came masked, with the mask's kind.
    """

    relation: str
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    masked: tuple[tuple[str, str], ...] = ()
    #: Columns by whose raw values rows are looked up (masking.lookups), each as often as the statement says a value.
    lookups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What the record says of one statement, whatever the verdict. No constants in here."""

    kind: StatementKind
    #: libpg_query's normalised text: constants are $1, $2, …
    normalized: str
    fingerprint: str
    #: Where the statement's own text stands in the query string: [start, end) in characters.
    start: int
    end: int
    touched: tuple[Touched, ...] = ()
    #: The name in PREPARE / EXECUTE / EXPLAIN EXECUTE / DEALLOCATE / DECLARE / FETCH / CLOSE.
    name: str | None = None
    #: Does it change rows (also through a CTE or EXPLAIN ANALYZE)?
    writes: bool = False
    #: Which words of its errors and notices may pass.
    messages: Messages = Messages.SHOWN


@dataclass(frozen=True, slots=True)
class Passed:
    """May run; `text` is the statement as printed from the judged tree."""

    statement: Statement
    text: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """May run, masked; `text` is the statement as printed from the rewritten tree."""

    statement: Statement
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """May not run. `statement` is None when not even its boundaries are known (syntax error)."""

    statement: Statement | None
    refusal: Refusal


Verdict = Passed | Rewritten | Refused


@dataclass(frozen=True, slots=True)
class Review:
    """The verdicts over one query string, in the order of its statements."""

    verdicts: tuple[Verdict, ...]

    @property
    def refusal(self) -> Refusal | None:
        """The first refusal; one is enough to refuse the whole string."""
        for verdict in self.verdicts:
            if isinstance(verdict, Refused):
                return verdict.refusal
        return None

    @property
    def text(self) -> str:
        """What goes upstream. Only to be asked for when `refusal` is None."""
        return "; ".join(v.text for v in self.verdicts if not isinstance(v, Refused))


#: Table OID -> attribute numbers that may come back under the table's own name
#: (RowDescription's origin fields). The second lock: an origin that is not in here ends the session.
ClearOrigins = Mapping[int, frozenset[int]]
