"""Everything by which people come in, put together: sign-ins, enrolment, the directory, and their endpoints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from config.settings import Settings
from gateway.access.directory import Directory
from gateway.access.service import Access
from gateway.access.sign_in import SignIns
from gateway.access.sign_in_models import SignInTerms
from gateway.access.sign_in_store import SignInStore
from gateway.access.totp import SecretBox
from gateway.admin.endpoints import Endpoint, OpenEndpoint
from gateway.admin.people_api import PeopleDesk, people_endpoints
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
    ) -> None:
        self.sign_ins = SignIns(store, clock, record, terms, box)
        self.directory = Directory(access, self.sign_ins)
        self._desk = PeopleDesk(self.directory)
        self._doors = Doors(self.sign_ins)

    @property
    def endpoints(self) -> tuple[Endpoint | OpenEndpoint, ...]:
        return (*sign_in_endpoints(self._doors), *people_endpoints(self._desk))

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


def box_of(settings: Settings) -> SecretBox | None:
    """What keeps second factors; None where nobody signs in by password. Raises SecretUnavailable."""
    key = settings.sign_in.key
    return None if key is None else SecretBox(key.read())
