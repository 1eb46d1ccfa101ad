"""Exact arithmetic, and the exchange's way of printing balances."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.numbers import affordable, cut, minus, negative, plus, shown, text, times

amounts = st.decimals(min_value=0, max_value=10**12, places=8, allow_nan=False)


def test_a_product_keeps_all_its_digits() -> None:
    long = Decimal("1234567890123456789.123456789012345678")
    nines = Decimal("9" * 40)
    assert text(times(nines, nines)) == "9" * 39 + "8" + "0" * 39 + "1"
    assert times(long, long).as_tuple().exponent == -36


def test_a_sign_is_turned_without_rounding() -> None:
    long = Decimal("1234567890123456789012345678901234567.8")
    assert plus(long, negative(long)) == 0


@pytest.mark.parametrize(
    ("number", "printed"),
    [
        ("100.00000000", "100"),
        ("0.5", "0.5"),
        ("23.994000499999", "23.99400049"),
        ("0.00000095", "9.5e-07"),
        ("0.0000010", "0.000001"),
        ("0.00000001", "1e-08"),
        ("0.000000009", "0"),
        ("0", "0"),
    ],
)
def test_a_balance_is_cut_to_eight_places_and_small_ones_have_an_exponent(
    number: str, printed: str
) -> None:
    assert shown(Decimal(number)) == printed


@given(amounts)
def test_what_is_shown_is_at_most_one_unit_below_the_truth(number: Decimal) -> None:
    third = times(number, Decimal("0.333333333333"))
    assert 0 <= minus(third, Decimal(shown(third))) < Decimal("0.00000001")


@given(amounts, st.decimals(min_value="0.01", max_value=10**6, places=2))
def test_affordable_is_the_most_that_money_buys(money: Decimal, price: Decimal) -> None:
    amount = affordable(money, price, 6)
    assert times(amount, price) <= money < times(plus(amount, Decimal("0.000001")), price)
    assert cut(amount, 6) == amount
