"""`pgcurfew connect`: the whole journey in one command, with a real psql in a real terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

from gateway.demo.process import COMMAND, clean_environment
from gateway.demo.terminal import plain
from tests.e2e.test_curfew import sleepers, wait_until
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase

#: As the demo's support, but for tokens that are soon too old.
BRIEF = """
[roles.brief]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "1h"
statements = ["read"]
token = { max = "4s" }

[roles.brief.relations]
"public.customers" = "read"
"""
REASON = "OPS-1: a test needs it"


@pytest.fixture(scope="module")
def gateway(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(sample_database, tmp_path_factory.mktemp("connect"), policy=BRIEF) as found:
        yield found


class Screen:
    """A program in front of a terminal that controls it, so that Ctrl-C is the terminal's."""

    def __init__(self, gateway: RunningGateway, *arguments: str) -> None:
        self._leader, follower = pty.openpty()
        home = {"PGCURFEW_HOME": str(gateway.stage.home("alice")), "TERM": "xterm", "PAGER": "", "PSQL_HISTORY": ""}
        self.process = subprocess.Popen(
            [*COMMAND, "connect", *arguments], stdin=follower, stdout=follower, stderr=follower,
            env=clean_environment({**home, "XDG_RUNTIME_DIR": str(runtime(gateway))}),
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(follower)
        self.seen = ""

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        os.close(self._leader)

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def until(self, words: str, seconds: float = 40.0) -> str:
        """What was shown up to where `words` stand."""
        deadline = time.monotonic() + seconds
        while words not in self.seen:
            left = deadline - time.monotonic()
            readable, _, _ = select.select([self._leader], [], [], max(left, 0))
            assert readable, f"never showed {words!r}, but {self.seen[-500:]!r}"
            try:
                self.seen += plain(os.read(self._leader, 65_536).decode(errors="replace"))
            except OSError:
                break
        assert words in self.seen, self.seen[-500:]
        shown, _, self.seen = self.seen.partition(words)
        return shown

    def ended(self) -> int:
        return self.process.wait(40)


def runtime(gateway: RunningGateway) -> Path:
    """Where commands of these tests keep what is private to them."""
    place = gateway.stage.folder / "runtime"
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def tokens(gateway: RunningGateway, grant: str) -> list[dict[str, object]]:
    with gateway.api("alice") as api:
        return list(api.get("grants", grant, "tokens")["tokens"])


def run(gateway: RunningGateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    home = {"PGCURFEW_HOME": str(gateway.stage.home("alice")), "XDG_RUNTIME_DIR": str(runtime(gateway))}
    return subprocess.run(
        [*COMMAND, "connect", *arguments], env=clean_environment(home), capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_psql_in_a_terminal_from_request_to_goodbye(gateway: RunningGateway) -> None:
    with Screen(gateway, "shop", "-r", "support", "-m", REASON, "--for", "10m", "-X") as screen:
        asked = screen.until("pgcurfew approve ")
        # What will be visible and what masked is shown before it is sent.
        assert "support on shop: read" in asked
        assert "asked: req_" in asked
        screen.until("waiting for a reviewer")
        with gateway.api("rita") as api:
            (request,) = api.get("requests")["requests"]
            grant = api.post("requests", request["id"], "approve")["grant"]
        screen.until("shop=>")
        screen.type("SELECT 'it ' || 'works';\n")
        screen.until("it works")
        screen.until("shop=>")
        # Ctrl-C is psql's: it cancels the statement, and neither psql nor we end.
        screen.type("SELECT pg_sleep(600);\n")
        wait_until("it runs", lambda: sleepers(gateway) == 1, 20)
        screen.type("\x03")
        screen.until("canceling statement due to user request")
        screen.until("shop=>")
        # psql reads the password file again when it connects again.
        screen.type("\\c shop\n")
        screen.until("You are now connected")
        screen.type("SELECT 'still ' || 'here';\n")
        screen.until("still here")
        screen.until("shop=>")
        screen.type("\\q\n")
        assert screen.ended() == 0
    (token,) = tokens(gateway, grant)
    assert token["revoked_reason"] == "the program that it was for has ended"
    assert list(runtime(gateway).iterdir()) == []
    with gateway.api("rita") as api:
        api.post("grants", grant, "revoke", body={"reason": "a test is over"})


def test_a_single_use_token_is_replaced_once_it_was_used(gateway: RunningGateway) -> None:
    given = gateway.give()
    with Screen(gateway, "shop", "--once", "-X") as screen:
        screen.until("shop=>")

        def unused() -> list[dict[str, object]]:
            return [one for one in tokens(gateway, given.grant) if one["once"] and not one["used_at"]]

        wait_until("there is another one", lambda: len(unused()) == 1, 20)
        (second,) = unused()
        # Minted is not yet written down: the file has it a moment later.
        file = next(runtime(gateway).glob("pgcurfew-*/pgpass"))
        wait_until("it is in the file", lambda: file.stat().st_mtime_ns > 0 and len(list(file.parent.iterdir())) == 1)
        time.sleep(0.5)
        screen.type("\\c shop\n")
        screen.until("You are now connected")
        wait_until("it was used", lambda: second["id"] not in {one["id"] for one in unused()}, 20)
        screen.type("\\q\n")
        assert screen.ended() == 0
    gateway.revoke(given)


def test_the_exit_code_is_the_programs(gateway: RunningGateway) -> None:
    given = gateway.give()
    failed = run(gateway, "shop", "-X", "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1/0")
    assert (failed.returncode, "division by zero" in failed.stderr) == (1, True)
    done = run(gateway, "shop", "-X", "-A", "-t", "-c", "SELECT 4711")
    assert (done.returncode, done.stdout.strip()) == (0, "4711")
    assert run(gateway, "shop", "--exec", "sh", "--", "-c", "exit 7").returncode == 7
    missing = run(gateway, "shop", "--exec", "no-such-program-here")
    assert (missing.returncode, "no-such-program-here" in missing.stderr) == (2, True)
    assert list(runtime(gateway).iterdir()) == []
    gateway.revoke(given)


def test_tokens_are_renewed_as_long_as_the_program_runs(gateway: RunningGateway) -> None:
    """The role's tokens are too old after four seconds; the program connects after ten."""
    given = gateway.give("brief")
    script = (
        "import os, subprocess, sys, time\n"
        "first = open(os.environ['PGPASSFILE']).read()\n"
        "time.sleep(10)\n"
        "assert open(os.environ['PGPASSFILE']).read() != first\n"
        "sql = 'SELECT count(*) > 0 FROM customers'\n"
        "sys.exit(subprocess.run([sys.argv[1], '-X', '-A', '-t', '-c', sql]).returncode)"
    )
    psql = str(gateway.database.postgres.cluster.binaries.program("psql"))
    done = run(gateway, "shop", "--role", "brief", "--exec", sys.executable, "--", "-c", script, psql)
    assert (done.returncode, done.stdout.strip()) == (0, "t"), done.stderr
    assert len(tokens(gateway, given.grant)) >= 3
    gateway.revoke(given)


def test_the_end_of_the_grant_is_told_by_psql_itself(gateway: RunningGateway) -> None:
    given = gateway.give()
    with Screen(gateway, "shop", "-X") as screen:
        screen.until("shop=>")
        gateway.revoke(given, reason="that was all")
        screen.type("SELECT 1;\n")
        screen.until("that was all")
        screen.type("\\q\n")
        screen.ended()
    assert list(runtime(gateway).iterdir()) == []


def test_without_a_terminal_a_reason_has_to_be_given(gateway: RunningGateway) -> None:
    done = run(gateway, "shop", "--json")
    assert done.returncode == 2
    assert re.search(r"--reason", json.loads(done.stderr)["error"])
