"""The policy file: who may ask for which role, what a role may do, and what is shown of each column.

Roles say what may be read and written; the classification, apart from them, says what a read shows. What is
not listed is not there: a relation that no role names is out of its sight, a column that nobody classified is
masked. A commented example is docs/examples/policy.toml.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from config.alerts import Alert
from config.durations import Duration
from config.lines import Lines
from config.policy_access import OWNER, AutoApprove, BreakGlass, Deciders, Reason, Whom, rule_name
from config.policy_table import Table, Word, Words, distinct
from config.problems import Location, suggestion
from config.sizes import Bytes

#: What a statement does. What stands in no list here (DDL, DO, CALL, SET ROLE, …) no role can have;
#: what touches no data (BEGIN, SET, SHOW, FETCH, …) needs no permission.
STATEMENTS = (
    "select", "copy_to", "explain", "insert", "update", "delete", "merge", "copy_from",
    "truncate", "lock", "vacuum", "analyze", "listen", "notify", "temp_tables",
)  # fmt: skip
#: Names for several kinds at once.
STATEMENT_GROUPS: Mapping[str, tuple[str, ...]] = {
    "read": ("select", "copy_to", "explain"),
    "write": ("insert", "update", "delete", "merge", "copy_from"),
}
#: What a read shows instead of the value; docs/masks.md has an example of each.
MASKS = ("clear", "null", "fixed", "partial", "pseudonym", "generalize", "truncate", "detect", "jsonpath")
#: Stands for every column that is not named otherwise.
EVERY = "*"
LONGEST_GRANT = 7 * 86_400
#: Of a role that says nothing else.
LOOKUPS = 100

_ROLE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")


def _kind(text: str) -> str:
    known = (*STATEMENT_GROUPS, *STATEMENTS)
    if text not in known:
        close = suggestion(text.lower(), known)
        raise ValueError(f"expected one of {', '.join(known)}" + (f'; did you mean "{close}"?' if close else ""))
    return text


def _qualified(text: str) -> str:
    """schema.name, as both are stored: case matters, and there are no quotes inside."""
    schema, dot, name = text.partition(".")
    if not dot or not schema or not name or not text.isprintable():
        raise ValueError('expected "schema.name", such as "public.customers"')
    if EVERY in text:
        raise ValueError('names one relation each; "*" does not stand for several')
    return text


def _role_name(text: str) -> str:
    if not _ROLE_NAME.match(text):
        raise ValueError("a role's name is a small letter, then up to 62 small letters, digits, hyphens, underscores")
    return text


def _column_of(text: str) -> str:
    if text.count(".") < 2 or not all(text.split(".")) or EVERY in text:
        raise ValueError('expected "schema.relation.column", such as "public.customers.email"')
    return text


Qualified = Annotated[str, AfterValidator(_qualified)]


def _every_column(value: object) -> object:
    return (EVERY,) if value == EVERY else value


Columns = Annotated[tuple[Word, ...], BeforeValidator(_every_column), Field(strict=False), AfterValidator(distinct)]


class Relation(Table):
    """The columns of one relation that a role may read and write: names, or "*" for all."""

    read: Columns = Field(default=(), description='columns, or "*" for all')
    write: Columns = Field(default=(), description='columns, or "*" for all')


def _relation_in_short(value: object) -> object:
    match value:
        case "read":
            return {"read": EVERY}
        case "write":
            return {"read": EVERY, "write": EVERY}
        case str():
            raise ValueError('expected "read", "write", or a table such as { read = ["id"], write = ["status"] }')
        case _:
            return value


def _option(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("expected text or a whole number, as an option of the mask")
    return value


def _mask_in_short(value: object) -> object:
    return {"mask": value} if isinstance(value, str) else value


class Mask(Table):
    """One column's mask with its options; a plain text is the mask without any."""

    model_config = ConfigDict(extra="allow")

    mask: str = Field(description=f"one of {', '.join(MASKS)}")
    hide_null: bool = Field(default=False, description="show the mask also where there is no value")
    lookup: bool = Field(
        default=False, description="rows may be found by the raw value, as in WHERE email = 'a@b.example'"
    )
    paths: dict[str, Annotated[Mask, BeforeValidator(_mask_in_short)]] = Field(
        default={}, description='of jsonpath: what is shown at each path, such as { "$.name" = "clear" }'
    )

    #: What every other key is: an option of that mask.
    __pydantic_extra__: dict[str, Annotated[str | int, BeforeValidator(_option)]]

    @field_validator("mask")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in MASKS:
            close = suggestion(value, MASKS)
            raise ValueError(f"expected one of {', '.join(MASKS)}" + (f'; did you mean "{close}"?' if close else ""))
        return value

    @property
    def options(self) -> tuple[tuple[str, str | int], ...]:
        """The mask's own options, by name."""
        return tuple(sorted((self.__pydantic_extra__ or {}).items()))


