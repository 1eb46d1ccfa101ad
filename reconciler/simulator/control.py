"""The control endpoint: everything a script can do, over HTTP on a port of its own, for drivers in
any language.

It knows no keys, therefore it listens on loopback addresses only.
"""

import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState, LifespanState
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.acts import Rule
from reconciler.simulator.deeds import DEEDS
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.hand import Hand
from reconciler.simulator.plain import truth
from reconciler.simulator.rules import Refused
from reconciler.simulator.script import ScriptError, read


def control_app(exchange: Exchange, hand: Hand) -> Starlette:
    """`GET /`, `/truth/{account}`, `/limits`, `/faults`; `POST /{deed}`, `/faults`, `/script`;
    `DELETE /faults`, `/faults/{number}`.  Answers are JSON; `{"error": …}` with 400 for a request
    that makes no sense, 404 for what there isn't, 409 for what the exchange refuses."""

    async def overview(_: Request) -> Any:
        return {
            "accounts": sorted(exchange.engine.accounts),
            "markets": sorted(exchange.markets),
            "assets": exchange.engine.assets,
            "now_us": exchange.now(),
            "websockets": [link.account for link in exchange.faults.links()],
            "deeds": sorted(DEEDS),
        }

    async def tell_truth(request: Request) -> Any:
        account = request.path_params["account"]
        if account not in exchange.engine.accounts:
            raise LookupError(f"no account {account!r}")
        return truth(exchange, account)

    async def faults(_: Request) -> Any:
        return exchange.faults.rules

    async def limits(_: Request) -> Any:
        return exchange.limits.figures()

    async def add(request: Request) -> Any:
        rule = msgspec.json.decode(await request.body(), type=Rule)
        return {"number": exchange.faults.add(rule).number}

    async def remove(request: Request) -> Any:
        number = request.path_params.get("number")
        deed = {"do": "remove"} if number is None else {"do": "remove", "number": number}
        removed = hand.do(msgspec.convert(deed, DEEDS["remove"]))
        if number is not None and not removed:
            raise LookupError(f"no fault {number}")
        return {"removed": removed}

    async def script(request: Request) -> Any:
        kind = request.headers.get("content-type", "")
        plan = read(await request.body(), toml="json" not in kind)
        if plan.steps or plan.storm:
            raise ScriptError("steps and storms are for `--script`; do deeds one by one here")
        exchange.faults.load(plan)
        return {"rules": len(plan.rules)}

    async def do(request: Request) -> Any:
        name = request.path_params["deed"]
        if name not in DEEDS:
            raise LookupError(f"no deed {name!r}; there are {', '.join(sorted(DEEDS))}")
        asked = msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
        return {"result": hand.do(msgspec.convert(asked | {"do": name}, DEEDS[name]))}

    return Starlette(
        routes=[
            Route("/", _answered(overview), methods=["GET"]),
            Route("/truth/{account}", _answered(tell_truth), methods=["GET"]),
            Route("/limits", _answered(limits), methods=["GET"]),
            Route("/faults", _answered(faults), methods=["GET"]),
            Route("/faults", _answered(add), methods=["POST"]),
            Route("/faults", _answered(remove), methods=["DELETE"]),
            Route("/faults/{number:int}", _answered(remove), methods=["DELETE"]),
            Route("/script", _answered(script), methods=["POST"]),
            Route("/{deed}", _answered(do), methods=["POST"]),
        ]
    )


def _answered(
    handle: Callable[[Request], Awaitable[Any]],
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return _json(await handle(request))
        except (msgspec.DecodeError, RecursionError, ScriptError) as error:
            return _json({"error": str(error)}, 400)
        except LookupError as error:
            return _json({"error": error.args[0]}, 404)
        except Refused as refused:
            return _json({"error": str(refused)}, 409)

    return endpoint


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


@asynccontextmanager
async def serve_control(
    exchange: Exchange, hand: Hand, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Yields the endpoint's URL and serves while the block lasts.  Raises ValueError unless `host`
    is a loopback address, OSError when the port is taken."""
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} is not a loopback address")
    listeners = await trio.open_tcp_listeners(port, host=host)
    config = Config()
    config.accesslog = config.errorlog = None
    config.include_date_header = config.include_server_header = False
    async with trio.open_nursery() as nursery:
        app = control_app(exchange, hand)

        async def raising(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except ClientDisconnect:
                pass
            except Exception as bug:
                # Hypercorn would log it and go on; a simulator with a bug must not.
                nursery.start_soon(_raise, bug)

        async def speak(stream: trio.SocketStream) -> None:
            state = ConnectionState(LifespanState())
            wrapped = ASGIWrapper(cast("ASGIFramework", raising))
            # Annotated as a TLS stream, it takes a plain one as well.
            await TCPServer(wrapped, config, WorkerContext(None), state, cast("Any", stream)).run()

        await nursery.start(trio.serve_listeners, speak, listeners)
        shown = f"[{host}]" if ":" in host else host
        try:
            yield f"http://{shown}:{listeners[0].socket.getsockname()[1]}"
        finally:
            nursery.cancel_scope.cancel()


async def _raise(bug: Exception) -> None:
    raise bug
