"""Nothing is missing below the proof, whatever happened on the way to it; the rest is said."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
import trio

from reconciler.domain.moments import DAY, SECOND
from reconciler.domain.words import GapState, Source
from reconciler.feed.backfill import backfill
from reconciler.feed.gaps import FIRST_START, FORGOTTEN, NOT_ALLOWED, NOT_RUNNING
from reconciler.feed.plan import floor_of
from reconciler.feed.rest import CallRefused, ExchangeAway
from reconciler.feed.streams import LAG, MINING_LAG, STREAMS
from reconciler.simulator.acts import READY, Answer, Point, Rule
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.past import Past, live_through
from reconciler.simulator.records import Histories, Instruction, Side
from tests.feed.history import (
    DEALS,
    ORDERS,
    TRANSACTIONS,
    asked,
    fill,
    restarted,
    sweep,
    unproven,
)
from tests.feed.memory import ACCOUNT, START, Stage, open_stage, run
from tests.grids import corners

BUY = Instruction(market="BTC_USDT", side=Side.BUY, amount=Decimal("0.5"), price=Decimal(20000))
NAMES = [stream.name for stream in STREAMS]
LENDING = {"lending", "interest"}
"""Refused to accounts that are no business."""


def refuse(stage: Stage, path: str) -> Rule:
    rule = Rule(point=Point.REQUEST, act=READY["no-permission"], name=f"/api/v4/{path}", times=None)
    stage.exchange.faults.add(rule)
    return rule


def gaps_of(stage: Stage, stream: str) -> list[tuple[int, int, str, GapState]]:
    return [
        (gap.since, gap.until, gap.reason, gap.state)
        for gap in stage.reads.gaps(ACCOUNT)
        if gap.stream == stream
    ]


# All of it

HALF_A_YEAR = Past(
    days=170,
    deals=1_500,
    bursts=2,
    burst_deals=550,
    orders=150,
    papers=250,
    margin=100,
    deposits=60,
    delisted=("DOGE_USDT",),
)
QUIETER = replace(
    HALF_A_YEAR, deals=500, burst_deals=150, orders=80, papers=120, margin=40, deposits=30
)


@pytest.mark.parametrize(
    ("past", "most"),
    [
        pytest.param(QUIETER, 100, id="100 a page"),
        pytest.param(HALF_A_YEAR, None, id="more, 500 a page", marks=pytest.mark.soak),
        pytest.param(HALF_A_YEAR, 100, id="more, 100 a page", marks=pytest.mark.soak),
    ],
)
def test_half_a_year_of_everything_is_recorded_though_it_is_killed_on_the_way(
    sqlite_url: str, past: Past, most: int | None
) -> None:
    async def main() -> None:
        markets = (*DEFAULT_MARKETS, *FUTURES)
        async with open_stage(
            sqlite_url, markets=markets, funds={}, since=START - 171 * DAY
        ) as stage:
            stage.exchange.histories = Histories(page_max=most)
            stage.exchange.engine.accounts[ACCOUNT].is_business = True
            stage.exchange.open_account("sub", master=ACCOUNT)
            live_through(stage.exchange, past, [ACCOUNT], seed=1)
            on = stage.on
            for number in (5, 25, 60):
                with trio.CancelScope() as scope:
                    stage.network.when(DEALS, _at(number, scope), times=number)
                    stage.network.when(ORDERS, _at(number, scope), times=number)
                    await backfill(on, Source.BACKFILL)
                assert scope.cancelled_caught
                on = restarted(on)
            await backfill(on, Source.BACKFILL)
            await trio.sleep(60)
            await sweep(on)
            _compare(stage)
            verdict = await stage.verdict()
            reverse = [
                row for row in stage.exchange.truth(ACCOUNT).papers.delisted if row.is_reverse
            ]
            assert [line for line in verdict.differences if "balance" not in line] == [
                f"order {row.order_id}: unknown to the exchange" for row in reverse
            ]
            for stream in STREAMS:
                until = START - stream.lag
                assert not unproven(stage, stream.name, stage.on.since, until), stream.name
            assert stage.on.figures.unreadable == 0
            assert not stage.exchange.limits.exceeded

    run(main)


def _at(number: int, scope: trio.CancelScope) -> Callable[[], None]:
    left = iter(range(number - 1))

    def act() -> None:
        if next(left, None) is None:
            scope.cancel()

    return act


def _compare(stage: Stage) -> None:
    """The papers; deals and orders are the verdict's."""
    truth = stage.exchange.truth(ACCOUNT)
    papers, portfolio = truth.papers, truth.portfolio
    known = {t.transaction_id: t for t in stage.reads.transactions(ACCOUNT)}
    assert known.keys() == papers.transactions.keys()
    assert {id_: t.amount for id_, t in known.items()} == {
        id_: t.amount for id_, t in papers.transactions.items()
    }
    counts: dict[str, int] = {}
    for movement in stage.reads.movements(ACCOUNT):
        counts[movement.kind] = counts.get(movement.kind, 0) + 1
    fixed = [i for i in papers.investments.values() if not i.is_flexible]
    earned = [row for row in papers.lending if row.action == 4]
    assert counts == {
        "code": len(papers.code_uses),
        "conversion": len(papers.conversions),
        "sub_transfer": len(papers.sub_transfers),
        "lending": len(fixed)
        + len([i for i in fixed if not i.is_open])
        + len([row for row in papers.lending if row.is_flexible and row.action != 4]),
        "interest": len(earned),
        "mining": len(papers.mining),
        "funding": len(portfolio.fundings),
        "position": len(portfolio.changes),
        "delisting": len([row for row in papers.delisted if row.is_reverse]),
    }


