"""Limits slide, refuse what is beyond them, and remember who came how near."""

from bisect import bisect_right
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.faults import Answer, Point, Rule, Swallow
from reconciler.simulator.limits import Exceeded, Limit, Limits, Window, limit_of
from reconciler.simulator.server import Server, serve
from tests.running import run
from tests.simulator.client import SECRET, Now, Rest, calling, listening, opened, opening

Script = Callable[[Exchange, Server, Rest, Now], Awaitable[None]]


def called(script: Script) -> None:
    async def main() -> None:
        now = Now()
        exchange = opened(now)
        async with serve(exchange) as server, calling(server) as rest:
            await script(exchange, server, rest, now)

    run(main)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 5), st.integers(1, 20))
def test_no_period_ever_holds_more_than_is_allowed_and_nothing_is_refused_that_fits(
    pauses: list[int], allowed: int, period: int
) -> None:
    window, now, taken = Window(Limit("any", allowed, period)), 0, list[int]()
    for pause in pauses:
        now += pause
        still = len(taken) - bisect_right(taken, now - period)
        assert window.take(now) == (still + 1 if still < allowed else 0)
        if still < allowed:
            taken.append(now)


@pytest.mark.parametrize(
    ("path", "name", "allowed"),
    [
        ("/api/v4/trade-account/executed-history", "trade", 12_000),
        ("/api/v4/orders", "trade", 12_000),
        ("/api/v4/collateral-account/funding-history", "trade", 12_000),
        ("/api/v4/trade-account/order/history/query", "orders and conversions", 10_000),
        ("/api/v4/convert/history", "orders and conversions", 10_000),
        ("/api/v4/order/new", "orders and conversions", 10_000),
        ("/api/v4/main-account/balance", "main-account", 1_000),
        ("/api/v4/main-account/history", "main-account/history", 200),
        ("/api/v4/main-account/smart-flex/investments/history", "lending", 1_000),
        ("/api/v4/mining/rewards", "mining", 1_000),
        ("/api/v4/sub-account/transfer/history", "sub-account", 1_000),
        ("/api/v4/public/time", "public", 2_000),
        ("/api/v1/public/kline", "public", 2_000),
        ("/api/v4/public/orderbook/BTC_USDT", "public order book", 600),
        ("/api/v4/profile/websocket_token", "tokens", 10),
        ("/api/v4/weather", "orders and conversions", 10_000),
    ],
)
def test_each_family_of_calls_has_its_documented_limit(path: str, name: str, allowed: int) -> None:
    limit = limit_of(path)
    assert (limit.name, limit.allowed) == (name, allowed)


def test_calls_beyond_a_limit_are_answered_429_until_the_window_has_moved_on() -> None:
    async def script(exchange: Exchange, _: Server, rest: Rest, now: Now) -> None:
        path, limit = "main-account/history", limit_of("/api/v4/main-account/history")
        for _number in range(limit.allowed):
            assert exchange.limits.call(f"/api/v4/{path}", "", "treasury")
        assert not exchange.limits.exceeded
        for _number in range(2):
            refused = await rest.call(path)
            assert (refused.status_code, refused.json()) == (
                429,
                {"code": 0, "message": "Too Many Attempts."},
            )
        assert (await rest.call("main-account/balance")).status_code == 200
        now.pass_seconds(10)
        assert (await rest.call(path)).status_code == 201
        assert exchange.limits.exceeded == (
            Exceeded(what="main-account/history", who="treasury", count=2),
        )
        assert exchange.limits.peaks == {"main-account/history": 200, "main-account": 1}

    called(script)


def test_a_call_counts_though_something_goes_wrong_with_it() -> None:
    async def script(exchange: Exchange, _: Server, rest: Rest, __: Now) -> None:
        down = Rule(point=Point.REQUEST, act=Answer(503), times=None)
        exchange.faults.add(down)
        for _number in range(11):
            await rest.call("profile/websocket_token")
        exchange.faults.remove(down)
        assert (await rest.call("profile/websocket_token")).status_code == 429
        [exceeded] = exchange.limits.exceeded
        assert (exceeded.what, exceeded.count) == ("tokens", 2)

    called(script)


def test_tokens_are_counted_by_key_and_other_calls_for_all_together() -> None:
    limits = Limits(now=Now())
    path = "/api/v4/profile/websocket_token"
    assert all(limits.call(path, key, "treasury") for key in ("one", "two") for _ in range(10))
    assert not limits.call(path, "two", "treasury")
    path = "/api/v4/main-account/history"
    assert all(limits.call(path, key, key) for key in ("one", "two") for _ in range(100))
    assert not limits.call(path, "three", "three")
    assert [(one.what, one.who) for one in limits.exceeded] == [
        ("tokens", "treasury"),
        ("main-account/history", "three"),
    ]


def test_every_websocket_request_counts_also_one_that_nobody_answers() -> None:
    async def script(exchange: Exchange, server: Server, rest: Rest, now: Now) -> None:
        async with listening(server, rest) as ear:
            exchange.faults.add(Rule(point=Point.CALL, act=Swallow(), name="time", times=None))
            for _number in range(198):
                await ear.send("time")
            assert (await ear.ask("ping"))["result"] == "pong"
            refused = await ear.ask("deals_subscribe", [])
            assert refused["error"] == {"code": 7, "message": "too many requests"}
            now.pass_seconds(60)
            assert (await ear.ask("ping"))["result"] == "pong"
        [exceeded] = exchange.limits.exceeded
        assert exceeded == Exceeded(what="websocket requests", who="treasury", count=1)
        assert exchange.limits.peaks["websocket requests"] == 200

    called(script)


def test_new_websockets_are_limited() -> None:
    async def script(exchange: Exchange, server: Server, _: Rest, now: Now) -> None:
        for _number in range(999):
            exchange.limits.connection()
        async with opening(server):
            pass
        with pytest.RaisesGroup(pytest.RaisesExc(Exception, match="429"), flatten_subgroups=True):
            async with opening(server):
                pass
        now.pass_seconds(60)
        async with opening(server):
            pass
        [exceeded] = exchange.limits.exceeded
        assert exceeded.what == "websocket connections"

    called(script)


def test_a_clock_that_is_set_wrong_changes_no_limit() -> None:
    exchange = opened()
    path = "/api/v4/main-account/codes/apply"
    for _number in range(60):
        assert exchange.limits.call(path, "", None)
    exchange.faults.skew_us = 3_600_000_000
    assert not exchange.limits.call(path, "", None)


def test_figures_name_no_key() -> None:
    exchange = opened()
    exchange.limits.call("/api/v4/profile/websocket_token", SECRET, "treasury")
    assert exchange.limits.figures() == [
        {
            "limit": "tokens",
            "allowed": 10,
            "period_s": 60,
            "done": 1,
            "peak": 1,
            "exceeded": {},
        }
    ]
