"""The second lock: whatever the rewriting thought, a protected column does not come back under its own name.

The rewriting is misled here: under its feet two columns change their names, so that what it takes for the clear one
is the masked one. (The policy goes by names: after the next snapshot it would be right about them.) Whichever way the
rows are asked for, not one of them arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from protocol.backend import DataRow, ErrorResponse
from protocol.frontend import Bind, Close, Describe, Execute, Flush, Parse, Query, Sync
from tests.e2e.test_wire import logged_in
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.wire import RawClient

SECRET = b"raw@shop.example"
TABLE = """
DROP TABLE IF EXISTS public.swapped;
CREATE TABLE public.swapped (id int PRIMARY KEY, city text, email text);
INSERT INTO public.swapped SELECT n, 'Kiel', 'raw@shop.example' FROM generate_series(1, 3) n;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.swapped TO pgcurfew_gateway
"""
SWAP = """
ALTER TABLE public.swapped RENAME city TO x;
ALTER TABLE public.swapped RENAME email TO city;
ALTER TABLE public.swapped RENAME x TO email
"""
POLICY = """
[roles.swapper]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read", "write"]

[roles.swapper.relations]
"public.swapped" = "write"

[classification."public.swapped"]
id = "clear"
city = "clear"
email = "null"
"""


@pytest.fixture(scope="module")
def misled(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway that looks at the catalog once an hour."""
    sample_database.run(TABLE)
    slow = {"targets.shop": "catalog_refresh_seconds = 3600"}
    with running_gateway(sample_database, tmp_path_factory.mktemp("lock"), policy=POLICY, settings=slow) as gateway:
        yield gateway
    sample_database.run("DROP TABLE public.swapped")


@pytest.fixture
def client(misled: RunningGateway) -> Iterator[RawClient]:
    with logged_in(misled, misled.give("swapper")) as client:
        client.send(Query("SELECT id, city FROM swapped WHERE id = 1"))
        assert any(isinstance(one, DataRow) for one in client.until_ready())
        yield client
    columns = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0"
    if misled.directly(f"{columns} AND attrelid = 'swapped'::regclass").strip() == "id email city":
        misled.directly(SWAP)
    misled.directly("DELETE FROM swapped WHERE id > 3")


READ = "SELECT city FROM swapped"
RUN = (Bind("", ""), Execute(""), Sync())
#: What is sent before the columns change their names, and what after that.
PATHS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "a query": ((), (Query(READ),)),
    "the last of several": ((), (Query(f"SELECT 1; {READ}"),)),
    "described": ((), (Parse("", READ), Bind("", ""), Describe("P", ""), Execute(""), Sync())),
    "a statement described": ((), (Parse("", READ), Describe("S", ""), *RUN)),
    "not described": ((), (Parse("", READ), *RUN)),
    "not described, piece by piece": ((), (Parse("a", READ), Flush(), Bind("b", "a"), Flush(), Execute("b"), Sync())),
    "prepared before": ((Parse("s", READ), Sync()), (Bind("", "s"), Execute(""), Sync())),
    "prepared before, in a pipeline": ((Parse("s", READ), Sync()), (Bind("", "s"), Execute(""), Execute(""), *RUN)),
    "a page": ((), (Parse("", READ), Bind("", ""), Execute("", 1), Execute("", 1), Sync())),
    "SQL's EXECUTE": ((Query(f"PREPARE p AS {READ}"),), (Query("EXECUTE p"),)),
    "SQL's EXECUTE, not described": ((Query(f"PREPARE p AS {READ}"),), (Parse("", "EXECUTE p"), *RUN)),
    "SQL's PREPARE, run by protocol": ((Query(f"PREPARE p AS {READ}"),), (Bind("", "p"), Execute(""), Sync())),
    "EXECUTE of another text": (
        (Query("PREPARE p AS SELECT 1"), Parse("e", "EXECUTE p"), Bind("", "e"), Execute(""), Sync()),
        (Query(f"DEALLOCATE p; PREPARE p AS {READ}"), Bind("", "e"), Execute(""), Sync()),
    ),
    "FETCH": ((), (Query("BEGIN"), Query(f"DECLARE c CURSOR FOR {READ}"), Query("FETCH ALL FROM c"))),
    "FETCH, not described": (
        (),
        (Query("BEGIN"), Query(f"DECLARE c CURSOR FOR {READ}"), Parse("", "FETCH ALL FROM c"), *RUN),
    ),
    "a cursor, run by protocol": ((), (Query("BEGIN"), Query(f"DECLARE c CURSOR FOR {READ}"), Execute("c"), Sync())),
    "RETURNING": ((), (Query("UPDATE swapped SET id = id WHERE id = 1 RETURNING city"),)),
    "RETURNING, not described": (
        (),
        (Parse("", "INSERT INTO swapped (id, city) VALUES (9, 'raw@shop.example') RETURNING city"), *RUN),
    ),
    "in WITH": ((), (Parse("", f"WITH w AS ({READ}) SELECT * FROM w"), *RUN)),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_misled_rewriting_shows_nothing(path: str, client: RawClient, misled: RunningGateway) -> None:
    before, after = PATHS[path]
    for message in before:
        client.send(message)
        if isinstance(message, Sync | Query):
            client.until_ready()
    misled.directly(SWAP)
    client.send(*after)
    heard = client.until_closed()
    words = [one.fields["M"] for one in heard if isinstance(one, ErrorResponse)]
    assert words[-1:] == ["the session was ended: a protected column came back unmasked"]
    assert SECRET not in b"".join(one.encode() for one in heard if isinstance(one, DataRow))


def test_what_the_gateway_asks_for_itself_is_not_told(client: RawClient) -> None:
    """The client hears what PostgreSQL says to its own messages, and nothing more."""
    run = (Bind("", "s"), Execute(""), Close("P", ""))
    client.send(Parse("s", READ), *run, *run, Sync(), *run, Sync())
    batch = [type(one).__name__ for one in client.until_ready()]
    ran = ["BindComplete", *["DataRow"] * 3, "CommandComplete", "CloseComplete"]
    assert batch == ["ParseComplete", *ran, *ran, "ReadyForQuery"]
    assert [type(one).__name__ for one in client.until_ready()] == [*ran, "ReadyForQuery"]


def test_an_error_on_the_way_leaves_the_session_in_order(client: RawClient) -> None:
    client.send(Query("BEGIN"))
    client.until_ready()
    client.send(Parse("s", READ), Bind("p", "s"), Parse("e", "SELECT 1/0"), *(Bind("", "e"), Execute(""), Sync()))
    assert [type(one).__name__ for one in client.until_ready()][-2:] == ["ErrorResponse", "ReadyForQuery"]
    client.send(Execute("p"), Sync())
    heard = client.until_ready()
    assert [one.fields["C"] for one in heard if isinstance(one, ErrorResponse)] == ["25P02"]
    client.send(Query("ROLLBACK"), Bind("", "s"), Execute(""), Sync())
    client.until_ready()
    assert [type(one).__name__ for one in client.until_ready()].count("DataRow") == 3
