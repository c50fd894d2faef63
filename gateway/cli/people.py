"""user add, list, lock, unlock, renew: on the gateway's host, directly on its store.

Whoever can write the store's file is an administrator already. What is changed here is
handed over to the running gateway, which records it before it acts on it.
"""

from __future__ import annotations

import asyncio
import getpass
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from config.load import ConfigError, load_settings
from gateway.access import people
from gateway.access.errors import AccessRefused
from gateway.access.models import Person
from gateway.access.store import Change, StoreNotUsable, StoreUnavailable
from gateway.audit.facts import AccessChanged
from gateway.cli.output import Exit, Json, Stopped, put_json, put_table, tell
from gateway.storage.access_store import SqliteAccessStore
from gateway.storage.database import Database

app = typer.Typer(help="People and their login credentials, on the gateway's host.", no_args_is_help=True)

Settings = Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings file.")]
Name = Annotated[str, typer.Argument(metavar="NAME")]
_Result = TypeVar("_Result")


@app.command()
def add(
    name: Name,
    group: Annotated[list[str] | None, typer.Option("--group", "-g", help="A group; may be given again.")] = None,
    config: Settings = Path("pgcurfew.toml"),
    as_json: Json = False,
) -> None:
    """Add a person and print their login credential, this once."""
    credential = people.credential_of(secrets.token_bytes(people.CREDENTIAL_BYTES))
    groups = sorted(set(group or ()))
    _change(config, lambda change: people.add(change, by=_who(), name=name, groups=groups, credential=credential))
    _show_credential(name, credential, groups, as_json)


@app.command()
def renew(name: Name, config: Settings = Path("pgcurfew.toml"), as_json: Json = False) -> None:
    """Print a new login credential; the old one no longer works."""
    credential = people.credential_of(secrets.token_bytes(people.CREDENTIAL_BYTES))
    _change(config, lambda change: people.renew_credential(change, by=_who(), name=name, credential=credential))
    _show_credential(name, credential, None, as_json)


@app.command("list")
def list_people(config: Settings = Path("pgcurfew.toml"), as_json: Json = False) -> None:
    """Everybody, with groups."""

    async def read(store: SqliteAccessStore) -> tuple[Person, ...]:
        return await store.people()

    found = _with_store(config, read)
    if as_json:
        put_json([{"name": one.name, "groups": sorted(one.groups), "locked": one.locked} for one in found])
        return
    rows = [(one.name, ", ".join(sorted(one.groups)), "locked" if one.locked else "") for one in found]
    put_table(("name", "groups", ""), rows, nothing='nobody yet; "pgcurfew user add NAME --group GROUP"')


@app.command()
def groups(
    name: Name,
    group: Annotated[list[str] | None, typer.Option("--group", "-g", help="A group; may be given again.")] = None,
    config: Settings = Path("pgcurfew.toml"),
    as_json: Json = False,
) -> None:
    """Put a person into exactly these groups."""
    wanted = sorted(set(group or ()))
    _change(config, lambda change: people.set_groups(change, by=_who(), name=name, groups=wanted))
    _say({"name": name, "groups": wanted}, f"{name}: {', '.join(wanted) or 'no groups'}", as_json)


@app.command()
def lock(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why.")] = "",
    config: Settings = Path("pgcurfew.toml"),
    as_json: Json = False,
) -> None:
    """Lock a person out; their sessions end."""
    _change(config, lambda change: people.set_locked(change, by=_who(), name=name, locked=True, reason=reason))
    _say({"name": name, "locked": True}, f"locked: {name}", as_json)


@app.command()
def unlock(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why.")] = "",
    config: Settings = Path("pgcurfew.toml"),
    as_json: Json = False,
) -> None:
    """Let a person in again."""
    _change(config, lambda change: people.set_locked(change, by=_who(), name=name, locked=False, reason=reason))
    _say({"name": name, "locked": False}, f"unlocked: {name}", as_json)


def _change(config: Path, write: Callable[[Change], Awaitable[AccessChanged]]) -> None:
    async def change(store: SqliteAccessStore) -> None:
        async with store.change() as open_change:
            await open_change.hand_over(await write(open_change))

    _with_store(config, change)


def _with_store(config: Path, work: Callable[[SqliteAccessStore], Awaitable[_Result]]) -> _Result:
    try:
        path = load_settings(config, files=False).store.path
    except ConfigError as error:
        raise Stopped(Exit.USAGE, str(error), "name the gateway's settings with --config FILE") from None

    async def run() -> _Result:
        database = await Database.open(path)
        try:
            return await work(SqliteAccessStore(database))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except AccessRefused as refused:
        raise Stopped(Exit.REFUSED, refused.message, refused.hint, refused.cause) from None
    except (StoreNotUsable, StoreUnavailable) as error:
        raise Stopped(Exit.REFUSED, str(error), "check [store] in the settings, and whose file it is") from None


def _show_credential(name: str, credential: str, in_groups: list[str] | None, as_json: bool) -> None:
    if as_json:
        put_json({"name": name, **({} if in_groups is None else {"groups": in_groups}), "credential": credential})
        return
    tell(f"{name}'s login credential, shown this once:")
    tell(credential)
    tell(f"{name} signs in with: pgcurfew login --api https://… --name {name}")


def _say(body: object, sentence: str, as_json: bool) -> None:
    if as_json:
        put_json(body)
    else:
        tell(sentence)


def _who() -> str:
    """The login on this host, marked as such: it is no person of the gateway."""
    try:
        return f"host:{getpass.getuser()}"
    except (KeyError, OSError):
        return "host"
