"""Decisions on requests: approved, denied; and the grant that the last approval makes."""

from __future__ import annotations

from datetime import datetime, timedelta

from config.durations import format_duration
from gateway.access import grants, permissions, requests
from gateway.access.errors import NotPossible, NotValid
from gateway.access.extent import Extent, fitting_extent
from gateway.access.facts import about_grant, about_request
from gateway.access.models import AccessRequest, Decision, GrantMove, How, Person, RequestMove, RoleTerms, Vote
from gateway.access.office import Office, known_grant, known_request, must
from gateway.access.permissions import Action, Denied, RequestFor
from gateway.access.store import Change


class Deciding:
    """The part of `Access` where reviewers decide."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def approve(
        self,
        person: Person,
        request_id: str,
        *,
        reason: str = "",
        version: int = 1,
        seconds: int | None = None,
        extent: Extent | None = None,
    ) -> AccessRequest:
        """The request after this approval of that version of it, for less where `seconds` or `extent` say
        so; with the last one that its role demands comes the grant, whose clock starts now. Raises NotFound,
        NotPermitted, NotPossible, NotValid."""
        office = self._office
        note = requests.plain_text(reason, "reason")
        async with office.store.change() as change:
            now = office.clock()
            request = await self._decidable(change, person, request_id, Action.APPROVE, now, version)
            terms = office.terms(request.role)
            assert terms is not None, "a reviewer was found in the terms"
            await self._still_grantable(change, request, terms, now)
            decision = Decision(
                request.id,
                person.name,
                Vote.APPROVE,
                note,
                now,
                version,
                _less_time(request, seconds),
                _less(request, extent, terms),
            )
            await self._decide(change, decision)
            office.record(about_request(request, "approved", person.name, note))
            request = await known_request(change, request.id)
            people = await self._people(change, request)
            approvers = permissions.standing_approvers(request, terms, people)
            requests.agreed(request, approvers)
            if permissions.enough(approvers, terms, request.target, people):
                await self._give(change, request, terms, approvers, now)
                request = await known_request(change, request.id)
        return request

    async def deny(self, person: Person, request_id: str, *, reason: str) -> AccessRequest:
        """The request, denied with a reason, whatever version it has. Raises as `approve`."""
        office = self._office
        note = requests.plain_text(reason, "reason", required=True)
        async with office.store.change() as change:
            now = office.clock()
            request = await self._decidable(change, person, request_id, Action.DENY, now)
            after = requests.moved(request, RequestMove.DENY, now)
            await self._decide(change, Decision(request.id, person.name, Vote.DENY, note, now, request.version))
            must(await change.move_request(request.id, after))
            office.record(about_request(request, "denied", person.name, note))
            return await known_request(change, request.id)

    async def _decidable(
        self,
        change: Change,
        person: Person,
        request_id: str,
        action: Action,
        now: datetime,
        version: int | None = None,
    ) -> AccessRequest:
        office = self._office
        request = await office.visible_request(change, person, request_id)
        requests.moved(request, RequestMove.APPROVE if action is Action.APPROVE else RequestMove.DENY, now)
        about = about_request(request, action, person.name)
        asker = await change.person(request.person)
        office.permit(person, action, RequestFor(request, office.terms(request.role), asker), about)
        if version not in (None, request.version):
            raise NotPossible(
                "request-edited",
                f"this is version {request.version} of the request, and version {version} was looked at: "
                f"it was edited since",
                f"look at it again, then approve {request.reference}",
            )
        return request

    async def _people(self, change: Change, request: AccessRequest) -> dict[str, Person]:
        """Who asked and who decided, as they are now."""
        names = {request.person, *(decision.by for decision in request.decisions)}
        found = [await change.person(name) for name in sorted(names)]
        return {person.name: person for person in found if person is not None}

    async def _decide(self, change: Change, decision: Decision) -> None:
        if not await change.add_decision(decision):
            raise NotPossible("decided", "the request was decided in the meantime", 'see "pgcurfew requests --all"')

    async def _still_grantable(self, change: Change, request: AccessRequest, terms: RoleTerms, now: datetime) -> None:
        """The terms, the requester or the grant may have changed since the request was made."""
        hint = "deny it, and let them ask again"
        asker = await change.person(request.person)
        if asker is None:
            raise NotPossible("requester", f'there is no "{request.person}" any more', hint)
        answer = permissions.may(asker, Action.REQUEST, terms)
        if isinstance(answer, Denied):
            raise NotPossible("requester", f'"{request.person}" may not have this role now: {answer.reason}', hint)
        changed = NotPossible("terms", f'the terms of the role "{request.role}" have changed since', hint)
        if request.target not in terms.targets or request.seconds > terms.max_seconds:
            raise changed
        try:
            fitting_extent(request.extent, terms.shown, terms.role)
            if request.extends is not None:
                grant = await known_grant(change, request.extends)
                grants.moved(grant, GrantMove.EXTEND, now)
                requests.fitting_extension(grant, request.seconds, terms)
        except NotValid as unfit:
            raise changed from unfit

    async def _give(
        self, change: Change, request: AccessRequest, terms: RoleTerms, approvers: tuple[str, ...], now: datetime
    ) -> None:
        """The grant that is new, or longer now."""
        if request.extends is None:
            await self._office.give(change, request, approvers, How.APPROVED, now)
            return
        grant = await known_grant(change, request.extends)
        seconds, _ = requests.agreed(request, approvers)
        ends_at = grant.ends_at + timedelta(seconds=requests.fitting_extension(grant, seconds, terms))
        must(await change.move_request(request.id, requests.moved(request, RequestMove.APPROVE, now)))
        must(await change.extend_grant(grant.id, at=now, was=grant.ends_at, to=ends_at))
        grant = await known_grant(change, grant.id)
        self._office.record(about_grant(grant, "extended", ", ".join(approvers), request.reason))


def _less_time(request: AccessRequest, seconds: int | None) -> int | None:
    """So many seconds and no more. Raises NotValid for more than was asked."""
    if seconds is None or seconds == request.seconds:
        return None
    if not requests.SHORTEST_SECONDS <= seconds <= request.seconds:
        raise NotValid(
            "duration",
            f"{format_duration(request.seconds)} was asked for, and no more can be approved",
            f"approve for {format_duration(request.seconds)} or less",
        )
    return seconds


def _less(request: AccessRequest, extent: Extent | None, terms: RoleTerms) -> Extent | None:
    """This part of it and no more. Raises NotValid for more than was asked."""
    if extent is None or extent == request.extent:
        return None
    if request.extends is not None:
        raise NotValid("extension", "an extension changes nothing but the end", "approve it for less time, or deny it")
    if extent.whole or not extent.within(request.extent):
        raise NotValid("extent", "only what was asked for can be approved, or less of it", "name some of its relations")
    return fitting_extent(extent, terms.shown, terms.role)
