"""The command line as people use it: real processes against the API over HTTPS."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import stat
import sys
import time
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.access import people
from gateway.admin.api import GatewayAddress
from gateway.cli.output import Exit
from tests.support.access import REASON, House, Served, serving

PGCURFEW = Path(sys.executable).with_name("pgcurfew")
ASK = ("request", "--target", "shop", "--role", "support", "--for", "30m")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    def json(self) -> object:
        return json.loads(self.out)


class Shell:
    """One person's terminal: a home of their own, and nothing else in the environment."""

    def __init__(self, served: Served, name: str, folder: Path) -> None:
        self.served = served
        self.name = name
        self.home = folder / name
        self.environment = {"PATH": "/usr/bin:/bin", "PGCURFEW_HOME": str(self.home), "LANG": "C.UTF-8", "TZ": "UTC"}
        if "PYTHONPATH" in os.environ:  # the code under test may be another tree than the installed one
            self.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            PGCURFEW,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment | environment,
        )

    async def run(self, *arguments: str, said: str = "", **environment: str) -> Outcome:
        process = await self.start(*arguments, **environment)
        out, err = await asyncio.wait_for(process.communicate(said.encode()), 30)
        assert process.returncode is not None
        outcome = Outcome(process.returncode, out.decode(), err.decode())
        assert "Traceback" not in outcome.err
        return outcome

    async def done(self, *arguments: str) -> str:
        outcome = await self.run(*arguments)
        assert outcome.code == 0, outcome.err
        return outcome.out

    async def login(self, **environment: str) -> Outcome:
        options = ("--api", self.served.url, "--ca", str(self.served.ca), "--name", self.name)
        return await self.run("login", *options, said=self.served.house.credentials[self.name] + "\n", **environment)


@dataclass(frozen=True)
class Office:
    served: Served
    alice: Shell
    bob: Shell


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """alice and bob, signed in at one gateway."""
    folder = tmp_path_factory.mktemp("cli")
    with socket.create_server(("127.0.0.1", 0)) as door:
        # Takes connections and says nothing: psql waits for the answer to its SSLRequest.
        address = GatewayAddress("localhost", door.getsockname()[1])
        async with House.open(folder / "store.db") as house:
            house.clock.now = datetime.now(UTC)
            await house.populate()
            async with serving(house, folder, address=address) as served:
                found = Office(served, Shell(served, "alice", folder), Shell(served, "bob", folder))
                assert (await found.alice.login()).code == 0
                assert (await found.bob.login()).code == 0
                yield found


async def nothing_held(office: Office) -> None:
    """Revoke and cancel what earlier tests left."""
    access, bob = office.served.house.access, await office.served.house.person("bob")
    for grant in await access.grants(bob):
        await access.revoke(bob, grant.id, reason="a test is over")
    for request in await access.requests(bob):
        await access.deny(bob, request.id, reason="a test is over")


async def test_signing_in_keeps_the_credential_to_oneself(office: Office) -> None:
    path = office.alice.home / "login.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tomllib.loads(path.read_text())["name"] == "alice"
    who = await office.alice.run("whoami", "--json")
    assert who.json() == {"name": "alice", "groups": ["engineers"], "api": office.served.url}
    path.chmod(0o644)
    outcome = await office.alice.run("whoami")
    path.chmod(0o600)
    assert (outcome.code, "can be read by others" in outcome.err) == (Exit.NOT_SIGNED_IN, True)


