"""The policy's tests: what it is expected to say of statements, in a TOML file beside it.

[[test]]
role = "support"
sql = "SELECT id, email FROM customers"
expect = "allow"
masked = { "public.customers.email" = "partial" }
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from config.lines import Lines
from config.policy_table import Table


def _masks_in_short(value: object) -> object:
    """A list of columns is a table without masks."""
    if isinstance(value, list) and all(isinstance(column, str) for column in value):
        return dict.fromkeys(value)
    return value


class Expectation(Table):
    """One statement of one role, and the verdict that it should get."""

    role: Annotated[str, Field(min_length=1)] = Field(description="a role of the policy")
    sql: Annotated[str, Field(min_length=1)] = Field(description="what somebody with that role would send")
    expect: Literal["allow", "refuse"] = Field(description='"allow" or "refuse"')
    name: str | None = Field(default=None, description="what the test is about, for the report")
    target: str | None = Field(default=None, description="which target, when the role has several")
    rule: str | None = Field(default=None, description='the rule that refuses, such as "statement-kind"')
    sqlstate: str | None = Field(default=None, description='the SQLSTATE of the refusal, such as "42501"')
    masked: Annotated[dict[str, str | None], BeforeValidator(_masks_in_short)] | None = Field(
        default=None, description="all the columns that it reads masked: a list, or a table with their masks"
    )
    columns: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        default=None, description="the names of the columns that it shows, in their order"
    )

    @field_validator("rule", "sqlstate")
    @classmethod
    def _of_a_refusal(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("expect") == "allow":
            raise ValueError('belongs to expect = "refuse"')
        return value

    @field_validator("masked", "columns")
    @classmethod
    def _of_what_runs(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("expect") == "refuse":
            raise ValueError('belongs to expect = "allow": what is refused shows nothing')
        return value


class TestsDocument(Table):
    """The file as it stands."""

    __test__ = False

    test: Annotated[tuple[Expectation, ...], Field(strict=False, min_length=1)] = Field(
        description="the tests, each as [[test]]"
    )


@dataclass(frozen=True, slots=True)
class PolicyTests:
    """A file of tests that was read whole and found right in itself."""

    file: str
    expectations: tuple[Expectation, ...]
    lines: Lines

    def line(self, index: int) -> int:
        """Where a test begins."""
        return self.lines.line(("test", index))
