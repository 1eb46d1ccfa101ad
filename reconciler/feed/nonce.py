"""The nonce of one API key: Unix milliseconds of the exchange's clock, never repeated, never back.

`nonceWindow` accepts what lies within five seconds of the exchange's time, so the offset between
its clock and ours is part of it (PROTOCOL § 1.8).
"""

from reconciler.clock import Clock
from reconciler.domain.moments import MILLISECOND, SECOND

OFFSET_IGNORED = 1 * SECOND
"""`public/time` tells whole seconds, so a smaller offset is within its error and means nothing."""


class Nonce:
    """One source per key, shared by all of its calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self.offset = 0
        """Exchange time minus ours, microseconds, as last measured."""

    def next(self) -> int:
        """A number greater than every one before it."""
        self._last = max(self._last + 1, (self._clock.now() + self.offset) // MILLISECOND)
        return self._last

    def calibrate(self, exchange_now: int, before: int, after: int) -> None:
        """Learn the offset: the exchange's time (whole seconds, cut) and ours around the call."""
        offset = exchange_now + SECOND // 2 - (before + after) // 2
        self.offset = offset if abs(offset) > OFFSET_IGNORED else 0
