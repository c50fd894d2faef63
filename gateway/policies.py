"""The policy file, compiled for those who judge by it, and checked against the databases it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from config.policy_access import OWNER
from config.policy_file import EVERY, PolicyFile, Role
from config.policy_file import Mask as WrittenMask
from config.problems import ConfigError, Location, Problem, dotted, suggestion
from gateway.access.extent import WHOLE, Extent
from gateway.access.models import RoleTerms
from gateway.role_terms import terms_of
from masking.catalog import Catalog, Column, Relation
from masking.masks import lookup_problem
from masking.masks import problem as misfit
from masking.policy import CLEAR, Limits, Mask, MaskKind, RelationRule, Results, RolePolicy, StatementKind

#: Kinds of statements that need a column to write to.
_WRITING = frozenset(
    {
        StatementKind.INSERT,
        StatementKind.UPDATE,
        StatementKind.DELETE,
        StatementKind.MERGE,
        StatementKind.COPY_FROM,
        StatementKind.TRUNCATE,
        StatementKind.LOCK,
    }
)
_OF_THE_SYSTEM = ("pg_catalog.", "information_schema.", "pg_toast.", "pg_temp")

#: One column of each family of types that masks know (OIDs of pg_type): a mask that fits none of them fits nothing.
_FAMILIES = tuple(
    Column("column", 1, oid, name, type_category=category)
    for oid, name, category in (
        (25, "text", "S"),
        (20, "bigint", "N"),
        (1700, "numeric", "N"),
        (1082, "date", "D"),
        (1184, "timestamp with time zone", "D"),
        (869, "inet", "I"),
        (2950, "uuid", "U"),
        (16, "boolean", "B"),
        (17, "bytea", "U"),
        (829, "macaddr", "U"),
        (3802, "jsonb", "U"),
    )
)


@dataclass(frozen=True)
class Policies:
    """All roles of one version of the policy file. What is not in it is None, and None is no."""

    file: PolicyFile
    _roles: Mapping[str, RolePolicy] = field(repr=False)
    _terms: Mapping[str, RoleTerms] = field(repr=False)

    @property
    def version(self) -> str:
        return self.file.version

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of all roles, in the order of the file."""
        return tuple(self._roles)

    def role(self, name: str, extent: Extent = WHOLE) -> RolePolicy | None:
        """What the judge needs to know of a role, or of that part of it."""
        policy = self._roles.get(name)
        return policy if policy is None or extent.whole else _narrowed(policy, extent)

    def terms(self, name: str) -> RoleTerms | None:
        """On which terms a role is given."""
        return self._terms.get(name)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the columns of one relation, which some role reads on a target, are classified."""

    relation: str
    clear: tuple[str, ...]
    masked: tuple[str, ...]
    #: Nobody has said anything about these; they are shown as NULL.
    unclassified: tuple[str, ...]


def compile_policies(
    file: PolicyFile,
    ceilings: Mapping[str, int] | None = None,
    owners: Mapping[str, tuple[str, ...]] | None = None,
) -> Policies:
    """A policy file to judge by. `ceilings` are the operator's own limits on timeouts, which hold for every
    role (RolePolicy.ceilings); `owners` says of each target who owns it. Raises ConfigError for
    what contradicts itself."""
    problems = tuple(sorted(_contradictions(file), key=lambda problem: problem.line))
    if problems:
        raise ConfigError(problems)
    classification = {
        relation: {column: _mask(written) for column, written in columns.items()}
        for relation, columns in file.classification.items()
    }
    return Policies(
        file,
        {name: _role(name, role, file.version, classification, ceilings or {}) for name, role in file.roles.items()},
        {name: terms_of(name, role, classification, owners or {}) for name, role in file.roles.items()},
    )


def check_targets(policies: Policies, targets: Collection[str]) -> tuple[Problem, ...]:
    """Targets that roles name and the settings do not have."""
    file = policies.file
    return tuple(
        _problem(
            file,
            ("roles", name, "targets", index),
            f'no target "{target}" in the settings{_did_you_mean(target, targets)}',
        )
        for name, role in file.roles.items()
        for index, target in enumerate(role.targets)
        if target not in targets
    )


def check_certificates(policies: Policies, *, asked_for: bool) -> tuple[Problem, ...]:
    """Roles that demand client certificates, where the settings ask nobody for one."""
    return tuple(
        _problem(
            policies.file,
            ("roles", name, "token", "certificate"),
            "nobody could come in: the settings have no tls.client_ca, so no client is asked for a certificate",
        )
        for name, role in policies.file.roles.items()
        if role.token.certificate == "required" and not asked_for
    )


def check_alerts(policies: Policies, targets: Collection[str], sinks: Collection[str]) -> tuple[Problem, ...]:
    """Roles, targets and sinks that alert rules name and nobody else does."""
    file = policies.file
    known: tuple[tuple[str, str, Collection[str]], ...] = (
        ("roles", "role", file.roles),
        ("targets", "target", targets),
        ("notify", "sink", {"*", *sinks}),
    )
    return tuple(
        _problem(file, ("alerts", name, key, index), f'there is no {what} "{value}"{_did_you_mean(value, names)}')
        for name, alert in file.alerts.items()
        for key, what, names in known
        for index, value in enumerate(getattr(alert, key))
        if value not in names
    )


def check_owners(policies: Policies, owners: Mapping[str, tuple[str, ...]]) -> tuple[Problem, ...]:
    """Targets without an owner, where a role would have the owner approve."""
    file = policies.file
    return tuple(
        _problem(
            file,
            ("roles", name, "approvers", role.approvers.index(OWNER)),
            f'the target "{target}" names no owner in the settings, and nobody else approves this role there',
        )
        for name, role in file.roles.items()
        if role.approvers == (OWNER,)
        for target in role.targets
        if target in owners and not owners[target]
    )


def check_against(policies: Policies, catalog: Catalog, target: str) -> tuple[Problem, ...]:
    """What the policy says of this target and its database does not have, or has otherwise; in the file's order."""
    file = policies.file
    found = [
        problem
        for name, role in file.roles.items()
        if target in role.targets
        for check in (_relations_exist, _reveals_exist, _functions_exist)
        for problem in check(file, catalog, name, role)
    ]
    found.extend(_classification_fits(file, catalog, target))
    return tuple(sorted(dict.fromkeys(found), key=lambda problem: problem.line))


