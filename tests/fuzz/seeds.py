"""Where fuzzing starts: valid messages, taken from the examples that the protocol's tests describe by hand."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.backend import BACKEND_NAMES
from protocol.frontend import FRONTEND_NAMES
from tests.protocol import wire

CHALLENGE = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
SIGNATURE = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def seeds(target: str) -> Iterator[bytes]:
    """Inputs that lead a target past its first checks."""
    frontend = [raw for _, raw in wire.FRONTEND]
    backend = [raw for _, raw in wire.BACKEND]
    passwords = [raw for _, raw in (wire.PASSWORD, wire.SASL_INITIAL, wire.SASL_RESPONSE, wire.GSS_RESPONSE)]
    match target:
        case "frontend-frames":
            yield from (bytes([size]) + b"".join(frontend + passwords) for size in (0, 1, 7))
        case "backend-frames":
            yield from (bytes([size]) + b"".join(backend) for size in (0, 1, 7))
        case "startup-frames":
            yield from (bytes([size]) + b"".join(raw for _, raw in wire.STARTUP) for size in (0, 1, 7))
        case "startup":
            yield from (raw[4:] for _, raw in wire.STARTUP)
        case "authentication-response":
            yield from (raw[5:] for raw in passwords)
        case "scram":
            yield from (bytes([choice]) + CHALLENGE + b"\0" + SIGNATURE for choice in (0, 1, 128, 129))
        case _:
            side, _, name = target.partition("-")
            names, messages = (FRONTEND_NAMES, frontend) if side == "frontend" else (BACKEND_NAMES, backend)
            yield from (raw[5:] for raw in messages if names[raw[0]] == name)
