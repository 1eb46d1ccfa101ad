"""What one WebSocket still has to say: a bounded queue, and the task that empties it.

Putting never waits, so the engine never does.  A client that lets the queue fill up is cut off;
what has piled up goes out in one piece, because a system call per frame would be most of its cost.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

import trio

QUEUE_FRAMES_MAX = 65_536
"""What a client may lag behind: half a minute of the busiest life, some 20 MB."""

CORKED_FRAMES_MAX = 64
"""Some 20 KB: a good size for one write."""

Message: TypeAlias = MutableMapping[str, Any]
"""Of ASGI."""

Send: TypeAlias = Callable[[Message], Awaitable[None]]


class Line(Protocol):
    """The connection below."""

    def cork(self) -> None:
        """Holds back what is sent from now on …"""
        ...

    async def uncork(self) -> None:
        """… and sends it in one piece."""
        ...

    @property
    def reset(self) -> Callable[[], None]:
        """Ends it at once, without a word."""
        ...

    @property
    def is_stalled(self) -> bool:
        """Does nothing flow any more?"""
        ...

    def stall(self) -> None:
        """Lets nothing flow any more, in either direction; it stays open."""
        ...


class Sender:
    """Of one connection."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._queue, self._queued = trio.open_memory_channel[Message](QUEUE_FRAMES_MAX)

    def say(self, frame: str | bytes) -> None:
        """A text frame, or a binary one for bytes."""
        kind = "bytes" if isinstance(frame, bytes) else "text"
        self._put({"type": "websocket.send", kind: frame})

    def close(self, code: int) -> None:
        """A close frame, after what is queued already."""
        self._put({"type": "websocket.close", "code": code})

    def reset(self) -> None:
        """Ends the connection at once."""
        self._line.reset()

    def stall(self) -> None:
        """Nothing is sent any more, not even what is queued already."""
        self._line.stall()

    async def run(self, send: Send) -> None:
        """Returns when a close frame has been sent."""
        while True:
            messages = [await self._queued.receive()]
            with suppress(trio.WouldBlock):
                while len(messages) < CORKED_FRAMES_MAX:
                    messages.append(self._queued.receive_nowait())
            self._line.cork()
            try:
                for message in messages:
                    await send(message)
                    if message["type"] == "websocket.close":
                        return
            finally:
                await self._line.uncork()

    def _put(self, message: Message) -> None:
        try:
            self._queue.send_nowait(message)
        except trio.WouldBlock:
            self._line.reset()
