"""Whose fault it was: the peer broke the protocol, or we were about to."""

from __future__ import annotations


class ProtocolViolation(Exception):
    """The peer sent what the protocol does not allow.

    `sqlstate` is what an ErrorResponse about it should carry: 08P01 (protocol_violation),
    54000 for a message over a limit, 22021 for text that is not UTF-8, 0A000 for a protocol
    that we do not speak, 28000 for a server that cannot prove itself. The message never
    quotes what was sent.
    """

    def __init__(self, message: str, sqlstate: str = "08P01") -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate


class LocalProtocolError(Exception):
    """We would have broken the protocol ourselves: a bug on our side, nothing was sent."""
