"""A row is the same row in whatever state it is seen."""

import pytest
from msgspec.structs import replace

from reconciler.domain.facts import Fact, Market
from reconciler.feed.rows import all_understood, key_of, keys_of, moment_of
from reconciler.wire.records import unreadable
from tests.store.samples import NOON, deal, movement, order, transaction

BAD = unreadable("deals", "a reason", b"a text", NOON)


def test_a_row_keeps_its_key_and_differs_from_others() -> None:
    rows: list[Fact] = [
        deal(1, order_id=1),
        deal(1, order_id=2),
        deal(2, order_id=1),
        order(1),
        order(2),
        transaction("1"),
        transaction("2"),
        movement("1"),
        movement("2"),
        BAD,
    ]
    assert len(keys_of(rows)) == len(rows)
    assert key_of(order(1)) == key_of(order(1, status="canceled", final=True))
    assert key_of(transaction("1")) == key_of(transaction("1", status="success"))
    assert key_of(BAD) == key_of(replace(BAD, received_at=NOON + 1))


def test_lists_are_sorted_by_the_time_of_what_moved_money() -> None:
    assert moment_of(transaction("1", created_at=5)) == 5
    assert moment_of(movement("1", occurred_at=6)) == 6
    assert moment_of(BAD) is None


def test_one_row_that_nobody_understood_is_one_too_many() -> None:
    assert all_understood([order(1), deal(1)])
    assert not all_understood([order(1), BAD])


def test_what_is_no_row_of_a_history_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="Market"):
        key_of(Market(name="A_B", base_asset="A", quote_asset="B", kind="spot"))
