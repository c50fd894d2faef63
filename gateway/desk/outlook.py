"""Who can see what: every column of a target, as each role finds it. Asked of the judge's own sight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from config.policy_file import EVERY
from gateway.policies import Policies
from masking.catalog import Catalog, Relation
from masking.policy import MaskKind, RolePolicy
from masking.sight import Seen, sight_of


class Shown(StrEnum):
    """How a column looks to a role."""

    CLEAR = "clear"
    MASKED = "masked"
    #: Nobody has classified it: NULL.
    UNCLASSIFIED = "unclassified"
    #: The role does not read it: NULL.
    UNREAD = "unread"
    #: The relation is out of the role's sight.
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Cell:
    shown: Shown
    #: The mask in short, where there is one: "partial style=email".
    mask: str = ""
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One column; `cells` stand in the order of the roles."""

    relation: str
    column: str
    type_name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    target: str
    policy_version: str
    roles: tuple[str, ...]
    lines: tuple[Line, ...]
    #: Relations that no role of this target can see.
    hidden: tuple[str, ...]


def outlook(policies: Policies, catalog: Catalog, target: str, relations: Iterable[Relation]) -> Outlook:
    """What the roles of a target see of these relations."""
    roles = [name for name in policies.roles if target in policies.file.roles[name].targets]
    judged = [role for role in map(policies.role, roles) if role is not None]
    sights = [sight_of(role, catalog) for role in judged]
    lines: list[Line] = []
    hidden: list[str] = []
    for relation in relations:
        seen = [sight.see(relation) for sight in sights]
        if not any(seen):
            hidden.append(relation.qualified)
            continue
        lines += (
            Line(
                relation.qualified,
                column.name,
                column.type_name,
                tuple(_cell(role, found, column.name) for role, found in zip(judged, seen, strict=True)),
            )
            for column in relation.columns
        )
    return Outlook(target, policies.version, tuple(roles), tuple(lines), tuple(hidden))


def _cell(role: RolePolicy, seen: Seen | None, column: str) -> Cell:
    if seen is None:
        return Cell(Shown.HIDDEN)
    writes = seen.may_write(column)
    mask = seen.masks.get(column)
    if mask is None:
        return Cell(Shown.CLEAR, writes=writes)
    if not seen.rule.may_read(column):
        return Cell(Shown.UNREAD, writes=writes)
    written = role.classification.get(seen.relation.qualified, {})
    if mask.kind is MaskKind.NULL and not {column, EVERY} & set(written) and not seen.relation.parents:
        return Cell(Shown.UNCLASSIFIED, writes=writes)
    options = "".join(f" {name}={value}" for name, value in mask.options)
    if mask.paths:
        options += f" of {len(mask.paths)} paths"
    return Cell(Shown.MASKED, f"{mask.kind.value}{options}", writes)
