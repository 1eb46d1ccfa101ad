"""When to try again: after growing delays with full jitter, or when the other side says."""

from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random

from reconciler.domain.moments import SECOND, from_datetime

_DIGITS_MAX = 9
"""A header can have as many as it likes, and `int` refuses to read thousands."""


def delays(chance: Random, *, first: float, most: float) -> Iterator[float]:
    """Seconds to wait before the next attempt, without end.

    Each is drawn from (0, ceiling]; the ceiling doubles from `first` up to `most`.  Full jitter,
    since a thousand clients cut at one moment should not come back at one moment.
    """
    ceiling = first
    while True:
        yield ceiling * (1 - chance.random())
        ceiling = min(most, 2 * ceiling)


def retry_after(header: str, now: int) -> int | None:
    """What `Retry-After` asks for, microseconds from the server's `now` on: it gives seconds or a
    date.  None if it asks for nothing, or can't be understood."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        after = int(header[:_DIGITS_MAX]) * SECOND
    else:
        try:
            date = parsedate_to_datetime(header)
            after = from_datetime(date if date.tzinfo else date.replace(tzinfo=UTC)) - now
        except (ValueError, OverflowError):
            return None
    return after if after > 0 else None