async def test_signing_in_wrongly_keeps_nothing(office: Office, tmp_path: Path) -> None:
    erin = Shell(office.served, "erin", tmp_path)
    options = ("--api", office.served.url, "--name", "erin")
    ca = ("--ca", str(office.served.ca))
    alices = office.served.house.credentials["alice"]
    outcome = await erin.run("login", *options, *ca, PGCURFEW_CREDENTIAL=people.credential_of(b"z" * 32))
    assert outcome.code == Exit.NOT_SIGNED_IN
    outcome = await erin.run("login", *options, *ca, PGCURFEW_CREDENTIAL=alices)
    assert (outcome.code, "alice" in outcome.err, alices in outcome.err) == (Exit.NOT_SIGNED_IN, True, False)
    outcome = await erin.run("login", *options, PGCURFEW_CREDENTIAL=alices)
    assert (outcome.code, "--ca" in outcome.err) == (Exit.UNREACHABLE, True)
    outcome = await erin.run("login", "--api", "http://localhost:1", "--name", "erin", PGCURFEW_CREDENTIAL=alices)
    assert outcome.code == Exit.USAGE
    outcome = await erin.run("login", "--api", "https://localhost:1", "--name", "erin", *ca, PGCURFEW_CREDENTIAL="x")
    assert (outcome.code, "no gateway answers" in outcome.err) == (Exit.UNREACHABLE, True)
    assert (await erin.run("grants")).code == Exit.NOT_SIGNED_IN
    assert not erin.home.exists()


@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", "  ")])
async def test_a_request_without_a_reason_is_refused(office: Office, reason: tuple[str, ...]) -> None:
    outcome = await office.alice.run(*ASK, *reason)
    assert outcome.code == Exit.USAGE
    assert "a reason is mandatory" in outcome.err
    assert "--reason" in outcome.err


async def test_the_whole_way(office: Office) -> None:
    await nothing_held(office)
    alice, bob = office.alice, office.bob
    asked = json.loads(await alice.done(*ASK, "--reason", REASON, "--json"))
    assert REASON in await bob.done("requests")
    own = await alice.run("approve", asked["id"])
    assert (own.code, "own request" in own.err) == (Exit.REFUSED, True)
    assert "grant_" in await bob.done("approve", asked["id"])
    grants = json.loads(await alice.done("grants", "--json"))
    assert [one["state"] for one in grants] == ["active"]
    token = await alice.done("token")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", token)
    await office.served.house.access.admit(token.strip(), user="alice", database="shop", client="x")
    silent = await bob.run("revoke", grants[0]["id"])
    assert (silent.code, "a reason is mandatory" in silent.err) == (Exit.USAGE, True)
    assert "revoked" in await bob.done("revoke", grants[0]["id"], "--reason", "that was all")
    assert "that was all" in await alice.done("grants", "--all")
    none = await alice.run("token", "--json")
    assert (none.code, json.loads(none.err)["cause"]) == (Exit.REFUSED, "no-grant")


async def test_deny_and_cancel(office: Office) -> None:
    await nothing_held(office)
    first, second = [json.loads(await office.alice.done(*ASK, "-m", REASON, "--json"))["id"] for _ in range(2)]
    assert "denied" in await office.bob.done("deny", first, "--reason", "not today")
    assert "cancelled" in await office.alice.done("cancel", second)
    again = await office.bob.run("approve", first)
    assert (again.code, "denied" in again.err) == (Exit.REFUSED, True)
    assert "no pending requests" in await office.alice.done("requests")


async def test_wrong_use_says_what_is_right(office: Office) -> None:
    for arguments, words in (
        (("request", "--target", "shop", "--role", "support", "--for", "soon", "-m", REASON), "30m"),
        (("request", "--target", "shop", "--role", "support", "--for", "0m", "-m", REASON), "no time"),
        (("request",), "--target"),
        (("grant",), "No such command"),
        (("approve",), "REQUEST"),
    ):
        outcome = await office.alice.run(*arguments)
        assert outcome.code == Exit.USAGE
        assert words in outcome.err
    outcome = await office.alice.run("request", "-t", "shop", "-r", "support", "--for", "2h", "-m", REASON)
    assert (outcome.code, "1h" in outcome.err) == (Exit.REFUSED, True)


async def test_connect_prints_how_without_the_token_where_others_could_see_it(office: Office) -> None:
    await nothing_held(office)
    await office.served.house.granted()
    dsn = (await office.alice.done("connect", "shop", "--print", "dsn")).strip()
    assert dsn.startswith("postgresql://alice@localhost:")
    assert "/shop?sslmode=verify-full&sslrootcert=/" in dsn
    exports = await office.alice.done("connect", "shop", "--print", "env")
    values = dict(re.findall(r"export (\w+)=(.*)", exports))
    assert (values["PGUSER"], values["PGDATABASE"], values["PGSSLMODE"]) == ("alice", "shop", "verify-full")
    await office.served.house.access.admit(values["PGPASSWORD"], user="alice", database="shop", client="x")


