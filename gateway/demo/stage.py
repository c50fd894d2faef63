"""Everything in its place for a story: database, keys, settings, policy, people, and a running gateway.

A stage lives in one folder and is gone when it is struck: processes first, then files.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from gateway.demo.binaries import find_psql
from gateway.demo.certificates import Authority, auditor_keys, mask_key, signing_key, write_private
from gateway.demo.postgres import Cluster, free_ports
from gateway.demo.process import COMMAND, GatewayProcess, Ports, clean_environment
from gateway.demo.shop import GATEWAY_LOGIN, load_bench, load_shop
from gateway.demo.terminal import plain, run_in_terminal

TEMPLATES = Path(__file__).parent / "templates"
#: Who plays, and in which groups they are: an engineer, a reviewer, an auditor.
PEOPLE: Mapping[str, tuple[str, ...]] = {"alice": ("support",), "rita": ("leads",), "otto": ("auditors",)}
#: Long enough for a slow machine, short enough that a hang is noticed.
COMMAND_SECONDS = 60.0
#: How wide the story is told: a panel on a screen of a hundred columns.
SCREEN_COLUMNS = 96

Progress = Callable[[str], None]


class StageError(Exception):
    """Something that sets the stage up failed; the message says what."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        """Everything it said, with colours where it ran on a terminal."""
        return f"{self.out}{self.err}"

    @property
    def text(self) -> str:
        """Everything it said, as plain text."""
        return plain(self.shown)


class Stage:
    """A gateway with everything around it. `raise_` sets it up in an empty folder."""

    def __init__(self, folder: Path, cluster: Cluster, *, warnings: Sequence[int] = (300, 60)) -> None:
        self.folder = folder
        self.cluster = cluster
        self.warnings = tuple(warnings)
        self.settings = folder / "pgcurfew.toml"
        self.policy = folder / "policy.toml"
        self.record = folder / "record"
        #: The authority that clients of the gateway trust.
        self.ca_file = folder / "tls" / "ca.pem"
        self.auditor_key = folder / "keys" / "auditor.pem"
        self.gateway = GatewayProcess(self.settings, folder / "gateway.log")
        self.ports = Ports(0, 0, 0)

    # -- setting up ---------------------------------------------------------------------------------

    def prepare(self, database_password: str) -> None:
        """Write certificates, keys, settings and policy. Everything here is readable by its owner alone."""
        self._write_keys(database_password)
        self.ports = Ports(*free_ports(3))
        text = Template((TEMPLATES / "pgcurfew.toml").read_text()).substitute(
            port=self.ports.postgres,
            api_port=self.ports.api,
            metrics_port=self.ports.metrics,
            database_port=self.cluster.port,
            warnings=list(self.warnings),
        )
        self.settings.write_text(text)
        self.policy.write_text((TEMPLATES / "policy.toml").read_text())

    def _write_keys(self, database_password: str) -> None:
        authority = Authority.create("pgcurfew demo authority")
        server = authority.issue_for_localhost("pgcurfew demo gateway")
        sealed_with, sealed_to = auditor_keys()
        for name in ("tls", "keys", "record"):
            (self.folder / name).mkdir(mode=0o700, parents=True)
        self.ca_file.write_bytes(authority.pem)
        (self.folder / "tls" / "database-ca.pem").write_bytes(self.cluster.authority.pem)
        (self.folder / "tls" / "server.crt").write_bytes(server.certificate)
        (self.folder / "keys" / "auditor.pub.pem").write_bytes(sealed_to)
        for name, content in {
            "tls/server.key": server.private_key,
            "keys/tokens.pem": signing_key(),
            "keys/record.pem": signing_key(),
            "keys/auditor.pem": sealed_with,
            "keys/mask.key": mask_key(),
            "keys/sign-in.key": mask_key(),
            "keys/shop.password": database_password.encode(),
        }.items():
            write_private(self.folder / name, content)

    def add_people(self, people: Mapping[str, Sequence[str]] = PEOPLE) -> None:
        """Create people and sign each in, at a home of their own. The gateway must run."""
        for name, groups in people.items():
            self.add_person(name, groups)

    def add_person(self, name: str, groups: Sequence[str]) -> None:
        """One person: added by the operator, signed in with the credential that this gave."""
        in_groups = [word for group in groups for word in ("--group", group)]
        added = self.answer(None, "user", "add", name, *in_groups, "--config", str(self.settings))
        signed_in = self.pgcurfew(
            name, "login", "--api", f"https://localhost:{self.ports.api}", "--ca", str(self.ca_file), "--name", name,
            input=added["credential"] + "\n",
        )  # fmt: skip
        if signed_in.code != 0:
            raise StageError(f"{name} could not sign in: {signed_in.text.strip()}")

    def home(self, person: str) -> Path:
        """Where a person's command keeps its credential (PGCURFEW_HOME)."""
        return self.folder / "people" / person

    # -- acting -------------------------------------------------------------------------------------

    def pgcurfew(self, person: str | None, *arguments: str, input: str | None = None) -> Outcome:
        """Run a pgcurfew command as a person, or as the operator of this machine (None)."""
        home = self.home(person) if person else self.folder / "operator"
        return run([*COMMAND, *arguments], {"PGCURFEW_HOME": str(home), "COLUMNS": "110"}, input=input)

    def watched(self, person: str | None, *arguments: str) -> Outcome:
        """The same on a terminal, as the person would see it: colours, tables as wide as the screen."""
        environment = {"PGCURFEW_HOME": str(self.home(person) if person else self.folder / "operator")}
        terminal = {"TERM": "xterm-256color", "COLUMNS": str(SCREEN_COLUMNS), "LINES": "50"}
        code, seen = run_in_terminal(
            [*COMMAND, *arguments], clean_environment({**environment, **terminal}), columns=SCREEN_COLUMNS
        )
        return Outcome(code, seen, "")

    def answer(self, person: str | None, *arguments: str) -> Any:
        """The same with --json, which must succeed; gives back what it said."""
        done = self.pgcurfew(person, *arguments, "--json")
        if done.code != 0:
            raise StageError(f"pgcurfew {' '.join(arguments)} failed: {done.text.strip()}")
        return json.loads(done.out)

    def conninfo(self, user: str, database: str = "shop") -> str:
        """libpq's words for a way in; the token goes in by PGPASSWORD."""
        return (
            f"host=localhost port={self.ports.postgres} dbname={database} user={user} "
            f"sslmode=verify-full sslrootcert={self.ca_file}"
        )

    def psql_command(self, user: str, *arguments: str, database: str = "shop") -> list[str]:
        return [str(find_psql()), "-X", *arguments, self.conninfo(user, database)]

    def psql(
        self, user: str, token: str, sql: str, *, database: str = "shop", arguments: Sequence[str] = ()
    ) -> Outcome:
        """Run psql with `sql` on its standard input, backslash commands included."""
        return run(self.psql_command(user, *arguments, database=database), client_environment(token), input=sql)

    def psql_watched(self, user: str, token: str, sql: str, *, arguments: Sequence[str] = ()) -> Outcome:
        """The same on a terminal: results and errors in their order, wide rows stood on end."""
        command = self.psql_command(user, "-P", "expanded=auto", *arguments)
        environment = clean_environment({**client_environment(token), "COLUMNS": str(SCREEN_COLUMNS)})
        code, seen = run_in_terminal(command, environment, columns=SCREEN_COLUMNS, input=sql)
        return Outcome(code, seen, "")


