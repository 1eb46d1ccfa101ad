"""What a feed remembers from one pass over history to the next, as long as its process lives.

Nothing here is needed for the record to be right: without it a pass asks more than it has to, or a
conclusion that takes two passes takes one more.
"""

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from reconciler.domain.moments import DAY, SECOND
from reconciler.domain.spans import Stretch

ROWS_SURELY = 20
"""The shortest documented page has 30 rows (PROTOCOL § 5.1)."""

WIDTH_MAX = 29 * DAY
"""Conversions are told for at most 30 days, orders for 31 (PROTOCOL § 5.1), and a second or two is
added at both ends."""

GROWTH_MAX = 8
UNREADABLE_MAX = 10_000


@dataclass(slots=True)
class Paging:
    """How long the answers to one call can be, as far as is known."""

    most: int = 0
    """Rows that are given at most, if that was seen to be fewer than are asked for; else 0."""
    whole: int = ROWS_SURELY
    """An answer shorter than this was not cut off."""

    def rows(self, asked: int) -> int:
        """That one answer holds, as far as is known."""
        return min(self.most or asked, asked)


@dataclass(slots=True)
class Pace:
    """How wide a slice of a stream's time to ask for, so that one answer holds it whole."""

    width: int = WIDTH_MAX

    def held(self, time: int, count: int, rows: int) -> None:
        """An answer that can have `rows` held that much time in `count`: aim at half of it.  A thin
        one says little about the next."""
        wanted = time * (rows // 2) // max(count, 1)
        if count < rows // GROWTH_MAX:
            wanted = max(wanted, self.width)
        self.width = min(wanted, max(self.width, GROWTH_MAX * time), WIDTH_MAX)

    def was_full(self, time: int) -> None:
        """It did not."""
        self.width = max(time // 4, SECOND)


@dataclass(frozen=True, slots=True)
class Recall:
    """Of one account.  Only its passes write here."""

    paging: defaultdict[str, Paging] = field(default_factory=lambda: defaultdict(Paging))
    """Of each call."""
    pace: defaultdict[str, Pace] = field(default_factory=lambda: defaultdict(Pace))
    """Of each stream."""
    missing: dict[int, int] = field(default_factory=dict)
    """Orders that the record believes open and the exchange knows nothing of, since when."""
    orphans: set[int] = field(default_factory=set)
    """Orders that only deals tell of, and that were asked for."""
    looked_up: dict[Hashable, int] = field(default_factory=dict)
    """When each unsettled transaction was last asked for."""
    unreadable: dict[Hashable, int] = field(default_factory=dict)
    """When each row of a list that could not be understood was first seen."""
    told: defaultdict[tuple[str, str], list[Stretch]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """The gaps that the log has told of, by stream and reason."""

    def first_seen(self, row: Hashable, now: int) -> int:
        """When a row that could not be understood was seen for the first time."""
        if len(self.unreadable) >= UNREADABLE_MAX:
            return self.unreadable.get(row, now)
        return self.unreadable.setdefault(row, now)

    def tells_first(self, stream: str, reason: str, gap: Stretch) -> bool:
        """Whether the log has told of no part of it, nor of what it goes on from: the next pass may
        find the same gap a little earlier or later."""
        told = self.told[stream, reason]
        if any(since <= gap[1] and gap[0] <= until for since, until in told):
            return False
        told.append(gap)
        return True
