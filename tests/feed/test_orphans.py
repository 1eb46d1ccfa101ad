"""An order that nothing tells of but its deals is asked for by its id, once."""

from decimal import Decimal

import trio
from sqlalchemy import text

from reconciler.domain.moments import DAY, SECOND
from reconciler.domain.words import Source, Wallet
from reconciler.feed.backfill import backfill
from reconciler.feed.streams import LAG
from reconciler.simulator.acts import Answer, Point, Rule
from reconciler.simulator.records import Instruction, Kind, Side
from reconciler.wire import rest
from tests.feed.history import ORDERS, restarted, sweep
from tests.feed.memory import ACCOUNT, Stage, open_stage, run

SELL = Instruction(
    market="BTC_USDT",
    side=Side.SELL,
    kind=Kind.MARGIN_LIMIT,
    amount=Decimal(1),
    price=Decimal(50_000),
)


async def older_than_the_record(stage: Stage) -> int:
    """An order on margin that is placed before the record begins and filled after; its id."""
    listed = await stage.on.rest.ask(rest.markets())
    await stage.on.commit(Source.QUERY, listed.facts)
    stage.exchange.phantom(ACCOUNT, "USDT", "1000000", Wallet.COLLATERAL)
    stage.exchange.open_account("bob", funds={"USDT": "1000000"})
    placed = stage.exchange.place(ACCOUNT, SELL)
    await trio.sleep(2 * DAY / SECOND)
    buy = Instruction(market="BTC_USDT", side=Side.BUY, amount=Decimal(1), price=Decimal(50_000))
    stage.exchange.place("bob", buy)
    await trio.sleep(100)
    return placed.order_id


def test_an_order_older_than_the_record_is_found_for_the_sake_of_its_deals(
    database_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(database_url) as stage:
            order_id = await older_than_the_record(stage)
            on = restarted(stage.on, since=stage.on.now() - DAY)
            await backfill(on, Source.BACKFILL)
            assert len(stage.reads.deals(ACCOUNT)) == 1
            assert [order.order_id for order in stage.reads.orders(ACCOUNT)] == [order_id]
            assert stage.reads.unknown_orders(ACCOUNT, on.now()) == []
            assert _traded_on_spot(stage) == {"BTC": 0, "USDT": 0}

    run(main, virtual_days=4)


def _traded_on_spot(stage: Stage) -> dict[str, Decimal]:
    """By asset: nothing, as margin deals move collateral."""
    sums = dict.fromkeys(("BTC", "USDT"), Decimal(0))
    with stage.database.reading() as connection:
        for asset, amount in connection.execute(
            text("SELECT asset, amount FROM v_ledger WHERE kind = 'deal' AND wallet = 'spot'")
        ):
            sums[asset] += Decimal(amount)
    return sums


def test_one_that_is_in_no_history_is_asked_for_once(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await older_than_the_record(stage)
            none = Rule(
                point=Point.REQUEST, act=Answer(200, "[]"), name=f"/api/v4/{ORDERS}", times=None
            )
            stage.exchange.faults.add(none)
            on = restarted(stage.on, since=stage.on.now() - DAY)
            for _ in range(3):
                await backfill(on, Source.BACKFILL)
                await trio.sleep(60)
                await sweep(on)
            assert len(stage.network.said_of("orderId")) == 1
            assert stage.reads.orders(ACCOUNT) == []
            assert stage.reads.covered_until(ACCOUNT, "orders") == on.now() - LAG

    run(main, virtual_days=4)
