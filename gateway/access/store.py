"""The port to what is kept. `gateway.storage.access_store` implements it.

Its one rule: what a `Change` wrote is there after a power cut once the `async with` has
ended well, and none of it is there when it has not. Writes that depend on a state take
place only in that state and say whether they did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.access.keys import SigningKey
from gateway.access.models import (
    AccessRequest,
    Decision,
    Emergency,
    Grant,
    GrantState,
    IssuedToken,
    Person,
    RequestState,
    Standing,
)
from gateway.audit.facts import AccessChanged


class StoreNotUsable(Exception):
    """What is to be the store is none of ours, of a newer version, or cannot be opened."""


class StoreUnavailable(Exception):
    """The store cannot be read or written now: its disk is full, it cannot be reached, or it is locked too long.
    Nothing of the change took place."""


class OutcomeUnknown(StoreUnavailable):
    """The connection broke in the middle of a commit, and nobody could be asked since: the change took place as a
    whole or not at all."""


class StoreViolated(Exception):
    """The store's own last line of defence refused a change that should not have been tried."""


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which requests or grants to list, newest first: those of `person`, those for one of `roles`, and those
    for a role on a target among `places`; the first two None means all. `open_at` keeps what is pending, or
    scheduled or active, at that time."""

    person: str | None = None
    roles: frozenset[str] | None = None
    places: frozenset[tuple[str, str]] = frozenset()
    target: str | None = None
    open_at: datetime | None = None
    limit: int = 200
    #: The time and the id of the last one that was seen: the list goes on behind it.
    after: tuple[datetime, str] | None = None

    @property
    def everyone(self) -> bool:
        return self.person is None and self.roles is None


class AccessReader(Protocol):
    """Questions. Outside of a change they are answered from what is committed."""

    async def person(self, name: str) -> Person | None: ...
    async def people(self) -> tuple[Person, ...]: ...
    async def person_by_credential(self, digest: bytes) -> Person | None: ...
    async def request(self, request_id: str) -> AccessRequest | None: ...
    async def requests(self, which: ListFilter) -> tuple[AccessRequest, ...]: ...
    async def overdue_requests(self, now: datetime) -> tuple[AccessRequest, ...]: ...
    async def grant(self, grant_id: str) -> Grant | None: ...
    async def grants(self, which: ListFilter) -> tuple[Grant, ...]: ...
    async def overdue_grants(self, now: datetime) -> tuple[Grant, ...]: ...
    async def ending_grants(self, now: datetime, before: datetime) -> tuple[Grant, ...]:
        """Active grants that end by then, the first to end first; 1,000 at most."""
        ...

    async def live_grants(self, grant_ids: Collection[str], now: datetime) -> Mapping[str, datetime]:
        """When they end: those of these that give access now."""
        ...

    async def emergency(self, grant_id: str) -> Emergency | None: ...
    async def open_emergencies(self, *, due_before: datetime | None = None) -> tuple[Emergency, ...]:
        """Those that nobody has reviewed, the earliest due first; with `due_before` only those that are overdue
        then and have locked nobody out yet."""
        ...

    async def latest(self) -> datetime:
        """The time that was noted last; 1970 when none was."""
        ...

    async def standing(self, token_id: str) -> Standing | None: ...
    async def at_the_door(self, token_id: str) -> tuple[Standing | None, bool]:
        """Its standing, and whether something was handed over: both from one look."""
        ...

    async def token(self, token_id: str) -> IssuedToken | None: ...
    async def tokens_of(self, grant_id: str, limit: int = 1000) -> tuple[IssuedToken, ...]:
        """Those of a grant, newest first."""
        ...

    async def void_tokens(self, token_ids: Collection[str]) -> frozenset[str]:
        """Which of these were revoked, or signed by a key that was struck out."""
        ...

    async def signing_keys(self) -> tuple[SigningKey, ...]: ...
    async def handed_over(self) -> tuple[tuple[int, AccessChanged], ...]: ...


class Change(AccessReader, Protocol):
    """One transaction. Nobody else writes while it is open; its reads see its writes."""

    async def add_person(self, person: Person, credential: bytes) -> bool:
        """Keep a new person with the SHA-256 of the credential; False when the name is taken."""
        ...

    async def set_credential(self, name: str, credential: bytes) -> bool: ...
    async def set_groups(self, name: str, groups: frozenset[str]) -> bool: ...
    async def set_locked(self, name: str, locked: bool) -> bool:
        """Lock or unlock; False when the person is not there or is so already."""
        ...

    async def add_request(self, request: AccessRequest) -> None: ...
    async def edit_request(self, request: AccessRequest) -> bool:
        """Put this version of a request in the place of the one before; False when that is not the one that
        is kept, or not pending."""
        ...

    async def add_decision(self, decision: Decision) -> bool:
        """Keep a decision on a version of a pending request; False when it is not pending or of another
        version, or this person decided before."""
        ...

    async def move_request(self, request_id: str, to: RequestState) -> bool:
        """Move a request out of pending; False when it was not pending."""
        ...

    async def add_grant(self, grant: Grant) -> bool:
        """Keep the grant of a request; False when the request has one."""
        ...

    async def revoke_grant(self, grant_id: str, *, at: datetime, by: str, reason: str) -> bool:
        """Revoke a grant that is scheduled or active at `at`; False otherwise."""
        ...

    async def end_grant(self, grant_id: str, *, at: datetime, as_: GrantState = GrantState.ENDED) -> bool:
        """Write down that a grant has ENDED by itself, has LAPSED, or is DONE with; False when that is not so
        (of DONE: when it is over already)."""
        ...

    async def use_grant(self, grant_id: str, *, at: datetime) -> bool:
        """Write down that an active grant was used for the first time; False otherwise."""
        ...

    async def extend_grant(self, grant_id: str, *, at: datetime, was: datetime, to: datetime) -> bool:
        """Move the end of a grant that is active at `at` from `was` to `to`; False otherwise."""
        ...

    async def add_emergency(self, emergency: Emergency) -> None: ...
    async def review_emergency(self, grant_id: str, *, at: datetime, by: str, text: str) -> bool:
        """Keep the review; False when there is one already."""
        ...

    async def emergency_locked(self, grant_id: str, *, at: datetime) -> bool:
        """Write down that its person was locked out for it; False when that was so already."""
        ...

    async def note_latest(self, now: datetime) -> None:
        """Write down the time."""
        ...

    async def add_token(self, token: IssuedToken) -> None: ...
    async def use_token(self, token_id: str, *, at: datetime) -> bool:
        """Write down that the token has opened a session; False when it was used before, or revoked."""
        ...

    async def revoke_token(self, token_id: str, *, at: datetime, by: str, reason: str) -> bool:
        """Revoke a token; False when it was revoked before."""
        ...

    async def add_signing_key(self, key: SigningKey) -> bool:
        """Keep a new key; False when its id or the key itself is there already."""
        ...

    async def strike_signing_key(self, key_id: str, *, at: datetime, by: str, reason: str) -> bool:
        """Strike a key out; False when it was before."""
        ...

    async def hand_over(self, fact: AccessChanged) -> None:
        """Keep a fact for the running gateway to record: for changes made by another process."""
        ...

    async def taken_over(self, numbers: Sequence[int]) -> None:
        """The handed-over facts of these numbers are recorded."""
        ...


class AccessStore(AccessReader, Protocol):
    """What is kept, and the way to change it."""

    def change(self) -> AbstractAsyncContextManager[Change]: ...
