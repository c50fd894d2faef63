"""Chapter: what happened can be listed, replayed, and proved unchanged."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.demo.tour.cast import Cast
from gateway.demo.tour.masking import Secrets


def play(cast: Cast) -> None:
    """Otto lists sessions, replays one, verifies the record; then a copy of it is tampered with."""
    tell = cast.narrator
    tell.chapter(7, "The record", "Otto is an auditor. He was not there, and yet he can say what happened.")
    session = _listed(cast)
    _replayed(cast, session)
    _verified(cast)
    _no_second_copy(cast)


def _listed(cast: Cast) -> str:
    tell, stage = cast.narrator, cast.stage
    done = stage.watched("otto", "sessions", "--limit", "6")
    tell.scene("otto", ["pgcurfew", "sessions", "--limit", "6"], done.shown)
    tell.check(done.code == 0 and "alice" in done.text, "he sees who was there, when, and under which grant", done.text)
    done = stage.pgcurfew("alice", "sessions")
    tell.check(done.code == 0 and "otto" not in done.out, "alice sees her own sessions", done.text)
    sessions = stage.answer("otto", "sessions")
    tell.need(len(sessions) > 10, f"{len(sessions)} sessions are in the record")
    return str(next(one["session"] for one in sessions if one["grant"] == cast.given["revoked"].grant))


def _replayed(cast: Cast, session: str) -> None:
    tell, stage = cast.narrator, cast.stage
    done = stage.watched("otto", "replay", session, "--plain")
    tell.scene("otto", ["pgcurfew", "replay", session, "--plain"], done.shown)
    tell.check(done.code == 0 and "pg_sleep" in done.text, "query by query: what was run", done.text)
    tell.check("revoked" in done.text.lower(), "and how it ended", done.text)


def _verified(cast: Cast) -> None:
    tell, stage = cast.narrator, cast.stage
    command = ["audit", "verify", "--config", str(stage.settings)]
    done = stage.watched("otto", *command)
    tell.scene("otto", ["pgcurfew", *command[:2]], done.shown)
    tell.check(done.code == 0, "the record is whole", done.text)
    stage.gateway.stop()
    done = stage.watched("otto", *command)
    tell.check(done.code == 0, "also after the gateway has been stopped", done.text)
    kept = stage.folder / "record.kept"
    shutil.copytree(stage.record, kept)
    try:
        victim = max(stage.record.rglob("*.jsonl"), key=lambda path: path.stat().st_size)
        for what, change in (("one bit is flipped", _flip_a_bit), ("a line is removed", _remove_a_line)):
            line = change(victim)
            done = stage.watched("otto", *command)
            tell.scene("otto", ["pgcurfew", *command[:2]], done.shown)
            named = victim.name in done.text and str(line) in done.text
            tell.check(done.code != 0 and named, f"{what}: found, and named: line {line} of {victim.name}", done.text)
            shutil.copy2(kept / victim.relative_to(stage.record), victim)
        done = stage.watched("otto", *command)
        tell.check(done.code == 0, "put back as it was, it is whole again", done.text)
    finally:
        shutil.rmtree(kept)


def _flip_a_bit(path: Path) -> int:
    """Flip one bit in the middle of a line; gives back the line's number, from 1."""
    lines = path.read_bytes().splitlines(keepends=True)
    number = len(lines) // 2
    line = bytearray(lines[number])
    line[len(line) // 2] ^= 1
    lines[number] = bytes(line)
    path.write_bytes(b"".join(lines))
    return number + 1


def _remove_a_line(path: Path) -> int:
    lines = path.read_bytes().splitlines(keepends=True)
    number = len(lines) // 2
    del lines[number]
    path.write_bytes(b"".join(lines))
    return number + 1


def _no_second_copy(cast: Cast) -> None:
    secrets = Secrets.of(cast)
    leaked: list[str] = []
    for path in cast.stage.record.rglob("*"):
        if path.is_file():
            leaked += secrets.in_(path.read_text(errors="replace"))
    tokens = [given.token for given in cast.given.values()]
    log = cast.stage.gateway.log.read_text(errors="replace")
    cast.narrator.check(
        not leaked, "the record is no second copy of the data: no address or card in it", str(leaked[:3])
    )
    cast.narrator.check(not any(token in log for token in tokens), "and no token is in the gateway's log")
