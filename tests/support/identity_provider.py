"""An identity provider for tests: oidc-provider-mock over TLS, made stricter (PKCE is demanded and checked)
and able to confirm on another device (RFC 8628)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import jwt
import werkzeug.serving

from gateway.demo.certificates import Authority, write_private

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class IdentityProvider:
    """A running provider. `claims[subject]` is what it says of somebody."""

    def __init__(self, folder: Path) -> None:
        self.ca = folder / "idp-ca.pem"
        self.issuer = ""
        self.claims: dict[str, dict[str, Any]] = {}
        #: Asked of the token endpoint, as forms.
        self.asked: list[dict[str, str]] = []
        self.devices: dict[str, str | None] = {}
        self._challenges: dict[str, str] = {}
        self._codes: dict[str, str] = {}

    def say(self, subject: str, **claims: Any) -> None:
        """What the provider says of `subject` from now on."""
        self.claims[subject] = claims
        self._store(subject)

    def confirm(self, user_code: str, subject: str) -> None:
        """The person confirms on another device."""
        self.devices[self._codes[user_code]] = subject

    def application(self) -> flask.Flask:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            application = oidc_provider_mock.app(require_nonce=True)
        application.debug = False

        @application.before_request
        def before() -> Any:
            path, form = flask.request.path, flask.request.form.to_dict()
            if path == "/oauth2/token":
                self.asked.append(form)
                if form.get("grant_type") == DEVICE_GRANT:
                    return self._device_token(form)
                challenge = self._challenges.get(form.get("code", ""))
                digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
                if challenge != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
                    return flask.jsonify({"error": "invalid_grant"}), 400
            if path == "/device":
                device, user_code = secrets.token_urlsafe(16), secrets.token_hex(4).upper()
                self.devices[device] = None
                self._codes[user_code] = device
                return flask.jsonify(
                    device_code=device,
                    user_code=user_code,
                    verification_uri=f"{self.issuer}/activate",
                    expires_in=600,
                    interval=1,
                )
            return None

        @application.after_request
        def after(response: Any) -> Any:
            if flask.request.path == "/.well-known/openid-configuration":
                document = json.loads(response.get_data()) | {"device_authorization_endpoint": f"{self.issuer}/device"}
                response.set_data(json.dumps(document))
            location = response.headers.get("Location", "")
            for code in parse_qs(urlsplit(location).query).get("code", []):
                self._challenges[code] = flask.request.args.get("code_challenge", "")
            return response

        return application

    def _device_token(self, form: dict[str, str]) -> Any:
        device = form.get("device_code", "")
        if device not in self.devices:
            return flask.jsonify({"error": "expired_token"}), 400
        subject = self.devices[device]
        if subject is None:
            return flask.jsonify({"error": "authorization_pending"}), 400
        del self.devices[device]
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "gate", "sub": subject, "iat": now, "exp": now + 300}
        key = flask.g.oidc_provider_mock_storage.jwk
        said = claims | self.claims.get(subject, {})
        headers = {"kid": key.as_dict()["kid"]} if "kid" in key.as_dict() else None
        token = jwt.encode(said, key.get_private_key(), "RS256", headers=headers)
        return flask.jsonify({"access_token": "x", "token_type": "Bearer", "id_token": token})

    def _store(self, subject: str) -> None:
        import httpx

        context = ssl.create_default_context(cafile=str(self.ca))
        with httpx.Client(verify=context, trust_env=False) as client:
            assert client.put(f"{self.issuer}/users/{subject}", json=self.claims[subject]).status_code == 204


@contextmanager
def running_identity_provider(folder: Path) -> Iterator[IdentityProvider]:
    """A provider on a port of this machine, with a certificate of its own."""
    provider = IdentityProvider(folder)
    authority = Authority.create("test identity provider")
    issued = authority.issue_for_localhost("localhost")
    provider.ca.write_bytes(authority.pem)
    (folder / "idp.pem").write_bytes(issued.certificate)
    write_private(folder / "idp.key", issued.private_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "idp.pem", folder / "idp.key")
    server = werkzeug.serving.make_server("localhost", 0, provider.application(), threaded=True, ssl_context=context)
    provider.issuer = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
