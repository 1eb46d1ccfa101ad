"""A list is proven from its top down to what is proven already, or it says where it is not."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.facts import Fact, Movement, Unreadable
from reconciler.domain.moments import SECOND
from reconciler.domain.words import GapState, MovementKind, Source, Wallet
from reconciler.feed.backfill import backfill
from reconciler.feed.gaps import OUT_OF_LIST, UNREADABLE
from reconciler.feed.listener import Listener
from reconciler.feed.lists import PEEK, doubts, read_lists
from reconciler.feed.pages import Listing
from reconciler.feed.rows import key_of
from reconciler.feed.streams import LAG, STREAMS
from reconciler.simulator.acts import Point, Rule, Shift
from reconciler.simulator.records import Histories
from tests.feed.history import TRANSACTIONS, asked, reader_of, restarted, spoiled, sweep, unproven
from tests.feed.memory import ACCOUNT, Stage, open_stage, run
from tests.grids import corners

CODES = "main-account/codes/history"
ONE = Decimal(1)


async def deposit(stage: Stage, count: int, *, every_s: float = 1) -> None:
    for _ in range(count):
        stage.exchange.deposit(ACCOUNT, "USDT", ONE)
        await trio.sleep(every_s)


def transactions(stage: Stage) -> set[str]:
    return {transaction.transaction_id for transaction in stage.reads.transactions(ACCOUNT)}


def true_transactions(stage: Stage) -> set[str]:
    return set(stage.exchange.truth(ACCOUNT).papers.transactions)


COUNTS = [0, 1, PEEK - 1, PEEK, 99, 100, 101, 230]
EDGES = [(0, None), (PEEK - 1, None), (PEEK, None), (101, None), (100, 100), (101, 100), (230, 60)]


@pytest.mark.parametrize(("count", "most"), corners(EDGES, product(COUNTS, [None, 100, 60])))
def test_every_row_is_read_however_many_a_page_holds(
    sqlite_url: str, count: int, most: int | None
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=most)
            await deposit(stage, count)
            now = stage.on.now()
            await backfill(stage.on, Source.BACKFILL)
            assert transactions(stage) == true_transactions(stage)
            assert not unproven(stage, "transactions", stage.on.since, now - LAG)

    run(main)


def test_where_little_is_new_little_is_asked_for(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await deposit(stage, 230)
            await trio.sleep(100)
            await backfill(stage.on, Source.BACKFILL)
            await deposit(stage, 3)
            await trio.sleep(100)
            stage.network.said.clear()
            await sweep(stage.on)
            assert [body["limit"] for body in asked(stage, TRANSACTIONS)] == [PEEK, PEEK]
            assert transactions(stage) == true_transactions(stage)
            assert not unproven(stage, "transactions", stage.on.since, stage.on.now() - LAG)

    run(main)


def test_after_a_long_time_the_list_is_read_down_to_the_proof(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await deposit(stage, 700)
            await backfill(stage.on, Source.BACKFILL)
            await trio.sleep(100)
            await deposit(stage, 230)
            stage.network.said.clear()
            await backfill(restarted(stage.on), Source.BACKFILL)
            assert transactions(stage) == true_transactions(stage)
            deposits = [b for b in asked(stage, TRANSACTIONS) if b["transactionMethod"] == 1]
            assert max(body["offset"] for body in deposits) < 500

    run(main)


@pytest.mark.parametrize("rows", [7, -7], ids=["rows arrive", "rows leave"])
def test_a_list_that_moves_between_its_pages_is_read_until_nothing_new_comes(
    sqlite_url: str, rows: int
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await deposit(stage, 450)
            moves = Rule(
                point=Point.READ, act=Shift(rows), name=f"/api/v4/{TRANSACTIONS}", times=None
            )
            stage.exchange.faults.add(moves)
            await backfill(stage.on, Source.BACKFILL)
            assert transactions(stage) == true_transactions(stage)

    run(main)


def test_rows_that_arrive_while_the_list_is_read_hide_none_of_the_others(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await deposit(stage, 300)
            before = true_transactions(stage)

            def more() -> None:
                for _ in range(15):
                    stage.exchange.deposit(ACCOUNT, "BTC", ONE)

            stage.network.when(TRANSACTIONS, more, times=4)
            await backfill(stage.on, Source.BACKFILL)
            assert before <= transactions(stage)
            await trio.sleep(60)
            await sweep(stage.on)
            assert transactions(stage) == true_transactions(stage)

    run(main)


@pytest.mark.parametrize("at", corners([1, 3, 6], range(1, 8)))
def test_a_list_that_was_not_read_to_its_end_proves_nothing(sqlite_url: str, at: int) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await deposit(stage, 250)
            with trio.CancelScope() as scope:

                def stop() -> None:
                    if len(asked(stage, TRANSACTIONS)) == at:
                        scope.cancel()

                stage.network.when(TRANSACTIONS, stop, times=at)
                await backfill(stage.on, Source.BACKFILL)
            assert scope.cancelled_caught
            assert not stage.reads.spans(ACCOUNT, "transactions")
            await backfill(restarted(stage.on), Source.BACKFILL)
            assert transactions(stage) == true_transactions(stage)
            assert stage.reads.spans(ACCOUNT, "transactions")

    run(main)


# Beyond the last row that can be asked for


def short(listing: Listing) -> Listing:
    """As if only so many rows could be asked for; the true limit would take minutes."""
    parts = listing.parts

    async def short_parts(on: Listener) -> Sequence[Listing]:
        assert parts is not None
        return [short(part) for part in await parts(on)]

    return replace(listing, rows=50, reach=120, parts=short_parts if parts else None)


async def read_short(stage: Stage) -> None:
    stream = next(stream for stream in STREAMS if stream.name == "transactions")
    assert stream.listings is not None
    reader = reader_of(stage, stream.name)
    time = stage.on.since, stage.on.now() - LAG
    listings = [short(listing) for listing in await stream.listings(stage.on)]
    await read_lists(reader, listings, time, is_first=True)


def test_more_deposits_than_the_list_gives_up_are_read_asset_by_asset(sqlite_url: str) -> None:
    """Offset and limit together may not exceed 10,000 (trap 35)."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await deposit(stage, 110)
            for _ in range(110):
                stage.exchange.deposit(ACCOUNT, "BTC", ONE)
                await trio.sleep(1)
            now = stage.on.now()
            await read_short(stage)
            assert transactions(stage) == true_transactions(stage)
            assert not unproven(stage, "transactions", stage.on.since, now - LAG)
            for body in asked(stage, TRANSACTIONS):
                assert body["offset"] + body["limit"] <= 120

    run(main)


