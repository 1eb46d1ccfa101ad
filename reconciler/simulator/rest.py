"""The REST door: admits signed calls, wraps answers and errors.

What a call means is in `calls`, how a refusal is worded in `refusals`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.access import Denied, Key
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.calls import CALLS, CREATED
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.public_rest import public_routes
from reconciler.simulator.refusals import Refusal, refusal
from reconciler.simulator.rules import Refused
from reconciler.simulator.sight import seen
from reconciler.simulator.spoil import Spoil

BODY_BYTES_MAX = 65_536
TOKEN_PATH = "/api/v4/profile/websocket_token"  # noqa: S105 -- a path, not a password

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def rest_app(exchange: Exchange) -> Starlette:
    """All calls; anything else is an empty 404."""
    routes = public_routes(exchange)
    routes += [
        Route(path, _private(exchange, path), methods=["POST"]) for path in (*CALLS, TOKEN_PATH)
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Spoil, exchange=exchange)],
        exception_handlers={404: _nothing, 405: _nothing},
    )


def _private(exchange: Exchange, path: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        try:
            key, values = exchange.access.admit(path, request.headers, body)
            answer = _answer(exchange, key, path, values)
        except Denied as denied:
            return _refused(Refusal(status=denied.status, code=denied.code, message=denied.message))
        except (Invalid, Refused) as error:
            return _refused(refusal(error, path))
        return _json(answer, 201 if path in CREATED else 200)

    return endpoint


def _answer(exchange: Exchange, key: Key, path: str, values: dict[str, Any]) -> Any:
    if path == TOKEN_PATH:
        return {"websocket_token": exchange.access.issue_token(key)}
    account, values = seen(exchange, exchange.engine.accounts[key.account], path, values)
    return CALLS[path](exchange, account, Asked(values))


async def _body(request: Request) -> bytes | None:
    """None if it is longer than anyone needs; it is read to its end all the same, because a client
    that is answered while it still sends may take that for a broken connection."""
    body = b""
    async for chunk in request.stream():
        if len(body) <= BODY_BYTES_MAX:
            body += chunk
    return body if len(body) <= BODY_BYTES_MAX else None


def _refused(why: Refusal) -> Response:
    return _json(why.envelope(), why.status)


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def _nothing(_: Request, error: Exception) -> Response:
    return Response(status_code=getattr(error, "status_code", 404))