@contextmanager
def raised(
    folder: Path, *, scale: float = 1.0, warnings: Sequence[int] = (300, 60), progress: Progress = lambda _: None
) -> Iterator[Stage]:
    """A whole stage in an empty folder, with a PostgreSQL of its own; no process is left afterwards."""
    progress("starting PostgreSQL")
    with Cluster() as cluster:
        password = secrets.token_urlsafe(24)
        cluster.create_login(GATEWAY_LOGIN, password)
        load_shop(cluster, scale=scale, progress=lambda words: progress(f"loading the sample database: {words}"))
        progress("filling pgbench's tables")
        load_bench(cluster)
        progress("making certificates and keys")
        stage = Stage(folder, cluster, warnings=warnings)
        stage.prepare(password)
        with running(stage, progress):
            yield stage


@contextmanager
def running(stage: Stage, progress: Progress = lambda _: None) -> Iterator[Stage]:
    """The gateway of a prepared stage, with its people signed in; stopped afterwards."""
    progress("starting the gateway")
    try:
        stage.gateway.start()
        progress(f"adding {', '.join(PEOPLE)}")
        stage.add_people()
        yield stage
    finally:
        stage.gateway.stop()


def client_environment(token: str) -> dict[str, str]:
    """What psql and pgbench need: the token, and nothing from a real home."""
    return {"PGPASSWORD": token, "PGCONNECT_TIMEOUT": "20", "PAGER": "", "PSQL_HISTORY": "/dev/null", "TERM": "dumb"}


def run(
    command: Sequence[str], environment: dict[str, str], *, input: str | None = None, seconds: float = COMMAND_SECONDS
) -> Outcome:
    """Run a command to its end in a clean environment."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, input=input or "",
        env=clean_environment(environment), timeout=seconds,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)
