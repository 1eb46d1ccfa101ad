"""Whatever happens, the far side never sees more than is documented, nor one nonce twice."""

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest
import trio

from reconciler.clock import steady
from reconciler.domain.moments import HOUR, SECOND
from reconciler.domain.words import TransactionKind
from reconciler.feed.key import TOKENS_MAX, TOKENS_PERIOD, reserving
from reconciler.feed.rest import CallRefused, Common, ExchangeAway, Rest, open_rest
from reconciler.feed.supervisor import supervise
from reconciler.secret import Credentials, Secret
from reconciler.simulator.acts import Answer, Point, Rule
from reconciler.wire import rest as calls
from reconciler.world import World
from tests.feed.answers import Transport, over
from tests.feed.memory import ACCOUNT, CREDENTIALS, SECRET, START, Stage, open_stage, run, world

DOCUMENTED = {
    "main-account/history": (200, 10),
    "main-account": (1000, 10),
    "trade-account": (1000, 10),
    "public": (2000, 10),
    "profile": (10, 60),
}
"""By the beginning of a path: so many in so many seconds, the lower figure (PROTOCOL § 1.4)."""

HISTORY = partial(calls.transactions, TransactionKind.DEPOSIT, 0, 50)
ASKED = (HISTORY, HISTORY, HISTORY, calls.main_balances, calls.spot_balances, calls.markets)


def most_within(arrived: list[float], seconds: float) -> int:
    """The most that came in any stretch of so many seconds."""
    arrived = sorted(arrived)
    return max(bisect_left(arrived, at + seconds) - n for n, at in enumerate(arrived))


