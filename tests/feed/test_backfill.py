"""Nothing is missing below the proof, whatever happened on the way to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from itertools import pairwise

import httpx
import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND
from reconciler.domain.words import Source
from reconciler.feed.backfill import (
    DEALS,
    LAG,
    ORDERS,
    PAGE,
    PAGE_CAP,
    REACH,
    WINDOW_MAX,
    backfill,
    windows,
)
from reconciler.feed.rest import ExchangeAway
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.simulator.records import Instruction, Side
from tests.feed.memory import ACCOUNT, START, Network, Stage, open_stage, run
from tests.simulator.client import signed

HISTORY, FINISHED = "trade-account/executed-history", "trade-account/order/history"
REST_BUY = Instruction(
    market="BTC_USDT", side=Side.BUY, amount=Decimal("0.5"), price=Decimal(20000)
)

# Windows

moments = st.integers(START - 400 * DAY, START)


@given(since=moments, length=st.integers(0, 400 * DAY))
def test_windows_cover_every_moment_in_whole_seconds_within_the_limit(
    since: int, length: int
) -> None:
    until = since + length
    found = list(windows(since, until))
    if not length:
        assert not found
        return
    assert found[0][0] * SECOND < since
    assert found[-1][1] * SECOND >= until
    for start, end in found:
        assert 0 < (end - start) * SECOND <= WINDOW_MAX + 3 * SECOND < 31 * DAY
    for (_, end), (start, _) in pairwise(found):
        # They overlap, so that it does not matter to which of two windows their common end belongs.
        assert start < end


@given(since=moments, length=st.integers(1, 400 * DAY))
def test_windows_reach_no_further_than_a_second_or_two(since: int, length: int) -> None:
    found = list(windows(since, since + length))
    assert since - found[0][0] * SECOND <= 2 * SECOND
    assert found[-1][1] * SECOND - (since + length) <= SECOND
    assert len(found) == -(-length // WINDOW_MAX)


# Pages


async def fill(stage: Stage, count: int) -> None:
    for number in range(count):
        stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.001", f"{40_000 + number}")
        await trio.sleep(0.001)


@asynccontextmanager
async def capped(url: str) -> AsyncIterator[Stage]:
    """At a deployment that gives a hundred rows at most, whatever it is asked for (trap 27)."""

    class Capped(httpx.AsyncBaseTransport):
        def __init__(self, network: Network) -> None:
            self._door = network.http()

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            body = msgspec.json.decode(await request.aread())
            if "limit" in body:
                body["limit"] = min(body["limit"], PAGE_CAP)
            content = msgspec.json.encode(body)
            again = httpx.Request(
                request.method,
                request.url,
                content=content,
                headers=signed(content, key="k" * 32, secret="s" * 32),
            )
            return await self._door.handle_async_request(again)

    async with open_stage(url, through=Capped) as stage:
        yield stage


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 499, 500, 501, 600, 1000])
@pytest.mark.parametrize("opening", [open_stage, capped], ids=["500 a page", "100 a page"])
def test_every_page_is_read_also_where_the_last_is_full(
    sqlite_url: str, count: int, opening: Callable[[str], AbstractAsyncContextManager[Stage]]
) -> None:
    async def main() -> None:
        async with opening(sqlite_url) as stage:
            await fill(stage, count)
            learned = await backfill(stage.on, Source.BACKFILL)
            assert (learned.deals, learned.orders) == (count, count)
            assert len(stage.reads.deals(ACCOUNT)) == count
            offsets = [body["offset"] for body in stage.network.said_of("startDate")]
            assert max(offsets) <= count

    run(main)


def test_rows_that_arrive_between_pages_push_none_of_the_others_out_of_sight(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await fill(stage, 3 * PAGE)

            def more() -> None:
                for _ in range(37):
                    stage.exchange.fill(ACCOUNT, "ETH_USDT", "sell", "0.01", "3000")

            stage.network.when(HISTORY, more, times=4)
            stage.network.when(FINISHED, more, times=4)
            before = {deal.deal_id for deal in stage.exchange.truth(ACCOUNT).deals}
            orders = {order.order_id for order in stage.exchange.truth(ACCOUNT).orders}
            await backfill(stage.on, Source.BACKFILL)
            assert before <= {deal.deal_id for deal in stage.reads.deals(ACCOUNT)}
            assert orders <= {order.order_id for order in stage.reads.orders(ACCOUNT)}

    run(main)


def test_more_open_orders_than_a_page_are_all_read_also_while_they_end(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            placed = [stage.exchange.place(ACCOUNT, REST_BUY).order_id for _ in range(350)]

            def end_some() -> None:
                for _ in range(30):
                    stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.pop())

            stage.network.when("orders", end_some, times=3)
            await backfill(stage.on, Source.BACKFILL)
            open_ = {order.order_id for order in stage.reads.open_orders(ACCOUNT)}
            assert set(placed) <= open_
            await trio.sleep(60)
            await backfill(stage.on, Source.SWEEP)
            verdict = await stage.verdict()
            assert not [line for line in verdict.differences if "order" in line]

    run(main)


# Proof


def covered(stage: Stage) -> dict[str, int | None]:
    return {stream: stage.reads.covered_until(ACCOUNT, stream) for stream in (DEALS, ORDERS)}


def test_coverage_reaches_from_the_beginning_to_what_history_has_caught_up_with(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            now = stage.on.now()
            await backfill(stage.on, Source.BACKFILL)
            for stream in (DEALS, ORDERS):
                assert stage.reads.spans(ACCOUNT, stream) == ((stage.on.since, now - LAG),)

    run(main)


def test_the_next_pass_begins_at_the_last_proof_less_the_overlap(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await backfill(stage.on, Source.BACKFILL)
            proof = covered(stage)[DEALS]
            assert proof is not None
            await trio.sleep(3600)
            stage.network.said.clear()
            await backfill(stage.on, Source.SWEEP, until=stage.on.now() - LAG)
            starts = {body["startDate"] for body in stage.network.said_of("startDate")}
            assert starts == {(proof - stage.on.overlap) // SECOND - 1}
            assert covered(stage) == dict.fromkeys((DEALS, ORDERS), stage.on.now() - LAG)
            assert len(stage.reads.spans(ACCOUNT, DEALS)) == 1

    run(main)


def test_what_lies_beyond_the_exchanges_reach_is_not_asked_for_and_not_proven(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, since=START - 500 * DAY) as stage:
            await backfill(stage.on, Source.BACKFILL)
            for body in stage.network.said_of("startDate"):
                assert body["startDate"] * SECOND >= START - REACH - 2 * SECOND
            [(since, _)] = stage.reads.spans(ACCOUNT, DEALS)
            assert since == START - REACH

    run(main)


@pytest.mark.parametrize("path", [HISTORY, FINISHED, "orders"])
def test_a_page_that_fails_proves_nothing_but_what_came_before_it_is_kept(
    sqlite_url: str, path: str
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await fill(stage, PAGE + 10)
            for _ in range(150):
                stage.exchange.place(ACCOUNT, REST_BUY)
            rule = Rule(
                point=Point.REQUEST, act=Answer(500), name=f"/api/v4/{path}", times=None, skip=1
            )
            stage.exchange.faults.add(rule)
            with pytest.raises(ExchangeAway):
                await backfill(stage.on, Source.BACKFILL)
            assert covered(stage)[ORDERS] is None
            assert (covered(stage)[DEALS] is None) == (path == HISTORY)
            known = len(stage.reads.deals(ACCOUNT))
            assert known == (PAGE if path == HISTORY else PAGE + 10)

            stage.exchange.faults.remove(rule)
            learned = await backfill(stage.on, Source.BACKFILL)
            assert learned.deals == PAGE + 10 - known
            assert None not in covered(stage).values()
            verdict = await stage.verdict()
            assert not [line for line in verdict.differences if "balance" not in line]

    run(main)


@pytest.mark.parametrize("asked", range(1, 7))
def test_stopped_between_any_two_questions_the_next_pass_completes_the_record(
    sqlite_url: str, asked: int
) -> None:
    """As a process is that was killed: a question is the only place where a pass waits."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await fill(stage, PAGE + 10)
            for _ in range(150):
                stage.exchange.place(ACCOUNT, REST_BUY)
            with trio.CancelScope() as scope:

                def stop() -> None:
                    if len(stage.network.asked) == asked:
                        scope.cancel()

                for path in (HISTORY, FINISHED, "orders"):
                    stage.network.when(path, stop, times=10)
                await backfill(stage.on, Source.BACKFILL)
            assert scope.cancelled_caught
            await trio.sleep(5)
            await backfill(stage.on, Source.BACKFILL)
            verdict = await stage.verdict()
            assert not [line for line in verdict.differences if "balance" not in line]
            assert None not in covered(stage).values()

    run(main)


