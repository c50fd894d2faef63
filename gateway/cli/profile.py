"""Who is signed in where: login.toml in $PGCURFEW_HOME (or ~/.config/pgcurfew), mode 0600."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.output import Exit, Stopped

SIGN_IN = "sign in with: pgcurfew login --api https://… --name NAME"


@dataclass(frozen=True, slots=True)
class Profile:
    """One sign-in. `ca` is the PEM file that the gateway's certificate must come from; without
    it the system's authorities are believed."""

    api: str
    name: str
    credential: str = field(repr=False)
    ca: str | None = None


def home() -> Path:
    """The folder with login.toml."""
    chosen = os.environ.get("PGCURFEW_HOME")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pgcurfew"


def load_profile() -> Profile:
    """The sign-in that `pgcurfew login` kept. Raises Stopped."""
    path = home() / "login.toml"
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise Stopped(Exit.NOT_SIGNED_IN, f"{path} can be read by others", f"chmod 600 {path}")
            values = tomllib.load(file)
    except FileNotFoundError:
        raise Stopped(Exit.NOT_SIGNED_IN, "you are not signed in", SIGN_IN) from None
    except (OSError, ValueError) as error:
        raise Stopped(Exit.NOT_SIGNED_IN, f"{path} cannot be read: {error}", SIGN_IN) from None
    texts = {key: value for key, value in values.items() if isinstance(value, str)}
    if not {"api", "name", "credential"} <= set(texts) or not set(values) <= {"api", "name", "credential", "ca"}:
        raise Stopped(Exit.NOT_SIGNED_IN, f"{path} is not a login file of this version", SIGN_IN)
    if not texts["credential"]:
        raise Stopped(Exit.NOT_SIGNED_IN, "you signed out", "sign in with: pgcurfew login")
    return Profile(texts["api"], texts["name"], texts["credential"], texts.get("ca"))


def last_profile() -> Profile | None:
    """Where one signed in last, with nothing to sign in with; None: nowhere yet."""
    try:
        values = tomllib.loads((home() / "login.toml").read_text())
        ca = values.get("ca")
        return Profile(str(values["api"]), str(values["name"]), "", None if ca is None else str(ca))
    except (OSError, ValueError, KeyError):
        return None


def save_profile(profile: Profile) -> Path:
    """Keep the sign-in, readable by its owner alone from the first byte on."""
    folder = home()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    values = {"api": profile.api, "ca": profile.ca, "name": profile.name, "credential": profile.credential}
    # A JSON string with non-ASCII escaped is a TOML basic string.
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items() if value is not None)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".login-")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    path = folder / "login.toml"
    Path(temporary).replace(path)
    return path