def test_rows_that_no_question_reaches_are_a_gap_out_of_reach(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await deposit(stage, 200)
            await trio.sleep(100)
            now = stage.on.now()
            await read_short(stage)
            known = stage.reads.transactions(ACCOUNT)
            deposits = [row for row in known if row.asset == "USDT"]
            assert len(deposits) == 120
            [hole] = unproven(stage, "transactions", stage.on.since, now - LAG)
            assert hole == (stage.on.since, min(row.created_at for row in deposits) + SECOND)
            [gap] = stage.reads.gaps(ACCOUNT)
            assert (gap.since, gap.until, gap.state) == (*hole, GapState.UNREACHABLE)
            assert gap.reason == OUT_OF_LIST
            [told] = stage.logged("backfill.gap")
            assert (told["level"], told["stream"]) == ("warning", "transactions")

            # It lies before the proof, so no pass asks for it in vain.
            stage.network.said.clear()
            await backfill(restarted(stage.on), Source.BACKFILL)
            assert [body["offset"] for body in asked(stage, TRANSACTIONS)] == [0, 0]

    run(main)


# Rows that nobody can read

times = st.lists(st.integers(0, 50), min_size=1, max_size=12).map(
    lambda seconds: sorted((second * SECOND for second in seconds), reverse=True)
)


@given(times=times, bad=st.sets(st.integers(0, 11)), tail=st.integers(0, 50))
def test_a_row_is_not_outside_of_where_it_is_doubted_to_be(
    times: list[int], bad: set[int], tail: int
) -> None:
    since, until = 5 * SECOND, 45 * SECOND
    facts: list[Fact] = []
    for number, at in enumerate(times):
        facts.append(_unreadable(number) if number in bad else _movement(number, at))
    found = dict(doubts(facts, since, until))
    assert len(found) == len([number for number in bad if number < len(times)])
    for number, fact in enumerate(facts):
        if isinstance(fact, Unreadable):
            low, high = found[key_of(fact)]
            assert low <= max(times[number], since)
            assert high >= min(times[number], until)


def _movement(number: int, at: int) -> Movement:
    return Movement(
        kind=MovementKind.CODE,
        movement_id=str(number),
        wallet=Wallet.MAIN,
        asset="BTC",
        amount=ONE,
        status="active",
        settled=True,
        occurred_at=at,
    )


def _unreadable(number: int) -> Unreadable:
    return Unreadable(stream="codes", reason="test", excerpt=str(number), received_at=0)


def test_an_unreadable_row_leaves_the_time_between_its_neighbours_unproven(sqlite_url: str) -> None:
    async def main() -> None:
        pattern = [""]
        async with spoiled(sqlite_url, pattern) as stage:
            await deposit(stage, 20, every_s=60)
            rows = list(stage.exchange.truth(ACCOUNT).papers.transactions.values())
            bad = rows[-8]
            pattern[0] = f'"createdAt":(?={bad.created_at // SECOND},)'
            await backfill(stage.on, Source.BACKFILL)
            [hole] = unproven(stage, "transactions", stage.on.since, stage.on.now() - LAG)
            assert hole[0] == rows[-9].created_at // SECOND * SECOND
            assert hole[1] == rows[-7].created_at // SECOND * SECOND + SECOND

            pattern[0] = ""
            await backfill(restarted(stage.on), Source.BACKFILL)
            assert not unproven(stage, "transactions", stage.on.since, stage.on.now() - LAG)
            assert transactions(stage) == true_transactions(stage)

    run(main)


def test_an_unreadable_row_on_top_of_the_list_does_not_hold_up_the_proof(sqlite_url: str) -> None:
    """Nobody knows its time; but it is no younger than the moment at which it was first seen."""

    async def main() -> None:
        pattern = [""]
        async with spoiled(sqlite_url, pattern) as stage:
            await deposit(stage, 5, every_s=60)
            await backfill(stage.on, Source.BACKFILL)
            proven = stage.reads.covered_until(ACCOUNT, "transactions")
            await deposit(stage, 1, every_s=60)
            bad = list(stage.exchange.truth(ACCOUNT).papers.transactions.values())[-1]
            pattern[0] = f'"createdAt":(?={bad.created_at // SECOND},)'
            first_seen = stage.on.now()
            for _ in range(5):
                await sweep(stage.on)
                await trio.sleep(60)
            [hole] = unproven(stage, "transactions", stage.on.since, stage.on.now() - 80 * SECOND)
            assert hole == (proven, first_seen)
            told = [line for line in stage.logged("backfill.gap") if line["reason"] == UNREADABLE]
            assert len(told) == 1

    run(main)
