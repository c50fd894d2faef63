"""Everything by which people come in, put together: sign-ins, enrolment, the directory, and their endpoints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.routing import Route

from config.oidc import Oidc
from config.settings import Settings
from gateway.access.arrival import Arrivals, ArrivalTerms
from gateway.access.directory import Directory
from gateway.access.service import Access
from gateway.access.sign_in import SignIns
from gateway.access.sign_in_models import SignInTerms
from gateway.access.sign_in_store import SignInStore
from gateway.access.totp import SecretBox
from gateway.admin.endpoints import Endpoint, OpenEndpoint
from gateway.admin.pages import Pages
from gateway.admin.people_api import PeopleDesk, people_endpoints
from gateway.admin.provider import Provider
from gateway.admin.provider_doors import ProviderDoors
from gateway.admin.sign_in_api import Doors, sign_in_endpoints
from gateway.audit.facts import AccessChanged


class Front:
    """`endpoints` are served by the API, which asks `sign_ins` who calls."""

    def __init__(
        self,
        access: Access,
        store: SignInStore,
        clock: Callable[[], datetime],
        record: Callable[[AccessChanged], None],
        *,
        terms: SignInTerms,
        box: SecretBox | None,
        oidc: Oidc | None = None,
        public_url: str = "",
    ) -> None:
        self.sign_ins = SignIns(store, clock, record, terms, box)
        self.directory = Directory(access, self.sign_ins)
        self._provider = None
        if oidc is not None and oidc.on:
            provider = Provider(oidc, f"{public_url}/login/callback", clock)
            self._provider = ProviderDoors(self.sign_ins, Arrivals(self.sign_ins, arrival_terms(oidc)), provider)
        self._desk = PeopleDesk(self.directory, issuer="" if oidc is None else oidc.issuer or "")
        self._doors = Doors(self.sign_ins, self._provider)
        self._pages = Pages(self.sign_ins, self._provider)

    @property
    def endpoints(self) -> tuple[Endpoint | OpenEndpoint, ...]:
        return (*sign_in_endpoints(self._doors), *people_endpoints(self._desk))

    @property
    def pages(self) -> list[Route]:
        """What browsers are shown."""
        return self._pages.routes()

    def renew(self, settings: Settings) -> None:
        """Go on by these settings. Raises SecretUnavailable, and then nothing changed."""
        self.sign_ins.box = box_of(settings)
        self.sign_ins.terms = terms_of(settings)


def terms_of(settings: Settings) -> SignInTerms:
    """How signing in is set up."""
    section = settings.sign_in
    return SignInTerms(
        session=timedelta(seconds=section.session_seconds),
        invitation=timedelta(seconds=section.invitation_seconds),
        service_token=timedelta(seconds=section.service_token_seconds),
        issuer=settings.gateway.name,
    )


def arrival_terms(oidc: Oidc) -> ArrivalTerms:
    """What the provider's word means here."""
    return ArrivalTerms(dict(oidc.groups), frozenset(oidc.allowed_domains), oidc.add_people)


def box_of(settings: Settings) -> SecretBox | None:
    """What keeps second factors; None where nobody signs in by password. Raises SecretUnavailable."""
    key = settings.sign_in.key
    return None if key is None else SecretBox(key.read())
