"""What "pgcurfew user … --config" does: on the gateway's host, directly on its store.

Whoever can write the store's file is an administrator already. What is changed here is
handed over to the running gateway, which records it before it acts on it.
"""

from __future__ import annotations

import asyncio
import getpass
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from config.load import ConfigError, load_settings
from gateway.access import enrolment, people
from gateway.access.errors import AccessRefused
from gateway.access.models import Person
from gateway.access.sign_in_models import Invitation
from gateway.access.store import Change, StoreNotUsable, StoreUnavailable
from gateway.audit.facts import AccessChanged
from gateway.cli.output import Exit, Stopped, clock_time, put_json, tell
from gateway.storage.access_store import StoredAccess
from gateway.storage.database import Database
from gateway.storage.opening import open_database
from gateway.storage.sign_in_store import StoredSignIns

Result = TypeVar("Result")


def add(config: Path, name: str, groups: list[str], *, identity: str, service: bool, as_json: bool) -> None:
    """Add somebody and print their login credential, this once."""
    credential = people.credential_of(secrets.token_bytes(people.CREDENTIAL_BYTES))
    _change(
        config,
        lambda change: people.add(
            change,
            by=who(),
            name=name,
            groups=groups,
            credential=credential,
            identity=identity,
            service=service,
        ),
    )
    _show_credential(name, credential, groups, as_json)


def invite(config: Path, name: str, as_json: bool) -> None:
    """Print an invitation, this once."""
    life = timedelta(seconds=load_settings(config, files=False).sign_in.invitation_seconds)
    made: list[tuple[str, Invitation]] = []

    async def write(database: Database) -> None:
        async with StoredSignIns(database).change() as change:
            made.append(await enrolment.invite(change, by=who(), name=name, now=datetime.now(UTC), life=life))
            await change.hand_over(enrolment.about_invitation(made[0][1]))

    _with_database(config, write)
    secret, invitation = made[0]
    show_invitation({"name": name, "invitation": secret, "ends_at": invitation.ends_at.isoformat()}, as_json)


def renew(config: Path, name: str, as_json: bool) -> None:
    """Print a new login credential; the old one no longer works."""
    credential = people.credential_of(secrets.token_bytes(people.CREDENTIAL_BYTES))
    _change(config, lambda change: people.renew_credential(change, by=who(), name=name, credential=credential))
    _show_credential(name, credential, None, as_json)


def entries(config: Path) -> list[dict[str, Any]]:
    """Everybody, with groups."""

    async def read(store: StoredAccess) -> tuple[Person, ...]:
        return await store.people()

    found = with_store(config, read)
    return [
        {
            "name": one.name,
            "groups": sorted(one.groups),
            "locked": one.locked,
            "service": one.service,
            "identity": one.identity,
        }
        for one in found
    ]


def set_groups(config: Path, name: str, wanted: list[str]) -> None:
    """Put a person into exactly these groups."""
    _change(config, lambda change: people.set_groups(change, by=who(), name=name, groups=wanted))


def set_locked(config: Path, name: str, *, locked: bool, reason: str) -> None:
    """Lock a person out, whose sessions and sign-ins end; or let them in again."""
    _change(config, lambda change: people.set_locked(change, by=who(), name=name, locked=locked, reason=reason))


def show_invitation(made: dict[str, Any], as_json: bool) -> None:
    """Say what to do with an invitation."""
    if as_json:
        put_json(made)
        return
    tell(f"{made['name']}'s invitation, shown this once, good until {clock_time(made['ends_at'])}:")
    tell(made["invitation"])
    tell(f"{made['name']} chooses a password with: pgcurfew enrol --api https://…")


def _change(config: Path, write: Callable[[Change], Awaitable[AccessChanged]]) -> None:
    async def change(store: StoredAccess) -> None:
        async with store.change() as open_change:
            await open_change.hand_over(await write(open_change))

    with_store(config, change)


def with_store(config: Path, work: Callable[[StoredAccess], Awaitable[Result]]) -> Result:
    """What `work` makes of the store that the settings name. Raises Stopped."""
    try:
        kept = load_settings(config, files=False).store
    except ConfigError as error:
        raise Stopped(Exit.USAGE, str(error), "name the gateway's settings with --config FILE") from None

    async def run() -> Result:
        database = await open_database(kept)
        try:
            return await work(StoredAccess(database))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except AccessRefused as refused:
        raise Stopped(Exit.REFUSED, refused.message, refused.hint, refused.cause) from None
    except (StoreNotUsable, StoreUnavailable) as error:
        raise Stopped(Exit.REFUSED, str(error), "check [store] in the settings, and whose file it is") from None


def _with_database(config: Path, work: Callable[[Database], Awaitable[None]]) -> None:
    async def on(store: StoredAccess) -> None:
        await work(store.database)

    with_store(config, on)


def _show_credential(name: str, credential: str, in_groups: list[str] | None, as_json: bool) -> None:
    if as_json:
        put_json({"name": name, **({} if in_groups is None else {"groups": in_groups}), "credential": credential})
        return
    tell(f"{name}'s login credential, shown this once:")
    tell(credential)
    tell(f"{name} signs in with: pgcurfew login --api https://… --name {name}")


def who() -> str:
    """The login on this host, marked as such: it is no person of the gateway."""
    try:
        return f"host:{getpass.getuser()}"
    except (KeyError, OSError):
        return "host"
