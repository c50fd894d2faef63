"""The socket between the supervisor and one worker: messages, each behind its length."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec
import structlog

from gateway.workers.messages import Message

log = structlog.get_logger()

_LENGTH = struct.Struct("!I")
#: Nothing that is said is longer. Whoever says it is broken.
LONGEST = 64 * 1024 * 1024

Heard = TypeVar("Heard")
_encode = msgspec.msgpack.Encoder().encode


class Link(asyncio.Protocol, Generic[Heard]):
    """One end. `heard` is called with each message in the order of sending, `lost` when the other end is gone."""

    def __init__(self, heard_type: Any, heard: Callable[[Heard], None], lost: Callable[[], None]) -> None:
        self._decoder = msgspec.msgpack.Decoder(heard_type)
        self._heard = heard
        self._lost = lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > LONGEST:
                self.close()
                return
            end = _LENGTH.size + length
            if len(buffer) < end:
                return
            message = bytes(buffer[_LENGTH.size : end])
            del buffer[:end]
            try:
                self._heard(self._decoder.decode(message))
            except msgspec.MsgspecError:
                log.error("a message between supervisor and worker was not understood")
                self.close()
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lost()

    def say(self, message: Message) -> None:
        """To the other end, if it is there."""
        if self._transport is not None:
            data = _encode(message)
            self._transport.write(_LENGTH.pack(len(data)) + data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
