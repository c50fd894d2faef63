"""A classification proposed for what nobody has classified yet, each line with its reason.

Names, types and shares of sampled values each say something; the more private reading wins. "clear" is proposed
only with a reason of its own. What is not recognised is left out, and stays hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from config.policy_file import EVERY
from gateway.audit.visible import visible
from gateway.desk.kinds import ADDRESSES as NETWORK
from gateway.desk.kinds import (
    BYTEA,
    GEOMETRY,
    HARDWARE,
    HARMLESS,
    INTEGERS,
    JSON,
    NULL,
    NUMBERS,
    PSEUDONYM,
    TSVECTOR,
    UUID,
    XML,
    Kind,
    fits,
    masks_for,
)
from gateway.desk.names import kinds_of_name, words_of
from gateway.desk.origins import plain_columns
from gateway.desk.sampling import Surroundings
from gateway.desk.values import Shares
from gateway.policies import Policies
from masking.catalog import Catalog, Column, Relation
from masking.masks import problem
from masking.masks.types import is_text
from masking.policy import CLEAR, Mask, MaskKind

#: Kinds of relations that hold rows: tables, views, materialized views, foreign and partitioned tables.
WITH_ROWS = ("r", "v", "m", "f", "p")
_OF_THE_SYSTEM = ("pg_catalog", "information_schema")
#: From this share of values on they are what they look like; below it, a text holds some of it.
_MOST = 0.6
_LEAST_WHOLE = {
    Kind.EMAIL: 0.0, Kind.IBAN: 0.0, Kind.SECRET: 0.0, Kind.IP: 0.05, Kind.DEVICE: 0.0,
    Kind.PHONE: 0.2, Kind.NATIONAL_ID: 0.05, Kind.CARD: 0.2,
}  # fmt: skip
_LEAST_WITHIN = {
    Kind.EMAIL: 0.0, Kind.IBAN: 0.0, Kind.SECRET: 0.0, Kind.IP: 0.02,
    Kind.PHONE: 0.02, Kind.NATIONAL_ID: 0.0, Kind.CARD: 0.0,
}  # fmt: skip
#: Types that say more than their values: an address is no telephone number, however it looks.
_SPEAKING = frozenset({UUID, BYTEA, TSVECTOR, *NETWORK, *HARDWARE, *GEOMETRY})
_KEY_NAMES = frozenset({"id", "uid", "uuid", "guid", "pk", "key"})


@dataclass(frozen=True, slots=True)
class Proposed:
    """One line for the policy file."""

    relation: str
    column: str
    mask: Mask
    reason: str


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A column that stays hidden, with what little is known of it."""

    relation: str
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A column that the policy shows clear and that looks as if it should not."""

    relation: str
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    proposed: tuple[Proposed, ...]
    unlisted: tuple[Unlisted, ...]
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out beside the catalog. Shares by OID of the relation, then by column."""

    surroundings: Surroundings = field(default_factory=Surroundings)
    shares: Mapping[int, Mapping[str, Shares]] = field(default_factory=dict)


def scanned(catalog: Catalog) -> Iterator[Relation]:
    """The relations that a scan looks at, by name. A partition or child that adds no column follows its parent."""
    for relation in sorted(catalog.relations.values(), key=lambda found: (found.schema, found.name)):
        if relation.kind not in WITH_ROWS or relation.schema in _OF_THE_SYSTEM:
            continue
        parents = [p for oid in relation.parents if (p := catalog.relation_by_oid.get(oid)) is not None]
        inherited = {column.name for parent in parents for column in parent.columns}
        if not all(column.name in inherited for column in relation.columns) or not relation.columns:
            yield relation


def writable(name: str) -> bool:
    """Can a policy file name this at all?"""
    return bool(name) and name.isprintable() and name == name.strip() and EVERY not in name


def propose(policies: Policies, catalog: Catalog, relations: Iterable[Relation], evidence: Evidence) -> Proposal:
    """What could be written for the columns of these relations that the policy does not classify."""
    return _Proposing(policies, catalog, evidence).over(tuple(relations))


@dataclass(frozen=True, slots=True)
class _Found:
    """What a column is: its mask, and why."""

    mask: Mask | None
    reason: str
    #: Did somebody decide this already, in the policy file?
    decided: bool = False


