"""One of the exchange's limits, kept on our side: a sliding window that lets the urgent go first.

Counted is what is under way and what was answered within the window.  A call reaches the exchange
at some moment in between, so no stretch of the window's length can see more than the limit, however
uneven the network is.  Time is trio's clock, which no step of the wall clock moves.
"""

import math
from bisect import insort
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from enum import IntEnum
from itertools import count

import trio

MARGIN = 1.05
"""The exchange's windows need not be as long as ours, nor its clock as fast."""

KEPT_FOR_NOW = 4
"""One in so many permits is never given to history, so that nothing urgent ever waits for a
backfill's window to pass."""


class Urgency(IntEnum):
    """Who goes first where there is no room for all."""

    NOW = 0
    """What a session can't do without: token, balances, active orders, markets, time."""
    HISTORY = 1


class NotSent(Exception):
    """Nothing reached the exchange: the permit was not used."""


class Limit:
    """At most `amount` in any stretch of `seconds`."""

    def __init__(self, amount: int, seconds: float) -> None:
        self._amount = amount
        self._seconds = seconds * MARGIN
        self._under_way = 0
        self._answered = deque[float]()
        self._closed_until = -math.inf
        self._waiting: list[tuple[Urgency, int, trio.lowlevel.ParkingLot]] = []
        """In the order in which they will be served.  Only the first needs to know of a change."""
        self._numbers = count()

    @asynccontextmanager
    async def permit(self, urgency: Urgency = Urgency.NOW) -> AsyncIterator[None]:
        """Wait for one permit, to be used within the block.  First the urgent, then as they came.

        What ends the block with NotSent gives the permit back.
        """
        await self._wait(urgency)
        sent = True
        try:
            yield
        except NotSent:
            sent = False
            raise
        finally:
            self._under_way -= 1
            if sent:
                self._answered.append(trio.current_time())
            self._wake_first()

    async def take(self) -> None:
        """Wait for one permit and use it at once."""
        async with self.permit():
            pass

    def count(self, ages: Iterable[float]) -> None:
        """Others were used before, so many seconds ago."""
        now = trio.current_time()
        self._answered = deque(sorted([*self._answered, *(now - age for age in ages)]))

    def close(self, seconds: float) -> None:
        """Give no permit for so long, whatever was used."""
        self._closed_until = max(self._closed_until, trio.current_time() + seconds)

    def would_wait(self) -> bool:
        """Whether an urgent caller would have to wait."""
        return bool(self._waiting) or self._free_at(Urgency.NOW) > trio.current_time()

    async def _wait(self, urgency: Urgency) -> None:
        await trio.lowlevel.checkpoint()
        place = urgency, next(self._numbers), trio.lowlevel.ParkingLot()
        insort(self._waiting, place)
        try:
            while True:
                free_at = self._free_at(urgency) if self._waiting[0] is place else math.inf
                if free_at <= trio.current_time():
                    break
                with trio.move_on_at(free_at):
                    await place[2].park()
            self._under_way += 1
        finally:
            self._waiting.remove(place)
            self._wake_first()

    def _wake_first(self) -> None:
        if self._waiting:
            self._waiting[0][2].unpark()

    def _free_at(self, urgency: Urgency) -> float:
        """When there is room for the first who waits; infinity if that takes an answer first."""
        while self._answered and self._answered[0] + self._seconds <= trio.current_time():
            self._answered.popleft()
        most = self._amount
        if urgency is not Urgency.NOW:
            most -= self._amount // KEPT_FOR_NOW
        surplus = self._under_way + len(self._answered) - most
        if surplus < 0:
            return self._closed_until
        if surplus >= len(self._answered):
            return math.inf
        return max(self._closed_until, self._answered[surplus] + self._seconds)
