"""Explains the steps of an asset's wallets in a transaction, and books what explains them.

What explains what is said by `reconcile.transfers`.  The entry gets the time within which it must
have happened, and the wallets are weighed again with it: what it leaves unexplained shows as what
it is, later and less.
"""

from decimal import Decimal

from sqlalchemy import Connection

from reconciler.domain.money import ZERO, minus
from reconciler.domain.words import Wallet
from reconciler.ledger import books
from reconciler.ledger.entry import Entry, Leg
from reconciler.reconcile import judge as judging
from reconciler.reconcile.prefix import Skew, window
from reconciler.reconcile.runs import From
from reconciler.reconcile.transfers import Explanation, Item, explain_steps
from reconciler.store.bookkeeping import Bookkeeping
from reconciler.store.cases import Case, Cases
from reconciler.store.conclusions import Conclusions
from reconciler.store.horizon import Horizon
from reconciler.store.ledger import Ledger, Place
from reconciler.store.scales import Scales

TRANSFER = "transfer"

IN_TRANSIT_MAX = 12
EXPLANATIONS_MAX = 12
"""One after the other, of what happened to an asset since its wallets were last verified."""


class Steps:
    """Explains steps, for one kind of database."""

    def __init__(
        self,
        ledger: Ledger,
        bookkeeping: Bookkeeping,
        scales: Scales,
        cases: Cases,
        horizon: Horizon,
        conclusions: Conclusions,
    ) -> None:
        self._ledger = ledger
        self._bookkeeping = bookkeeping
        self._scales = scales
        self._cases = cases
        self._horizon = horizon
        self._conclusions = conclusions

    def explain(
        self,
        connection: Connection,
        account_id: int,
        cases: dict[Place, Case],
        skew: Skew,
        now: int,
    ) -> None:
        """Explains what it can of each asset in doubt, by its wallets' steps and by what is in
        transit.  Wallets that had to move for it join the `cases`."""
        doubtful = {case.place[1] for case in cases.values() if case.proof.step is not None}
        if not doubtful:
            return
        proven = self._horizon.proven_until(connection, account_id, skew) or 0
        for asset in sorted(doubtful):
            theirs = {
                case.wallet: case
                for case in self._cases.siblings(connection, account_id, asset, cases)
                if case.proof.base is not None
            }
            for _ in range(EXPLANATIONS_MAX):
                proofs = {wallet: case.proof for wallet, case in theirs.items()}
                if not any(proof.step or proof.has_drifted for proof in proofs.values()):
                    break
                items = self._items(connection, account_id, asset, skew)
                found = explain_steps(proofs, items, proven_until=proven)
                if found is None:
                    break
                self._book(connection, account_id, asset, found, skew, now)
                for wallet in found.moves:
                    case = theirs[wallet]
                    self._move(connection, account_id, case, found, skew)
                    cases[case.place] = case

    def _items(self, connection: Connection, account_id: int, asset: str, skew: Skew) -> list[Item]:
        off = skew.uncertainty
        transit = self._ledger.open_lines(connection, account_id, ("", asset), IN_TRANSIT_MAX)
        items = [
            Item(
                amount=line.amount,
                since=line.occurred_at - skew.offset - off,
                until=(line.latest_at or line.occurred_at) - skew.offset + off,
            )
            for line in transit
        ]
        items += [
            Item(
                amount=reading.more,
                key=reading.key,
                since=reading.since - skew.offset - off,
                until=reading.until - skew.offset + off,
            )
            for reading in self._bookkeeping.other_readings(connection, account_id, asset)
        ]
        return items

    def _book(
        self,
        connection: Connection,
        account_id: int,
        asset: str,
        found: Explanation,
        skew: Skew,
        now: int,
    ) -> None:
        """Books what explains the steps: fees as they must be read, and one entry for the rest."""
        moves = dict(found.moves)
        legs: list[Leg] = []
        for item in found.items:
            if item.key:
                self._bookkeeping.read_otherwise(connection, account_id, item.key, now=now)
                moves[Wallet.MAIN] = minus(moves[Wallet.MAIN], item.amount)
            else:
                # One leg each, so that it evens out the line that stands in transit.
                legs.append(_leg(None, asset, minus(ZERO, item.amount)))
        legs = [_leg(wallet, asset, amount) for wallet, amount in sorted(moves.items())] + legs
        legs = [leg for leg in legs if leg.amount]
        if not legs:
            return
        first, _ = window(found.after, skew)
        _, last = window(found.since, skew)
        # Commits may be so near in time that the clock does not tell them apart.
        reference = self._conclusions.unused(connection, account_id, TRANSFER, f"{asset}:{now}")
        entry = Entry(
            kind=TRANSFER,
            reference=reference,
            occurred_at=min(first, last),
            latest_at=last,
            legs=tuple(legs),
        )
        self._conclusions.conclude(connection, account_id, entry, note="inferred", now=now)

    def _move(
        self,
        connection: Connection,
        account_id: int,
        case: Case,
        found: Explanation,
        skew: Skew,
    ) -> None:
        """What the explanation makes of the wallet's proof."""
        moved = found.moves[case.wallet]
        match found.runs[case.wallet].origin:
            case From.NOTHING_SEEN:
                case.proof = judging.absorbed(case.proof, moved)
            case From.DRIFT:
                case.proof = judging.returned(case.proof, moved)
        case.proof = judging.blurred(case.proof, found.or_more.get(case.wallet, ()))
        self._scales.weigh(connection, account_id, case, [], skew)
        if case.proof.is_verified:
            case.agrees(self._ledger.balance(connection, account_id, case.place))


def _leg(wallet: Wallet | None, asset: str, amount: Decimal) -> Leg:
    return Leg(wallet=wallet, asset=asset, amount=amount, contra=books.TRANSFERS)
