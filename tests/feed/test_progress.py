"""A long reading says how far it is; a short one says nothing."""

import trio

from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND, iso
from reconciler.domain.words import Source
from reconciler.feed.backfill import backfill
from reconciler.feed.figures import Progress
from reconciler.feed.progress import Meter
from tests.feed.history import fill
from tests.feed.memory import START, Stage, open_stage, run

SINCE = START - 100 * DAY


def meter_of(stage: Stage) -> Meter:
    return Meter(stage.on, "deals", SINCE, START)


def test_a_short_reading_says_nothing(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await fill(stage, 600)
            shown: list[object] = []
            stage.network.when(
                "trade-account/executed-history",
                lambda: shown.append(stage.on.figures.progress),
                times=100,
            )
            await backfill(stage.on, Source.BACKFILL)
            assert set(shown) == {None}
            assert not stage.logged("backfill.progress")

    run(main)


def test_a_long_one_says_how_far_it_is_how_fast_and_how_long_it_will_take(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            meter = meter_of(stage)
            meter.rows = 30_000
            await trio.sleep(MINUTE / SECOND)
            meter.reach(SINCE + 25 * DAY)
            assert stage.on.figures.progress == Progress(
                stream="deals",
                since=SINCE,
                at=SINCE + 25 * DAY,
                until=START,
                rows=30_000,
                rows_per_s=500,
                left=3 * MINUTE,
            )
            [line] = stage.logged("backfill.progress")
            assert (line["stream"], line["reached"]) == ("deals", iso(SINCE + 25 * DAY))
            assert (line["rows"], line["rows_per_s"], line["left_s"]) == (30_000, 500, 180)
            meter.end()
            assert stage.on.figures.progress is None

    run(main)


def test_nobody_knows_how_long_it_takes_before_anything_is_read(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            meter = meter_of(stage)
            await trio.sleep(5)
            meter.reach(SINCE)
            assert stage.on.figures.progress is not None
            assert stage.on.figures.progress.left is None

    run(main)


def test_the_log_tells_every_ten_seconds_unless_somebody_sees_it_anyway(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            meter = meter_of(stage)
            for second in range(HOUR // MINUTE):
                await trio.sleep(1)
                meter.reach(SINCE + second * DAY)
            assert len(stage.logged("backfill.progress")) == 6
            stage.on.figures.is_shown = True
            await trio.sleep(100)
            meter.reach(START)
            assert len(stage.logged("backfill.progress")) == 6

    run(main)
