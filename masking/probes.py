"""Writes whose outcome is an answer: a constraint that looks at a masked value tells of it by its verdict.

A unique or foreign-key violation tells whether a value exists, a CHECK that a clear column shares with a
masked one tells of the masked one, and a DELETE that a foreign key stops tells what points there
(PG manual 5.5; SQLSTATE class 23). Equal values have equal pseudonyms, so writing one tells too.
A role needs `may_probe_constraints` for such a write.
"""

from __future__ import annotations

from collections.abc import Iterator

from masking.catalog import Relation
from masking.policy import EVERY, MaskKind
from masking.sight import Seen, Sight

#: Relations whose constraints are elsewhere: below a view, on a foreign server.
ELSEWHERE = frozenset({"v", "f"})


def supplying_tells(sight: Sight, seen: Seen, column: str) -> bool:
    """Does it tell of a masked value whether, or as what, this value goes into this column?

    A pseudonym does: write a guess, read its pseudonym back, and compare it with another row's.
    """
    if column in seen.masks:
        if seen.masks[column].kind is MaskKind.PSEUDONYM:
            return True
        if seen.relation.kind in ELSEWHERE:
            return True
        if any(column in relation.constrained for relation in _with_descendants(sight, seen.relation)):
            return True
    return any(
        column in key.columns and _hidden(sight, key.target, key.target_columns[key.columns.index(column)])
        for relation in _with_descendants(sight, seen.relation)
        for key in relation.foreign_keys
    )


def changing_tells(sight: Sight, seen: Seen, column: str) -> bool:
    """Does it tell of a masked value whether this column of a row that is there may change?"""
    together = (
        companions
        for relation in _with_descendants(sight, seen.relation)
        for companions in relation.companions
        if column in companions
    )
    if any(other in seen.masks for companions in together for other in companions if other != column):
        return True
    return _pointed_at(sight, seen, column)


def deleting_tells(sight: Sight, seen: Seen) -> bool:
    """Does it tell of a masked value whether a row may be deleted?"""
    return _pointed_at(sight, seen, None)


def _pointed_at(sight: Sight, seen: Seen, column: str | None) -> bool:
    """Does a foreign key with a masked column point here (at this column), and hold rows in their place?"""
    for relation in _with_descendants(sight, seen.relation):
        for source, key in sight.catalog.referencing.get(relation.oid, ()):
            if not key.holds or (column is not None and column not in key.target_columns):
                continue
            if any(_masked(sight, source, own) for own in key.columns):
                return True
    return False


def _with_descendants(sight: Sight, relation: Relation) -> Iterator[Relation]:
    """A relation and all that is stored under its name: partitions and inheriting tables."""
    todo = [relation]
    met: set[int] = set()
    while todo:
        current = todo.pop()
        if current.oid in met:
            continue
        met.add(current.oid)
        yield current
        todo += [child for oid in current.children if (child := sight.catalog.relation_by_oid.get(oid)) is not None]


def _masked(sight: Sight, relation: Relation, column: str) -> bool:
    """Did somebody say that this column is not to be seen, or can the role name its relation and not see it?"""
    seen = sight.see(relation)
    if seen is not None:
        return column in seen.masks
    classified = sight.policy.classification.get(relation.qualified, {})
    mask = classified.get(column) or classified.get(EVERY)
    return mask is not None and mask.kind is not MaskKind.CLEAR


def _hidden(sight: Sight, oid: int, column: str) -> bool:
    """The same of what a foreign key points to. Of a relation out of sight that nobody classified, only
    numbers and uuids may be pointed to: keys without a meaning."""
    relation = sight.catalog.relation_by_oid.get(oid)
    if relation is None:
        return True
    if _masked(sight, relation, column):
        return True
    if sight.see(relation) is not None or relation.qualified in sight.policy.classification:
        return False
    found = relation.column(column)
    return found is None or not (found.type_category == "N" or found.type_name == "uuid")
