"""Review, remembered: a statement seen before costs a look-up by its exact bytes, one that differs
from an earlier one only in constants costs a scan (masking.templates).

One judge serves all sessions of one role on one target. Its memory is bounded in bytes and
forgotten whenever the catalog changes, so a verdict is never older than its snapshot.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Literal, TypeVar
from weakref import WeakSet

import msgspec
import structlog
from msgspec.structs import replace

from gateway.audit.facts import Sealed, StatementJudged
from masking.catalog import Catalog
from masking.origins import clear_origins
from masking.policy import Messages, RolePolicy, StatementKind, strictest
from masking.review import INTERNAL_RULE, review
from masking.sight import sight_of
from masking.templates import Numbered, Template, normal_form, numbered, shape_of, template_of
from masking.verdict import ClearOrigins, Passed, Refusal, Refused, Rewritten, Statement, Verdict

DEFAULT_MEMORY = 16 * 1024 * 1024
#: What a remembered verdict weighs besides its texts, roughly.
OVERHEAD = 2048

OUTDATED = Refusal(
    "57P03",
    "outdated-catalog",
    "the gateway could not look at the database's catalog for too long, so it cannot judge this statement",
    hint="Try again soon; if that fails, tell whoever runs this gateway.",
)
#: Longer texts are judged in another process; the worst of this length take about 100 ms.
LONG = 4 * 1024
#: Each statement of a query string is judged and recorded for itself.
MOST_STATEMENTS = 500
TOO_MANY_STATEMENTS = Refusal(
    "54000",
    "too-many-statements",
    f"more than {MOST_STATEMENTS} statements in one query string",
    hint="Send them in smaller parts.",
)
#: Longer texts are judged each for itself.
LONGEST_SHAPE = 64 * 1024

#: Kinds that change or use what a name stands for: of a prepared statement, of a portal.
STATEMENT_NAMES = frozenset({StatementKind.PREPARE, StatementKind.EXECUTE, StatementKind.DEALLOCATE})
PORTAL_NAMES = frozenset({StatementKind.DECLARE, StatementKind.FETCH, StatementKind.CLOSE})
#: Kinds that may answer with rows; of the others none are passed on, but for those of a COPY.
WITH_ROWS = frozenset(
    {
        StatementKind.SELECT,
        StatementKind.INSERT,
        StatementKind.UPDATE,
        StatementKind.DELETE,
        StatementKind.MERGE,
        StatementKind.EXPLAIN,
        StatementKind.SHOW,
        StatementKind.EXECUTE,
        StatementKind.FETCH,
    }
)
ABOUT_NAMES = STATEMENT_NAMES | PORTAL_NAMES | {StatementKind.DISCARD, StatementKind.TEMP_TABLES}

#: Statements about transactions that neither open nor end a block, and those that open one (PG manual, part VI).
WITHIN_A_BLOCK = ("SAVEPOINT", "RELEASE", "ROLLBACK TO", "ROLLBACK WORK TO", "ROLLBACK TRANSACTION TO", "SET")
OPENING = ("BEGIN", "START")
#: How an event came that has its text in the event of its Parse.
OF_A_PARSE = ("execute", "bind")

log = structlog.get_logger()

Value = TypeVar("Value")

NOT_UTF8 = Refusal("22021", "encoding", 'invalid byte sequence for encoding "UTF8"')


class JudgedStatement(msgspec.Struct, frozen=True):
    """One statement with its verdict."""

    kind: StatementKind
    name: str | None
    verdict: str
    normalized: str
    #: Columns by whose raw values it looks rows up, each as often as it says a value.
    lookups: tuple[str, ...]
    #: The client's own text of this one statement.
    original: str
    #: What the record says of each of its runs.
    event: StatementJudged
    #: The transaction status that its success leaves behind, where it opens or ends a block.
    leaves: str = ""
    #: Does it change or use what a name stands for (gateway.session.names)?
    about_names: bool = False
    #: An EXPLAIN over what is masked: its rows are looked at (gateway.session.plans).
    plan: bool = False
    #: Which words of its errors and notices may pass.
    messages: Messages = Messages.SHOWN

    def fact(
        self,
        number: int,
        how: str,
        transaction: str,
        *,
        of: int = 0,
        parameters: tuple[str | None, ...] = (),
        verdict: str | None = None,
        rule: str = "",
        reason: str = "",
    ) -> StatementJudged:
        """The event to write before this statement goes upstream."""
        text = None if how in OF_A_PARSE else self.original
        sealed = Sealed(text=text, parameters=parameters)
        # From a model: half of what all members by name would cost (0.4 instead of 1.2 µs).
        fact = replace(self.event, number=number, how=how, of=of, transaction=transaction, sealed=sealed)
        return fact if verdict is None else replace(fact, verdict=verdict, rule=rule, reason=reason)


class Judged(msgspec.Struct, frozen=True):
    """One query string, judged: what goes upstream, or why nothing does."""

    original: str
    #: What goes upstream, encoded; empty when refused.
    sent: bytes
    refusal: Refusal | None
    statements: tuple[JudgedStatement, ...]
    #: The version of the snapshot that it was judged by.
    catalog: str = ""
    #: And of the policy; empty where no policy had a say.
    policy: str = ""

    @property
    def messages(self) -> Messages:
        """Which words of its errors and notices may pass: the strictest of its statements decides."""
        return strictest(statement.messages for statement in self.statements)

    @property
    def weight(self) -> int:
        return 4 * len(self.original) + 2 * len(self.sent) + OVERHEAD * (1 + len(self.statements))


class _Known(msgspec.Struct, frozen=True):
    """A template, and what the record says of its statements but for their text."""

    template: Template
    words: JudgedStatement


class Memory(Generic[Value]):
    """What was judged last, by key, up to so many bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        #: What weighs more is not kept.
        self.most = size // 8
        self._used = 0
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def keep(self, key: Hashable, value: Value, weight: int) -> None:
        """Remember; the oldest are forgotten for it. What is too large is not remembered."""
        if weight > self.most:
            return
        replaced = self._kept.pop(key, None)
        self._used += weight - (replaced[1] if replaced else 0)
        self._kept[key] = (value, weight)
        while self._used > self._size:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._used -= oldest

    def clear(self) -> None:
        self._kept.clear()
        self._used = 0


