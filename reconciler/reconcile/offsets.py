"""What a wallet's true balance may be beyond the ledger: a few half-open intervals.

`true balance = running balance of the ledger + offset`.  The offset is the same at all times as
long as the record explains everything, so each report of the exchange, however it was cut for
display, narrows the intervals in which it can lie; when none is left, money is missing or extra.
"""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.money import minus, plus

Interval = tuple[Decimal, Decimal]
"""lo <= offset < hi."""

Offsets = tuple[Interval, ...]
"""Disjoint, ascending; empty: nothing is possible."""


def union(intervals: Iterable[Interval]) -> Offsets:
    """The same values in the fewest intervals."""
    joined: list[Interval] = []
    for lo, hi in sorted(intervals):
        if joined and lo <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], hi)
        else:
            joined.append((lo, hi))
    return tuple(joined)


def meet(a: Offsets, b: Offsets) -> Offsets:
    """What is in both."""
    found = [
        (max(lo, other_lo), min(hi, other_hi))
        for lo, hi in a
        for other_lo, other_hi in b
        if lo < other_hi and other_lo < hi
    ]
    return tuple(sorted(found))


def shifted(offsets: Offsets, by: Decimal) -> Offsets:
    """Each interval moved by `by`."""
    return tuple((plus(lo, by), plus(hi, by)) for lo, hi in offsets)


def differences(after: Offsets, before: Offsets) -> Offsets:
    """By how much something in `before` must have moved to be in `after`.

    The ends are open on one side more than an interval can say, so the lower one is a hair too
    generous; amounts are compared on a grid, where a hair means nothing.
    """
    return union(
        (minus(lo, before_hi), minus(hi, before_lo))
        for lo, hi in after
        for before_lo, before_hi in before
    )


def width(offsets: Offsets) -> Decimal:
    """From the least to the greatest value."""
    return minus(offsets[-1][1], offsets[0][0])


def contains(offsets: Offsets, value: Decimal) -> bool:
    """Whether the value is possible."""
    return any(lo <= value < hi for lo, hi in offsets)
