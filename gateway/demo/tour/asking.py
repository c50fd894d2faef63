"""Chapter: a request with a reason, an approval by somebody else, a token that lives inside the grant."""

from __future__ import annotations

from datetime import datetime

import jwt

from gateway.demo.tour.cast import Cast, Given, expiry

REASON = "ticket 4711: customer says the parcel never came"


def play(cast: Cast) -> None:
    """Alice asks for 30 minutes of support access, rita approves; leaves `cast.support`."""
    tell, stage = cast.narrator, cast.stage
    tell.chapter(1, "Asking", "Alice is an engineer in the support group. She needs to look into a customer's case.")

    asked = ["request", "--target", "shop", "--role", "support", "--for", "30m", "--yes"]
    done = stage.watched("alice", *asked)
    tell.scene("alice", ["pgcurfew", *asked], done.shown)
    tell.check(done.code != 0 and "reason" in done.text.lower(), "without a reason there is no request", done.text)

    done = stage.watched("alice", *asked, "--reason", REASON)
    tell.scene("alice", ["pgcurfew", *asked, "--reason", REASON], done.shown)
    tell.need(done.code == 0, "with a reason it is taken", done.text)
    request = stage.answer("alice", "requests")[0]["id"]

    done = stage.watched("alice", "approve", request)
    tell.scene("alice", ["pgcurfew", "approve", request], done.shown)
    tell.check(done.code != 0, "nobody approves their own request", done.text)

    done = stage.watched("rita", "approve", request)
    tell.scene("rita", ["pgcurfew", "approve", request], done.shown)
    tell.need(done.code == 0, "rita, a reviewer, approves it", done.text)

    grant = stage.answer("alice", "grants")[0]
    done = stage.pgcurfew("alice", "token", grant["id"])
    token = done.out.strip().splitlines()[-1] if done.out.strip() else ""
    tell.scene("alice", ["pgcurfew", "token", grant["id"]], f"{done.err}{token[:60]}…")
    tell.need(done.code == 0 and token.count(".") == 2, "alice gets a token: a JWT", done.text)
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    tell.check(header["alg"] == "EdDSA", "it is signed with Ed25519", str(header))
    expires = expiry(token)
    cast.given["support"] = Given(request, grant["id"], token, expires)
    tell.check(expires <= datetime.fromisoformat(grant["ends_at"]), "it ends with the grant, or before", str(claims))
    tell.check(claims["sub"] == "alice" and claims["grant"] == grant["id"], "it names alice and the grant", str(claims))
