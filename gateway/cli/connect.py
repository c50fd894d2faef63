"""connect: from nothing to a psql prompt.

The token travels in PGPASSWORD, which only the owner's processes can read; never in an
argument, which everybody on the machine can (PostgreSQL manual 34.15, libpq environment).
"""

from __future__ import annotations

import os
import shlex
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from gateway.cli import ask, hold
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, left, note, put_json, put_plain, status
from gateway.cli.profile import Profile

app = typer.Typer()

POLL_SECONDS = 1.0
#: What would lead psql elsewhere, or change what the session starts with.
_FOREIGN = ("PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS", "PGPASSFILE", "PGREQUIREAUTH", "PGSSLCERTMODE")


class Form(StrEnum):
    """What --print prints."""

    DSN = "dsn"
    ENV = "env"


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def connect(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The database to work on.")],
    role: Annotated[str | None, typer.Option("--role", "-r", help="The role to ask for, or to use.")] = None,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why, if access has to be asked for.")] = "",
    duration: Annotated[str, typer.Option("--for", help="For how long, if access has to be asked for.")] = "30m",
    form: Annotated[Form | None, typer.Option("--print", help="Print how to connect, run nothing.")] = None,
    wait: Annotated[int, typer.Option("--wait", help="Seconds to wait for an approval.")] = 3600,
    as_json: Json = False,
) -> None:
    """Open psql on TARGET: with a grant that you hold, or one that is asked for and waited for.

    What is not an option of this command goes to psql: pgcurfew connect shop -c "select 1".
    """
    with Client.signed_in() as client:
        grant = _held(client, target, role) or _asked_for(client, target, role, duration, reason, wait)
        place = client.get("targets")
        minted = None if form is Form.DSN and not as_json else client.post("grants", grant["id"], "token", body={})
    settings = libpq_settings(client.profile, place["host"], place["port"], target)
    if as_json:
        assert minted is not None
        put_json({"grant": grant["id"], "ends_at": grant["ends_at"], **settings, "password": minted["token"]})
    elif form is Form.DSN:
        put_plain(dsn(settings))
    elif form is Form.ENV:
        assert minted is not None
        put_plain(exports(settings, minted["token"]))
    else:
        assert minted is not None
        note(f"{grant['role']} on {target}, {left(grant['ends_at'])} left; everything is recorded")
        run_psql(settings, minted["token"], context.args)


def libpq_settings(profile: Profile, host: str, port: int, target: str) -> dict[str, str]:
    """libpq's connection parameters, without the password (PostgreSQL manual 34.1.2)."""
    return {
        # A gateway that listens on every address is where its API is.
        "host": (urlsplit(profile.api).hostname or host) if host in ("0.0.0.0", "::", "") else host,  # noqa: S104
        "port": str(port),
        "dbname": target,
        "user": profile.name,
        "sslmode": "verify-full",
        "sslrootcert": profile.ca or "system",
    }


def dsn(settings: dict[str, str]) -> str:
    """A connection URI without the password."""
    user, host = quote(settings["user"], safe=""), settings["host"]
    place = f"[{host}]" if ":" in host else host
    options = f"sslmode={settings['sslmode']}&sslrootcert={quote(settings['sslrootcert'], safe='/')}"
    return f"postgresql://{user}@{place}:{settings['port']}/{quote(settings['dbname'], safe='')}?{options}"


_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def exports(settings: dict[str, str], password: str) -> str:
    """Lines for a shell to `eval`."""
    values = {_VARIABLES[name]: value for name, value in settings.items()} | {"PGPASSWORD": password}
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def run_psql(settings: dict[str, str], password: str, arguments: list[str]) -> None:
    """Become psql. Raises Stopped where there is none."""
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    environment |= {_VARIABLES[name]: value for name, value in settings.items()}
    environment["PGPASSWORD"] = password
    psql = find_psql()
    os.execve(psql, [str(psql), *arguments], environment)  # noqa: S606 -- a program of ours to find, no shell


def find_psql() -> Path:
    """psql from PATH, else an embedded one. Raises Stopped."""
    from gateway.demo import binaries

    try:
        return binaries.find_psql()
    except binaries.PostgresMissingError as missing:
        raise Stopped(Exit.USAGE, str(missing), "install psql, or print how to connect with --print dsn") from None


def _held(client: Client, target: str, role: str | None) -> dict[str, Any] | None:
    """The active grant to use: the one that lasts longest."""
    held = [one for one in hold.own_grants(client, target) if role is None or one["role"] == role]
    return max(held, key=lambda one: str(one["ends_at"]), default=None)


def _asked_for(client: Client, target: str, role: str | None, duration: str, reason: str, wait: int) -> dict[str, Any]:
    request = _pending(client, target, role)
    if request is None:
        if role is None or not reason.strip():
            missing = "--role and --reason" if role is None else "--reason"
            message = f"you hold no active grant on {target}; to ask for one, {missing} is needed"
            hint = f'pgcurfew connect {target} --role {role or "ROLE"} --for {duration} --reason "…"'
            raise Stopped(Exit.USAGE, message, hint, "no-grant")
        request = ask.ask(client, target=target, role=role, duration=duration, reason=reason)
    note(f"asked: {request['id']}; a reviewer can now run: pgcurfew approve {request['id']}")
    return _waited_for(client, request, wait)


def _pending(client: Client, target: str, role: str | None) -> Any:
    """A request of one's own that is waiting already."""
    for one in client.get("requests", target=target, limit=1000)["requests"]:
        if one["person"] == client.profile.name and role in (None, one["role"]) and one["extends"] is None:
            return one
    return None


def _waited_for(client: Client, request: dict[str, Any], wait: int) -> dict[str, Any]:
    deadline = time.monotonic() + wait
    began = time.monotonic()
    with status("waiting for a reviewer") as live:
        while request["state"] == "pending":
            if time.monotonic() >= deadline:
                message = f"{request['id']} was not decided within {wait} seconds; it stays open"
                raise Stopped(Exit.WAITED_IN_VAIN, message, "run the same command again to go on waiting")
            time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
            request = client.get("requests", request["id"])
            approvals = sum(1 for decision in request["decisions"] if decision["vote"] == "approve")
            so_far = f", {approvals} approved" if approvals else ""
            live.update(f"waiting for a reviewer of {request['id']} ({int(time.monotonic() - began)}s{so_far})")
    if request["grant"] is None:
        said = "; ".join(f"{one['by']}: {one['reason']}" for one in request["decisions"] if one["vote"] == "deny")
        message = f"{request['id']} was {request['state']}{f' by {said}' if said else ''}"
        raise Stopped(
            Exit.WAITED_IN_VAIN, message, "talk to your reviewer, then ask again", f"request-{request['state']}"
        )
    return dict(client.get("grants", request["grant"]))
