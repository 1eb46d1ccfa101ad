"""Coverage: which time is proven complete, as half-open spans of integer microseconds.

A span is a pair (since, until) and contains every moment `since <= t < until`, so spans that meet
join without overlapping.  Pure; who proves a span, and where it is kept, is not decided here.
"""

from collections.abc import Iterable

Stretch = tuple[int, int]
"""(since, until), since <= until."""


def union(spans: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """The same time in the fewest spans, oldest first; empty spans vanish."""
    joined: list[Stretch] = []
    for since, until in sorted(spans):
        assert since <= until, f"a span that ends before it begins: {since} … {until}"
        if since == until:
            continue
        if joined and since <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], until)
        else:
            joined.append((since, until))
    return tuple(joined)


def gaps(spans: Iterable[Stretch], since: int, until: int) -> tuple[Stretch, ...]:
    """What of `since` … `until` no span contains, oldest first."""
    missing: list[Stretch] = []
    reached = since
    for begin, end in union(spans):
        if begin >= until:
            break
        if begin > reached:
            missing.append((reached, begin))
        reached = max(reached, end)
    if reached < until:
        missing.append((reached, until))
    return tuple(missing)


def advance(spans: Iterable[Stretch], since: int) -> int:
    """How far time is covered without a break, going forward from `since` (which is returned if
    that moment itself is not covered)."""
    for begin, end in union(spans):
        if begin <= since < end:
            return end
    return since
