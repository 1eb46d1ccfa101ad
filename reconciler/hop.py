"""The hop out of the event loop: one long-lived thread that runs blocking calls one at a time.

A thread of one's own costs about half of what `trio.to_thread.run_sync` does per call and always is
the same thread, so it can own a database connection.  The simulation passes a function that runs
the call in place instead, because a mock clock would jump while a thread is out.
"""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import Protocol, TypeVar, TypeVarTuple

import outcome
import trio

from reconciler.domain.moments import MINUTE
from reconciler.pulse import Pulse

CALL_MAX = 5 * MINUTE
"""A blocking call that takes longer is wedged, or so is what it waits for.  A database that is away
fails each call within half a minute; a busy one may keep a commit waiting."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Hop(Protocol):
    """Runs a blocking function somewhere else and waits for what it returns or raises."""

    async def __call__(self, fn: Callable[[*Ts], T], /, *args: *Ts) -> T: ...


async def inline(fn: Callable[[*Ts], T], /, *args: *Ts) -> T:
    """No thread: the call happens now, between two checkpoints."""
    await trio.lowlevel.checkpoint()
    return fn(*args)


class _Thread:
    """Implements Hop.  A call that has begun is waited for, cancelled or not: it may hold a
    transaction, and nobody else may use its connection before it is through."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    async def __call__(self, fn: Callable[[*Ts], T], /, *args: *Ts) -> T:
        await trio.lowlevel.checkpoint_if_cancelled()
        token = trio.lowlevel.current_trio_token()
        task = trio.lowlevel.current_task()

        def call() -> None:
            result = outcome.capture(fn, *args)
            token.run_sync_soon(trio.lowlevel.reschedule, task, result)

        def abort(_: object) -> trio.lowlevel.Abort:
            return trio.lowlevel.Abort.FAILED

        self._calls.put(call)
        result: T = await trio.lowlevel.wait_task_rescheduled(abort)
        return result

    def run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    def stop(self) -> None:
        self._calls.put(None)


@asynccontextmanager
async def thread(name: str) -> AsyncIterator[Hop]:
    """A thread that lives as long as the block; leaving waits for the call that is under way."""
    worker = _Thread()
    running = threading.Thread(target=worker.run, name=name, daemon=True)
    running.start()
    try:
        yield worker
    finally:
        worker.stop()


class Watched:
    """Implements Hop: another one, whose pulse is due while calls are under way or wait."""

    def __init__(self, hop: Hop, pulse: Pulse) -> None:
        self._hop = hop
        self._pulse = pulse
        self._calls = 0

    async def __call__(self, fn: Callable[[*Ts], T], /, *args: *Ts) -> T:
        self._calls += 1
        if self._calls == 1:
            self._pulse.beat(CALL_MAX)
        try:
            return await self._hop(fn, *args)
        finally:
            self._calls -= 1
            if self._calls:
                self._pulse.beat(CALL_MAX)
            else:
                self._pulse.rest()