class FarSide:
    """An exchange far away over an uneven network, in a bad mood.  Notes what reaches it."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.arrived: dict[tuple[str, str], list[float]] = defaultdict(list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        mood = self._chance.random()
        if mood < 0.05:
            raise httpx.ConnectError("refused")
        await trio.sleep(self._chance.random() ** 4 * 5)
        key = request.headers["x-txc-apikey"] if "profile" in request.url.path else ""
        for group in DOCUMENTED:
            if request.url.path.startswith(f"/api/v4/{group}"):
                self.arrived[group, key].append(trio.current_time())
        if mood < 0.10:
            raise httpx.ReadError("reset")
        if mood < 0.11:
            await trio.sleep_forever()
        await trio.sleep(self._chance.random() ** 4 * 5)
        if mood < 0.12:
            return httpx.Response(429, content=b'{"code": 0, "message": "Too Many Attempts."}')
        if mood < 0.15:
            return httpx.Response(503, content=b"<html>")
        return httpx.Response(200, content=b"{}")


async def ask_for_ever(rest: Rest, ask: Callable[[], calls.Call[Any]]) -> None:
    while True:
        with suppress(ExchangeAway, CallRefused):
            await rest.ask(ask(), attempts=2)


@pytest.mark.parametrize("accounts", [1, 3])
def test_nobody_who_asks_as_fast_as_he_can_exceeds_a_documented_limit(accounts: int) -> None:
    far_side, chance = FarSide(accounts), random.Random(accounts)

    async def account(opened: AbstractAsyncContextManager[Rest]) -> None:
        async with opened as rest, trio.open_nursery() as nursery:
            for _ in range(120 // accounts):
                nursery.start_soon(ask_for_ever, rest, lambda: chance.choice(ASKED)())
            for _ in range(3):
                nursery.start_soon(ask_for_ever, rest, calls.websocket_token)

    async def main() -> None:
        outside = world(http=lambda: Transport(far_side))
        common = Common.of(outside, keys=accounts)
        with trio.move_on_after(25):
            async with trio.open_nursery() as nursery:
                for number in range(accounts):
                    key = Credentials(key=Secret(f"key {number}"), secret=Secret(SECRET))
                    opened = over(far_side, outside=outside, common=common, credentials=key)
                    nursery.start_soon(account, opened)

    run(main)
    for (group, _), arrived in far_side.arrived.items():
        amount, seconds = DOCUMENTED[group]
        assert most_within(arrived, seconds) <= amount, group
    [history] = [at for (group, _), at in far_side.arrived.items() if "history" in group]
    assert most_within(history, 10) > 100, "this is no storm"


# At the simulated exchange, which counts for itself


def on_stage(url: str, main: Callable[[Stage], Awaitable[None]]) -> None:
    async def staged() -> None:
        async with open_stage(url) as stage:
            await main(stage)
            assert stage.exchange.limits.exceeded == ()

    run(staged)


def test_a_feed_that_is_cut_whenever_it_is_live_comes_back_within_all_limits(
    sqlite_url: str,
) -> None:
    """More often in a minute than there are tokens: one that is kept serves in between."""

    async def main(stage: Stage) -> None:
        stage.nursery.start_soon(supervise, stage.on)
        for number in range(1, TOKENS_MAX + 3):
            await stage.on.figures.until_live(number)
            stage.exchange.faults.cut()
        await stage.on.figures.until_live(TOKENS_MAX + 3)
        assert trio.current_time() < TOKENS_PERIOD
        assert stage.network.asked.count("profile/websocket_token") == TOKENS_MAX
        assert (await stage.verdict()).is_equal

    on_stage(sqlite_url, main)


def test_a_token_that_is_refused_again_and_again_is_not_asked_for_too_often(
    sqlite_url: str,
) -> None:
    async def main(stage: Stage) -> None:
        refused = Answer(500, "<html>")
        path = "/api/v4/profile/websocket_token"
        stage.exchange.faults.add(Rule(point=Point.ANSWER, act=refused, name=path, times=60))
        stage.nursery.start_soon(supervise, stage.on)
        await stage.on.figures.until_live()
        assert trio.current_time() > 5 * 60

    on_stage(sqlite_url, main)


@asynccontextmanager
async def process(stage: Stage, outside: World) -> AsyncIterator[Rest]:
    """Another one, which knows what the last one committed."""
    async with open_rest(
        outside,
        "http://exchange.test",
        CREDENTIALS,
        stage.on.log,
        recall=partial(stage.on.past.used_up, ACCOUNT),
        reserve=reserving(stage.on.inbox, ACCOUNT, None),
    ) as rest:
        yield rest


def nonces(stage: Stage) -> list[int]:
    return [int(body["nonce"]) for body in stage.network.said]


def test_processes_that_follow_each_other_use_no_nonce_twice_and_share_the_tokens(
    database_url: str,
) -> None:
    async def main(stage: Stage) -> None:
        for number in range(25):
            async with process(stage, stage.on.world) as rest:
                await rest.token()
                for _ in range(number % 5):
                    await rest.ask(calls.spot_balances())
        used = nonces(stage)
        assert used == sorted(set(used))
        assert len(used) == 25 + 5 * (0 + 1 + 2 + 3 + 4)
        assert trio.current_time() < 150

    on_stage(database_url, main)


@dataclass
class Ours:
    """Our wall clock, which somebody sets."""

    ahead: int

    def now(self) -> int:
        return START + steady() + self.ahead


@pytest.mark.parametrize("ahead", [-HOUR, -4 * SECOND, 0, HOUR])
@pytest.mark.parametrize("step", [-HOUR, -7 * SECOND, HOUR])
def test_a_wall_clock_that_is_wrong_and_then_set_is_noticed_once_at_most(
    sqlite_url: str, ahead: int, step: int
) -> None:
    async def main(stage: Stage) -> None:
        ours = Ours(ahead)
        outside = replace(stage.on.world, clock=ours)
        async with process(stage, outside) as rest:
            await rest.ask(calls.spot_balances())
            for _ in range(10):
                await trio.sleep(20)
                await rest.ask(calls.spot_balances())
            await rest.calibrate()
            ours.ahead += step
            for _ in range(10):
                await trio.sleep(20)
                await rest.ask(calls.spot_balances())
        async with process(stage, outside) as rest:
            await rest.ask(calls.spot_balances())
        used = nonces(stage)
        assert len(used) == len(set(used))
        # Each process learns it from its first call, unless it is nearly right.
        wrong = [abs(off) > 5 * SECOND for off in (ahead, ahead + step)]
        assert len(stage.logged("clock.off")) == sum(wrong)

    on_stage(sqlite_url, main)
