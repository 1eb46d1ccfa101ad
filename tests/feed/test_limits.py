"""The limit keeps any sliding window within its limit, and serves in order."""

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.feed.limits import Limit


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
        for start in taken:
            assert sum(start <= at < start + period for at in taken) <= amount

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_waiters_are_served_in_the_order_in_which_they_came() -> None:
    async def main() -> None:
        limit, served = Limit(2, 1), []

        async def take(name: int) -> None:
            await limit.take()
            served.append(name)

        async with trio.open_nursery() as nursery:
            for name in range(6):
                nursery.start_soon(take, name)
                await trio.testing.wait_all_tasks_blocked()
        assert served == list(range(6))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