class Judge:
    """Judges query strings for one role over the newest snapshot of one database."""

    def __init__(
        self,
        policy: RolePolicy,
        catalog: Catalog,
        *,
        memory: int = DEFAULT_MEMORY,
        took: Callable[[float], None] | None = None,
    ) -> None:
        """`took` is told how many seconds each judgement took that was not a look-up."""
        self.policy = policy
        self.catalog = catalog
        self.took = took
        #: Judges of single sessions, which look at what this one looks at and more (gateway.session.temps).
        self.followers: WeakSet[Judge] = WeakSet()
        self._judged: Memory[Judged] = Memory(memory // 2)
        #: A shape seen once is kept as SEEN: a template is made for the second of its kind.
        self._templates: Memory[_Known | Literal["seen", "none"]] = Memory(memory // 2)
        #: The same templates by the normal form of their statements, where that is enough to find one.
        self._numbered: Memory[tuple[Numbered, _Known]] = Memory(memory // 8)
        self._origins: ClearOrigins | None = None
        #: RowDescription messages that have passed the second lock by these origins.
        self.checked: set[bytes] = set()
        #: The snapshot is too old: everything is refused until a new one is adopted.
        self.suspended = False

    def adopt(self, catalog: Catalog) -> None:
        """Judge by this snapshot from now on."""
        self.suspended = False
        if catalog.version != self.catalog.version:
            self._judged.clear()
            self._templates.clear()
            self._numbered.clear()
            self._origins = None
            self.checked.clear()
        self.catalog = catalog
        for follower in tuple(self.followers):
            follower.adopt(catalog)

    def suspend(self) -> None:
        """The snapshot is too old: refuse everything until another is adopted."""
        self.suspended = True
        for follower in tuple(self.followers):
            follower.suspend()

    @property
    def origins(self) -> ClearOrigins:
        """The second lock: which (table, attribute) may come back under its own name."""
        if self._origins is None:
            self._origins = clear_origins(self.policy, self.catalog)
        return self._origins

    @property
    def messages(self) -> Messages:
        """Which words may pass of what no statement is known for, such as a deferred trigger's at a Sync."""
        hides = self.policy.messages != "full" and sight_of(self.policy, self.catalog).hides_anything
        return Messages.WITHHELD if hides else Messages.FULL

    def remembered(self, sql: bytes) -> Judged | None:
        """What was judged before, or can be told without looking at the text."""
        if self.suspended:
            return Judged(sql.decode("utf-8", "replace"), b"", OUTDATED, ())
        if 4 * len(sql) > self._judged.most:
            return None  # never kept; looking would hash all of it
        return self._judged.get(sql)

    def remember(self, sql: bytes, judged: Judged) -> None:
        """Keep what was judged elsewhere, if it was judged by this snapshot."""
        if judged.catalog == self.catalog.version and judged.policy == self.policy.version:
            self._judged.keep(sql, judged, judged.weight)

    def judge(self, sql: bytes) -> Judged:
        """The verdict over a query string as it came from the client, without its final NUL."""
        known = self.remembered(sql)
        if known is not None:
            return known
        started = time.perf_counter()
        judged = self._by_template(sql)
        if judged is None:
            judged = self._review(sql)
            self._judged.keep(sql, judged, judged.weight)
        if self.took is not None:
            self.took(time.perf_counter() - started)
        return judged

    def _by_template(self, sql: bytes) -> Judged | None:
        """The verdict of an earlier statement of the same shape, with this one's constants."""
        if len(sql) > LONGEST_SHAPE:
            return None
        try:
            text = sql.decode("utf-8")
        except UnicodeDecodeError:
            return None
        normal = normal_form(text)
        known = self._numbered.get(normal) if normal is not None else None
        if known is not None:
            numbers = known[0].constants(text)
            if numbers is not None:
                return self._filled(known[1], text, numbers)
        shape = shape_of(text)
        if shape is None:
            return None
        template = self._templates.get(shape.key)
        if template == "none":
            return None
        weight = OVERHEAD + 2 * len(sql)
        if template is None:
            self._templates.keep(shape.key, "seen", weight)
            return None
        if template == "seen":
            made = template_of(shape, text, self.policy, self.catalog)
            template = "none" if made is None else _Known(made, _in_words(made.verdict, text, whole=True))
            self._templates.keep(shape.key, template, weight + (made.weight if made else 0))
            if template == "none":
                return None
        if normal is not None and known is None:
            quick = numbered(shape, normal)
            if quick is not None:
                self._numbered.keep(normal, (quick, template), weight)
        return self._filled(template, text, shape.constants)

    def _filled(self, known: _Known, text: str, constants: tuple[str, ...]) -> Judged:
        """The verdict of the template for this text."""
        return Judged(
            text,
            known.template.fill(constants).encode(),
            None,
            (replace(known.words, original=text.strip()),),
            self.catalog.version,
            self.policy.version,
        )

    def _review(self, sql: bytes) -> Judged:
        try:
            text = sql.decode("utf-8")
        except UnicodeDecodeError:
            return Judged(sql.decode("utf-8", "replace"), b"", NOT_UTF8, ())
        result = review(text, self.policy, self.catalog)
        if len(result.verdicts) > MOST_STATEMENTS:
            return Judged(text, b"", TOO_MANY_STATEMENTS, (), self.catalog.version, self.policy.version)
        refusal = result.refusal
        if refusal is not None and refusal.rule == INTERNAL_RULE:
            log.error("a statement could not be judged", reason=refusal.message)
        return Judged(
            original=text,
            sent=b"" if refusal else result.text.encode(),
            refusal=refusal,
            statements=tuple(_in_words(verdict, text) for verdict in result.verdicts),
            catalog=self.catalog.version,
            policy=self.policy.version,
        )


def _in_words(verdict: Verdict, text: str, *, whole: bool = False) -> JudgedStatement:
    """`whole`: the statement is all of the text, wherever the verdict's own stood."""
    match verdict:
        case Passed(statement):
            return _statement_in_words(statement, "passed", text, whole=whole)
        case Rewritten(statement):
            return _statement_in_words(statement, "rewritten", text, whole=whole)
        case Refused(None, refusal):
            return JudgedStatement(
                kind=StatementKind.OTHER,
                name=None,
                verdict="refused",
                normalized="",
                lookups=(),
                original=text,
                event=StatementJudged(
                    number=0,
                    how="",
                    kind=StatementKind.OTHER.value,
                    verdict="refused",
                    rule=refusal.rule,
                    reason=_reason(refusal),
                ),
            )
        case Refused(statement, refusal):
            assert statement is not None
            return _statement_in_words(statement, "refused", text, refusal)


def _statement_in_words(
    statement: Statement, verdict: str, text: str, refusal: Refusal | None = None, *, whole: bool = False
) -> JudgedStatement:
    touched = statement.touched
    event = StatementJudged(
        number=0,
        how="",
        kind=statement.kind.value,
        verdict=verdict,
        normalized=statement.normalized,
        fingerprint=statement.fingerprint,
        rule=refusal.rule if refusal else "",
        reason=_reason(refusal, text, statement.normalized) if refusal else "",
        relations=tuple(t.relation for t in touched),
        read=tuple(f"{t.relation}.{column}" for t in touched for column in t.read),
        written=tuple(f"{t.relation}.{column}" for t in touched for column in t.written),
        masks=tuple(f"{t.relation}.{column}:{mask}" for t in touched for column, mask in t.masked),
        lookups=tuple(f"{t.relation}.{column}" for t in touched for column in t.lookups),
    )
    return JudgedStatement(
        kind=statement.kind,
        name=statement.name,
        verdict=verdict,
        normalized=event.normalized,
        lookups=event.lookups,
        original=text.strip() if whole else text[statement.start : statement.end].strip(),
        event=event,
        leaves=_leaves(statement) if statement.kind is StatementKind.TRANSACTION else "",
        # EXPLAIN has a name when it is one of EXECUTE.
        about_names=statement.kind in ABOUT_NAMES or statement.name is not None,
        plan=statement.kind is StatementKind.EXPLAIN and verdict == "rewritten",
        messages=statement.messages,
    )


def _leaves(statement: Statement) -> str:
    words = " ".join(statement.normalized.upper().split())
    if words.startswith(WITHIN_A_BLOCK):
        return ""
    return "T" if words.startswith(OPENING) or words.endswith("AND CHAIN") else "I"


#: What a refusal's message names.
_QUOTED = re.compile(r'"([^"]*)"')


def _reason(refusal: Refusal, text: str = "", normalized: str = "") -> str:
    """The reason as the readable record may hold it. PostgreSQL's words about the client's own text can quote a
    constant, so a syntax error is named and not quoted; and a name can come out of a constant ('…'::regclass), so
    one that is not known, or that the text holds, has to stand in the normalised text too."""
    if refusal.rule == "syntax":
        return "syntax error"
    open_text, own_text = normalized.casefold(), text.casefold()

    def shown(found: re.Match[str]) -> str:
        name = found[1].casefold()
        if name in open_text or not (refusal.rule.endswith("-unknown") or name in own_text):
            return found[0]
        return '"…"'

    return _QUOTED.sub(shown, refusal.message)
