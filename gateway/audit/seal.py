"""Sealing: what may hold personal data is written so that only auditors can read it.

A random 256-bit data key a session; wrapped for each auditor (X25519 with a fresh ephemeral
key, HKDF-SHA256, AES-256-GCM) into the session's first line; each sealed content is AES-256-GCM
under the data key, with a counter as nonce and the log's name and the line's number as
associated data, so that it cannot be moved to another line. The gateway forgets the data key
with the session and holds nothing that opens it again. Format: docs/audit.md.
"""

from __future__ import annotations

import re
import secrets
from binascii import a2b_base64, b2a_base64, hexlify, unhexlify
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway.audit.chain import json_of
from gateway.audit.facts import Sealed


class CannotOpen(Exception):
    """The key does not open this record; the message says why."""


class Wrap(msgspec.Struct, frozen=True):
    """The data key for one auditor: their key's id, the ephemeral public key, the wrapped key (base64)."""

    recipient: str
    ephemeral: str
    key: str


class Seal(msgspec.Struct, frozen=True, omit_defaults=True):
    """In a session's first line: how its sealed contents are kept. `sealing` is "auditors" or "off"."""

    sealing: str
    wraps: tuple[Wrap, ...] = ()


class Box(msgspec.Struct, frozen=True):
    """One sealed content: the nonce's counter, and ciphertext with tag (hex: among the digests of the chain it
    compresses better than base64)."""

    counter: int
    box: str


def key_id(public: bytes) -> str:
    """16 hex digits of the SHA-256 of a raw public key."""
    return sha256(public).hexdigest()[:16]


def recipient_id(recipient: X25519PublicKey) -> str:
    """The id that names an auditor's key in the record."""
    return key_id(recipient.public_bytes_raw())


def recipient_from_pem(pem: bytes) -> X25519PublicKey:
    """An auditor's public key from PEM (RFC 8410). Raises ValueError when it is something else."""
    key = load_pem_public_key(pem)
    if not isinstance(key, X25519PublicKey):
        raise ValueError("not an X25519 public key: make one with `pgcurfew audit keygen`")
    return key


def auditor_from_pem(pem: bytes) -> X25519PrivateKey:
    """An auditor's private key from PEM. Raises ValueError when it is something else."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, X25519PrivateKey):
        raise ValueError("not an X25519 private key: `pgcurfew audit keygen --out NAME` makes one, NAME.pem")
    return key


def make_auditor_keys() -> tuple[bytes, bytes]:
    """A new pair for an auditor: (private PEM, public PEM)."""
    private = X25519PrivateKey.generate()
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def _wrapping_key(shared: bytes, ephemeral: bytes, recipient: bytes, name: str) -> AESGCM:
    info = f"pgcurfew data key {name}".encode()
    return AESGCM(HKDF(SHA256(), 32, salt=ephemeral + recipient, info=info).derive(shared))


#: Encoded in one go.
PIECE = 3 << 18

#: A wrapping key encrypts one data key and is gone: its nonce may be constant.
_WRAP_NONCE = bytes(12)


class Sealer:
    """Seals the contents of one session. `name` is the log's name (chain.log_name)."""

    __slots__ = ("_aead", "_associated", "_counter", "seal")

    def __init__(self, name: str, recipients: Sequence[X25519PublicKey]) -> None:
        data_key = secrets.token_bytes(32)
        self._aead = AESGCM(data_key)
        self._associated = f"pgcurfew sealed {name} ".encode()
        #: Never goes back, also not when a line could not be written: a nonce is used once.
        self._counter = 0
        self.seal = Seal("auditors", tuple(_wrap(data_key, name, recipient) for recipient in recipients))

    def close(self, content: Sealed, seq: int, normalized: str = "") -> bytes:
        """Content of line number `seq` -> the JSON of its Box. `normalized` is the text in the readable part."""
        self._counter += 1
        plain = json_of(_without_normalized(content, normalized))
        box = self._aead.encrypt(self._counter.to_bytes(12, "big"), plain, self._associated + b"%d" % seq)
        return b'{"counter":%d,"box":"%b"}' % (self._counter, _hex(box))


