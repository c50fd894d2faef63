"""Periodic access review: what a role allows against what was used of it, and what less would have done.

What less would have done is tried: every statement of the record that the role allows is judged by the
narrowed role too, and where one is refused, the relations that it names stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from config.policy_file import EVERY, STATEMENT_GROUPS, STATEMENTS, Role
from gateway.audit.index.usage import Usage, Used
from masking.catalog import Catalog
from masking.policy import RelationRule, RolePolicy, StatementKind
from masking.review import review

#: Kinds that a statement can carry inside: in WITH, EXPLAIN, PREPARE, DECLARE.
_INNER: Final = ("select", "insert", "update", "delete", "merge")
_WORD: Final = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class RelationUse:
    """One relation of a role. Columns by name; `last` is the day of its last use, or ""."""

    relation: str
    last: str
    statements: int
    read: tuple[str, ...]
    unread: tuple[str, ...]
    written: tuple[str, ...]
    unwritten: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What would have done: the kinds of statements as the file writes them, relations with columns, reveal."""

    statements: tuple[str, ...]
    relations: Mapping[str, RelationRule]
    reveal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleUse:
    """What a role allows and what was used of it."""

    role: str
    relations: tuple[RelationUse, ...]
    used_kinds: tuple[str, ...]
    unused_kinds: tuple[str, ...]
    unused_reveal: tuple[str, ...]
    #: Functions that no statement names; what calls them by itself (a view, an operator) is not seen.
    unnamed_functions: tuple[str, ...]
    #: None: nothing of it was used at all.
    narrowed: Narrowed | None
    #: Relations that stay as they are, because a recorded statement needs more than the columns that it names.
    kept_whole: tuple[str, ...]


def compared(name: str, role: Role, policy: RolePolicy, usage: Usage, catalogs: Mapping[str, Catalog]) -> RoleUse:
    """`catalogs` are those of the role's targets."""
    read = _columns(used.touched.read + used.touched.lookups for used in usage.used)
    written = _columns(used.touched.written for used in usage.used)
    relations = tuple(
        _relation(relation, _spelled(rule.read, relation, catalogs), _spelled(rule.write, relation, catalogs),
                  read.get(relation, set()), written.get(relation, set()), usage.used)
        for relation, rule in role.relations.items()
    )  # fmt: skip
    kinds = _kinds(role, usage.used)
    texts = " ".join(used.text.lower() for used in usage.used)
    seen = {column for used in usage.used for column in (*used.touched.read, *used.touched.lookups)}
    narrowed: Narrowed | None = None
    kept: tuple[str, ...] = ()
    if any(found.last for found in relations):
        first = Narrowed(
            _statements(role, kinds),
            {found.relation: _rule(role, found) for found in relations if found.last},
            tuple(column for column in role.reveal if column in seen),
        )
        narrowed, kept = _tried(first, role, policy, usage.used, catalogs)
    return RoleUse(
        role=name,
        relations=relations,
        used_kinds=tuple(kind for kind in STATEMENTS if kind in kinds),
        unused_kinds=tuple(kind for kind in STATEMENTS if kind in role.kinds - kinds),
        unused_reveal=tuple(column for column in role.reveal if column not in seen),
        unnamed_functions=tuple(
            function for function in role.functions if function.rpartition(".")[2].lower() not in texts
        ),
        narrowed=narrowed,
        kept_whole=kept,
    )


