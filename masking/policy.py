"""What one role may do: frozen, already validated, ready to judge with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class StatementKind(StrEnum):
    """What a statement does, as a policy names it. Kinds in SESSION_KINDS touch no data
    and need no permission of their own; what they carry (the query of a cursor, the
    statement of a PREPARE) is judged by its own kind."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    COPY_TO = "copy_to"
    COPY_FROM = "copy_from"
    EXPLAIN = "explain"
    TRUNCATE = "truncate"
    LOCK = "lock"
    VACUUM = "vacuum"
    ANALYZE = "analyze"
    LISTEN = "listen"
    NOTIFY = "notify"
    #: CREATE TEMP TABLE, DROP TABLE and CREATE INDEX of what it made (masking.temporary).
    TEMP_TABLES = "temp_tables"
    TRANSACTION = "transaction"
    SET = "set"
    SHOW = "show"
    DISCARD = "discard"
    UNLISTEN = "unlisten"
    DECLARE = "declare"
    FETCH = "fetch"
    CLOSE = "close"
    PREPARE = "prepare"
    EXECUTE = "execute"
    DEALLOCATE = "deallocate"
    #: Anything else: DDL, DO, CALL, SET ROLE, … Never permitted in this version.
    OTHER = "other"


SESSION_KINDS = frozenset(
    {
        StatementKind.TRANSACTION,
        StatementKind.SET,
        StatementKind.SHOW,
        StatementKind.DISCARD,
        StatementKind.UNLISTEN,
        StatementKind.DECLARE,
        StatementKind.FETCH,
        StatementKind.CLOSE,
        StatementKind.PREPARE,
        StatementKind.EXECUTE,
        StatementKind.DEALLOCATE,
    }
)

#: Kinds that need a transaction that may write.
WRITING = frozenset(
    {
        StatementKind.INSERT,
        StatementKind.UPDATE,
        StatementKind.DELETE,
        StatementKind.MERGE,
        StatementKind.COPY_FROM,
        StatementKind.TRUNCATE,
        StatementKind.VACUUM,
        StatementKind.ANALYZE,
        StatementKind.NOTIFY,
        StatementKind.TEMP_TABLES,
    }
)


class Messages(StrEnum):
    """Which errors' and notices' words may pass, the freest first."""

    FULL = "full"
    #: All but what RAISE says: as far as the snapshot knows, nothing runs here that could.
    SHOWN = "shown"
    #: Those that a function raised which the role may call; not those of what went wrong inside it.
    RAISED = "raised"
    WITHHELD = "withheld"


def strictest(several: Iterable[Messages]) -> Messages:
    """The rule for the messages of several statements that run as one."""
    order = list(Messages)
    return max(several, key=order.index, default=Messages.SHOWN)


class MaskKind(StrEnum):
    """What is shown instead of a value; see masks/ for the SQL of each."""

    CLEAR = "clear"
    NULL = "null"
    FIXED = "fixed"
    PARTIAL = "partial"
    PSEUDONYM = "pseudonym"
    GENERALIZE = "generalize"
    TRUNCATE = "truncate"
    DETECT = "detect"
    JSONPATH = "jsonpath"


@dataclass(frozen=True, slots=True)
class Mask:
    """One mask with its options; which options a kind knows stands in masks/.

    `hide_null`: show the mask also where the value is NULL, so that NULL-ness is hidden.
    """

    kind: MaskKind
    options: tuple[tuple[str, str | int], ...] = ()
    hide_null: bool = False
    #: Of JSONPATH: path -> what is shown there.
    paths: tuple[tuple[str, Mask], ...] = ()
    #: May a row be found by its raw value (masking.lookups)?
    lookup: bool = False

    def option(self, name: str) -> str | int | None:
        return dict(self.options).get(name)


CLEAR = Mask(MaskKind.CLEAR)
#: Of a column that nobody classified.
UNCLASSIFIED = Mask(MaskKind.NULL)

#: Column name that stands for every column not named otherwise.
EVERY = "*"


@dataclass(frozen=True, slots=True)
class RelationRule:
    """Which columns of a relation a role may read and write; EVERY for all of them.
    A column that may not be read is shown as NULL (its place and type stay)."""

    read: frozenset[str] = frozenset()
    write: frozenset[str] = frozenset()

    def may_read(self, column: str) -> bool:
        return EVERY in self.read or column in self.read

    def may_write(self, column: str) -> bool:
        return EVERY in self.write or column in self.write


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a role may read and write; None: as much as it likes. Each is counted by the gateway as
    results pass, and a write before it is committed."""

    #: Of one statement's result (of all pages of a cursor together).
    rows: int | None = None
    bytes: int | None = None
    #: Of all results of a session.
    session_rows: int | None = None
    session_bytes: int | None = None
    #: Rows that one INSERT, UPDATE, DELETE, MERGE or COPY FROM may change.
    written_rows: int | None = None
    #: Seconds that a transaction may take.
    transaction_seconds: int | None = None
    #: Raw values that rows may be looked up by under one grant (masking.lookups).
    lookups: int | None = None

    @property
    def counts(self) -> bool:
        """Is anything to be counted?"""
        return any(
            limit is not None
            for limit in (self.rows, self.bytes, self.session_rows, self.session_bytes, self.written_rows)
        )


@dataclass(frozen=True, slots=True)
class Results:
    """How much of each result the gateway records, as the client saw it: the first rows, and of them so many bytes."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class RolePolicy:
    """All that the judge needs to know of one role. Relation keys are "schema.name"."""

    role: str
    #: Hash of the policy file; part of the verdict cache's key.
    version: str
    statements: frozenset[StatementKind]
    #: Of a part of the role: what is in it.
    relations: Mapping[str, RelationRule]
    #: relation -> column (or EVERY) -> mask. What is missing is UNCLASSIFIED.
    classification: Mapping[str, Mapping[str, Mask]]
    #: "schema.name" of functions allowed beyond the safe built-in ones.
    functions: frozenset[str] = frozenset()
    #: "schema.relation.column" that this role sees clear, whatever the classification says.
    reveal: frozenset[str] = frozenset()
    #: UPDATE and DELETE need a WHERE.
    require_where: bool = True
    #: May this role supply values for a masked column under a unique, exclusion or
    #: foreign-key constraint? (The outcome tells whether the value exists.)
    may_probe_constraints: bool = False
    #: How much of definitions (defaults, checks, view bodies) is shown: "full" or "no-literals".
    definitions: str = "no-literals"
    #: Messages of code that the database's owner wrote over hidden values: "withheld" or "full".
    messages: str = "withheld"
    #: Timeouts (setting -> milliseconds) that a session may lower and not lift or switch off.
    ceilings: Mapping[str, int] = field(default_factory=dict)
    limits: Limits = Limits()
    #: Are results recorded, and how much of each?
    results: Results | None = None
    #: Which part of the role this is, as its grant says it; empty for all of it. Part of the cache's key too.
    extent: str = ""
    #: The custom setting that holds the session's mask key upstream.
    mask_key_setting: str = field(default="pgcurfew.mask_key")

    @property
    def read_only(self) -> bool:
        """Are its sessions pinned to read-only transactions?"""
        return not self.statements & WRITING

    def mask_of(self, relation: str, column: str) -> Mask:
        """The mask of a column for this role: CLEAR only when somebody said so."""
        rule = self.relations.get(relation)
        if rule is None or not rule.may_read(column):
            return UNCLASSIFIED
        if f"{relation}.{column}" in self.reveal:
            return CLEAR
        columns = self.classification.get(relation, {})
        return columns.get(column) or columns.get(EVERY) or UNCLASSIFIED
