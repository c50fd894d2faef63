"""Keys come and go: added and published first, struck out when they leaked. These functions write within a `Change` and
return the fact that the caller has to record (in the gateway) or hand over (on the gateway's host)."""

from __future__ import annotations

from datetime import datetime

from gateway.access.errors import NotFound, NotPossible, NotValid
from gateway.access.keys import KEY_ID, SigningKey
from gateway.access.requests import plain_text
from gateway.access.store import Change
from gateway.access.tokens import said
from gateway.audit.facts import AccessChanged


async def add(
    change: Change, *, by: str, key_id: str, public: str, now: datetime, signs_from: datetime
) -> AccessChanged:
    """A new key, believed from now on and signing from `signs_from` on. Raises NotValid, NotPossible."""
    if not KEY_ID.fullmatch(key_id):
        raise NotValid(
            "key",
            f"{key_id[:63]!a} is not a key id",
            "letters, digits, dots, dashes and underscores, 63 at most, a letter or digit first",
        )
    if not await change.add_signing_key(SigningKey(key_id, public, now, signs_from)):
        raise NotPossible(
            "key-exists", f'there is a key "{key_id}", or this very key, already', 'see "pgcurfew keys list"'
        )
    return AccessChanged(what="key-added", by=by, key=key_id, reason=f"signs from {said(signs_from)}")


async def strike(change: Change, *, by: str, key_id: str, reason: str, now: datetime) -> AccessChanged:
    """The key is believed no longer, nor any token that it signed. Raises NotFound, NotPossible, NotValid."""
    note = plain_text(reason, "reason", required=True)
    if all(key.id != key_id for key in await change.signing_keys()):
        raise NotFound("key", "there is no such key", 'see "pgcurfew keys list"')
    if not await change.strike_signing_key(key_id, at=now, by=by, reason=note):
        raise NotPossible("key-struck", f'the key "{key_id}" was struck out before', 'see "pgcurfew keys list"')
    return AccessChanged(what="key-struck", by=by, key=key_id, reason=note)