Count = Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None


class RoleLimits(Table):
    """How much a role may read and write at a time. What is left out has no limit, but for lookups."""

    rows: Count = Field(default=None, description="rows of one statement's result, its pages together")
    bytes: Count = Field(default=None, description="bytes of one statement's result")
    session_rows: Count = Field(default=None, description="rows of all results of a session")
    session_bytes: Count = Field(default=None, description="bytes of all results of a session")
    written_rows: Count = Field(default=None, description="rows that one statement may insert, update or delete")
    transaction: Duration | None = Field(default=None, description='the longest transaction, such as "5m"')
    lookups: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=LOOKUPS,
        description="raw values that rows may be looked up by under one grant, where a column allows it",
    )

    @field_validator("transaction")
    @classmethod
    def _is_a_time(cls, value: int | None) -> int | None:
        if value is not None and not 1 <= value <= 86_400:
            raise ValueError('must be at least "1s" and at most "24h"')
        return value


class RecordResults(Table):
    """How much of each result is recorded, as the client saw it."""

    rows: Annotated[int, Field(ge=1, le=10_000)] = Field(default=100, description="the first rows of each, 1 to 10000")
    bytes: Annotated[Bytes, Field(ge=1, le=1024**2)] = Field(
        default=64 * 1024, description='and of them no more than so many bytes, at most "1MB"'
    )


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError('expected a network such as "10.1.0.0/16", without an address of a machine in it') from None


class TokenDemands(Table):
    """What the tokens that open a role must be."""

    single_use: bool = Field(default=False, description="each session needs a token of its own")
    network: Annotated[
        tuple[Annotated[str, AfterValidator(_network)], ...], Field(strict=False), AfterValidator(distinct)
    ] = Field(default=(), description='where connections may come from, such as ["10.1.0.0/16"]; none: everywhere')
    certificate: Literal["optional", "required"] = Field(
        default="optional", description='"required": each is bound to a client certificate (settings: tls.client_ca)'
    )
    max: Duration | None = Field(default=None, description='how long one opens the door, such as "15m"')

    @field_validator("max")
    @classmethod
    def _is_a_time(cls, value: int | None) -> int | None:
        if value is not None and not 1 <= value <= LONGEST_GRANT:
            raise ValueError('must be at least "1s" and at most "7d"')
        return value