class _Proposing:
    def __init__(self, policies: Policies, catalog: Catalog, evidence: Evidence) -> None:
        self.file = policies.file
        self.classification: Mapping[str, Mapping[str, Mask]] = {}
        for role in map(policies.role, policies.roles):
            if role is not None:
                # The classification is the same for every role.
                self.classification = role.classification
        self.catalog = catalog
        self.evidence = evidence
        self._found: dict[tuple[int, str], _Found] = {}
        self._joined = _joined(catalog)
        self._origins: dict[int, Mapping[str, tuple[int, str]]] = {}

    def over(self, relations: tuple[Relation, ...]) -> Proposal:
        proposed: list[Proposed] = []
        unlisted: list[Unlisted] = []
        doubts: list[Doubt] = []
        for relation in relations:
            for column in relation.columns:
                found = self.find(relation, column)
                if found.decided:
                    doubt = self._doubt(relation, column, found)
                    if doubt is not None:
                        doubts.append(Doubt(relation.qualified, column.name, doubt))
                elif not writable(column.name) or not writable(relation.qualified):
                    unlisted.append(
                        Unlisted(relation.qualified, column.name, "its name cannot be written in a policy file")
                    )
                elif found.mask is None:
                    unlisted.append(Unlisted(relation.qualified, column.name, found.reason))
                else:
                    proposed.append(Proposed(relation.qualified, column.name, found.mask, visible(found.reason)))
        return Proposal(tuple(proposed), tuple(unlisted), tuple(doubts))

    def find(self, relation: Relation, column: Column) -> _Found:
        key = (relation.oid, column.name)
        found = self._found.get(key)
        if found is None:
            # A view that reads itself cannot be; a chain of keys that comes back here says nothing of itself.
            self._found[key] = _Found(None, "not recognised")
            found = self._found[key] = (
                self._decided(relation, column)
                or self._of_a_view(relation, column)
                or self._of_a_join(relation, column)
                or self._named_after(relation, column)
                or self._by_itself(relation, column)
            )
        return found

    def _decided(self, relation: Relation, column: Column) -> _Found | None:
        columns = self.classification.get(relation.qualified, {})
        mask = columns.get(column.name) or columns.get(EVERY)
        if mask is not None:
            return _Found(mask, "the policy says so", decided=True)
        for oid in relation.parents:
            parent = self.catalog.relation_by_oid.get(oid)
            above = parent.column(column.name) if parent is not None else None
            if parent is not None and above is not None:
                return _Found(self.find(parent, above).mask, f"follows {parent.qualified}", decided=True)
        return None

    def _doubt(self, relation: Relation, column: Column, found: _Found) -> str | None:
        if found.mask is None or found.mask.kind is not MaskKind.CLEAR:
            return None
        alone = self._by_itself(relation, column)
        if alone.mask is None or alone.mask.kind is MaskKind.CLEAR or alone.mask == PSEUDONYM:
            return None
        return alone.reason

    # -- views --------------------------------------------------------------------------------

    def _of_a_view(self, relation: Relation, column: Column) -> _Found | None:
        definition = self.evidence.surroundings.views.get(relation.oid)
        if definition is None:
            return None
        if relation.oid not in self._origins:
            self._origins[relation.oid] = {
                name: (origin.relation.oid, origin.column)
                for name, origin in plain_columns(relation, definition, self.catalog).items()
            }
        place = self._origins[relation.oid].get(column.name)
        if place is None:
            return None
        base = self.catalog.relation_by_oid[place[0]]
        below = base.column(place[1])
        assert below is not None
        found = self.find(base, below)
        where = f"{base.qualified}.{below.name}"
        if found.mask is None or problem(found.mask, column) is not None:
            return None
        how = "is clear" if found.mask.kind is MaskKind.CLEAR else f"is masked ({found.mask.kind.value})"
        return _Found(found.mask, f"shows {where}, which {how}")

    # -- joins --------------------------------------------------------------------------------

    def _of_a_join(self, relation: Relation, column: Column) -> _Found | None:
        """Columns tied by foreign keys are decided together: a join must find the same value on both sides."""
        group = self._joined.get((relation.oid, column.name))
        if group is None:
            return None
        members = [self._member(key) for key in group]
        root, root_column = self._root(members)
        where = f"{root.qualified}.{root_column.name}"
        itself = (root.oid, root_column.name) == (relation.oid, column.name)
        tie = "foreign keys point here" if itself else f"joins {where}"
        decided = [found for r, c in members if (found := self._decided(r, c)) is not None]
        masks = list(dict.fromkeys(replace(found.mask, lookup=False) for found in decided if found.mask is not None))
        if masks:
            mask = masks[0]
            usable = len(masks) == 1 and mask.kind in (MaskKind.CLEAR, MaskKind.PSEUDONYM)
            if usable and self._alike(members) and problem(mask, column) is None:
                how = "clear" if mask == CLEAR else "a pseudonym"
                return _Found(mask, f"{tie}; the policy shows the other side as {how}")
            return _Found(None, f"{tie}; the policy masks the other side in a way that cannot be joined")
        if self._is_surrogate(root, root_column):
            return _Found(CLEAR, f"{tie}, a generated key that says nothing by itself")
        if not self._alike(members):
            return _Found(NULL, f"{tie}, but the types differ, and so would the pseudonyms")
        if problem(PSEUDONYM, column) is not None:
            return _Found(NULL, f"{tie}, and a pseudonym does not fit its type")
        return _Found(PSEUDONYM, f"{tie}: the same pseudonym on both sides keeps the join")

    def _named_after(self, relation: Relation, column: Column) -> _Found | None:
        """`order_id` beside one relation `orders` with a generated key: a foreign key that nobody declared."""
        words = words_of(column.name)
        if len(words) < 2 or words[-1] not in _KEY_NAMES or column.type_oid not in (*INTEGERS, UUID):
            return None
        owner = "".join(words[:-1])
        named = [
            found
            for found in self.catalog.relations.values()
            if found.schema == relation.schema and found is not relation and len(found.primary_key) >= 1
            and "".join(words_of(found.name)) in (owner, f"{owner}s", f"{owner}es", f"{owner[:-1]}ies")
        ]  # fmt: skip
        if len(named) != 1:
            return None
        key = next((c for c in named[0].columns if c.name == named[0].primary_key[0]), None)
        if key is None or key.type_oid != column.type_oid or not self._is_surrogate(named[0], key):
            return None
        if self.find(named[0], key).mask != CLEAR:
            return None
        return _Found(CLEAR, f"named after {named[0].qualified}.{key.name}, a generated key that is clear")

    def _member(self, key: tuple[int, str]) -> tuple[Relation, Column]:
        relation = self.catalog.relation_by_oid[key[0]]
        column = relation.column(key[1])
        assert column is not None
        return relation, column

    def _root(self, members: list[tuple[Relation, Column]]) -> tuple[Relation, Column]:
        """The one that the others point to: itself without a foreign key, or the first."""
        for relation, column in members:
            if not any(column.name in key.columns for key in relation.foreign_keys):
                return relation, column
        return members[0]

    @staticmethod
    def _alike(members: list[tuple[Relation, Column]]) -> bool:
        """Do equal values have equal pseudonyms? Text types do among each other, others by type."""
        return len({"text" if is_text(column) else column.type_name for _, column in members}) == 1

    def _is_surrogate(self, relation: Relation, column: Column) -> bool:
        """A primary key that somebody's machine made up: a whole number or UUID under a plain name."""
        if column.name not in relation.primary_key or column.type_oid not in (*INTEGERS, UUID):
            return False
        words = words_of(column.name)
        if not words or words[-1] not in _KEY_NAMES:
            return False
        if any(kind not in HARMLESS for kind in kinds_of_name(column.name) if fits(kind, column)):
            return False
        whole = self._shares(relation, column).whole
        return not any(whole.get(kind, 0.0) >= _MOST for kind in (Kind.CARD, Kind.PHONE, Kind.NATIONAL_ID))

    # -- one column -----------------------------------------------------------------------------

    def _shares(self, relation: Relation, column: Column) -> Shares:
        return self.evidence.shares.get(relation.oid, {}).get(column.name, Shares())

    def _by_itself(self, relation: Relation, column: Column) -> _Found:
        shares = self._shares(relation, column)
        if self._is_surrogate(relation, column):
            return _Found(CLEAR, "primary key, a generated number that says nothing by itself")
        named = [kind for kind in kinds_of_name(column.name, relation.name) if fits(kind, column)]
        if column.type_oid in _SPEAKING:
            shares = Shares()
        seen = _seen(shares)
        held = _held(shares) if column.type_oid not in NUMBERS else None
        personal = next((kind for kind in named if kind not in HARMLESS), None)
        if seen is not None and seen[0] in named:
            return _as(seen[0], column, f"{seen[0].value}, by its name; {seen[1]}")
        if personal is not None and not (seen is not None and personal is Kind.FREE_TEXT):
            beside = f"; {held[1]}" if personal is Kind.FREE_TEXT and held is not None else ""
            return _as(personal, column, f"{personal.value}, by its name{beside}")
        if seen is not None:
            return _as(seen[0], column, seen[1])
        if held is not None:
            return _as(Kind.DOCUMENT if column.type_oid in JSON else Kind.FREE_TEXT, column, held[1])
        by_type = _by_type(column)
        if by_type is not None:
            return _as(by_type[0], column, by_type[1])
        if shares.sentences >= 0.3 and is_text(column):
            return _as(Kind.FREE_TEXT, column, "its values are sentences")
        if named:
            return self._harmless(named[0], column, shares)
        if column.type_kind == "e":
            return _Found(CLEAR, f"an enum of {len(column.enum_labels)} labels, and its name says nothing private")
        if self._is_unique(relation, column) and problem(PSEUDONYM, column) is None:
            return _Found(PSEUDONYM, "unique: a pseudonym can be counted and joined, and not read")
        return _Found(None, _hint(shares))

    def _harmless(self, kind: Kind, column: Column, shares: Shares) -> _Found:
        """Clear by name, where type and values do not speak against it."""
        if kind in (Kind.STATUS, Kind.CODE) and column.type_kind != "e":
            if not (shares.codes if kind is Kind.CODE else shares.few):
                return _Found(None, f"{kind.value}, by its name, but no sample showed that it has few values")
            return _Found(CLEAR, f"{kind.value}, by its name; {shares.distinct} different values in a sample")
        return _Found(CLEAR, f"{kind.value}, by its name and type")

    def _is_unique(self, relation: Relation, column: Column) -> bool:
        return relation.primary_key == (column.name,) or column.name in self.evidence.surroundings.unique.get(
            relation.oid, frozenset()
        )


