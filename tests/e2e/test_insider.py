"""What a clever insider tried with frames and settings, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from protocol.backend import DataRow, ErrorResponse
from protocol.frontend import Bind, Execute, Parse, Query, Sync
from tests.support.gateway import Given, RunningGateway
from tests.support.wire import RawClient, encrypted

TYPES = """
CREATE TYPE public.tone AS ENUM ('low', 'high');
CREATE FUNCTION public.tone_email(public.tone) RETURNS text LANGUAGE sql AS 'SELECT min(email) FROM public.customers';
CREATE CAST (public.tone AS text) WITH FUNCTION public.tone_email
"""


@pytest.fixture(scope="module")
def types(gateway: RunningGateway) -> Iterator[None]:
    gateway.directly(TYPES)
    yield
    gateway.directly("DROP TYPE public.tone CASCADE")


def session(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(given.token, {"user": "alice", "database": "shop"})
    assert not client.refusal
    return client


def ask(client: RawClient, text: str, types: tuple[int, ...], *values: bytes) -> list[Any]:
    client.send(Parse("", text, types), Bind("", "", (), values, ()), Execute("", 0), Sync())
    return client.until_ready()


def test_a_parameters_type_cannot_bring_a_cast_in(types: None, gateway: RunningGateway) -> None:
    oids = gateway.directly("SELECT 'public.tone'::regtype::oid, 'public.tone[]'::regtype::oid").strip().split("|")
    with session(gateway, gateway.give()) as client:
        for oid, value in zip(map(int, oids), (b"low", b"{low}"), strict=True):
            refused = ask(client, "SELECT $1::text", (oid,), value)
            assert isinstance(refused[0], ErrorResponse)
            assert not any(isinstance(message, DataRow) for message in refused)


def test_types_of_users_without_such_casts_may_be_parameters(gateway: RunningGateway) -> None:
    oid = int(gateway.directly("SELECT 'public.customer_segment'::regtype::oid"))
    with session(gateway, gateway.give()) as client:
        rows = [m for m in ask(client, "SELECT $1::text", (oid,), b"vip") if isinstance(m, DataRow)]
        assert rows[0].values == (b"vip",)


def test_nobody_can_make_up_a_type(gateway: RunningGateway) -> None:
    with session(gateway, gateway.give()) as client:
        refused = ask(client, "SELECT $1::text", (4_000_000_000,), b"x")
        assert refused[0].fields["C"] == "42704"
        client.send(Query("SELECT 1"))
        assert any(isinstance(message, DataRow) for message in client.until_ready())
