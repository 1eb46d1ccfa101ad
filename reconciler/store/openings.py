"""Openings: what a wallet held before the record begins, fixed by its first reports.

They are conclusions, each of which cites its snapshot.  What is learned later of the time before
only changes the opening, and nothing of what came after.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from reconciler.domain.money import ZERO, minus, plus, times
from reconciler.ledger import books
from reconciler.ledger.entry import Entry, Leg
from reconciler.reconcile.judge import learned_late, opening
from reconciler.reconcile.prefix import Skew, parts
from reconciler.reconcile.rules import Rules
from reconciler.reconcile.sums import sum_of
from reconciler.store.cases import Case, Cases
from reconciler.store.conclusions import Conclusions
from reconciler.store.horizon import Horizon
from reconciler.store.ledger import Ledger, Place, Posted
from reconciler.store.scales import Scales

OPENING = "opening"


class Openings:
    """Opens the ledgers of wallets, for one kind of database."""

    def __init__(
        self,
        ledger: Ledger,
        scales: Scales,
        cases: Cases,
        horizon: Horizon,
        conclusions: Conclusions,
        rules: Rules,
    ) -> None:
        self._ledger = ledger
        self._scales = scales
        self._cases = cases
        self._horizon = horizon
        self._conclusions = conclusions
        self._rules = rules

    def open(
        self,
        connection: Connection,
        account_id: int,
        case: Case,
        skew: Skew,
        proven: int,
        now: int,
    ) -> None:
        """Opens the ledger with what the reports of the time before `proven` (our clock) say, as
        soon as they leave no choice, and judges the later ones by it."""
        tolerance = self._rules.tolerance_of(case.place[1])
        allows = partial(self._scales.allowance, connection, account_id, case.place, skew)
        slack = plus(
            times(Decimal(parts(case.wallet)), case.unit),
            times(Decimal(2), tolerance),
        )
        found = opening(case.proof, slack, allows, proven_until=proven)
        if found is None:
            return
        amount_, proof = found
        assert proof.opened_at is not None
        first = self._ledger.first_at(connection, account_id, case.place)
        begin = self._horizon.covered_from(connection, account_id)
        moments = [at - 1 for at in (first, begin, proof.opened_at + skew.offset) if at is not None]
        leg = Leg(wallet=case.wallet, asset=case.place[1], amount=amount_, contra=books.OPENING)
        entry = Entry(
            kind=OPENING,
            reference=":".join(case.place),
            occurred_at=min(moments),
            legs=(leg,),
        )
        note = f"snapshot of {proof.opened_at}"
        self._conclusions.conclude(connection, account_id, entry, note=note, now=now)
        case.proof = proof
        self._scales.weigh(connection, account_id, case, [], skew)
        case.agrees(self._ledger.balance(connection, account_id, case.place))

    def late(self, connection: Connection, account_id: int, posted: Sequence[Posted]) -> None:
        """After entries of a time that was judged without them.  Before the opening it was that
        much less, as the report that fixed it included them; since then only what is too little to
        be seen needs to be told."""
        sums: dict[Place, list[Posted]] = {}
        for one in posted:
            sums.setdefault(one.place, []).append(one)
        changed: list[Case] = []
        for case in self._cases.known(connection, account_id, list(sums)):
            opened_at = case.proof.opened_at
            if opened_at is None:
                continue
            theirs = sums[case.place]
            late = sum_of(one.amount for one in theirs if one.by < opened_at)
            if late:
                self._conclusions.correct(
                    connection, account_id, OPENING, ":".join(case.place), minus(ZERO, late)
                )
            before = case.proof
            for one in theirs:
                if opened_at <= one.by < (before.seen_at or 0):
                    case.proof = learned_late(case.proof, one.amount)
            if case.proof != before:
                changed.append(case)
        self._cases.put(connection, account_id, changed)