# --- what each source says -----------------------------------------------------------------


def _as(kind: Kind, column: Column, reason: str) -> _Found:
    mask = next(masks_for(kind, column))
    if mask.kind is MaskKind.DETECT:
        reason += "; names of people stay readable in it"
    elif column.type_oid in JSON:
        reason += "; list paths in a jsonpath mask to show parts of it"
    return _Found(mask, reason)


def _percent(share: float) -> str:
    return f"{max(1, round(100 * share))} %"


def _seen(shares: Shares) -> tuple[Kind, str] | None:
    """What most values are, as a whole."""
    for kind, share in sorted(shares.whole.items(), key=lambda item: -item[1]):
        enough = (0.8, 20) if kind is Kind.PERSON else (_MOST, 3)
        if share >= enough[0] and shares.values >= enough[1] and not (kind is Kind.PERSON and shares.few):
            return kind, f"{_percent(share)} of {shares.values} sampled values look like {kind.value}"
    return None


def _held(shares: Shares) -> tuple[Kind, str] | None:
    """What some values are or hold: one e-mail address is no coincidence, one number like a card's may be."""
    found = [
        (share, kind)
        for told, least in ((shares.whole, _LEAST_WHOLE), (shares.within, _LEAST_WITHIN))
        for kind, share in told.items()
        if kind in least and share > least[kind]
    ]
    if not found:
        return None
    share, kind = max(found)
    return kind, f"{_percent(share)} of {shares.values} sampled values hold {kind.value}"


