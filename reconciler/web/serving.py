"""Serves the pages: listens, accepts, speaks HTTP, and lets nobody hold on.

Hypercorn speaks HTTP on connections that we accept ourselves, in the caller's nursery.  Everything
a client can make us wait for has a limit here: how many connect, how long a request may take to
arrive, an answer to be taken, a connection to last.  An address that is taken is waited for, as the
record is worth more than its page.
"""

import errno
import os
import socket as system
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState, LifespanState

from reconciler import config
from reconciler.address import Tcp, Unix
from reconciler.log import Logger
from reconciler.store.engine import Database
from reconciler.web.door import Door
from reconciler.web.hosts import Hosts
from reconciler.web.pages import pages
from reconciler.web.sight import Visible, open_sight
from reconciler.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of what a client can make us wait for, and keep."""

    connections: int = 64
    """A page keeps one or two, a scraper one."""
    idle_s: float = 15
    """For a request's headers to be complete, from the connection or the last answer on."""
    send_s: float = 10
    """For the client to take one piece of an answer."""
    connection_s: float = 300
    """For all of a connection; whoever is cut off connects again."""


REQUEST_BYTES_MAX = 65_536
"""Received before we answer.  Nothing that is asked here has a body."""

HEADER_BYTES_MAX = 16_384
PIECE_BYTES = 4_096
RETRY_S = 10
BACKLOG = 128
_SOCKET_MODE = 0o660
_QUEUE_MAX = 1_000
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 28\r\n"
    b"content-type: text/plain\r\n\r\ntoo many connections at once"
)


@asynccontextmanager
async def open_web(
    http: config.Http,
    running: Visible,
    database: Database,
    world: World,
    log: Logger,
    *,
    limits: Limits | None = None,
) -> AsyncIterator["Web | None"]:
    """The pages of a running daemon, for as long as the block lasts; None if they are off."""
    address = http.address
    if address is None:
        yield None
        return
    async with open_sight(running, database, world) as sight, trio.open_nursery() as nursery:
        app = Door(pages(sight, amounts=http.amounts), Hosts(address, http.hosts), log)
        web = Web(address, app, log, limits or Limits())
        await nursery.start(web.run)
        try:
            yield web
        finally:
            web.hang_up()
            nursery.cancel_scope.cancel()


class Web:
    """Serves one application at one address."""

    def __init__(self, address: Tcp | Unix, app: Door, log: Logger, limits: Limits) -> None:
        self.address = address
        """Where it listens; with the real port once it does."""
        self._app = ASGIWrapper(cast("ASGIFramework", app))
        self._log = log
        self._limits = limits
        self._config = _config(limits)
        self._context = WorkerContext(None)
        self._streams: set[trio.SocketStream] = set()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._streams)

    def hang_up(self) -> None:
        """Ends every connection at once: hypercorn would go on sending, however slow the client."""
        for stream in self._streams:
            stream.socket.close()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listens for ever; has started when it listens, or has found out that it can't yet."""
        told = ""
        has_started = False
        while True:
            try:
                async with _listening(self.address) as listeners:
                    if isinstance(self.address, Tcp) and not self.address.is_loopback:
                        self._log.warning("web.exposed", address=str(self.address))
                    self.address = _found(self.address, listeners[0])
                    self._log.info("web.listening", address=str(self.address))
                    if not has_started:
                        task_status.started()
                    has_started = True
                    await trio.serve_listeners(self._serve, listeners)
            except* OSError as errors:
                why = str(errors.exceptions[0])
                if told != why:
                    told = why
                    self._log.error("web.unavailable", address=str(self.address), why=why)
                if not has_started:
                    task_status.started()
                has_started = True
                await trio.sleep(RETRY_S)

    async def _serve(self, stream: trio.SocketStream) -> None:
        self._streams.add(stream)
        try:
            with trio.move_on_after(self._limits.connection_s):
                if len(self._streams) > self._limits.connections:
                    await _turn_away(stream)
                else:
                    await self._speak(Connection(stream, self._limits.send_s))
        finally:
            self._streams.remove(stream)
            await trio.aclose_forcefully(stream)

    async def _speak(self, connection: "Connection") -> None:
        state = ConnectionState(LifespanState())
        # Annotated as a TLS stream over a socket, it takes any stream with an address.
        stream = cast("trio.SSLStream[trio.SocketStream]", connection)
        try:
            with connection.scope:
                await TCPServer(self._app, self._config, self._context, state, stream).run()
        except Exception as error:
            # What a client does to the HTTP library must not end the daemon; our own bugs don't
            # pass here, see `Door`.
            self._log.debug("web.broken", why=type(error).__name__)


