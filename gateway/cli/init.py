"""`pgcurfew init`: settings, keys, a certificate and a first policy for one database, to read and to change."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from config.secrets import SecretReference
from config.target import Target, is_socket
from gateway.cli import policy_scan
from gateway.cli.output import Exit, Json, Stopped, note, put_json, tell
from gateway.cli.policy import log_to_stderr
from gateway.demo.certificates import Authority, auditor_keys, mask_key, signing_key, write_private
from gateway.desk.proposal import scanned, writable
from gateway.desk.targets import TargetUnavailable, read_catalog

#: The certificate that is made is for the beginning; a company has its own authority.
LIFE = timedelta(days=90)
_TEMPLATES = Path(__file__).parent / "templates"


def init(
    database: Annotated[str, typer.Option("--database", "-d", help="The database that people are to work on.")],
    user: Annotated[str, typer.Option("--user", "-U", help="The gateway's own login there; not a superuser.")],
    host: Annotated[str, typer.Option("--host", "-h", help="Its server, or its socket's directory.")] = "localhost",
    port: Annotated[int, typer.Option("--port", "-p", help="Its port.")] = 5432,
    sslmode: Annotated[str, typer.Option("--sslmode", help="How the server proves itself.")] = "verify-full",
    sslrootcert: Annotated[
        Path | None, typer.Option("--sslrootcert", help="The authority of the server's certificate (PEM).")
    ] = None,
    target: Annotated[str, typer.Option("--target", "-t", help="What people call it; its own name otherwise.")] = "",
    name: Annotated[str, typer.Option("--name", help="The host name that people connect to.")] = "localhost",
    listen_port: Annotated[int, typer.Option("--listen-port", help="Where PostgreSQL clients connect.")] = 6432,
    api_port: Annotated[int, typer.Option("--api-port", help="Where the HTTPS API listens.")] = 6480,
    metrics_port: Annotated[int, typer.Option("--metrics-port", help="Where the metrics are.")] = 6490,
    folder: Annotated[Path, typer.Option("--in", help="The folder to write into.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a gateway for one database: settings, keys, a certificate, and a first policy.

    Logs in to the database (its password is asked for, or taken from PGPASSWORD), looks at names, types and some
    values of what its login can read, and proposes what to show and what to mask; values are never shown or kept.
    Nothing that is there already is overwritten. Exit codes: 0 done, 1 refused, 4 the database cannot be asked.
    """
    log_to_stderr()
    where = target or database
    for file in ("pgcurfew.toml", "policy.toml", "keys", "tls"):
        if (folder / file).exists():
            raise Stopped(Exit.REFUSED, f"{folder / file} is there already", "choose an empty folder with --in")
    password = _password(user)
    relations = _relations(where, _target(host, port, database, user, sslmode, sslrootcert, password))
    _write(
        folder,
        name,
        password,
        target=where,
        host=json.dumps(host),
        port=port,
        database=json.dumps(database),
        user=json.dumps(user),
        tls=_tls(host, sslmode, sslrootcert),
        name=name,
        listen_port=listen_port,
        api_port=api_port,
        metrics_port=metrics_port,
        relations="\n".join(f'"{relation}" = "read"' for relation in relations),
    )
    config = folder / "pgcurfew.toml"
    policy_scan.scan(target=where, write=True, config=config)
    if as_json:
        put_json({"settings": str(config), "policy": str(folder / "policy.toml"), "relations": relations})
        return
    note(f"{folder / 'keys' / 'auditor.pem'} opens what the record seals: keep it elsewhere, not on this host")
    tell(f"wrote {config} and {folder / 'policy.toml'}: read both, then run: pgcurfew doctor --config {config}")


def _password(user: str) -> str:
    given = os.environ.get("PGPASSWORD")
    if given is None:
        given = getpass.getpass(f"password of {user}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not given:
        raise Stopped(Exit.USAGE, f"the password of {user} is missing", "type it, or set PGPASSWORD")
    return given


def _target(
    host: str, port: int, database: str, user: str, sslmode: str, sslrootcert: Path | None, password: str
) -> Target:
    """The target as the settings will have it, with the password in this process's environment."""
    os.environ["PGCURFEW_INIT_PASSWORD"] = password
    values: dict[str, Any] = {
        "host": host,
        "port": port,
        "database": database,
        "user": user,
        "password": SecretReference("env", "PGCURFEW_INIT_PASSWORD"),
    }
    if not is_socket(host):
        values["sslmode"] = sslmode
        values["sslrootcert"] = sslrootcert
    try:
        return Target.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        option = str(wrong["loc"][0]) if wrong["loc"] else "target"
        raise Stopped(Exit.USAGE, f"--{option}: {wrong['msg']}", "see pgcurfew init --help") from None


def _relations(name: str, target: Target) -> list[str]:
    """What the login can see there. Raises Stopped."""
    try:
        catalog = asyncio.run(read_catalog(name, target))
    except TargetUnavailable as error:
        hint = "check host, port, login and password; on this machine --sslmode disable may do, elsewhere --sslrootcert"
        raise Stopped(Exit.UNREACHABLE, str(error), hint) from None
    finally:
        os.environ.pop("PGCURFEW_INIT_PASSWORD", None)
    found = [relation.qualified for relation in scanned(catalog) if writable(relation.qualified)]
    if not found:
        hint = f'as its owner: GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{target.user}"'
        raise Stopped(Exit.REFUSED, f'"{target.user}" sees no relation in "{target.database}"', hint)
    return found


def _tls(host: str, sslmode: str, sslrootcert: Path | None) -> str:
    if is_socket(host):
        return ""
    lines = [f"sslmode = {json.dumps(sslmode)}"]
    if sslrootcert is not None:
        lines.append(f"sslrootcert = {json.dumps(str(sslrootcert.absolute()))}")
    return "\n".join(lines)


def _write(folder: Path, certified: str, password: str, **values: Any) -> None:
    """All files; whatever is secret is readable by its owner alone. Raises Stopped."""
    authority = Authority.create("pgcurfew's own authority", LIFE)
    names = ("localhost",) if certified == "localhost" else (certified, "localhost")
    issued = authority.issue(certified, names=names, addresses=("127.0.0.1", "::1"))
    sealed_with, sealed_to = auditor_keys()
    try:
        for sub in ("", "keys", "tls", "state"):
            (folder / sub).mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, content in {
            "tls/server.key": issued.private_key,
            "keys/tokens.pem": signing_key(),
            "keys/record.pem": signing_key(),
            "keys/auditor.pem": sealed_with,
            "keys/mask.key": mask_key(),
            "keys/sign-in.key": mask_key(),
            "keys/target.password": password.encode(),
        }.items():
            write_private(folder / file, content)
        (folder / "tls" / "ca.pem").write_bytes(authority.pem)
        (folder / "tls" / "server.crt").write_bytes(issued.certificate)
        (folder / "keys" / "auditor.pub.pem").write_bytes(sealed_to)
        for file in ("pgcurfew.toml", "policy.toml"):
            text = Template((_TEMPLATES / file).read_text()).substitute(values)
            (folder / file).write_text(text)
    except OSError as error:
        raise Stopped(Exit.REFUSED, f"{error.filename}: {error.strerror}", "choose a folder with --in") from None
