"""What a sweep reads first and a stream should have told is counted, whenever the sweep comes."""

import pytest
import trio

from reconciler.domain.words import Source
from reconciler.feed.backfill import LAG, backfill
from reconciler.simulator.faults import Point, Rule, Swallow
from tests.feed.memory import ACCOUNT, Stage, open_stage, run
from tests.feed.test_session import live
from tests.grids import corners


async def sweeps(stage: Stage) -> int:
    """How many deals were counted by two of them."""
    for _ in range(2):
        await backfill(stage.on, Source.SWEEP, until=stage.on.now() - LAG)
        await trio.sleep(15)
    return stage.on.figures.swept["deals"]


@pytest.mark.parametrize("age", corners([8.5, 9.5, 10.5, 12], [8, 8.5, 9, 9.5, 10, 10.5, 11, 12]))
def test_a_lost_deal_is_counted_once_however_old_it_is_when_it_is_read(
    sqlite_url: str, age: float
) -> None:
    """Windows are whole seconds, so that a sweep reads some that it does not prove yet."""

    async def main() -> None:
        async with open_stage(sqlite_url, sweep=10**12) as stage:
            await live(stage)
            await trio.sleep(30)
            stage.exchange.faults.add(Rule(point=Point.FRAME, act=Swallow(), times=None))
            stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            await trio.sleep(age)
            assert await sweeps(stage) == 1

    run(main)


def test_a_deal_that_may_still_be_on_its_way_is_not_counted(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, sweep=10**12) as stage:
            await live(stage)
            await trio.sleep(30)
            stage.exchange.faults.add(Rule(point=Point.FRAME, act=Swallow(), times=None))
            stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            await trio.sleep(1)
            await backfill(stage.on, Source.SWEEP)
            assert len(stage.reads.deals(ACCOUNT)) == 1
            assert not stage.on.figures.swept

    run(main)
