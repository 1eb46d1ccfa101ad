"""A session closes the hole between question and subscription, and is live only when it has."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import product
from random import Random

import pytest
import trio

from reconciler.domain.facts import BalanceReport, Deal, Notice, Order, Unreadable
from reconciler.domain.facts import Market as ListedMarket
from reconciler.domain.moments import HOUR, SECOND
from reconciler.domain.words import Phase, Source, Wallet
from reconciler.feed.backfill import DEALS, LAG, ORDERS
from reconciler.feed.rest import ExchangeAway
from reconciler.feed.session import QUERY_MARKETS_MAX, session
from reconciler.feed.wanted import NAMES_MAX
from reconciler.inbox import Batch, Inbox, Outlet, open_inbox
from reconciler.simulator.faults import Answer, Delay, Lag, Point, Rule, Swallow
from reconciler.simulator.life import live as random_life
from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.records import Instruction, Market, Side
from reconciler.wire.replay import facts_of
from tests.feed.memory import ACCOUNT, Stage, open_stage, run
from tests.feed.peers import ending
from tests.grids import corners

OPENING = ["connect", "public/time", "profile/websocket_token", "authorize", "public/markets"]
BALANCES = ["balanceSpot_request", "balanceMargin_request"]
QUERIES = ["ordersPending_request", "ordersExecuted_request", "deals_request"]
LISTS = ["ordersPending_subscribe", "ordersExecuted_subscribe"]
SUBSCRIPTIONS = ["balanceSpot_subscribe", "balanceMargin_subscribe", "deals_subscribe", *LISTS]
HISTORY = ["orders", "conditional-orders"]


def markets(count: int) -> tuple[Market, ...]:
    """So many, each of an asset of its own."""
    return tuple(
        replace(DEFAULT_MARKETS[0], name=f"A{number}_USDT", stock=f"A{number}")
        for number in range(count)
    )


def listing(answer: Answer) -> Rule:
    """The answer to who asks for the markets, until it is removed."""
    return Rule(point=Point.REQUEST, act=answer, name="/api/v4/public/markets", times=None)


MANY = markets(QUERY_MARKETS_MAX + 1)
PASSED = "/api/v4/trade-account/order/history"


async def live(stage: Stage) -> None:
    """A session that has come so far."""
    stage.nursery.start_soon(session, stage.on)
    await stage.on.figures.until_live()


# The straight line


def test_few_markets_are_asked_for_by_socket_before_the_subscriptions_and_after(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, markets=DEFAULT_MARKETS[:2]) as stage:
            await live(stage)
            snapshot = BALANCES + 2 * QUERIES
            line = OPENING + snapshot + SUBSCRIPTIONS + snapshot + HISTORY
            assert stage.network.asked[: len(line)] == line

    run(main)


def test_many_markets_are_left_to_rest(sqlite_url: str) -> None:
    async def main() -> None:
        funds = {market.stock: "5" for market in MANY}
        async with open_stage(sqlite_url, markets=MANY, funds=funds) as stage:
            asked = Instruction(
                market="A3_USDT", side=Side.SELL, amount=Decimal(1), price=Decimal(7_000_000)
            )
            stage.exchange.place(ACCOUNT, asked)
            stage.exchange.fill(ACCOUNT, "A5_USDT", "sell", "1", "40000")
            await live(stage)
            line = OPENING + BALANCES + SUBSCRIPTIONS + BALANCES + HISTORY
            assert stage.network.asked[: len(line)] == line
            verdict = await stage.verdict()
            assert not [found for found in verdict.differences if "main" not in found]

    run(main)


def test_more_names_than_a_list_may_have_are_spread_over_connections(sqlite_url: str) -> None:
    async def main() -> None:
        names = markets(2 * NAMES_MAX + 1)
        funds = {"A0": "5", "A150": "5", "A200": "5"}
        async with open_stage(sqlite_url, markets=names, funds=funds) as stage:
            await live(stage)
            another = ["connect", "profile/websocket_token", "authorize", *LISTS]
            line = OPENING + BALANCES + SUBSCRIPTIONS + 2 * another + BALANCES + HISTORY
            assert stage.network.asked[: len(line)] == line
            for name in funds:
                asked = Instruction(
                    market=f"{name}_USDT", side=Side.SELL, amount=Decimal(1), price=Decimal(7**9)
                )
                stage.exchange.place(ACCOUNT, asked)
            await trio.sleep(2)
            orders = stage.reads.open_orders(ACCOUNT)
            assert {order.market for order in orders} == {f"{name}_USDT" for name in funds}

    run(main)


def test_a_page_of_open_orders_is_followed_by_the_next(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, markets=DEFAULT_MARKETS[:1]) as stage:
            for _ in range(250):
                stage.exchange.place(ACCOUNT, BUY)
            known: list[int] = []

            def look() -> None:
                known.append(len(stage.reads.open_orders(ACCOUNT)))

            stage.network.when("ordersPending_subscribe", look)
            await live(stage)
            assert known == [250]

    run(main)


def test_the_phases_are_told_as_the_line_passes_them(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, markets=DEFAULT_MARKETS[:1]) as stage:
            seen = {}
            for question in ("connect", "authorize", "public/markets", "deals_subscribe", "orders"):

                def look(question: str = question) -> None:
                    seen[question] = stage.on.figures.phase

                stage.network.when(question, look)
            await live(stage)
            assert seen == {
                "connect": Phase.CONNECTING,
                "authorize": Phase.CONNECTING,
                "public/markets": Phase.AUTHORIZED,
                "deals_subscribe": Phase.AUTHORIZED,
                "orders": Phase.SUBSCRIBED,
            }

    run(main)


def test_a_session_is_live_only_after_its_backfill_is_committed(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            rule = Rule(point=Point.REQUEST, act=Swallow(), name=PASSED, times=2)
            stage.exchange.faults.add(rule)
            stage.nursery.start_soon(session, stage.on)
            await trio.sleep(59)
            assert stage.on.figures.phase is Phase.SUBSCRIBED
            assert stage.reads.covered_until(ACCOUNT, ORDERS) is None
            await stage.on.figures.until_live()
            assert stage.reads.covered_until(ACCOUNT, ORDERS) is not None
            assert len(stage.reads.deals(ACCOUNT)) == 1

    run(main)


def test_a_writer_that_cannot_commit_keeps_the_session_from_being_live(sqlite_url: str) -> None:
    async def main() -> None:
        inbox, _ = open_inbox()
        async with open_stage(sqlite_url) as stage:
            stage.nursery.start_soon(session, replace(stage.on, inbox=inbox))
            await trio.sleep(300)
            assert stage.on.figures.phase is Phase.SUBSCRIBED

    run(main)


def test_coverage_advances_with_every_sweep(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            await trio.sleep(190)
            for stream in (DEALS, ORDERS):
                [(since, until)] = stage.reads.spans(ACCOUNT, stream)
                assert since == stage.on.since
                assert until >= stage.on.now() - LAG - 2 * stage.on.sweep
            assert stage.on.figures.swept["deals"] == 0

    run(main)


# The hole

BUY = Instruction(market="BTC_USDT", side=Side.BUY, amount=Decimal("0.5"), price=Decimal(20000))


def deal(stage: Stage) -> None:
    stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")


def order(stage: Stage) -> None:
    stage.exchange.place(ACCOUNT, BUY)


def canceled(stage: Stage) -> None:
    placed = stage.exchange.place(ACCOUNT, BUY)
    stage.exchange.cancel(ACCOUNT, "BTC_USDT", placed.order_id)


def balance(stage: Stage) -> None:
    stage.exchange.transfer(ACCOUNT, "ETH", "7", Wallet.SPOT, Wallet.COLLATERAL)


def all_of_it(stage: Stage) -> None:
    """None of them tells what another does: orders are their own, and the deal moves no ETH."""
    for act in (deal, order, canceled, balance):
        act(stage)


def everything_ends(stage: Stage) -> None:
    for open_ in [*stage.exchange.engine.accounts[ACCOUNT].open_orders]:
        stage.exchange.cancel(ACCOUNT, "BTC_USDT", open_)


QUESTIONS = OPENING + BALANCES + QUERIES + SUBSCRIPTIONS + HISTORY
HAPPENINGS = [
    *((question, all_of_it) for question in ("authorize", *BALANCES, *QUERIES, *SUBSCRIPTIONS)),
    *((question, everything_ends) for question in (QUERIES[0], *LISTS, "orders")),
]


@pytest.mark.parametrize(
    ("before", "act"), corners(HAPPENINGS, product(QUESTIONS, [all_of_it, everything_ends]))
)
def test_what_happens_between_any_two_questions_is_in_the_record_once_live(
    sqlite_url: str, before: str, act: Callable[[Stage], None]
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, markets=DEFAULT_MARKETS[:2]) as stage:
            for _ in range(3):
                order(stage)
            stage.network.when(before, lambda: act(stage), times=2)
            await live(stage)
            await trio.sleep(5)
            verdict = await stage.verdict()
            assert not [found for found in verdict.differences if "main" not in found]
            assert stage.on.figures.bugs == stage.on.figures.unreadable == 0

    run(main)


@pytest.mark.parametrize(
    "asked", corners([*QUERIES, *SUBSCRIPTIONS[1:4]], BALANCES + QUERIES + SUBSCRIPTIONS)
)
def test_what_happens_while_an_answer_is_on_its_way_is_in_the_record_once_live(
    sqlite_url: str, asked: str
) -> None:
    """The answer is as of the question, and what is pushed meanwhile overtakes it."""

    async def main() -> None:
        async with open_stage(sqlite_url, markets=DEFAULT_MARKETS[:2]) as stage:
            late = Rule(point=Point.REPLY, act=Delay(1), name=asked, times=None)
            stage.exchange.faults.add(late)

            async def meanwhile() -> None:
                await trio.sleep(0.5)
                all_of_it(stage)

            order(stage)
            stage.network.when(asked, lambda: stage.nursery.start_soon(meanwhile), times=2)
            await live(stage)
            await trio.sleep(5)
            verdict = await stage.verdict()
            assert not [found for found in verdict.differences if "main" not in found]
            assert stage.on.figures.bugs == stage.on.figures.unreadable == 0

    run(main)


def test_what_history_did_not_know_yet_is_read_as_soon_as_it_must(sqlite_url: str) -> None:
    """Histories are written up to ten seconds late (trap 37); nobody waits for a sweep's turn."""

    async def main() -> None:
        funds = {market.stock: "5" for market in MANY}
        async with open_stage(sqlite_url, markets=MANY, funds=funds, sweep=HOUR) as stage:
            stage.exchange.faults.add(Rule(point=Point.READ, act=Lag(9), times=None))
            sell = lambda: stage.exchange.fill(ACCOUNT, "A5_USDT", "sell", "1", "40000")  # noqa: E731
            stage.network.when("deals_subscribe", sell)
            await live(stage)
            assert stage.reads.deals(ACCOUNT) == []
            await trio.sleep(15)
            assert len(stage.reads.deals(ACCOUNT)) == 1
            for stream in (DEALS, ORDERS):
                covered = stage.reads.covered_until(ACCOUNT, stream)
                assert covered is not None
                assert covered >= stage.on.now() - 15 * SECOND

    run(main)


