"""Delays between attempts: exponential, capped, with full jitter."""

from collections.abc import Iterator
from random import Random


def delays(chance: Random, *, first: float, most: float) -> Iterator[float]:
    """Seconds to wait before the next attempt, without end.

    Each is drawn from (0, ceiling]; the ceiling doubles from `first` up to `most`.  Full jitter,
    since a thousand clients cut at one moment should not come back at one moment.
    """
    ceiling = first
    while True:
        yield ceiling * (1 - chance.random())
        ceiling = min(most, 2 * ceiling)