class Connection(trio.abc.HalfCloseableStream):
    """One accepted stream, with limits on what the client may send and leave unread.

    When it is over, it ends `scope`: hypercorn would keep it for as long as it may be idle."""

    def __init__(self, stream: trio.SocketStream, send_s: float) -> None:
        self._stream = stream
        self._send_s = send_s
        self._unanswered = 0
        self.scope = trio.CancelScope()

    @property
    def socket(self) -> "Connection":
        """Hypercorn asks the socket below for its two addresses; this one answers itself."""
        return self

    @property
    def family(self) -> int:
        """As a socket says it."""
        return system.AF_INET

    def getpeername(self) -> tuple[str, int]:
        """As a socket says it; nobody here asks who it is."""
        return ("client", 0)

    def getsockname(self) -> tuple[str, int]:
        """As a socket says it."""
        return ("reconciler", 0)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As a stream does; a client that does not take it in time is hung up on."""
        self._unanswered = 0
        with trio.move_on_after(self._send_s) as sending:
            await self._stream.send_all(data)
        if sending.cancelled_caught:
            self.scope.cancel()
            await trio.aclose_forcefully(self._stream)
            raise trio.BrokenResourceError("the client reads too slowly")

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As a stream does; a client that sends too much unasked is hung up on."""
        # In pieces: the HTTP library only limits what is not yet complete.
        data = await self._stream.receive_some(min(max_bytes or PIECE_BYTES, PIECE_BYTES))
        if not data:
            is_waiting = self._unanswered > 0
            self.scope.deadline = trio.current_time() + (self._send_s if is_waiting else 0)
        self._unanswered += len(data)
        if self._unanswered > REQUEST_BYTES_MAX:
            raise trio.BrokenResourceError("the client sends too much")
        return data

    async def wait_send_all_might_not_block(self) -> None:
        """As a stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """As a stream does."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """As a stream does."""
        self.scope.cancel()
        await self._stream.aclose()


@asynccontextmanager
async def _listening(address: Tcp | Unix) -> AsyncIterator[list[trio.SocketListener]]:
    """Listeners at the address.  Raises OSError."""
    if isinstance(address, Tcp):
        listeners = await trio.open_tcp_listeners(address.port, host=address.host, backlog=BACKLOG)
    else:
        listeners = [await _open_unix(address.path)]
    try:
        yield listeners
    finally:
        # Without a checkpoint: whoever is cancelled here must leave nothing behind either.
        if isinstance(address, Unix):
            with suppress(FileNotFoundError):
                os.unlink(address.path)  # noqa: PTH108
        for listener in listeners:
            listener.socket.close()


async def _open_unix(path: str) -> trio.SocketListener:
    """A socket in the file system, in place of one that a killed process left there."""
    with trio.socket.socket(system.AF_UNIX) as probe:
        try:
            await probe.connect(path)
        except FileNotFoundError:
            pass
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108 - a socket that nobody listens at
        else:
            raise OSError(errno.EADDRINUSE, "another process listens there")
    listening = trio.socket.socket(system.AF_UNIX)
    try:
        await listening.bind(path)
        os.chmod(path, _SOCKET_MODE)  # noqa: PTH101
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return trio.SocketListener(listening)


def _found(address: Tcp | Unix, listener: trio.SocketListener) -> Tcp | Unix:
    if isinstance(address, Unix):
        return address
    return Tcp(address.host, listener.socket.getsockname()[1])


async def _turn_away(stream: trio.SocketStream) -> None:
    with trio.move_on_after(1), suppress(trio.BrokenResourceError):
        await stream.send_all(_FULL)
        await stream.send_eof()


def _config(limits: Limits) -> Config:
    made = Config()
    made.accesslog = None
    made.errorlog = None
    made.include_date_header = False  # it would read the wall clock
    made.include_server_header = False
    made.keep_alive_timeout = limits.idle_s
    made.h11_max_incomplete_size = HEADER_BYTES_MAX
    made.max_app_queue_size = _QUEUE_MAX
    return made
