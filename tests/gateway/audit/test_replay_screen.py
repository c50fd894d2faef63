"""A replay that plays: without a terminal by textual's own pilot, and once on a real one."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from textual.widgets import DataTable, Input, Static

from gateway.audit.facts import ExpiryNoticed, Sealed, SessionClosed
from gateway.audit.replay import Session, read_session
from gateway.cli.cast import cast
from gateway.cli.replay_screen import ReplayScreen, formatted
from gateway.demo.process import clean_environment
from gateway.demo.terminal import run_in_terminal
from tests.gateway.audit.conftest import Bench, ended, judged, opened
from tests.gateway.audit.test_record_commands import pgcurfew


@pytest.fixture
def session(bench: Bench) -> Session:
    """Five statements, the third of them refused and the fifth failed, and a notice between."""
    recorder = bench.open(sealing="off")
    log = recorder.open_session(opened("s1"))
    log.append([judged(1, sealed=Sealed(text="select email from customers where id = 1")), ended(1)])
    log.append([judged(2, sealed=Sealed(text="select 2")), ended(2, rows=1234)])
    log.append([judged(3, verdict="refused", kind="delete", rule="statement-kind", reason="DELETE is not permitted")])
    log.append([ExpiryNoticed(seconds_left=60)])
    log.append([judged(4, sealed=Sealed(text="select \x1b[31mred", parameters=("\x1b]0;x\x07",))), ended(4)])
    log.append([judged(5, sealed=Sealed(text="select 1/0")), ended(5, outcome="failed", sqlstate="22012")])
    log.close(SessionClosed(cause="client", statements=5, refused=1))
    recorder.close()
    return read_session(bench.directory, "s1")


def cursor(app: ReplayScreen) -> int:
    return int(app.query_one("#list", DataTable).cursor_row)


def told(app: ReplayScreen, name: str) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(app.query_one(name, Static).content)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


async def test_it_steps_and_jumps_to_refusals_and_errors(session: Session) -> None:
    app = ReplayScreen(session)
    async with app.run_test(size=(110, 34)) as pilot:
        assert "FROM customers" in told(app, "#entry"), "laid out by PostgreSQL's grammar"
        assert "public.customers.email (pseudonym)" in told(app, "#entry")
        await pilot.press("n")
        assert cursor(app) == 1
        assert "1,234 rows" in told(app, "#entry")
        await pilot.press("e")
        assert cursor(app) == 2
        assert "DELETE is not permitted" in told(app, "#entry")
        await pilot.press("e")
        assert cursor(app) == 5
        assert "22012" in told(app, "#entry")
        await pilot.press("E", "p")
        assert cursor(app) == 1
        await pilot.press("q")


async def test_it_filters_as_one_types(session: Session) -> None:
    app = ReplayScreen(session)
    async with app.run_test(size=(110, 34)) as pilot:
        await pilot.press("slash", *"refused")
        assert [session.timeline[place].number for place in app.shown] == [3]  # type: ignore[union-attr]
        await pilot.press("enter")
        assert not app.query_one("#filter", Input).has_class("open")
        await pilot.press("slash", *" nosuch")
        assert app.shown == []
        assert "nothing fits" in told(app, "#entry")
        await pilot.press("escape")
        assert len(app.shown) == 6


async def test_it_plays_to_the_end_and_again(session: Session) -> None:
    app = ReplayScreen(session)
    async with app.run_test(size=(110, 34)) as pilot:
        await pilot.press("0", "space")
        assert app.speed == 10
        while app.playing:
            await pilot.pause(0.05)
        assert cursor(app) == 5
        await pilot.press("1", "space")
        assert app.speed == 1
        while app.playing:
            await pilot.pause(0.05)
        assert cursor(app) == 5


async def test_no_escape_of_a_client_reaches_the_terminal(session: Session) -> None:
    app = ReplayScreen(session)
    async with app.run_test(size=(110, 34)) as pilot:
        await pilot.press("n", "n", "n", "n")
        shown = told(app, "#entry")
        assert "\\x1b[31mred" in shown
        assert "\x1b" not in shown
        picture = app.export_screenshot()
        assert "[31mred" in picture.replace("&#160;", " ")


def test_on_a_real_terminal_it_opens_and_ends(session: Session, bench: Bench) -> None:
    command = [sys.executable, "-m", "gateway", "replay", "s1", "--record", str(bench.directory)]
    environment = clean_environment({"TERM": "xterm-256color", "COLUMNS": "110", "LINES": "34"})
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    seen += os.read(ours, 65536)
                except OSError:
                    break  # it has closed its terminal
            if b"customers" in seen:
                os.write(ours, b"q")
        assert process.wait(10) == 0
    os.close(ours)
    assert b"\x1b[?1049h" in seen, "a screen of its own"
    assert b"customers" in seen
    code, plain = run_in_terminal([*command, "--plain"], environment, columns=110)
    assert code == 0
    assert "\x1b[?1049h" not in plain
    assert "statement-kind" in plain


def test_a_cast_is_an_asciicast_of_version_3(session: Session, bench: Bench, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in cast(session)]
    header, events = lines[0], lines[1:]
    assert header["version"] == 3
    assert set(header["term"]) >= {"cols", "rows"}
    assert all(isinstance(header["term"][name], int) for name in ("cols", "rows"))
    assert isinstance(header["timestamp"], int)
    for interval, code, data in events:
        assert isinstance(interval, float)
        assert interval >= 0
        assert code in ("o", "x")
        assert isinstance(data, str)
    assert events[-1][1:] == ["x", "0"]
    film = "".join(data for _, code, data in events if code == "o")
    assert "\n" not in film.replace("\r\n", "")
    assert "customers" in film
    assert "\x1b]0;" not in film
    done = pgcurfew("replay", "s1", "--record", bench.directory, "--cast", tmp_path / "s1.cast")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "s1.cast").read_text().splitlines() == list(cast(session))
    done = pgcurfew("replay", "s1", "--record", bench.directory, "--cast", tmp_path / "s1.cast")
    assert done.exit_code == 2


def test_without_textual_it_says_what_to_install(session: Session, bench: Bench) -> None:
    program = (
        "import sys; sys.modules['textual'] = None; sys.modules['textual.app'] = None\n"
        "from gateway.cli.main import app; app()"
    )
    command = [sys.executable, "-c", program, "replay", "s1", "--record", str(bench.directory)]
    environment = clean_environment({"TERM": "xterm-256color", "COLUMNS": "200", "LINES": "34"})
    code, seen = run_in_terminal(command, environment, columns=200)
    assert code == 0, seen
    assert "pgcurfew[replay]" in seen
    assert "statement-kind" in seen


@pytest.mark.parametrize(
    "sql", ["", "SELECT FROM WHERE", "select a,\n b from t where c = $1", "FETCH 5 FROM c", "SHOW work_mem"]
)
def test_what_cannot_be_laid_out_stays_as_it_is(sql: str) -> None:
    assert formatted(sql).upper().split()[:1] == sql.upper().split()[:1]
