"""One WebSocket: requests and their replies, updates, and the ping that proves it alive.

Frames become facts here, in the order in which they came, and go to the inbox at once; whoever asks
a question gets the reply after its facts were handed over.  Only this module knows the WebSocket
library.  It does not reconnect and does not know what to ask.
"""

from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import h11
import trio
import trio_websocket
import wsproto.utilities

from reconciler.domain.facts import Fact, Unreadable
from reconciler.domain.moments import seconds
from reconciler.domain.words import Source
from reconciler.feed.learned import Learned
from reconciler.feed.limits import Limit
from reconciler.feed.listener import Listener
from reconciler.inbox import BATCH_FACTS_MAX, Applied
from reconciler.wire import frames
from reconciler.wire.records import Unintelligible
from reconciler.wire.updates import Update
from reconciler.world import Dial

CONNECT_SECONDS_MAX = 15
"""For TCP, TLS and handshake together."""

REPLY_SECONDS_MAX = 10
"""The exchange's ancestor never answers an unknown method (PROTOCOL § 1.2): no reply by then, and
the connection is not to be trusted."""

CLOSE_SECONDS_MAX = 0.2
"""For a good-bye; the exchange knows how to live without one."""

RECEIVE_BYTES = 65_536
FRAMES_WAITING_MAX = 2_000
"""Read but not yet decoded; beyond it the socket waits."""

REQUESTS_PER_MINUTE = 200
"""Each message counts, pings too (PROTOCOL § 1.4)."""

REQUESTS_PER_HALF_MINUTE = REQUESTS_PER_MINUTE // 2
"""So we keep the limit: with all 200 used up at once we would be silent for the rest of a minute,
and the exchange cuts who is (PROTOCOL § 1.3)."""

T = TypeVar("T")


class LinkLost(Exception):
    """The connection is gone or no longer to be trusted.  Remedy: another one."""


class RequestRefused(Exception):
    """The exchange answered a request with an error."""

    def __init__(self, method: str, code: int, message: str) -> None:
        self.method, self.code = method, code
        super().__init__(f"{method} refused: {message} (code {code})")


@dataclass(slots=True)
class _Question(Generic[T]):
    """A request that waits for its reply."""

    method: str
    read: Callable[[frames.Reply, int], tuple[T, tuple[Fact, ...]]]
    answer: T | None = None
    refused: RequestRefused | None = None
    done: trio.Event = field(default_factory=trio.Event)


@asynccontextmanager
async def open_link(on: Listener) -> AsyncIterator["Link"]:
    """A connection for as long as the block lasts.  Raises LinkLost, in exception groups too."""
    try:
        async with trio.open_nursery() as nursery:
            stream = await _dial(on.world.dial, on.ws_url)
            try:
                socket = await _shake_hands(nursery, stream, on.ws_url)
                gathered = _gather(socket)
                link = Link(socket, gathered, on)
                try:
                    # Our tasks end before the socket is closed, or they would tell our own
                    # good-bye as the reason for it.
                    async with trio.open_nursery() as tasks:
                        tasks.start_soon(gathered.watch, socket)
                        tasks.start_soon(link.pump)
                        tasks.start_soon(link.keep_alive)
                        yield link
                        tasks.cancel_scope.cancel()
                finally:
                    with trio.move_on_after(CLOSE_SECONDS_MAX, shield=True):
                        await socket.aclose()
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