def test_a_change_that_nets_to_zero_unseen_leaves_the_right_balance(sqlite_url: str) -> None:
    """A reading can catch a state that the exchange never tells of, nor of its end."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            await trio.sleep(10)

            def move(amount: str, origin: Wallet, target: Wallet) -> None:
                stage.exchange.transfer(ACCOUNT, "BTC", amount, origin, target)

            async def back() -> None:
                await trio.sleep(0.1)
                move("5", Wallet.COLLATERAL, Wallet.SPOT)

            def away_for_a_moment() -> None:
                move("5", Wallet.SPOT, Wallet.COLLATERAL)
                stage.nursery.start_soon(back)

            # After one change is told, the exchange is silent for its interval.
            stage.network.when("orders", lambda: move("1", Wallet.SPOT, Wallet.COLLATERAL))
            stage.network.when("balanceSpot_request", away_for_a_moment)
            await trio.sleep(60)
            found = {
                known.balance.total
                for known in stage.reads.balances(ACCOUNT)
                if known.balance.asset == "BTC" and known.wallet is Wallet.SPOT
            }
            assert found == {Decimal(199)}
            verdict = await stage.verdict()
            assert not [found for found in verdict.differences if "main" not in found]

    run(main)


def test_a_lost_update_is_found_by_the_sweep_and_counted(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            stage.exchange.faults.add(Rule(point=Point.FRAME, act=Swallow(), times=None))
            deal(stage)
            await trio.sleep(150)
            assert stage.on.figures.swept["deals"] == 1
            assert [(line["stream"], line["rows"]) for line in stage.logged("sweep.found")] == [
                ("orders", 1),
                ("deals", 1),
            ]
            verdict = await stage.verdict()
            assert not [found for found in verdict.differences if "main" not in found]

    run(main)


def test_while_rest_answers_nothing_the_stream_goes_on_and_the_proof_waits(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            await trio.sleep(30)
            proven = stage.reads.covered_until(ACCOUNT, DEALS)
            rule = Rule(point=Point.REQUEST, act=Answer(502, "<html>"), times=None)
            stage.exchange.faults.add(rule)
            await trio.sleep(300)
            deal(stage)
            await trio.sleep(1)
            assert len(stage.reads.deals(ACCOUNT)) == 1
            assert stage.reads.covered_until(ACCOUNT, DEALS) == proven
            assert stage.logged("sweep.failed")
            stage.exchange.faults.remove(rule)
            await trio.sleep(300)
            covered = stage.reads.covered_until(ACCOUNT, DEALS)
            assert covered is not None
            assert covered >= stage.on.now() - 100 * SECOND
            assert (stage.on.figures.phase, stage.on.figures.sessions) == (Phase.LIVE, 1)

    run(main)


def test_a_database_that_is_away_for_minutes_ends_no_session_and_loses_nothing(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        inbox, outlet = open_inbox()
        async with open_stage(sqlite_url, markets=DEFAULT_MARKETS[:2]) as stage:
            is_there = trio.Event()
            is_there.set()

            async def write(inbox: Inbox) -> None:
                async for batch in outlet:
                    await is_there.wait()
                    await inbox.send(batch)

            stage.nursery.start_soon(write, stage.on.inbox)
            await live(replace(stage, on=replace(stage.on, inbox=inbox)))
            is_there = trio.Event()
            for _ in range(60):
                deal(stage)
                order(stage)
                await trio.sleep(5)
            is_there.set()
            await trio.sleep(1)
            assert len(stage.reads.deals(ACCOUNT)) == 60
            await trio.sleep(100)
            verdict = await stage.verdict()
            assert not [found for found in verdict.differences if "main" not in found]
            assert (stage.on.figures.phase, stage.on.figures.sessions) == (Phase.LIVE, 1)

    run(main)


# Evidence


def test_all_that_is_handed_over_is_what_its_frames_say(sqlite_url: str) -> None:
    """So the record can be made again from what was kept."""
    batches: list[Batch] = []

    async def note(outlet: Outlet, inbox: Inbox) -> None:
        async for batch in outlet:
            batches.append(batch)
            await inbox.send(batch)

    async def main() -> None:
        inbox, outlet = open_inbox()
        async with open_stage(sqlite_url) as stage:
            stage.nursery.start_soon(note, outlet, stage.on.inbox)
            noted = replace(stage, on=replace(stage.on, inbox=inbox, sweep=5 * SECOND))
            traders = partial(random_life, stage.exchange, chance=Random(3), accounts=[ACCOUNT])
            stage.nursery.start_soon(partial(traders, rate=50))
            await live(noted)
            for garbage in ("{", '{"id":77,"result":null}', '{"method":"no_update","params":[]}'):
                stage.exchange.faults.send_raw(garbage)
                await trio.sleep(5)
            stage.exchange.faults.cut()
            await trio.sleep(1)

    with ending("closed with code 1006"):
        run(main)
    told: set[type] = set()
    for batch in batches:
        facts = [fact for fact in batch.facts if not isinstance(fact, Notice)]
        assert facts == [fact for frame in batch.frames for fact in facts_of(frame)]
        told.update(map(type, facts))
    assert told >= {Deal, Order, BalanceReport, ListedMarket, Unreadable}
    text = b"".join(frame.text for batch in batches for frame in batch.frames)
    assert b"pong" not in text
    assert b'"status":"success"' not in text


# Markets and wallets


def test_an_unlisted_market_is_told_and_the_others_are_listened_to(sqlite_url: str) -> None:
    async def main() -> None:
        wanted = ("GONE_USDT", "BTC_USDT", "BTCUSDT")
        async with open_stage(sqlite_url, wanted=wanted) as stage:
            await live(stage)
            told = [line["market"] for line in stage.logged("market.unlisted")]
            assert told == ["BTCUSDT", "GONE_USDT"]
            deal(stage)
            await trio.sleep(1)
            [known] = stage.reads.deals(ACCOUNT)
            assert known.market == "BTC_USDT"

    run(main)


def test_an_exchange_that_lists_no_markets_is_not_believed(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.faults.add(listing(Answer(200, "[]")))
            with ending("lists no markets", ExchangeAway):
                await session(stage.on)

    run(main)


@pytest.mark.parametrize("wallet", [Wallet.SPOT, Wallet.COLLATERAL])
def test_wallets_that_are_not_wanted_are_not_asked_for(sqlite_url: str, wallet: Wallet) -> None:
    other = "balanceMargin" if wallet is Wallet.SPOT else "balanceSpot"

    async def main() -> None:
        async with open_stage(sqlite_url, wallets=frozenset({wallet})) as stage:
            await live(stage)
            balance(stage)
            await trio.sleep(100)
            assert not [asked for asked in stage.network.asked if asked.startswith(other)]
            assert {known.wallet for known in stage.reads.balances(ACCOUNT)} == {wallet}

    run(main)


# The end


def test_the_end_of_a_session_is_on_record_with_its_reason(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.nursery.start_soon(_until_ended, stage)
            await stage.on.figures.until_live()
            await trio.sleep(30)
            stage.exchange.faults.cut(how=1012)
            await trio.sleep(1)
            await stage.on.commit(Source.QUERY, ())
            [status] = stage.reads.status()
            found = status.session
            assert found is not None
            assert found.reason == "closed with code 1012"
            assert found.connected_at is not None
            assert found.authorized_at is not None
            assert found.live_at is not None
            assert found.disconnected_at is not None
            assert found.connected_at <= found.authorized_at <= found.live_at
            assert found.disconnected_at >= found.live_at + 30 * SECOND

    run(main)


async def _until_ended(stage: Stage) -> None:
    with ending("closed with code 1012"):
        await session(stage.on)


def test_a_session_that_is_stopped_says_so(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            stage.nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
                await stage.on.commit(Source.QUERY, ())
                [status] = stage.reads.status()
                assert status.session is not None
                assert status.session.reason == "stopped"

    run(main)


def test_a_refused_handshake_leaves_no_session_on_record(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.faults.add(Rule(point=Point.HANDSHAKE, act=Answer(403)))
            with ending("refused with HTTP 403"):
                await session(stage.on)
            assert stage.on.figures.sessions == 0
            assert stage.network.asked == ["connect"]  # no token is spent on it
            assert stage.reads.status() == []

    run(main)
