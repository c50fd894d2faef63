"""What the ledger says: which logs there are, how each began and ended, and, signed every few
seconds, how far each had come. The ledger is a chain like any other log; a checkpoint's
signature covers the whole ledger before it through its `prev`. Pure: no files.
"""

from __future__ import annotations

import re

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.audit.facts import RecordResumed
from gateway.audit.seal import key_id


class Entry(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Base of all ledger events."""


class RecordCreated(Entry, frozen=True, tag=True, omit_defaults=True):
    """First line of a ledger. `record` is random and bound into the first line of every log."""

    record: str
    format: int


class RecorderStarted(Entry, frozen=True, tag=True, omit_defaults=True):
    """A gateway took the record over; every log opened before this line is closed before it.
    `torn` bytes of an unfinished last ledger line were put aside."""

    key: str
    sealing: str
    durability: str
    recipients: tuple[str, ...] = ()
    torn: int = 0


class LogOpened(Entry, frozen=True, tag=True, omit_defaults=True):
    """Written before the log's file is made. `path` is relative to the record's directory,
    `first` the digest of the log's first line, `kind` "session" or "control"."""

    log: str
    kind: str
    path: str
    first: str


class LogContinued(Entry, frozen=True, tag=True, omit_defaults=True):
    """Written before the log goes on in another file, `path`: its next segment. A log is its segments, one
    after the other, as if they were one file."""

    log: str
    path: str


class LogExpired(Entry, frozen=True, tag=True, omit_defaults=True):
    """A tombstone: the log's files were removed because they were older than `days`, and not otherwise.
    Written, signed and on disk before the first of them is removed."""

    log: str
    days: int


class LogClosed(Entry, frozen=True, tag=True, omit_defaults=True):
    """The log's last line: its number and digest. `how`: "closed", or "cut" when a crash ended
    it (`torn` bytes of an unfinished line were put aside in `<path>.torn`)."""

    log: str
    seq: int
    digest: str
    how: str = "closed"
    detail: str = ""
    torn: int = 0


class Checkpoint(Entry, frozen=True, tag=True, omit_defaults=True):
    """How far the open logs had come: log -> (number, digest) of each that moved since the
    checkpoint before. All of it was on disk when this was signed."""

    key: str
    heads: dict[str, tuple[int, str]] = {}


class RecorderStopped(Entry, frozen=True, tag=True, omit_defaults=True):
    """The gateway stopped in order; every log is closed."""


LedgerEvent = (
    RecordCreated
    | RecorderStarted
    | LogOpened
    | LogContinued
    | LogClosed
    | LogExpired
    | Checkpoint
    | RecorderStopped
    | RecordResumed
)


class LedgerLine(msgspec.Struct, frozen=True):
    """A ledger line as read."""

    prev: str
    time: str
    seq: int
    event: LedgerEvent
    signature: str = ""


_decoder = msgspec.json.Decoder(LedgerLine)

_SIGNATURE = b',"signature":"'
#: How a checkpoint's line ends: one way only, so that no byte of it can be changed unseen.
_SIGNED_END = re.compile(rb',"signature":"([0-9a-f]{128})"\}\n')
_DOMAIN = b"pgcurfew checkpoint 1\n"


def read_line(line: bytes) -> LedgerLine:
    """Raises msgspec.MsgspecError (or ValueError) when it is not a ledger line."""
    return _decoder.decode(line)


def sign_line(line: bytes, signer: Ed25519PrivateKey) -> bytes:
    """A checkpoint's line without signature -> the same with it. Signed is everything before
    `,"signature":"`, after a fixed first line that no other use of the key can have signed."""
    unsigned = line[:-2]  # without "}\n"
    signature = signer.sign(_DOMAIN + unsigned).hex().encode()
    return b'%b%b%b"}\n' % (unsigned, _SIGNATURE, signature)


def signature_problem(line: bytes, keys: dict[str, Ed25519PublicKey]) -> str | None:
    """Why the signature of a checkpoint's line does not hold; None when it does."""
    try:
        read = read_line(line)
    except (msgspec.MsgspecError, ValueError):
        return "not a line of a ledger"
    if not isinstance(read.event, Checkpoint):
        return "not a checkpoint"
    key = keys.get(read.event.key)
    if key is None:
        return f"signed with key {read.event.key}, which was not given ({', '.join(keys) or 'none'} was)"
    try:
        start = line.rindex(_SIGNATURE)
        end = _SIGNED_END.fullmatch(line, start)
        if end is None:
            return "changed: does not end in a signature"
        key.verify(bytes.fromhex(end[1].decode()), _DOMAIN + line[:start])
    except (InvalidSignature, ValueError):
        return "the signature does not hold"
    return None


def signer_id(key: Ed25519PublicKey) -> str:
    """The id that names a signing key in the ledger."""
    return key_id(key.public_bytes_raw())


def signer_from_pem(pem: bytes) -> Ed25519PrivateKey:
    """The record's signing key from PEM (RFC 8410). Raises ValueError when it is something else."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 private key")
    return key


def public_key_from_pem(pem: bytes) -> Ed25519PublicKey:
    """A record's public key from PEM. Raises ValueError when it is something else."""
    key = load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 public key")
    return key
