"""Which time of a stream a pass has to read, and which nobody can read any more.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.moments import DAY, HOUR, from_datetime, to_datetime
from reconciler.domain.spans import Stretch, gaps

REACH_MONTHS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Of one stream."""

    is_first: bool
    """Whether nothing of it is proven yet."""
    holes: tuple[Stretch, ...]
    """In the proof, oldest first."""
    rest: Stretch
    """From the end of the proof on, less the overlap."""
    missing: Stretch
    """The same without the overlap."""
    lost: tuple[Stretch, ...]
    """What is not proven and older than the exchange remembers."""


def plan(spans: Sequence[Stretch], *, since: int, until: int, overlap: int, floor: int = 0) -> Plan:
    """For what is proven so far; `since` is where a record that holds nothing begins, `floor` where
    the exchange's memory does."""
    begin, proven = (spans[0][0], spans[-1][1]) if spans else (since, since)
    unproven = gaps(spans, begin, until)
    return Plan(
        is_first=not spans,
        holes=tuple((max(low, floor), high) for low, high in unproven if floor < high <= proven),
        rest=(min(max(floor, proven - overlap if spans else since), until), until),
        missing=(min(max(floor, proven), until), until),
        lost=tuple((low, min(high, floor)) for low, high in unproven if low < floor),
    )


def floor_of(now: int) -> int:
    """Six months ago at 00:00 UTC (PROTOCOL § 9, trap 33); an hour early, as the day may change
    between the question and the answer."""
    today = to_datetime(now + HOUR).replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.year * 12 + today.month - 1 - REACH_MONTHS
    first = today.replace(year=month // 12, month=month % 12 + 1, day=1)
    # Before the 31st of August lies no 31st of February: the 3rd of March is surely within reach.
    return from_datetime(first) + (today.day - 1) * DAY
