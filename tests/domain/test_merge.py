"""The join of two sights: commutative, associative, idempotent, and right on whole lives."""

from decimal import Decimal
from functools import reduce
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.facts import Deal, Order
from reconciler.domain.merge import Restated, merge_deals, merge_orders
from reconciler.domain.money import minus, plus, times
from reconciler.domain.words import Role, Side

T = TypeVar("T")

AMOUNTS = st.decimals(min_value=0, max_value=1000, places=4)
STATUSES = st.sampled_from(
    ["open", "new", "partially_filled", "filled", "canceled", "canceled_stp", "vanished", "odd"]
)


@st.composite
def sights(draw: st.DrawFn) -> Order:
    """Any sight at all, contradictions included."""

    def maybe(values: st.SearchStrategy[T]) -> T | None:
        return draw(st.none() | values)

    return Order(
        order_id=1,
        market=draw(st.sampled_from(["", "BTC_USDT"])),
        side=draw(st.sampled_from(Side)),
        type=draw(st.sampled_from(["limit", "market"])),
        status=draw(STATUSES),
        final=draw(st.booleans()),
        price=maybe(AMOUNTS),
        amount=maybe(AMOUNTS),
        filled_amount=draw(AMOUNTS),
        filled_total=draw(AMOUNTS),
        fee=draw(AMOUNTS),
        remaining=maybe(AMOUNTS),
        fee_asset=maybe(st.sampled_from(["BTC", "USDT"])),
        client_order_id=maybe(st.sampled_from(["a", "b"])),
        created_at=maybe(st.integers(0, 3)),
        updated_at=maybe(st.integers(0, 3)),
        finished_at=maybe(st.integers(0, 3)),
    )


@given(sights(), sights())
def test_order_of_two_sights_does_not_matter(a: Order, b: Order) -> None:
    assert merge_orders(a, b) == merge_orders(b, a)


@given(sights(), sights(), sights())
def test_grouping_of_sights_does_not_matter(a: Order, b: Order, c: Order) -> None:
    assert merge_orders(merge_orders(a, b), c) == merge_orders(a, merge_orders(b, c))


@given(sights(), sights())
def test_a_sight_seen_again_changes_nothing(a: Order, b: Order) -> None:
    once = merge_orders(a, b)
    assert merge_orders(once, b) is once
    assert merge_orders(once, a) is once
    assert merge_orders(a, a) is a


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Order], Order]:
    """The sights of one order's life in the spellings that tell them, and its true end."""
    amount = draw(st.decimals(min_value=1, max_value=10, places=3))
    price = draw(st.decimals(min_value=1, max_value=10, places=2))
    fills = draw(st.lists(st.decimals(min_value="0.001", max_value="0.2", places=3), max_size=5))
    filled = total = fee = Decimal(0)
    known = Order(
        order_id=7, market="BTC_USDT", side=Side.BUY, type="limit", status="open", final=False,
        price=price, amount=amount, filled_amount=filled, filled_total=total, fee=fee,
        remaining=amount, fee_asset=None, client_order_id=None, created_at=100, updated_at=100,
        finished_at=None,
    )  # fmt: skip
    sights = [known]
    for number, fill in enumerate(fills):
        filled, total = plus(filled, fill), plus(total, times(fill, price))
        fee = plus(fee, draw(st.decimals(min_value="-0.01", max_value="0.01", places=6)))
        known = replace(
            known,
            status="partially_filled",
            filled_amount=filled,
            filled_total=total,
            fee=fee,
            remaining=minus(amount, filled),
            updated_at=101 + number,
        )
        sights.append(known)
        active = replace(known, updated_at=None, fee_asset="BTC")  # as REST lists it
        sights.append(active)
    canceled = draw(st.booleans())
    end = replace(known, status="canceled" if canceled else "filled", final=True)
    sights += [
        replace(
            end, status=draw(st.sampled_from([end.status, "canceled"])) if canceled else "filled"
        ),
        replace(end, remaining=None, updated_at=None, finished_at=120, fee_asset="BTC"),  # history
    ]
    return sights, replace(end, finished_at=120, fee_asset="BTC")


@given(lives(), st.randoms(use_true_random=False), st.data())
def test_any_permutation_and_repetition_of_a_life_reaches_its_end(
    life: tuple[list[Order], Order], chance: object, data: st.DataObject
) -> None:
    sights, end = life
    repeated = sights + data.draw(st.lists(st.sampled_from(sights), max_size=6))
    shuffled = data.draw(st.permutations(repeated))
    assert reduce(merge_orders, shuffled) == end


def order(**changes: object) -> Order:
    base = Order(
        order_id=1, market="BTC_USDT", side=Side.SELL, type="limit", status="open", final=False,
        price=Decimal(10), amount=Decimal(1), filled_amount=Decimal(0), filled_total=Decimal(0),
        fee=Decimal(0), remaining=Decimal(1), fee_asset=None, client_order_id=None, created_at=5,
        updated_at=5, finished_at=None,
    )  # fmt: skip
    return replace(base, **changes)


def test_a_stale_open_sight_does_not_reopen_a_finished_order() -> None:
    end = order(status="canceled", final=True, updated_at=9)
    assert merge_orders(end, order(updated_at=20)).status == "canceled"


def test_the_cause_of_a_cancel_beats_the_plain_word() -> None:
    plain, cause = order(status="canceled", final=True), order(status="canceled_stp", final=True)
    assert merge_orders(cause, plain).status == "canceled_stp"


def test_a_record_of_the_end_beats_vanished() -> None:
    gone, found = order(status="vanished", final=True), order(status="filled", final=True)
    assert merge_orders(gone, found).status == "filled"


def test_partially_filled_is_an_end_where_the_exchange_calls_it_history() -> None:
    end = order(status="partially_filled", final=True)
    assert merge_orders(order(), end).final
    assert merge_orders(order(), end).status == "partially_filled"


def test_a_rebate_goes_with_the_volume_it_was_seen_at() -> None:
    little = order(filled_amount=Decimal("0.1"), fee=Decimal("0.5"))
    more = order(filled_amount=Decimal("0.2"), fee=Decimal("-0.3"))
    assert merge_orders(more, little).fee == Decimal("-0.3")


DEAL = Deal(
    deal_id=1, order_id=2, market="BTC_USDT", side=Side.BUY, role=Role.MAKER, price=Decimal(2),
    amount=Decimal(3), total=Decimal(6), fee=Decimal("0.01"), fee_asset=None,
    client_order_id=None, executed_at=5,
)  # fmt: skip


def test_a_deal_gains_what_was_absent() -> None:
    assert merge_deals(DEAL, replace(DEAL, fee_asset="BTC")).fee_asset == "BTC"
    assert merge_deals(replace(DEAL, fee_asset="BTC"), DEAL).fee_asset == "BTC"
    assert merge_deals(DEAL, DEAL) is DEAL


def test_a_deal_told_differently_is_an_error_that_names_both() -> None:
    with pytest.raises(Restated, match=r"deal 1 of order 2 restated: price was 2, now 4"):
        merge_deals(DEAL, replace(DEAL, price=Decimal(4)))
