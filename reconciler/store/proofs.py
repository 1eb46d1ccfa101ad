"""The judgement in a transaction: reports against the ledger, and what it makes of them as rows.

What a report allows, what a step is and what explains it is said by `reconcile`; here is only what
is read and written for it, and in which order: `scales` weigh the reports, `openings` begin a
wallet's ledger, `steps` are explained, `verdicts` say what is a drift.  The doubtful wallets are
asked again in every transaction, as any fact may explain them.
"""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection, Dialect, select

from reconciler.domain.facts import Balance, BalanceReport
from reconciler.domain.money import ZERO, minus, times
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof
from reconciler.reconcile.prefix import Seen, Skew, parts, window
from reconciler.reconcile.rules import Rules
from reconciler.store import schema
from reconciler.store.bookkeeping import Bookkeeping
from reconciler.store.cases import Case, Cases
from reconciler.store.clocks import Clocks
from reconciler.store.columns import storable
from reconciler.store.conclusions import Conclusions
from reconciler.store.drifts import Drifts
from reconciler.store.horizon import Horizon
from reconciler.store.ledger import Ledger, Place, Posted
from reconciler.store.openings import Openings
from reconciler.store.outbox import Outbox
from reconciler.store.scales import Scales
from reconciler.store.steps import Steps
from reconciler.store.verdicts import Verdicts


class Proofs:
    """The judge of one kind of database.  Remembers nothing between calls."""

    def __init__(
        self,
        dialect: Dialect,
        ledger: Ledger,
        bookkeeping: Bookkeeping,
        rules: Rules,
        outbox: Outbox | None = None,
    ) -> None:
        self._ledger = ledger
        self._rules = rules
        self._cases = Cases(dialect)
        self._clocks = Clocks(dialect)
        self.horizon = Horizon(dialect)
        conclusions = Conclusions(dialect, ledger)
        self._scales = Scales(ledger, rules)
        self._openings = Openings(
            ledger, self._scales, self._cases, self.horizon, conclusions, rules
        )
        self._steps = Steps(
            ledger, bookkeeping, self._scales, self._cases, self.horizon, conclusions
        )
        self._verdicts = Verdicts(
            self._cases, self.horizon, Drifts(dialect, outbox or Outbox()), rules
        )

    def judge(
        self,
        connection: Connection,
        account_id: int,
        reports: Sequence[BalanceReport],
        *,
        passed: bool = False,
        now: int,
    ) -> int:
        """Judges what the transaction reported, and again what is in doubt.

        `passed` says that a pass over all histories has ended.  Returns how many wallets' assets
        are in doubt.
        """
        seen = self._seen(connection, account_id, reports)
        asked = self._cases.in_doubt(connection, account_id)
        if not seen and not asked and not passed:
            return 0
        skew = self._clocks.skew_of(connection, account_id)
        proven = self.horizon.proven_until(connection, account_id, skew) if passed else None
        if proven is not None:
            self.horizon.prove_readings(connection, account_id, proven)
        if passed:
            asked += self._cases.unopened(connection, account_id)
        cases = {case.place: case for case in asked}
        missing = [place for place in seen if place not in cases]
        for case in self._cases.known(connection, account_id, missing):
            cases[case.place] = case
        for place, sights in seen.items():
            if place not in cases and (
                any(sight.shown for sight in sights)
                or self._ledger.first_at(connection, account_id, place) is not None
            ):
                named = any(
                    str(report.wallet) == place[0]
                    and report.complete
                    and any(storable(balance.asset) == place[1] for balance in report.balances)
                    for report in reports
                )
                cases[place] = self._begun(
                    connection, account_id, place, sights, skew, by_reading=named
                )
        for place, case in cases.items():
            self._scales.weigh(connection, account_id, case, seen.get(place, []), skew)
        if proven is not None:
            for case in cases.values():
                if case.proof.base is None:
                    self._openings.open(connection, account_id, case, skew, proven, now)
        self._steps.explain(connection, account_id, cases, skew, now)
        self._verdicts.decide(connection, account_id, cases, skew, now)
        self._cases.put(connection, account_id, cases.values())
        return sum(1 for case in cases.values() if case.proof.step is not None)

    def late(self, connection: Connection, account_id: int, posted: Sequence[Posted]) -> None:
        """After entries were posted, perhaps of a time before an opening."""
        self._openings.late(connection, account_id, posted)

    # What was seen

    def _seen(
        self, connection: Connection, account_id: int, reports: Sequence[BalanceReport]
    ) -> dict[Place, list[Seen]]:
        seen: dict[Place, list[Seen]] = {}
        for report in reports:
            wallet = str(report.wallet)
            named: set[str] = set()
            for balance in report.balances:
                asset = storable(balance.asset)
                named.add(asset)
                seen.setdefault((wallet, asset), []).append(
                    self._sight(report.wallet, balance, report.observed_at)
                )
            if report.complete:
                self.horizon.read(connection, account_id, wallet, report.observed_at)
                nothing = Seen(
                    at=report.observed_at, shown=ZERO, decimals=self._rules.display_decimals
                )
                for asset in self._assets(connection, account_id, wallet) - named:
                    seen.setdefault((wallet, asset), []).append(nothing)
        return seen

    def _begun(
        self,
        connection: Connection,
        account_id: int,
        place: Place,
        sights: Sequence[Seen],
        skew: Skew,
        *,
        by_reading: bool,
    ) -> Case:
        """An asset that is new to a wallet.  If the wallet was read as a whole before, there was
        none of it: for sure, if all records of that time are known and nothing of the asset may
        have happened by then, else that is the first report of it.  `by_reading` says that a
        reading named it now, which then may be the first there was."""
        case = Case(place, Proof(), sights[-1].decimals)
        proven_at, unproven_at = self.horizon.readings(connection, account_id, place[0])
        first = self._ledger.first_at(connection, account_id, place)
        if proven_at is not None and (first is None or first > window(proven_at, skew)[1]):
            nothing = ((ZERO, times(Decimal(parts(case.wallet)), case.unit)),)
            case.proof = Proof(
                base=nothing,
                level=nothing,
                room=nothing,
                opened_at=proven_at,
                verified_at=proven_at,
                seen_at=proven_at,
            )
            return case
        read_at = proven_at or unproven_at
        before = sights[0].at if by_reading else sights[0].at + 1
        if read_at is not None and read_at < before:
            nil = Seen(at=read_at, shown=ZERO, decimals=case.decimals)
            case.proof = Proof(waiting=(nil,))
        return case

    def _sight(self, wallet: Wallet, balance: Balance, at: int) -> Seen:
        """What is owned: a loan is credited without any record, but shown beside the balance."""
        borrowed = balance.borrowed or ZERO
        shown = [balance.total, borrowed]
        if wallet is Wallet.SPOT:
            shown += [part for part in (balance.available, balance.frozen) if part is not None]
        return Seen(
            at=at,
            shown=minus(balance.total, borrowed),
            decimals=max(self._rules.display_decimals, *map(_decimals, shown)),
            subtracted=bool(borrowed) + (balance.total < 0),
        )

    def _assets(self, connection: Connection, account_id: int, wallet: str) -> set[str]:
        """All that was ever posted to the wallet or reported of it."""
        b = schema.books.c
        book = f"assets:{wallet}:"
        posted = select(b.asset).where(
            b.account_id == account_id, b.book >= book, b.book < book + "\U0010ffff"
        )
        reported = self._cases.assets(connection, account_id, wallet)
        return {*connection.execute(posted).scalars(), *reported}


def _decimals(shown: Decimal) -> int:
    exponent = shown.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0
