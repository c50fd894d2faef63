"""ErrorResponse and NoticeResponse: fields by their one-letter codes (manual, 55.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from protocol.codec import Reader, cstring, frame
from protocol.errors import LocalProtocolError


@dataclass(frozen=True, slots=True)
class _Report:
    """A message can quote values, so only severity and SQLSTATE are in its repr."""

    kind: ClassVar[int]
    fields: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(
        cls,
        severity: str,
        sqlstate: str,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
        position: int | None = None,
    ) -> Self:
        """A report in our own words; `position` counts characters from 1."""
        fields = {"S": severity, "V": severity, "C": sqlstate, "M": message}
        if detail is not None:
            fields["D"] = detail
        if hint is not None:
            fields["H"] = hint
        if position is not None:
            fields["P"] = str(position)
        return cls(fields)

    def encode(self) -> bytes:
        parts: list[bytes] = []
        for code, text in self.fields.items():
            if len(code) != 1 or not "\0" < code < "\x80":
                raise LocalProtocolError("a report field has a code of one ASCII letter")
            parts += code.encode(), cstring(text)
        return frame(self.kind, b"".join(parts) + b"\0")

    @classmethod
    def read(cls, body: Reader) -> Self:
        fields: dict[str, str] = {}
        while code := body.int8():
            if code > 0x7F or chr(code) in fields:
                raise body.violation("an impossible or repeated field")
            fields[chr(code)] = body.report_text()
        return cls(fields)

    @property
    def severity(self) -> str:
        """ERROR, FATAL, PANIC, WARNING, NOTICE, DEBUG, INFO or LOG: never localised where the server says so."""
        return self.fields.get("V") or self.fields.get("S", "")

    @property
    def sqlstate(self) -> str:
        return self.fields.get("C", "")

    @property
    def message(self) -> str:
        return self.fields.get("M", "")

    @property
    def detail(self) -> str | None:
        return self.fields.get("D")

    @property
    def hint(self) -> str | None:
        return self.fields.get("H")

    @property
    def position(self) -> int | None:
        """Where in the statement, in characters from 1."""
        text = self.fields.get("P", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


@dataclass(frozen=True, slots=True)
class ErrorResponse(_Report):
    kind: ClassVar[int] = ord("E")

    def __repr__(self) -> str:
        return f"ErrorResponse({self.severity} {self.sqlstate})"


@dataclass(frozen=True, slots=True)
class NoticeResponse(_Report):
    kind: ClassVar[int] = ord("N")

    def __repr__(self) -> str:
        return f"NoticeResponse({self.severity} {self.sqlstate})"