def _by_type(column: Column) -> tuple[Kind, str] | None:
    oid = column.type_oid
    if oid in NETWORK:
        return Kind.IP, f"its type {column.type_name} holds {Kind.IP.value}"
    if oid in HARDWARE:
        return Kind.DEVICE, f"its type {column.type_name} holds the address of {Kind.DEVICE.value}"
    if oid in JSON or oid == XML or column.type_name.rpartition(".")[2] == "hstore":
        return Kind.DOCUMENT, f"{column.type_name}: {Kind.DOCUMENT.value}"
    if oid == BYTEA:
        return Kind.BINARY, f"{Kind.BINARY.value}, which cannot be judged"
    if oid == TSVECTOR:
        return Kind.FREE_TEXT, "holds the words of a text"
    if oid in GEOMETRY or column.type_name.rpartition(".")[2] in ("geometry", "geography"):
        return Kind.COORDINATE, f"its type {column.type_name} holds {Kind.COORDINATE.value}"
    return None


def _hint(shares: Shares) -> str:
    if shares.few:
        return f"not recognised; {shares.distinct} different values in a sample: a list of codes, perhaps"
    if shares.uuids >= _MOST:
        return "not recognised; its values are UUIDs"
    return "not recognised"


def _joined(catalog: Catalog) -> Mapping[tuple[int, str], tuple[tuple[int, str], ...]]:
    """Columns tied together by foreign keys, directly or over others: each with its whole group."""
    leader: dict[tuple[int, str], tuple[int, str]] = {}

    def lead(key: tuple[int, str]) -> tuple[int, str]:
        while leader.setdefault(key, key) != key:
            key = leader[key]
        return key

    for relation in catalog.relations.values():
        for key in relation.foreign_keys:
            if key.target not in catalog.relation_by_oid:
                continue
            for own, other in zip(key.columns, key.target_columns, strict=True):
                leader[lead((relation.oid, own))] = lead((key.target, other))
    groups: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for member in leader:
        groups.setdefault(lead(member), []).append(member)
    return {member: tuple(sorted(group)) for group in groups.values() for member in group}
