"""What explains the steps of one asset's wallets: transfers between them, and what is in transit.

Transfers between own wallets leave no record at this exchange (PROTOCOL § 7.8), and a conversion is
recorded without its wallets (§ 7.7) and stands in transit until the wallets tell.  So an asset's
steps are explained together, by amounts that sum to what is in transit, or to nothing.  Equal and
opposite to the last digit and at the same time, or not at all: nothing is invented.

A wallet that moved several times before anybody could say why has left a chain of marks.  Each run
of it, from one mark to a later one, may have its own reason; what is left is judged again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum, auto
from itertools import combinations, product
from math import prod

from msgspec import Struct

from reconciler.domain.money import EXACT, ZERO, minus, plus
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof
from reconciler.reconcile.offsets import Offsets, differences, meet, shifted, width
from reconciler.reconcile.prefix import AHEAD, COALESCED, DELAY_MAX

GRID = Decimal("1e-8")
"""A transfer has at most eight decimals (PROTOCOL § 5.15)."""

CANDIDATES_MAX = 128
"""Amounts tried for one wallet.  One that trades so much that more are possible is asked again."""

SOLUTIONS_MAX = 512
"""Sets of amounts tried for some wallets together: it happens within a transaction."""

ITEMS_MAX = 6
"""Of more items not every set is tried."""

BEHIND = COALESCED + DELAY_MAX + AHEAD
"""By how much two reports may stand apart that speak of the same moment."""

ALWAYS = 1 << 62

Moves = dict[Wallet, Decimal]


class Item(Struct, frozen=True, kw_only=True):
    """What else may have changed an asset's wallets, by an exact amount and between two moments
    (our clock): a record in transit, or the other reading of a fee."""

    amount: Decimal
    key: str = ""
    """Of a fee's reading, its transaction; empty: in transit."""
    since: int = -ALWAYS
    until: int = ALWAYS


class From(Enum):
    """What a wallet moved away from."""

    STEP = auto()
    """Its level, or a mark after that."""
    DRIFT = auto()
    """Where all was explained, before the drift that is open."""
    NOTHING_SEEN = auto()
    """It stayed, as far as what is shown can tell."""


class Run(Struct, frozen=True, kw_only=True):
    """One part of the way that a wallet went, for which there may be a reason."""

    wallet: Wallet
    origin: From
    begin: Offsets
    end: Offsets
    after: int
    """When it may have happened at the earliest, and"""
    since: int
    """by when it had; our clock."""
    jumps: int
    """From mark to mark."""


class Explanation(Struct, frozen=True, kw_only=True):
    """Amounts that explain a run of each of some wallets."""

    moves: Moves
    """What each wallet gained."""
    runs: dict[Wallet, Run]
    items: tuple[Item, ...] = ()
    """What of it comes from these; the rest of the moves sums to zero."""

    @property
    def after(self) -> int:
        """When it happened at the earliest, our clock."""
        return max(run.after for run in self.runs.values())

    @property
    def since(self) -> int:
        """When it had happened at the latest."""
        return min(run.since for run in self.runs.values())


def explain_steps(proofs: Mapping[Wallet, Proof], items: Sequence[Item]) -> Explanation | None:
    """One explanation of a part of the steps of one asset's wallets; None if nothing fits.

    What the reports say if each speaks of all that had happened is tried first, then all that they
    may say; then whether a wallet without a step took what is too little to be seen in it.  Of
    several that fit, the one that needs the fewest items is taken, then the one that speaks of the
    most wallets, then the one that joins the fewest marks.
    """
    return (
        _explained([_runs(wallet, proof, likely=True) for wallet, proof in proofs.items()], items)
        or _explained(
            [_runs(wallet, proof, likely=False) for wallet, proof in proofs.items()], items
        )
        or _explained(
            [
                _runs(wallet, proof, likely=True) or _unseen(wallet, proof)
                for wallet, proof in proofs.items()
            ],
            items,
        )
    )


def _runs(wallet: Wallet, proof: Proof, *, likely: bool) -> list[Run]:
    assert proof.base is not None
    assert proof.level is not None
    runs: list[Run] = []
    if proof.has_drifted and proof.left is not None:
        after, since = proof.left
        runs.append(
            Run(
                wallet=wallet,
                origin=From.DRIFT,
                begin=proof.base,
                end=proof.level,
                after=after,
                since=since,
                jumps=1,
            )
        )
    marks = () if proof.step is None else proof.step.marks
    stood = [proof.level, *((mark.likely if likely else mark.level) for mark in marks)]
    for first, last in combinations(range(len(stood)), 2):
        runs.append(
            Run(
                wallet=wallet,
                origin=From.STEP,
                begin=stood[first],
                end=stood[last],
                after=marks[first].after,
                since=marks[last - 1].since,
                jumps=last - first,
            )
        )
    return runs


def _unseen(wallet: Wallet, proof: Proof) -> list[Run]:
    assert proof.level is not None
    return [
        Run(
            wallet=wallet,
            origin=From.NOTHING_SEEN,
            begin=proof.room,
            end=proof.level,
            after=-ALWAYS,
            since=ALWAYS,
            jumps=0,
        )
    ]


