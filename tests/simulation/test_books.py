"""The books against the exchange's truth, through stretches of a simulated life: no false alarm,
no missed one.

Feed, writer and simulated exchange run in one process on a clock that jumps; a seed replays a day.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from random import Random

import pytest
import trio

from reconciler.domain.moments import SECOND
from reconciler.domain.words import Wallet
from reconciler.feed.account import listen
from reconciler.reconcile.rules import Rules
from reconciler.simulator.faults import Delay, Lag, Point, Rule, Swallow
from reconciler.simulator.life import live
from reconciler.simulator.pursuits import Pursuit
from reconciler.simulator.records import Wallet as TrueWallet
from reconciler.store.engine import open_database
from reconciler.store.rebuild import Rebuild
from tests.feed.memory import ACCOUNT, Stage, open_stage, run
from tests.grids import corners
from tests.store.samples import rows

SHOWN = Decimal("2e-8")
"""What two truncated parts may hide."""

Scene = Callable[[Stage], Awaitable[None]]


def play(url: str, scene: Scene) -> None:
    """Run the scene with a feed that is live."""

    async def main() -> None:
        async with open_stage(url) as stage:
            stage.nursery.start_soon(listen, stage.on)
            await stage.on.figures.until_live()
            await scene(stage)

    run(main)


async def trade(stage: Stage, seed: int, *, seconds: float, rate: float = 5) -> None:
    """A life of spot trading, self-trades and transfers among all three wallets."""
    with trio.move_on_after(seconds):
        await live(stage.exchange, rate=rate, chance=Random(seed), accounts=[ACCOUNT])


def live_fully(url: str, seed: int, *, seconds: float) -> None:
    """A life of everything that an account can do, and what the books must say of it then."""

    async def main() -> None:
        async with open_stage(url) as stage:
            stage.exchange.engine.accounts[ACCOUNT].is_business = True
            stage.nursery.start_soon(listen, stage.on)
            await stage.on.figures.until_live()
            with trio.move_on_after(seconds):
                await live(
                    stage.exchange,
                    rate=5,
                    chance=Random(seed),
                    accounts=[ACCOUNT],
                    pursuits=list(Pursuit),
                )
            await trio.sleep(130)
            assert (await stage.verdict()).is_equal
            assert drifts(url) == []
            assert set(checks(url).values()) == {"verified"}
            assert_ledger_is_true(stage, url)
            assert_trial_balance_is_zero(url)
            assert_rebuilt_alike(url)

    run(main)


def assert_rebuilt_alike(url: str) -> None:
    """The journal made anew from facts and conclusions is the one that grew with them."""
    database = open_database(url)
    with database.reading() as connection:
        assert list(Rebuild(database.dialect).differences(connection, 1)) == []


def drifts(url: str) -> list[tuple[str, ...]]:
    return rows(
        open_database(url),
        "SELECT wallet, asset, difference, state FROM v_drifts ORDER BY drift_id",
    )


def checks(url: str) -> dict[tuple[str, str], str]:
    found = rows(open_database(url), "SELECT wallet, asset, state FROM v_balance_check")
    return {(wallet, asset): state for wallet, asset, state in found}


def assert_ledger_is_true(stage: Stage, url: str) -> None:
    """Each wallet's balance by the ledger is the exchange's own, but for what display hides and
    what is lent by the exchange."""
    borrows = stage.exchange.engine.accounts[ACCOUNT].portfolio.borrows
    for (wallet, asset), balance in stage.exchange.truth(ACCOUNT).balances.items():
        lines = rows(
            open_database(url),
            "SELECT balance_after FROM v_statement"
            f" WHERE wallet = '{wallet}' AND asset = '{asset}'"
            " ORDER BY occurred_at DESC, entry_id DESC, leg DESC LIMIT 1",
        )
        ledger = Decimal(lines[0][0]) if lines else Decimal(0)
        true = balance.available + balance.frozen
        if wallet is TrueWallet.COLLATERAL and asset in borrows:
            true -= borrows[asset].amount
        assert abs(ledger - true) < SHOWN, f"{wallet} {asset}: {ledger}, truly {true}"


def assert_trial_balance_is_zero(url: str) -> None:
    sums: dict[str, Decimal] = {}
    for asset, balance in rows(open_database(url), "SELECT asset, balance FROM v_trial_balance"):
        sums[asset] = sums.get(asset, Decimal(0)) + Decimal(balance)
    assert set(sums.values()) == {Decimal(0)}


@pytest.mark.parametrize("seed", [1])
def test_a_life_of_trades_and_transfers_drifts_nowhere(sqlite_url: str, seed: int) -> None:
    async def scene(stage: Stage) -> None:
        await trade(stage, seed, seconds=40)
        await trio.sleep(130)
        assert (await stage.verdict()).is_equal
        assert drifts(sqlite_url) == []
        assert set(checks(sqlite_url).values()) == {"verified"}
        assert_ledger_is_true(stage, sqlite_url)
        assert_trial_balance_is_zero(sqlite_url)

    play(sqlite_url, scene)


@pytest.mark.parametrize("seed", corners([9], [2, 5, 9]))
def test_a_life_of_every_kind_of_movement_drifts_nowhere(sqlite_url: str, seed: int) -> None:
    """Of a business account: positions, loans and funding, deposits and withdrawals that wait, are
    frozen or given back, with fees of either reading, codes, conversions, lending, mining."""
    live_fully(sqlite_url, seed, seconds=60)


def test_on_postgresql_too(postgres_url: str) -> None:
    async def scene(stage: Stage) -> None:
        await trade(stage, 1, seconds=20)
        await trio.sleep(130)
        assert drifts(postgres_url) == []
        assert set(checks(postgres_url).values()) == {"verified"}
        assert_ledger_is_true(stage, postgres_url)

    play(postgres_url, scene)


@pytest.mark.parametrize("seed", [1])
def test_balances_that_come_three_seconds_late_are_no_alarm(sqlite_url: str, seed: int) -> None:
    async def scene(stage: Stage) -> None:
        for channel in ("balanceSpot_update", "balanceMargin_update"):
            stage.exchange.faults.add(
                Rule(
                    point=Point.FRAME,
                    act=Delay(seconds=3),
                    name=channel,
                    times=None,
                    probability=0.5,
                )
            )
        await trade(stage, seed, seconds=25, rate=10)
        await trio.sleep(130)
        assert drifts(sqlite_url) == []
        assert_ledger_is_true(stage, sqlite_url)

    play(sqlite_url, scene)


def test_trading_at_a_high_rate_is_no_alarm(sqlite_url: str) -> None:
    async def scene(stage: Stage) -> None:
        await trade(stage, 3, seconds=4, rate=100)
        await trio.sleep(100)
        assert drifts(sqlite_url) == []
        assert set(checks(sqlite_url).values()) == {"verified"}
        assert_ledger_is_true(stage, sqlite_url)

    play(sqlite_url, scene)


@pytest.mark.parametrize("wallet", ["spot", "main", "collateral"])
def test_a_debit_that_nobody_recorded_is_one_drift_and_resolves_once(
    sqlite_url: str, wallet: str
) -> None:
    async def scene(stage: Stage) -> None:
        exchange = stage.exchange
        if wallet != "spot":
            exchange.transfer(ACCOUNT, "USDT", "1000", "spot", wallet)
        await trio.sleep(60)
        exchange.phantom(ACCOUNT, "USDT", "-15", wallet)
        await trio.sleep(60)
        assert drifts(sqlite_url) == [(wallet, "USDT", "-15", "open")]
        assert checks(sqlite_url)[wallet, "USDT"] == "drift"
        await trio.sleep(130)
        assert drifts(sqlite_url) == [(wallet, "USDT", "-15", "open")]
        exchange.phantom(ACCOUNT, "USDT", "15", wallet)
        await trio.sleep(60)
        assert drifts(sqlite_url) == [(wallet, "USDT", "-15", "resolved")]
        assert checks(sqlite_url)[wallet, "USDT"] == "verified"

    play(sqlite_url, scene)


@pytest.mark.parametrize("seed", [1])
def test_a_few_units_missed_amid_trading_are_a_drift_as_exact_as_the_display(
    sqlite_url: str, seed: int
) -> None:
    missing = Decimal("-0.00000005")

    async def scene(stage: Stage) -> None:
        await trio.sleep(30)
        stage.nursery.start_soon(partial(trade, stage, seed, seconds=100))
        await trio.sleep(20)
        stage.exchange.phantom(ACCOUNT, "USDT", missing)
        await trio.sleep(100)
        found = [row for row in drifts(sqlite_url) if row[3] == "open"]
        assert [row[:2] for row in found] == [("spot", "USDT")]
        assert abs(Decimal(str(found[0][2])) - missing) <= SHOWN

    play(sqlite_url, scene)


def test_a_leak_of_one_unit_at_a_time_adds_up_to_a_drift(sqlite_url: str) -> None:
    async def scene(stage: Stage) -> None:
        await trio.sleep(30)
        for _ in range(30):
            stage.exchange.phantom(ACCOUNT, "BTC", "-0.00000001")
            await trio.sleep(0.5)
        await trio.sleep(75)
        [(wallet, asset, difference, state)] = drifts(sqlite_url)
        assert (wallet, asset, state) == ("spot", "BTC", "open")
        assert abs(Decimal(str(difference)) + Decimal("0.0000003")) <= SHOWN

    play(sqlite_url, scene)


def test_a_withheld_deal_found_in_time_is_no_alarm(sqlite_url: str) -> None:
    async def scene(stage: Stage) -> None:
        await trio.sleep(60)
        stage.exchange.faults.add(Rule(point=Point.FRAME, act=Swallow(), name="deals_update"))
        stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
        await trio.sleep(120)
        assert (await stage.verdict()).is_equal
        assert drifts(sqlite_url) == []
        assert checks(sqlite_url)["spot", "BTC"] == "verified"

    play(sqlite_url, scene)


def test_a_withheld_deal_is_a_drift_until_it_is_found_and_is_what_explains_it(
    sqlite_url: str,
) -> None:
    """Neither the stream nor, for most of a minute, any history tells of it."""

    async def scene(stage: Stage) -> None:
        await trio.sleep(60)
        faults = stage.exchange.faults
        for name in ("deals_update", "ordersExecuted_update"):
            faults.add(Rule(point=Point.FRAME, act=Swallow(), name=name, times=None))
        lag = Rule(point=Point.READ, act=Lag(seconds=50), times=None)
        faults.add(lag)
        deal = stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
        await trio.sleep(45)
        assert sorted(drifts(sqlite_url)) == [
            ("spot", "BTC", "0.4995", "open"),
            ("spot", "USDT", "-20000", "open"),
        ]
        await trio.sleep(120)
        assert (await stage.verdict()).is_equal
        found = rows(open_database(sqlite_url), "SELECT state, explanation FROM v_drifts")
        assert {state for state, _ in found} == {"resolved"}
        assert all(f"deal {deal.deal_id}:" in said for _, said in found), found
        assert set(checks(sqlite_url).values()) == {"verified"}

    play(sqlite_url, scene)


def test_what_is_tolerated_of_an_asset_is_no_drift_and_more_of_it_is(sqlite_url: str) -> None:
    rules = Rules(tolerances={"USDT": Decimal("0.01")})

    async def main() -> None:
        async with open_stage(sqlite_url, rules=rules) as stage:
            stage.nursery.start_soon(listen, stage.on)
            await stage.on.figures.until_live()
            await trio.sleep(60)
            stage.exchange.phantom(ACCOUNT, "USDT", "-0.01")
            stage.exchange.phantom(ACCOUNT, "BTC", "-0.01")
            await trio.sleep(60)
            assert drifts(sqlite_url) == [("spot", "BTC", "-0.01", "open")]
            stage.exchange.phantom(ACCOUNT, "USDT", "-0.02")
            await trio.sleep(60)
            [(wallet, asset, difference, state)] = drifts(sqlite_url)[1:]
            assert (wallet, asset, state) == ("spot", "USDT", "open")
            assert abs(Decimal(difference) + Decimal("0.03")) <= Decimal("0.02")

    run(main)


@pytest.mark.parametrize("seed", corners([0], range(3)))
def test_an_opening_that_races_with_deals_is_exact(sqlite_url: str, seed: int) -> None:
    """The account trades while it is first read."""
    chance = Random(seed)

    async def busy(stage: Stage) -> None:
        for _ in range(80):
            side = chance.choice(("buy", "sell"))
            stage.exchange.fill(ACCOUNT, "BTC_USDT", side, "0.013", "40000.17")
            await trio.sleep(chance.random() / 2)

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.nursery.start_soon(busy, stage)
            await trio.sleep(chance.random())
            stage.nursery.start_soon(listen, stage.on)
            await trio.sleep(200)
            assert drifts(sqlite_url) == []
            assert checks(sqlite_url)["spot", "BTC"] == "verified"
            opened = rows(
                open_database(sqlite_url),
                "SELECT amount FROM v_statement WHERE kind = 'opening' AND wallet = 'spot'"
                " AND asset = 'BTC'",
            )
            assert [Decimal(amount) for (amount,) in opened] == [Decimal(200)]
            assert_ledger_is_true(stage, sqlite_url)

    run(main)


def test_a_wallet_that_is_read_all_the_time_opens_all_the_same(sqlite_url: str) -> None:
    """Reports come faster than their time is proven, and only some of them are kept."""

    async def main() -> None:
        async with open_stage(sqlite_url, poll=SECOND // 2) as stage:
            stage.nursery.start_soon(listen, stage.on)
            await stage.on.figures.until_live()
            await trio.sleep(3)
            stage.exchange.phantom(ACCOUNT, "USDT", "-15")
            await trio.sleep(60)
            assert drifts(sqlite_url) == [("spot", "USDT", "-15", "open")]
            assert checks(sqlite_url)["main", "USDT"] == "verified"

    run(main)


def test_money_that_passed_through_a_wallet_before_its_first_reading_is_no_drift(
    sqlite_url: str,
) -> None:
    """A deposit that was moved on, which nobody recorded, shortly before the daemon first looks."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await trio.sleep(1)
            stage.exchange.deposit(ACCOUNT, "SOL", "300")
            stage.exchange.transfer(ACCOUNT, "SOL", "300", "main", "spot")
            await trio.sleep(20)
            stage.nursery.start_soon(listen, stage.on)
            await stage.on.figures.until_live()
            await trio.sleep(30)
            stage.exchange.transfer(ACCOUNT, "SOL", "26.5", "spot", "main")
            await trio.sleep(60)
            assert drifts(sqlite_url) == []
            assert set(checks(sqlite_url).values()) == {"verified"}
            assert_ledger_is_true(stage, sqlite_url)

    run(main)


def test_transfers_are_booked_between_the_wallets(sqlite_url: str) -> None:
    async def scene(stage: Stage) -> None:
        await trio.sleep(60)
        stage.exchange.transfer(ACCOUNT, "BTC", "1.5", Wallet.SPOT, Wallet.MAIN)
        await trio.sleep(20)
        stage.exchange.transfer(ACCOUNT, "BTC", "0.25", Wallet.MAIN, Wallet.COLLATERAL)
        await trio.sleep(60)
        booked = rows(
            open_database(sqlite_url),
            "SELECT wallet, amount FROM v_statement WHERE kind = 'transfer' ORDER BY entry_id, leg",
        )
        assert sorted(booked) == [
            ("collateral", "0.25"),
            ("main", "-0.25"),
            ("main", "1.5"),
            ("spot", "-1.5"),
        ]
        assert_ledger_is_true(stage, sqlite_url)

    play(sqlite_url, scene)
