"""Retry or stop: each way in which a session can end has its one answer."""

import random
from dataclasses import replace

import httpx
import pytest
import trio
from msgspec.structs import replace as another

from reconciler.domain.moments import MINUTE, SECOND, seconds
from reconciler.domain.spans import Stretch
from reconciler.domain.words import Phase
from reconciler.feed.link import RequestRefused
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway
from reconciler.feed.session import MARKETS_INTERVAL
from reconciler.feed.supervisor import REFUSED_PAUSE, Retry, Stop, decide, supervise
from reconciler.feed.websocket import LinkLost
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.wire.records import Unintelligible
from tests.feed.memory import Blank, Stage, open_stage, run
from tests.feed.peers import ending

LOST = LinkLost("closed with code 1006")
REFUSED = CredentialsRefused("the exchange refused the credentials: Unauthorized request.")
BUG = ZeroDivisionError("division by zero")


def group(*errors: Exception) -> ExceptionGroup[Exception]:
    return ExceptionGroup("Exceptions from Trio nursery", errors)


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (LOST, Retry(why="closed with code 1006", bug=False)),
        (group(group(LOST)), Retry(why="closed with code 1006", bug=False)),
        (ExchangeAway("orders: HTTP 502"), Retry(why="orders: HTTP 502", bug=False)),
        (CallRefused("orders: no"), Retry(why="orders: no", bug=False)),
        (
            RequestRefused("deals_subscribe", 1, "invalid argument"),
            Retry(why="deals_subscribe refused: invalid argument (code 1)", bug=False),
        ),
        (Unintelligible("deals", "no list", "5"), Retry(why="deals: no list", bug=False)),
        (BUG, Retry(why="division by zero", bug=True)),
        (AssertionError(), Retry(why="AssertionError", bug=True)),
        (group(LOST, group(BUG)), Retry(why="division by zero", bug=True)),
        (httpx.InvalidURL("no"), Retry(why="no", bug=True)),
        (ValueError("two\nlines"), Retry(why="two", bug=True)),
        (REFUSED, Stop(REFUSED)),
        (group(LOST, group(REFUSED)), Stop(REFUSED)),
        (group(BUG, REFUSED), Stop(REFUSED)),
    ],
    ids=repr,
)
def test_the_table_of_ends(error: Exception, decision: Retry | Stop) -> None:
    assert decide(error) == decision


class Longest(random.Random):
    """Draws the longest of pauses."""

    def random(self) -> float:
        return 0.0


def patient(stage: Stage) -> Stage:
    world = replace(stage.on.world, chance=Longest())
    return replace(stage, on=replace(stage.on, world=world))


def pauses(stage: Stage) -> list[float]:
    return [line["pause_s"] for line in stage.logged("feed.down")]


def test_pauses_grow_to_their_cap_and_begin_anew_only_after_a_session_was_live(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage = patient(stage)
            rule = Rule(point=Point.HANDSHAKE, act=Answer(503), times=7)
            stage.exchange.faults.add(rule)
            stage.nursery.start_soon(supervise, stage.on)
            await stage.on.figures.until_live()
            assert pauses(stage) == [1, 2, 4, 8, 16, 30, 30]
            stage.exchange.faults.add(another(rule, times=2))
            stage.exchange.faults.cut()
            await stage.on.figures.until_live(2)
            assert pauses(stage)[7:] == [1, 2, 4]
            assert stage.on.figures.last_reason == "the WebSocket was refused with HTTP 503"
            assert stage.on.figures.bugs == 0

    run(main)


def test_a_session_that_never_gets_to_be_live_does_not_shorten_the_pauses(sqlite_url: str) -> None:
    """Connecting is no success: an exchange that drops each session at once is not stormed."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage = patient(stage)
            for _ in range(4):
                stage.network.when("deals_subscribe", lambda: stage.exchange.faults.cut(), times=4)
            stage.nursery.start_soon(supervise, stage.on)
            await stage.on.figures.until_live()
            assert pauses(stage) == [1, 2, 4, 8]
            assert stage.on.figures.sessions == 5

    run(main)


def test_a_session_cut_while_its_lists_change_was_live_all_the_same(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, sweep=20 * MINUTE) as stage:
            stage = patient(stage)
            stage.exchange.faults.add(Rule(point=Point.HANDSHAKE, act=Answer(503), times=4))
            stage.nursery.start_soon(supervise, stage.on)
            await stage.on.figures.until_live()
            stage.exchange.engine.enforcement.delist("ETH_BTC")
            stage.network.when("ordersPending_subscribe", lambda: stage.exchange.faults.cut())
            await trio.sleep(2 * seconds(MARKETS_INTERVAL))
            assert pauses(stage) == [1, 2, 4, 8, 1]
            assert stage.on.figures.lives == stage.on.figures.sessions == 2

    run(main)


DENIED = Rule(
    point=Point.REQUEST,
    act=Answer(401, '{"code": 10, "message": "Unauthorized request.", "errors": {}}'),
    name="/api/v4/profile/websocket_token",
    times=None,
)


def test_credentials_refused_before_any_session_was_live_end_it(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.faults.add(DENIED)
            with ending("refused the credentials", CredentialsRefused):
                await supervise(stage.on)
            assert stage.network.asked.count("profile/websocket_token") == 1
            assert stage.on.figures.phase is Phase.DOWN

    run(main)


def test_credentials_that_once_worked_are_tried_again_slowly(sqlite_url: str) -> None:
    """A key can be re-enabled; asking more often can restrict it."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.nursery.start_soon(supervise, stage.on)
            await stage.on.figures.until_live()
            rule = stage.exchange.faults.add(another(DENIED))
            stage.network.asked.clear()
            stage.exchange.faults.cut()
            await trio.sleep(3 * REFUSED_PAUSE / SECOND - 60)
            assert stage.network.asked.count("profile/websocket_token") == 3
            assert len(stage.logged("auth.rejected")) == 3
            assert "Unauthorized request." in stage.on.figures.last_reason
            stage.exchange.faults.remove(rule)
            await stage.on.figures.until_live(2)
            assert stage.on.figures.bugs == 0

    run(main)


class Forgetful(Blank):
    """A past with a bug in it, once."""

    asked = 0

    async def spans(self, account: str, stream: str) -> tuple[Stretch, ...]:
        self.asked += 1
        assert self.asked > 1, "this is a bug"
        return await super().spans(account, stream)


def test_a_bug_ends_the_session_only_and_is_counted_and_told_as_a_bug(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, past=Forgetful()) as stage:
            stage.nursery.start_soon(supervise, stage.on)
            await stage.on.figures.until_live(2)
            assert stage.on.figures.bugs == 1
            [told] = stage.logged("session.bug")
            assert told["why"].startswith("this is a bug")
            assert "test_supervisor.py" in told["exception"]
            assert not stage.logged("feed.down")

    run(main)


def test_while_it_waits_the_phase_is_down(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.nursery.start_soon(supervise, stage.on)
            await stage.on.figures.until_live()
            with stage.exchange.faults.outage(Answer(502, "<html>")):
                for _ in range(20):
                    await trio.sleep(10)
                    assert stage.on.figures.phase in (Phase.DOWN, Phase.CONNECTING)
            await stage.on.figures.until_live(2)

    run(main)
