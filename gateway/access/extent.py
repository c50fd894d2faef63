"""Which part of a role somebody asks for: some of its relations, some of their columns.

An extent only ever takes away. The empty one is the whole role.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from config.problems import suggestion
from gateway.access.errors import NotValid

#: Stands for every column that the role has there.
EVERY: Final = "*"
#: What the policy calls a column that nobody classified; it reads as NULL.
UNCLASSIFIED: Final = "unclassified"
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class ColumnShown:
    """A column that a role reads, or with EVERY all that are not named: "clear", a mask, or UNCLASSIFIED."""

    name: str
    shown: str


@dataclass(frozen=True, slots=True)
class RelationShown:
    """What a role sees of one relation, and which columns it may write."""

    relation: str
    read: tuple[ColumnShown, ...] = ()
    write: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extent:
    """Relations with the columns of each, both sorted; (EVERY,) for all that the role has there."""

    parts: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, relations: Mapping[str, Sequence[str]]) -> Extent:
        """An extent from names as they come; no columns, or EVERY among them, are all columns."""
        return cls(
            tuple(
                (name, (EVERY,) if not columns or EVERY in columns else tuple(sorted(set(columns))))
                for name, columns in sorted(relations.items())
            )
        )

    @classmethod
    def parse(cls, text: str) -> Extent:
        """From what `text` gives."""
        return cls.of(json.loads(text)) if text else WHOLE

    @property
    def whole(self) -> bool:
        """Is it all of the role?"""
        return not self.parts

    @property
    def text(self) -> str:
        """The extent as JSON, the same for equal ones; empty for the whole role."""
        return json.dumps({name: list(columns) for name, columns in self.parts}) if self.parts else ""

    def columns(self, relation: str) -> tuple[str, ...]:
        """The columns of that relation that are in it; () when it is not."""
        return (EVERY,) if self.whole else dict(self.parts).get(relation, ())

    def includes(self, relation: str, column: str) -> bool:
        columns = self.columns(relation)
        return EVERY in columns or column in columns

    def within(self, other: Extent) -> bool:
        """Is all of it in the other one?"""
        if other.whole:
            return True
        return not self.whole and all(
            EVERY in other.columns(name) or (EVERY not in columns and set(columns) <= set(other.columns(name)))
            for name, columns in self.parts
        )

    def both(self, other: Extent) -> Extent | None:
        """What is in this one and in the other; None when that is nothing."""
        if self.whole or other.whole:
            return other if self.whole else self
        shared = {name: columns for name, mine in self.parts if (columns := _shared(mine, other.columns(name)))}
        return Extent.of(shared) if shared else None


WHOLE: Final = Extent()


def fitting_extent(extent: Extent, shown: Sequence[RelationShown], role: str) -> Extent:
    """The extent, if all of it is in the role. Raises NotValid with what was probably meant."""
    known = {one.relation: one for one in shown}
    if sum(len(columns) for _, columns in extent.parts) > LONGEST:
        raise NotValid("extent", f"more than {LONGEST} columns are named", "ask for whole relations, or the whole role")
    for name, columns in extent.parts:
        if not all(column.isprintable() for column in columns):
            raise NotValid("extent", f"a column of {name[:130]!a} holds control characters", "name it as it is stored")
        relation = known.get(name)
        if relation is None:
            raise NotValid("extent", f'the role "{role}" does not reach {name[:130]!a}', _meant(name, sorted(known)))
        listed = {column.name: column.shown for column in relation.read} | dict.fromkeys(relation.write, "")
        for column in columns:
            if column == EVERY or column in listed or listed.get(EVERY, UNCLASSIFIED) != UNCLASSIFIED:
                continue
            names = sorted(set(listed) - {EVERY})
            raise NotValid(
                "extent", f'the role "{role}" shows nothing of {column[:63]!a} in {name}', _meant(column, names)
            )
    return extent


def preview(shown: Sequence[RelationShown], extent: Extent) -> tuple[RelationShown, ...]:
    """What is left of a role: the relations and columns of the extent."""
    if extent.whole:
        return tuple(shown)
    return tuple(_cut(one, extent.columns(one.relation)) for one in shown if extent.columns(one.relation))


def _cut(one: RelationShown, columns: tuple[str, ...]) -> RelationShown:
    if EVERY in columns:
        return one
    known = {column.name: column.shown for column in one.read}
    read = tuple(
        ColumnShown(name, known.get(name, known.get(EVERY, ""))) for name in columns if name in known or EVERY in known
    )
    return RelationShown(one.relation, read, tuple(n for n in columns if n in one.write or EVERY in one.write))


def _shared(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    if EVERY in mine or EVERY in theirs:
        return theirs if EVERY in mine else mine
    return tuple(sorted(set(mine) & set(theirs)))


def _meant(word: str, known: Sequence[str]) -> str:
    close = suggestion(word, known)
    return f'did you mean "{close}"?' if close else f"there are {', '.join(known[:20]) or 'none'}"
