"""The few pages of a browser: sign in, see where one is signed in, sign out.

Cookies are `__Host-`, HttpOnly, Secure and SameSite=Lax; the API does not look at them. Each form carries
a token that only a page of ours, read with the same cookie, can know. Nothing here redirects to an
address that came in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.access.errors import AccessRefused, NotPossible, NotSignedIn, TooMany
from gateway.access.scopes import Caller
from gateway.access.sign_in import SignIns
from gateway.access.sign_in_models import Kind, SignedIn
from gateway.access.store import StoreUnavailable
from gateway.admin.answers import Refused
from gateway.admin.endpoints import body_of
from gateway.admin.provider import ProviderFailed
from gateway.admin.provider_doors import ProviderDoors
from gateway.admin.sign_in_api import came
from gateway.audit.journal import RecordUnavailable

log = structlog.get_logger(__name__)

SESSION: Final = "__Host-pgcurfew"
#: Held by who is not signed in yet: ties a form, and the way back from the provider, to this browser.
VISITOR: Final = "__Host-pgcurfew-visitor"
WEB: Final = frozenset({Kind.WEB})
_VISITOR_BYTES: Final = 32


class Pages:
    """The routes of the pages. `provider` is None where there is none."""

    def __init__(self, sign_ins: SignIns, provider: ProviderDoors | None) -> None:
        self._sign_ins = sign_ins
        self._provider = provider
        folder = resources.files("gateway.admin").joinpath("templates")
        names = ("frame.html", "login.html", "home.html", "said.html")
        self._templates = Environment(
            loader=DictLoader({name: folder.joinpath(name).read_text("utf-8") for name in names}),
            autoescape=True,
            undefined=StrictUndefined,
        )
        self._style = folder.joinpath("pages.css").read_text("utf-8")

    def routes(self) -> list[Route]:
        """All of them, each open at the API's door: they ask for their own cookie."""
        return [
            Route("/", self._page(self.home), methods=["GET"]),
            Route("/login", self._page(self.login), methods=["GET"]),
            Route("/login", self._page(self.by_password), methods=["POST"]),
            Route("/login/provider", self._page(self.leave), methods=["POST"]),
            Route("/login/callback", self._page(self.come_back), methods=["GET"]),
            Route("/logout", self._page(self.logout), methods=["POST"]),
            Route("/sign-ins/end", self._page(self.end), methods=["POST"]),
            Route("/pages.css", self.style, methods=["GET"]),
        ]

    async def home(self, request: Request) -> Response:
        caller = await self._caller(request)
        if caller is None:
            return _to("/login")
        sign_ins = await self._sign_ins.of(caller.person, caller.person.name)
        return await self._shown(
            "home.html",
            csrf=_csrf(request.cookies[SESSION]),
            person=caller.person,
            groups=sorted(caller.person.groups),
            sign_ins=sign_ins,
            current=caller.sign_in,
        )

    async def login(self, request: Request) -> Response:
        if await self._caller(request) is not None:
            return _to("/")
        return await self._login_form(request)

    async def by_password(self, request: Request) -> Response:
        form = await self._form(request, VISITOR)
        try:
            signed_in = await self._sign_ins.with_password(
                form.get("name", "")[:63],
                form.get("password", "")[:1024],
                form.get("code", "")[:64],
                came(request),
                Kind.WEB,
            )
        except TooMany as refused:
            return await self._login_form(request, f"{refused.message}: {refused.hint}", 429)
        except AccessRefused as refused:
            status = 401 if isinstance(refused, NotSignedIn) else 403
            return await self._login_form(request, refused.message, status)
        return _signed_in(signed_in)

    async def leave(self, request: Request) -> Response:
        await self._form(request, VISITOR)
        return _to(await self._providers().leave(request.cookies[VISITOR], came(request)))

    async def come_back(self, request: Request) -> Response:
        query, doors = request.query_params, self._providers()
        state, cookie = query.get("state", ""), request.cookies.get(VISITOR, "")
        if "error" in query:
            why = query["error"][:100]
            await doors.gone(state, why if why.isascii() and why.isprintable() else "?", came(request))
            raise NotSignedIn("provider", "the identity provider did not sign you in", "begin again")
        signed_in = await doors.come_back(
            cookie, state=state, code=query.get("code", ""), issuer=query.get("iss", ""), came=came(request)
        )
        return _signed_in(signed_in)

    async def logout(self, request: Request) -> Response:
        await self._form(request, SESSION)
        caller = await self._caller(request)
        if caller is not None:
            await self._sign_ins.sign_out(caller)
        response = _to("/login")
        _drop(response, SESSION)
        return response

    async def end(self, request: Request) -> Response:
        form = await self._form(request, SESSION)
        caller = await self._caller(request)
        if caller is None:
            return _to("/login")
        await self._sign_ins.end(caller.person, caller.person.name, form.get("id", ""))
        return _to("/")

    async def style(self, request: Request) -> Response:
        return Response(self._style, media_type="text/css", headers={"X-Content-Type-Options": "nosniff"})

    # Within

    def _page(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            try:
                return await handler(request)
            except (AccessRefused, Refused) as refused:
                match refused:
                    case Refused():
                        status = refused.status
                    case NotSignedIn():
                        status = 401
                    case TooMany():
                        status = 429
                    case NotPossible():
                        status = 503 if refused.cause == "provider" else 409
                    case _:
                        status = 403
                return await self._shown("said.html", status, message=refused.message, hint=refused.hint)
            except (RecordUnavailable, StoreUnavailable) as error:
                log.error("page.failed", path=request.url.path, error=str(error))
                message = "nothing was changed: the record or the store cannot be written"
                return await self._shown("said.html", 503, message=message, hint="tell an administrator")

        return page

    async def _caller(self, request: Request) -> Caller | None:
        caller = await self._sign_ins.caller(request.cookies.get(SESSION, ""), WEB)
        return None if caller is None or caller.person.locked else caller

    async def _form(self, request: Request, cookie: str) -> dict[str, str]:
        """The fields of a form that a page of ours made for the holder of this cookie. Raises Refused."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise Refused(415, "content-type", "this is no form of ours")
        try:
            pairs = parse_qsl((await body_of(request)).decode("ascii"), max_num_fields=20, keep_blank_values=True)
        except ValueError:
            raise Refused(422, "form", "this is no form of ours") from None
        form = dict(pairs)
        held = request.cookies.get(cookie, "")
        # Browsers say where a form was sent from; the token is what decides.
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "csrf", "the form was sent from another site", "open the page again")
        if not held or not hmac.compare_digest(_csrf(held).encode(), form.get("csrf", "").encode("utf-8", "replace")):
            raise Refused(403, "csrf", "the form is too old, or was not made for this browser", "open the page again")
        return form

    async def _login_form(self, request: Request, message: str = "", status: int = 200) -> Response:
        held = request.cookies.get(VISITOR, "")
        visitor = held if len(held) == 43 and held.isascii() else secrets.token_urlsafe(_VISITOR_BYTES)
        response = await self._shown(
            "login.html",
            status,
            csrf=_csrf(visitor),
            message=message,
            password=self._sign_ins.box is not None,
            provider="" if self._provider is None else self._provider.provider.settings.label,
        )
        if visitor != held:
            _give(response, VISITOR, visitor)
        return response

    async def _shown(self, template: str, status: int = 200, **values: Any) -> Response:
        origins = "'self'"
        if self._provider is not None and template == "login.html":
            try:
                # Browsers hold a form's redirect to form-action as well.
                origins += f" {await self._provider.provider.origin()}"
            except ProviderFailed as error:
                log.warning("oidc.unreachable", reason=str(error))
        policy = f"default-src 'none'; style-src 'self'; form-action {origins}; base-uri 'none'; frame-ancestors 'none'"
        return Response(
            self._templates.get_template(template).render(values),
            status,
            media_type="text/html",
            headers={
                "Content-Security-Policy": policy,
                "Cache-Control": "no-store",
                "Referrer-Policy": "same-origin",
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
                "Cross-Origin-Opener-Policy": "same-origin",
            },
        )

    def _providers(self) -> ProviderDoors:
        if self._provider is None:
            raise Refused(404, "no-provider", "no identity provider is set up here")
        return self._provider


def _csrf(cookie: str) -> str:
    """The token of the forms that the holder of this cookie is given."""
    return hashlib.sha256(b"pgcurfew form:" + cookie.encode("utf-8", "replace")).hexdigest()


def _signed_in(signed_in: SignedIn) -> Response:
    """Always a new cookie: one that was there before, whoever put it there, is not the one that is signed in."""
    response = _to("/")
    _give(response, SESSION, signed_in.secret)
    _drop(response, VISITOR)
    return response


def _to(address: str) -> Response:
    # 303: whatever the form was sent with, the next address is only looked at (RFC 9110, 15.4.4).
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})


def _give(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, secure=True, httponly=True, samesite="lax", path="/")


def _drop(response: Response, name: str) -> None:
    response.delete_cookie(name, secure=True, httponly=True, samesite="lax", path="/")
