"""The HTTPS API, as calls. What it refuses becomes `Stopped`, with its words and hint."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from config.settings import is_loopback
from gateway.cli.output import Exit, Stopped
from gateway.cli.profile import SIGN_IN, Profile, load_profile

TIMEOUT_SECONDS = 15.0


class Client:
    """A connection to the API of one gateway, as one person."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        host = urlsplit(profile.api).hostname or ""
        self._http = httpx.Client(
            base_url=profile.api,
            verify=trusted(profile.ca),
            headers={"Authorization": f"Bearer {profile.credential}"} if profile.credential else {},
            timeout=TIMEOUT_SECONDS,
            # A proxy of the environment is for other machines.
            trust_env=not is_loopback(host),
        )

    @classmethod
    def signed_in(cls) -> Self:
        """As who signed in with `pgcurfew login`. Raises Stopped."""
        return cls(load_profile())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, *path: str, **query: str | int | None) -> Any:
        """The JSON answer to GET. Raises Stopped."""
        return self._call("GET", path, params={key: value for key, value in query.items() if value is not None})

    def post(self, *path: str, body: dict[str, object] | None = None) -> Any:
        """The JSON answer to POST. Raises Stopped."""
        return self._call("POST", path, json=body or {})

    def stream(self, *path: str, last: str = "", **query: str | None) -> Iterator[tuple[str, str, str]]:
        """Server-sent events of GET: (name, id, data); ("", "", "") now and then when there are none. Ends when the
        gateway ends the stream. Raises Stopped."""
        address = "/v1/" + "/".join(quote(part, safe="") for part in path)
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        params = {key: value for key, value in query.items() if value is not None}
        try:
            with self._http.stream("GET", address, params=params, headers=headers) as response:
                if not response.is_success:
                    response.read()
                    raise self._refused(response)
                name = number = data = ""
                for line in response.iter_lines():
                    field, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    match field:
                        case "event":
                            name = value
                        case "id":
                            number = value
                        case "data":
                            data = value
                        case "" if line.startswith(":"):
                            yield "", "", ""
                        case "" if data:
                            yield name, number, data
                            name = data = ""
                        case _:
                            pass
        except httpx.ConnectError as error:
            raise _unreachable(self.profile, error) from None
        except httpx.HTTPError as error:
            raise Stopped(
                Exit.UNREACHABLE, f"the gateway at {self.profile.api} broke off: {error}", "try again"
            ) from None

    def _call(self, method: str, path: tuple[str, ...], **options: Any) -> Any:
        address = "/v1/" + "/".join(quote(part, safe="") for part in path)
        try:
            response = self._http.request(method, address, **options)
        except httpx.ConnectError as error:
            raise _unreachable(self.profile, error) from None
        except httpx.HTTPError as error:
            what = "did not answer in time" if isinstance(error, httpx.TimeoutException) else f"broke off: {error}"
            raise Stopped(Exit.UNREACHABLE, f"the gateway at {self.profile.api} {what}", "try again") from None
        try:
            content = response.json()
        except ValueError:
            content = None
        if response.is_success and content is not None:
            return content
        raise self._refused(response)

    def _refused(self, response: httpx.Response) -> Stopped:
        try:
            content = response.json()
        except ValueError:
            content = None
        if not isinstance(content, dict) or not isinstance(content.get("error"), str):
            message = f"{self.profile.api} answered {response.status_code} and is no pgcurfew API"
            return Stopped(Exit.UNREACHABLE, message, "check the address")
        code = Exit.NOT_SIGNED_IN if response.status_code == 401 else Exit.REFUSED
        return Stopped(code, content["error"], str(content.get("hint", "")), str(content.get("cause", "")))


def trusted(ca: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "no certificate in it"
        raise Stopped(Exit.UNREACHABLE, f"the certificate authority {ca} cannot be read: {reason}", SIGN_IN) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _unreachable(profile: Profile, error: httpx.ConnectError) -> Stopped:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Stopped(
            Exit.UNREACHABLE,
            f"the certificate of {profile.api} is not one to believe: {error}",
            "give the authority that signed it: pgcurfew login --ca FILE …",
            "certificate",
        )
    return Stopped(Exit.UNREACHABLE, f"no gateway answers at {profile.api}: {error}", "is it running? pgcurfew serve")
