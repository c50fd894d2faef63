"""What is kept of a result while it passes, for roles whose results are recorded (gateway.session.results)."""

from __future__ import annotations

import msgspec

from masking.policy import Results


class Columns(msgspec.Struct, frozen=True):
    """A result's columns as described: names, types (OIDs), and formats, where those are said."""

    names: tuple[str, ...] = ()
    types: tuple[int, ...] = ()
    formats: tuple[int, ...] = ()


class Kept(msgspec.Struct):
    """What one statement's client has seen so far, up to the policy's measure."""

    results: Results
    columns: Columns
    #: Of a COPY TO STDOUT: is it binary?
    binary: bool = False
    data: bytearray = msgspec.field(default_factory=bytearray)
    #: Enough is kept, or told already.
    full: bool = False
