"""One account: its feed, and beside it the balances that have no stream."""

from dataclasses import replace
from decimal import Decimal

import pytest
import trio

from reconciler.domain.moments import HOUR, SECOND, seconds
from reconciler.domain.words import Phase, Wallet
from reconciler.feed.account import listen
from reconciler.feed.supervisor import REFUSED_PAUSE
from reconciler.feed.timekeeping import INTERVAL, SAMPLES
from reconciler.inbox import open_inbox
from reconciler.simulator.faults import Answer, Point, Rule, Swallow
from reconciler.wire.replay import facts_of
from tests.feed.memory import ACCOUNT, Stage, open_stage, run

MAIN = "main-account/balance"
TOKEN = "profile/websocket_token"
UNKNOWN_KEY = Answer(401, '{"code": 10, "message": "Unauthorized request.", "errors": {}}')
FORBIDDEN = Answer(403, '{"code": 0, "message": "This action is unauthorized.", "errors": {}}')


def in_main(stage: Stage) -> dict[str, Decimal]:
    return {
        known.balance.asset: known.balance.total
        for known in stage.reads.balances(ACCOUNT)
        if known.wallet is Wallet.MAIN and known.balance.total
    }


def test_main_balances_are_read_at_once_and_again_at_each_poll(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, poll=10 * SECOND) as stage:
            stage.exchange.deposit(ACCOUNT, "BTC", "3")
            stage.nursery.start_soon(listen, stage.on)
            await trio.sleep(1)
            assert in_main(stage) == {"BTC": 3}
            stage.exchange.withdraw(ACCOUNT, "BTC", "1.5")
            stage.exchange.deposit(ACCOUNT, "USDT", "40")
            await trio.sleep(10)
            assert in_main(stage) == {"BTC": Decimal("1.5"), "USDT": 40}
            assert stage.network.asked.count(MAIN) == 2
            assert (await stage.verdict()).is_equal

    run(main)


def test_they_are_handed_over_with_their_evidence(sqlite_url: str) -> None:
    async def main() -> None:
        inbox, outlet = open_inbox()
        async with open_stage(sqlite_url) as stage:
            stage.exchange.faults.add(Rule(point=Point.HANDSHAKE, act=Answer(503), times=None))
            stage.exchange.deposit(ACCOUNT, "BTC", "3")
            stage.nursery.start_soon(listen, replace(stage.on, inbox=inbox))
            batch = await outlet.receive()
            [frame] = batch.frames
            assert frame.asked == '{"call":"main_balances"}'
            assert facts_of(frame) == batch.facts

    run(main)


def test_the_exchanges_clock_is_measured_beside_them(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, wallets=frozenset({Wallet.SPOT})) as stage:
            stage.exchange.faults.add(Rule(point=Point.HANDSHAKE, act=Answer(503), times=None))
            stage.nursery.start_soon(listen, stage.on)
            await trio.sleep(2 * seconds(INTERVAL))
            assert stage.network.asked.count("public/time") == 2 * SAMPLES

    run(main)


def test_they_are_read_while_the_feed_is_down(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.faults.add(Rule(point=Point.HANDSHAKE, act=Answer(503), times=None))
            stage.exchange.deposit(ACCOUNT, "BTC", "3")
            stage.nursery.start_soon(listen, stage.on)
            await trio.sleep(60)
            assert stage.on.figures.sessions == 0
            assert in_main(stage) == {"BTC": 3}

    run(main)


def test_a_wallet_that_is_not_wanted_is_not_polled(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, wallets=frozenset({Wallet.SPOT}), sweep=HOUR) as stage:
            stage.nursery.start_soon(listen, stage.on)
            await trio.sleep(300)
            assert MAIN not in stage.network.asked

    run(main)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(502, "<html>"),
        Answer(429, '{"code": 0, "message": "Too Many Attempts."}'),
        Answer(200, '"surprise"'),
        Answer(200, '{"success": false, "message": "no"}'),
        FORBIDDEN,
        UNKNOWN_KEY,
        Swallow(),
    ],
    ids=["502", "429", "shape", "success: false", "403", "401", "silence"],
)
def test_a_poll_that_fails_is_told_and_ends_nothing(
    sqlite_url: str, answer: Answer | Swallow
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, sweep=HOUR) as stage:
            rule = Rule(point=Point.REQUEST, act=answer, name=f"/api/v4/{MAIN}", times=None)
            stage.exchange.faults.add(rule)
            stage.exchange.deposit(ACCOUNT, "BTC", "3")
            stage.nursery.start_soon(listen, stage.on)
            await trio.sleep(220)
            told = stage.logged("balance.unread")
            assert told
            assert {line["wallet"] for line in told} == {"main"}
            assert stage.on.figures.phase is Phase.LIVE
            assert stage.on.figures.sessions == 1
            assert in_main(stage) == {}

            stage.exchange.faults.remove(rule)
            await trio.sleep(100)
            assert in_main(stage) == {"BTC": 3}

    run(main)


def test_refused_credentials_are_used_for_one_question_in_five_minutes(sqlite_url: str) -> None:
    """The polls wait until they are taken."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            rule = stage.exchange.faults.add(Rule(point=Point.REQUEST, act=UNKNOWN_KEY, times=None))
            stage.nursery.start_soon(listen, stage.on)
            await trio.sleep(seconds(REFUSED_PAUSE) / 2)
            assert stage.on.figures.phase is Phase.REFUSED
            stage.network.asked.clear()
            await trio.sleep(4 * seconds(REFUSED_PAUSE))
            private = [asked for asked in stage.network.asked if asked in (MAIN, TOKEN)]
            assert private == [TOKEN] * 4
            assert stage.on.figures.polling.due is None

            stage.exchange.faults.remove(rule)
            stage.exchange.deposit(ACCOUNT, "BTC", "3")
            await stage.on.figures.until_live()
            await trio.sleep(60)
            assert in_main(stage) == {"BTC": 3}
            assert stage.on.figures.polling.due is not None

    run(main)
