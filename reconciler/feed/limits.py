"""The exchange's limits, kept on our side: a token bucket on trio's clock."""

import trio


class Bucket:
    """At most `amount` permits in any stretch of `seconds`, evenly refilled.

    A bucket of size b that refills at rate r lets b + r·t through in a time t.  So half of the
    amount is the size and half the flow, and the sum never exceeds what the exchange counts in a
    sliding window.  Waiters are served in the order in which they came.
    """

    def __init__(self, amount: int, seconds: float) -> None:
        assert amount >= 2
        self._size = amount / 2
        self._rate = amount / 2 / seconds
        self._level = self._size
        self._filled_at: float | None = None
        self._turn = trio.StrictFIFOLock()

    async def take(self) -> None:
        """Wait for one permit."""
        async with self._turn:
            self._refill()
            if self._level < 1:
                await trio.sleep((1 - self._level) / self._rate)
                self._refill()
            self._level -= 1

    def _refill(self) -> None:
        now = trio.current_time()
        if self._filled_at is not None:
            self._level = min(self._size, self._level + (now - self._filled_at) * self._rate)
        self._filled_at = now
