"""Calls under limits: who is refused leaves the exchange alone, and so do all others."""

import json
from io import StringIO
from itertools import pairwise

import httpx
import pytest
import trio
import trio.testing

from reconciler.domain.moments import SECOND
from reconciler.feed.key import TOKENS_MAX
from reconciler.feed.rest import TOKEN_REUSED_FOR, Common, Rest
from reconciler.wire import rest as calls
from tests.feed.answers import Transport, clock_from, in_turn, over, tokens
from tests.feed.memory import START, run, world

STALE = b'{"code": 0, "message": "Too many requests.", "errors": []}'
AT_1_MINUTE = "Fri, 02 Jan 2026 12:01:00 GMT"
"""The clock says 12:00:00.123456 at the start."""


def refusal(status: int, after: str | None = None) -> httpx.Response:
    headers = [] if after is None else [(b"Retry-After", after.encode())]
    return httpx.Response(status, content=b"<html>", headers=headers)


@pytest.mark.parametrize("status", [429, 418, 503])
@pytest.mark.parametrize(
    ("after", "pause"),
    [("7", 7), ("86400", 120), (AT_1_MINUTE, 59.876544), ("Sat, 03 Jan 2026 12:00:00 GMT", 120)],
)
def test_the_exchange_is_left_alone_for_as_long_as_it_asks_for_and_by_everybody(
    status: int, after: str, pause: float
) -> None:
    act, at = in_turn(refusal(status, after))

    async def main() -> None:
        async with over(act) as rest, trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(rest.ask, calls.active_orders(0, 100))
                await trio.testing.wait_all_tasks_blocked()
        assert at == pytest.approx([0, pause, pause])

    run(main)


@pytest.mark.parametrize("after", [None, "soon", "-5", "0", "1e9", "٣", "Fri, 99 Jan 2026"])
def test_without_a_word_that_means_something_the_pause_is_our_own(after: str | None) -> None:
    act, at = in_turn(refusal(429, after))

    async def main() -> None:
        async with over(act) as rest:
            await rest.ask(calls.active_orders(0, 100))
        [pause] = [later - earlier for earlier, later in pairwise(at)]
        assert 0 < pause <= 1

    run(main)


def test_a_refusal_of_one_account_is_waited_out_by_all_of_the_process() -> None:
    act, at = in_turn(refusal(429, "9"))

    async def main() -> None:
        outside = world(http=lambda: Transport(act))
        common = Common.of(outside, keys=2)
        async with (
            over(act, outside=outside, common=common) as one,
            over(act, outside=outside, common=common) as other,
            trio.open_nursery() as nursery,
        ):
            for rest in (one, other):
                nursery.start_soon(rest.ask, calls.active_orders(0, 100))
                await trio.testing.wait_all_tasks_blocked()
        assert at == [0, 9, 9]

    run(main)


def test_a_refused_token_is_no_reason_not_to_make_other_calls() -> None:
    act, at = in_turn(refusal(429, "30"))

    async def main() -> None:
        async with over(act) as rest, trio.open_nursery() as nursery:
            nursery.start_soon(rest.token)
            await trio.testing.wait_all_tasks_blocked()
            await rest.ask(calls.active_orders(0, 100))
            assert at == [0, 0]
            nursery.cancel_scope.cancel()

    run(main)


def test_a_nonce_that_was_used_before_makes_nobody_wait() -> None:
    act, at = in_turn(httpx.Response(429, content=STALE))

    async def main() -> None:
        async with over(act) as rest:
            await rest.ask(calls.active_orders(0, 100))
        assert at == [0, 0]

    run(main)


def test_a_limit_is_told_once_for_all_who_ran_into_it() -> None:
    log = StringIO()

    async def refused(_: httpx.Request) -> httpx.Response:
        await trio.sleep(0.1)
        return refusal(429) if trio.current_time() < 0.2 else httpx.Response(200, content=b"[]")

    async def main() -> None:
        async with over(refused, log_to=log) as rest, trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(rest.ask, calls.active_orders(0, 100))
        [line] = map(json.loads, log.getvalue().splitlines())
        assert (line["event"], line["call"]) == ("rest.limited", "active_orders")

    run(main)


# Tokens


async def all_served(rest: Rest) -> calls.Token:
    """Uses up all tokens of a minute, each of which serves; the last."""
    seen = []
    for _ in range(TOKENS_MAX):
        seen.append(await rest.token())
        rest.authorized()
    assert len(set(seen)) == TOKENS_MAX
    assert trio.current_time() == 0
    return seen[-1]


def test_when_there_are_none_left_the_last_that_served_serves_again() -> None:
    async def main() -> None:
        async with over(tokens()) as rest:
            last = await all_served(rest)
            for _ in range(3):
                assert await rest.token() == last
                rest.authorized()
            assert trio.current_time() == 0
            await trio.sleep(TOKEN_REUSED_FOR)
            assert await rest.token() != last

    run(main)


def test_a_token_that_did_not_serve_is_not_used_again() -> None:
    async def main() -> None:
        async with over(tokens()) as rest:
            seen = [await rest.token() for _ in range(TOKENS_MAX + 1)]
            assert len(set(seen)) == TOKENS_MAX + 1
            assert trio.current_time() > 60

    run(main)


def test_nor_is_one_that_served_before_and_then_did_not() -> None:
    async def main() -> None:
        async with over(tokens()) as rest:
            last = await all_served(rest)
            assert await rest.token() == last
            assert await rest.token() != last

    run(main)


# The exchange's clock


def test_further_samples_narrow_down_what_is_not_known() -> None:
    async def main() -> None:
        async with over(clock_from(lambda: START + 3600 * SECOND)) as rest:
            assert abs(await rest.calibrate() - 3600 * SECOND) <= SECOND
            assert trio.current_time() == 0
            await rest.calibrate(samples=5)
            assert rest.exchange.uncertainty is not None
            assert rest.exchange.uncertainty < SECOND // 10
            assert trio.current_time() < 5

    run(main)


def test_a_clock_that_was_set_is_told() -> None:
    start, log = START, StringIO()

    async def main() -> None:
        nonlocal start
        async with over(clock_from(lambda: start), log_to=log) as rest:
            await rest.calibrate(samples=2)
            assert log.getvalue() == ""
            start += 60 * SECOND
            await rest.calibrate()
        [line] = map(json.loads, log.getvalue().splitlines())
        assert line["event"] == "clock.stepped"
        assert 59 <= line["by_s"] <= 61

    run(main)
