"""Weighs reports against the ledger in a transaction: which offsets each allows, and what that
makes of a wallet's proof.

A wallet that is verified costs one look at its ledger per report.  What the proof then means, and
what becomes of it, is decided elsewhere (`openings`, `steps`, `verdicts`).
"""

from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from reconciler.domain.money import minus, plus
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import judge
from reconciler.reconcile.prefix import Allowance, Seen, Skew, allowed, matched, window
from reconciler.reconcile.rules import Rules
from reconciler.reconcile.sums import sum_of
from reconciler.store.cases import Case
from reconciler.store.ledger import Ledger, Place


class Scales:
    """Weighs, by the rules that are configured."""

    def __init__(self, ledger: Ledger, rules: Rules) -> None:
        self._ledger = ledger
        self._rules = rules

    def weigh(
        self,
        connection: Connection,
        account_id: int,
        case: Case,
        seen: list[Seen],
        skew: Skew,
    ) -> None:
        """Weighs the reports; a finer display than was known is one that was finer all along."""
        case.decimals = max([case.decimals, *(sight.decimals for sight in seen)])
        allows = partial(self.allowance, connection, account_id, case.place, skew)
        case.proof = judge(case.proof, seen, allows)
        if seen:
            case.reported = seen[-1].shown
        if case.proof.is_verified and seen:
            assert case.proof.level is not None
            prefixes, floating = self._prefixes(
                connection, account_id, case.place, seen[-1].at, skew
            )
            tolerance = self._rules.tolerance_of(case.place[1])
            found = matched(seen[-1], case.wallet, prefixes, floating, case.proof.level, tolerance)
            case.agrees(prefixes[-1] if found is None else found)

    def allowance(
        self, connection: Connection, account_id: int, place: Place, skew: Skew, seen: Seen
    ) -> Allowance:
        """The offsets of the place that the report allows by the ledger as it is now."""
        prefixes, floating = self._prefixes(connection, account_id, place, seen.at, skew)
        wallet, tolerance = Wallet(place[0]), self._rules.tolerance_of(place[1])
        all_of_it = plus(prefixes[-1], sum_of(floating))
        return Allowance(
            possible=allowed(seen, wallet, prefixes, floating, tolerance),
            likely=allowed(seen, wallet, (all_of_it,), (), tolerance),
        )

    def _prefixes(
        self, connection: Connection, account_id: int, place: Place, at: int, skew: Skew
    ) -> tuple[list[Decimal], list[Decimal]]:
        """The running balances that a report received `at` may speak of, without what may or may
        not have happened by then; and the amounts of that."""
        first, last = window(at, skew)
        stretch = self._ledger.around(connection, account_id, place, first, last)
        floating = [line.amount for line in stretch.floating]
        running = stretch.before
        for amount_ in floating:
            running = minus(running, amount_)
        prefixes = [running]
        for line in stretch.lines:
            if line.latest_at is not None and line.latest_at >= first:
                floating.append(line.amount)
            else:
                running = plus(running, line.amount)
                prefixes.append(running)
        return prefixes, floating
