"""Open sessions: seen, followed as they go, and ended in the middle of a query."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from gateway.cli.output import Stopped
from gateway.demo.process import clean_environment
from gateway.demo.stage import COMMAND
from tests.e2e.test_curfew import sleepers, wait_until
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase


@pytest.fixture(scope="module")
def house(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Two workers: what is asked reaches the one whose session it is."""
    settings = {"gateway": "workers = 2"}
    with running_gateway(sample_database, tmp_path_factory.mktemp("live"), settings=settings) as found:
        yield found


@contextmanager
def connected(house: RunningGateway, given: Given) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(house.conninfo(given), password=given.token, autocommit=True) as connection:
        yield connection


def live(house: RunningGateway, person: str = "otto") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(house.pgcurfew(person, "sessions", "--live", "--json").out)
    return found


def session_of(house: RunningGateway, given: Given) -> str:
    [session] = [str(one["session"]) for one in live(house) if one["grant"] == given.grant]
    return session


@contextmanager
def sleeping(house: RunningGateway, given: Given) -> Iterator[list[str]]:
    """A session with a query that goes on; what became of the query is in the list when the block is over."""
    said: list[str] = []
    with connected(house, given) as connection:

        def sleep() -> None:
            try:
                connection.execute("SELECT pg_sleep(600)")
            except psycopg.Error as error:
                said.append(f"{error.sqlstate} {error}")

        thread = threading.Thread(target=sleep)
        thread.start()
        try:
            wait_until("it runs", lambda: sleepers(house) > 0)
            yield said
        finally:
            if thread.is_alive() and not said:
                connection.cancel()
            thread.join(10)


def test_open_sessions_are_listed_with_what_they_do(house: RunningGateway) -> None:
    given = house.give()
    with connected(house, given) as connection:
        connection.execute("SELECT id FROM customers WHERE id < 4")
        with pytest.raises(psycopg.Error):
            connection.execute("DELETE FROM customers")
        [one] = [one for one in live(house) if one["grant"] == given.grant]
        assert (one["person"], one["target"], one["role"]) == ("alice", "shop", "support")
        assert (one["statements"], one["refused"], one["rows"], one["running"]) == (2, 1, 3, "")
    given = house.give()
    with sleeping(house, given):
        [one] = [one for one in live(house) if one["grant"] == given.grant]
        assert one["running"] == "select"
        shown = house.pgcurfew("otto", "sessions", "--live").out
        assert "select for" in shown
        assert [one["grant"] for one in live(house, "alice")] == [given.grant]
    wait_until("it is gone", lambda: not [one for one in live(house) if one["grant"] == given.grant])


def killed_in_the_middle_of_a_query(house: RunningGateway) -> None:
    given = house.give()
    with sleeping(house, given) as said:
        session = session_of(house, given)
        with house.api("otto") as auditor, pytest.raises(Stopped, match="ended by its own person, a reviewer"):
            auditor.post("sessions", "live", session, "kill", body={"reason": "just looking"})
        with house.api("rita") as reviewer:
            began = time.monotonic()
            reviewer.post("sessions", "live", session, "kill", body={"reason": "it holds a lock"})
            wait_until("the client was told", lambda: said, 2)
            assert time.monotonic() - began < 1.0
        wait_until("PostgreSQL has stopped", lambda: sleepers(house) == 0, 2)
    assert said[0].startswith("57P01")
    assert "ended by rita: it holds a lock" in said[0]
    shown = house.pgcurfew("otto", "replay", session).out
    assert "killed (rita: it holds a lock)" in shown
    noted = "".join(path.read_text() for path in (house.stage.record / "control").rglob("*.jsonl"))
    assert '"session-killed"' in noted
    with connected(house, given) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,), "the grant goes on"


def test_a_session_is_ended_within_a_second_in_the_middle_of_a_query(house: RunningGateway) -> None:
    killed_in_the_middle_of_a_query(house)


def test_so_it_is_in_a_gateway_of_one_process(gateway: RunningGateway) -> None:
    killed_in_the_middle_of_a_query(gateway)


def test_killing_is_said_in_words(house: RunningGateway) -> None:
    done = house.pgcurfew("rita", "kill", "ses_nosuch", "--reason", "a test")
    assert done.code == 1
    assert "no such open session" in done.text
    given = house.give()
    with connected(house, given):
        session = session_of(house, given)
        done = house.pgcurfew("rita", "kill", session, "--reason", "a test", "--json")
        assert json.loads(done.out)["session"] == session


@contextmanager
def tailing(house: RunningGateway, person: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    environment = clean_environment({"PGCURFEW_HOME": str(house.stage.home(person))})
    with subprocess.Popen([*COMMAND, "tail", *words], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_tail_follows_a_session_to_its_end(house: RunningGateway) -> None:
    given = house.give()
    with connected(house, given) as connection:
        connection.execute("SELECT 'before'")
        session = session_of(house, given)
        with tailing(house, "otto", session, "--from-start") as process:
            assert process.stdout is not None
            seen = ""
            while "masked" not in seen and "passed" not in seen:
                seen += process.stdout.readline()
            connection.execute("SELECT email FROM customers WHERE id < 6")
            with pytest.raises(psycopg.Error):
                connection.execute("DROP TABLE customers")
            connection.close()
            seen += process.stdout.read()
            assert process.wait(10) == 0
    for shown in ("customers", "5 rows", "refused", "statement-kind", "the client left"):
        assert shown in seen, shown
    assert "before" not in seen, "constants are sealed"


def test_tail_follows_all_sessions_that_one_may_see(house: RunningGateway) -> None:
    given = house.give()
    told: list[dict[str, Any]] = []
    with tailing(house, "alice", "--json") as process, connected(house, given) as connection:
        assert process.stdout is not None
        reading = threading.Thread(target=lambda: told.extend(map(json.loads, process.stdout or ())))
        reading.start()

        def an_outcome_was_told() -> bool:
            connection.execute("SELECT 1")
            return any(one["event"]["type"] == "StatementEnded" for one in told)

        wait_until("it is followed", an_outcome_was_told, 60)
        connection.close()
        wait_until("its end was told", lambda: told[-1]["event"]["type"] == "SessionClosed", 30)
        process.terminate()
        reading.join(10)
    assert len({one["session"] for one in told}) == 1


def test_nobody_follows_what_is_not_theirs(house: RunningGateway) -> None:
    given = house.give()
    with connected(house, given):
        session = session_of(house, given)
        done = house.pgcurfew("rita", "tail", session)
        assert done.code == 1
        assert "no such open session" in done.text


def test_an_auditor_on_the_host_follows_in_clear(house: RunningGateway) -> None:
    given = house.give()
    with connected(house, given) as connection:
        connection.execute("SELECT 'in-clear'")
        session = session_of(house, given)
    place = ("--config", str(house.stage.settings), "--key", str(house.stage.auditor_key))
    done = house.pgcurfew(None, "tail", session, "--from-start", *place)
    assert done.code == 0, done.text
    assert "in-clear" in done.out