def coverage(policies: Policies, catalog: Catalog, target: str) -> tuple[Coverage, ...]:
    """For each relation that roles read on this target: which of the columns that one of them reads are clear,
    masked, or not classified."""
    rules: dict[str, set[str]] = {}
    for role in policies.file.roles.values():
        if target in role.targets:
            for name, rule in role.relations.items():
                rules.setdefault(name, set()).update(rule.read)
    found: list[Coverage] = []
    for name, read in rules.items():
        relation = _relation(catalog, name)
        if relation is None:
            continue
        masks = policies.file.classification.get(name, {})
        clear, masked, unclassified = [], [], []
        for column in relation.columns:
            if EVERY not in read and column.name not in read:
                continue
            written = masks.get(column.name) or masks.get(EVERY)
            if written is None:
                unclassified.append(column.name)
            elif written.mask == MaskKind.CLEAR:
                clear.append(column.name)
            else:
                masked.append(column.name)
        found.append(Coverage(name, tuple(clear), tuple(masked), tuple(unclassified)))
    return tuple(found)


# --- compiling -----------------------------------------------------------------------------


def _mask(written: WrittenMask) -> Mask:
    kind = MaskKind(written.mask)
    if kind is MaskKind.CLEAR:
        return CLEAR
    paths = tuple((path, _mask(inner)) for path, inner in written.paths.items())
    return Mask(kind, written.options, written.hide_null, paths, written.lookup)


def _role(
    name: str,
    role: Role,
    version: str,
    classification: Mapping[str, Mapping[str, Mask]],
    ceilings: Mapping[str, int],
) -> RolePolicy:
    return RolePolicy(
        role=name,
        version=version,
        statements=frozenset(StatementKind(kind) for kind in role.kinds),
        relations={
            relation: RelationRule(frozenset(rule.read), frozenset(rule.write))
            for relation, rule in role.relations.items()
        },
        classification=classification,
        functions=frozenset(role.functions),
        reveal=frozenset(role.reveal),
        require_where=role.require_where,
        may_probe_constraints=role.may_probe_constraints,
        definitions=role.definitions,
        messages=role.messages,
        ceilings=ceilings,
        limits=Limits(
            rows=role.limits.rows,
            bytes=role.limits.bytes,
            session_rows=role.limits.session_rows,
            session_bytes=role.limits.session_bytes,
            written_rows=role.limits.written_rows,
            transaction_seconds=role.limits.transaction,
            lookups=role.limits.lookups,
        ),
        results=None
        if role.record_results is None
        else Results(rows=role.record_results.rows, bytes=role.record_results.bytes),
    )


