"""The parameters of a call: as text or number, within their bounds, or named in the refusal."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.asked import Asked, Invalid


@pytest.mark.parametrize("value", [7, "7"])
def test_integers_come_as_numbers_or_text(value: Any) -> None:
    assert Asked({"limit": value}).integer("limit") == 7


@pytest.mark.parametrize("value", [True, 7.5, "7.5", "seven", -1, [7], "٧"])
def test_what_is_no_integer_in_bounds_is_refused(value: Any) -> None:
    with pytest.raises(Invalid, match="limit"):
        Asked({"limit": value}).integer("limit")


@pytest.mark.parametrize(("value", "amount"), [("0.50", "0.5"), (3, "3"), (0.25, "0.25")])
def test_amounts_come_as_numbers_or_text(value: Any, amount: str) -> None:
    assert Asked({"amount": value}).amount("amount") == Decimal(amount)


@pytest.mark.parametrize("value", [None, True, "1e5", "-1", "", "NaN", "1" * 31, [], {}])
def test_what_is_no_plain_amount_is_refused(value: Any) -> None:
    with pytest.raises(Invalid, match="amount"):
        Asked({"amount": value}).amount("amount")


def test_a_page_is_fifty_from_the_start_by_default() -> None:
    assert Asked({}).page(100, 1000) == (0, 50)
    assert Asked({"offset": 3, "limit": 1}).page(100, 1000) == (3, 1)


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.lists(st.integers(), max_size=2)
)
def test_any_value_is_either_taken_or_refused(value: Any) -> None:
    asked = Asked({"x": value})
    for read in (
        lambda: asked.text("x"),
        lambda: asked.one_of("x", ("a",)),
        lambda: asked.needed("x", ("a",)),
        lambda: asked.integer("x"),
        lambda: asked.amount("x"),
        lambda: asked.flag("x"),
    ):
        with suppress(Invalid):
            read()
