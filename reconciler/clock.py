"""Wall-clock time as an argument.

Durations and deadlines use trio's own clock (which a test may replace by a `MockClock`); what the
record calls "now" comes from here.
"""

from typing import Protocol

import trio

from reconciler.domain.moments import SECOND


class Clock(Protocol):
    """The only "now" of the program."""

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        ...


def steady() -> int:
    """Trio's clock in microseconds, from an arbitrary beginning: nobody sets it."""
    return round(trio.current_time() * SECOND)


class VirtualClock:
    """Follows trio's clock from a given moment on; under a `MockClock`, what the test says."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def now(self) -> int:
        return self._epoch + round(trio.current_time() * SECOND)