def _narrowed(policy: RolePolicy, extent: Extent) -> RolePolicy:
    """The role without all that is not in the extent. Functions of users read what they like, so no part of
    a role has them."""
    relations = {
        name: RelationRule(_cut(rule.read, extent.columns(name)), _cut(rule.write, extent.columns(name)))
        for name, rule in policy.relations.items()
        if extent.columns(name)
    }
    return replace(policy, relations=relations, functions=frozenset(), extent=extent.text)


def _cut(columns: frozenset[str], kept: tuple[str, ...]) -> frozenset[str]:
    if EVERY in kept:
        return columns
    return frozenset(kept) if EVERY in columns else columns & set(kept)


# --- the file by itself --------------------------------------------------------------------


def _contradictions(file: PolicyFile) -> Iterator[Problem]:
    for name, role in file.roles.items():
        at: Location = ("roles", name)
        yield from _system_is_left_alone(file, name, role)
        writes = sorted(kind for kind in role.kinds if StatementKind(kind) in _WRITING)
        writable = [relation for relation, rule in role.relations.items() if rule.write]
        if writes and not writable:
            yield _problem(
                file,
                (*at, "statements"),
                f"allows {', '.join(writes)}, but no relation of this role may be written",
            )
        if writable and not writes:
            for relation in writable:
                yield _problem(
                    file,
                    (*at, "relations", relation),
                    "may be written, but this role has no kind of statement that writes",
                )
        for word in ("approvers", "targets"):
            values: tuple[str, ...] = getattr(role, word)
            if EVERY in values:
                yield _problem(file, (*at, word, values.index(EVERY)), f'"*" cannot stand here; name the {word}')
        if EVERY in role.requesters and len(role.requesters) > 1:
            yield _problem(file, (*at, "requesters"), '"*" is everybody; what stands beside it says nothing')
    for relation, columns in file.classification.items():
        for column, written in columns.items():
            reason = _fits_nothing(_mask(written))
            if reason is not None:
                yield _problem(file, ("classification", relation, column), reason)


def _system_is_left_alone(file: PolicyFile, name: str, role: Role) -> Iterator[Problem]:
    for relation in role.relations:
        if relation.startswith(_OF_THE_SYSTEM):
            yield _problem(
                file,
                ("roles", name, "relations", relation),
                "which system relations are shown is the same for every role; a policy names its own relations only",
            )


def _fits_nothing(mask: Mask) -> str | None:
    """Why no column of any type can have this mask, or None if some can."""
    reasons = [misfit(mask, column) for column in _FAMILIES]
    if any(reason is None for reason in reasons):
        return None
    # Of all that was said, what is wrong with the options tells more than that a type is wrong.
    said = [reason for reason in reasons if reason is not None]
    return next((reason for reason in said if "needs a" not in reason and "does not fit" not in reason), said[0])


# --- the file beside a database ------------------------------------------------------------


def _relations_exist(file: PolicyFile, catalog: Catalog, name: str, role: Role) -> Iterator[Problem]:
    for written, rule in role.relations.items():
        at: Location = ("roles", name, "relations", written)
        relation = _relation(catalog, written)
        if relation is None:
            yield _problem(file, at, _no_relation(catalog, written))
            continue
        if relation.kind == "c":
            yield _problem(file, at, "is a composite type, which holds nothing to read")
            continue
        columns = [column.name for column in relation.columns]
        for word, listed in (("read", rule.read), ("write", rule.write)):
            for index, column in enumerate(listed):
                if column not in columns and column != EVERY:
                    # In short ("read") there are only "*"s, so this is the written place.
                    yield _problem(file, (*at, word, index), _no_column(written, column, columns))


