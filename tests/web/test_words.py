"""What is cut for the eye is marked, and amounts are never rounded."""

from decimal import Decimal

import pytest

from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND
from reconciler.web import words
from tests.store.samples import NOON


@pytest.mark.parametrize(
    ("number", "seen"),
    [
        ("0", "0"),
        ("1234567.5", "1,234,567.5"),
        ("-1234.00000001", "−1,234.00000001"),
        ("0.123456789", "0.12345678…"),
        ("-0.999999999", "−0.99999999…"),
    ],
)
def test_amounts_are_grouped_and_what_is_cut_is_marked(number: str, seen: str) -> None:
    assert words.grouped(Decimal(number)) == seen


@pytest.mark.parametrize(
    ("number", "seen"),
    [("0", "0"), ("15", "+15"), ("-15000.000000000000000001", "−15,000.000000000000000001")],
)
def test_differences_have_a_sign_and_all_their_digits(number: str, seen: str) -> None:
    assert words.signed(Decimal(number)) == seen


@pytest.mark.parametrize(
    ("length", "seen"),
    [
        (-SECOND, "0 s"),
        (59 * SECOND, "59 s"),
        (60 * SECOND, "1 min"),
        (119 * MINUTE, "119 min"),
        (2 * HOUR, "2 h"),
        (47 * HOUR, "47 h"),
        (2 * DAY, "2 days"),
    ],
)
def test_spans_are_told_in_their_largest_unit(length: int, seen: str) -> None:
    assert words.span(length) == seen


def test_a_time_of_another_day_has_its_date() -> None:
    assert words.clock(NOON, NOON) == "12:00:00"
    assert words.clock(NOON - DAY, NOON) == "2026-01-01 12:00:00"


@pytest.mark.parametrize(
    ("length", "seen"), [(0, "+0 ms"), (-12_345, "−12 ms"), (-1_204_000, "−1.204 s")]
)
def test_offsets_have_a_sign(length: int, seen: str) -> None:
    assert words.offset(length) == seen