# Orders that ended while nobody listened


def test_an_old_order_that_ended_meanwhile_is_found_by_its_id(sqlite_url: str) -> None:
    """History goes by the time of creation (trap 34), so no window of the pass contains it."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            placed = stage.exchange.place(ACCOUNT, REST_BUY)
            await trio.sleep(300)
            await backfill(stage.on, Source.BACKFILL)
            [known] = stage.reads.open_orders(ACCOUNT)
            assert known.order_id == placed.order_id

            await trio.sleep(2 * HOUR / SECOND)
            stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.order_id)
            await backfill(stage.on, Source.BACKFILL)
            [asked] = stage.network.said_of("orderId")
            assert asked["orderId"] == placed.order_id
            [ended] = stage.reads.orders(ACCOUNT)
            assert (ended.status, ended.final) == ("canceled", True)

    run(main, virtual_days=2)


def test_an_order_that_ended_without_a_trace_is_told_and_asked_for_again(sqlite_url: str) -> None:
    """Cancelled orders of some accounts leave no record; nothing is invented about them."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.engine.accounts[ACCOUNT].records_cancels = False
            placed = stage.exchange.place(ACCOUNT, REST_BUY)
            await backfill(stage.on, Source.BACKFILL)
            stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.order_id)
            for _ in range(2):
                await trio.sleep(MINUTE / SECOND)
                await backfill(stage.on, Source.SWEEP)
            told = [line["order_id"] for line in stage.logged("order.unaccounted")]
            assert told == [placed.order_id] * 2

    run(main)


def test_a_pass_up_to_the_present_says_no_end(sqlite_url: str) -> None:
    """An end in our present would hide the last second of an exchange whose clock is ahead."""

    async def main() -> None:
        async with open_stage(sqlite_url, since=START - 40 * DAY) as stage:
            await backfill(stage.on, Source.BACKFILL)
            ends = [body.get("endDate") for body in stage.network.said_of("startDate")]
            assert [end is None for end in ends] == [False, True] * 2

    run(main)
