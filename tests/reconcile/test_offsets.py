"""Intervals of offsets are what sets of numbers are, exactly."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.reconcile.offsets import (
    Interval,
    Offsets,
    contains,
    differences,
    meet,
    shifted,
    union,
    width,
)
from tests.reconcile.truth import grains, money

EVERYWHERE = range(-45, 46)

ends = st.tuples(st.integers(-20, 20), st.integers(1, 10))
intervals = ends.map(lambda pair: (money(pair[0]), money(sum(pair))))
offsets = st.lists(intervals, max_size=4).map(union)
some_offsets = offsets.filter(bool)
deep = st.decimals(-(10**6), 10**6, places=16)


def written(text: str) -> Offsets:
    """`"0 2, 5 7.5"`: two intervals."""
    pairs = [pair.split() for pair in text.split(",")]
    return tuple((Decimal(low), Decimal(high)) for low, high in pairs)


@given(found=st.lists(intervals, max_size=6))
def test_a_union_is_the_same_numbers_in_the_fewest_intervals(found: list[Interval]) -> None:
    joined = union(found)
    assert grains(joined) == {n for each in found for n in grains((each,))}
    assert all(low < high for low, high in joined)
    assert all(before[1] < after[0] for before, after in pairwise(joined)), "a gap between them"


@given(a=offsets, b=offsets)
def test_what_meets_is_what_is_in_both(a: Offsets, b: Offsets) -> None:
    both = meet(a, b)
    assert grains(both) == grains(a) & grains(b)
    assert both == union(both) == meet(b, a)


@given(a=offsets, b=offsets, c=offsets)
def test_the_order_in_which_reports_are_met_does_not_matter(
    a: Offsets, b: Offsets, c: Offsets
) -> None:
    assert meet(meet(a, b), c) == meet(a, meet(b, c))
    assert meet(a, a) == a
    assert meet(a, union((*b, *c))) == union((*meet(a, b), *meet(a, c)))


def test_the_lower_end_is_in_it_and_the_upper_is_not() -> None:
    level = written("-1 0, 0.5 2")
    inside = {"-1": True, "-0.00000001": True, "0": False, "0.5": True, "1.99999999": True}
    assert {each: contains(level, Decimal(each)) for each in inside} == inside
    assert not contains(level, Decimal(2))
    assert not contains((), Decimal(0))


def test_intervals_that_only_touch_are_one_and_have_nothing_in_common() -> None:
    assert union(written("1 2, 0 1")) == written("0 2")
    assert meet(written("0 1"), written("1 2")) == ()


@given(level=offsets, by=deep)
def test_what_is_moved_there_and_back_is_what_it_was(level: Offsets, by: Decimal) -> None:
    assert shifted(shifted(level, by), -by) == level
    assert all(contains(shifted(level, by), low + by) for low, _ in level)


@given(low=deep, more=deep.filter(lambda each: each > 0), by=deep)
def test_no_digit_is_lost(low: Decimal, more: Decimal, by: Decimal) -> None:
    [(moved_low, moved_high)] = shifted(((low, low + more),), by)
    assert (moved_low - low, moved_high - moved_low) == (by, more)


@given(after=some_offsets, before=some_offsets)
def test_a_difference_is_what_leads_from_one_into_the_other(
    after: Offsets, before: Offsets
) -> None:
    """Where two only touch, it may say so or not: no amount is compared with an end."""
    found = differences(after, before)
    ends = {end - other for each in after for end in each for one in before for other in one}
    for by in (money(n) for n in EVERYWHERE):
        if by not in ends:
            assert contains(found, by) is bool(meet(shifted(before, by), after))


@given(level=some_offsets)
def test_the_width_is_from_the_least_to_the_greatest(level: Offsets) -> None:
    inside = grains(level)
    assert width(level) == money(max(inside) + 1 - min(inside))
