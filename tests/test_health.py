"""Who waits for the world is degraded, who breaks a promise is stuck, and neither is the other."""

from dataclasses import dataclass, field, replace

import pytest
import trio

from reconciler.clock import steady
from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND, seconds
from reconciler.domain.words import Phase, Source
from reconciler.feed.account import listen
from reconciler.feed.figures import Figures, Progress
from reconciler.health import degraded, stuck
from reconciler.inbox import Inbox, Outlet, open_inbox
from reconciler.pulse import Pulse
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.writer import WriterFigures
from tests.feed.memory import ACCOUNT, Stage, open_stage, run


@dataclass(frozen=True)
class Seen:
    feeds: dict[str, Figures] = field(default_factory=dict)
    writer: WriterFigures = field(default_factory=WriterFigures)
    loops: dict[str, Pulse] = field(default_factory=dict)


def running(*phases: Phase) -> Seen:
    return Seen({f"a{number}": Figures(f"a{number}", phase) for number, phase in enumerate(phases)})


def test_every_account_must_be_live_and_the_database_there() -> None:
    assert not degraded(running(Phase.LIVE, Phase.LIVE))
    assert degraded(running(Phase.LIVE, Phase.SUBSCRIBED))
    away = running(Phase.LIVE)
    away.writer.away_since = 1
    assert degraded(away) == ("the database is away",)


@pytest.mark.parametrize(
    ("phase", "why"),
    [
        (Phase.WAITING, "a0: another process holds it"),
        (Phase.CONNECTING, "a0: connecting"),
        (Phase.SUBSCRIBED, "a0: reading history, deals 25%"),
        (Phase.DOWN, "a0: closed with code 1006"),
        (Phase.REFUSED, "a0: closed with code 1006, see: reconciler check"),
    ],
)
def test_what_is_waited_for_is_said(phase: Phase, why: str) -> None:
    seen = running(phase)
    seen.feeds["a0"].last_reason = "closed with code 1006"
    seen.feeds["a0"].progress = Progress(
        stream="deals", since=0, at=25, until=100, rows=1, rows_per_s=1, left=None
    )
    assert degraded(seen) == (why,)


def test_a_loop_that_breaks_its_promise_is_named_and_only_that_one() -> None:
    async def main() -> None:
        seen = running(Phase.LIVE, Phase.LIVE)
        seen.loops.update(writer=Pulse(), alerts=Pulse())
        seen.loops["writer"].beat(MINUTE)
        seen.feeds["a1"].move()
        seen.feeds["a0"].polling.beat(HOUR)
        now = steady()
        assert stuck(seen, now) == ()
        assert stuck(seen, now + 2 * MINUTE) == ("writer",)
        assert stuck(seen, now + HOUR + SECOND) == ("writer", "feed of a0", "feed of a1")

    run(main)


def test_feeds_that_wait_for_a_database_that_is_away_are_not_stuck() -> None:
    async def main() -> None:
        seen = running(Phase.LIVE)
        seen.feeds["a0"].move()
        seen.writer.away_since = 1
        assert stuck(seen, steady() + DAY) == ()
        seen.writer.away_since = None
        assert stuck(seen, steady() + DAY) == ("feed of a0",)

    run(main)


def test_whoever_waits_for_its_turn_promises_nothing() -> None:
    async def main() -> None:
        seen = running(Phase.LIVE)
        seen.feeds["a0"].move()
        seen.feeds["a0"].polling.beat(MINUTE)
        seen.feeds["a0"].tell(Phase.WAITING)
        assert stuck(seen, steady() + DAY) == ()

    run(main)


async def watched(stage: Stage, minutes: int) -> None:
    """Looks every minute."""
    seen = Seen({ACCOUNT: stage.on.figures}, stage.writer)
    for _ in range(minutes):
        await trio.sleep(60)
        assert stuck(seen, steady()) == ()


def test_an_idle_feed_is_never_stuck_however_rare_its_sweeps(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, sweep=HOUR, poll=HOUR) as stage:
            stage.nursery.start_soon(listen, stage.on)
            await watched(stage, 120)
            assert stage.on.figures.phase is Phase.LIVE

    run(main)


def test_an_exchange_that_is_away_for_hours_or_says_to_wait_makes_nothing_stuck(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.nursery.start_soon(listen, stage.on)
            await stage.on.figures.until_live()
            with stage.exchange.faults.outage():
                await watched(stage, 30)
            stage.exchange.faults.add(Rule(point=Point.REQUEST, act=Answer(429, ""), times=None))
            stage.exchange.faults.cut()
            await watched(stage, 30)

    run(main)


def test_a_session_whose_commit_is_never_acknowledged_is_stuck_though_its_stream_is_heard(
    sqlite_url: str,
) -> None:
    """The pings of the connection are no progress of the session's own line."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            inbox, outlet = open_inbox()
            async with inbox, outlet:
                stage.nursery.start_soon(listen, replace(stage.on, inbox=inbox))
                stage.nursery.start_soon(lose_sweeps, outlet, stage.on.inbox)
                await stage.on.figures.until_live()
                seen = Seen({ACCOUNT: stage.on.figures}, stage.writer)
                await trio.sleep(seconds(20 * MINUTE))
                assert stage.on.figures.sessions == 1
                assert stuck(seen, steady()) == (f"feed of {ACCOUNT}",)
                stage.nursery.cancel_scope.cancel()

    async def lose_sweeps(outlet: Outlet, inbox: Inbox) -> None:
        """Hands batches on, but not those of sweeps: a bug that loses acknowledgements."""
        async for batch in outlet:
            if batch.source is not Source.SWEEP:
                await inbox.send(batch)

    run(main)
