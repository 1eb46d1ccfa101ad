"""The exchange's clock is measured again and again, and a failure to do so ends nothing."""

import trio

from reconciler.domain.moments import SECOND, seconds
from reconciler.feed.timekeeping import INTERVAL, SAMPLES, keep_time
from reconciler.simulator.faults import Answer, Point, Rule
from tests.feed.memory import open_stage, run

TIME = "public/time"


def test_the_clock_is_measured_at_once_and_every_ten_minutes(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.faults.skew_us = 3 * SECOND
            stage.nursery.start_soon(keep_time, stage.on)
            await trio.sleep(SAMPLES)
            assert stage.network.asked.count(TIME) == SAMPLES
            assert abs(stage.on.now() - stage.exchange.now()) < SECOND // 4
            stage.exchange.faults.skew_us = -2 * SECOND
            await trio.sleep(seconds(INTERVAL) + SAMPLES)
            assert stage.network.asked.count(TIME) == 2 * SAMPLES
            assert abs(stage.on.now() - stage.exchange.now()) < SECOND

    run(main)


def test_a_measurement_that_fails_is_told_and_the_next_one_comes(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            answer = Answer(502, "<html>")
            rule = Rule(point=Point.REQUEST, act=answer, name=f"/api/v4/{TIME}", times=None)
            stage.exchange.faults.add(rule)
            stage.exchange.faults.skew_us = 3 * SECOND
            stage.nursery.start_soon(keep_time, stage.on)
            await trio.sleep(100)
            assert len(stage.logged("clock.unmeasured")) == 1
            stage.exchange.faults.remove(rule)
            await trio.sleep(seconds(INTERVAL))
            assert abs(stage.on.now() - stage.exchange.now()) < SECOND

    run(main)
