"""user …: people and service accounts. Over the API for administrators who are signed in; with --config
on the gateway's own host, where whoever can write the store is an administrator already.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from config.durations import parse_duration
from gateway.cli import people
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, clock_time, put_json, put_table, tell

app = typer.Typer(help="People and service accounts.", no_args_is_help=True)

Settings = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="On the gateway's host: its settings file. Without: over the API."),
]
Name = Annotated[str, typer.Argument(metavar="NAME")]
Groups = Annotated[list[str] | None, typer.Option("--group", "-g", help="A group; may be given again.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why.")]


@app.command()
def add(
    name: Name,
    group: Groups = None,
    identity: Annotated[
        str, typer.Option("--identity", help="Whose further account it is: both count as one human.")
    ] = "",
    service: Annotated[bool, typer.Option("--service", help="An account of a program.")] = False,
    config: Settings = None,
    as_json: Json = False,
) -> None:
    """Add somebody: an invitation is printed; on the host a login credential. Each is shown once."""
    groups = sorted(set(group or ()))
    if config is not None:
        people.add(config, name, groups, identity=identity, service=service, as_json=as_json)
        return
    with Client.signed_in() as client:
        body: dict[str, object] = {"name": name, "groups": groups, "identity": identity, "service": service}
        added = client.post("people", body=body)
        ways = client.get("sign-in")
        invited = client.post("people", name, "invite") if ways["password"] and not service else {}
    if as_json:
        put_json(added | invited)
    elif invited:
        people.show_invitation(invited, as_json=False)
    elif service:
        tell(f"added: {name}; give it a token: pgcurfew user token {name} --for 1h --scope see")
    else:
        tell(f"added: {name}; they sign in at {ways['provider']}, once linked: pgcurfew user link {name} --subject …")


@app.command("list")
def list_people(config: Settings = None, as_json: Json = False) -> None:
    """Everybody, with groups and how they sign in."""
    if config is not None:
        found = people.entries(config)
    else:
        with Client.signed_in() as client:
            found = client.get("people")["people"]
    if as_json:
        put_json(found)
        return
    put_table(
        ("name", "groups", "signs in by", ""),
        [(one["name"], ", ".join(one["groups"]), ", ".join(one.get("ways", ())), _marks(one)) for one in found],
        nothing='nobody yet; "pgcurfew user add NAME --group GROUP"',
    )


@app.command()
def groups(name: Name, group: Groups = None, config: Settings = None, as_json: Json = False) -> None:
    """Put a person into exactly these groups."""
    wanted = sorted(set(group or ()))
    if config is not None:
        people.set_groups(config, name, wanted)
    else:
        _post(name, "groups", {"groups": wanted})
    _say({"name": name, "groups": wanted}, f"{name}: {', '.join(wanted) or 'no groups'}", as_json)


@app.command()
def lock(name: Name, reason: Reason = "", config: Settings = None, as_json: Json = False) -> None:
    """Lock a person out; their sessions and sign-ins end."""
    if config is not None:
        people.set_locked(config, name, locked=True, reason=reason)
    else:
        _post(name, "lock", {"reason": reason})
    _say({"name": name, "locked": True}, f"locked: {name}", as_json)


@app.command()
def unlock(name: Name, reason: Reason = "", config: Settings = None, as_json: Json = False) -> None:
    """Let a person in again, also one who guessed too often."""
    if config is not None:
        people.set_locked(config, name, locked=False, reason=reason)
    else:
        _post(name, "unlock", {"reason": reason})
    _say({"name": name, "locked": False}, f"unlocked: {name}", as_json)


@app.command()
def invite(name: Name, config: Settings = None, as_json: Json = False) -> None:
    """Print an invitation to choose a password, once and soon. Earlier ones are void."""
    if config is not None:
        people.invite(config, name, as_json)
        return
    people.show_invitation(_post(name, "invite"), as_json)


@app.command()
def reset(name: Name, as_json: Json = False) -> None:
    """Void somebody's password, authenticator, recovery codes and sign-ins, and invite them anew."""
    people.show_invitation(_post(name, "reset"), as_json)


@app.command()
def renew(
    name: Name,
    config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings file.")] = Path(
        "pgcurfew.toml"
    ),
    as_json: Json = False,
) -> None:
    """On the gateway's host: print a new login credential; the old one no longer works."""
    people.renew(config, name, as_json)


@app.command()
def token(
    name: Name,
    duration: Annotated[str, typer.Option("--for", help='How long it is good, such as "1h".')],
    scope: Annotated[list[str], typer.Option("--scope", help="see, request, connect or record; may be given again.")],
    as_json: Json = False,
) -> None:
    """Print a short token of a service account, good for these scopes alone."""
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise Stopped(Exit.USAGE, f'--for "{duration}": {error}', "such as --for 1h") from None
    made = _post(name, "token", {"seconds": seconds, "scopes": sorted(set(scope))})
    if as_json:
        put_json(made)
        return
    tell(f"{name}'s token, shown this once, good until {clock_time(made['ends_at'])}:")
    tell(made["secret"])
    tell("a program signs in with it by PGCURFEW_CREDENTIAL and pgcurfew login")


@app.command()
def link(
    name: Name,
    subject: Annotated[str, typer.Option("--subject", help='"sub" at the identity provider.')],
    as_json: Json = False,
) -> None:
    """Bind an identity of the identity provider to a person."""
    _say(_post(name, "link", {"subject": subject}), f"linked: {name} is {subject}", as_json)


@app.command()
def unlink(name: Name, as_json: Json = False) -> None:
    """Take the identity of the identity provider away from a person."""
    _say(_post(name, "unlink"), f"unlinked: {name}", as_json)


@app.command("sign-ins")
def sign_ins(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Whose; yours where it is left out.")] = None,
    as_json: Json = False,
) -> None:
    """Where somebody is signed in."""
    with Client.signed_in() as client:
        found = client.get("sign-ins", person=name)["sign_ins"]
    if as_json:
        put_json(found)
        return
    rows = [
        (one["id"], one["how"], one["client"], clock_time(one["made_at"]), clock_time(one["ends_at"])) for one in found
    ]
    put_table(("sign-in", "by", "from", "since", "until"), rows, nothing="nowhere")


@app.command("sign-out")
def sign_out(name: Name, as_json: Json = False) -> None:
    """End all sign-ins of somebody."""
    _say(_post(name, "sign-out"), f"signed out everywhere: {name}", as_json)


def _post(name: str, what: str, body: dict[str, object] | None = None) -> Any:
    with Client.signed_in() as client:
        return client.post("people", name, what, body=body)


def _marks(one: dict[str, Any]) -> str:
    marks = ["locked"] * one["locked"] + ["service"] * one["service"]
    if one["identity"]:
        marks.append(f"also {one['identity']}")
    return ", ".join(marks)


def _say(body: object, sentence: str, as_json: bool) -> None:
    if as_json:
        put_json(body)
    else:
        tell(sentence)
