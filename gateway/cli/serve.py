"""`pgcurfew serve`: run the gateway."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from config.load import load_settings
from config.problems import ConfigError
from gateway.access.keys import KeyNotUsable
from gateway.app import serve as serve_gateway
from gateway.audit.record import RecordLocked, RecordUnavailable
from gateway.audit.recover import RecordBroken
from gateway.credentials import Misconfigured
from gateway.logs import configure_logs
from gateway.storage.migrate import StoreNotUsable

#: Exit code when the gateway cannot start as configured (sysexits.h: EX_CONFIG).
EXIT_CONFIG = 78


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", envvar="PGCURFEW_CONFIG", help="The settings file.")] = Path(
        "pgcurfew.toml"
    ),
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", help="Write the ports in use here, as JSON, when all listen.")
    ] = None,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log as JSON, one object a line.")] = False,
) -> None:
    """Run the gateway. SIGTERM drains and ends it, SIGINT or a second SIGTERM ends it at once, SIGHUP reloads
    settings, policy, keys and certificates."""
    configure_logs(as_json=log_json)
    try:
        _run(config, ready_file, log_json)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(EXIT_CONFIG) from None
    except (Misconfigured, KeyNotUsable, StoreNotUsable, RecordLocked, RecordUnavailable, RecordBroken) as error:
        typer.echo(f"pgcurfew cannot start: {error}", err=True)
        raise typer.Exit(EXIT_CONFIG) from None
    except OSError as error:
        typer.echo(f"pgcurfew cannot start: {error.strerror or error}", err=True)
        raise typer.Exit(EXIT_CONFIG) from None


def _run(config: Path, ready_file: Path | None, log_json: bool) -> None:
    settings = load_settings(config)
    main = serve_gateway(settings, ready_file=ready_file, reread=lambda: load_settings(config), log_json=log_json)
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop

    uvloop.run(main)
