"""A slice is proven by one answer that holds it whole, and by nothing less."""

from collections.abc import Callable
from itertools import count, product

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND
from reconciler.domain.words import GapState, Source
from reconciler.feed.backfill import backfill
from reconciler.feed.gaps import UNREADABLE
from reconciler.feed.recall import WIDTH_MAX
from reconciler.feed.slices import DOUBTS_MAX, Windowed
from reconciler.feed.streams import LAG
from reconciler.simulator.acts import Point, Rule, Shift
from reconciler.simulator.records import Histories
from reconciler.wire import rest
from tests.feed.history import DEALS, ORDERS, asked, fill, restarted, spoiled, sweep, unproven
from tests.feed.memory import ACCOUNT, START, Stage, open_stage, run
from tests.grids import corners

WINDOWED = Windowed(name="deals_history", rows=500, call=rest.deals_history)
moments = st.integers(START - 400 * DAY, START)


@given(since=moments, length=st.integers(1, WIDTH_MAX), older=st.integers(0, 400 * DAY))
def test_a_window_covers_its_slice_with_a_second_to_spare_but_not_before_the_floor(
    since: int, length: int, older: int
) -> None:
    """Whether the ends belong to a window is not documented (trap 31)."""
    floor = since - older
    params = WINDOWED.within(since, since + length, floor).page(0, 500).params
    start, end = params["startDate"], params["endDate"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    assert floor <= start * SECOND <= since - SECOND or since - floor < 3 * SECOND
    assert start * SECOND > since - 2 * SECOND
    assert since + length + SECOND <= end * SECOND < since + length + 2 * SECOND
    assert (end - start) * SECOND < 30 * DAY


COUNTS = [0, 19, 20, 60, 99, 100, 101, 499, 500, 501, 1000]
EDGES = [(0, None), (499, None), (500, None), (501, None), (99, 100), (100, 100), (101, 60)]


@pytest.mark.parametrize(("rows", "most"), corners(EDGES, product(COUNTS, [None, 100, 60])))
def test_every_row_is_read_however_many_a_page_holds(
    sqlite_url: str, rows: int, most: int | None
) -> None:
    """Some deployments give fewer rows than are asked for, and do not say so (trap 27)."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=most)
            await fill(stage, rows)
            learned = await backfill(stage.on, Source.BACKFILL)
            assert (learned.deals, learned.orders) == (rows, rows)
            assert len(stage.reads.deals(ACCOUNT)) == rows
            assert not unproven(stage, "deals", stage.on.since, START - LAG)

    run(main)


@pytest.mark.parametrize(
    ("most", "by_end"), corners([(None, True), (100, False)], product([None, 100], [False, True]))
)
def test_pages_of_rows_in_one_microsecond_are_all_read(
    sqlite_url: str, most: int | None, *, by_end: bool
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=most, orders_by_end=by_end)
            rows = 210 if most else 1_010
            await fill(stage, 30, every_s=60)
            await fill(stage, rows, every_s=0)
            await fill(stage, 30, every_s=60)
            now = stage.on.now()
            learned = await backfill(stage.on, Source.BACKFILL)
            assert (learned.deals, learned.orders) == (rows + 60, rows + 60)
            for stream in ("deals", "orders"):
                assert not unproven(stage, stream, stage.on.since, now - LAG)

    run(main)


def test_rows_that_just_happened_are_read_too_though_they_prove_nothing(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await fill(stage, 510, every_s=0)
            learned = await backfill(stage.on, Source.BACKFILL)
            assert learned.deals == 510
            assert stage.reads.spans(ACCOUNT, "deals") == ((stage.on.since, START - LAG),)

    run(main)


def test_rows_that_arrive_between_two_questions_hide_none_of_the_others(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await fill(stage, 300)

            def more() -> None:
                for _ in range(37):
                    stage.exchange.fill(ACCOUNT, "ETH_USDT", "sell", "0.01", "3000")

            stage.network.when(DEALS, more, times=20)
            stage.network.when(ORDERS, more, times=20)
            before = {deal.deal_id for deal in stage.exchange.truth(ACCOUNT).deals}
            orders = {order.order_id for order in stage.exchange.truth(ACCOUNT).orders}
            await backfill(stage.on, Source.BACKFILL)
            assert before <= {deal.deal_id for deal in stage.reads.deals(ACCOUNT)}
            assert orders <= {order.order_id for order in stage.reads.orders(ACCOUNT)}

    run(main)


@pytest.mark.parametrize("rows", [3, -3], ids=["rows arrive", "rows leave"])
def test_a_second_whose_pages_move_is_read_until_nothing_new_comes(
    sqlite_url: str, rows: int
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await fill(stage, 250, every_s=0)
            await trio.sleep(60)
            moves = Rule(point=Point.READ, act=Shift(rows), name=f"/api/v4/{DEALS}", times=None)
            stage.exchange.faults.add(moves)
            learned = await backfill(stage.on, Source.BACKFILL)
            assert learned.deals == 250

    run(main)


def test_windows_stay_within_what_the_exchange_allows(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, since=START - 500 * DAY) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await fill(stage, 140)
            await backfill(stage.on, Source.BACKFILL)
            bodies = stage.network.said_of("startDate")
            assert len(bodies) > 4
            for body in bodies:
                end = body.get("endDate", stage.on.now() // SECOND)
                assert 0 < end - body["startDate"] <= 31 * DAY // SECOND
                assert end <= stage.on.now() // SECOND
            for body in asked(stage, DEALS, ORDERS):
                if "startDate" in body:
                    assert body["startDate"] * SECOND >= START - 185 * DAY

    run(main)


def test_a_slice_says_its_end_unless_it_ends_in_the_present(sqlite_url: str) -> None:
    """An end in our present would hide the last second of an exchange whose clock is ahead."""

    async def main() -> None:
        async with open_stage(sqlite_url, since=START - 40 * DAY) as stage:
            await backfill(stage.on, Source.BACKFILL)
            for path in (DEALS, ORDERS):
                ends = [body.get("endDate") for body in asked(stage, path)]
                assert [end is None for end in ends] == [False, True]

    run(main)


@pytest.mark.parametrize("by_restart", [False, True], ids=["a session ends", "a process ends"])
def test_stopped_at_any_question_it_goes_on_where_the_proof_ends(
    sqlite_url: str, *, by_restart: bool
) -> None:
    """A question is the only place where a pass waits for long."""

    async def main() -> None:
        async with open_stage(sqlite_url, since=START - 20 * DAY) as stage:
            stage.exchange.histories = Histories(page_max=100)
            for _ in range(4):
                await fill(stage, 60, every_s=1)
                await trio.sleep(HOUR / SECOND)
            now, on = stage.on.now(), stage.on
            for number in range(1, 100):
                proven = {path: _proven(stage, stream) for path, stream in STREAMS.items()}
                stage.network.said.clear()
                with trio.CancelScope() as scope:
                    for path in STREAMS:
                        stage.network.when(path, _at_last(number, scope.cancel), times=number)
                    await backfill(on, Source.BACKFILL)
                for path, until in proven.items():
                    for body in asked(stage, path):
                        start = body.get("startDate", now) * SECOND
                        assert start >= until - on.overlap - 3 * SECOND
                if not scope.cancelled_caught:
                    break
                on = restarted(on) if by_restart else on
            assert number > 10
            verdict = await stage.verdict()
            assert not [line for line in verdict.differences if "balance" not in line]
            assert len(stage.reads.deals(ACCOUNT)) == 240
            for stream in STREAMS.values():
                assert not unproven(stage, stream, on.since, now - LAG)

    run(main)


STREAMS = {DEALS: "deals", ORDERS: "orders"}


def _proven(stage: Stage, stream: str) -> int:
    return stage.reads.covered_until(ACCOUNT, stream) or stage.on.since


def _at_last(number: int, act: Callable[[], object]) -> Callable[[], None]:
    """Does `act` at that occasion, and nothing before."""
    occasions = count(1)

    def occasion() -> None:
        if next(occasions) == number:
            act()

    return occasion


# Rows that nobody can read


def test_an_unreadable_row_leaves_a_small_gap_and_stops_nothing(sqlite_url: str) -> None:
    async def main() -> None:
        pattern = [""]
        async with spoiled(sqlite_url, pattern) as stage:
            await fill(stage, 200, every_s=60)
            bad = stage.exchange.truth(ACCOUNT).deals[77]
            pattern[0] = f'"id":(?={bad.deal_id})'
            now = stage.on.now()
            await backfill(stage.on, Source.BACKFILL)
            [hole] = unproven(stage, "deals", stage.on.since, now - LAG)
            assert hole[0] <= bad.executed_at < hole[1] <= hole[0] + 3 * MINUTE
            [gap] = [
                gap
                for gap in stage.reads.gaps(ACCOUNT)
                if gap.stream == "deals" and gap.state is not GapState.CLOSED
            ]
            assert (gap.since, gap.until) == hole
            assert (gap.reason, gap.state) == (UNREADABLE, GapState.OPEN)
            assert len(stage.reads.deals(ACCOUNT)) == 199
            assert len(stage.logged("backfill.gap")) == 1

            # Sweeps go on behind it; it is told once.
            await trio.sleep(600)
            await fill(stage, 1)
            await trio.sleep(60)
            await sweep(stage.on)
            assert len(stage.reads.deals(ACCOUNT)) == 200
            assert unproven(stage, "deals", stage.on.since, stage.on.now() - LAG) == (hole,)
            await backfill(stage.on, Source.BACKFILL)
            assert unproven(stage, "deals", stage.on.since, stage.on.now() - LAG) == (hole,)
            assert len(stage.logged("backfill.gap")) == 1

            # Whoever understands it reads it, and the gap is closed.
            pattern[0] = ""
            await backfill(stage.on, Source.BACKFILL)
            assert not unproven(stage, "deals", stage.on.since, stage.on.now() - LAG)
            assert {gap.state for gap in stage.reads.gaps(ACCOUNT) if gap.stream == "deals"} == {
                GapState.CLOSED
            }
            assert len(stage.reads.deals(ACCOUNT)) == 201

    run(main)


def test_an_unreadable_row_at_the_head_of_a_live_stream_does_not_hold_up_the_proof(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        pattern = [""]
        async with spoiled(sqlite_url, pattern) as stage:
            await backfill(stage.on, Source.BACKFILL)
            await trio.sleep(30)
            await fill(stage, 1)
            bad = stage.exchange.truth(ACCOUNT).deals[0]
            pattern[0] = f'"id":(?={bad.deal_id})'
            for _ in range(5):
                await trio.sleep(60)
                await sweep(stage.on)
            [hole] = unproven(stage, "deals", stage.on.since, stage.on.now() - LAG)
            assert hole[0] <= bad.executed_at < hole[1] <= hole[0] + 3 * MINUTE

    run(main)


def test_rows_that_are_all_unreadable_are_not_asked_for_minute_by_minute(sqlite_url: str) -> None:
    async def main() -> None:
        pattern = ['"id":']
        async with spoiled(sqlite_url, pattern) as stage:
            await fill(stage, 4 * DOUBTS_MAX, every_s=60)
            await backfill(stage.on, Source.BACKFILL)
            assert len(asked(stage, DEALS)) < 3 * DOUBTS_MAX
            assert stage.reads.deals(ACCOUNT) == []
            assert stage.reads.covered_until(ACCOUNT, "deals") is not None
            pattern[0] = ""
            await backfill(stage.on, Source.BACKFILL)
            assert len(stage.reads.deals(ACCOUNT)) == 4 * DOUBTS_MAX
            assert not unproven(stage, "deals", stage.on.since, stage.on.now() - LAG)

    run(main)