def _explained(ways: Sequence[Sequence[Run]], items: Sequence[Item]) -> Explanation | None:
    best: tuple[tuple[int, int, int, Decimal], Explanation] | None = None
    ways = [runs for runs in ways if runs]
    sets = _sets(items)
    for runs in _together(ways):
        after, since = max(run.after for run in runs), min(run.since for run in runs)
        has_main = any(run.wallet is Wallet.MAIN for run in runs)
        total = _total(runs)
        jumps = sum(run.jumps for run in runs)
        for taken, target in sets:
            if best is not None and (len(taken), -len(runs), jumps) > best[0][:3]:
                break
            if not any(lo < target < hi for lo, hi in total):
                continue
            if not all(_is_meant(item, after, since, has_main=has_main) for item in taken):
                continue
            for moves in _solutions(runs, target):
                room = _room(moves, runs)
                if room is None:
                    continue
                rank = len(taken), -len(runs), jumps, minus(ZERO, room)
                if best is None or rank < best[0]:
                    by_wallet = {run.wallet: run for run in runs}
                    best = rank, Explanation(moves=moves, runs=by_wallet, items=taken)
    return None if best is None else best[1]


def _together(ways: Sequence[Sequence[Run]]) -> Iterator[tuple[Run, ...]]:
    """One run each of some wallets, which may have happened at the same moment."""
    for size in range(len(ways), 0, -1):
        for chosen in combinations(ways, size):
            for runs in product(*chosen):
                if all(run.origin is From.NOTHING_SEEN for run in runs):
                    continue
                if max(run.after for run in runs) <= min(run.since for run in runs) + BEHIND:
                    yield runs


def _is_meant(item: Item, after: int, since: int, *, has_main: bool) -> bool:
    """Whether the item can have to do with what happened then."""
    if item.key and not has_main:
        return False
    return item.since <= since + BEHIND and item.until >= after - BEHIND


def _total(runs: Sequence[Run]) -> Offsets:
    """What they may sum to."""
    total: Offsets = ((ZERO, ZERO),)
    for run in runs:
        total = tuple(
            (plus(lo, other_lo), plus(hi, other_hi))
            for lo, hi in total
            for other_lo, other_hi in differences(run.end, run.begin)
        )
    return total


def _solutions(runs: Sequence[Run], target: Decimal) -> Iterator[Moves]:
    """Amounts that sum to the target: on the grid for each run but the one that may be of the most,
    which takes the rest.  None if there are too many to be tried."""
    tried = [_candidates(run) for run in runs]
    sizes = [CANDIDATES_MAX + 1 if amounts is None else len(amounts) for amounts in tried]
    rest_of = max(range(len(runs)), key=sizes.__getitem__)
    others = {runs[n].wallet: tried[n] for n in range(len(runs)) if n != rest_of}
    known = [amounts for amounts in others.values() if amounts is not None]
    if len(known) < len(others) or prod(map(len, known)) > SOLUTIONS_MAX:
        return
    last = runs[rest_of]
    moved = differences(last.end, last.begin)
    for amounts in product(*known):
        rest = minus(target, sum_of(amounts))
        if any(lo < rest < hi for lo, hi in moved):
            yield dict(zip(others, amounts, strict=True)) | {last.wallet: rest}


def _candidates(run: Run) -> list[Decimal] | None:
    """The amounts on the grid by which the wallet may have moved; None if there are too many."""
    found: list[Decimal] = []
    for lo, hi in differences(run.end, run.begin):
        first = int(EXACT.divide_int(lo, GRID)) - 1
        last = int(EXACT.divide_int(hi, GRID)) + 1
        if last - first + len(found) > CANDIDATES_MAX:
            return None
        on_grid = (EXACT.multiply(Decimal(n), GRID) for n in range(first, last + 1))
        found += [amount for amount in on_grid if lo < amount < hi]
    return found


def _room(moves: Moves, runs: Sequence[Run]) -> Decimal | None:
    """How much room the amounts leave to the least of the offsets: the more, the likelier.  None
    if an amount is nothing, or does not lead from a run's end back to its begin."""
    rooms: list[Decimal] = []
    for run in runs:
        amount = moves[run.wallet]
        landed = meet(shifted(run.end, minus(ZERO, amount)), run.begin)
        if not amount or not landed:
            return None
        rooms.append(width(landed))
    return min(rooms)


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    total = ZERO
    for amount in amounts:
        total = plus(total, amount)
    return total


def _sets(items: Sequence[Item]) -> list[tuple[tuple[Item, ...], Decimal]]:
    """None of them, each set of a few, and all, with what they sum to: the least first."""
    few = items[:ITEMS_MAX]
    sets = [chosen for size in range(len(few) + 1) for chosen in combinations(few, size)]
    if len(items) > len(few):
        sets += [(item,) for item in items[ITEMS_MAX:]]
        sets.append(tuple(items))
    sets.sort(key=len)
    return [(taken, sum_of(item.amount for item in taken)) for taken in sets]
