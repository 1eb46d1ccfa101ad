"""An order is open as long as anything says so, and gone only when nothing does, twice."""

from decimal import Decimal

import pytest
import trio
from sqlalchemy import select

from reconciler.domain.moments import HOUR, MINUTE, SECOND
from reconciler.domain.words import FILLED, OPEN, VANISHED, Source, Wallet
from reconciler.feed.backfill import backfill
from reconciler.simulator.acts import READY, Point, Rule, Shift
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.records import Instruction, Kind, Order, Side, Status
from reconciler.store.frames import Journal, opened
from reconciler.store.schema import accounts
from reconciler.wire.replay import facts_of
from tests.feed.history import Spoiling, asked, restarted, sweep
from tests.feed.memory import ACCOUNT, Stage, open_stage, run

BUY = Instruction(market="BTC_USDT", side=Side.BUY, amount=Decimal("0.5"), price=Decimal(20000))


def statuses(stage: Stage) -> dict[int, str]:
    return {order.order_id: order.status for order in stage.reads.orders(ACCOUNT)}


async def pass_by(stage: Stage) -> None:
    """The next turn of a live session."""
    await trio.sleep(MINUTE / SECOND)
    await sweep(stage.on)


def forget_cancels(stage: Stage) -> None:
    """Cancelled orders of some accounts are in no history."""
    stage.exchange.engine.accounts[ACCOUNT].records_cancels = False


async def vanishing(stage: Stage) -> Order:
    """An open order that the record knows and the exchange forgets."""
    forget_cancels(stage)
    placed = stage.exchange.place(ACCOUNT, BUY)
    await backfill(stage.on, Source.BACKFILL)
    await trio.sleep(MINUTE / SECOND)
    return stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.order_id)


def test_more_open_orders_than_a_page_are_all_read_also_while_they_end(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            placed = [stage.exchange.place(ACCOUNT, BUY).order_id for _ in range(350)]

            def end_some() -> None:
                for _ in range(30):
                    stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.pop())

            stage.network.when("orders", end_some, times=3)
            await backfill(stage.on, Source.BACKFILL)
            open_ = {order.order_id for order in stage.reads.open_orders(ACCOUNT)}
            assert set(placed) <= open_
            await pass_by(stage)
            verdict = await stage.verdict()
            assert not [line for line in verdict.differences if "order" in line]

    run(main)


def test_an_old_order_that_ended_meanwhile_is_found_by_its_id(sqlite_url: str) -> None:
    """History goes by the time of creation (trap 34), so no window of the pass contains it."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            placed = stage.exchange.place(ACCOUNT, BUY)
            await trio.sleep(300)
            await backfill(stage.on, Source.BACKFILL)
            await trio.sleep(2 * HOUR / SECOND)
            stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.order_id)
            await backfill(stage.on, Source.BACKFILL)
            [body] = stage.network.said_of("orderId")
            assert body["orderId"] == placed.order_id
            [ended] = stage.reads.orders(ACCOUNT)
            assert (ended.status, ended.final) == ("canceled", True)

    run(main)


def test_it_is_found_before_any_time_is_proven_in_which_it_ended(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            placed = stage.exchange.place(ACCOUNT, BUY)
            await trio.sleep(300)
            await backfill(stage.on, Source.BACKFILL)
            proven = stage.reads.covered_until(ACCOUNT, "orders")
            await trio.sleep(2 * HOUR / SECOND)
            stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.order_id)
            with trio.CancelScope() as scope:
                stage.network.when("trade-account/order/history", scope.cancel)
                await backfill(stage.on, Source.BACKFILL)
            assert scope.cancelled_caught
            assert stage.reads.covered_until(ACCOUNT, "orders") == proven

    run(main)


def test_an_order_without_a_trace_has_vanished_when_two_passes_agree(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            gone = await vanishing(stage)
            other = stage.exchange.place(ACCOUNT, BUY)
            await sweep(stage.on)
            assert statuses(stage) == {gone.order_id: OPEN, other.order_id: OPEN}
            await pass_by(stage)
            assert statuses(stage) == {gone.order_id: VANISHED, other.order_id: OPEN}
            [order] = [o for o in stage.reads.orders(ACCOUNT) if o.order_id == gone.order_id]
            assert order.final
            assert order.filled_amount == 0
            assert [line["order_id"] for line in stage.logged("order.unaccounted")] == [
                gone.order_id
            ]
            assert [line["order_id"] for line in stage.logged("order.vanished")] == [gone.order_id]

            stage.network.said.clear()
            await pass_by(stage)
            assert not stage.network.said_of("orderId")

    run(main)


def test_what_was_concluded_is_kept_as_evidence(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            gone = await vanishing(stage)
            await sweep(stage.on)
            await pass_by(stage)
            with stage.database.reading() as connection:
                [id_] = connection.execute(select(accounts.c.account_id)).scalars()
                journal = Journal(stage.database.dialect)
                frames = [
                    frame
                    for row in journal.rows(connection, id_)
                    for batch in opened(row)
                    for frame in batch
                ]
            [own] = [frame for frame in frames if "own" in frame.asked]
            [known] = stage.reads.orders(ACCOUNT)
            assert facts_of(own) == (known,)
            assert (known.order_id, known.status) == (gone.order_id, VANISHED)

    run(main)


def test_two_passes_in_a_row_are_one(sqlite_url: str) -> None:
    """A reconnect reads at once what a sweep has just read: nothing had time to be written."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            gone = await vanishing(stage)
            for _ in range(5):
                await backfill(stage.on, Source.BACKFILL)
                await trio.sleep(10)
            assert statuses(stage) == {gone.order_id: OPEN}
            await trio.sleep(10)
            await backfill(stage.on, Source.BACKFILL)
            assert statuses(stage) == {gone.order_id: VANISHED}

    run(main)


