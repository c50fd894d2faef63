"""login, logout, enrol, whoami."""

from __future__ import annotations

import getpass
import os
import re
import sys
import time
import webbrowser
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, clock_time, note, put_json, status, tell
from gateway.cli.profile import Profile, last_profile, save_profile

app = typer.Typer()

Api = Annotated[str, typer.Option("--api", help="The gateway's API, https://host:port; left out: as last time.")]
Ca = Annotated[Path | None, typer.Option("--ca", help="PEM file with the authority of its certificate.")]
#: What is no password: a long-lived credential, or a service account's token.
_CREDENTIAL = re.compile(r"pg[cas]_[A-Za-z0-9_-]{43}", re.ASCII)


@app.command()
def login(
    name: Annotated[str, typer.Option("--name", help="Your name on the gateway; left out: as last time.")] = "",
    api: Api = "",
    ca: Ca = None,
    device: Annotated[bool, typer.Option("--device", help="By your company's identity provider.")] = False,
    as_json: Json = False,
) -> None:
    """Sign in and stay signed in on this machine for some hours.

    Asks for password and code, or shows where to confirm at the identity provider. Programs put a login
    credential or a token into PGCURFEW_CREDENTIAL. Secrets are read from there, from standard input, or asked
    for; never from the command line, where others could see them.
    """
    profile = _profile(api, ca, name)
    given = os.environ.get("PGCURFEW_CREDENTIAL", "")
    if given:
        profile = _with_credential(profile, _clean(given))
    elif device:
        profile = _by_device(profile)
    else:
        with Client(profile) as client:
            ways = client.get("sign-in")
        if ways["device"] and not ways["password"] and sys.stdin.isatty():
            profile = _by_device(profile)
        else:
            first = _clean(_ask("password: "))
            credential = _CREDENTIAL.fullmatch(first)
            profile = _with_credential(profile, first) if credential else _by_password(profile, first)
    with Client(profile) as client:
        person = client.get("whoami")
    if profile.name not in ("", person["name"]):
        message = f'the credential belongs to "{person["name"]}", not to "{profile.name}"'
        raise Stopped(Exit.NOT_SIGNED_IN, message, f"sign in with --name {person['name']}, or use your own credential")
    _keep(profile, person, as_json)


@app.command()
def logout(as_json: Json = False) -> None:
    """Sign out on this machine; what was kept is void."""
    with Client.signed_in() as client:
        try:
            client.post("sign-out")
            said = f"signed out of {client.profile.api}"
        except Stopped as stopped:
            # A sign-in that is over, or a credential that lives on: it is forgotten here all the same.
            if stopped.code not in (Exit.NOT_SIGNED_IN, Exit.REFUSED):
                raise
            said = f"forgotten on this machine: {stopped.message}"
        kept = client.profile
    save_profile(Profile(kept.api, kept.name, "", kept.ca))
    if as_json:
        put_json({"api": kept.api, "name": kept.name})
        return
    tell(said)


@app.command()
def enrol(
    api: Api = "",
    ca: Ca = None,
    as_json: Json = False,
) -> None:
    """Choose a password by the invitation that an administrator gave you, and take a second factor."""
    profile = _profile(api, ca, "")
    invitation = _clean(os.environ.get("PGCURFEW_INVITATION") or _ask("invitation: "))
    with Client(profile) as client:
        offered = client.post("enrol", "begin", body={"invitation": invitation})
        note(f"you are {offered['name']}. Put this into your authenticator:")
        note(f"  {offered['otpauth']}")
        note(f"  or by hand: {offered['secret']}")
        password = _ask("a password of 12 characters or more: ")
        if sys.stdin.isatty() and _ask("once more: ") != password:
            raise Stopped(Exit.USAGE, "these were two different passwords", "begin again")
        code = _ask("the code that it shows: ")
        enrolled = client.post("enrol", body={"invitation": invitation, "password": password, "code": code.strip()})
    signed_in = Profile(profile.api, enrolled["name"], enrolled["secret"], profile.ca)
    path = save_profile(signed_in)
    if as_json:
        put_json({"name": enrolled["name"], "api": profile.api, "recovery": enrolled["recovery"], "file": str(path)})
        return
    tell("each of these stands in for a code once, should the authenticator be lost; shown this once:")
    for recovery in enrolled["recovery"]:
        tell(f"  {recovery}")
    tell(f"signed in to {profile.api} as {enrolled['name']}")


@app.command()
def whoami(as_json: Json = False) -> None:
    """Who you are to the gateway."""
    with Client.signed_in() as client:
        person = client.get("whoami")
    if as_json:
        put_json({**person, "api": client.profile.api})
        return
    tell(f"{person['name']}{_in_groups(person['groups'])} at {client.profile.api}")


def _profile(api: str, ca: Path | None, name: str) -> Profile:
    """Where to sign in, nobody signed in yet: as given, otherwise as last time."""
    last = None if api else last_profile()
    if not api and last is None:
        raise Stopped(Exit.USAGE, "which gateway?", "such as --api https://localhost:6480")
    address = _address(api) if last is None else last.api
    authority = str(ca.absolute()) if ca is not None else last.ca if last is not None else None
    return Profile(address, name or (last.name if last is not None else ""), "", authority)


def _with_credential(profile: Profile, credential: str) -> Profile:
    return Profile(profile.api, profile.name, credential, profile.ca)


def _by_password(profile: Profile, password: str) -> Profile:
    if not profile.name:
        raise Stopped(Exit.USAGE, "who are you?", "such as --name alice")
    body: dict[str, object] = {"name": profile.name, "password": password, "code": _clean(_ask("code: "))}
    with Client(profile) as client:
        signed_in = client.post("sign-in", body=body)
    return _with_credential(profile, signed_in["secret"])


def _by_device(profile: Profile) -> Profile:
    """RFC 8628: the person confirms in any browser, while we wait."""
    with Client(profile) as client:
        began = client.post("sign-in", "device")
        address = began["address_with_code"] or began["address"]
        note(f"confirm at {began['address']} with the code {began['user_code']}")
        if sys.stdin.isatty() and urlsplit(address).scheme == "https":
            webbrowser.open(address)
        with status("waiting for you to confirm"):
            while True:
                time.sleep(began["interval"])
                answer = client.post("sign-in", "device", "wait", body={"device": began["device"]})
                if answer["signed_in"] is not None:
                    return Profile(profile.api, answer["signed_in"]["name"], answer["signed_in"]["secret"], profile.ca)


def _keep(profile: Profile, person: dict[str, Any], as_json: bool) -> None:
    path = save_profile(Profile(profile.api, person["name"], profile.credential, profile.ca))
    until = person.get("signed_in_until")
    if as_json:
        put_json({**person, "api": profile.api, "file": str(path)})
        return
    said = f"signed in to {profile.api} as {person['name']}{_in_groups(person['groups'])}"
    tell(said if until is None else f"{said}, until {clock_time(until)}")


def _address(api: str) -> str:
    parts = urlsplit(api)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Stopped(Exit.USAGE, f"{api} is not an https address", "such as --api https://localhost:6480")
    return api.rstrip("/")


def _ask(prompt: str) -> str:
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _clean(given: str) -> str:
    given = given.strip()
    if not given or not given.isprintable():
        raise Stopped(Exit.USAGE, "nothing was given", "set PGCURFEW_CREDENTIAL, or type it when asked")
    return given


def _in_groups(groups: list[str]) -> str:
    return f" ({', '.join(groups)})" if groups else ""
