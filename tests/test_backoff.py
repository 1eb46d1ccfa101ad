"""Pauses grow to their cap, are never zero, and come from the chance that was passed in."""

from itertools import islice
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reconciler.backoff import delays


@given(st.integers())
def test_each_pause_lies_under_a_ceiling_that_doubles_up_to_the_cap(seed: int) -> None:
    pauses = list(islice(delays(Random(seed), first=1, most=30), 8))
    for pause, ceiling in zip(pauses, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert 0 < pause <= ceiling


def test_a_seed_gives_its_pauses_again() -> None:
    once, again = (list(islice(delays(Random(7), first=1, most=30), 5)) for _ in range(2))
    assert once == again
