"""The REST door: admits signed calls, wraps answers and errors.

Both error envelopes are those of PROTOCOL § 1.7.  What a call means is in `reads` and `writes`.
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
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.reads import READS
from reconciler.simulator.reference import PUBLIC
from reconciler.simulator.rules import Refused
from reconciler.simulator.sight import seen
from reconciler.simulator.spoil import Spoil
from reconciler.simulator.writes import CREATED, WRITES

BODY_BYTES_MAX = 65_536
TOKEN_PATH = "/api/v4/profile/websocket_token"  # noqa: S105 -- a path, not a password

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_CODES = {"market": 31, "amount": 32, "price": 33, "client_order_id": 36, "ioc": 37}
_FIELDS = {"client_order_id": "clientOrderId", "post_only": "postOnly", "liquidity": "market"}
"""Codes and fields of what the engine refuses; 30 and the word itself where nothing is said."""


def rest_app(exchange: Exchange) -> Starlette:
    """All calls under `/api/v4`; anything else is an empty 404."""
    routes = [Route(path, _public(exchange, path), methods=["GET"]) for path in PUBLIC]
    private = (*READS, *WRITES, TOKEN_PATH)
    routes += [Route(path, _private(exchange, path), methods=["POST"]) for path in private]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Spoil, exchange=exchange)],
        exception_handlers={404: _nothing, 405: _nothing},
    )


def _public(exchange: Exchange, path: str) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return _json(PUBLIC[path](exchange))

    return endpoint


def _private(exchange: Exchange, path: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        try:
            key, values = exchange.access.admit(path, request.headers, body)
            answer = _answer(exchange, key, path, values)
        except Denied as denied:
            return _error(denied.status, denied.code, denied.message)
        except Invalid as invalid:
            return _error(422, 30, "Validation failed", {invalid.field: [invalid.message]})
        except Refused as refused:
            return _refusal(refused)
        return _json(answer, 201 if path in CREATED else 200)

    return endpoint


def _answer(exchange: Exchange, key: Key, path: str, values: dict[str, Any]) -> Any:
    if path == TOKEN_PATH:
        return {"websocket_token": exchange.access.issue_token(key)}
    handler = READS.get(path) or WRITES[path]
    account, values = seen(exchange, exchange.engine.accounts[key.account], path, values)
    return handler(exchange, account, Asked(values))


async def _body(request: Request) -> bytes | None:
    """None if it is longer than anyone needs; it is read to its end all the same, because a client
    that is answered while it still sends may take that for a broken connection."""
    body = b""
    async for chunk in request.stream():
        if len(body) <= BODY_BYTES_MAX:
            body += chunk
    return body if len(body) <= BODY_BYTES_MAX else None


def _refusal(refused: Refused) -> Response:
    errors = {_FIELDS.get(refused.reason, refused.reason): [refused.message]}
    match refused.reason:
        case "balance":
            return _error(400, 10, "Inner validation failed", {"amount": [refused.message]})
        case "order":
            return _error(400, 2, "Inner validation failed", {"orderId": [refused.message]})
        case "transfer":
            return _error(422, 3, "Inner validation failed", {"amount": [refused.message]})
        case reason:
            return _error(422, _CODES.get(reason, 30), "Validation failed", errors)


def _error(
    status: int, code: int, message: str, errors: dict[str, list[str]] | None = None
) -> Response:
    envelope: dict[str, Any] = {"code": code, "message": message}
    if message != "Too Many Attempts.":  # the throttle's envelope has no errors (PROTOCOL § 1.7)
        envelope["errors"] = errors or {}
    return _json(envelope, status)


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def _nothing(_: Request, error: Exception) -> Response:
    return Response(status_code=getattr(error, "status_code", 404))
