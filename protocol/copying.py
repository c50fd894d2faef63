"""What both sides say while data is copied (manual, 55.2.6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from protocol.codec import Reader, frame


@dataclass(frozen=True, slots=True)
class Bare:
    """A message that is only its kind: no body."""

    kind: ClassVar[int]

    def encode(self) -> bytes:
        return frame(self.kind)

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class CopyData:
    """A piece of COPY data; its bounds mean nothing when a client sends it, a row when a server does."""

    kind: ClassVar[int] = ord("d")
    data: bytes = field(repr=False)

    def encode(self) -> bytes:
        return frame(self.kind, self.data)

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.rest())


@dataclass(frozen=True, slots=True)
class CopyDone(Bare):
    kind: ClassVar[int] = ord("c")
