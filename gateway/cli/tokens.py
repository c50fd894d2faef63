"""token, token list, token revoke: the passwords for psql, and what became of them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.core import TyperGroup

from config.durations import parse_duration
from gateway.cli.ask import Reason, must_have_reason
from gateway.cli.client import Client
from gateway.cli.hold import only_grant, own_grants
from gateway.cli.output import Exit, Json, Stopped, clock_time, left, note, put_json, put_plain, put_table, tell


class MintUnlessNamed(TyperGroup):
    """`pgcurfew token` and `pgcurfew token GRANT` mint; `list` and `revoke` are commands of their own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h")):
            args = ["mint", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=MintUnlessNamed,
    help="Tokens for your grants. Without a command, or with a grant: a new token, as by mint.",
    no_args_is_help=False,
)

Once = Annotated[bool, typer.Option("--once", help="Good for one session, once.")]
Sessions = Annotated[int | None, typer.Option("--sessions", min=1, help="Sessions that it may have open at a time.")]
Networks = Annotated[
    list[str] | None, typer.Option("--network", help="Good from this network only, such as 10.1.0.0/16; repeatable.")
]
Certificate = Annotated[
    Path | None, typer.Option("--certificate", help="Good only with this client certificate (PEM or DER).")
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a token is asked to be, as the API takes it."""

    duration: str | None = None
    enter_within: str | None = None
    once: bool = False
    sessions: int | None = None
    networks: tuple[str, ...] = ()
    certificate: Path | None = None

    def body(self) -> dict[str, object]:
        """The body of the request. Raises Stopped."""
        body: dict[str, object] = {
            "seconds": _seconds("--for", self.duration),
            "enter_seconds": _seconds("--enter-within", self.enter_within),
            "once": self.once or None,
            "sessions": self.sessions,
            "networks": list(self.networks) or None,
            "certificate": None if self.certificate is None else thumbprint(self.certificate),
        }
        return {name: value for name, value in body.items() if value is not None}


@app.command()
def mint(
    grant_id: Annotated[
        str | None, typer.Argument(metavar="[GRANT]", help="Needed when you hold several active grants.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--for", help="A shorter life than the grant's, for its sessions too.")
    ] = None,
    enter_within: Annotated[
        str | None, typer.Option("--enter-within", help="Opens the door for so long; its sessions live on.")
    ] = None,
    once: Once = False,
    sessions: Sessions = None,
    network: Networks = None,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """A token for an active grant of yours: the password for psql. Prints it and nothing else."""
    wish = Wish(duration, enter_within, once, sessions, tuple(network or ()), certificate)
    body = wish.body()
    with Client.signed_in() as client:
        minted = client.post("grants", grant_id or only_grant(client)["id"], "token", body=body)
    if as_json:
        put_json(minted)
        return
    put_plain(minted["token"])
    note(f"for {minted['target']}, until {clock_time(minted['ends_at'])}{', once' if minted['once'] else ''}")


@app.command("list")
def list_tokens(
    grant_id: Annotated[
        str | None, typer.Argument(metavar="[GRANT]", help="A grant; otherwise all active ones of yours.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tokens that were minted, newest first: never their texts."""
    with Client.signed_in() as client:
        ids = [grant_id] if grant_id is not None else [one["id"] for one in own_grants(client)]
        found = [token for one in ids for token in client.get("grants", one, "tokens")["tokens"]]
    if as_json:
        put_json(found)
        return
    put_table(
        ("token", "state", "who", "grant", "minted", "bound to", "key"),
        [_row(one) for one in found],
        nothing="no tokens",
    )


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="A token's id, tok_…, as in its jti.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """End a token now; the sessions that it opened are cut off within a second."""
    must_have_reason(reason)
    with Client.signed_in() as client:
        after = client.post("tokens", token_id, "revoke", body={"reason": reason})
    if as_json:
        put_json(after)
        return
    tell(f"revoked: {after['id']} of {after['person']}")


def thumbprint(path: Path) -> str:
    """The SHA-256 of the certificate in the file, as a token has it (RFC 8705, 3.1). Raises Stopped."""
    try:
        content = path.read_bytes()
        pem = b"-----BEGIN CERTIFICATE-----" in content
        read = x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{path} cannot be read: {error.strerror}", "name a certificate's file") from None
    except ValueError:
        hint = "name the file with your client certificate, the one of sslcert"
        raise Stopped(Exit.USAGE, f"{path} holds no certificate", hint) from None
    digest = hashlib.sha256(read.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _seconds(option: str, duration: str | None) -> int | None:
    try:
        return None if duration is None else parse_duration(duration)
    except ValueError as error:
        raise Stopped(Exit.USAGE, f'{option} "{duration}": {error}', f"such as {option} 10m") from None


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    if one["revoked_by"]:
        state = f"revoked by {one['revoked_by']}: {one['revoked_reason']}"
    elif one["used_at"]:
        state = f"used {clock_time(one['used_at'])}"
    else:
        remaining = left(one["ends_at"])
        state = remaining if remaining == "over" else f"{'once, ' if one['once'] else ''}{remaining} left"
    bound = [*one["networks"]]
    if one["certificate"]:
        bound.append(f"certificate {one['certificate'][:11]}…")
    if one["sessions"]:
        bound.append(f"{one['sessions']} sessions")
    minted = clock_time(one["issued_at"])
    return one["id"], state, one["person"], one["grant"], minted, ", ".join(bound), one["key"]
