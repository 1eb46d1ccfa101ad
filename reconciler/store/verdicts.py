"""Decides in a transaction which steps are drifts now, and which drifts are over.

A step is taken for a drift mark by mark, once nothing can explain it any more: its own record is
whole, and no other wallet of the asset moved at that time for a reason that is still open.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from reconciler.domain.moments import SECOND
from reconciler.domain.money import minus
from reconciler.domain.words import Wallet
from reconciler.reconcile import judge as judging
from reconciler.reconcile.drift import marks_over
from reconciler.reconcile.offsets import differences
from reconciler.reconcile.prefix import BEHIND, Skew
from reconciler.reconcile.rules import Rules
from reconciler.reconcile.sums import GRID
from reconciler.store.cases import Case, Cases
from reconciler.store.drifts import Drifts
from reconciler.store.horizon import Horizon
from reconciler.store.ledger import Place

OPENING_WAITED_FOR = 300 * SECOND
"""For so long a drift waits for the same asset's opening in another wallet."""


class Verdicts:
    """Detects drifts and resolves them, for one kind of database."""

    def __init__(self, cases: Cases, horizon: Horizon, drifts: Drifts, rules: Rules) -> None:
        self._cases = cases
        self._horizon = horizon
        self._drifts = drifts
        self._rules = rules

    def decide(
        self,
        connection: Connection,
        account_id: int,
        cases: Mapping[Place, Case],
        skew: Skew,
        now: int,
    ) -> None:
        """Says of each case what it is now, and of each drift that is new, changed or over."""
        over = self._over(connection, account_id, cases, skew)
        for case in cases.values():
            if case.was in ("drift", "moving") and not case.proof.has_drifted:
                # Before a new step is judged: that is another drift, if it is one.
                self._drifts.resolve(
                    connection, account_id, case.place, unit=case.unit, skew=skew, now=now
                )
            if marks := over.get(case.place):
                self._detect(connection, account_id, case, marks, skew, now)
            elif case.proof.step is not None:
                moved = differences(case.proof.step.level, case.proof.base or ())
                _differ(case, judging.nearest(moved, max(case.unit, GRID)))
            elif case.proof.has_drifted:
                _differ(case, judging.drifted_by(case.proof, case.unit))

    def _over(
        self,
        connection: Connection,
        account_id: int,
        cases: Mapping[Place, Case],
        skew: Skew,
    ) -> dict[Place, int]:
        """Of each case how many marks of its step are a drift."""
        doubtful = [case for case in cases.values() if case.proof.step is not None]
        if not doubtful:
            return {}
        proven = self._horizon.proven_until(connection, account_id, skew) or 0
        read_again = self._horizon.read_again_at(connection, account_id)
        over: dict[Place, int] = {}
        for case in doubtful:
            assert case.proof.step is not None
            over_by = partial(
                marks_over,
                case.proof.step,
                settle=self._rules.settle,
                read_again_at=read_again,
                proven_until=proven,
            )
            over[case.place] = over_by()
            if over[case.place] and case.wallet is Wallet.MAIN:
                asset = case.place[1]
                given_back = self._horizon.given_back_at(connection, account_id, asset, skew)
                over[case.place] = over_by(given_back_at=given_back)
        for asset in {case.place[1] for case in doubtful}:
            siblings = self._cases.siblings(connection, account_id, asset, cases)
            if any(case.proof.base is None for case in siblings):
                # What is missing here may be what is extra in a wallet that isn't settled.
                for case in siblings:
                    if case.place in over:
                        over[case.place] = min(over[case.place], _overdue(case))
        while any(_hold_back(case, doubtful, over) for case in doubtful):
            pass
        return over

    def _detect(
        self,
        connection: Connection,
        account_id: int,
        case: Case,
        marks: int,
        skew: Skew,
        now: int,
    ) -> None:
        assert case.proof.step is not None
        parted = case.proof.verified_at, case.proof.step.since
        case.proof = judging.settled(case.proof, marks)
        _differ(case, judging.drifted_by(case.proof, case.unit))
        assert case.expected is not None
        self._drifts.detect(
            connection,
            account_id,
            case.place,
            expected=case.expected,
            reported=case.reported,
            proof=case.proof,
            parted=parted,
            skew=skew,
            now=now,
        )


def _overdue(case: Case) -> int:
    """How many marks are so old that no opening is waited for any more."""
    assert case.proof.step is not None
    latest = case.proof.step.confirmed_at - OPENING_WAITED_FOR
    return sum(1 for mark in case.proof.step.marks if mark.since < latest)


def _hold_back(case: Case, doubtful: Sequence[Case], over: dict[Place, int]) -> bool:
    """Takes back what was over of a case, if another wallet of the asset moved at that time for a
    reason that is still open.  Whether anything was."""
    assert case.proof.step is not None
    open_marks = [
        mark
        for other in doubtful
        if other is not case and other.place[1] == case.place[1] and other.proof.step is not None
        for mark in other.proof.step.marks[over[other.place] :]
    ]
    before = over[case.place]
    for number, mark in enumerate(case.proof.step.marks[:before]):
        if any(other.after <= mark.since + BEHIND for other in open_marks):
            over[case.place] = number
            break
    return over[case.place] < before


def _differ(case: Case, difference: Decimal) -> None:
    case.difference = difference
    case.expected = minus(case.reported, difference)
