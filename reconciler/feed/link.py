"""One connection to the exchange: requests and their replies, updates, and the ping that proves it
alive.

Frames become facts here, in the order in which they came, and go to the inbox at once, with the
frames as their evidence; whoever asks a question gets the reply after its facts were handed over.
What tells nothing of the account (an acknowledgement, a pong, the authorization) is not kept.  It
does not reconnect and does not know what to ask.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Generic, TypeVar

import trio
from msgspec.structs import replace

from reconciler.domain.facts import Fact, Frame
from reconciler.domain.moments import seconds
from reconciler.domain.words import Source
from reconciler.feed.learned import Learned
from reconciler.feed.limits import Limit
from reconciler.feed.listener import Listener
from reconciler.feed.sights import Sights
from reconciler.feed.websocket import LinkLost, Socket, open_socket
from reconciler.inbox import BATCH_FACTS_MAX, Applied
from reconciler.wire import frames
from reconciler.wire.records import Unintelligible
from reconciler.wire.updates import Update

REPLY_SECONDS_MAX = 10
"""The exchange's ancestor never answers an unknown method (PROTOCOL § 1.2): no reply by then, and
the connection is not to be trusted."""

REQUESTS_PER_MINUTE = 200
"""Each message counts, pings too (PROTOCOL § 1.4)."""

REQUESTS_PER_HALF_MINUTE = REQUESTS_PER_MINUTE // 2
"""So we keep the limit: with all 200 used up at once we would be silent for the rest of a minute,
and the exchange cuts who is (PROTOCOL § 1.3)."""

DEAF_SECONDS = 1
"""The inbox has no room for moments whenever there is much to write.  If it had none for longer,
what we wait for may lie behind what nobody takes from us, and the silence is our own."""

T = TypeVar("T")


class RequestRefused(Exception):
    """The exchange answered a request with an error."""

    def __init__(self, method: str, code: int, message: str) -> None:
        self.method, self.code = method, code
        super().__init__(f"{method} refused: {message} (code {code})")


@dataclass(slots=True)
class _Question(Generic[T]):
    """A request that waits for its reply."""

    request: frames.Request
    read: Callable[[frames.Reply, int], tuple[T, tuple[Fact, ...]]]
    answer: T | None = None
    refused: RequestRefused | None = None
    done: trio.Event = field(default_factory=trio.Event)


@asynccontextmanager
async def open_link(on: Listener) -> AsyncIterator["Link"]:
    """A connection for as long as the block lasts.  Raises LinkLost, in exception groups too."""
    async with open_socket(
        on.ws_url, dial=on.world.dial, frame_bytes_max=frames.FRAME_BYTES_MAX
    ) as socket:
        link = Link(socket, on)
        # These end before the socket is closed, or they would tell our own good-bye as the reason.
        async with trio.open_nursery() as tasks:
            tasks.start_soon(link.pump)
            tasks.start_soon(link.keep_alive)
            yield link
            tasks.cancel_scope.cancel()


class Link:
    """The open connection."""

    def __init__(self, socket: Socket, on: Listener) -> None:
        self._socket = socket
        self._on = on
        self._limit = Limit(REQUESTS_PER_HALF_MINUTE, 30)
        self._questions: dict[int, _Question[object]] = {}
        self._last_id = 0
        self._handing_over_since: float | None = None
        self._deaf_until = -inf
        self.learned = Learned()
        """What the answers told that was not known before, of those that are committed."""
        self.sights = Sights()
        """What the pushes and answers told of balances."""

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
        question = await self._put(request, read, patience)
        while not await self._is_answered(question, patience):
            pass
        self._on.figures.move()
        if question.refused is not None:
            raise question.refused
        return question.answer  # type: ignore[return-value]

    async def keep_alive(self) -> None:
        """Ping for ever.  TCP may call a dead link healthy; the reply to a ping does not."""
        interval, timeout = seconds(self._on.ping_interval), seconds(self._on.ping_timeout)
        while True:
            await trio.sleep(interval)
            # Where nothing can be heard the next ping is due all the same, or the exchange cuts us.
            await self._is_answered(await self._put(frames.ping(), _pong, timeout), timeout)

    async def pump(self) -> None:
        """Frames to facts to the inbox, in their order, for ever."""
        while True:
            facts: list[Fact] = []
            kept: list[Frame] = []
            for text in await self._socket.take(BATCH_FACTS_MAX):
                self._on.figures.frames += 1
                frame = Frame(received_at=self._on.world.clock.now(), asked="", text=text)
                read = frames.read(text, frame.received_at)
                if isinstance(read, frames.Reply):
                    await self._deliver(Source.STREAM, facts, kept)
                    facts, kept = [], []
                    await self._answer(read, frame)
                    continue
                if isinstance(read, Update):
                    self._on.figures.surplus += read.surplus
                told = read.facts if isinstance(read, Update) else (read,)
                self.sights.hear(told)
                facts += told
                kept.append(frame)
            await self._deliver(Source.STREAM, facts, kept)

    async def _put(
        self,
        request: frames.Request,
        read: Callable[[frames.Reply, int], tuple[T, tuple[Fact, ...]]],
        patience: float,
    ) -> _Question[T]:
        """Send a request.  Raises LinkLost if it can't be sent in time."""
        await self._limit.take()
        self._last_id += 1
        question: _Question[T] = _Question(request, read)
        self._questions[self._last_id] = question  # type: ignore[assignment]
        with trio.move_on_after(patience):
            await self._socket.send(frames.encode(request, self._last_id))
            return question
        raise LinkLost(f"{request.method} could not be sent within {patience:g}s")

    async def _is_answered(self, question: _Question[T], patience: float) -> bool:
        """Whether the reply came within so many seconds.

        Raises LinkLost if it did not come though we listened all the time.
        """
        began = trio.current_time()
        with trio.move_on_after(patience):
            await question.done.wait()
            return True
        if self._was_deaf(since=began):
            return False
        raise LinkLost(f"no reply to {question.request.method} within {patience:g}s")

    def _was_deaf(self, since: float) -> bool:
        """Whether the inbox has kept us from listening."""
        now, handing_over = trio.current_time(), self._handing_over_since
        if handing_over is not None and now - handing_over >= DEAF_SECONDS:
            return True
        return self._deaf_until > since

    async def _answer(self, reply: frames.Reply, frame: Frame) -> None:
        question = self._questions.pop(reply.id, None)
        if question is None:
            nobody = frames.unasked(reply, frame.received_at)
            await self._deliver(Source.QUERY, [nobody], [frame])
            return
        frame = replace(frame, asked=question.request.asked)
        if reply.error is not None:
            question.refused = RequestRefused(
                question.request.method, reply.error.code, reply.error.message
            )
        else:
            try:
                question.answer, facts = question.read(reply, frame.received_at)
            except Unintelligible as error:
                kept = error.kept(frame.received_at)
                await self._deliver(Source.QUERY, [kept], [frame])
                raise
            await self._deliver(Source.QUERY, facts, [frame])
        question.done.set()

    async def _deliver(self, source: Source, facts: Sequence[Fact], kept: Sequence[Frame]) -> None:
        if not facts:
            return
        ack = self._learn if source is Source.QUERY else None
        self._handing_over_since = began = trio.current_time()
        await self._on.hand_over(source, facts, ack, frames=kept)
        self._handing_over_since = None
        if (now := trio.current_time()) - began >= DEAF_SECONDS:
            self._deaf_until = now

    def _learn(self, applied: Applied) -> None:
        self.learned += applied


def _acknowledged(reply: frames.Reply, _: int) -> tuple[None, tuple[Fact, ...]]:
    if not frames.is_acknowledged(reply):
        raise LinkLost("a request was answered, but not with an acknowledgement")
    return None, ()


def _pong(reply: frames.Reply, _: int) -> tuple[None, tuple[Fact, ...]]:
    if not frames.is_pong(reply):
        raise LinkLost("a ping was answered, but not with a pong")
    return None, ()
