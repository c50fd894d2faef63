"""What a client's startup packet may ask for, and what the upstream's will say."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.settings import Limits, Target
from masking.policy import RolePolicy
from masking.search_path import listed
from masking.settings_list import OptionsError, may_start_with, parse_options
from masking.verdict import Refusal

#: Named by the client for the gateway, not for the upstream.
FOR_THE_GATEWAY = ("user", "database", "options", "application_name", "fallback_application_name", "replication")
#: PostgreSQL truncates names at this length (NAMEDATALEN - 1).
LONGEST_NAME = 63
#: So many names of parameters are recorded of a packet that was not understood.
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Arrival:
    """A startup packet that was understood."""

    user: str
    database: str
    application_name: str
    #: Settings of the client's own for the upstream, all of them on the list.
    settings: tuple[tuple[str, str], ...]


def arrival(parameters: Mapping[str, str]) -> Arrival | Refusal:
    """Who wants to go where, or why not. Unknown parameters are refused by name."""
    replication = parameters.get("replication")
    if replication is not None and not may_start_with("replication", replication):
        return Refusal("0A000", "replication", "pgcurfew does not pass on replication connections")
    user = parameters.get("user", "")
    if not user:
        return Refusal("28000", "no-user", "no PostgreSQL user name specified in startup packet")
    settings: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if name in ("user", "database", "options") or name.startswith("_pq_."):
            continue
        if not may_start_with(name, value):
            return Refusal(
                "42501",
                "startup-parameter",
                f'startup parameter "{name[:LONGEST_NAME]}" may not be set to this value',
                hint="Connect without it; SET works for the settings that a session may change.",
            )
        if name not in FOR_THE_GATEWAY:
            settings.append((name.lower(), value))
    try:
        settings += parse_options(parameters.get("options", ""))
    except OptionsError as error:
        return Refusal("42501", "startup-options", str(error))
    named = parameters.get("application_name") or parameters.get("fallback_application_name", "")
    return Arrival(user, parameters.get("database") or user, named, tuple(settings))


def asked_for(parameters: Mapping[str, str], arrived: Arrival | Refusal) -> dict[str, str]:
    """What the record says of a startup packet besides user and database. Of one that was not understood, the names
    alone: nobody knows what their values hold."""
    if isinstance(arrived, Arrival):
        named = {"application_name": arrived.application_name} if arrived.application_name else {}
        return {**dict(arrived.settings), **named}
    names = [name[:LONGEST_NAME] for name in parameters if name not in ("user", "database")]
    return dict.fromkeys(names[:MOST_NAMES], "")


def mask_key(master: bytes, grant: str) -> str:
    """The key of this grant's pseudonyms: stable within the grant, useless outside it."""
    return hmac.new(master, b"pgcurfew mask key\0" + grant.encode(), hashlib.sha256).hexdigest()


def pins(
    arrived: Arrival,
    policy: RolePolicy,
    target: Target,
    limits: Limits,
    *,
    session: str,
    key: str,
    path: Sequence[str] | None = None,
) -> dict[str, str]:
    """The settings of the upstream's startup packet. The gateway's come last and win; in the startup
    packet they survive RESET ALL and DISCARD ALL. `path` is what became of the search_path that was wished for."""
    wished = {name: value for name, value in arrived.settings if name not in ("statement_timeout",)}
    pinned = {
        "client_encoding": "UTF8",
        "standard_conforming_strings": "on",
        # pg_temp last, or a temporary object would come before every other.
        "search_path": listed(path or (*target.search_path, "pg_temp")),
        "application_name": f"pgcurfew/{session}/{arrived.user}"[:LONGEST_NAME],
        "idle_in_transaction_session_timeout": str(limits.idle_in_transaction_seconds * 1000),
        policy.mask_key_setting: key,
    }
    if limits.idle_seconds:
        pinned["idle_session_timeout"] = str(limits.idle_seconds * 1000)
    if policy.read_only:
        pinned["default_transaction_read_only"] = "on"
    own_timeout = next((value for name, value in arrived.settings if name == "statement_timeout"), None)
    if limits.statement_timeout_seconds:
        pinned["statement_timeout"] = str(limits.statement_timeout_seconds * 1000)
    elif own_timeout is not None:
        pinned["statement_timeout"] = own_timeout
    return {**wished, **pinned}
