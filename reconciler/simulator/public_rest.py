"""The REST door that needs no key: GET, parameters in the path and the query, errors by field."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.market_reads import MARKET_READS, PublicRead
from reconciler.simulator.reference import REFERENCE_READS

PUBLIC_READS: dict[str, PublicRead] = REFERENCE_READS | MARKET_READS


def public_routes(exchange: Exchange) -> list[Route]:
    """In the order in which paths are tried."""
    return [
        Route(path, _answered(exchange, read), methods=["GET"])
        for path, read in PUBLIC_READS.items()
    ]


def _answered(exchange: Exchange, read: PublicRead) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return _json(read(exchange, Asked({**request.query_params, **request.path_params})))
        except Invalid as invalid:
            return _json({invalid.field: [invalid.message]}, 422)

    return endpoint


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
