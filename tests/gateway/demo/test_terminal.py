"""The story's terminal: keys go in, what is shown comes out."""

from __future__ import annotations

import sys

import pytest

from gateway.demo.process import clean_environment
from gateway.demo.terminal import Terminal, plain, run_in_terminal
from tests.e2e.test_curfew import wait_until
from tests.support.postgres import Postgres


def test_psql_completes_prompts_and_is_interrupted(postgres: Postgres) -> None:
    postgres.run("CREATE TABLE terminal_tried (n int)")
    environment = {**postgres.cluster.environment(), "TERM": "dumb", "PAGER": ""}
    with Terminal([str(postgres.cluster.binaries.program("psql")), "-X"], environment) as terminal:
        assert "psql (" in terminal.wait_for("postgres=# ")
        terminal.type("SELECT count(*) FROM terminal_t\t")
        assert terminal.wait_for("terminal_tried").endswith("terminal_tried")
        terminal.type(";\n")
        assert "(1 row)" in terminal.wait_for("postgres=# ")
        terminal.type("SELECT pg_sleep(60);\n")
        terminal.wait_for("pg_sleep(60);")
        # An echo says that psql has read the line, not that it has sent it.
        running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60);' AND state = 'active'"
        wait_until("the query runs", lambda: postgres.run(running) == "1")
        terminal.interrupt()
        assert "canceling statement" in terminal.wait_for("postgres=# ", 10)


def test_a_program_believes_that_it_has_a_screen() -> None:
    script = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size().columns)"
    code, seen = run_in_terminal([sys.executable, "-c", script], clean_environment({}), columns=77)
    assert (code, seen) == (0, "True 77\n")


def test_what_does_not_come_is_not_waited_for_forever() -> None:
    with Terminal([sys.executable, "-c", "print('only this')"], clean_environment({})) as terminal:
        assert terminal.wait_for("something else", 5).strip() == "only this"


def test_a_program_that_does_not_end_is_named() -> None:
    with pytest.raises(TimeoutError, match="sleep"):
        run_in_terminal(["sleep", "30"], clean_environment({}), seconds=0.3)


def test_colours_are_taken_out() -> None:
    assert plain("\x1b[1;31merror: \x1b[0mno\r\n") == "error: no\n"
