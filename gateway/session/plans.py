"""Plans on their way to the client: what ANALYZE measured of memory and disk is taken out of them.

    ->  Hash (actual rows=300 loops=1)
          Buckets: 1024  Batches: 1  Memory Usage: 19kB       becomes       Buckets: hidden

A sort or a hash table may hold raw values where the mask is computed above it, so its size is the length of what is
masked; with many copies of one row, to the byte. EXPLAIN has no option for that (PG manual 14.1 and EXPLAIN). The
lines stay, in each of its formats, and say "hidden"; in JSON, null.
"""

from __future__ import annotations

import re
from struct import Struct

from protocol.backend import DataRow, decode_backend

#: A plan that is longer is not passed on.
LONGEST_PLAN = 16 * 1024 * 1024

_HEADER = Struct(">BI").unpack_from

_KEYS = (
    "Sort Methods? Used|Sort Methods?|Sort Space (?:Used|Type|Memory|Disk)|(?:Average|Peak) Sort Space Used"
    "|(?:Original )?Hash (?:Buckets|Batches)|HashAgg Batches|Planned Partitions|Buckets|Batches"
    "|(?:Average |Peak |Maximum )?(?:Memory|Disk|Storage)(?: Usage| Used)?|Evictions|Cache (?:Evictions|Overflows)"
    "|(?:Exact |Lossy )?Heap Blocks|Memory Usage"
)
_JSON = re.compile(rf'"({_KEYS})": (?:"[^"]*"|[0-9.]+|\[[^\]]*\])'.encode())
_TAGS = _KEYS.replace(" ", "-")
_XML = re.compile(rf"<({_TAGS})>[^<]*(?:<Item>[^<]*</Item>[^<]*)*</\1>".encode())
#: Text has several on one line; in YAML a list stands on the lines that follow.
_TEXT = re.compile(
    rf'\b({_KEYS}): *[^\s"{{\[][^\n]*|\b({_KEYS}): *"[^"\n]*"|\b({_KEYS}):(?:[ ]*\n\s*- "[^"\n]*")+'.encode()
)
_AMOUNT = re.compile(rb"\b[0-9]+ ?kB\b")


def without_sizes(rows: bytes) -> bytes:
    """DataRow messages of an EXPLAIN, whole ones, without the sizes in them. Raises ProtocolViolation."""
    shown: list[bytes] = []
    position = 0
    while len(rows) - position >= 5:
        kind, length = _HEADER(rows, position)
        row = decode_backend(kind, rows[position + 5 : position + 1 + length])
        assert isinstance(row, DataRow)
        shown.append(DataRow(tuple(None if value is None else _without(value) for value in row.values)).encode())
        position += 1 + length
    return b"".join(shown)


def _without(text: bytes) -> bytes:
    text = _JSON.sub(rb'"\1": null', text)
    text = _XML.sub(rb"<\1>hidden</\1>", text)
    text = _TEXT.sub(lambda found: (found[1] or found[2] or found[3]) + b": hidden", text)
    return _AMOUNT.sub(b"hidden", text)
