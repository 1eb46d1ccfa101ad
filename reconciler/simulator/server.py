"""Opens the exchange's doors: REST and WebSocket on one port, or on streams that are handed in.

Hypercorn speaks HTTP over connections that we accept ourselves, so that a fault can reset a single
one and a simulation can bring streams that never touched a network.  Leaving `serve` ends every
connection within `CLOSE_S`.
"""

import logging
import socket as system
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState, LifespanState
from starlette.requests import ClientDisconnect

from reconciler.simulator.acts import Cut, Point, Stall
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.handshake import PATH, websocket
from reconciler.simulator.rest import rest_app
from reconciler.simulator.sender import Message, Send
from reconciler.simulator.socket import GOING_AWAY, Receive

CLOSE_S = 0.5
KEEP_ALIVE_S = 75
MESSAGE_BYTES_MAX = 1_048_576
"""Of what clients send; requests are a few hundred bytes."""

_QUEUE_MAX = 10_000
_LINGER_NOT = struct.pack("ii", 1, 0)

_log = logging.getLogger(__name__)


class Connection(trio.abc.HalfCloseableStream):
    """One accepted stream, with a hand to break it."""

    def __init__(self, stream: trio.abc.Stream, number: int, reset: Callable[[], None]) -> None:
        self._stream = stream
        self._number = number
        self._held: bytearray | None = None
        self._sending = trio.Lock()
        self.is_stalled = False
        self.reset = reset
        """Ends it at once, without a word."""

    @property
    def socket(self) -> "Connection":
        """Hypercorn asks the socket below for its two addresses; this one answers itself."""
        return self

    @property
    def family(self) -> int:
        """As a socket says it."""
        return system.AF_INET

    def getpeername(self) -> tuple[str, int]:
        """As a socket says it; the number tells connections apart."""
        return ("client", self._number)

    def getsockname(self) -> tuple[str, int]:
        """As a socket says it."""
        return ("exchange", 0)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As a stream does."""
        if self.is_stalled:
            return
        if self._held is not None:
            self._held += data
            return
        async with self._sending:
            await self._stream.send_all(data)

    def stall(self) -> None:
        """What is sent is lost from now on, and what comes in is not read by anyone; only the end
        of the stream, should the client come to it, is noticed."""
        self.is_stalled = True

    def cork(self) -> None:
        """Holds back what is sent from now on …"""
        self._held = bytearray()

    async def uncork(self) -> None:
        """… and sends it in one piece."""
        held, self._held = self._held, None
        if held:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self.send_all(held)

    async def wait_send_all_might_not_block(self) -> None:
        """As a stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As a stream does."""
        data = await self._stream.receive_some(max_bytes)
        while self.is_stalled and data:
            data = await self._stream.receive_some(max_bytes)
        return data

    async def send_eof(self) -> None:
        """As a stream does, if it can."""
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()

    async def aclose(self) -> None:
        """As a stream does."""
        await self._stream.aclose()


class Server:
    """Open doors.  Made by `serve`."""

    def __init__(self, exchange: Exchange, nursery: trio.Nursery) -> None:
        self._exchange = exchange
        self._nursery = nursery
        self._rest = rest_app(exchange)
        self._wrapped = ASGIWrapper(cast("ASGIFramework", self._app))
        self._config = _config()
        self._context = WorkerContext(None)
        self._connections: dict[Connection, None] = {}
        self._empty = trio.Event()
        self._empty.set()
        self._numbers = count(1)
        self.port = 0
        self.rest_url = "http://exchange.test"
        """Where REST calls go; a name that only a simulated network knows when no port is open."""
        self.ws_url = f"ws://exchange.test{PATH}"
        """Where WebSockets go."""

    async def serve_stream(
        self, stream: trio.abc.Stream, reset: Callable[[], None] | None = None
    ) -> None:
        """Speaks HTTP on one stream until it ends.

        `reset` is how a fault breaks it; without one the stream is closed forcefully.
        """
        with trio.CancelScope() as scope:
            connection = Connection(stream, next(self._numbers), reset or scope.cancel)
            match self._exchange.faults.at(Point.CONNECTION):
                case Cut():
                    connection.reset()
                case Stall():
                    connection.stall()
                    await self._speak(connection)
                case _:
                    await self._speak(connection)
        await trio.aclose_forcefully(stream)

    async def listen(self, host: str, listeners: list[trio.SocketListener]) -> None:
        """Accepts connections from now on."""
        await self._nursery.start(trio.serve_listeners, self._serve_tcp, listeners)
        self.port = listeners[0].socket.getsockname()[1]
        self.rest_url = f"http://{host}:{self.port}"
        self.ws_url = f"ws://{host}:{self.port}{PATH}"

    async def close(self) -> None:
        """Says good-bye to WebSockets, lets calls end, and resets what is left after `CLOSE_S`."""
        await self._context.terminated.set()
        self._exchange.faults.cut(how=GOING_AWAY)
        with trio.move_on_after(CLOSE_S):
            await self._empty.wait()
        for connection in list(self._connections):
            connection.reset()

    async def _serve_tcp(self, stream: trio.SocketStream) -> None:
        def reset() -> None:
            if stream.socket.fileno() >= 0:
                stream.setsockopt(system.SOL_SOCKET, system.SO_LINGER, _LINGER_NOT)
                stream.socket.close()

        await self.serve_stream(stream, reset)

    async def _speak(self, connection: Connection) -> None:
        self._connections[connection] = None
        self._empty = trio.Event()
        state = ConnectionState(LifespanState(line=connection))
        try:
            # Annotated as a TLS stream over a socket, it takes any stream with an address.
            stream = cast("trio.SSLStream[trio.SocketStream]", connection)
            await TCPServer(self._wrapped, self._config, self._context, state, stream).run()
        except Exception:
            # What a client does to the HTTP library must not end the exchange; our own bugs don't
            # pass here, see `_app`.
            _log.warning("a connection failed", exc_info=True)
        finally:
            del self._connections[connection]
            if not self._connections:
                self._empty.set()

    async def _app(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "websocket":
                await websocket(self._exchange, scope, receive, send)
            else:
                await self._rest(scope, receive, send)
        except ClientDisconnect:
            pass
        except Exception as bug:
            # Hypercorn would log it and go on; a simulator with a bug must not.
            self._nursery.start_soon(_raise, bug)


@asynccontextmanager
async def serve(
    exchange: Exchange, *, host: str = "127.0.0.1", port: int | None = 0
) -> AsyncIterator[Server]:
    """Serves while the block lasts.  With `port=None` nothing listens, and connections come by
    `server.serve_stream`.  Raises OSError when the port is taken."""
    listeners = [] if port is None else await trio.open_tcp_listeners(port, host=host)
    async with trio.open_nursery() as nursery:
        server = Server(exchange, nursery)
        if listeners:
            await server.listen(host, listeners)
        try:
            yield server
        finally:
            with trio.CancelScope(shield=True):
                await server.close()
            nursery.cancel_scope.cancel()


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = _log
    config.include_date_header = False  # it would read the wall clock
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.keep_alive_max_requests = 1_000_000_000
    config.websocket_max_message_size = MESSAGE_BYTES_MAX
    # A session that hangs up stops reading; what the client still sends must find room, or the
    # connection would never end.
    config.max_app_queue_size = _QUEUE_MAX
    return config


async def _raise(bug: Exception) -> None:
    raise bug
