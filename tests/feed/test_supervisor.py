"""Retry or stop: each way in which a session can end has its one answer."""

import random
from dataclasses import replace
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from msgspec.structs import replace as another

from reconciler.domain.moments import MINUTE, SECOND, seconds
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures
from reconciler.feed.link import RequestRefused
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway
from reconciler.feed.session import MARKETS_INTERVAL
from reconciler.feed.supervisor import (
    REFUSED_PAUSE,
    Refused,
    Retry,
    decide,
    supervise,
    until_all_are_refused,
)
from reconciler.feed.websocket import LinkLost
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.wire.records import Unintelligible
from tests.feed.memory import ACCOUNT, Blank, Stage, open_stage, run
from tests.feed.peers import ending

LOST = LinkLost("closed with code 1006")
REFUSED = CredentialsRefused("the exchange refused the credentials: no")
WHY = Refused(why="the exchange refused the credentials: no")
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
        (REFUSED, WHY),
        (group(LOST, group(REFUSED)), WHY),
        (group(BUG, REFUSED), WHY),
    ],
    ids=repr,
)
def test_the_table_of_ends(error: Exception, decision: Retry | Refused) -> None:
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
        async with open_stage(
            sqlite_url, sweep=20 * MINUTE, poll=20 * MINUTE, ping_interval=50 * SECOND
        ) as stage:
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


@pytest.mark.parametrize("lives", [0, 1], ids=["from the start", "once live"])
def test_refused_credentials_are_tried_again_slowly(sqlite_url: str, lives: int) -> None:
    """A key can be re-enabled; asking more often can restrict it."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            if lives:
                stage.nursery.start_soon(supervise, stage.on)
                await stage.on.figures.until_live()
            rule = stage.exchange.faults.add(another(DENIED))
            stage.network.asked.clear()
            if lives:
                stage.exchange.faults.cut()
            else:
                stage.nursery.start_soon(supervise, stage.on)
            await trio.sleep(3 * REFUSED_PAUSE / SECOND - 60)
            assert stage.network.asked.count("profile/websocket_token") == 3
            assert stage.on.figures.phase is Phase.REFUSED
            lines = stage.logged("auth.rejected")
            assert len(lines) == 3
            assert lines[0]["why"] == "the exchange refused the credentials: Unauthorized request"
            assert f"accounts.{ACCOUNT}.api_key" in lines[0]["do"]
            assert stage.on.figures.last_reason == lines[0]["why"]
            stage.exchange.faults.remove(rule)
            await stage.on.figures.until_live(lives + 1)
            assert stage.on.figures.bugs == 0

    run(main)


def feeds(*phases: Phase, lives: int = 0) -> list[Figures]:
    """Of accounts in these phases, the first of which was live so many times."""
    found = [Figures(f"a{number}", phase) for number, phase in enumerate(phases)]
    for feed in found:
        feed.last_reason = f"no to {feed.account}"
    found[0].lives = lives
    return found


ALL_REFUSED = "account a0: no to a0; account a1: no to a1"


def test_where_every_account_is_refused_nothing_is_left_to_do() -> None:
    async def main() -> None:
        with pytest.raises(CredentialsRefused, match=ALL_REFUSED):
            await until_all_are_refused(feeds(Phase.REFUSED, Phase.REFUSED))

    run(main)


@pytest.mark.parametrize("other", [phase for phase in Phase if phase is not Phase.REFUSED])
def test_whoever_is_not_refused_keeps_the_others_waiting_until_he_is(other: Phase) -> None:
    """Nobody is counted by what he was once: each must be refused at that moment."""

    async def main() -> None:
        first, second = both = feeds(other, Phase.REFUSED)
        with ending(ALL_REFUSED, CredentialsRefused):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(until_all_are_refused, both)
                await trio.testing.wait_all_tasks_blocked()
                second.tell(Phase.DOWN)
                first.tell(Phase.REFUSED)
                await trio.testing.wait_all_tasks_blocked()
                first.tell(other)
                second.tell(Phase.REFUSED)
                await trio.testing.wait_all_tasks_blocked()
                first.tell(Phase.REFUSED)

    run(main)


def test_once_any_was_live_refusal_ends_nothing() -> None:
    async def main() -> None:
        await until_all_are_refused(feeds(Phase.REFUSED, Phase.REFUSED, lives=1))

    run(main)


class Forgetful(Blank):
    """A past with a bug in it, once."""

    asked = 0

    async def coverage(self, account: str) -> dict[str, Any]:
        self.asked += 1
        assert self.asked > 1, "this is a bug"
        return await super().coverage(account)


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