class Role(Table):
    """What one role may do, and who may come by it how."""

    targets: Annotated[Words, Field(min_length=1)] = Field(description="the targets that it can be asked for")
    requesters: Whom = Field(description='the groups who may ask for it, or "person:NAME"; ["*"] is everybody')
    approvers: Deciders = Field(
        description='the groups whose people may approve it, "person:NAME", or "target:owner" for who owns the target'
    )
    approvals: Annotated[int, Field(ge=1, le=10)] = Field(default=1, description="how many of them must, 1 to 10")
    distinct_groups: bool = Field(default=False, description="the approvals come from as many different groups")
    answer_within: Duration | None = Field(
        default=None, description='unanswered for so long, a request expires; none: "24h"'
    )
    max_duration: Duration = Field(description='the longest grant, such as "2h"')
    lapse_after: Duration | None = Field(
        default=None, description='not used for so long after its start, a grant is over; none: "24h"'
    )
    auto_approve: dict[Annotated[str, AfterValidator(rule_name)], AutoApprove] = Field(
        default={}, description="what needs nobody's approval, each as [roles.ROLE.auto_approve.NAME]"
    )
    break_glass: BreakGlass | None = Field(default=None, description="who has it at once in an emergency")
    sessions: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="sessions at one time under one grant; none: what the settings say"
    )
    reason: Reason = Field(default_factory=Reason, description="what a request's reason has to look like")
    token: TokenDemands = Field(default_factory=TokenDemands, description="what the tokens that open it must be")
    statements: Annotated[
        tuple[Annotated[str, AfterValidator(_kind)], ...], Field(strict=False, min_length=1), AfterValidator(distinct)
    ] = Field(description='"read", "write", or single kinds of statements')
    relations: dict[Qualified, Annotated[Relation, BeforeValidator(_relation_in_short)]] = Field(
        min_length=1, description="what it may read and write, each by its schema and name"
    )
    functions: Annotated[tuple[Qualified, ...], Field(strict=False), AfterValidator(distinct)] = Field(
        default=(), description="functions beyond the built-in safe ones, each by its schema and name"
    )
    reveal: Annotated[
        tuple[Annotated[str, AfterValidator(_column_of)], ...], Field(strict=False), AfterValidator(distinct)
    ] = Field(default=(), description='columns that this role sees as they are, such as "public.customers.email"')
    limits: RoleLimits = Field(default_factory=RoleLimits, description="how much it may read and write at a time")
    record_results: RecordResults | None = Field(
        default=None, description="record what its statements return, masked as the client saw it, for auditors"
    )
    require_where: bool = Field(default=True, description="UPDATE and DELETE need a WHERE")
    may_probe_constraints: bool = Field(
        default=False,
        description="may write masked columns under constraints, whose outcome tells what exists",
    )
    definitions: Literal["full", "no-literals"] = Field(
        default="no-literals", description="how much of defaults, checks and view bodies is shown"
    )
    messages: Literal["full", "withheld"] = Field(
        default="withheld",
        description="what errors and notices of views, triggers, checks and functions over hidden values say",
    )

    @field_validator("max_duration")
    @classmethod
    def _ends_soon(cls, value: int) -> int:
        if not 60 <= value <= LONGEST_GRANT:
            raise ValueError('must be at least "1m" and at most "7d": access that does not end is what this is against')
        return value

    @field_validator("distinct_groups")
    @classmethod
    def _are_so_many(cls, value: bool, info: ValidationInfo) -> bool:
        approvers, approvals = info.data.get("approvers", ()), info.data.get("approvals", 1)
        if value and "approvers" in info.data and len(approvers) < approvals:
            raise ValueError(f"{approvals} approvals from different groups, of which {len(approvers)} are named")
        return value

    @field_validator("answer_within", "lapse_after")
    @classmethod
    def _waits_a_while(cls, value: int | None) -> int | None:
        if value is not None and not 60 <= value <= 30 * 86_400:
            raise ValueError('must be at least "1m" and at most "30d"')
        return value

    @field_validator("auto_approve")
    @classmethod
    def _fits_the_role(cls, value: dict[str, AutoApprove], info: ValidationInfo) -> dict[str, AutoApprove]:
        for name, auto in value.items():
            if not 60 <= auto.max_duration <= info.data.get("max_duration", LONGEST_GRANT):
                raise ValueError(f'"{name}": max_duration must be at least "1m" and no more than the role\'s own')
            strange = sorted(set(auto.targets) - set(info.data.get("targets", auto.targets)))
            if strange:
                raise ValueError(f'"{name}": this role has no target "{strange[0]}"')
        return value

    @field_validator("break_glass")
    @classmethod
    def _is_short(cls, value: BreakGlass | None, info: ValidationInfo) -> BreakGlass | None:
        if value is not None and not 60 <= value.max_duration <= info.data.get("max_duration", LONGEST_GRANT):
            raise ValueError('max_duration must be at least "1m" and no more than the role\'s own')
        return value

    @field_validator("reveal")
    @classmethod
    def _reveals_what_is_read(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        relations: Mapping[str, Relation] = info.data.get("relations", {})
        for column in value:
            if "relations" in info.data and not any(column.startswith(f"{name}.") for name in relations):
                raise ValueError(f'"{column}" is of no relation that this role may read')
        return value

    @property
    def owner_approves(self) -> bool:
        """Is whoever owns the target among those who approve?"""
        return OWNER in self.approvers

    @property
    def kinds(self) -> frozenset[str]:
        """The single kinds of statements, groups spelled out."""
        return frozenset(kind for name in self.statements for kind in STATEMENT_GROUPS.get(name, (name,)))


class PolicyDocument(Table):
    """The file as it stands."""

    roles: dict[Annotated[str, AfterValidator(_role_name)], Role] = Field(
        min_length=1, description="who may do what, each as [roles.NAME]"
    )
    classification: dict[Qualified, dict[Word, Annotated[Mask, BeforeValidator(_mask_in_short)]]] = Field(
        default={}, description='what is shown of each column, as [classification."schema.name"]'
    )
    alerts: dict[Annotated[str, AfterValidator(_role_name)], Alert] = Field(
        default={}, description="when somebody is to be told of what happens, each as [alerts.NAME]"
    )


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy file that was read whole and found right in itself."""

    document: PolicyDocument
    #: The first 16 hexadecimal digits of the SHA-256 of its bytes: every change is another version.
    version: str
    file: str
    lines: Lines

    @property
    def roles(self) -> Mapping[str, Role]:
        return self.document.roles

    @property
    def alerts(self) -> Mapping[str, Alert]:
        return self.document.alerts

    @property
    def classification(self) -> Mapping[str, Mapping[str, Mask]]:
        return self.document.classification

    def line(self, location: Location) -> int:
        """Where this stands, for problems found later, against a database."""
        return self.lines.line(location)