# Proof


def test_coverage_reaches_from_the_beginning_to_what_history_has_caught_up_with(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        since = START - 30 * DAY
        async with open_stage(sqlite_url, since=since) as stage:
            await backfill(stage.on, Source.BACKFILL)
            for stream in STREAMS:
                expected = () if stream.name in LENDING else ((since, START - stream.lag),)
                assert stage.reads.spans(ACCOUNT, stream.name) == expected

    run(main)


def test_rewards_that_are_listed_under_an_earlier_day_are_not_proven_before_they_can_be(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, since=START - 30 * DAY) as stage:
            await backfill(stage.on, Source.BACKFILL)
            lending = stage.exchange.engine.lending
            stage.exchange.told(lending.mine(ACCOUNT, "BTC", Decimal(1)))
            rewards = stage.exchange.engine.accounts[ACCOUNT].papers.mining
            rewards[-1] = type(rewards[-1])(
                **{name: getattr(rewards[-1], name) for name in rewards[-1].__slots__}
                | {"earned_at": START - 2 * DAY}
            )
            await trio.sleep(60)
            await sweep(stage.on)
            assert [movement.kind for movement in stage.reads.movements(ACCOUNT)] == ["mining"]
            assert stage.reads.covered_until(ACCOUNT, "mining") == stage.on.now() - MINING_LAG

    run(main)


def test_the_next_pass_begins_at_the_last_proof_less_the_overlap(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await backfill(stage.on, Source.BACKFILL)
            proof = stage.reads.covered_until(ACCOUNT, "deals")
            assert proof is not None
            await trio.sleep(3600)
            stage.network.said.clear()
            await sweep(stage.on)
            starts = {body["startDate"] for body in stage.network.said_of("startDate")}
            assert starts == {(proof - stage.on.overlap) // SECOND - 1}
            for stream in ("deals", "orders", "transactions", "positions"):
                assert len(stage.reads.spans(ACCOUNT, stream)) == 1
                assert stage.reads.covered_until(ACCOUNT, stream) == stage.on.now() - LAG

    run(main)


@pytest.mark.parametrize("path", [DEALS, ORDERS, "orders", TRANSACTIONS])
def test_a_page_that_fails_proves_nothing_but_what_came_before_it_is_kept(
    sqlite_url: str, path: str
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await fill(stage, 110)
            for _ in range(30):
                stage.exchange.place(ACCOUNT, BUY)
            rule = Rule(
                point=Point.REQUEST, act=Answer(500), name=f"/api/v4/{path}", times=None, skip=1
            )
            stage.exchange.faults.add(rule)
            with pytest.raises(ExchangeAway):
                await backfill(stage.on, Source.BACKFILL)
            read = {"orders": [], ORDERS: [], DEALS: ["orders"], TRANSACTIONS: ["orders", "deals"]}
            whole = [
                stream
                for stream in NAMES
                if not unproven(stage, stream, stage.on.since, START - LAG)
            ]
            assert whole == read[path]

            stage.exchange.faults.remove(rule)
            await backfill(stage.on, Source.BACKFILL)
            verdict = await stage.verdict()
            assert not [line for line in verdict.differences if "balance" not in line]
            for stream in ("deals", "orders", "transactions"):
                assert not unproven(stage, stream, stage.on.since, START - LAG)

    run(main)


# Gaps


def test_what_is_not_proven_is_said_before_it_is_read_and_closed_when_it_is(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.network.when(DEALS, lambda: said.append(gaps_of(stage, "positions")))
            said: list[object] = []
            await backfill(stage.on, Source.BACKFILL)
            first = (stage.on.since, START - LAG, FIRST_START)
            assert said == [[(*first, GapState.OPEN)]]
            assert gaps_of(stage, "positions") == [(*first, GapState.CLOSED)]

            await trio.sleep(500)
            stage.on.figures.last_reason = "the cable"
            await backfill(stage.on, Source.BACKFILL)
            second = (START - LAG, stage.on.now() - LAG, "feed was down: the cable")
            assert gaps_of(stage, "deals")[1:] == [(*second, GapState.CLOSED)]

            await trio.sleep(500)
            stage.on.figures.last_reason = ""
            await backfill(stage.on, Source.BACKFILL)
            assert gaps_of(stage, "deals")[2][2] == NOT_RUNNING
            assert not stage.logged("backfill.gap")

    run(main)


def test_a_sweep_says_nothing_of_the_minute_that_it_reads(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await backfill(stage.on, Source.BACKFILL)
            await trio.sleep(60)
            await sweep(stage.on)
            assert len(gaps_of(stage, "deals")) == 1

    run(main)


def test_what_the_exchange_has_forgotten_is_a_gap_out_of_reach(sqlite_url: str) -> None:
    async def main() -> None:
        since = START - 500 * DAY
        async with open_stage(sqlite_url, since=since) as stage:
            await backfill(stage.on, Source.BACKFILL)
            floor = floor_of(START)
            assert stage.reads.spans(ACCOUNT, "deals") == ((floor, START - LAG),)
            lost = (since, floor, FORGOTTEN, GapState.UNREACHABLE)
            assert lost in gaps_of(stage, "deals")
            told = {line["stream"] for line in stage.logged("backfill.gap")}
            assert told == {"deals", "orders", "conversions"}
            assert {line["level"] for line in stage.logged("backfill.gap")} == {"warning"}
            assert not unproven(stage, "transactions", since, START - LAG)

            await backfill(restarted(stage.on), Source.BACKFILL)
            assert lost in gaps_of(stage, "deals")
            assert len(stage.logged("backfill.gap")) == 3

    run(main)


def test_after_a_year_without_us_the_half_that_is_forgotten_is_a_gap(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await backfill(stage.on, Source.BACKFILL)
            await trio.sleep(365 * DAY / SECOND)
            await fill(stage, 3)
            on = restarted(stage.on)
            await backfill(on, Source.BACKFILL)
            floor = floor_of(on.now())
            [hole] = unproven(stage, "deals", on.since, on.now() - LAG)
            assert hole == (START - LAG, floor)
            assert (*hole, FORGOTTEN, GapState.UNREACHABLE) in gaps_of(stage, "deals")
            assert len(stage.reads.deals(ACCOUNT)) == 3
            await backfill(on, Source.BACKFILL)
            assert len(stage.logged("backfill.gap")) == 3

    run(main, virtual_days=400)


# Refusals


@pytest.mark.parametrize(
    "path",
    corners([TRANSACTIONS, "mining/rewards"], [TRANSACTIONS, "mining/rewards", "convert/history"]),
)
def test_a_stream_that_the_key_may_not_read_fails_nothing_and_is_not_asked_again(
    sqlite_url: str, path: str
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, since=START - 30 * DAY) as stage:
            rule = refuse(stage, path)
            await fill(stage, 3)
            for _ in range(2):
                await backfill(restarted(stage.on), Source.BACKFILL)
                await trio.sleep(60)
            for _ in range(2):
                await sweep(stage.on)
                await trio.sleep(60)
            assert len(asked(stage, path)) == 1
            assert len(stage.reads.deals(ACCOUNT)) == 3
            [stream] = {n.stream for n in stage.reads.refused_streams(ACCOUNT)} - LENDING
            assert not stage.reads.spans(ACCOUNT, stream)
            [gap] = gaps_of(stage, stream)
            assert gap[0] == stage.on.since
            assert gap[2:] == (NOT_ALLOWED, GapState.UNREACHABLE)
            told = [line["stream"] for line in stage.logged("backfill.gap")]
            assert set(told) == ({"transactions"} if path == TRANSACTIONS else set())

            stage.exchange.faults.remove(rule)
            await trio.sleep(DAY / SECOND)
            await backfill(stage.on, Source.BACKFILL)
            assert not unproven(stage, stream, stage.on.since, START - MINING_LAG)
            assert stream not in {n.stream for n in stage.reads.refused_streams(ACCOUNT)}

    run(main, virtual_days=3)


@pytest.mark.parametrize("path", [DEALS, ORDERS, "orders"])
def test_without_deals_and_orders_there_is_no_record(sqlite_url: str, path: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            refuse(stage, path)
            with pytest.raises(CallRefused):
                await backfill(stage.on, Source.BACKFILL)
            assert stage.reads.refused_streams(ACCOUNT) == []

    run(main)


# What sweeps find


def test_what_a_sweep_finds_is_counted_by_streams_and_told(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await backfill(stage.on, Source.BACKFILL)
            stage.exchange.place(ACCOUNT, BUY)
            await fill(stage, 2)
            stage.exchange.deposit(ACCOUNT, "BTC", "1")
            await trio.sleep(60)
            await sweep(stage.on)
            assert stage.on.figures.swept == {"deals": 2, "orders": 3, "transactions": 1}
            told = [(n["stream"], n["rows"], n["level"]) for n in stage.logged("sweep.found")]
            assert told == [
                ("orders", 3, "warning"),
                ("deals", 2, "warning"),
                ("transactions", 1, "info"),
            ]
            await trio.sleep(60)
            await sweep(stage.on)
            assert len(stage.logged("sweep.found")) == 3

    run(main)


def test_what_just_happened_is_nothing_that_a_stream_has_lost(sqlite_url: str) -> None:
    """Its push may be on the way."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            placed = stage.exchange.place(ACCOUNT, BUY)
            await backfill(stage.on, Source.BACKFILL)
            await trio.sleep(60)
            stage.exchange.place(ACCOUNT, BUY)
            stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.order_id)
            await fill(stage, 2)
            await sweep(stage.on)
            assert stage.on.figures.swept == {}
            assert len(stage.reads.open_orders(ACCOUNT)) == 1

    run(main)


def test_a_sweep_that_fails_has_counted_what_it_found(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await backfill(stage.on, Source.BACKFILL)
            await fill(stage, 2)
            await trio.sleep(60)
            rule = Rule(point=Point.REQUEST, act=Answer(500), name=f"/api/v4/{DEALS}", times=None)
            stage.exchange.faults.add(rule)
            with pytest.raises(ExchangeAway):
                await sweep(stage.on)
            assert stage.on.figures.swept == {"orders": 2}

    run(main)
