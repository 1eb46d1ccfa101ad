"""Steps of several wallets that explain each other: what one lost the others gained.

Transfers between own wallets leave no record at this exchange (PROTOCOL § 7.8), and a conversion is
recorded without its wallets (§ 7.7) and stands in transit until the wallets tell.  So an asset's
steps are explained together, by amounts that sum to what is in transit, or to nothing.  Equal and
opposite to the last digit, or not at all: nothing is split, and nothing is invented.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations, product

from reconciler.domain.money import EXACT, ZERO, minus, plus
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof, moved
from reconciler.reconcile.offsets import meet, shifted, width

GRID = Decimal("1e-8")
"""A transfer has at most eight decimals (PROTOCOL § 5.15)."""

CANDIDATES_MAX = 64
"""Amounts tried for one wallet.  One that trades so much that more are possible is asked again."""

IN_TRANSIT_MAX = 6
"""Records in transit of which every set is tried."""

Moves = dict[Wallet, Decimal]


def explain_steps(proofs: Mapping[Wallet, Proof], in_transit: Sequence[Decimal]) -> Moves | None:
    """What each wallet of one asset gained, so that its step is explained; None if nothing fits.

    `proofs` are those of one asset, `in_transit` the amounts that stand in transit.  As many steps
    as possible are explained at once.  What the last reports say if they speak of all that had
    happened is tried first, then all that they may say; and only then whether a wallet without a
    step took what is too little to be seen in it.
    """
    doubtful = {wallet: proof for wallet, proof in proofs.items() if proof.step is not None}
    return (
        _explained(doubtful, in_transit, likely=True)
        or _explained(doubtful, in_transit, likely=False)
        or (_explained(proofs, in_transit, likely=True) if len(proofs) > len(doubtful) else None)
    )


def _explained(
    doubtful: Mapping[Wallet, Proof], in_transit: Sequence[Decimal], *, likely: bool
) -> Moves | None:
    targets = sorted(set(_sums(in_transit)), key=abs)
    for size in range(len(doubtful), 0, -1):
        best: tuple[Decimal, Moves] | None = None
        for wallets in combinations(sorted(doubtful), size):
            if all(doubtful[wallet].step is None for wallet in wallets):
                continue
            for target in targets:
                for moves in _solutions(wallets, doubtful, target, likely):
                    score = _room(moves, doubtful, likely)
                    if score is not None and (best is None or score > best[0]):
                        best = score, moves
        if best is not None:
            return best[1]
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


def _sums(amounts: Sequence[Decimal]) -> list[Decimal]:
    sums = [ZERO]
    for amount in amounts[:IN_TRANSIT_MAX]:
        sums += [plus(known, amount) for known in sums]
    return [*sums, sum_of(amounts)]