def _hex(data: bytes) -> bytes:
    """Megabytes in pieces, so that other threads come to their turn."""
    if len(data) <= PIECE:
        return hexlify(data)
    return b"".join([hexlify(data[at : at + PIECE]) for at in range(0, len(data), PIECE)])


class _Packed(Sealed, frozen=True, omit_defaults=True):
    """What is encrypted: of a text that is the readable one with constants in the places of its $1, $2, …, only
    these, in the order of their places."""

    constants: tuple[str, ...] | None = None


_PLACE = re.compile(r"\$\d+")


@lru_cache(4096)
def _between(normalized: str) -> tuple[str, ...] | None:
    """What stands before, between and after the places; None when it is not written as it is."""
    try:
        normalized.encode()
    except UnicodeEncodeError:
        return None
    return tuple(_PLACE.split(normalized))


def _without_normalized(content: Sealed, normalized: str) -> Sealed:
    text = content.text
    if text is None or not normalized or len(normalized) > PIECE:
        return content
    between = _between(normalized)
    if between is None or not text.startswith(between[0]):
        return content
    constants, at = [], len(between[0])
    for part in between[1:-1]:
        found = text.find(part, at) if part else -1
        if found < 0:
            return content
        constants.append(text[at:found])
        at = found + len(part)
    if len(between) > 1:
        end = len(text) - len(between[-1])
        if end < at or not text.endswith(between[-1]):
            return content
        constants.append(text[at:end])
    elif at != len(text):
        return content
    return _Packed(
        parameters=content.parameters,
        message=content.message,
        columns=content.columns,
        rows=content.rows,
        constants=tuple(constants),
    )


def _with_normalized(packed: _Packed, normalized: str) -> Sealed:
    constants, text = packed.constants, packed.text
    if constants is not None:
        between = _between(normalized) or ()
        if len(between) != len(constants) + 1:
            raise CannotOpen("the sealed constants do not fit the readable text: one of them was changed")
        text = "".join(part for pair in zip(between, (*constants, ""), strict=True) for part in pair)
    return Sealed(text, packed.parameters, packed.message, packed.columns, packed.rows)


def _wrap(data_key: bytes, name: str, recipient: X25519PublicKey) -> Wrap:
    ephemeral = X25519PrivateKey.generate()
    theirs, ours = recipient.public_bytes_raw(), ephemeral.public_key().public_bytes_raw()
    wrapping = _wrapping_key(ephemeral.exchange(recipient), ours, theirs, name)
    return Wrap(
        recipient=key_id(theirs),
        ephemeral=b2a_base64(ours, newline=False).decode(),
        key=b2a_base64(wrapping.encrypt(_WRAP_NONCE, data_key, None), newline=False).decode(),
    )


class Opener:
    """Opens the sealed contents of one session with an auditor's private key."""

    __slots__ = ("_aead", "_associated")

    def __init__(self, name: str, seal: Seal, key: X25519PrivateKey) -> None:
        ours = key.public_key().public_bytes_raw()
        mine = next((wrap for wrap in seal.wraps if wrap.recipient == key_id(ours)), None)
        if mine is None:
            sealed_to = ", ".join(wrap.recipient for wrap in seal.wraps) or "nobody"
            raise CannotOpen(f"this session is sealed to {sealed_to}; the key given is {key_id(ours)}")
        try:
            ephemeral = a2b_base64(mine.ephemeral)
            shared = key.exchange(X25519PublicKey.from_public_bytes(ephemeral))
            data_key = _wrapping_key(shared, ephemeral, ours, name).decrypt(_WRAP_NONCE, a2b_base64(mine.key), None)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("the wrapped key of this session was changed") from error
        self._aead = AESGCM(data_key)
        self._associated = f"pgcurfew sealed {name} ".encode()

    def open(self, box: Box, seq: int, normalized: str = "") -> Sealed:
        """The content of line number `seq`, `normalized` being the text in its readable part. Raises CannotOpen when
        it was changed or moved."""
        try:
            nonce = box.counter.to_bytes(12, "big")
            content = self._aead.decrypt(nonce, unhexlify(box.box), self._associated + b"%d" % seq)
            return _with_normalized(msgspec.json.decode(content, type=_Packed), normalized)
        except (InvalidTag, ValueError, OverflowError, msgspec.MsgspecError) as error:
            raise CannotOpen("the sealed content was changed or moved here from another line") from error
