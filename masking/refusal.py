"""How a rule says no: raised deep inside the tree, turned into a verdict at the door.

SQLSTATEs are PostgreSQL's own (PG manual, appendix A): what PostgreSQL itself would have said
keeps its code; what only the policy forbids is 42501; a form we do not understand is 0A000.
"""

from __future__ import annotations

from masking.verdict import Refusal


class Forbidden(Exception):
    """A statement may not run. `offset` is a byte offset in the query string, or None."""

    def __init__(
        self,
        sqlstate: str,
        rule: str,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.rule = rule
        self.message = message
        self.detail = detail
        self.hint = hint
        self.offset = offset

    def refusal(self, sql: bytes) -> Refusal:
        """The refusal in the client's terms: its position counted in characters, from 1."""
        position = None
        if self.offset is not None and 0 <= self.offset <= len(sql):
            position = len(sql[: self.offset].decode("utf-8", "ignore")) + 1
        return Refusal(self.sqlstate, self.rule, self.message, self.detail, self.hint, position)


def by_policy(rule: str, message: str, hint: str, offset: int | None = None) -> Forbidden:
    """The policy forbids it: 42501, with the rule as DETAIL."""
    return Forbidden("42501", rule, message, detail=f"Rule: {rule}.", hint=hint, offset=offset)


def not_understood(what: str, hint: str | None = None, offset: int | None = None, rule: str = "") -> Forbidden:
    """A form that the judge does not understand: 0A000. Law 3: what is not understood is refused."""
    rule = rule or "node-not-understood"
    return Forbidden(
        "0A000",
        rule,
        what,
        detail=f"Rule: {rule}.",
        hint=hint or "Write it in another form, or ask for this form to be supported.",
        offset=offset,
    )