async def test_connect_without_a_grant_asks_for_one(office: Office) -> None:
    await nothing_held(office)
    outcome = await office.alice.run("connect", "shop")
    assert (outcome.code, "--role and --reason" in outcome.err) == (Exit.USAGE, True)
    asking = ("connect", "shop", "--role", "support", "--reason", REASON, "--print", "dsn")
    process = await office.alice.start(*asking)
    house = office.served.house
    bob = await house.person("bob")
    await house.access.approve(bob, await _first_waiting(house))
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out.startswith(b"postgresql://")) == (0, True), err
    await nothing_held(office)
    process = await office.alice.start(*asking)
    await house.access.deny(bob, await _first_waiting(house), reason="use the replica")
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, b"use the replica" in err) == (Exit.WAITED_IN_VAIN, True)
    outcome = await office.alice.run(*asking, "--wait", "1")
    assert (outcome.code, "stays open" in outcome.err) == (Exit.WAITED_IN_VAIN, True)


async def test_connect_prints_a_service_and_a_password_line(office: Office) -> None:
    await nothing_held(office)
    await office.served.house.granted()
    service = (await office.alice.done("connect", "shop", "--print", "service")).splitlines()
    assert service[0] == "[shop]"
    assert {"host=localhost", "dbname=shop", "user=alice", "sslmode=verify-full"} <= set(service)
    line = (await office.alice.done("connect", "shop", "--print", "pgpass")).strip()
    place, _, token = line.rpartition(":")
    assert re.fullmatch(r"localhost:\d+:shop:alice", place)
    await office.served.house.access.admit(token, user="alice", database="shop", client="x")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
async def test_connect_runs_psql_with_the_token_in_a_file_of_its_own_alone(office: Office) -> None:
    await nothing_held(office)
    await office.served.house.granted()
    process = await office.alice.start("connect", "shop", "-X", "-c", "select 1", PGOPTIONS="-c x=y", PGSERVICE="z")
    psql = await asyncio.to_thread(_child_of, process.pid)
    environment = dict(entry.split(b"=", 1) for entry in _read(psql / "environ").split(b"\0") if b"=" in entry)
    file = Path(os.fsdecode(environment[b"PGPASSFILE"]))
    modes = _mode(file), _mode(file.parent)
    token = _read(file).decode().strip().rpartition(":")[2]
    arguments = _read(psql / "cmdline").split(b"\0")
    house = office.served.house
    house.access.leave(await house.access.admit(token, user="alice", database="shop", client="x"))
    # Whoever ends us ends psql, and nothing is left.
    process.terminate()
    await asyncio.wait_for(process.communicate(), 30)
    assert arguments[1:] == [b"-X", b"-c", b"select 1", b""]
    assert modes == (0o600, 0o700)
    assert environment[b"PGSSLMODE"] == b"verify-full"
    assert environment[b"PGSSLROOTCERT"] == os.fsencode(office.served.ca)
    assert not {b"PGOPTIONS", b"PGSERVICE", b"PGPASSWORD"} & set(environment)
    assert process.returncode == 128 + 15
    assert not _there(file.parent)
    assert house.recorded()[-1] == "token-revoked"


def _there(path: Path) -> bool:
    return path.exists()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _child_of(pid: int) -> Path:
    """The place in /proc of the program that the command has started."""
    for _ in range(600):
        for place in Path("/proc").glob("[0-9]*"):
            try:
                # Its parent stands behind its name, which may hold anything (proc(5), /proc/pid/stat).
                parent = int(_read(place / "stat").decode(errors="replace").rpartition(")")[2].split()[1])
                if parent == pid and _read(place / "cmdline").split(b"\0")[0].endswith(b"psql"):
                    return place
            except (OSError, IndexError):
                continue
        time.sleep(0.05)
    raise AssertionError("no program was started")


