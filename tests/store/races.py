"""Accounts that trade while they are first read, and what their record must open with.

Reports are cut as the exchange cuts them, come late and coalesced, and speak of some moment of the
last seconds; deals come by the stream, or by a later reading of history.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from random import Random

from reconciler.domain.facts import (
    Balance,
    BalanceReport,
    ClockNotice,
    Deal,
    Fact,
    Market,
    PassNotice,
)
from reconciler.domain.moments import SECOND
from reconciler.domain.words import Side, Wallet
from reconciler.store.engine import Database
from tests.store.samples import NOON, apply, batch, deal, order, rows

UNIT = Decimal("1e-8")
MONEY = Decimal(10_000_000)
MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
PASSES = (12, 25, 40, 70)
"""Seconds after the first report at which a pass over the histories ends; it proves what is ten
seconds older."""


@dataclass(frozen=True, slots=True)
class Race:
    """What truly happened on an account, seconds after noon."""

    account: str
    opening: Decimal
    deals: tuple[tuple[float, Deal], ...]

    def held(self, asset: str, at: float) -> Decimal:
        """The true balance then."""
        known = [deal for moment, deal in self.deals if moment <= at]
        if asset == "BTC":
            moved = (one.amount if one.side is Side.BUY else -one.amount for one in known)
            return self.opening + sum(moved, Decimal(0))
        moved = (-one.total if one.side is Side.BUY else one.total for one in known)
        return MONEY + sum(moved, Decimal(0))


def race(seed: int) -> Race:
    """An account of up to 30 deals around its first reading."""
    chance = Random(seed)
    opening = Decimal(chance.randrange(10**13, 10**15)).scaleb(-chance.choice((4, 8, 12)))
    deals = []
    for number in range(chance.randrange(30)):
        at = chance.uniform(-20, 45)
        size = Decimal(chance.randrange(1, 10**8)).scaleb(-chance.choice((8, 12)))
        side = chance.choice((Side.BUY, Side.SELL))
        one = deal(
            seed * 100 + number + 1,
            side=side,
            amount=size,
            total=size * 40_000,
            price=Decimal(40_000),
            fee=Decimal(0),
            executed_at=NOON + int(at * SECOND),
        )
        deals.append((one.executed_at / SECOND - NOON / SECOND, one))
    return Race(f"race-{seed}", opening, tuple(sorted(deals, key=lambda each: each[0])))


def run_race(database: Database, run: Race, seed: int) -> None:
    """Puts into the record what a feed would hear of the race, in the order in which it would."""
    chance = Random(-seed - 1)
    heard: list[tuple[float, Fact]] = [(-1.0, MARKET), (-1.0, order(10, final=True))]
    heard.append((-0.5, ClockNotice(offset=0, uncertainty=100_000)))
    for at, one in run.deals:
        # Of the time before, and of a few others, only history tells.
        told = at + chance.uniform(0.05, 0.4)
        if at < 0 or chance.random() < 0.2:
            told = next(each for each in PASSES if each - 10 > at) - 0.01
        heard.append((told, one))
    at = 0.0
    while at < PASSES[-1]:
        then = at - chance.choice((0.0, 0.3, 1.2, 3.9))
        held = {asset: run.held(asset, then) for asset in ("BTC", "USDT")}
        share = Decimal(chance.randrange(100)) / 100
        balances = tuple(_shown(asset, amount, share) for asset, amount in held.items())
        heard.append(
            (
                at,
                BalanceReport(
                    wallet=Wallet.SPOT,
                    balances=balances,
                    complete=True,
                    observed_at=NOON + int(at * SECOND),
                ),
            )
        )
        at += chance.uniform(0.9, 6)
    heard += [(each, PassNotice(until=NOON + (each - 10) * SECOND)) for each in PASSES]
    heard.sort(key=lambda each: each[0])
    batches = [batch(fact, account=run.account) for _, fact in heard]
    for first in range(0, len(batches), 5):
        apply(database, *batches[first : first + 5])


def _shown(asset: str, held: Decimal, share: Decimal) -> Balance:
    """A share of it is frozen; each part is cut."""
    frozen = (held * share).quantize(Decimal("1e-12"))
    parts = [part.quantize(UNIT, rounding=ROUND_DOWN) for part in (held - frozen, frozen)]
    return Balance(
        asset=asset, available=parts[0], frozen=parts[1], borrowed=None, total=parts[0] + parts[1]
    )


def assert_exact(database: Database, run: Race) -> None:
    """The ledger is the truth but for what two cut parts hide, verified, and nothing drifted."""
    drifts = rows(database, f"SELECT * FROM v_drifts WHERE account = '{run.account}'")
    assert not drifts, f"{run.account}: {drifts}"
    for asset in ("BTC", "USDT"):
        mine = f"account = '{run.account}' AND asset = '{asset}'"
        states = rows(database, f"SELECT state FROM v_balance_check WHERE {mine}")
        assert states == [("verified",)], f"{run.account} {asset}: {states}"
        [(ledger,)] = rows(
            database,
            f"SELECT balance_after FROM v_statement WHERE {mine} AND wallet = 'spot'"
            " ORDER BY occurred_at DESC, entry_id DESC, leg DESC LIMIT 1",
        )
        off = Decimal(ledger) - run.held(asset, 10**6)
        assert abs(off) < 2 * UNIT, f"{run.account} {asset}: off by {off}"
