"""What a target's database looks like: read now, with the gateway's own login there, or from a saved file."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.secrets import SecretUnavailable
from config.settings import Target
from gateway.channel import Channel
from gateway.session.route import Route
from gateway.session.snapshots import Snapshots
from gateway.session.upstream import UpstreamUnavailable, dial
from masking.catalog import Catalog

_PINS = {"application_name": "pgcurfew/policy", "client_encoding": "UTF8", "default_transaction_read_only": "on"}


class TargetUnavailable(Exception):
    """A target that cannot be asked; the message says why, and holds no secret."""


async def read_catalog(name: str, target: Target) -> Catalog:
    """The target's catalog as it is now. Raises TargetUnavailable."""
    try:
        snapshots = Snapshots(name, target, time.monotonic)
    except OSError as error:
        raise TargetUnavailable(f'target "{name}" cannot be asked: {error}') from None
    try:
        await snapshots.refresh()
        catalog = snapshots.catalog
    except UpstreamUnavailable as error:
        raise TargetUnavailable(error.message) from None
    except (SecretUnavailable, OSError) as error:
        raise TargetUnavailable(f'target "{name}" cannot be asked: {error}') from None
    finally:
        await snapshots.close()
    if catalog is None:
        raise TargetUnavailable(f'reading the catalog of target "{name}" took too long')
    return catalog


@asynccontextmanager
async def connected(name: str, target: Target) -> AsyncIterator[Channel]:
    """A connection that can only read. Raises TargetUnavailable."""
    try:
        upstream = await dial(Route.to(name, target), _PINS)
    except UpstreamUnavailable as error:
        raise TargetUnavailable(error.message) from None
    except (SecretUnavailable, OSError) as error:
        raise TargetUnavailable(f'target "{name}" cannot be asked: {error}') from None
    try:
        yield upstream.channel
    finally:
        upstream.channel.abort()