def _reveals_exist(file: PolicyFile, catalog: Catalog, name: str, role: Role) -> Iterator[Problem]:
    for index, written in enumerate(role.reveal):
        for relation_name, rule in role.relations.items():
            relation = _relation(catalog, relation_name)
            if relation is None or not written.startswith(f"{relation_name}."):
                continue
            column = written.removeprefix(f"{relation_name}.")
            at: Location = ("roles", name, "reveal", index)
            if relation.column(column) is None:
                columns = [known.name for known in relation.columns]
                yield _problem(file, at, _no_column(relation_name, column, columns))
            elif EVERY not in rule.read and column not in rule.read:
                yield _problem(file, at, f"{relation_name} does not let this role read {column} at all")


def _functions_exist(file: PolicyFile, catalog: Catalog, name: str, role: Role) -> Iterator[Problem]:
    known = {function.qualified for function in catalog.functions}
    for index, written in enumerate(role.functions):
        if written not in known:
            # Names outside the application's own schemas would make odd suggestions.
            own = [function for function in known if not function.startswith(_OF_THE_SYSTEM)]
            yield _problem(
                file,
                ("roles", name, "functions", index),
                f'no function "{written}"{_did_you_mean(written, own, likeness=0.8)}',
            )


def _classification_fits(file: PolicyFile, catalog: Catalog, target: str) -> Iterator[Problem]:
    here = {name for role in file.roles.values() if target in role.targets for name in role.relations}
    elsewhere = {name for role in file.roles.values() if target not in role.targets for name in role.relations}
    only_target = all(role.targets == (target,) for role in file.roles.values())
    for written, columns in file.classification.items():
        relation = _relation(catalog, written)
        if relation is None:
            # What a role lists here has been reported there; what is listed nowhere may belong to another target.
            if written not in here and only_target:
                yield _problem(file, ("classification", written), _no_relation(catalog, written))
        elif written in here or written not in elsewhere:
            yield from _columns_fit(file, relation, columns)


def _columns_fit(file: PolicyFile, relation: Relation, columns: Mapping[str, WrittenMask]) -> Iterator[Problem]:
    names = [column.name for column in relation.columns]
    for name, written in columns.items():
        at: Location = ("classification", relation.qualified, name)
        if name != EVERY:
            column = relation.column(name)
            reason = _no_column(relation.qualified, name, names) if column is None else _misfit(written, column)
            if reason is not None:
                yield _problem(file, at, reason)
            continue
        rest = [column for column in relation.columns if column.name not in columns]
        wrong = [column.name for column in rest if _misfit(written, column) is not None]
        what = f"mask {written.mask} with lookup" if written.lookup else f"mask {written.mask}"
        if wrong:
            yield _problem(file, at, f"{what} does not fit {', '.join(wrong)}; name what is to be shown there")


def _misfit(written: WrittenMask, column: Column) -> str | None:
    """Why a column cannot be shown so, or not be looked up."""
    return misfit(_mask(written), column) or (lookup_problem(column) if written.lookup else None)


def _relation(catalog: Catalog, written: str) -> Relation | None:
    # Names may hold dots; which of them parts schema from name, only the catalog can tell.
    for index, character in enumerate(written):
        if character == ".":
            schema = written[:index]
            for name in {schema, schema[1:-1] if schema[:1] + schema[-1:] == '""' else schema}:
                found = catalog.relations.get((name, written[index + 1 :]))
                if found is not None and found.qualified == written:
                    return found
    return None


def _no_relation(catalog: Catalog, written: str) -> str:
    own = [relation.qualified for relation in catalog.relations.values() if relation.kind != "c"]
    known = [name for name in own if not name.startswith(_OF_THE_SYSTEM)]
    same_name = [name for name in known if name.partition(".")[2] == written.partition(".")[2]]
    close = f'; did you mean "{same_name[0]}"?' if same_name else _did_you_mean(written, known, likeness=0.8)
    return f'no relation "{written}"{close}'


def _no_column(relation: str, column: str, columns: Collection[str]) -> str:
    return f'{relation} has no column "{column}"{_did_you_mean(column, columns)}'


def _did_you_mean(word: str, known: Collection[str], *, likeness: float = 0.6) -> str:
    # Names that share a schema are alike without being meant.
    close = suggestion(word, sorted(known), likeness=likeness)
    return f'; did you mean "{close}"?' if close else ""


def _problem(file: PolicyFile, location: Location, message: str) -> Problem:
    return Problem(file.file, file.line(location), dotted(location), message)
