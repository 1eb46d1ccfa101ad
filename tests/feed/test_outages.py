"""An account that is down is told once that lasts, and not before."""

from collections.abc import Sequence

import trio

from reconciler.domain.moments import seconds
from reconciler.domain.words import Phase
from reconciler.feed.outages import DOWN_AFTER, tell_outages, tell_refused
from tests.feed.memory import Stage, open_stage, run
from tests.store.samples import rows

PATIENCE = seconds(DOWN_AFTER)


def told(stage: Stage) -> list[str]:
    return [event for (event,) in rows(stage.database, "SELECT event FROM events ORDER BY number")]


def play(url: str, *phases: tuple[Phase, float]) -> Sequence[str]:
    """What is told of a feed that is in each phase for so many seconds."""
    found: list[str] = []

    async def main() -> None:
        async with open_stage(url) as stage:
            stage.nursery.start_soon(tell_outages, stage.on)
            for phase, length in phases:
                stage.on.figures.tell(phase)
                await trio.sleep(length)
            found.extend(told(stage))

    run(main)
    return found


def test_a_feed_that_can_not_connect_is_down_after_a_while(sqlite_url: str) -> None:
    assert play(sqlite_url, (Phase.CONNECTING, PATIENCE - 1)) == []
    assert play(sqlite_url, (Phase.CONNECTING, PATIENCE + 1)) == ["feed.down"]


def test_a_cut_that_heals_is_not_told(sqlite_url: str) -> None:
    down = (Phase.DOWN, PATIENCE - 1)
    assert play(sqlite_url, (Phase.LIVE, 60), down, (Phase.LIVE, 1), down, (Phase.LIVE, 60)) == []


def test_a_first_reading_of_history_is_no_outage_however_long(sqlite_url: str) -> None:
    assert play(sqlite_url, (Phase.CONNECTING, 5), (Phase.SUBSCRIBED, 36_000)) == []


def test_sessions_that_are_never_live_add_up(sqlite_url: str) -> None:
    attempt = (Phase.DOWN, PATIENCE / 3 + 0.1), (Phase.SUBSCRIBED, 5)
    assert play(sqlite_url, *attempt, *attempt) == []
    assert play(sqlite_url, *attempt, *attempt, *attempt) == ["feed.down"]


def test_an_outage_is_told_once_however_long(sqlite_url: str) -> None:
    assert play(sqlite_url, (Phase.DOWN, 3600), (Phase.CONNECTING, 3600)) == ["feed.down"]


def test_a_database_that_is_away_keeps_nobody_from_leaving(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            with trio.move_on_after(1000):
                await tell_refused(stage.on, "Unauthorized request." * 100)
            assert told(stage) == ["auth.rejected"]
            [(length,)] = rows(stage.database, "SELECT length(news) FROM events")
            assert length < 500

    run(main)
