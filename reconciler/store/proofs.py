"""The judgement in a transaction: reports against the ledger, and what it makes of them as rows.

What a report allows, what a step is and what explains it is said by `reconcile`; here is only what
is read and written for it.  A wallet that is verified costs one look at its ledger per report; the
doubtful ones are asked again in every transaction, as any fact may explain them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection, Dialect, select

from reconciler.domain.facts import Balance, BalanceReport
from reconciler.domain.moments import SECOND
from reconciler.domain.money import ZERO, minus, plus, times
from reconciler.domain.words import Wallet
from reconciler.ledger import books
from reconciler.ledger.entry import Entry, Leg
from reconciler.reconcile import judge as judging
from reconciler.reconcile.drift import is_over
from reconciler.reconcile.judge import Proof, judge
from reconciler.reconcile.offsets import differences
from reconciler.reconcile.prefix import (
    Allowance,
    Seen,
    Skew,
    allowed,
    matched,
    parts,
    window,
)
from reconciler.reconcile.transfers import GRID, Explanation, Item, explain_steps, sum_of
from reconciler.store import schema
from reconciler.store.bookkeeping import Bookkeeping
from reconciler.store.cases import Case, Cases
from reconciler.store.clocks import skew_of
from reconciler.store.columns import storable
from reconciler.store.conclusions import Conclusions
from reconciler.store.drifts import Drifts
from reconciler.store.horizon import Horizon
from reconciler.store.ledger import Ledger, Place, Posted
from reconciler.store.outbox import Outbox

OPENING, TRANSFER = "opening", "transfer"

IN_TRANSIT_MAX = 12
EXPLANATIONS_MAX = 3
"""One after the other, of what happened to an asset since its wallets were last verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What was configured of the judgement.  `settle` in microseconds."""

    settle: int = 5 * SECOND
    display_decimals: int = 8
    tolerance: Decimal = ZERO
    tolerances: Mapping[str, Decimal] = field(default_factory=dict)
    """By asset."""

    def tolerance_of(self, asset: str) -> Decimal:
        return self.tolerances.get(asset, self.tolerance)


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
        self._bookkeeping = bookkeeping
        self._rules = rules
        self._cases = Cases(dialect)
        self.horizon = Horizon(dialect)
        self._conclusions = Conclusions(dialect, ledger)
        self._drifts = Drifts(dialect, outbox or Outbox())

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
        skew = skew_of(connection, account_id)
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
            self._judge(connection, account_id, case, seen.get(place, []), skew)
        if proven is not None:
            for case in cases.values():
                if case.proof.base is None:
                    self._open(connection, account_id, case, skew, proven, now)
        self._explain(connection, account_id, cases, skew, now)
        self._decide(connection, account_id, cases, skew, now)
        self._cases.put(connection, account_id, cases.values())
        return sum(1 for case in cases.values() if case.proof.step is not None)

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
        """An asset that is new to a wallet.  If the wallet was read as a whole before, and nothing
        was posted of the asset by then, there was none of it: for sure, if all records of that time
        are known, else that is the first report of it.  `by_reading` says that a reading named it
        now, which then may be the first there was."""
        case = Case(place, Proof(), sights[-1].decimals)
        proven_at, unproven_at = self.horizon.readings(connection, account_id, place[0])
        if proven_at is not None and not self._ledger.has_certain(
            connection, account_id, place, proven_at + skew.offset
        ):
            nothing = ((ZERO, times(Decimal(parts(case.wallet)), case.unit)),)
            case.proof = Proof(
                base=nothing,
                level=nothing,
                room=nothing,
                opened_at=proven_at,
                verified_at=proven_at,
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
            subtracted=1 if borrowed else 0,
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

    # One wallet's asset

    def _judge(
        self,
        connection: Connection,
        account_id: int,
        case: Case,
        seen: list[Seen],
        skew: Skew,
    ) -> None:
        """Weighs the reports; a finer display than was known is one that was finer all along."""
        case.decimals = max([case.decimals, *(sight.decimals for sight in seen)])
        allows = partial(self._allowance, connection, account_id, case.place, skew)
        case.proof = judge(case.proof, seen, allows)
        if seen:
            case.reported = seen[-1].shown
        if case.proof.is_verified and seen:
            assert case.proof.level is not None
            prefixes, _ = self._prefixes(connection, account_id, case.place, seen[-1].at, skew)
            found = matched(seen[-1], case.wallet, prefixes, case.proof.level)
            case.expected = prefixes[-1] if found is None else found
            case.difference = minus(case.reported, case.expected or ZERO)
            case.verified_at = case.proof.verified_at

    def _allowance(
        self, connection: Connection, account_id: int, place: Place, skew: Skew, seen: Seen
    ) -> Allowance:
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

    # The opening

    def _open(
        self,
        connection: Connection,
        account_id: int,
        case: Case,
        skew: Skew,
        proven: int,
        now: int,
    ) -> None:
        tolerance = self._rules.tolerance_of(case.place[1])
        allows = partial(self._allowance, connection, account_id, case.place, skew)
        slack = plus(
            times(Decimal(parts(case.wallet)), case.unit),
            times(Decimal(2), tolerance),
        )
        found = judging.opening(case.proof, slack, allows, proven_until=proven)
        if found is None:
            return
        amount_, proof = found
        assert proof.opened_at is not None
        first = self._ledger.first_at(connection, account_id, case.place)
        begin = self.horizon.covered_from(connection, account_id)
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
        self._judge(connection, account_id, case, [], skew)
        case.verified_at = case.proof.verified_at
        case.expected = self._ledger.balance(connection, account_id, case.place)
        case.difference = minus(case.reported, case.expected)

    def late(self, connection: Connection, account_id: int, posted: Sequence[Posted]) -> None:
        """After entries of a time before an opening: it was that much less, as the report that
        fixed it included them."""
        sums: dict[Place, list[Posted]] = {}
        for one in posted:
            sums.setdefault(one.place, []).append(one)
        for case in self._cases.known(connection, account_id, list(sums)):
            opened_at = case.proof.opened_at
            if opened_at is None:
                continue
            late = sum_of(one.amount for one in sums[case.place] if one.by < opened_at)
            if late:
                self._conclusions.correct(
                    connection, account_id, OPENING, ":".join(case.place), minus(ZERO, late)
                )

    # Steps

    def _explain(
        self,
        connection: Connection,
        account_id: int,
        cases: dict[Place, Case],
        skew: Skew,
        now: int,
    ) -> None:
        """Explains the steps of each asset by each other and by what is in transit."""
        doubtful = {case.place[1] for case in cases.values() if case.proof.step is not None}
        for asset in sorted(doubtful):
            theirs = {
                case.wallet: case
                for case in self._siblings(connection, account_id, asset, cases)
                if case.proof.base is not None
            }
            transit = self._ledger.open_lines(connection, account_id, ("", asset), IN_TRANSIT_MAX)
            items = [Item(amount_) for amount_ in transit]
            items += [
                Item(more, key)
                for key, more in self._bookkeeping.other_readings(connection, account_id, asset)
            ]
            for number in range(EXPLANATIONS_MAX):
                proofs = {wallet: case.proof for wallet, case in theirs.items()}
                found = explain_steps(proofs, items)
                if found is None:
                    break
                reference = f"{asset}:{now}/{number}"
                self._transfer(connection, account_id, asset, reference, theirs, found, skew, now)
                cases |= {theirs[wallet].place: theirs[wallet] for wallet in found.moves}
                items = [item for item in items if item not in found.items]

    def _transfer(
        self,
        connection: Connection,
        account_id: int,
        asset: str,
        reference: str,
        cases: Mapping[Wallet, Case],
        found: Explanation,
        skew: Skew,
        now: int,
    ) -> None:
        moves = dict(found.moves)
        for item in found.items:
            if item.key:
                self._bookkeeping.read_otherwise(connection, account_id, item.key, now=now)
                moves[Wallet.MAIN] = minus(moves[Wallet.MAIN], item.amount)
        legs = [
            Leg(wallet=wallet, asset=asset, amount=moved, contra=books.TRANSFERS)
            for wallet, moved in sorted(moves.items())
            if moved
        ]
        total = sum_of(moves.values())
        if total:
            legs.append(
                Leg(wallet=None, asset=asset, amount=minus(ZERO, total), contra=books.TRANSFERS)
            )
        if legs:
            steps = [cases[wallet].proof.step for wallet in moves if wallet is not found.partly]
            first, _ = window(min(step.since for step in steps if step is not None), skew)
            _, last = window(now, skew)
            entry = Entry(
                kind=TRANSFER,
                reference=reference,
                occurred_at=first,
                latest_at=last,
                legs=tuple(legs),
            )
            self._conclusions.conclude(connection, account_id, entry, note="inferred", now=now)
        for wallet, moved in found.moves.items():
            case = cases[wallet]
            if wallet is found.partly:
                case.proof = judging.partly_explained(case.proof, moved)
                continue
            case.proof = judging.explained(case.proof, moved)
            if case.proof.is_verified:
                case.expected = self._ledger.balance(connection, account_id, case.place)
                case.difference = minus(case.reported, case.expected)
                case.verified_at = case.proof.verified_at

    def _decide(
        self,
        connection: Connection,
        account_id: int,
        cases: dict[Place, Case],
        skew: Skew,
        now: int,
    ) -> None:
        """Which steps are drifts now, and which drifts are over."""
        doubtful = [case for case in cases.values() if case.proof.step is not None]
        undecided: set[str] = set()
        if doubtful:
            proven = self.horizon.proven_until(connection, account_id, skew) or 0
            read_again = self.horizon.read_again_at(connection, account_id)
            for case in doubtful:
                over = is_over(
                    case.proof,
                    settle=self._rules.settle,
                    read_again_at=read_again,
                    proven_until=proven,
                )
                asset = case.place[1]
                if not over or self._has_unopened(connection, account_id, asset, cases):
                    # What is missing here may be what is extra in a wallet that isn't settled.
                    undecided.add(asset)
        for case in cases.values():
            if case.was in ("drift", "moving") and not case.proof.has_drifted:
                # Before a new step is judged: that is another drift, if it is one.
                self._drifts.resolve(
                    connection, account_id, case.place, unit=case.unit, skew=skew, now=now
                )
            if case.proof.step is not None:
                if case.place[1] not in undecided:
                    parted = case.proof.verified_at, case.proof.step.since
                    case.proof = judging.settled(case.proof)
                    drifted = judging.drifted_by(case.proof, case.unit)
                    case.difference = drifted
                    case.expected = minus(case.reported, drifted)
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
                else:
                    assert case.proof.step is not None
                    moved = differences(case.proof.step.level, case.proof.base or ())
                    case.difference = judging.nearest(moved, max(case.unit, GRID))
                    case.expected = minus(case.reported, case.difference)
            elif case.proof.has_drifted:
                drifted = judging.drifted_by(case.proof, case.unit)
                case.difference, case.expected = drifted, minus(case.reported, drifted)

    def _has_unopened(
        self, connection: Connection, account_id: int, asset: str, cases: Mapping[Place, Case]
    ) -> bool:
        siblings = self._siblings(connection, account_id, asset, cases)
        return any(case.proof.base is None for case in siblings)

    def _siblings(
        self, connection: Connection, account_id: int, asset: str, cases: Mapping[Place, Case]
    ) -> list[Case]:
        """All wallets of an asset, as they are in this transaction."""
        known = {case.place: case for case in self._cases.of_asset(connection, account_id, asset)}
        return [case for place, case in (known | dict(cases)).items() if place[1] == asset]


def _decimals(shown: Decimal) -> int:
    exponent = shown.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0
