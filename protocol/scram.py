"""Proving a password without sending it: SCRAM-SHA-256(-PLUS) as PostgreSQL speaks it.

Manual, 55.3; RFC 5802, 7677 and 5929 (tls-server-end-point). Also the older md5 answer.
`salted_keys` costs as much CPU as the server's iteration count says: milliseconds for PostgreSQL's
4,096, most of a second at our limit. All else is cheap.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import stringprep
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from protocol.errors import LocalProtocolError, ProtocolViolation

SCRAM_SHA_256 = "SCRAM-SHA-256"
SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS"

MAX_ITERATIONS = 1_000_000
#: PostgreSQL's own is 16 bytes of salt and 18 of nonce.
_MAX_SALT = 1024
_MAX_SERVER_MESSAGE = 8192


@dataclass(frozen=True, slots=True)
class Keys:
    """What a password comes to under a salt and an iteration count: as good as the password itself."""

    client: bytes = field(repr=False)
    server: bytes = field(repr=False)


def salted_keys(password: str, salt: bytes, iterations: int) -> Keys:
    """Hi() of RFC 5802 and what follows from it: the costly part of an exchange, the same each time."""
    salted = hashlib.pbkdf2_hmac("sha256", saslprep(password).encode(), salt, iterations)
    return Keys(_hmac(salted, b"Client Key"), _hmac(salted, b"Server Key"))


class ScramClient:
    """The client's side of one exchange: `first`, `final`, `verify`, each once and in this order.
    `challenge` tells what `final` will need, for who keeps salted keys or computes them elsewhere.

    `nonce` is printable ASCII without comma, at least 18 random bytes' worth, never used twice.
    `channel_binding` is the tls-server-end-point data of the connection, None without TLS.
    `offered` are the mechanisms of AuthenticationSASL; the strongest that we can do is taken:

    - `p`: bound to the TLS channel, when the server offers PLUS;
    - `y`: we could bind, but the server did not offer it. A server that did offer it knows by this
      that somebody in between removed it, and refuses;
    - `n`: we cannot bind.

    With `require_binding` anything less than `p` is refused here. PostgreSQL takes the user from the
    startup packet, so `username` stays empty.
    """

    __slots__ = (
        "_channel_binding",
        "_client_first_bare",
        "_gs2_header",
        "_nonce",
        "_password",
        "_read",
        "_server_signature",
        "_step",
        "mechanism",
        "verified",
    )

    def __init__(
        self,
        password: str,
        nonce: str,
        channel_binding: bytes | None = None,
        offered: Sequence[str] = (SCRAM_SHA_256, SCRAM_SHA_256_PLUS),
        *,
        require_binding: bool = False,
        username: str = "",
    ) -> None:
        if not nonce or not all("!" <= letter <= "~" and letter != "," for letter in nonce):
            raise LocalProtocolError("a SCRAM nonce is printable ASCII without comma")
        self.mechanism, flag = _choose(offered, bool(channel_binding), require_binding)
        self._password = password
        self._nonce = nonce
        self._gs2_header = f"{flag},,".encode()
        self._channel_binding = channel_binding if channel_binding and flag.startswith("p") else b""
        name = saslprep(username).replace("=", "=3D").replace(",", "=2C")
        self._client_first_bare = f"n={name},r={nonce}".encode()
        self._server_signature = b""
        #: The challenge that `challenge` has read, and what it says.
        self._read: tuple[bytes, tuple[str, bytes, int]] | None = None
        self._step = 0
        #: Whether `verify` has returned: until then AuthenticationOk must not be believed.
        self.verified = False

    def _advance(self, step: int) -> None:
        if self._step != step:
            raise LocalProtocolError("the steps of a SCRAM exchange are first, final, verify, each once")
        self._step = step + 1

    def first(self) -> bytes:
        """client-first-message: the data of SASLInitialResponse."""
        self._advance(0)
        return self._gs2_header + self._client_first_bare

    def challenge(self, server_first: bytes) -> tuple[bytes, int]:
        """Salt and iteration count of the data of AuthenticationSASLContinue, once it is found good."""
        challenge = self._read_challenge(server_first)
        self._read = server_first, challenge
        return challenge[1:]

    def final(self, server_first: bytes, keys: Keys | None = None) -> bytes:
        """client-final-message, for the data of AuthenticationSASLContinue. `keys` are those of the
        password under its salt and count; without them they are computed here."""
        self._advance(1)
        if self._read is None or self._read[0] != server_first:
            self.challenge(server_first)
            assert self._read is not None
        nonce, salt, iterations = self._read[1]
        binding = base64.b64encode(self._gs2_header + self._channel_binding)
        without_proof = b"c=" + binding + b",r=" + nonce.encode()
        auth_message = b",".join((self._client_first_bare, server_first, without_proof))

        if keys is None:
            keys = salted_keys(self._password, salt, iterations)
        client_signature = _hmac(hashlib.sha256(keys.client).digest(), auth_message)
        proof = (int.from_bytes(keys.client, "big") ^ int.from_bytes(client_signature, "big")).to_bytes(32, "big")
        self._server_signature = _hmac(keys.server, auth_message)
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify(self, server_final: bytes) -> None:
        """Check the data of AuthenticationSASLFinal: only a server that knows the password could sign it.

        Raises ProtocolViolation with SQLSTATE 28000 when it did not.
        """
        self._advance(2)
        attributes = _attributes(server_final)
        name, text = attributes[0]
        if name == "e":
            raise ProtocolViolation("the server ended the SCRAM exchange with an error", "28000")
        if name != "v":
            raise _malformed("server-final-message has no signature")
        if not hmac.compare_digest(_base64(text), self._server_signature):
            raise ProtocolViolation(
                "the server does not know this login's password: its SCRAM signature is wrong", "28000"
            )
        self.verified = True

    def _read_challenge(self, server_first: bytes) -> tuple[str, bytes, int]:
        """Nonce, salt and iterations of server-first-message."""
        attributes = _attributes(server_first)
        if attributes[0][0] == "m":
            raise _malformed("the server asks for an extension that we do not know")
        if [name for name, _ in attributes[:3]] != ["r", "s", "i"]:
            raise _malformed("server-first-message is not r, s, i")
        nonce, salt_text, iterations_text = (text for _, text in attributes[:3])
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce):
            raise _malformed("the server's nonce does not extend ours")
        salt = _base64(salt_text)
        if not 0 < len(salt) <= _MAX_SALT:
            raise _malformed("impossible salt")
        if not (iterations_text.isascii() and iterations_text.isdigit() and len(iterations_text) <= 10):
            raise _malformed("the iteration count is no number")
        iterations = int(iterations_text)
        if not 1 <= iterations <= MAX_ITERATIONS:
            raise _malformed(f"the iteration count must be 1 to {MAX_ITERATIONS}")
        return nonce, salt, iterations


def _choose(offered: Sequence[str], can_bind: bool, require_binding: bool) -> tuple[str, str]:
    """Mechanism and gs2-cbind-flag."""
    if can_bind and SCRAM_SHA_256_PLUS in offered:
        return SCRAM_SHA_256_PLUS, "p=tls-server-end-point"
    if require_binding:
        raise ProtocolViolation("channel binding is required, but the server or the connection cannot do it", "28000")
    if SCRAM_SHA_256 not in offered:
        raise ProtocolViolation("the server offers no SASL mechanism that we can use here", "28000")
    return SCRAM_SHA_256, "y" if can_bind else "n"


def _malformed(problem: str) -> ProtocolViolation:
    return ProtocolViolation(f"malformed SCRAM message: {problem}")


def _attributes(message: bytes) -> list[tuple[str, str]]:
    """`r=…,s=…` as pairs; at least one."""
    if len(message) > _MAX_SERVER_MESSAGE:
        raise _malformed("too long")
    try:
        text = message.decode()
    except UnicodeDecodeError:
        raise _malformed("not valid UTF-8") from None
    pairs: list[tuple[str, str]] = []
    for part in text.split(","):
        name, equals, rest = part.partition("=")
        if not equals or len(name) != 1 or not (name.isascii() and name.isalpha()):
            raise _malformed("an attribute is not a letter, = and a value")
        pairs.append((name, rest))
    return pairs


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _malformed("not valid base64") from None


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


#: RFC 4013, 2.3: what a prepared string may not hold.
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def saslprep(text: str) -> str:
    """`text` prepared by RFC 4013; as it is where that does not allow it, which is what PostgreSQL does."""
    if text.isascii():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter for letter in text if not stringprep.in_table_b1(letter)
    )
    prepared = unicodedata.normalize("NFKC", mapped)
    if not prepared or any(test(letter) for letter in prepared for test in _PROHIBITED):
        return text
    return prepared if _bidirectional_rules_hold(prepared) else text


def _bidirectional_rules_hold(text: str) -> bool:
    """RFC 3454, section 6."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    if any(map(stringprep.in_table_d2, text)):
        return False
    return stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])


def tls_server_end_point(certificate: bytes) -> bytes | None:
    """Channel binding data for the server's certificate (DER), by RFC 5929, section 4.1.

    It is the certificate's hash by the hash of its own signature, SHA-256 where that is MD5 or SHA-1.
    None where the signature has no hash of its own (Ed25519): such a channel cannot be bound.
    """
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
        if algorithm is None:
            return None
        name = "sha256" if algorithm.name in ("md5", "sha1") else algorithm.name
        return hashlib.new(name.replace("-", "_"), certificate).digest()
    except (ValueError, UnsupportedAlgorithm):
        return None


def md5_password(user: str, password: str, salt: bytes) -> str:
    """The PasswordMessage that answers AuthenticationMD5Password."""
    stored = hashlib.md5(password.encode() + user.encode(), usedforsecurity=False).hexdigest()
    return "md5" + hashlib.md5(stored.encode() + salt, usedforsecurity=False).hexdigest()
