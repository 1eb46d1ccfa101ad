"""The exchange's limits, kept on our side: a sliding window on trio's clock."""

from collections import deque

import trio

MARGIN = 1.05
"""The exchange counts when requests arrive, which is not as evenly spaced as we sent them."""


class Limit:
    """At most `amount` permits in any stretch of `seconds`.  Waiters are served as they came."""

    def __init__(self, amount: int, seconds: float) -> None:
        self._amount = amount
        self._seconds = seconds * MARGIN
        self._taken: deque[float] = deque()
        self._turn = trio.StrictFIFOLock()

    async def take(self) -> None:
        """Wait for one permit."""
        async with self._turn:
            if len(self._taken) == self._amount:
                await trio.sleep_until(self._taken[0] + self._seconds)
                self._taken.popleft()
            self._taken.append(trio.current_time())

    def give_back(self) -> None:
        """The last permit was not used: nothing reached the exchange."""
        self._taken.pop()
