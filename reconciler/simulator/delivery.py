"""Hands the frames of one WebSocket to its sender as the fault plan wants them: once, twice, late,
out of order, cut short or never.

What is late is kept by a task of its own, so that handing over never waits.
"""

from dataclasses import dataclass

import trio

from reconciler.simulator.acts import (
    Act,
    Cut,
    Delay,
    Duplicate,
    Reorder,
    Stall,
    Swallow,
    Truncate,
)
from reconciler.simulator.sender import Sender

HELD_S_MAX = 1.0
"""How long a frame waits for others to overtake it."""

_LATE_MAX = 65_536


@dataclass(slots=True, eq=False)
class _Held:
    frame: str
    name: str
    by: int


class Delivery:
    """Of one connection."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._held: list[_Held] = []
        self._put, self._late = trio.open_memory_channel[tuple[float, str | _Held]](_LATE_MAX)

    def deliver(self, act: Act | None, name: str, frame: str) -> None:
        """The frame, called `name`, with what goes wrong with it."""
        match act:
            case Cut(how):
                if how == "reset":
                    self._sender.reset()
                else:
                    self._sender.close(how)
                return
            case Stall():
                self._sender.stall()
                return
            case Delay(seconds):
                self._put.send_nowait((seconds, frame))
                return
            case Reorder(by):
                held = _Held(frame, name, by)
                self._held.append(held)
                self._put.send_nowait((HELD_S_MAX, held))
                return
            case Swallow():
                return
            case Duplicate():
                self._sender.say(frame)
            case Truncate(kept):
                frame = frame[:kept]
        self._sender.say(frame)
        if self._held:
            self._overtaken(name)

    async def run(self) -> None:
        """Delivers what is late, until cancelled."""
        async with trio.open_nursery() as nursery:
            async for seconds, what in self._late:
                nursery.start_soon(self._later, seconds, what)

    async def _later(self, seconds: float, what: str | _Held) -> None:
        await trio.sleep(seconds)
        if isinstance(what, str):
            self._sender.say(what)
        else:
            self._release(what)

    def _overtaken(self, name: str) -> None:
        for held in list(self._held):
            if held.name == name:
                held.by -= 1
                if not held.by:
                    self._release(held)

    def _release(self, held: _Held) -> None:
        if held in self._held:
            self._held.remove(held)
            self._sender.say(held.frame)
