"""Whether a page is the last is known, and not asked for more often than needed."""

from typing import Any

import pytest

from reconciler.domain.moments import DAY, SECOND
from reconciler.feed.pages import End, Listing, first_page, read_on
from reconciler.feed.recall import ROWS_SURELY
from reconciler.simulator.records import Histories
from reconciler.wire import rest
from tests.feed.history import DEALS, asked, fill, reader_of
from tests.feed.memory import ACCOUNT, START, Stage, open_stage, run


def listing(**changes: Any) -> Listing:
    """All deals up to the present."""

    def page(offset: int, limit: int) -> rest.Call[rest.Page]:
        return rest.deals_history((START - DAY) // SECOND, None, offset, limit)

    return Listing(name="deals_history", rows=500, page=page, **changes)


async def questions(stage: Stage, count: int) -> list[tuple[int, int]]:
    """Offsets and limits asked for a first page of so many rows."""
    await fill(stage, count - len(stage.exchange.truth(ACCOUNT).deals))
    stage.network.said.clear()
    reader = reader_of(stage, "deals")
    is_whole, answers = await first_page(reader, listing())
    most = stage.exchange.histories.most(500)
    assert is_whole == (count < most)
    await reader.keep(answers)
    return [(body["offset"], body["limit"]) for body in asked(stage, DEALS)]


def test_an_answer_is_proven_whole_once_for_each_greater_length(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            assert await questions(stage, ROWS_SURELY - 1) == [(0, 500)]
            assert await questions(stage, 50) == [(0, 500), (49, 500)]
            assert await questions(stage, 90) == [(0, 500), (89, 500)]
            stage.on.recall.paging["deals_history"].whole = 300
            assert await questions(stage, 299) == [(0, 500)]
            assert await questions(stage, 300) == [(0, 500), (299, 500)]
            assert await questions(stage, 500) == [(0, 500)]

    run(main)


def test_a_cap_is_learned_and_forgotten_when_an_answer_is_longer(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=70)
            paging = stage.on.recall.paging["deals_history"]
            assert await questions(stage, 100) == [(0, 500), (69, 500)]
            assert paging.most == 70
            assert await questions(stage, 110) == [(0, 500)]
            stage.exchange.histories = Histories()
            assert await questions(stage, 120) == [(0, 500), (119, 500)]
            assert paging.most == 0

    run(main)


def test_rows_that_arrive_meanwhile_are_no_cap(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await fill(stage, 50)

            def more() -> None:
                if asked(stage, DEALS)[-1]["offset"]:
                    stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.001", "40000")

            stage.network.when(DEALS, more, times=2)
            is_whole, _ = await first_page(reader_of(stage, "deals"), listing())
            assert is_whole
            assert stage.on.recall.paging["deals_history"].most == 0

    run(main)


def test_pages_overlap_and_are_read_until_a_reading_tells_nothing_new(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await fill(stage, 150)
            assert await read_on(reader_of(stage, "deals"), listing()) is End.WHOLE
            offsets = [body["offset"] for body in asked(stage, DEALS)]
            assert offsets == [0, 99, 90, 149, 0, 90, 149]  # the second page twice, its end too
            assert len(stage.reads.deals(ACCOUNT)) == 150

    run(main)


def test_what_is_different_at_every_reading_is_not_believed(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await fill(stage, 150)

            def more() -> None:
                for _ in range(5):
                    stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.001", "40000")

            stage.network.when(DEALS, more, times=1_000)
            assert await read_on(reader_of(stage, "deals"), listing()) is End.RESTLESS

    run(main)


@pytest.mark.parametrize("reach", [250, 300, 301])
def test_beyond_the_last_row_that_can_be_asked_for_it_is_cut_off(
    sqlite_url: str, reach: int
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.histories = Histories(page_max=100)
            await fill(stage, 300)
            end = await read_on(reader_of(stage, "deals"), listing(reach=reach))
            assert end is (End.CUT_OFF if reach <= 300 else End.WHOLE)
            for body in asked(stage, DEALS):
                assert body["offset"] + body["limit"] <= reach
            assert len(stage.reads.deals(ACCOUNT)) == min(reach, 300)

    run(main)
