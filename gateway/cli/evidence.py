"""audit evidence, audit export: what leaves the house."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.ledger import signer_from_pem
from gateway.cli.output import Exit, Json, Stopped, put_json, tell
from gateway.cli.place import auditor_key, reading, reason_of, settings_of
from gateway.cli.search import open_index


def evidence(
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="Its id: pgcurfew grants --all.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new directory, or a new file that ends in .zip.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings file, on its host.")] = Path(
        "pgcurfew.toml"
    ),
    key: Annotated[
        Path | None, typer.Option("--key", help="An auditor's private key: the report shows what is sealed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """One signed bundle of all there is about a grant, which an outside auditor verifies with openssl and Python."""
    from gateway.audit.evidence.bundle import NoEvidence, gather, write  # with it come the templates: 0.1 s

    settings = settings_of(config)
    directory = settings.record.directory
    try:
        signer = signer_from_pem(settings.record.signing_key.read())
    except (OSError, ValueError) as error:
        hint = "evidence is signed with the record's own key: run this as who may read it"
        raise Stopped(Exit.USAGE, f"record.signing_key cannot be read: {reason_of(error)}", hint) from None
    if out.exists():
        raise Stopped(Exit.USAGE, f"{out} is there already", "choose another --out")
    private = None if key is None else auditor_key(key)
    try:
        with reading(directory), open_index(directory) as index:
            bundle = gather(index, directory, grant, signer, now=datetime.now(UTC), key=private)
    except NoEvidence as error:
        raise Stopped(Exit.REFUSED, str(error), "pgcurfew grants --all lists grants") from None
    try:
        write(bundle.files, out, f"evidence-{grant}")
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{out} cannot be written: {reason_of(error)}") from None
    fingerprint = sha256(signer.public_key().public_bytes_raw()).hexdigest()
    if as_json:
        told = {"out": str(out), "events": bundle.events, "sessions": bundle.sessions, "key": fingerprint}
        put_json(told)
        return
    tell(f"{out}: {bundle.events:,} events, {bundle.sessions:,} sessions; verify.py in it says whether it is whole")
    tell(f"signed with the key {fingerprint}: tell the auditor on another way")
