"""The gateway's own questions to a target, on a connection that was opened as every session's is.

PG manual, 55.2.2 (simple query). Rows come as one JSON text that the server makes: nothing here needs to
know of types, and a catalog of ten thousand rows is read at the speed of C.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from gateway.channel import Channel
from protocol.backend import DataRow, ErrorResponse, ReadyForQuery, decode_backend
from protocol.errors import ProtocolViolation
from protocol.frontend import Query, Terminate

#: The catalog of a database with a million columns is no longer.
LONGEST_ANSWER = 512 << 20

_DATA_ROW = DataRow.kind
_ERROR = ErrorResponse.kind
_READY = ReadyForQuery.kind


class QuestionRefused(Exception):
    """The target answered with an error. The message is PostgreSQL's, for the log."""

    def __init__(self, error: ErrorResponse) -> None:
        super().__init__(f"{error.message} (SQLSTATE {error.sqlstate})")
        self.sqlstate = error.sqlstate


class Reading:
    """A connection that only the gateway itself uses, one question after the other."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    @property
    def closed(self) -> bool:
        return self._channel.closed

    @asynccontextmanager
    async def transaction(self, *, isolation: str, readonly: bool) -> AsyncIterator[None]:
        """A transaction around the block. After an error in it the connection is of no use any more."""
        level = isolation.replace("_", " ").upper()
        await self.execute(f"BEGIN ISOLATION LEVEL {level} READ {'ONLY' if readonly else 'WRITE'}")
        yield
        await self.execute("COMMIT")

    async def execute(self, query: str) -> None:
        """Run a statement. Raises as `ask`."""
        await ask(self._channel, query, LONGEST_ANSWER)

    async def fetchval(self, query: str) -> str | None:
        """The one value of a query, as text. Raises as `ask`."""
        [(value,)] = await ask(self._channel, query, LONGEST_ANSWER)
        return None if value is None else value.decode()

    async def fetch(self, query: str) -> list[dict[str, Any]]:
        """The rows of a SELECT, by the names of their columns. Raises as `ask`."""
        as_json = f"SELECT pg_catalog.json_agg(q) FROM ({query}) q"  # noqa: S608 -- the gateway's own constants
        [(answer,)] = await ask(self._channel, as_json, LONGEST_ANSWER)
        if answer is None:
            return []
        try:
            return msgspec.json.decode(answer, type=list[dict[str, Any]])
        except msgspec.MsgspecError:
            raise ProtocolViolation("rows came in another form than they were asked for") from None

    def close(self) -> None:
        """Say goodbye."""
        self._channel.write(Terminate().encode())
        self._channel.close()

    def abort(self) -> None:
        """Close at once; whatever is being answered is given up."""
        self._channel.abort()


async def ask(channel: Channel, sql: str, longest: int) -> list[tuple[bytes | None, ...]]:
    """The rows that a statement yields, as text. Raises QuestionRefused, ChannelClosed, and
    OversizedPacket or ProtocolViolation, after which the connection is of no use any more."""
    channel.write(Query(sql).encode())
    rows: list[tuple[bytes | None, ...]] = []
    error: ErrorResponse | None = None
    left = longest
    while True:
        kind, body = await channel.read_frame(left)
        left -= len(body)
        if kind == _DATA_ROW:
            row = decode_backend(kind, body)
            assert isinstance(row, DataRow)
            rows.append(row.values)
        elif kind == _ERROR:
            message = decode_backend(kind, body)
            assert isinstance(message, ErrorResponse)
            if message.severity in ("FATAL", "PANIC"):
                raise QuestionRefused(message)
            error = message
        elif kind == _READY:
            if error is not None:
                raise QuestionRefused(error)
            return rows