class Link:
    """The open connection."""

    def __init__(
        self, socket: trio_websocket.WebSocketConnection, gathered: "_Gathered", on: Listener
    ) -> None:
        self._socket = socket
        self._gathered = gathered
        self._on = on
        self._limit = Limit(REQUESTS_PER_HALF_MINUTE, 30)
        self._questions: dict[int, _Question[object]] = {}
        self._last_id = 0
        self.learned = Learned()
        """What the answers told that was not known before, of those that are committed."""
        self.updates: Counter[str] = Counter()
        """Updates so far, by channel: who compares two readings knows whether one came between."""

    async def ask(self, request: frames.Request) -> None:
        """Send a request and wait for its acknowledgement.

        Raises RequestRefused, or LinkLost where no reply comes.
        """
        await self.read(request, _acknowledged)

    async def read(
        self,
        request: frames.Request,
        read: Callable[[frames.Reply, int], tuple[T, tuple[Fact, ...]]],
        *,
        patience: float = REPLY_SECONDS_MAX,
    ) -> T:
        """Send a request and wait for its reply, whose facts are in the inbox by then.

        `read` takes the reply and the moment of its receipt and returns what to return here and
        the facts in it.  Raises RequestRefused, or LinkLost where no reply comes within `patience`
        seconds; a wait for our own limit is not part of them.
        """
        await self._limit.take()
        self._last_id += 1
        question: _Question[T] = _Question(request.method, read)
        self._questions[self._last_id] = question  # type: ignore[assignment]
        with trio.move_on_after(patience):
            await self._socket.send_message(frames.encode(request, self._last_id))
            await question.done.wait()
        if question.refused is not None:
            raise question.refused
        if not question.done.is_set():
            raise LinkLost(f"no reply to {request.method} within {patience:g}s")
        return question.answer  # type: ignore[return-value]

    async def keep_alive(self) -> None:
        """Ping for ever.  TCP may call a dead link healthy; the reply to a ping does not."""
        interval, timeout = seconds(self._on.ping_interval), seconds(self._on.ping_timeout)
        while True:
            await trio.sleep(interval)
            await self.read(frames.ping(), _pong, patience=timeout)

    async def pump(self) -> None:
        """Frames to facts to the inbox, in their order, for ever."""
        while True:
            waiting: list[Fact] = []
            for frame in await self._gathered.take(BATCH_FACTS_MAX):
                self._on.figures.frames += 1
                match frames.read(frame, received_at := self._on.world.clock.now()):
                    case Update(channel=channel, facts=facts, surplus=surplus):
                        self.updates[channel] += 1
                        self._on.figures.surplus += surplus
                        waiting.extend(facts)
                    case frames.Reply() as reply:
                        await self._deliver(Source.STREAM, waiting)
                        waiting = []
                        await self._answer(reply, received_at)
                    case Unreadable() as unreadable:
                        waiting.append(unreadable)
            await self._deliver(Source.STREAM, waiting)

    async def _answer(self, reply: frames.Reply, received_at: int) -> None:
        question = self._questions.pop(reply.id, None)
        if question is None:
            nobody = Unreadable(
                stream="reply",
                reason="answers no open request",
                excerpt=f"id {reply.id}",
                received_at=received_at,
            )
            await self._deliver(Source.QUERY, [nobody])
            return
        if reply.error is not None:
            question.refused = RequestRefused(
                question.method, reply.error.code, reply.error.message
            )
        else:
            try:
                question.answer, facts = question.read(reply, received_at)
            except Unintelligible as error:
                kept = Unreadable(
                    stream=error.what,
                    reason=error.why,
                    excerpt=error.excerpt,
                    received_at=received_at,
                )
                await self._deliver(Source.QUERY, [kept])
                raise
            await self._deliver(Source.QUERY, facts)
        question.done.set()

    async def _deliver(self, source: Source, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        ack = self._learn if source is Source.QUERY else None
        await self._on.hand_over(source, facts, ack)

    def _learn(self, applied: Applied) -> None:
        self.learned += applied


class _Gathered:
    """Stands where the library has its memory channel.

    That channel costs two scheduler passes a message, which is most of what receiving costs; this
    takes every message of one socket read and wakes the pump once.  It is put in place by a private
    name of a pinned version; where that name is gone, messages come the ordinary way through
    `watch`, and everything works as before, only slower.
    """

    def __init__(self, replaced: trio.MemorySendChannel[str | bytes] | None = None) -> None:
        self._replaced = replaced
        self._frames: deque[str | bytes] = deque()
        self._lot = trio.lowlevel.ParkingLot()
        self._closed = ""

    async def send(self, frame: str | bytes) -> None:
        """Called by the library's reader for every message."""
        while len(self._frames) >= FRAMES_WAITING_MAX:
            await self._lot.park()
        self._frames.append(frame)
        if self._lot:  # of all the messages of one read the first alone finds somebody asleep
            self._lot.unpark_all()

    def overtake(self, received: trio.MemoryReceiveChannel[str | bytes]) -> None:
        """Take what came before we stood here, at once: what comes now may not pass it."""
        with suppress(trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
            while True:
                self._frames.append(received.receive_nowait())

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

    async def take(self, most: int) -> list[str | bytes]:
        """What has come so far; waits for at least one.  LinkLost once closed and empty."""
        while not self._frames:
            if self._closed:
                raise LinkLost(self._closed)
            await self._lot.park()
        taken = [self._frames.popleft() for _ in range(min(most, len(self._frames)))]
        self._lot.unpark_all()
        return taken


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
    nursery: trio.Nursery, stream: _Watched, url: str
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
                max_message_size=frames.FRAME_BYTES_MAX,
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
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case trio_websocket.ConnectionClosed(reason=reason):
            if reason is None:
                return "connection closed"
            text = f"closed with code {reason.code}"
            return f"{text} ({reason.reason})" if reason.reason else text
        case trio_websocket.ConnectionRejected(status_code=status):
            return f"the WebSocket was refused with HTTP {status}"
    return f"no WebSocket is spoken there ({error})"


def _acknowledged(reply: frames.Reply, _: int) -> tuple[None, tuple[Fact, ...]]:
    if not frames.is_acknowledged(reply):
        raise LinkLost("a request was answered, but not with an acknowledgement")
    return None, ()


def _pong(reply: frames.Reply, _: int) -> tuple[None, tuple[Fact, ...]]:
    if not frames.is_pong(reply):
        raise LinkLost("a ping was answered, but not with a pong")
    return None, ()
