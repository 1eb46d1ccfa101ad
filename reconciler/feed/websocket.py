"""One WebSocket, as the library gives it and without its traps.

Only this module knows the library: how to receive whole socket reads at once, how to notice a peer
that hangs up during the handshake, and what all its ways of ending mean.  It doesn't know what the
messages say.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import h11
import trio
import trio_websocket
import wsproto.utilities

from reconciler.causes import leaves
from reconciler.world import Dial

CONNECT_SECONDS_MAX = 15
"""For TCP and TLS, and again for the handshake."""

CLOSE_SECONDS_MAX = 0.2
"""For a good-bye; the exchange knows how to live without one."""

RECEIVE_BYTES = 65_536
FRAMES_WAITING_MAX = 2_000
BYTES_WAITING_MAX = 4 << 20
"""Read but not yet taken; beyond either the socket waits."""

BYTES_TAKEN_MAX = 1 << 20
"""At once, and one frame more."""


class LinkLost(Exception):
    """The connection is gone or no longer to be trusted.  Remedy: another one."""


@asynccontextmanager
async def open_socket(url: str, *, dial: Dial, frame_bytes_max: int) -> AsyncIterator["Socket"]:
    """A WebSocket for as long as the block lasts.  Raises LinkLost, in exception groups too."""
    try:
        async with trio.open_nursery() as nursery:
            stream = await _dial(dial, url)
            try:
                connection = await _shake_hands(nursery, stream, url, frame_bytes_max)
                gathered = _gather(connection)
                nursery.start_soon(gathered.watch, connection)
                try:
                    yield Socket(connection, gathered)
                finally:
                    with trio.move_on_after(CLOSE_SECONDS_MAX, shield=True):
                        await connection.aclose()
            finally:
                # The library leaves a stream that broke open.
                await trio.aclose_forcefully(stream)
                nursery.cancel_scope.cancel()
    except* (
        trio_websocket.ConnectionClosed,
        trio_websocket.HandshakeError,  # raised in the library's task, as what follows
        wsproto.utilities.ProtocolError,
        h11.ProtocolError,
    ) as group:
        raise LinkLost(_why(group)) from group


class Socket:
    """The open WebSocket."""

    def __init__(
        self, connection: trio_websocket.WebSocketConnection, gathered: "_Gathered"
    ) -> None:
        self._connection = connection
        self._gathered = gathered

    async def send(self, frame: str) -> None:
        """Send a text frame."""
        await self._connection.send_message(frame)

    async def take(self, most: int) -> list[bytes]:
        """What has come so far, of text its UTF-8; waits for at least one.  LinkLost once closed
        and empty."""
        return await self._gathered.take(most)


class _Gathered:
    """Stands where the library has its memory channel.

    That channel costs two scheduler passes a message, which is most of what receiving costs; this
    takes every message of one socket read and wakes the pump once.  It is put in place by a private
    name of a pinned version; where that name is gone, messages come the ordinary way through
    `watch`, and everything works as before, only slower.
    """

    def __init__(self, replaced: trio.MemorySendChannel[str | bytes] | None = None) -> None:
        self._replaced = replaced
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._lot = trio.lowlevel.ParkingLot()
        self._closed = ""

    async def send(self, frame: str | bytes) -> None:
        """Called by the library's reader for every message."""
        while len(self._frames) >= FRAMES_WAITING_MAX or self._bytes >= BYTES_WAITING_MAX:
            await self._lot.park()
        self._append(frame)
        if self._lot:  # of all the messages of one read the first alone finds somebody asleep
            self._lot.unpark_all()

    def overtake(self, received: trio.MemoryReceiveChannel[str | bytes]) -> None:
        """Take what came before we stood here, at once: what comes now may not pass it."""
        with suppress(trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
            while True:
                self._append(received.receive_nowait())

    async def aclose(self) -> None:
        """Called by the library when it marks the connection closed.  Passed on, or a good-bye on a
        stream that stays open would not reach `watch`."""
        assert self._replaced is not None
        await self._replaced.aclose()

    async def watch(self, socket: trio_websocket.WebSocketConnection) -> None:
        """Notices the end of the connection; takes the frames, where nothing is replaced."""
        try:
            while True:
                await self.send(await socket.get_message())
        except trio_websocket.ConnectionClosed as closed:
            self._closed = _why(closed)
            self._lot.unpark_all()

    async def take(self, most: int) -> list[bytes]:
        """What has come so far; waits for at least one.  LinkLost once closed and empty."""
        while not self._frames:
            if self._closed:
                raise LinkLost(self._closed)
            await self._lot.park()
        taken: list[bytes] = []
        size = 0
        while self._frames and len(taken) < most and size < BYTES_TAKEN_MAX:
            taken.append(frame := self._frames.popleft())
            size += len(frame)
        self._bytes -= size
        self._lot.unpark_all()
        return taken

    def _append(self, frame: str | bytes) -> None:
        data = frame.encode() if isinstance(frame, str) else frame
        self._frames.append(data)
        self._bytes += len(data)


class _Watched(trio.abc.Stream):
    """The byte stream, with an eye on its end: the library does not notice a peer that hangs up
    during the handshake, and would wait for ever."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.ended: Callable[[], None] = lambda: None
        """Called when either direction breaks or the peer has hung up."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            data = await self._stream.receive_some(max_bytes)
        except trio.BrokenResourceError:
            self.ended()
            raise
        if not data:
            self.ended()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError:
            self.ended()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _dial(dial: Dial, url: str) -> _Watched:
    host, port, tls = _address(url)
    try:
        with trio.fail_after(CONNECT_SECONDS_MAX):
            return _Watched(await dial(host, port, tls=tls))
    except trio.TooSlowError:
        raise LinkLost(f"{host}:{port} did not answer in {CONNECT_SECONDS_MAX}s") from None
    except (OSError, trio.BrokenResourceError) as error:
        raise LinkLost(f"{host}:{port} can't be reached: {error}") from error


async def _shake_hands(
    nursery: trio.Nursery, stream: _Watched, url: str, frame_bytes_max: int
) -> trio_websocket.WebSocketConnection:
    parts = urlsplit(url)
    try:
        with trio.fail_after(CONNECT_SECONDS_MAX), trio.CancelScope() as shaking:
            stream.ended = shaking.cancel
            return await trio_websocket.wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type] # any stream will do
                parts.netloc,
                parts.path or "/",
                max_message_size=frame_bytes_max,
                receive_buffer_size=RECEIVE_BYTES,
            )
    except trio.TooSlowError:
        message = f"{parts.hostname} did not open a WebSocket in {CONNECT_SECONDS_MAX}s"
        raise LinkLost(message) from None
    raise LinkLost(f"{parts.hostname} hung up during the handshake")


def _address(url: str) -> tuple[str, int, bool]:
    """Host, port, and whether the stream is to be encrypted."""
    parts = urlsplit(url)
    tls = parts.scheme == "wss"
    return parts.hostname or "", parts.port or (443 if tls else 80), tls


def _gather(socket: trio_websocket.WebSocketConnection) -> _Gathered:
    channel = getattr(socket, "_send_channel", None)
    if not isinstance(channel, trio.MemorySendChannel):
        return _Gathered()
    gathered = _Gathered(channel)
    socket._send_channel = gathered  # type: ignore[assignment]
    gathered.overtake(socket._recv_channel)
    return gathered


def _why(error: BaseException) -> str:
    """A line about how a connection ended."""
    match cause := next(leaves(error)):
        case trio_websocket.ConnectionClosed(reason=reason):
            if reason is None:
                return "connection closed"
            text = f"closed with code {reason.code}"
            return f"{text} ({reason.reason})" if reason.reason else text
        case trio_websocket.ConnectionRejected(status_code=status):
            return f"the WebSocket was refused with HTTP {status}"
    return f"no WebSocket is spoken there ({cause})"