async def test_what_a_terminal_would_obey_is_shown_and_not_obeyed(office: Office) -> None:
    """A reason with an escape does not get past the API; one that came another way is still harmless."""
    await nothing_held(office)
    async with office.served.house.database.transaction() as transaction:
        await transaction.write(
            "INSERT INTO requests (id, person, target, role, reason, seconds, asked_at, expires_at, state)"
            " SELECT 'req_evil', 'alice', 'shop', 'support', ?, 60, ?, ?, 'pending'",
            ["fine\x1b[2J\x1b]0;owned\x07 \u202e[bold]evil", 1, 4_000_000_000_000_000],
        )
    shown = await office.bob.done("requests")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]" in shown


async def test_people_are_managed_on_the_host(office: Office, tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    host = Shell(office.served, "root", tmp_path)
    added = json.loads(await host.done("user", "add", "zoe", "--group", "leads", "-c", str(settings), "--json"))
    credential = added["credential"]
    assert people.digest_of(credential) is not None
    assert credential.encode() not in _bytes_in(tmp_path)
    twice = await host.run("user", "add", "zoe", "-c", str(settings))
    assert (twice.code, "already" in twice.err) == (Exit.REFUSED, True)
    for name in ("../Zoe", "pgcurfew"):
        assert (await host.run("user", "add", name, "-c", str(settings))).code == Exit.REFUSED
    async with House.open(tmp_path / "store.db") as house:
        person = await house.access.authenticate(credential)
        assert person is not None
        assert (person.name, person.groups) == ("zoe", {"leads"})
        assert house.recorded() == ["person-added"]
        await host.done("user", "lock", "zoe", "--reason", "left", "-c", str(settings))
        person = await house.access.authenticate(credential)
        assert person is not None
        assert person.locked
        await host.done("user", "unlock", "zoe", "-c", str(settings))
        await host.done("user", "groups", "zoe", "-g", "dbas", "-c", str(settings))
        renewed = json.loads(await host.done("user", "renew", "zoe", "-c", str(settings), "--json"))
        assert await house.access.authenticate(credential) is None
        person = await house.access.authenticate(renewed["credential"])
        assert person is not None
        assert (person.locked, person.groups) == (False, {"dbas"})
        assert [fact.by.startswith("host") for fact in house.facts] == [True] * 5
    assert "zoe" in await host.done("user", "list", "-c", str(settings))
    lost = await host.run("user", "list", "-c", str(tmp_path / "none.toml"))
    assert (lost.code, "none.toml" in lost.err) == (Exit.USAGE, True)


async def test_help_and_version_need_nothing(office: Office, tmp_path: Path) -> None:
    nobody = Shell(office.served, "nobody", tmp_path)
    help_text = await nobody.done("--help")
    for command in ("request", "approve", "connect", "token", "user", "Exit codes"):
        assert command in help_text
    assert re.fullmatch(r"\d+\.\d+.*\n", await nobody.done("version"))


async def _first_waiting(house: House) -> str:
    for _ in range(400):
        for request in await house.access.requests(await house.person("bob")):
            return request.id
        await asyncio.sleep(0.05)
    raise AssertionError("nobody asked")


def _bytes_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _settings(folder: Path) -> Path:
    path = folder / "pgcurfew.toml"
    path.write_text(
        """
        [tls]
        certificate = "server.pem"
        private_key = "file:server.key"
        [tokens]
        issuer = "i"
        audience = "a"
        signing_key = "file:tokens.pem"
        key_id = "k1"
        [api]
        public_url = "https://localhost:6480"
        [store]
        path = "store.db"
        [record]
        directory = "record"
        sealing = "off"
        signing_key = "file:record.pem"
        [masking]
        key = "file:mask.key"
        [policy]
        file = "policy.toml"
        [targets.shop]
        host = "localhost"
        database = "shop"
        user = "gate"
        password = "env:SHOP"
        """
    )
    return path
