"""By which amounts some wallets moved at once, so that they sum to a target.

Amounts lie on the grid of what can be transferred, but for one, which takes the rest and may be of
any record.  It runs within the writer's transaction, so the work is counted and comes to an end:
of wallets that trade so much that almost anything would fit not everything is tried.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import combinations, product
from math import prod
from operator import itemgetter
from typing import NamedTuple

from reconciler.domain.money import EXACT, ZERO, minus, plus
from reconciler.domain.words import Wallet
from reconciler.reconcile.offsets import Offsets, differences, meet, shifted, width
from reconciler.reconcile.prefix import BEHIND
from reconciler.reconcile.runs import ALWAYS, From, Run

GRID = Decimal("1e-8")
"""A transfer has at most eight decimals (PROTOCOL § 5.15)."""

PAIRS_MAX = 1024
"""Of a run that may begin and end at so many places that more of them pair nothing is tried."""

CANDIDATES_MAX = 128
"""Amounts tried for one wallet.  One that trades so much that more are possible is asked again."""

SOLUTIONS_MAX = 512
"""Sets of amounts tried for some wallets together."""

WORK_MAX = 25_000
"""Comparisons, of about two microseconds each, for one asset."""

AT_ONCE_MAX = 12
"""Runs of each of three wallets of which all triples are tried, the shortest first."""

Moves = dict[Wallet, Decimal]


@dataclass(slots=True)
class Work:
    """How much may still be done."""

    left: int = WORK_MAX


class Way:
    """A run, with what is found out about it when it is asked for."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.low = minus(run.end[0][0], run.begin[-1][1])
        self.high = minus(run.end[-1][1], run.begin[0][0])
        self.pairs = len(run.begin) * len(run.end)

    @cached_property
    def moved(self) -> Offsets:
        """By what the wallet may have moved."""
        return differences(self.run.end, self.run.begin)

    @cached_property
    def amounts(self) -> tuple[Decimal, ...] | None:
        """Those of it that lie on the grid; None if there are too many."""
        found: list[Decimal] = []
        for lo, hi in self.moved:
            first = int(EXACT.divide_int(lo, GRID)) - 1
            last = int(EXACT.divide_int(hi, GRID)) + 1
            if last - first + len(found) > CANDIDATES_MAX:
                return None
            on_grid = (EXACT.multiply(Decimal(n), GRID) for n in range(first, last + 1))
            found += [amount for amount in on_grid if lo < amount < hi]
        return tuple(found)

    @property
    def amounts_known(self) -> int:
        """So many, or one more than may be tried."""
        return CANDIDATES_MAX + 1 if self.amounts is None else len(self.amounts)

    def room_of(self, amount: Decimal) -> Decimal | None:
        """How much room the amount leaves to the offsets: the more, the likelier.  None if it is
        nothing, or does not lead from the run's end back to its begin."""
        landed = meet(shifted(self.run.end, minus(ZERO, amount)), self.run.begin)
        return width(landed) if amount and landed else None


class Group(NamedTuple):
    """One way each of some wallets, which may have gone them at the same moment."""

    ways: tuple[Way, ...]
    after: int
    since: int
    low: Decimal
    high: Decimal
    """What they sum to lies between these."""
    jumps: int

    def joined(self, way: Way) -> "Group":
        """With one more."""
        run = way.run
        return Group(
            (*self.ways, way),
            max(self.after, run.after),
            min(self.since, run.since),
            plus(self.low, way.low),
            plus(self.high, way.high),
            self.jumps + run.jumps,
        )


class Sums:
    """The amounts by which a group may have moved."""

    def __init__(self, ways: Sequence[Way], work: Work) -> None:
        self._ways = ways
        self._work = work
        self._pairs = sum(way.pairs for way in ways)
        work.left -= self._pairs

    def of(self, target: Decimal) -> Iterator[tuple[Moves, Decimal]]:
        """Those that sum to the target, and the room left to the least of the offsets.

        If the target lies on the grid, so do all of them, and whatever way has the most amounts is
        the last; else each way may be the one that does not.
        """
        if EXACT.remainder(target, GRID):
            lasts = [way for way in self._ways if way.run.origin is not From.NOTHING_SEEN]
        else:
            lasts = [max(self._ways, key=lambda way: way.amounts_known)]
        for last in lasts:
            yield from self._of(target, last)

    def _of(self, target: Decimal, last: Way) -> Iterator[tuple[Moves, Decimal]]:
        others = [way for way in self._ways if way is not last]
        tried = [amounts for way in others if (amounts := way.amounts) is not None]
        if len(tried) < len(others) or prod(map(len, tried)) > SOLUTIONS_MAX:
            return
        for amounts in product(*tried):
            self._work.left -= len(self._ways)
            rest = minus(target, sum_of(amounts))
            at = bisect_right(last.moved, rest, key=itemgetter(0)) - 1
            if at < 0 or not last.moved[at][0] < rest < last.moved[at][1]:
                continue
            self._work.left -= self._pairs
            moves = {way.run.wallet: amount for way, amount in zip(others, amounts, strict=True)}
            moves[last.run.wallet] = rest
            rooms = [way.room_of(moves[way.run.wallet]) for way in self._ways]
            if None not in rooms:
                yield moves, min(room for room in rooms if room is not None)
            if self._work.left < 0:
                return


_NONE = Group((), -ALWAYS, ALWAYS, ZERO, ZERO, 0)


def together(
    ways: Sequence[Sequence[Way]], size: int, totals: Sequence[Decimal], work: Work
) -> list[Group]:
    """The groups of so many wallets that may have moved by one of the totals (ascending), those
    that join the fewest marks first; none of wallets that did not move."""
    groups: list[Group] = []
    for chosen in combinations(ways, size):
        some = [_NONE]
        for theirs in chosen:
            if size > 2:
                theirs = theirs[:AT_ONCE_MAX]
            work.left -= len(some) * len(theirs)
            some = [
                group.joined(way)
                for group in some
                for way in theirs
                if max(group.after, way.run.after) <= min(group.since, way.run.since) + BEHIND
            ]
        groups += [group for group in some if group.jumps and _is_within(group, totals)]
    return sorted(groups, key=lambda group: group.jumps)


def _is_within(group: Group, totals: Sequence[Decimal]) -> bool:
    first = bisect_right(totals, group.low)
    return first < len(totals) and totals[first] < group.high


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    total = ZERO
    for amount in amounts:
        total = plus(total, amount)
    return total
