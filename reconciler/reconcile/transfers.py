"""What explains the steps of one asset's wallets: transfers between them, and what is in transit.

Transfers between own wallets leave no record at this exchange (PROTOCOL § 7.8), and a conversion is
recorded without its wallets (§ 7.7) and stands in transit until the wallets tell.  So an asset's
steps are explained together, by amounts that sum to what is in transit, or to nothing.  Equal and
opposite to the last digit and at the same time, or not at all: nothing is invented.

Each run of a wallet's marks (`runs`) may have its own reason; what one leaves is judged again.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations, groupby
from operator import itemgetter
from typing import NamedTuple

from msgspec import Struct

from reconciler.domain.money import ZERO, minus, times
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof
from reconciler.reconcile.prefix import BEHIND
from reconciler.reconcile.runs import ALWAYS, Run, runs_of, unseen_run, when
from reconciler.reconcile.sums import (
    GRID,
    PAIRS_MAX,
    Group,
    Moves,
    Sums,
    Way,
    Work,
    sum_of,
    together,
)

ITEMS_MAX = 6
"""Of more items not every set is tried."""

HIDDEN_MAX = times(Decimal(2), GRID)
"""What two parts of a balance may hide."""


class Item(Struct, frozen=True, kw_only=True):
    """What else may have changed an asset's wallets, by an exact amount and between two moments
    (our clock): a record in transit, or the other reading of a fee."""

    amount: Decimal
    key: str = ""
    """Of a fee's reading, its transaction; empty: in transit."""
    since: int = -ALWAYS
    until: int = ALWAYS

    def may_be_of(self, after: int, since: int) -> bool:
        """Whether it can have to do with what happened between these moments."""
        return self.since <= since + BEHIND and self.until >= after - BEHIND


class Explanation(Struct, frozen=True, kw_only=True):
    """Amounts that explain a run of each of some wallets."""

    moves: Moves
    """What each wallet gained."""
    runs: dict[Wallet, Run]
    items: tuple[Item, ...] = ()
    """What of it comes from these; the rest of the moves sums to zero."""
    or_more: dict[Wallet, tuple[Decimal, ...]] = {}
    """By how much more a wallet may as well have gained, where what is shown leaves that open."""

    @property
    def after(self) -> int:
        """When it happened at the earliest, our clock."""
        return when(self.runs.values())[0]

    @property
    def since(self) -> int:
        """When it had happened at the latest."""
        return when(self.runs.values())[1]


class _Some(NamedTuple):
    """A set of items, and what they sum to."""

    items: tuple[Item, ...]
    total: Decimal


def explain_steps(
    proofs: Mapping[Wallet, Proof],
    items: Sequence[Item],
    *,
    proven_until: int = ALWAYS,
    work: Work | None = None,
) -> Explanation | None:
    """One explanation of a part of the steps of one asset's wallets; None if nothing fits.

    What the reports say if each speaks of all that had happened is tried first, then all that they
    may say; then, of the time of which all records are known (before `proven_until`, our clock),
    whether a wallet without a step took what is too little to be seen in it.  Of several that fit,
    the one that needs the fewest items is taken, then the one that speaks of the most wallets, then
    the one that joins the fewest marks.
    """
    work = work or Work()
    order = sorted(proofs)
    likely = [runs_of(wallet, proofs[wallet], likely=True) for wallet in order]
    found = _explained(likely, items, work)
    if found is not None:
        return found
    possible = [runs_of(wallet, proofs[wallet], likely=False) for wallet in order]
    if possible != likely:
        found = _explained(possible, items, work)
    if found is None and not all(likely):
        proven = [[run for run in runs if run.since < proven_until] for runs in likely]
        for number, wallet in enumerate(order):
            if not likely[number] and proofs[wallet].room:
                proven[number] = [unseen_run(wallet, proofs[wallet])]
        found = _explained(proven, items, work)
    return found


def _explained(
    runs: Iterable[Sequence[Run]], items: Sequence[Item], work: Work
) -> Explanation | None:
    ways = [[way for run in theirs if (way := Way(run)).pairs <= PAIRS_MAX] for theirs in runs]
    every = [way.run for theirs in ways for way in theirs]
    if not any(run.jumps for run in every):
        return None
    after, since = min(run.after for run in every), max(run.since for run in every)
    sets = _sets([item for item in items if item.may_be_of(after, since)])
    totals = sorted({some.total for some in sets})
    groups = [together(ways, size, totals, work) for size in range(len(ways), 0, -1)]
    for _, alike in groupby(sets, key=lambda some: len(some.items)):
        theirs = sorted(alike, key=lambda some: some.total)
        for of_a_size in groups:
            found = _best(of_a_size, theirs, work)
            if found is not None:
                return found
    return None


def _best(groups: Sequence[Group], sets: Sequence[_Some], work: Work) -> Explanation | None:
    """Of explanations by as many items and wallets: of those that join the fewest marks the one
    that leaves the most room.  Takes no more than half of what work is left."""
    floor = work.left // 2
    best: Explanation | None = None
    jumps, most = 0, ZERO
    for group in groups:
        if work.left < floor or (best is not None and group.jumps > jumps):
            break
        work.left -= 1
        meant = [*_within(group, sets)]
        if not meant:
            continue
        sums = Sums(group.ways, work)
        for some in meant:
            solutions = [*sums.of(some.total)]
            if not solutions:
                continue
            moves, room = max(solutions, key=itemgetter(1))
            if best is None or room > most:
                best = Explanation(
                    moves=moves,
                    runs={way.run.wallet: way.run for way in group.ways},
                    items=some.items,
                    or_more=_or_more(moves, [other for other, _ in solutions]),
                )
                jumps, most = group.jumps, room
    return best


def _or_more(moves: Moves, others: Sequence[Moves]) -> dict[Wallet, tuple[Decimal, ...]]:
    """The differences to other solutions, if they are as little as what is hidden."""
    more: dict[Wallet, tuple[Decimal, ...]] = {}
    for wallet, amount in moves.items():
        found = {minus(other[wallet], amount) for other in others}
        if little := sorted(by for by in found if by and abs(by) <= HIDDEN_MAX):
            more[wallet] = tuple(little)
    return more


def _within(group: Group, sets: Sequence[_Some]) -> Iterator[_Some]:
    """Those that can have to do with the group, and whose total it may have moved by."""
    first = bisect_right(sets, group.low, key=lambda some: some.total)
    for some in sets[first:]:
        if some.total >= group.high:
            break
        if all(_is_meant(item, group) for item in some.items):
            yield some


def _is_meant(item: Item, group: Group) -> bool:
    """Whether the item may be what one of the wallets did; the rest of its run may be older, or
    younger.  Fees are the main wallet's."""
    return any(
        item.may_be_of(way.run.after, way.run.since)
        for way in group.ways
        if not item.key or way.run.wallet is Wallet.MAIN
    )


def _sets(items: Sequence[Item]) -> list[_Some]:
    """None of them, each set of a few, and all: the least first."""
    few = items[:ITEMS_MAX]
    sets = [chosen for size in range(len(few) + 1) for chosen in combinations(few, size)]
    if len(items) > len(few):
        sets += [(item,) for item in items[ITEMS_MAX:]]
        sets.append(tuple(items))
    sets.sort(key=len)
    return [_Some(taken, sum_of(item.amount for item in taken)) for taken in sets]
