"""`pgcurfew demo`: what it prints works when pasted, and nothing is left when it is interrupted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import load_settings
from gateway.demo.process import COMMAND, clean_environment


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    folder = tmp_path / "stage"
    environment = clean_environment({"HOME": str(tmp_path), "PYTHONPATH": os.getcwd(), "TMPDIR": str(tmp_path)})
    process = subprocess.Popen(
        [*COMMAND, "demo", "--folder", str(folder), "--scale", "0.01"], cwd=tmp_path, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process, folder
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def told(process: subprocess.Popen[str], last: str) -> str:
    """What it prints, up to the line that holds `last`."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if last in line:
            return said
    raise AssertionError(f"it ended without saying {last!r}:\n{said}")


def children(process: subprocess.Popen[str]) -> list[int]:
    """What it has started and not ended: a PostgreSQL, a gateway."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in listed.splitlines())
    return [int(pid) for pid, parent in pairs if int(parent) == process.pid]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def cluster_of(folder: Path) -> Path:
    port = load_settings(folder / "pgcurfew.toml", environment={}).targets["shop"].port[0]
    return next(Path("/tmp").glob(f"pgcurfew-pg-*/.s.PGSQL.{port}")).parent


def test_the_command_it_prints_opens_psql_and_ctrl_c_leaves_nothing(
    demo: tuple[subprocess.Popen[str], Path],
) -> None:
    process, folder = demo
    said = told(process, "Ctrl-C")
    cluster, started = cluster_of(folder), children(process)
    assert len(started) >= 2
    command = next(line.strip() for line in said.splitlines() if "PGPASSWORD=" in line)
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} -XAtc 'SELECT count(*), count(street) FROM customers'"],
        cwd=folder.parent, env=clean_environment({}), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == "200|0", done.stderr
    listed = subprocess.run([folder / "rita", "grants"], capture_output=True, text=True, timeout=30)
    assert "alice" in listed.stdout, listed.stderr
    assert re.search(r"https://localhost:\d+", said)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert not folder.exists()
    assert not folder.with_name("stage.lock").exists()
    assert not cluster.exists()
    assert not [pid for pid in started if alive(pid)]


def test_a_second_demo_in_the_same_folder_is_told_so(demo: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = demo
    told(process, "Ctrl-C")
    second = subprocess.run(
        [*COMMAND, "demo", "--folder", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment({}),
    )
    assert second.returncode == 1
    assert "another demo is running" in second.stdout + second.stderr
    assert (folder / "pgcurfew.toml").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = subprocess.run(
        [*COMMAND, "demo", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment({}),
    )
    assert done.returncode == 1
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_terminated_in_the_middle_of_setting_up_it_leaves_nothing(demo: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = demo
    told(process, "loading the sample database")
    time.sleep(0.2)
    started = children(process)
    process.terminate()
    process.wait(30)
    assert not folder.exists()
    assert not [pid for pid in started if alive(pid)]


def test_killed_outright_it_takes_its_processes_along(demo: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = demo
    told(process, "Ctrl-C")
    cluster, started = cluster_of(folder), children(process)
    process.kill()
    process.wait(10)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and (cluster.exists() or any(alive(pid) for pid in started)):
        time.sleep(0.1)
    assert not cluster.exists()
    assert not [pid for pid in started if alive(pid)]
