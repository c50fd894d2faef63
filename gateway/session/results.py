"""Results for the record, as the client saw them: the first rows of each, where the role's policy asks for it.

What is kept is what was passed on, so masks are in it, and rows that a limit cut off are not. It is decoded when the
statement ends or enough is there; the record seals it like parameters.
"""

from __future__ import annotations

from struct import Struct, error

from gateway.audit.facts import ResultRecorded, Sealed
from gateway.session.kept import Columns, Kept
from gateway.session.replies import Expected, Running
from gateway.session.statements import Portal
from masking.policy import Results
from protocol.backend import CopyOutResponse, DataRow, RowDescription, decode_backend
from protocol.errors import ProtocolViolation
from protocol.values import shown

_HEADER = Struct(">BI").unpack_from
_COUNT = Struct(">H").unpack_from
_LENGTH = Struct(">i").unpack_from


def described(message: RowDescription) -> Columns:
    """What a RowDescription says."""
    fields = message.fields
    return Columns(
        tuple([field.name for field in fields]),
        tuple([field.type_oid for field in fields]),
        tuple([field.format for field in fields]),
    )


def keep(results: Results, head: Expected, running: Running, data: bytes) -> ResultRecorded | None:
    """These bytes of rows go to the client. Gives back the event once enough is there."""
    kept = running.kept
    if kept is None:
        kept = running.kept = Kept(results, _columns(head), head.copies_binary)
    if kept.full:
        return None
    kept.data += data
    if running.rows < results.rows and len(kept.data) < results.bytes:
        return None
    return told(running)


def told(running: Running) -> ResultRecorded | None:
    """The event of what was kept and is not told yet."""
    kept = running.kept
    if kept is None or kept.full:
        return None
    kept.full = True
    data, kept.data = bytes(kept.data[: kept.results.bytes]), bytearray()
    rows = _rows(kept, data)
    return ResultRecorded(running.number, len(rows), sealed=Sealed(columns=kept.columns.names, rows=rows))


def copies_binary(raw: bytes) -> bool:
    """Does a CopyOutResponse announce the binary format?"""
    response = decode_backend(raw[0], raw[5:])
    assert isinstance(response, CopyOutResponse)
    return response.format == 1


def _columns(head: Expected) -> Columns:
    columns = head.columns
    if columns is None and head.looked is not None:
        columns = head.looked.columns
    if columns is None:
        return Columns()
    portal = head.about
    if isinstance(portal, Portal) and not portal.prepared.by_sql:
        # A statement's description does not know of formats: the Bind chose them.
        return Columns(columns.names, columns.types, portal.formats)
    return columns


def _rows(kept: Kept, data: bytes) -> tuple[tuple[str | None, ...], ...]:
    rows: list[tuple[str | None, ...]] = []
    position = 0
    while len(data) - position >= 5 and len(rows) < kept.results.rows:
        kind, length = _HEADER(data, position)
        stop = position + 1 + length
        if stop > len(data):
            break  # cut by the measure
        try:
            rows.append(_row(kept, kind, data[position + 5 : stop]))
        except (ProtocolViolation, error):
            break
        position = stop
    return tuple(rows)


def _row(kept: Kept, kind: int, body: bytes) -> tuple[str | None, ...]:
    if kind != DataRow.kind:  # CopyData
        return ("\\x" + body.hex() if kept.binary else body.decode("utf-8", "replace").removesuffix("\n"),)
    types, formats = kept.columns.types, kept.columns.formats
    all_text = 1 not in formats
    # By hand, in a third of the time of DataRow's own reader: a megabyte may hold 100,000 values.
    (count,) = _COUNT(body)
    values: list[str | None] = []
    position = 2
    for index in range(count):
        (length,) = _LENGTH(body, position)
        position += 4
        if length < 0:
            values.append(None)
            continue
        stop = position + length
        value = body[position:stop]
        position = stop
        if all_text or not _format(formats, index):
            values.append(value.decode("utf-8", "replace"))
        else:
            values.append(shown(types[index] if index < len(types) else 0, value))
    if position != len(body):
        raise ProtocolViolation("invalid DataRow message")
    return tuple(values)


def _format(formats: tuple[int, ...], index: int) -> int:
    """None: all text; one: for all; else one each (PG manual, 55.7, Bind)."""
    if len(formats) <= 1:
        return formats[0] if formats else 0
    return formats[index] if index < len(formats) else 0
