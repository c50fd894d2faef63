"""keys list, rotate, strike, public: the keys that sign tokens, on the gateway's host.

Whoever can write the key directory and the store is an administrator already. What is changed here is handed over to
the running gateway, which records it before it acts on it: nothing has to be restarted or signalled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.durations import parse_duration
from config.load import load_settings
from config.problems import ConfigError
from config.settings import Settings
from gateway.access import rotation
from gateway.access.keys import KEY_ID, KeyState, SigningKey, public_text, published, states_at
from gateway.cli.ask import Reason, must_have_reason
from gateway.cli.output import Exit, Json, Stopped, clock_time, note, put_json, put_table, tell
from gateway.cli.people import who, with_store
from gateway.storage.access_store import StoredAccess

app = typer.Typer(help="The keys that sign tokens, on the gateway's host.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", envvar="PGCURFEW_CONFIG", help="The gateway's settings file.")]
DEFAULT = Path("pgcurfew.toml")


@app.command("list")
def list_keys(config: Config = DEFAULT, as_json: Json = False) -> None:
    """Every key there was: the one that signs, those that are believed, those that are not."""
    keys = with_store(config, _keys)
    now = datetime.now(UTC)
    states = states_at(keys, now)
    if as_json:
        put_json([_as_json(key, states) for key in keys])
        return
    rows = [(key.id, _in_words(key, states[key.id]), clock_time(key.signs_from.isoformat())) for key in keys]
    put_table(("key", "state", "signs from"), rows, nothing="no keys yet; the gateway adds its own when it starts")


@app.command()
def rotate(
    after: Annotated[
        str, typer.Option("--after", help="How long it is published before it signs; 0s: it signs at once.")
    ] = "5m",
    key_id: Annotated[str | None, typer.Option("--id", help="Its id; otherwise one with today's date.")] = None,
    config: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Make a new key. It is believed and published at once, and signs after a while; the one before is believed until
    the last token that it signed has ended. Private keys that sign no more are removed from the key directory."""
    try:
        wait = timedelta(seconds=parse_duration(after))
    except ValueError as error:
        raise Stopped(Exit.USAGE, f'--after "{after}": {error}', "such as --after 5m, or --after 0s") from None
    made = _rotate(config, key_id, wait)
    if as_json:
        put_json(_as_json(made, {made.id: KeyState.NEXT if wait else KeyState.SIGNING}))
        return
    tell(f"made: {made.id}, which signs from {clock_time(made.signs_from.isoformat())}")


@app.command()
def strike(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="A key's id, as in a token's kid.")],
    reason: Reason = "",
    config: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """A key has leaked: refuse its tokens from now on and end the sessions that they opened, within a second. Where it
    is the one that signs and the settings have a key directory, a new key takes its place at once."""
    must_have_reason(reason)
    settings = _settings(config)
    keys = with_store(config, _keys)
    now = datetime.now(UTC)
    others = [key for key in keys if key.id != key_id and key.struck_at is None and key.signs_from <= now]
    signs = states_at(keys, now).get(key_id) is KeyState.SIGNING

    async def change(store: StoredAccess) -> None:
        async with store.change() as opened:
            moment = datetime.now(UTC)
            await opened.hand_over(await rotation.strike(opened, by=who(), key_id=key_id, reason=reason, now=moment))

    successor: SigningKey | None = None
    if signs and settings.tokens.key_directory is not None:
        successor = _rotate(config, None, timedelta(0))
    with_store(config, change)
    if settings.tokens.key_directory is not None:
        (settings.tokens.key_directory / f"{key_id}.pem").unlink(missing_ok=True)
    if as_json:
        put_json({"id": key_id, "struck_reason": reason, "successor": successor.id if successor else None})
        return
    tell(f"struck out: {key_id}")
    if successor is not None:
        tell(f"made in its place: {successor.id}")
    elif signs and not others:
        note("no other key is known: give tokens.signing_key and tokens.key_id a new key, then send the gateway SIGHUP")


