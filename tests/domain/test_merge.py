"""The join of two sights: commutative, associative, idempotent, and right on whole lives."""

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.facts import Deal, Movement, Order, Transaction
from reconciler.domain.merge import (
    Restated,
    merge_deals,
    merge_movements,
    merge_orders,
    merge_transactions,
)
from reconciler.domain.money import minus, plus, times
from reconciler.domain.words import MovementKind, Role, Side, TransactionKind, Wallet

T = TypeVar("T")
History = TypeVar("History", Transaction, Movement)

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


TRANSACTION = Transaction(
    kind=TransactionKind.DEPOSIT, transaction_id="t", asset="USDT", network=None,
    amount=Decimal(5), fee=Decimal(1), status="confirming", processed_amount=None,
    processed_fee=None, address=None, transaction_hash=None, unique_id=None, created_at=10,
    updated_at=20,
)  # fmt: skip
MOVEMENT = Movement(
    kind=MovementKind.MINING, movement_id="m", wallet=None, asset="BTC", amount=Decimal(5),
    status="pending", settled=False, occurred_at=10,
)  # fmt: skip

FEW = st.integers(1, 2).map(Decimal)
TEXTS = st.none() | st.sampled_from(["a", "b"])


def transactions() -> st.SearchStrategy[Transaction]:
    """Any sight at all, contradictions included."""
    statuses = ["pending", "confirming", "frozen", "99", "canceled", "partial", "success"]
    return st.builds(
        Transaction,
        kind=st.just(TransactionKind.WITHDRAWAL),
        transaction_id=st.just("t"),
        asset=st.sampled_from(["BTC", "BTC", "BTC", "ETH"]),
        network=TEXTS,
        amount=FEW,
        fee=FEW,
        status=st.sampled_from(statuses),
        processed_amount=st.none() | FEW,
        processed_fee=st.none() | FEW,
        address=TEXTS,
        transaction_hash=TEXTS,
        unique_id=TEXTS,
        created_at=st.integers(0, 2),
        updated_at=st.integers(3, 5),
    )


def movements() -> st.SearchStrategy[Movement]:
    """Any sight at all, contradictions included."""
    return st.builds(
        Movement,
        kind=st.just(MovementKind.MINING),
        movement_id=st.just("m"),
        wallet=st.none() | st.just(Wallet.MAIN),
        asset=st.none() | st.sampled_from(["BTC", "BTC", "BTC", "ETH"]),
        amount=FEW,
        counter_asset=st.none() | st.just("USDT"),
        counter_amount=st.none() | FEW,
        fee=st.none() | FEW,
        status=st.sampled_from(["pending", "canceled", "successful"]),
        settled=st.booleans(),
        market=TEXTS,
        order_id=st.none() | st.integers(1, 2),
        reference=TEXTS,
        occurred_at=st.integers(0, 2),
    )


def joined(
    merge: Callable[[History, History], History], a: History | None, b: History | None
) -> History | None:
    """Both, or None once the exchange has contradicted itself."""
    try:
        return None if a is None or b is None else merge(a, b)
    except Restated:
        return None


def check_the_law(
    merge: Callable[[History, History], History], a: History, b: History, c: History
) -> None:
    once = joined(merge, a, b)
    assert joined(merge, b, a) == once
    assert joined(merge, once, c) == joined(merge, a, joined(merge, b, c))
    assert merge(a, a) is a
    if once is not None:
        assert merge(once, a) is once
        assert merge(once, b) is once


@given(transactions(), transactions(), transactions())
def test_transactions_may_be_seen_in_any_order_and_often(
    a: Transaction, b: Transaction, c: Transaction
) -> None:
    check_the_law(merge_transactions, a, b, c)


@given(movements(), movements(), movements())
def test_movements_may_be_seen_in_any_order_and_often(
    a: Movement, b: Movement, c: Movement
) -> None:
    check_the_law(merge_movements, a, b, c)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("confirming", "travel_rule_waiting"),
        ("travel_rule_waiting", "travel_rule_in_progress"),
        ("travel_rule_in_progress", "frozen"),
        ("pending", "unconfirmed"),
        ("frozen", "99"),
        ("99", "uncredited"),
        ("frozen", "canceled"),
        ("canceled", "partial"),
        ("partial", "success"),
    ],
)
def test_of_what_was_told_at_one_moment_whatever_is_further_holds(earlier: str, later: str) -> None:
    before = replace(TRANSACTION, status=earlier, updated_at=20)
    after = replace(TRANSACTION, status=later, updated_at=20)
    merged = merge_transactions(before, after)
    assert (merged.status, merged.updated_at) == (later, 20)


@pytest.mark.parametrize("later", ["uncredited", "canceled", "partial", "success"])
def test_a_settled_transaction_stays_it(later: str) -> None:
    before = replace(TRANSACTION, status="frozen", updated_at=30)
    after = replace(TRANSACTION, status=later, updated_at=20)
    merged = merge_transactions(before, after)
    assert (merged.status, merged.updated_at) == (later, 20)


def test_a_settled_status_dates_from_when_it_was_first_told() -> None:
    credited = replace(TRANSACTION, status="success")
    again = replace(credited, updated_at=credited.updated_at + 10)
    assert merge_transactions(credited, again) is credited


@pytest.mark.parametrize("status", ["unconfirmed", "frozen", "pending"])
def test_of_what_is_still_on_its_way_the_last_word_holds(status: str) -> None:
    """A withdrawal may be confirmed, frozen and released."""
    before = replace(TRANSACTION, status=status, updated_at=30)
    for later in ("unconfirmed", "frozen", "pending"):
        after = replace(TRANSACTION, status=later, updated_at=40)
        assert merge_transactions(before, after) == after
        assert merge_transactions(after, before) == after


def test_a_transaction_gains_what_was_absent() -> None:
    hashed = replace(TRANSACTION, transaction_hash="0xab", updated_at=30)
    assert merge_transactions(TRANSACTION, hashed) == hashed


def test_what_is_still_on_its_way_may_change_its_amount() -> None:
    credited = replace(TRANSACTION, status="success", amount=Decimal(4))
    assert merge_transactions(TRANSACTION, credited).amount == Decimal(4)
    assert merge_transactions(credited, TRANSACTION) is credited
    paid = replace(MOVEMENT, status="successful", settled=True, amount=Decimal(4), occurred_at=12)
    assert merge_movements(MOVEMENT, paid) == paid
    assert merge_movements(paid, MOVEMENT) is paid


def test_a_settled_amount_told_differently_is_an_error_that_names_both() -> None:
    credited = replace(TRANSACTION, status="success")
    with pytest.raises(Restated, match=r"deposit t restated: fee was 1, now 2"):
        merge_transactions(credited, replace(credited, fee=Decimal(2)))
    paid = replace(MOVEMENT, settled=True)
    with pytest.raises(Restated, match=r"mining m restated: amount was 5, now 6"):
        merge_movements(paid, replace(paid, amount=Decimal(6)))


def test_another_asset_is_never_a_further_sight() -> None:
    with pytest.raises(Restated, match=r"deposit t restated: asset was USDT, now BTC"):
        merge_transactions(TRANSACTION, replace(TRANSACTION, asset="BTC"))


def test_a_movement_that_ended_does_not_begin_again() -> None:
    refused = replace(MOVEMENT, status="canceled")
    assert merge_movements(refused, MOVEMENT).status == "canceled"
