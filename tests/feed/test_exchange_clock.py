"""What is known of the exchange's time always holds the truth, and gets sharper."""

import random
from dataclasses import dataclass

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.clock import steady
from reconciler.domain.moments import DAY, HOUR, MILLISECOND, MINUTE, SECOND, seconds
from reconciler.feed.exchange_clock import ExchangeClock
from tests.feed.memory import START, run


@dataclass
class Ours:
    """Our wall clock, which somebody may set."""

    ahead: int = 0

    def now(self) -> int:
        return START + steady() + self.ahead


def truth(ahead: int = 0) -> int:
    """The exchange's clock."""
    return START + steady() + ahead


async def asked(clock: ExchangeClock, ahead: int = 0, there: int = 0, back: int = 0) -> int:
    """One question, so long on its way there and back."""
    before = steady()
    await trio.sleep(seconds(there))
    told = truth(ahead) // SECOND * SECOND
    await trio.sleep(seconds(back))
    return clock.learn(told, before, steady())


@settings(max_examples=50, deadline=None)
@given(
    ahead=st.integers(-HOUR, HOUR),
    ours=st.integers(-DAY, DAY),
    ways=st.lists(
        st.tuples(st.integers(0, 3 * SECOND), st.integers(0, SECOND), st.integers(0, SECOND)),
        min_size=1,
        max_size=20,
    ),
)
def test_the_truth_is_never_further_away_than_is_said(
    ahead: int, ours: int, ways: list[tuple[int, int, int]]
) -> None:
    async def main() -> None:
        clock = ExchangeClock(Ours(ours))
        for pause, there, back in ways:
            await trio.sleep(seconds(pause))
            assert await asked(clock, ahead, there, back) == 0
            assert clock.uncertainty is not None
            assert abs(clock.now() - truth(ahead)) <= clock.uncertainty + 2

    run(main)


def test_one_answer_tells_the_second_and_five_at_the_right_moments_a_tenth_of_one() -> None:
    async def main() -> None:
        clock = ExchangeClock(Ours(-HOUR))
        known_to = []
        for _ in range(5):
            await trio.sleep(seconds(clock.until_telling()))
            await asked(clock, 0, 10 * MILLISECOND, 10 * MILLISECOND)
            known_to.append(clock.uncertainty or 0)
        assert 0 < known_to[0] <= SECOND + 20 * MILLISECOND
        assert 0 < known_to[-1] < SECOND // 10
        assert trio.current_time() < 5

    run(main)


@given(st.integers(0, 10**7))
def test_the_right_moment_is_at_most_a_second_away(start: int) -> None:
    async def main() -> None:
        await trio.sleep(seconds(start))
        clock = ExchangeClock(Ours())
        assert clock.until_telling() == 0
        await asked(clock)
        assert 0 <= clock.until_telling() < SECOND

    run(main)


def test_a_clock_that_agrees_as_far_as_can_be_told_is_right() -> None:
    async def main() -> None:
        clock = ExchangeClock(Ours())
        await asked(clock, ahead=300 * MILLISECOND, there=50 * MILLISECOND, back=50 * MILLISECOND)
        assert clock.offset == 0

    run(main)


def test_before_the_first_answer_the_exchanges_time_is_ours() -> None:
    async def main() -> None:
        clock = ExchangeClock(Ours(HOUR))
        assert clock.now() == truth(HOUR)
        assert clock.uncertainty is None

    run(main)


def test_what_is_known_fades_as_clocks_drift() -> None:
    async def main() -> None:
        clock = ExchangeClock(Ours(-HOUR))
        await asked(clock)
        fresh = clock.uncertainty
        await trio.sleep(600)
        assert clock.uncertainty is not None
        assert fresh is not None
        assert clock.uncertainty - fresh == pytest.approx(2 * 60 * MILLISECOND, abs=10)

    run(main)


def test_a_drifting_clock_is_no_step() -> None:
    async def main() -> None:
        clock, chance = ExchangeClock(Ours()), random.Random(1)
        for _ in range(300):
            await trio.sleep(chance.random() * 1_200)
            drifted = steady() * 90 // 1_000_000
            assert await asked(clock, drifted) == 0
            assert clock.uncertainty is not None
            assert abs(clock.now() - truth(drifted)) <= clock.uncertainty + 2

    run(main, virtual_days=5)


@pytest.mark.parametrize("by", [-HOUR, HOUR, 3 * SECOND])
def test_setting_our_clock_moves_the_offset_and_not_the_exchanges_time(by: int) -> None:
    async def main() -> None:
        ours = Ours()
        clock = ExchangeClock(ours)
        await asked(clock)
        ours.ahead = by
        assert abs(clock.now() - truth()) <= SECOND
        assert abs(clock.offset + by) <= SECOND
        assert await asked(clock) == -by
        assert await asked(clock) == 0

    run(main)


@pytest.mark.parametrize("by", [-MINUTE, MINUTE])
def test_when_the_exchange_sets_its_clock_what_was_known_is_forgotten(by: int) -> None:
    async def main() -> None:
        clock = ExchangeClock(Ours())
        await asked(clock)
        assert abs(await asked(clock, ahead=by) - by) <= SECOND
        assert abs(clock.now() - truth(by)) <= SECOND
        assert await asked(clock, ahead=by) == 0

    run(main)
