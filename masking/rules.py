"""Who may: the words of each refusal, one function a rule. DETAIL names the rule, HINT what to ask for."""

from __future__ import annotations

import re

from masking.policy import StatementKind
from masking.refusal import Forbidden, by_policy, not_understood
from masking.sight import Seen

#: Kinds that change data. A role with none of them is read-only.
WRITE_KINDS = frozenset(
    {
        StatementKind.INSERT,
        StatementKind.UPDATE,
        StatementKind.DELETE,
        StatementKind.MERGE,
        StatementKind.COPY_FROM,
        StatementKind.TRUNCATE,
    }
)

_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$]*)'


def relation_name(text: str | None) -> tuple[str | None, str]:
    """Schema and name in the text of a regclass literal ('public.orders_id_seq'); ("", "") when it has another form."""
    if text is None or re.fullmatch(rf"\s*{_IDENTIFIER}(?:\.{_IDENTIFIER})?\s*", text) is None:
        return None, ""
    parts = [_identifier(part) for part in re.findall(_IDENTIFIER, text)]
    return (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])


def _identifier(text: str) -> str:
    """As PostgreSQL folds and cuts it: only ASCII letters, at 63 bytes (PG manual 4.1.1)."""
    plain = text[1:-1].replace('""', '"') if text.startswith('"') else _folded(text)
    return plain.encode()[:63].decode("utf-8", "ignore")


def _folded(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def kind_not_permitted(command: str, role: str, kind: str | None) -> Forbidden:
    return by_policy(
        "statement-kind",
        f"{command} is not permitted for role {role}",
        f'If this role should run it, ask for "{kind}" to be listed under its statements.'
        if kind
        else "No role may run it in this version; ask a database administrator to run it.",
    )


def newer_syntax(version: int, offset: int | None) -> Forbidden:
    """Law 3: the server would read the text in another way than it was judged."""
    return not_understood(
        f"this form of SQL/JSON or MERGE came with PostgreSQL {version}; the database here is older",
        hint="If a function of that name is meant, write its schema before it.",
        offset=offset,
        rule="newer-syntax",
    )


def unknown_relation(schema: str | None, name: str, offset: int) -> Forbidden:
    """As PostgreSQL words it, whether the relation is absent or hidden."""
    shown = f"{schema}.{name}" if schema else name
    return Forbidden("42P01", "relation-unknown", f'relation "{shown}" does not exist', offset=offset)


def not_known_yet(name: str, offset: int) -> Forbidden:
    return Forbidden(
        "42P01",
        "temp-table-new",
        f'relation "{name}" does not exist',
        hint="A temporary table can be used from the next query string on, after the one that makes it.",
        offset=offset,
    )


def unknown_column(name: str, offset: int) -> Forbidden:
    return Forbidden("42703", "column-unknown", f'column "{name}" does not exist', offset=offset)


def masked_column(seen: Seen, column: str, offset: int) -> Forbidden:
    return by_policy(
        "masked-column-in-write",
        f'column "{column}" of relation "{seen.relation.name}" is masked and cannot be read by this statement',
        "A write works on the raw row, so it may only refer to columns that come clear.",
        offset,
    )


def feeds_a_write(seen: Seen, column: str, offset: int) -> Forbidden:
    return by_policy(
        "write-takes-masked",
        f'column "{column}" of relation "{seen.relation.name}" is masked; its mask may not be written to a table',
        "Name only columns that come clear in the part of the statement that feeds the write.",
        offset,
    )


def attribute_call(name: str, role: str, offset: int | None) -> Forbidden:
    return by_policy(
        "function-not-allowed",
        f'".{name}" could call function {name}, which is not permitted for role {role}',
        "If it is a column of a record, give the record a column alias list, or select the column where it comes from.",
        offset,
    )


def lock_not_permitted(seen: Seen, role: str) -> Forbidden:
    return by_policy(
        "lock-needs-write",
        f'locking rows of "{seen.relation.name}" is not permitted for role {role}',
        "FOR UPDATE and FOR SHARE need write permission on the relation; leave the locking clause out.",
    )


def write_not_permitted(seen: Seen, column: str | None, role: str, offset: int | None = None) -> Forbidden:
    what = f'column "{column}" of relation "{seen.relation.name}"' if column else f'relation "{seen.relation.name}"'
    wanted = f"{seen.relation.qualified}.{column}" if column else seen.relation.qualified
    return by_policy(
        "write-not-permitted",
        f"writing {what} is not permitted for role {role}",
        f'If this role should write it, ask for write on "{wanted}".',
        offset,
    )


def probes_constraint(seen: Seen, column: str | None, offset: int | None = None) -> Forbidden:
    what = f'a value for column "{column}" of' if column else "deleting rows of"
    return by_policy(
        "masked-constraint",
        f'{what} relation "{seen.relation.name}" could tell of values that are masked',
        "A constraint or a pseudonym would answer for the masked values here; "
        "ask for may_probe_constraints if this role should make such writes.",
        offset,
    )


def uncounted_write(what: str, offset: int | None = None) -> Forbidden:
    return by_policy(
        "write-limit",
        f"{what} is not permitted where the number of written rows is limited",
        "PostgreSQL does not tell how many rows it writes; send each write as a statement of its own.",
        offset,
    )


def where_required(command: str, offset: int | None = None) -> Forbidden:
    return by_policy(
        "where-required",
        f"{command} without a WHERE condition is not permitted",
        "Say which rows are meant: WHERE with a condition on a column.",
        offset,
    )


def sequence_not_permitted(name: str, offset: int) -> Forbidden:
    return by_policy(
        "sequence-needs-write",
        f"function {name} needs write permission on the sequence, which must be named by a literal",
        "Ask for write on the sequence, and name it as in nextval('schema.sequence').",
        offset,
    )


def setting_not_shown(name: str | None, offset: int | None = None) -> Forbidden:
    what = f'setting "{name}"' if name else "a setting that is not named by a literal"
    return by_policy(
        "setting-not-listed",
        f"reading {what} is not permitted",
        "Only listed settings can be read back, by their names as literals.",
        offset,
    )


def setting_not_changed(name: str | None, offset: int | None = None) -> Forbidden:
    what = f'parameter "{name}"' if name else "a parameter that is not named by a literal"
    return by_policy(
        "setting-not-listed",
        f"setting {what} to this value is not permitted",
        "Only listed settings can be changed, to literal values within their limits.",
        offset,
    )
