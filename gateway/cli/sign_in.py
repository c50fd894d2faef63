"""login, whoami."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, put_json, tell
from gateway.cli.profile import Profile, save_profile

app = typer.Typer()


@app.command()
def login(
    name: Annotated[str, typer.Option("--name", help="Your name on the gateway.")],
    api: Annotated[str, typer.Option("--api", help="The gateway's API, https://host:port.")],
    ca: Annotated[Path | None, typer.Option("--ca", help="PEM file with the authority of its certificate.")] = None,
    as_json: Json = False,
) -> None:
    """Sign in and stay signed in on this machine.

    The credential that "pgcurfew user add" printed is read from PGCURFEW_CREDENTIAL, or from
    standard input, or asked for; never from the command line, where others could see it.
    """
    profile = Profile(_address(api), name, _credential(), str(ca.absolute()) if ca is not None else None)
    with Client(profile) as client:
        person = client.get("whoami")
    if person["name"] != name:
        message = f'the credential belongs to "{person["name"]}", not to "{name}"'
        raise Stopped(Exit.NOT_SIGNED_IN, message, f"sign in with --name {person['name']}, or use your own credential")
    path = save_profile(profile)
    if as_json:
        put_json({**person, "api": profile.api, "file": str(path)})
        return
    tell(f"signed in to {profile.api} as {name}{_in_groups(person['groups'])}")


@app.command()
def whoami(as_json: Json = False) -> None:
    """Who you are to the gateway."""
    with Client.signed_in() as client:
        person = client.get("whoami")
    if as_json:
        put_json({**person, "api": client.profile.api})
        return
    tell(f"{person['name']}{_in_groups(person['groups'])} at {client.profile.api}")


def _address(api: str) -> str:
    parts = urlsplit(api)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Stopped(Exit.USAGE, f"{api} is not an https address", "such as --api https://localhost:6480")
    return api.rstrip("/")


def _credential() -> str:
    given = os.environ.get("PGCURFEW_CREDENTIAL")
    if given is None:
        given = getpass.getpass("login credential: ") if sys.stdin.isatty() else sys.stdin.readline()
    given = given.strip()
    if not given.isascii() or not given.isprintable() or not given:
        raise Stopped(Exit.USAGE, "no login credential was given", "set PGCURFEW_CREDENTIAL, or type it when asked")
    return given


def _in_groups(groups: list[str]) -> str:
    return f" ({', '.join(groups)})" if groups else ""
