"""What is sealed shows to those it is sealed to, whole and in its place, and to nobody else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import seal
from gateway.audit.chain import make_line
from gateway.audit.facts import Sealed, SessionClosed
from gateway.audit.record import Recorder
from gateway.audit.replay import read_session
from gateway.audit.seal import Box, CannotOpen, Opener, Sealer
from gateway.audit.verify import verify
from tests.gateway.audit.conftest import CANARY, Bench, ended, judged, opened
from tests.gateway.audit.independent_verifier import verify as verify_independently

NAME = "log 0123 s1"


def box_of(body: bytes) -> Box:
    return msgspec.json.decode(body, type=Box)


def test_no_constant_can_be_read_in_any_file_of_the_record(bench: Bench) -> None:
    bench.write_a_record()
    for path in bench.directory.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
            assert b"canary" not in path.read_bytes()


def test_an_auditor_reads_text_parameters_and_messages(bench: Bench) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened())
    session.append([judged(1), ended(1, sqlstate="22P02", sealed=Sealed(message=f"invalid input {CANARY}"))])
    session.close(SessionClosed(cause="client"))
    recorder.close()
    statement = read_session(bench.directory, "s1", bench.auditor).statements[0]
    assert statement.opened
    assert statement.text == f"SELECT email FROM customers WHERE email = '{CANARY}'"
    assert statement.parameters == (CANARY, None)
    assert statement.message == f"invalid input {CANARY}"


def test_without_a_key_the_normalised_text_is_read(bench: Bench) -> None:
    bench.write_a_record()
    statement = read_session(bench.directory, "s1").statements[0]
    assert (statement.opened, statement.parameters, statement.message) == (False, (), "")
    assert statement.text == "SELECT email FROM customers WHERE email = $1"


def test_another_key_does_not_open_it(bench: Bench) -> None:
    bench.write_a_record()
    with pytest.raises(CannotOpen, match="sealed to"):
        read_session(bench.directory, "s1", X25519PrivateKey.generate())


def test_the_gateways_own_keys_do_not_open_it(bench: Bench) -> None:
    bench.write_a_record()
    own = X25519PrivateKey.from_private_bytes(bench.signer.private_bytes_raw())
    with pytest.raises(CannotOpen):
        read_session(bench.directory, "s1", own)


def test_each_of_several_auditors_can_open_it(tmp_path: Path, bench: Bench) -> None:
    auditors = [X25519PrivateKey.generate() for _ in range(3)]
    recorder = Recorder.open(
        tmp_path / "r",
        signer=Ed25519PrivateKey.generate(),
        recipients=[auditor.public_key() for auditor in auditors],
        clock=bench.clock,
    )
    session = recorder.open_session(opened())
    session.append([judged(1)])
    session.close(SessionClosed(cause="client"))
    recorder.close()
    for auditor in auditors:
        assert read_session(tmp_path / "r", "s1", auditor).statements[0].parameters == (CANARY, None)


def test_sealing_off_is_stated_in_the_first_line(bench: Bench) -> None:
    bench.write_a_record(sealing="off")
    first, second = bench.session_file().read_bytes().splitlines()[:2]
    assert msgspec.json.decode(first)["seal"] == {"sealing": "off"}
    assert CANARY.encode() in second
    session = read_session(bench.directory, "s1")
    assert session.sealing == "off"
    assert session.statements[0].parameters == (CANARY, None)


contents = st.builds(
    Sealed,
    text=st.none() | st.text(),
    parameters=st.lists(st.none() | st.text(), max_size=4).map(tuple),
    message=st.none() | st.text(),
)


@given(content=contents, seq=st.integers(1, 2**60))
def test_any_content_comes_back_as_it_was(content: Sealed, seq: int) -> None:
    key = X25519PrivateKey.generate()
    sealer = Sealer(NAME, [key.public_key()])
    assert Opener(NAME, sealer.seal, key).open(box_of(sealer.close(content, seq)), seq) == content


def test_a_box_moved_to_another_line_or_session_or_changed_does_not_open() -> None:
    key = X25519PrivateKey.generate()
    sealer = Sealer(NAME, [key.public_key()])
    opener = Opener(NAME, sealer.seal, key)
    box = box_of(sealer.close(Sealed(text="x"), 5))
    assert opener.open(box, 5).text == "x"
    flipped = ("1" if box.box[0] == "0" else "0") + box.box[1:]
    for moved, seq in (
        (box, 6),
        (Box(box.counter + 1, box.box), 5),
        (Box(box.counter, flipped), 5),
        (Box(box.counter, ""), 5),
        (Box(-1, box.box), 5),
        (Box(box.counter, "é"), 5),
    ):
        with pytest.raises(CannotOpen):
            opener.open(moved, seq)
    with pytest.raises(CannotOpen):
        Opener("log 0123 s2", sealer.seal, key)


def test_docs_audit_md_says_how_to_open_a_box(bench: Bench) -> None:
    """The steps of docs/audit.md, "Sealed contents", with nothing of the gateway."""
    bench.write_a_record()
    record = json.loads((bench.directory / "ledger.jsonl").read_text().splitlines()[0])["event"]["record"]
    first, line = (json.loads(text) for text in bench.session_file().read_text().splitlines()[:2])
    name = f"log {record} s1"
    ours = bench.auditor.public_key().public_bytes_raw()
    wrap = next(w for w in first["seal"]["wraps"] if w["recipient"] == hashlib.sha256(ours).hexdigest()[:16])
    ephemeral = base64.b64decode(wrap["ephemeral"])
    shared = bench.auditor.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    wrapping = HKDF(SHA256(), 32, ephemeral + ours, f"pgcurfew data key {name}".encode()).derive(shared)
    data_key = AESGCM(wrapping).decrypt(bytes(12), base64.b64decode(wrap["key"]), None)
    nonce = line["sealed"]["counter"].to_bytes(12, "big")
    associated = f"pgcurfew sealed {name} {line['seq']}".encode()
    content = AESGCM(data_key).decrypt(nonce, bytes.fromhex(line["sealed"]["box"]), associated)
    read = json.loads(content)
    assert read["parameters"] == [CANARY, None]
    parts, constants = re.split(r"\$\d+", line["event"]["normalized"]), [*read["constants"], ""]
    text = "".join(part + constant for part, constant in zip(parts, constants, strict=True))
    assert text == f"SELECT email FROM customers WHERE email = '{CANARY}'"


@given(
    parts=st.lists(st.text(alphabet="ab $1'\u00e9\ud800", max_size=4), min_size=1, max_size=5),
    constants=st.lists(st.text(alphabet="ab $1'\u00e9", max_size=4), min_size=5, max_size=5),
    other=st.text(alphabet="ab $1", max_size=8),
)
def test_a_text_comes_back_whatever_its_readable_form_is(parts: list[str], constants: list[str], other: str) -> None:
    """With constants in the places of $1, $2, or not fitting at all."""
    key = X25519PrivateKey.generate()
    sealer = Sealer(NAME, [key.public_key()])
    opener = Opener(NAME, sealer.seal, key)
    normalized = parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], 1))
    text = parts[0] + "".join(map("".join, zip(constants, parts[1:], strict=False)))
    for said in (text, other):
        expected = said.encode("utf-8", "backslashreplace").decode()
        content = Sealed(text=said, parameters=("x", None), message="m")
        opened = opener.open(box_of(sealer.close(content, 3, normalized)), 3, normalized)
        assert opened == Sealed(text=expected, parameters=("x", None), message="m")


def test_only_the_constants_of_a_text_are_sealed() -> None:
    key = X25519PrivateKey.generate()
    sealer = Sealer(NAME, [key.public_key()])
    normalized = "SELECT email FROM customers WHERE city = $1 AND id > $2 -- what the support desk asks for every day"
    text = normalized.replace("$1", "'Bern'").replace("$2", "42")
    box = box_of(sealer.close(Sealed(text=text), 3, normalized))
    assert len(box.box) // 2 < len(text) // 2
    opener = Opener(NAME, sealer.seal, key)
    assert opener.open(box, 3, normalized).text == text
    with pytest.raises(CannotOpen, match="do not fit"):
        opener.open(box, 3, "SELECT $1")


def test_keys_change_without_a_gap(bench: Bench) -> None:
    """The signing key and the recipients are others from one start to the next: everything before stays provable
    with the old key, and readable by whom it was sealed to."""
    old_signer, first_auditor = bench.signer, bench.auditor
    bench.write_a_record()
    bench.signer, bench.auditor = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    recorder = Recorder.open(
        bench.directory,
        signer=bench.signer,
        recipients=[first_auditor.public_key(), bench.auditor.public_key()],
        clock=bench.clock,
    )
    session = recorder.open_session(opened("s3"))
    session.append([judged(1)])
    session.close(SessionClosed(cause="client"))
    recorder.close()
    both = [old_signer.public_key(), bench.signer.public_key()]
    assert verify(bench.directory, both).findings == []
    assert verify_independently(bench.directory, *both) == []
    missing = verify(bench.directory, bench.signer.public_key())
    assert not missing.whole
    assert "was not given" in missing.findings[0].what
    for auditor in (first_auditor, bench.auditor):
        assert read_session(bench.directory, "s3", auditor).statements[0].parameters == (CANARY, None)
    assert read_session(bench.directory, "s1", first_auditor).statements[0].opened
    with pytest.raises(CannotOpen):
        read_session(bench.directory, "s1", bench.auditor)


def test_a_nonce_is_never_used_twice() -> None:
    sealer = Sealer(NAME, [X25519PrivateKey.generate().public_key()])
    boxes = [box_of(sealer.close(Sealed(text="x"), 7)) for _ in range(50)]
    assert len({box.counter for box in boxes}) == len({box.box for box in boxes}) == 50


def test_a_line_that_could_not_be_written_does_not_give_its_nonce_back(bench: Bench) -> None:
    from tests.gateway.audit.test_record import FailingDisk

    failing = FailingDisk()
    session = bench.open(disk=failing.disk()).open_session(opened())
    session.append([judged(1)])
    failing.write_error = 28
    for _ in range(3):
        with pytest.raises(Exception, match="No space"):
            session.append([judged(2)])
    failing.write_error = 0
    session.append([judged(3)])
    lines = [msgspec.json.decode(line) for line in bench.session_file().read_bytes().splitlines()]
    # Written with 1; composed and lost with 2; turned down before sealing twice or more; then a fresh one.
    counters = [line["sealed"]["counter"] for line in lines if "sealed" in line]
    assert counters[0] == 1
    assert counters[1] >= 3


def test_keys_of_another_kind_are_refused_with_words() -> None:
    private, public = seal.make_auditor_keys()
    assert (
        seal.recipient_from_pem(public).public_bytes_raw()
        == seal.auditor_from_pem(private).public_key().public_bytes_raw()
    )
    with pytest.raises(ValueError):
        seal.auditor_from_pem(public)
    with pytest.raises(ValueError):
        seal.recipient_from_pem(private)


def test_a_changed_sealed_line_is_said_and_the_rest_is_read(bench: Bench) -> None:
    bench.write_a_record()
    path = bench.session_file()
    lines = path.read_bytes().splitlines(keepends=True)
    body = lines[1][lines[1].index(b'"event":') : -2]
    lines[1] = make_line(b"0" * 64, b"2026-11-23T13:00:00.000000Z", 2, body.replace(b'"counter":1', b'"counter":9'))
    path.write_bytes(b"".join(lines))
    session = read_session(bench.directory, "s1", bench.auditor)
    assert "line 2" in session.still_sealed
    assert session.problem
    assert session.statements[-1].opened