@app.command()
def public(config: Config = DEFAULT) -> None:
    """The public keys as JWKS (RFC 7517), as the API serves them at /.well-known/jwks.json."""
    keys = with_store(config, _keys)
    put_json({"keys": [key.jwk() for key in published(keys, datetime.now(UTC))]})


async def _keys(store: StoredAccess) -> tuple[SigningKey, ...]:
    return await store.signing_keys()


def _rotate(config: Path, key_id: str | None, wait: timedelta) -> SigningKey:
    directory = _settings(config).tokens.key_directory
    if directory is None:
        message = "the settings name no directory for new keys"
        raise Stopped(Exit.USAGE, message, 'set tokens.key_directory = "keys/tokens", and send the gateway SIGHUP')
    keys = with_store(config, _keys)
    now = datetime.now(UTC)
    key = SigningKey(key_id or _fresh_id(keys, now), "", now, now + wait)
    if not KEY_ID.fullmatch(key.id):
        raise Stopped(Exit.USAGE, f"{key.id!a} is not a key id", "letters, digits, dots, dashes and underscores")
    private = Ed25519PrivateKey.generate()
    path = directory / f"{key.id}.pem"

    async def change(store: StoredAccess) -> SigningKey:
        async with store.change() as opened:
            fact = await rotation.add(
                opened,
                by=who(),
                key_id=key.id,
                public=public_text(private.public_key()),
                now=now,
                signs_from=key.signs_from,
            )
            await opened.hand_over(fact)
            # Within: a gateway that reads the directory now asks the store about it only when this is committed.
            _write(path, private)
        return next(one for one in await store.signing_keys() if one.id == key.id)

    try:
        made = with_store(config, change)
    except Stopped:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    for old, state in states_at(keys, now).items():
        if state in (KeyState.BELIEVED, KeyState.OVER, KeyState.STRUCK):
            (directory / f"{old}.pem").unlink(missing_ok=True)
    return made


def _write(path: Path, private: Ed25519PrivateKey) -> None:
    """A file of mode 0600 from its first byte on, which nobody had before. Raises Stopped."""
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if os.geteuid() == 0:
                # The gateway reads it as whoever owns the directory.
                owner = path.parent.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        finally:
            beside.unlink()
    except FileExistsError:
        raise Stopped(Exit.REFUSED, f"{path} is there already", "give the new key another --id") from None
    except OSError as error:
        raise Stopped(Exit.REFUSED, f"{path} cannot be written: {error.strerror}", "whose directory is it?") from None


def _fresh_id(keys: tuple[SigningKey, ...], now: datetime) -> str:
    taken = {key.id for key in keys}
    day = f"{now:%Y-%m-%d}"
    return next(name for name in (day, *(f"{day}.{number}" for number in range(2, 1000))) if name not in taken)


def _settings(config: Path) -> Settings:
    try:
        return load_settings(config, files=False)
    except ConfigError as error:
        raise Stopped(Exit.USAGE, str(error), "name the gateway's settings with --config FILE") from None


def _as_json(key: SigningKey, states: Mapping[str, KeyState]) -> dict[str, object]:
    return {
        "id": key.id,
        "state": str(states[key.id]),
        "public": key.public,
        "added_at": key.added_at.isoformat(),
        "signs_from": key.signs_from.isoformat(),
        "last_token_ends_at": key.last_ends_at.isoformat() if key.last_ends_at else None,
        "struck_at": key.struck_at.isoformat() if key.struck_at else None,
        "struck_by": key.struck_by,
        "struck_reason": key.struck_reason,
    }


def _in_words(key: SigningKey, state: KeyState) -> str:
    match state:
        case KeyState.NEXT:
            return "next: published, signs later"
        case KeyState.SIGNING:
            return "signs"
        case KeyState.BELIEVED:
            assert key.last_ends_at is not None
            return f"believed until {clock_time(key.last_ends_at.isoformat())}"
        case KeyState.OVER:
            return "over"
        case KeyState.STRUCK:
            return f"struck out by {key.struck_by}: {key.struck_reason}"
