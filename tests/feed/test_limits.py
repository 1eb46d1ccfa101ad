"""Any sliding window stays within the limit; the urgent go first, the others as they came."""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.feed.limits import Limit, NotSent, Urgency
from tests.feed.memory import run

NOW, HISTORY = Urgency.NOW, Urgency.HISTORY


def most_within(arrived: list[float], seconds: float) -> int:
    """The most that came in any stretch of so many seconds."""
    arrived = sorted(arrived)
    return max(bisect_left(arrived, at + seconds) - n for n, at in enumerate(arrived))


@settings(max_examples=40, deadline=None)
@given(
    amount=st.integers(2, 20),
    period=st.integers(1, 60),
    pauses=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_no_stretch_of_the_period_sees_more_than_the_amount(
    amount: int, period: int, pauses: list[float]
) -> None:
    async def main() -> None:
        limit, taken = Limit(amount, period), []
        for pause in pauses:
            await trio.sleep(pause)
            for _ in range(3):
                await limit.take()
                taken.append(trio.current_time())
        assert most_within(taken, period) <= amount

    run(main)


@settings(max_examples=40, deadline=None)
@given(amount=st.integers(2, 12), period=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_nor_does_the_far_side_however_long_each_call_is_under_way(
    amount: int, period: int, seed: int
) -> None:
    async def main() -> None:
        chance, limit, arrived = random.Random(seed), Limit(amount, period), []

        async def caller() -> None:
            for _ in range(4):
                await trio.sleep(chance.random() * period)
                async with limit.permit(chance.choice((NOW, HISTORY))):
                    await trio.sleep(chance.random() ** 3 * 2 * period)
                    arrived.append(trio.current_time())
                    await trio.sleep(chance.random() * period / 4)

        async with trio.open_nursery() as nursery:
            for _ in range(2 * amount):
                nursery.start_soon(caller)
        assert most_within(arrived, period) <= amount

    run(main)


Taking = Callable[[Urgency, object], Awaitable[None]]


def served(amount: int, callers: Callable[[Taking, Limit], Awaitable[None]]) -> list[object]:
    """The names of the callers in the order in which a limit of one second served them."""

    async def main() -> list[object]:
        limit, names = Limit(amount, 1), []

        async def take(urgency: Urgency, name: object) -> None:
            async with limit.permit(urgency):
                names.append(name)

        async def come(urgency: Urgency, name: object) -> None:
            nursery.start_soon(take, urgency, name)
            await trio.testing.wait_all_tasks_blocked()

        async with trio.open_nursery() as nursery:
            await callers(come, limit)
        return names

    return run(main)


def test_waiters_are_served_in_the_order_in_which_they_came() -> None:
    async def six(come: Taking, _: Limit) -> None:
        for name in range(6):
            await come(NOW, name)

    assert served(2, six) == list(range(6))


def test_the_urgent_go_first_and_the_others_keep_their_order() -> None:
    async def mixed(come: Taking, _: Limit) -> None:
        await come(NOW, "taken")
        for name in range(3):
            await come(HISTORY, name)
        for urgent in ("a", "b"):
            await come(NOW, urgent)

    assert served(1, mixed) == ["taken", "a", "b", 0, 1, 2]


def test_history_never_takes_what_is_kept_for_the_urgent() -> None:
    async def main() -> None:
        limit = Limit(8, 10)
        for _ in range(6):
            async with limit.permit(HISTORY):
                pass
        with trio.move_on_after(5):
            async with limit.permit(HISTORY):
                pytest.fail("this is kept")
        for _ in range(2):
            await limit.take()
        assert trio.current_time() == 5

    run(main)


def test_one_that_was_not_sent_uses_up_nothing() -> None:
    async def main() -> None:
        limit = Limit(1, 60)
        for _ in range(3):
            with pytest.raises(NotSent):
                async with limit.permit():
                    raise NotSent
        await limit.take()
        assert trio.current_time() == 0

    run(main)


def test_one_that_failed_is_used_up() -> None:
    async def main() -> None:
        limit = Limit(1, 60)
        with pytest.raises(ValueError, match="broken"):
            async with limit.permit():
                raise ValueError("broken")
        await limit.take()
        assert trio.current_time() >= 60

    run(main)


def test_who_gives_up_waiting_is_in_nobodys_way_and_uses_up_nothing() -> None:
    async def main() -> None:
        limit = Limit(1, 10)
        await limit.take()
        for _ in range(3):
            with trio.move_on_after(1):
                await limit.take()
        await limit.take()
        assert 10 < trio.current_time() < 11

    run(main)


def test_while_closed_it_gives_no_permits_and_a_shorter_time_does_not_open_it() -> None:
    async def main() -> None:
        limit = Limit(5, 1)
        limit.close(30)
        limit.close(1)
        assert limit.would_wait()
        await limit.take()
        assert trio.current_time() == 30
        assert not limit.would_wait()

    run(main)


def test_what_was_used_before_counts_by_its_age() -> None:
    async def main() -> None:
        limit = Limit(3, 10)
        limit.count((0, 4, 100))
        for earliest in (0, 6, 10):
            await limit.take()
            assert earliest <= trio.current_time() < earliest + 1

    run(main)


def test_history_goes_on_while_the_urgent_ask_as_often_as_they_ever_do() -> None:
    """A hundred accounts in a storm of reconnects: ten sessions a minute each, as many as there are
    tokens, with four urgent calls of the tightest group each.  Still each backfill goes on."""
    accounts, minutes = 100, 2
    read = Counter[int]()

    async def main() -> None:
        limit, chance = Limit(1000, 10), random.Random(1)

        async def storm() -> None:
            while True:
                await trio.sleep(chance.random() * 12)
                for _ in range(4):
                    await limit.take()

        async def backfill(account: int) -> None:
            while True:
                async with limit.permit(HISTORY):
                    await trio.sleep(0.5)
                read[account] += 1

        with trio.move_on_after(60 * minutes):
            async with trio.open_nursery() as nursery:
                for account in range(accounts):
                    nursery.start_soon(storm)
                    nursery.start_soon(backfill, account)

    run(main)
    assert len(read) == accounts
    assert min(read.values()) > 5 * minutes
    assert max(read.values()) < 2 * min(read.values())
