"""Pauses grow to their cap, are never zero, and come from the chance that was passed in; what a
server asks for is understood, however it says it."""

from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.backoff import delays, retry_after
from reconciler.domain.moments import SECOND, from_iso


@given(st.integers())
def test_each_pause_lies_under_a_ceiling_that_doubles_up_to_the_cap(seed: int) -> None:
    pauses = list(islice(delays(Random(seed), first=1, most=30), 8))
    for pause, ceiling in zip(pauses, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert 0 < pause <= ceiling


def test_a_seed_gives_its_pauses_again() -> None:
    once, again = (list(islice(delays(Random(7), first=1, most=30), 5)) for _ in range(2))
    assert once == again


NOON = from_iso("2026-01-02T12:00:00.5Z")


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("7", 7 * SECOND),
        (" 120 ", 120 * SECOND),
        ("Fri, 02 Jan 2026 12:01:00 GMT", 59 * SECOND + SECOND // 2),
        ("Fri, 02 Jan 2026 12:01:00 -0000", 59 * SECOND + SECOND // 2),
        ("Fri, 02 Jan 2026 13:01:00 +0100", 59 * SECOND + SECOND // 2),
        ("Fri, 02 Jan 2026 11:59:00 GMT", None),
        ("0", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
    ],
)
def test_after_how_long_to_come_again_is_told_in_seconds_or_by_a_date(
    header: str, after: int | None
) -> None:
    assert retry_after(header, NOON) == after


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]+ .*"))
def test_no_header_is_too_strange(header: str) -> None:
    after = retry_after(header, NOON)
    assert after is None or after > 0


def test_nor_too_long() -> None:
    assert retry_after("9" * 100_000, NOON) is not None
