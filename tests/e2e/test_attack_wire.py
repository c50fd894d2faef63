"""Attacks message by message: whatever is sent, in whatever order, no raw value comes back in any form."""

# ruff: noqa: E501 -- one attempt a line

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest

from protocol.backend import ErrorResponse, ReadyForQuery
from protocol.copying import CopyData, CopyDone
from protocol.frontend import Bind, Close, Describe, Execute, Flush, FunctionCall, Parse, Query, Sync
from tests.e2e.test_wire import logged_in
from tests.support.gateway import Given, RunningGateway
from tests.support.wire import RawClient, frame

EMAIL = "SELECT email FROM customers ORDER BY id"
RUN = (Bind("", ""), Execute(""), Sync())
SHOW = (Bind("", ""), Describe("P", ""), Execute(""), Sync())
#: An OID of a type that means something else than the text says: text, bytea, "char", regclass, xml, record, unknown.
TYPES = (25, 17, 18, 2205, 142, 2249, 705, 3220, 10, 16384, 4294967295)
HALF = Query("SELECT id FROM customers").encode()

ATTEMPTS: dict[str, tuple[Any, ...]] = {
    "binary results": (Parse("", EMAIL), Bind("", "", (), (), (1,)), Execute(""), Sync()),
    "formats by column": (Parse("", "SELECT id, email, card_number FROM customers"), Bind("", "", (), (), (0, 1, 0)),
                          Execute(""), Sync()),
    "a named statement taken twice": (Parse("a", "SELECT 1"), Parse("a", EMAIL), Sync(), Bind("", "a"), Execute(""), Sync()),
    "a name closed and taken": (Parse("a", "SELECT 1"), Close("S", "a"), Parse("a", EMAIL), Bind("", "a"), Execute(""), Sync()),
    "a portal taken twice": (Parse("", EMAIL), Bind("p", ""), Bind("p", ""), Execute("p"), Sync(), Execute("p"), Sync()),
    "execute before bind": (Parse("x", EMAIL), Execute(""), Sync(), Bind("", "x"), Execute(""), Execute("", 1), Sync()),
    "describe of what is refused": (Parse("", "TABLE pg_authid"), Describe("S", ""), Bind("", ""), Execute(""), Sync()),
    "after a refusal without a Sync": (Parse("", "TABLE pg_authid"), *RUN[:2], Parse("", EMAIL), *SHOW),
    "a refused one between": (Parse("", EMAIL), *RUN[:2], Parse("", "SELECT pg_read_file('x')"), *RUN[:2], Parse("", EMAIL), *RUN),
    "sql's names from the protocol": (Query(f"PREPARE s AS {EMAIL}"), Describe("S", "s"), Bind("", "s"), Execute(""), Sync()),
    "the protocol's names from sql": (Parse("s", EMAIL), Sync(), Query("EXECUTE s"), Query("EXPLAIN (VERBOSE) EXECUTE s")),
    "a long name is cut": (Parse("n" * 70, "SELECT 1"), Sync(), Parse("n" * 63, EMAIL), Bind("", "n" * 66), Execute(""), Sync()),
    "cursors by protocol": (Query("BEGIN"), Query(f"DECLARE c CURSOR WITH HOLD FOR {EMAIL}"), Describe("P", "c"),
                            Execute("c", 2), Sync(), Query("FETCH 2 FROM c"), Query("COMMIT"), Query("FETCH ALL FROM c")),
    "a cursor of a portal's name": (Query("BEGIN"), Parse("", EMAIL), Bind("c", ""), Sync(), Query("FETCH ALL FROM c"),
                                    Query("MOVE BACKWARD ALL IN c"), Execute("c"), Sync()),
    "copy out": (Query("COPY customers TO STDOUT"), Query("COPY customers TO STDOUT (FORMAT binary)")),
    "copy out, extended": (Parse("", "COPY (SELECT * FROM customers) TO STDOUT"), *RUN),
    "copy data that nobody asked for": (CopyData(b"1\n"), CopyDone(), Query(EMAIL)),
    "a query in the middle of a copy": (Query("COPY customers (id) FROM STDIN"), Query(EMAIL), CopyDone(), Query(EMAIL)),
    "fast path": (FunctionCall(1260, (0,), (b"1",), 0), Query(EMAIL)),
    "fast path, large objects": (FunctionCall(952, (1,), (struct.pack("!i", 1),), 1), Sync()),
    "strings of several": (Query(f"{EMAIL}; SELECT 1/0; {EMAIL}"), Query(f"SET client_encoding = latin1; {EMAIL}")),
    "an empty one first": (Query(f";;;{EMAIL};;"), Query(""), Parse("", ""), *RUN),
    "comments": (Query("/* ; */ SELECT /* from */ email -- x\nFROM/**/customers"), Query("SELECT email/*/**/*/FROM customers")),
    "dollar quotes": (Query("SELECT $a$'; $a$ || email FROM customers"), Query("SELECT U&'\\0061' || email FROM customers")),
    "escapes": (Query("SELECT E'\\'' || email, '\\' FROM customers --'"), Query(EMAIL)),
    "a parameter for a name": (Parse("", "SELECT $1::regclass, to_regclass($1)"), Bind("", "", (), (b"staff",)), Execute(""), Sync()),
    "a parameter in a lookup": (Parse("", "SELECT email FROM customers WHERE email = $1 OR email LIKE $1"),
                                Bind("", "", (), (b"%",)), Execute(""), Sync()),
    "a parameter's binary form": (Parse("", "SELECT email || $1 FROM customers", (17,)), Bind("", "", (1,), (b"\x00",)),
                                  Execute(""), Sync()),
    "pages": (Parse("", EMAIL), Bind("", ""), *(Execute("", n) for n in (1, 2, 3)), Sync()),
    "plan of a prepared one": (Parse("s", "SELECT email FROM customers WHERE email > $1"), Sync(),
                               Query("EXPLAIN (ANALYZE, VERBOSE) EXECUTE s('a')")),
    "flushes everywhere": (Parse("", EMAIL), Flush(), Bind("", ""), Flush(), Describe("P", ""), Flush(), Execute(""), Flush(), Sync()),
    "syncs everywhere": (Parse("", EMAIL), Sync(), Bind("", ""), Sync(), Execute(""), Sync()),
    "set, then ask": (Query("SET bytea_output = escape"), Query("SET xmlbinary = hex"), Query("SET extra_float_digits = 3"),
                      Query("SELECT email::bytea FROM customers"), Query("SELECT xmlelement(name e, email) FROM customers")),
    "a transaction that fails": (Query("BEGIN"), Query("SELECT email::int FROM customers"), Query(EMAIL), Query("ROLLBACK"), Query(EMAIL)),
    "savepoints": (Query("BEGIN; SAVEPOINT a"), Parse("s", EMAIL), Sync(), Query("ROLLBACK TO a"), Bind("", "s"), Execute(""), Sync()),
    "deallocate in between": (Parse("s", "SELECT 1"), Sync(), Query("DEALLOCATE s"), Query(f"PREPARE s AS {EMAIL}"), Bind("", "s"), Execute(""), Sync()),
    "discard in between": (Parse("s", EMAIL), Bind("p", "s"), Query("DISCARD ALL"), Execute("p"), Sync(), Bind("", "s"), Execute(""), Sync()),
    "a message in two pieces": (HALF[:9], HALF[9:], Query(EMAIL)),
    "two messages in one": (HALF + Query(EMAIL).encode(), HALF),
    "an unknown message": (Query(EMAIL), frame("y", b"")),
    "a second startup": (struct.pack("!ii", 8, 196608), Query(EMAIL)),
    "a password later": (frame("p", b"x\0"), Query(EMAIL)),
    "a string with a zero": (frame("Q", b"SELECT email\0 FROM customers\0"),),
    "a Parse with types that lie": (frame("P", b"\0SELECT email FROM customers\0\0\x05\0\0\0\x19"),),
    **{
        f"a parameter of type {oid}": (Parse("", "SELECT $1 || email FROM customers", (oid,)), Bind("", "", (), (b"x",)), Execute(""), Sync())
        for oid in TYPES
    },
    **{
        f"a row as type {oid}": (Parse("", "SELECT c, $1 FROM customers c", (oid,)), Bind("", "", (), (None,), (1,)), Execute(""), Sync())
        for oid in TYPES
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give("support")


@pytest.fixture(scope="module")
def secrets(gateway: RunningGateway) -> list[bytes]:
    raw = "SELECT string_agg(concat_ws(E'\\n', email, card_number, street, phone), E'\\n') FROM public.customers WHERE id < 60"
    lines = [line.encode() for line in gateway.directly(raw).split("\n") if len(line) > 7]
    assert len(lines) > 100
    return [form for line in lines for form in (line, line.hex().encode())]


@pytest.fixture
def client(gateway: RunningGateway, given: Given) -> Iterator[RawClient]:
    with logged_in(gateway, given) as client:
        yield client


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_nothing_raw_comes_over_the_wire(attempt: str, client: RawClient, secrets: list[bytes]) -> None:
    client.send(*ATTEMPTS[attempt], Sync(), Query("ROLLBACK"), Query("SELECT 'the end'"))
    heard: list[Any] = []
    try:
        while b"the end" not in b"".join(one.encode() for one in heard[-3:]):
            heard.append(client.receive())
            last = heard[-1]
            if isinstance(last, ErrorResponse) and last.fields["S"] == "FATAL":
                break
    except EOFError:
        pass
    octets = b"".join(one.encode() for one in heard)
    assert any(isinstance(one, ErrorResponse | ReadyForQuery) for one in heard)
    assert not [secret for secret in secrets if secret in octets]
