"""Review, remembered: a statement seen before costs a look-up by its exact bytes.

One judge serves all sessions of one role on one target. Its memory is bounded in bytes and
forgotten whenever the catalog changes, so a verdict is never older than its snapshot.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway.audit.facts import Sealed, StatementJudged
from masking.catalog import Catalog
from masking.origins import clear_origins
from masking.policy import RolePolicy, StatementKind
from masking.review import review
from masking.verdict import ClearOrigins, Passed, Refusal, Refused, Rewritten, Statement, Verdict

DEFAULT_MEMORY = 16 * 1024 * 1024
#: What a remembered verdict weighs besides its texts, roughly.
OVERHEAD = 2048

NOT_UTF8 = Refusal("22021", "encoding", 'invalid byte sequence for encoding "UTF8"')


@dataclass(frozen=True, slots=True)
class JudgedStatement:
    """One statement with its verdict, in the words of the record."""

    kind: StatementKind
    name: str | None
    verdict: str
    normalized: str
    fingerprint: str
    rule: str
    reason: str
    read: tuple[str, ...]
    written: tuple[str, ...]
    masks: tuple[str, ...]
    #: The client's own text of this one statement.
    original: str

    def fact(
        self,
        number: int,
        how: str,
        transaction: str,
        *,
        of: int = 0,
        parameters: tuple[str | None, ...] = (),
        verdict: str | None = None,
        rule: str | None = None,
        reason: str | None = None,
    ) -> StatementJudged:
        """The event to write before this statement goes upstream."""
        return StatementJudged(
            number=number,
            how=how,
            kind=self.kind.value,
            verdict=verdict or self.verdict,
            normalized=self.normalized,
            fingerprint=self.fingerprint,
            of=of,
            rule=self.rule if rule is None else rule,
            reason=self.reason if reason is None else reason,
            read=self.read,
            written=self.written,
            masks=self.masks,
            transaction=transaction,
            sealed=Sealed(text=None if how == "execute" else self.original, parameters=parameters),
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """One query string, judged: what goes upstream, or why nothing does."""

    original: str
    #: What goes upstream, encoded; empty when refused.
    sent: bytes
    refusal: Refusal | None
    statements: tuple[JudgedStatement, ...]

    @property
    def weight(self) -> int:
        return 4 * len(self.original) + 2 * len(self.sent) + OVERHEAD * (1 + len(self.statements))


class Judge:
    """Judges query strings for one role over the newest snapshot of one database."""

    def __init__(self, policy: RolePolicy, catalog: Catalog, *, memory: int = DEFAULT_MEMORY) -> None:
        self.policy = policy
        self.catalog = catalog
        self.hits = 0
        self.misses = 0
        self._memory = memory
        self._weight = 0
        self._remembered: OrderedDict[bytes, Judged] = OrderedDict()
        self._origins: ClearOrigins | None = None

    def adopt(self, catalog: Catalog) -> None:
        """Judge by this snapshot from now on."""
        if catalog.version != self.catalog.version:
            self._remembered.clear()
            self._weight = 0
            self._origins = None
        self.catalog = catalog

    @property
    def origins(self) -> ClearOrigins:
        """The second lock: which (table, attribute) may come back under its own name."""
        if self._origins is None:
            self._origins = clear_origins(self.policy, self.catalog)
        return self._origins

    def judge(self, sql: bytes) -> Judged:
        """The verdict over a query string as it came from the client, without its final NUL."""
        known = self._remembered.get(sql)
        if known is not None:
            self.hits += 1
            self._remembered.move_to_end(sql)
            return known
        self.misses += 1
        judged = self._review(sql)
        if judged.weight <= self._memory // 8:
            self._remembered[sql] = judged
            self._weight += judged.weight
            while self._weight > self._memory:
                _, oldest = self._remembered.popitem(last=False)
                self._weight -= oldest.weight
        return judged

    def _review(self, sql: bytes) -> Judged:
        try:
            text = sql.decode("utf-8")
        except UnicodeDecodeError:
            return Judged(sql.decode("utf-8", "replace"), b"", NOT_UTF8, ())
        result = review(text, self.policy, self.catalog)
        refusal = result.refusal
        return Judged(
            original=text,
            sent=b"" if refusal else result.text.encode(),
            refusal=refusal,
            statements=tuple(_in_words(verdict, text) for verdict in result.verdicts),
        )


def _in_words(verdict: Verdict, text: str) -> JudgedStatement:
    match verdict:
        case Passed(statement):
            return _statement_in_words(statement, "passed", text)
        case Rewritten(statement):
            return _statement_in_words(statement, "rewritten", text)
        case Refused(None, refusal):
            return JudgedStatement(
                kind=StatementKind.OTHER,
                name=None,
                verdict="refused",
                normalized="",
                fingerprint="",
                rule=refusal.rule,
                reason=_reason(refusal),
                read=(),
                written=(),
                masks=(),
                original=text,
            )
        case Refused(statement, refusal):
            assert statement is not None
            return _statement_in_words(statement, "refused", text, refusal)


def _statement_in_words(
    statement: Statement, verdict: str, text: str, refusal: Refusal | None = None
) -> JudgedStatement:
    touched = statement.touched
    return JudgedStatement(
        kind=statement.kind,
        name=statement.name,
        verdict=verdict,
        normalized=statement.normalized,
        fingerprint=statement.fingerprint,
        rule=refusal.rule if refusal else "",
        reason=_reason(refusal) if refusal else "",
        read=tuple(f"{t.relation}.{column}" for t in touched for column in t.read),
        written=tuple(f"{t.relation}.{column}" for t in touched for column in t.written),
        masks=tuple(f"{t.relation}.{column}:{mask}" for t in touched for column, mask in t.masked),
        original=text[statement.start : statement.end].strip(),
    )


def _reason(refusal: Refusal) -> str:
    """The reason as the readable record may hold it: PostgreSQL's words about the client's own
    text can quote a constant, so a syntax error is named and not quoted."""
    if refusal.rule == "syntax":
        return "syntax error"
    return refusal.message