def _columns(touched: Iterator[tuple[str, ...]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for columns in touched:
        for column in columns:
            relation, _, name = column.rpartition(".")
            found.setdefault(relation, set()).add(name)
    return found


def _spelled(columns: Collection[str], relation: str, catalogs: Mapping[str, Catalog]) -> tuple[str, ...]:
    """ "*" as the columns that there are."""
    if EVERY not in columns:
        return tuple(columns)
    schema, _, name = relation.partition(".")
    there = (catalog.relations.get((schema, name)) for catalog in catalogs.values())
    return tuple(dict.fromkeys(column.name for found in there if found is not None for column in found.columns))


def _relation(
    relation: str,
    may_read: tuple[str, ...],
    may_write: tuple[str, ...],
    read: set[str],
    written: set[str],
    used: tuple[Used, ...],
) -> RelationUse:
    touching = [one for one in used if relation in one.relations]
    return RelationUse(
        relation,
        max((one.last for one in touching), default=""),
        sum(one.statements for one in touching),
        tuple(column for column in may_read if column in read),
        tuple(column for column in may_read if column not in read),
        tuple(column for column in may_write if column in written),
        tuple(column for column in may_write if column not in written),
    )


def _kinds(role: Role, used: tuple[Used, ...]) -> frozenset[str]:
    """The role's kinds that statements were of, or carried. What runs by a name (EXECUTE, FETCH) does not say its
    kind: then all that fit are taken to be used."""
    found: set[str] = set()
    for one in used:
        found.add(one.kind)
        if one.kind in ("execute", "fetch"):
            found |= {"insert", "update", "delete", "merge"} if one.touched.written else set()
            found.add("select")
        else:
            found |= {word for word in _WORD.findall(one.text.lower()) if word in _INNER}
    return role.kinds & frozenset(found)


def _statements(role: Role, kinds: frozenset[str]) -> tuple[str, ...]:
    """A group stays a group where all of it was used."""
    written: list[str] = []
    for name in role.statements:
        single = STATEMENT_GROUPS.get(name, (name,))
        written += [name] if kinds.issuperset(single) else [kind for kind in single if kind in kinds]
    return tuple(dict.fromkeys(written)) or role.statements


def _rule(role: Role, found: RelationUse) -> RelationRule:
    """As it is where all was used, or where only its rows were (count(*))."""
    rule = role.relations[found.relation]
    if not found.read and not found.written:
        return RelationRule(frozenset(rule.read), frozenset(rule.write))
    return RelationRule(
        frozenset(found.read if found.unread else rule.read),
        frozenset(found.written if found.unwritten else rule.write),
    )


# --- trying it -----------------------------------------------------------------------------


def _tried(
    narrowed: Narrowed, role: Role, policy: RolePolicy, used: tuple[Used, ...], catalogs: Mapping[str, Catalog]
) -> tuple[Narrowed, tuple[str, ...]]:
    kept: dict[str, None] = {}
    allowed = [
        (one, catalog)
        for one in used
        for catalog in catalogs.values()
        if one.text and review(one.text, policy, catalog).refusal is None
    ]
    while True:
        less = _as_policy(policy, narrowed)
        refused = [one for one, catalog in allowed if review(one.text, less, catalog).refusal is not None]
        short = {name for one in refused for name in one.relations if name in role.relations} - kept.keys()
        if not short:
            # What is refused still, although all its relations stay, needs what else was taken away.
            if refused and (narrowed.statements != role.statements or narrowed.reveal != role.reveal):
                narrowed = replace(narrowed, statements=role.statements, reveal=role.reveal)
                continue
            return narrowed, tuple(kept)
        kept.update(dict.fromkeys(sorted(short)))
        whole = {name: RelationRule(frozenset(role.relations[name].read), frozenset(role.relations[name].write))
                 for name in short}  # fmt: skip
        narrowed = replace(narrowed, relations={
            name: whole.get(name, narrowed.relations.get(name, RelationRule()))
            for name in role.relations if name in whole or name in narrowed.relations
        })  # fmt: skip


def _as_policy(policy: RolePolicy, narrowed: Narrowed) -> RolePolicy:
    kinds = {kind for name in narrowed.statements for kind in STATEMENT_GROUPS.get(name, (name,))}
    return replace(
        policy,
        statements=frozenset(StatementKind(kind) for kind in kinds),
        relations=narrowed.relations,
        reveal=frozenset(narrowed.reveal),
    )
