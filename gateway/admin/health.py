"""/metrics for Prometheus, /healthz (the process lives) and /readyz (statements can run)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.audit.metrics import Metrics


def create_metrics(
    metrics: Metrics, trouble: Callable[[], str | None], gather: Callable[[], Awaitable[None]] | None = None
) -> Starlette:
    """The application of the metrics port. `trouble` says why no statement could run now, or None;
    `gather` brings `metrics` up to date where they are counted in several processes."""

    async def exposition(request: Request) -> Response:
        trouble()
        if gather is not None:
            await gather()
        return Response(metrics.render(), headers={"content-type": metrics.content_type})

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(request: Request) -> Response:
        why_not = trouble()
        if why_not is None:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"not ready: {why_not}\n", status_code=503)

    return Starlette(routes=[Route("/metrics", exposition), Route("/healthz", healthz), Route("/readyz", readyz)])
