"""Exact decimals: what is accepted, one text per value, and arithmetic that loses nothing."""

from contextlib import suppress
from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.money import (
    DIGITS_MAX,
    EXPONENT_MAX,
    NotANumber,
    amount,
    canonical,
    checked,
    minus,
    plus,
    times,
    truncated,
)


@st.composite
def numbers(draw: st.DrawFn) -> Decimal:
    """Anything that is accepted from outside."""
    digits = draw(st.integers(-(10**DIGITS_MAX) + 1, 10**DIGITS_MAX - 1))
    length = len(str(abs(digits)))
    exponent = draw(st.integers(-EXPONENT_MAX - length + 1, EXPONENT_MAX - length + 1))
    return Decimal(f"{digits}E{exponent}")


@given(numbers())
def test_what_is_in_the_limits_is_accepted_as_it_is(number: Decimal) -> None:
    assert checked(number) == number
    assert amount(canonical(number)) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("100.00000000", "100"),
        ("9.5e-07", "0.00000095"),
        ("-0.007690011048", "-0.007690011048"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+1", "1"),
        ("-0.0", "0"),
        ("0e40", "0"),
    ],
)
def test_numbers_as_the_exchange_writes_them(text: str, value: str) -> None:
    assert canonical(amount(text)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1_0",
        " 1",
        "1\n",
        "1,5",
        "0x1",
        "٣",
        "1e",
        "1e41",
        "1e-41",
        "1e999999999",
        "1" * (DIGITS_MAX + 1),
        "1" * 1_000_000,
    ],
)
def test_what_is_no_number_or_beyond_the_limits(text: str) -> None:
    with pytest.raises(NotANumber):
        amount(text)


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_not_one(text: str) -> None:
    with suppress(NotANumber):
        assert amount(text).is_finite()


def test_a_bomb_of_zeros_costs_nothing() -> None:
    with pytest.raises(NotANumber):
        checked(Decimal("1E+999999999999"))


@given(numbers())
def test_a_value_has_one_text(number: Decimal) -> None:
    text = canonical(number)
    assert "E" not in text
    assert text not in ("-0", "")
    assert not ("." in text and text.endswith(("0", ".")))
    assert Decimal(text) == number
    assert canonical(Decimal(text)) == text


@given(numbers(), numbers())
def test_arithmetic_is_exact(a: Decimal, b: Decimal) -> None:
    assert Fraction(plus(a, b)) == Fraction(a) + Fraction(b)
    assert Fraction(minus(a, b)) == Fraction(a) - Fraction(b)
    assert Fraction(times(a, b)) == Fraction(a) * Fraction(b)


@given(numbers(), numbers(), numbers())
def test_price_times_amount_times_rate_fits(a: Decimal, b: Decimal, c: Decimal) -> None:
    assert Fraction(times(times(a, b), c)) == Fraction(a) * Fraction(b) * Fraction(c)


def test_a_digit_that_would_be_lost_raises() -> None:
    with pytest.raises(Inexact):
        plus(Decimal("1e600"), Decimal("1e-600"))


@given(numbers(), st.integers(0, 20))
def test_truncation_cuts_towards_zero(number: Decimal, decimals: int) -> None:
    shown = truncated(number, decimals)
    rest = Fraction(number) - Fraction(shown)
    assert abs(rest) < Fraction(1, 10**decimals)
    assert (Fraction(shown) * 10**decimals).denominator == 1
    assert rest == 0 or (rest > 0) == (number > 0)
