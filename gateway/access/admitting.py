"""The door's side of access: who comes in with a token, who may stay, who has left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime

from gateway.access import bindings, door
from gateway.access.crowd import Crowd, HouseLimits
from gateway.access.errors import AdmissionRefused
from gateway.access.models import Admission, GrantEnded, GrantState, IssuedToken, Standing
from gateway.access.office import Office
from gateway.access.store import StoreUnavailable
from gateway.access.token_desk import TokenDesk
from gateway.access.tokens import Claims
from gateway.audit.journal import RecordUnavailable


class Admitting:
    """The part of `Access` that lets people in. Counts sessions; one read of the store for each who comes, and a
    write for tokens that are good once. `take_over` records what another process has changed."""

    def __init__(
        self,
        office: Office,
        tokens: TokenDesk,
        take_over: Callable[[], Awaitable[None]],
        limits: HouseLimits,
    ) -> None:
        self._office = office
        self._tokens = tokens
        self._take_over = take_over
        self.limits = limits
        self._crowd = Crowd()

    async def admit(self, token: str, *, user: str, database: str, client: str, certificate: str = "") -> Admission:
        """Let somebody in who shows a token as password, or raise AdmissionRefused. `client` is the address and
        port of the other side, `certificate` the thumbprint of what it showed to TLS. The caller
        hands the admission back with `leave`, and hears of its early end through `subscribe`."""
        try:
            claims = await self._tokens.verify(token)
            standing = await self._standing(claims.token_id)
            admission = self._judge(claims, standing, user, database, client, certificate)
            if admission.grant.used_at is None:
                # Written down before anybody is let in; then looked at again: it may be over meanwhile.
                async with self._office.store.change() as change:
                    await change.use_grant(admission.grant.id, at=self._office.clock())
                standing = await self._standing(claims.token_id)
                admission = self._judge(claims, standing, user, database, client, certificate)
            if standing is not None and standing.token.once:
                await self._use(claims, admission, standing.token)
                # Somebody may have ended the grant while that was written.
                standing = _unused(await self._standing(claims.token_id))
                admission = self._judge(claims, standing, user, database, client, certificate)
        except (StoreUnavailable, RecordUnavailable) as error:
            # Nobody comes in who cannot be checked. The cause is chained for the log.
            raise AdmissionRefused(
                "unavailable", "57P03", "the gateway cannot check tokens at the moment", "try again soon"
            ) from error
        self._crowd.came(admission, self._office.clock())
        return admission

    def leave(self, admission: Admission) -> None:
        """The session of this admission is over."""
        self._crowd.left(admission)

    async def still_valid(
        self, grant_ids: Collection[str], token_ids: Collection[str] = ()
    ) -> Mapping[str, datetime | None]:
        """Which of these grants give access now, each with its end, and which of these tokens were not revoked: for
        the periodic check of live sessions, which also catches what another process wrote."""
        await self._take_over()
        store = self._office.store
        valid: dict[str, datetime | None] = {}
        if grant_ids:
            valid |= await store.live_grants(grant_ids, self._office.clock())
        if token_ids:
            valid |= dict.fromkeys(set(token_ids) - await store.void_tokens(token_ids))
        return valid

    async def look_again(self) -> None:
        """Tell of grants with open sessions that are over: another gateway on the same store has written something.
        The periodic check would find them too, a little later and without the reason."""
        open_now, now = list(self._crowd.by_grant), self._office.clock()
        if not open_now:
            return
        await self._take_over()
        store = self._office.store
        valid = await store.live_grants(open_now, now)
        for grant_id in set(open_now) - set(valid):
            grant = await store.grant(grant_id)
            if grant is None:
                continue
            match grant.state_at(now):
                case GrantState.REVOKED:
                    ended = GrantEnded(grant.id, "grant-revoked", grant.revoked_by or "", grant.revoked_reason or "")
                case GrantState.DONE:
                    ended = GrantEnded(grant.id, "grant-done", grant.person, "")
                case GrantState.ENDED | GrantState.LAPSED | GrantState.SCHEDULED:
                    continue  # its own clock ends it
                case _:
                    ended = GrantEnded(grant.id, "person-locked", "", "")
            self._office.tell(ended)

    async def _standing(self, token_id: str) -> Standing | None:
        """What the store knows of the token, read again if something had to be taken over first, or if a
        grant was ended meanwhile: a listener that has been told already would not hear of this session."""
        while True:
            told = self._office.told
            standing, waiting = await self._office.store.at_the_door(token_id)
            if waiting:
                await self._take_over()
            elif told == self._office.told:
                return standing

    def _judge(
        self, claims: Claims, standing: Standing | None, user: str, database: str, client: str, certificate: str
    ) -> Admission:
        now = self._office.clock()
        admission = door.admission(
            claims,
            standing,
            user=user,
            database=database,
            now=now,
            terms=self._office.terms(standing.grant.role) if standing else None,
            open_sessions=self._crowd.by_grant[claims.grant],
            session_limit=self.limits.per_grant,
            client=client,
            certificate=certificate,
            open_by_token=self._crowd.by_token[claims.token_id],
        )
        self._crowd.check(claims, admission.grant.target, self.limits, now)
        return admission

    async def _use(self, claims: Claims, admission: Admission, token: IssuedToken) -> None:
        if not await self._tokens.use(admission.grant, token):
            first = bindings.used(None)
            raise AdmissionRefused(
                first.cause, first.sqlstate, first.message, first.hint, token_id=claims.token_id, person=claims.person
            )


def _unused(standing: Standing | None) -> Standing | None:
    """As it was before we wrote down that its token was used."""
    return None if standing is None else replace(standing, token=replace(standing.token, used_at=None))
