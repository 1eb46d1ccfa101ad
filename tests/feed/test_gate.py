"""Who is told that a limit is exceeded makes all of its callers pause, longer each time."""

import random
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
import trio

from reconciler.feed.gate import PAUSE_MOST, RETRY_AFTER_MAX, Gate
from tests.feed.memory import run


class Longest(random.Random):
    """Draws the longest of pauses."""

    def random(self) -> float:
        return 0.0


def at_gate(main: Callable[[Gate], Awaitable[None]]) -> None:
    async def with_gate() -> None:
        await main(Gate(100, 10, Longest()))

    run(with_gate)


async def refused(gate: Gate, after: float | None = None) -> float:
    """One call that is refused; when it was made."""
    async with gate.permit() as permit:
        permit.refused(after)
        return trio.current_time()


async def accepted(gate: Gate) -> float:
    """One call that is not."""
    async with gate.permit() as permit:
        permit.accepted()
        return trio.current_time()


def test_a_refusal_of_one_call_is_waited_out_by_all() -> None:
    async def main(gate: Gate) -> None:
        at: list[float] = []

        async def caller() -> None:
            at.append(await accepted(gate))

        await refused(gate, after=7)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(caller)
        assert at == [7.0] * 5

    at_gate(main)


def test_pauses_double_up_to_half_a_minute_and_begin_small_again_after_an_answer() -> None:
    async def main(gate: Gate) -> None:
        at = [await refused(gate) for _ in range(8)]
        assert [round(b - a) for a, b in pairwise(at)] == [1, 2, 4, 8, 16, PAUSE_MOST, PAUSE_MOST]
        before = await accepted(gate)
        assert await refused(gate) == before
        assert await accepted(gate) - before == pytest.approx(1)

    at_gate(main)


def test_calls_that_were_under_way_together_make_one_pause() -> None:
    async def main(gate: Gate) -> None:
        async def caller(seconds: float) -> None:
            async with gate.permit() as permit:
                await trio.sleep(seconds)
                permit.refused(None)

        async with trio.open_nursery() as nursery:
            for tenth in range(5):
                nursery.start_soon(caller, 0.1 * (tenth + 1))
        assert await accepted(gate) == pytest.approx(1.1)

    at_gate(main)


def test_an_answer_to_what_was_asked_before_the_refusal_does_not_make_pauses_small_again() -> None:
    async def main(gate: Gate) -> None:
        async with gate.permit() as early:
            await refused(gate)
            early.accepted()
        await refused(gate)
        before = trio.current_time()
        assert await accepted(gate) - before == pytest.approx(2)

    at_gate(main)


@pytest.mark.parametrize(("after", "pause"), [(3, 3), (100_000, RETRY_AFTER_MAX), (0, 1)])
def test_what_the_exchange_asks_for_is_honoured_within_reason(after: float, pause: float) -> None:
    async def main(gate: Gate) -> None:
        await refused(gate, after)
        assert await accepted(gate) == pytest.approx(pause)

    at_gate(main)


def test_a_long_pause_is_not_shortened_by_one_that_asks_for_less() -> None:
    async def main(gate: Gate) -> None:
        async with gate.permit() as one, gate.permit() as other:
            one.refused(60)
            other.refused(2)
        assert await accepted(gate) == 60

    at_gate(main)
