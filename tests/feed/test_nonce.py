"""Nonces rise whatever the clock does, and follow the exchange's clock."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import MILLISECOND, SECOND
from reconciler.feed.nonce import Nonce

NOW = 1_790_000_000 * SECOND


@dataclass
class SetClock:
    time: int = NOW

    def now(self) -> int:
        return self.time


@given(st.lists(st.integers(-10 * SECOND, 10 * SECOND), max_size=50))
def test_a_nonce_is_never_repeated_and_never_goes_back(steps: list[int]) -> None:
    clock = SetClock()
    nonce, last = Nonce(clock), 0
    for step in steps:
        clock.time += step
        given_ = nonce.next()
        assert given_ > last
        last = given_


def test_a_nonce_is_the_exchange_time_in_milliseconds() -> None:
    clock = SetClock()
    nonce = Nonce(clock)
    nonce.calibrate(NOW + 7 * SECOND, NOW, NOW)
    assert abs(nonce.next() - (NOW + 7 * SECOND) // MILLISECOND) <= 500


def test_an_offset_within_the_error_of_whole_seconds_means_nothing() -> None:
    nonce = Nonce(SetClock())
    nonce.calibrate(NOW - SECOND, NOW, NOW)
    assert nonce.offset == 0
