"""Steps of several wallets that explain each other: what one lost the others gained.

Transfers between own wallets leave no record at this exchange (PROTOCOL § 7.8), and a conversion is
recorded without its wallets (§ 7.7) and stands in transit until the wallets tell.  So an asset's
steps are explained together, by amounts that sum to what is in transit, or to nothing.  Equal and
opposite to the last digit, or not at all: nothing is split, and nothing is invented.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations, permutations, product

from msgspec import Struct

from reconciler.domain.money import EXACT, ZERO, minus, plus
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof, moved
from reconciler.reconcile.offsets import meet, shifted, width

GRID = Decimal("1e-8")
"""A transfer has at most eight decimals (PROTOCOL § 5.15)."""

CANDIDATES_MAX = 64
"""Amounts tried for one wallet.  One that trades so much that more are possible is asked again."""

ITEMS_MAX = 6
"""Of more items not every set is tried."""

Moves = dict[Wallet, Decimal]


class Item(Struct, frozen=True):
    """What else may have changed an asset's wallets, by an exact amount: a record in transit, or
    the other reading of a fee."""

    amount: Decimal
    key: str = ""
    """Of a fee's reading, its transaction; empty: in transit."""


class Explanation(Struct, frozen=True, kw_only=True):
    """Amounts that explain steps together."""

    moves: Moves
    """What each wallet gained."""
    items: tuple[Item, ...] = ()
    """What of it comes from these; the rest of the moves sums to zero."""
    partly: Wallet | None = None
    """The wallet of whose step this is only a part."""


def explain_steps(proofs: Mapping[Wallet, Proof], items: Sequence[Item]) -> Explanation | None:
    """What explains the steps of one asset's wallets; None if nothing fits.

    As many steps as possible are explained at once.  What the last reports say if they speak of all
    that had happened is tried first, then all that they may say; then whether a wallet without a
    step took what is too little to be seen in it; and last, whether all of one step is a part of
    another.
    """
    doubtful = {wallet: proof for wallet, proof in proofs.items() if proof.step is not None}
    return (
        _explained(doubtful, items, likely=True)
        or _explained(doubtful, items, likely=False)
        or (_explained(proofs, items, likely=True) if len(proofs) > len(doubtful) else None)
        or _partly(doubtful)
    )


def _explained(
    doubtful: Mapping[Wallet, Proof], items: Sequence[Item], *, likely: bool
) -> Explanation | None:
    for size in range(len(doubtful), 0, -1):
        best: tuple[Decimal, Explanation] | None = None
        for wallets in combinations(sorted(doubtful), size):
            if all(doubtful[wallet].step is None for wallet in wallets):
                continue
            for taken in _sets(items):
                if any(item.key for item in taken) and Wallet.MAIN not in wallets:
                    continue
                target = sum_of(item.amount for item in taken)
                for moves in _solutions(wallets, doubtful, target, likely):
                    room = _room(moves, doubtful, likely)
                    if room is not None and (best is None or room > best[0]):
                        best = room, Explanation(moves=moves, items=taken)
        if best is not None:
            return best[1]
    return None


def _partly(doubtful: Mapping[Wallet, Proof]) -> Explanation | None:
    """Another wallet gained, between two of its marks, just what this one lost."""
    for one, other in permutations(sorted(doubtful), 2):
        for amount in _candidates(doubtful[one], likely=True):
            if _room({one: amount}, doubtful, likely=True) is None:
                continue
            opposite = minus(ZERO, amount)
            proof = doubtful[other]
            assert proof.step is not None
            assert proof.level is not None
            for before, after in combinations((proof.level, *proof.step.marks), 2):
                if meet(shifted(after, amount), before):
                    return Explanation(moves={one: amount, other: opposite}, partly=other)
    return None


def _solutions(
    wallets: Sequence[Wallet], proofs: Mapping[Wallet, Proof], target: Decimal, likely: bool
) -> Iterator[Moves]:
    for amounts in product(*(_candidates(proofs[wallet], likely) for wallet in wallets[:-1])):
        rest = minus(target, sum_of(amounts))
        yield dict(zip(wallets, (*amounts, rest), strict=True))


def _candidates(proof: Proof, likely: bool) -> list[Decimal]:
    """The amounts on the grid by which the wallet may have moved; none if there are too many."""
    found: list[Decimal] = []
    for lo, hi in moved(proof, likely=likely):
        first = int(EXACT.divide_int(lo, GRID)) - 1
        last = int(EXACT.divide_int(hi, GRID)) + 1
        if last - first > CANDIDATES_MAX:
            return []
        found += [EXACT.multiply(Decimal(n), GRID) for n in range(first, last + 1)]
    return found if len(found) <= 8 * CANDIDATES_MAX else []


def _room(moves: Moves, proofs: Mapping[Wallet, Proof], likely: bool) -> Decimal | None:
    """How much room the amounts leave to the least of the offsets: the more, the likelier.  None
    if an amount is nothing, or does not bring its wallet back."""
    rooms: list[Decimal] = []
    for wallet, amount in moves.items():
        proof = proofs[wallet]
        assert proof.level is not None
        if proof.step is None:
            landed = meet(shifted(proof.level, minus(ZERO, amount)), proof.room)
        else:
            target = proof.step.likely if likely else proof.step.level
            landed = meet(shifted(target, minus(ZERO, amount)), proof.level)
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


def _sets(items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """None of them, each set of a few, and all: the least first."""
    few = items[:ITEMS_MAX]
    sets = [chosen for size in range(len(few) + 1) for chosen in combinations(few, size)]
    return [*sets, tuple(items)] if len(items) > len(few) else sets
