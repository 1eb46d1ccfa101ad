"""Positions: exact to the last digit, whatever is bought and sold."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.numbers import minus, negative, plus, times
from reconciler.simulator.positions import Position, ratio
from tests.simulator.client import START

D = Decimal


def fresh() -> Position:
    return Position(position_id=1, market="BTC_PERP", opened_at=START, modified_at=START)


def test_increasing_averages_the_base_price_and_realises_only_the_fee() -> None:
    held = fresh().traded(D(1), D(100), D("0.1"), START).traded(D(3), D(200), D("0.5"), START)
    assert (held.amount, held.base_price, held.realized) == (D(4), D(175), D("-0.6"))
    assert held.value(D(180)) == D(20)


def test_reducing_realises_its_share_and_closing_all_the_rest() -> None:
    held = fresh().traded(D(-3), D(100), D(0), START)
    part = held.traded(D(1), D(90), D(0), START)
    assert (part.amount, part.realized, part.base_price) == (D(-2), D(10), D(100))
    done = part.traded(D(2), D(110), D("0.2"), START)
    assert (done.amount, done.cost, done.realized) == (D(0), D(0), D("-10.2"))
    assert (ratio(done.exited_total, done.exited), done.fees) == (
        ratio(D(310), D(3)),
        D("0.2"),
    )


fills = st.lists(st.tuples(st.integers(1, 99), st.integers(1, 10**6)), min_size=1, max_size=20)


@given(ins=fills, outs=fills, short=st.booleans())
def test_what_is_realised_in_all_is_what_was_got_less_what_was_paid(
    ins: list[tuple[int, int]], outs: list[tuple[int, int]], short: bool
) -> None:
    sign, held, cash = D(-1 if short else 1), fresh(), D(0)
    for amount, price in ins:
        held = held.traded(times(sign, D(amount)), D(price), D(0), START)
        cash = minus(cash, times(times(sign, D(amount)), D(price)))
    for amount, price in outs:
        closing = times(negative(sign), min(D(amount), held.amount.copy_abs()))
        held = held.traded(closing, D(price), D(0), START) if closing else held
        cash = minus(cash, times(closing, D(price)))
    assert plus(cash, held.cost) == held.realized