def test_a_new_process_begins_to_count_anew(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            gone = await vanishing(stage)
            await sweep(stage.on)
            await trio.sleep(100)
            await sweep(restarted(stage.on))
            assert statuses(stage) == {gone.order_id: OPEN}

    run(main)


def test_an_order_that_history_tells_late_has_not_vanished(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            placed = stage.exchange.place(ACCOUNT, BUY)
            await backfill(stage.on, Source.BACKFILL)
            await trio.sleep(MINUTE / SECOND)
            stage.exchange.histories = type(stage.exchange.histories)(lag_s=50)
            stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.order_id)
            await sweep(stage.on)
            assert statuses(stage) == {placed.order_id: OPEN}
            await pass_by(stage)
            assert statuses(stage) == {placed.order_id: Status.CANCELED}
            assert not stage.logged("order.vanished")

    run(main)


def test_an_order_that_slips_through_the_list_is_asked_for_by_its_id(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            for _ in range(120):
                stage.exchange.place(ACCOUNT, BUY)
                await trio.sleep(1)
            await backfill(stage.on, Source.BACKFILL)
            slips = Rule(point=Point.READ, act=Shift(-60), name="/api/v4/orders", times=None)
            stage.exchange.faults.add(slips)
            for _ in range(3):
                await pass_by(stage)
            assert set(statuses(stage).values()) == {OPEN}
            assert len(stage.network.said_of("orderId", "market")) >= 10

    run(main)


@pytest.mark.parametrize("spoiled", ['"orderId":', '"side":'], ids=["its id", "another member"])
def test_an_order_in_a_row_that_nobody_can_read_has_not_vanished(
    sqlite_url: str, spoiled: str
) -> None:
    pattern = ""

    async def main() -> None:
        nonlocal pattern
        async with open_stage(
            sqlite_url, through=lambda network: Spoiling(network, lambda: pattern)
        ) as stage:
            placed = stage.exchange.place(ACCOUNT, BUY)
            await backfill(stage.on, Source.BACKFILL)
            pattern = spoiled
            for _ in range(4):
                await pass_by(stage)
            assert statuses(stage) == {placed.order_id: OPEN}

    run(main)


def test_nothing_vanishes_where_a_list_is_refused(sqlite_url: str) -> None:
    """Orders that wait for others may stand in that list alone (trap 60)."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            refused = Rule(
                point=Point.REQUEST,
                act=READY["no-permission"],
                name="/api/v4/conditional-orders",
                times=None,
            )
            stage.exchange.faults.add(refused)
            gone = await vanishing(stage)
            for _ in range(4):
                await pass_by(stage)
            assert statuses(stage) == {gone.order_id: OPEN}
            assert len(asked(stage, "conditional-orders")) == 1
            assert len(stage.logged("order.unaccounted")) == 1

    run(main)


def test_the_older_of_the_two_lists_may_be_gone(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            refused = Rule(
                point=Point.REQUEST,
                act=READY["no-permission"],
                name="/api/v4/oco-orders",
                times=None,
            )
            stage.exchange.faults.add(refused)
            gone = await vanishing(stage)
            await sweep(stage.on)
            await pass_by(stage)
            assert statuses(stage) == {gone.order_id: VANISHED}

    run(main)


def test_legs_that_wait_for_each_other_are_read_from_their_own_list(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, markets=(*DEFAULT_MARKETS, *FUTURES)) as stage:
            stage.exchange.phantom(ACCOUNT, "USDT", "100000", Wallet.COLLATERAL)
            take_profit = Instruction(
                market="BTC_PERP",
                side=Side.SELL,
                kind=Kind.MARGIN_LIMIT,
                amount=Decimal("0.01"),
                price=Decimal(90_000),
            )
            stop_loss = Instruction(
                market="BTC_PERP",
                side=Side.SELL,
                kind=Kind.MARGIN_STOP_LIMIT,
                amount=Decimal("0.01"),
                price=Decimal(20_000),
                activation_price=Decimal(21_000),
            )
            legs = stage.exchange.told(
                stage.exchange.engine.conditionals.place(
                    ACCOUNT, stop_loss=stop_loss, take_profit=take_profit
                )
            )
            ids = {legs.take_profit.order_id, legs.stop_loss.order_id}
            await backfill(stage.on, Source.BACKFILL)
            for _ in range(3):
                await pass_by(stage)
            assert set(statuses(stage)) == ids
            assert {order.order_id for order in stage.reads.open_orders(ACCOUNT)} == ids

    run(main)


def test_a_later_sight_of_its_end_beats_what_was_concluded(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            gone = await vanishing(stage)
            await sweep(stage.on)
            await pass_by(stage)
            [known] = stage.reads.orders(ACCOUNT)
            assert known.status == VANISHED
            seen = type(known)(
                **{name: getattr(known, name) for name in known.__struct_fields__}
                | {"status": FILLED, "filled_amount": Decimal("0.5")}
            )
            await stage.on.commit(Source.STREAM, (seen,))
            assert statuses(stage) == {gone.order_id: FILLED}

    run(main)
