"""connect: from nothing to a psql prompt.

Finds a grant or asks for one, waits for its approval and its beginning, then runs psql (or another program) with a
token that is kept fresh: `gateway.cli.passage`.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli import ask, hold
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, left, note, put_json, put_plain, status
from gateway.cli.passage import Passage
from gateway.cli.tokens import Networks, Once, Wish
from gateway.cli.ways import Form, dsn, exports, libpq_settings, pgpass_line, service

app = typer.Typer()

POLL_SECONDS = 1.0
#: Forms that hold no token need none.
WITHOUT_TOKEN = (Form.DSN, Form.SERVICE)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def connect(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The database to work on.")],
    role: Annotated[str | None, typer.Option("--role", "-r", help="The role to ask for, or to use.")] = None,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why, if access has to be asked for.")] = "",
    duration: Annotated[str, typer.Option("--for", help="For how long, if access has to be asked for.")] = "30m",
    form: Annotated[Form | None, typer.Option("--print", help="Print how to connect, run nothing.")] = None,
    program: Annotated[
        str | None,
        typer.Option("--exec", metavar="CMD", help="Run this program instead of psql; its arguments follow."),
    ] = None,
    wait: Annotated[int, typer.Option("--wait", help="Seconds to wait for an approval.")] = 3600,
    once: Once = False,
    network: Networks = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Show this client certificate, and bind the token to it.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="The certificate's private key.")] = None,
    as_json: Json = False,
) -> None:
    """Open psql on TARGET: with a grant that you hold, or one that is asked for and waited for.

    What is not an option of this command goes to psql: pgcurfew connect shop -c "select 1". With --exec it goes to
    that program, after --: pgcurfew connect shop --exec pg_dump -- -t orders. Tokens are renewed while it runs; the
    exit code is the program's.
    """
    wish = Wish(once=once, networks=tuple(network or ()), certificate=certificate).body()
    with Client.signed_in() as client:
        grant = _held(client, target, role) or _asked_for(client, target, role, duration, reason, wait)
        grant = _begun(client, grant, wait)
        place = client.get("targets")
        settings = libpq_settings(client.profile, place["host"], place["port"], target, certificate, key)
        if form in WITHOUT_TOKEN and not as_json:
            put_plain(dsn(settings) if form is Form.DSN else service(target, settings))
            return
        minted = client.post("grants", grant["id"], "token", body=wish)
        if as_json:
            put_json({"grant": grant["id"], "ends_at": grant["ends_at"], **settings, "password": minted["token"]})
        elif form is not None:
            put_plain((exports if form is Form.ENV else pgpass_line)(settings, minted["token"]))
        else:
            note(f"{grant['role']} on {target}, {left(grant['ends_at'])} left; everything is recorded")
            command = [str(find_psql()) if program is None else _found(program), *context.args]
            code = Passage(client, grant["id"], settings, wish, minted).run(command)
            raise typer.Exit(code)


def find_psql() -> Path:
    """psql from PATH, else an embedded one. Raises Stopped."""
    from gateway.demo import binaries

    try:
        return binaries.find_psql()
    except binaries.PostgresMissingError as missing:
        raise Stopped(Exit.USAGE, str(missing), "install psql, or print how to connect with --print dsn") from None


def _found(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Stopped(Exit.USAGE, f"there is no program {program}", "name one that is on your PATH, or its path")
    return found


def _held(client: Client, target: str, role: str | None) -> dict[str, Any] | None:
    """The active grant to use: the one that lasts longest."""
    held = [one for one in hold.own_grants(client, target) if role is None or one["role"] == role]
    return max(held, key=lambda one: str(one["ends_at"]), default=None)


def _asked_for(client: Client, target: str, role: str | None, duration: str, reason: str, wait: int) -> dict[str, Any]:
    request = _pending(client, target, role)
    if request is None:
        role = role or _only_role(client, target)
        if role is not None and not reason.strip() and sys.stdin.isatty() and sys.stderr.isatty():
            reason = typer.prompt(f"why do you need {role} on {target}", err=True)
        if role is None or not reason.strip():
            missing = "--role and --reason" if role is None else "--reason"
            message = f"you hold no active grant on {target}; to ask for one, {missing} is needed"
            hint = f'pgcurfew connect {target} --role {role or "ROLE"} --for {duration} --reason "…"'
            raise Stopped(Exit.USAGE, message, hint, "no-grant")
        if sys.stdout.isatty():
            ask.put_preview(ask.preview(client, target, role, None))
        request = ask.ask(client, target=target, role=role, duration=duration, reason=reason)
    if request["state"] == "pending":
        note(f"asked: {request['reference']}; a reviewer can now run: pgcurfew approve {request['reference']}")
    return _waited_for(client, request, wait)


def _only_role(client: Client, target: str) -> str | None:
    """The one role that can be asked for there; None where there is a choice."""
    offered = [
        role["role"] for one in client.get("targets")["targets"] if one["name"] == target for role in one["roles"]
    ]
    return offered[0] if len(offered) == 1 else None


def _begun(client: Client, grant: dict[str, Any], wait: int) -> dict[str, Any]:
    """The grant, once it has begun. Raises Stopped."""
    deadline = time.monotonic() + wait
    with status("waiting for the grant to begin") as live:
        while left(grant["starts_at"]) != "over":
            if time.monotonic() >= deadline:
                message = f"{grant['id']} does not begin within {wait} seconds"
                raise Stopped(Exit.WAITED_IN_VAIN, message, "run the same command again later")
            live.update(f"{grant['id']} begins in {left(grant['starts_at'])}")
            time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
            grant = dict(client.get("grants", grant["id"]))
    return grant


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
