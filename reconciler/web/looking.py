"""Looks at the record for everybody who asks: one read at a time, shared, and none without a limit.

Any number of pages cost one read every `FRESH_S` at most.  When the database can't be asked, what
was last seen is told again, with what is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import trio

from reconciler.clock import Clock
from reconciler.domain.moments import SECOND
from reconciler.hop import Hop
from reconciler.store.engine import Database, DatabaseUnusable
from reconciler.store.overview import Overview, Overviews

FRESH_S = 0.5
"""A look is told again for so long."""

READ_S_MAX = 4.0
"""Then the query is stopped."""

WAIT_S_MAX = 5.0
"""Then who asked is told that the database does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the record had at a moment."""

    at: int
    record: Overview = field(default_factory=Overview)
    trouble: str = ""
    """Why it could not be looked at now; then the rest is what was seen before."""


class Looking:
    """Shares looks.  `run` must run while anybody asks."""

    def __init__(
        self,
        database: Database,
        accounts: Sequence[str],
        hop: Hop,
        clock: Clock,
        *,
        read_s: float = READ_S_MAX,
        wait_s: float = WAIT_S_MAX,
    ) -> None:
        self._overviews = Overviews(database, limit=round(read_s * SECOND))
        self._accounts = accounts
        self._hop = hop
        self._clock = clock
        self._read_s = read_s
        self._wait_s = wait_s
        self._wanted = trio.Event()
        self._done = trio.Event()
        self._look = Look(at=clock.now())
        self._fresh_until = -1.0
        self._bug: Exception | None = None

    async def newest(self) -> Look:
        """The record as it was at most half a second ago.  Raises what a bug in reading raised."""
        if trio.current_time() >= self._fresh_until:
            done = self._done
            self._wanted.set()
            with trio.move_on_after(self._wait_s) as waiting:
                await done.wait()
            if waiting.cancelled_caught:
                why = f"the database has not answered for {self._wait_s:g} seconds"
                return replace(self._look, trouble=why)
            if self._bug is not None:
                raise self._bug
        return self._look

    async def run(self) -> None:
        """Reads whenever somebody wants it, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            self._bug = None
            try:
                self._look = await self._read()
            except Exception as bug:
                self._bug = bug  # whoever asked is told, and tells
            self._fresh_until = trio.current_time() + (FRESH_S if self._bug is None else 0)
            done, self._done = self._done, trio.Event()
            done.set()

    async def _read(self) -> Look:
        now = self._clock.now()
        finished = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._stop_late, finished)
            try:
                seen = await self._hop(self._overviews.look, self._accounts, now)
                return Look(at=now, record=seen)
            except DatabaseUnusable as problem:
                return replace(self._look, trouble=str(problem))
            finally:
                finished.set()

    async def _stop_late(self, finished: trio.Event) -> None:
        """Stops the read when its time is over, or when we are to leave, as a thread can't be."""
        try:
            with trio.move_on_after(self._read_s):
                await finished.wait()
        finally:
            with trio.CancelScope(shield=True):
                while not finished.is_set():
                    self._overviews.stop()
                    with trio.move_on_after(0.1):  # between two queries there is nothing to stop
                        await finished.wait()
