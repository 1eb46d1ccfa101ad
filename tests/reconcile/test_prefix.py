"""Which offsets one report allows: all that may be true, and no other."""

from decimal import Decimal
from itertools import chain, combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import SECOND
from reconciler.domain.words import Wallet
from reconciler.reconcile.offsets import contains, meet
from reconciler.reconcile.prefix import (
    AHEAD,
    COALESCED,
    DELAY_MAX,
    FLOATING_MAX,
    Seen,
    Skew,
    allowed,
    matched,
    parts,
    window,
)
from tests.reconcile.truth import (
    DECIMALS,
    LONG,
    SKEW,
    UNIT,
    Event,
    Life,
    grains,
    lives,
    moments,
    money,
    shown,
    span,
    splits,
)

whole = st.integers(-(10**4), 10**4)
clocks = st.builds(
    Skew, offset=st.integers(-LONG, LONG), uncertainty=st.integers(0, 5 * SECOND)
)  # fmt: skip


def seen(grains_shown: int, *, at: int = 0, subtracted: int = 0) -> Seen:
    return Seen(at=at, shown=money(grains_shown), decimals=DECIMALS, subtracted=subtracted)


def subset_sums(numbers: list[int]) -> set[int]:
    sizes = range(len(numbers) + 1)
    return {sum(some) for some in chain(*(combinations(numbers, size) for size in sizes))}


def amounts(numbers: list[int]) -> list[Decimal]:
    return [money(number) for number in numbers]


# The window


@given(
    told=moments, clock=clocks, late=st.integers(0, COALESCED + DELAY_MAX),
    ahead=st.integers(0, AHEAD), wrong=st.integers(-5 * SECOND, 5 * SECOND),
)  # fmt: skip
def test_a_report_that_is_no_later_than_documented_is_of_a_moment_in_its_window(
    told: int, clock: Skew, late: int, ahead: int, wrong: int
) -> None:
    wrong = max(-clock.uncertainty, min(wrong, clock.uncertainty))
    received = told + late - (clock.offset + wrong)
    first, last = window(received, clock)
    assert first <= told <= told + ahead <= last


def test_the_window_is_no_wider_than_that() -> None:
    clock = Skew(offset=-7 * SECOND, uncertainty=SECOND // 4)
    oldest, newest = COALESCED + DELAY_MAX + SECOND // 4, AHEAD + SECOND // 4
    assert window(60 * SECOND, clock) == (53 * SECOND - oldest, 53 * SECOND + newest)


@pytest.mark.parametrize(("before", "is_in"), [(0, True), (1, False)])
def test_an_event_just_outside_the_window_has_happened_or_has_not(before: int, is_in: bool) -> None:
    """One at an edge may have happened or not; a microsecond further it is certain."""
    first, last = window(LONG, SKEW)
    early, late = Event(first - before, 1000), Event(last + before, 50_000)
    life = Life(Wallet.MAIN, 0, (early, late))
    possible = {n: life.allows(seen(n, at=LONG)).possible for n in (0, 1000, 51_000)}
    assert contains(possible[1000], money(0))
    assert contains(possible[0], money(0)) is is_in
    assert contains(possible[51_000], money(0)) is is_in


# What is allowed


@given(life=lives(), at=moments, frozen=splits, data=st.data())
def test_the_truth_of_any_moment_in_the_window_is_allowed(
    life: Life, at: int, frozen: int, data: st.DataObject
) -> None:
    """Whatever is cut off either part of it, and whatever of no exact time had happened."""
    moment = data.draw(st.integers(*window(at, SKEW)))
    report = life.report(at, moment, frozen)
    assert contains(life.allows(report).possible, money(life.opening))


@given(life=lives(), at=moments, frozen=splits)
def test_the_truth_of_the_end_of_the_window_is_likely(life: Life, at: int, frozen: int) -> None:
    """If by then all had happened that may have."""
    end = max(window(at, SKEW)[1], *(event.latest_at or 0 for event in life.events), 0)
    done = tuple(event for event in life.events if event.at <= window(at, SKEW)[1])
    report = Life(life.wallet, life.opening, done).report(at, end, frozen)
    allowance = life.allows(report)
    assert contains(allowance.likely, money(life.opening))
    assert meet(allowance.likely, allowance.possible) == allowance.likely


@given(
    wallet=st.sampled_from(Wallet), told=whole, prefixes=st.lists(whole, min_size=1, max_size=4),
    floating=st.lists(whole, max_size=3), tolerance=st.sampled_from([0, 1, 250]),
    subtracted=st.integers(0, 1), offset=st.integers(-3 * UNIT, 4 * UNIT), data=st.data(),
)  # fmt: skip
def test_an_offset_is_allowed_if_one_prefix_explains_the_report_and_else_is_not(
    wallet: Wallet,
    told: int,
    prefixes: list[int],
    floating: list[int],
    tolerance: int,
    subtracted: int,
    offset: int,
    data: st.DataObject,
) -> None:
    """A unit of what is hidden too much for each of them is too much, and a grain less is not."""
    told = told // UNIT * UNIT
    ledgers = {prefix + some for prefix in prefixes for some in subset_sums(floating)}
    offset += told - data.draw(st.sampled_from(sorted(ledgers)))
    most = parts(wallet) * UNIT + tolerance
    least = -subtracted * UNIT - tolerance
    explained = any(least <= ledger + offset - told < most for ledger in ledgers)
    report = seen(told, subtracted=subtracted)
    found = allowed(report, wallet, amounts(prefixes), amounts(floating), money(tolerance))
    assert contains(found, money(offset)) is explained


@pytest.mark.parametrize(
    ("wallet", "told", "ledger", "offsets"),
    [
        (Wallet.MAIN, 0, 0, span(0, 100)),
        (Wallet.SPOT, 0, 0, span(0, 200)),
        (Wallet.COLLATERAL, 700, 650, span(50, 150)),
        (Wallet.SPOT, 700, 1650, span(-950, -750)),
        (Wallet.MAIN, 700, -50, span(750, 850)),
    ],
)
def test_a_report_hides_a_unit_for_each_part(
    wallet: Wallet, told: int, ledger: int, offsets: object
) -> None:
    """Also where the ledger is below zero, or above what was shown."""
    assert allowed(seen(told), wallet, [money(ledger)]) == offsets


@given(owned=st.integers(0, 10**9), borrowed=st.integers(1, 10**9))
def test_what_is_owned_beside_a_loan_may_be_less_than_is_shown_without_it(
    owned: int, borrowed: int
) -> None:
    told = shown(owned + borrowed) - shown(borrowed)
    report = Seen(at=0, shown=told, decimals=DECIMALS, subtracted=1)
    assert contains(allowed(report, Wallet.COLLATERAL, [Decimal(0)]), money(owned))


@given(
    places=st.integers(0, 16), units=st.integers(0, 10**15), rest=st.integers(0, 10**12 - 1)
)  # fmt: skip
def test_a_finer_display_hides_less(places: int, units: int, rest: int) -> None:
    unit = Decimal(1).scaleb(-places)
    told = Decimal(units).scaleb(-places)
    found = allowed(Seen(at=0, shown=told, decimals=places), Wallet.MAIN, [Decimal(0)])
    assert found == ((told, told + unit),)
    assert contains(found, told + Decimal(rest).scaleb(-12 - places))


# What has no exact time


def test_a_deposit_of_no_exact_time_may_be_shown_or_not_and_two_of_them_each() -> None:
    two = [money(1000), money(50_000)]
    for told in (0, 1000, 50_000, 51_000):
        assert contains(allowed(seen(told), Wallet.MAIN, [money(0)], two), money(0))
    assert not contains(allowed(seen(2000), Wallet.MAIN, [money(0)], two), money(0))


def test_of_too_many_only_the_order_is_tried_so_that_it_takes_no_time() -> None:
    many = amounts([1000 * 2**n for n in range(FLOATING_MAX + 1)])
    found = grains(allowed(seen(0), Wallet.MAIN, [money(0)], many))
    assert found == {-1000 * (2**n - 1) + rest for n in range(len(many) + 1) for rest in range(100)}


@given(
    told=whole, prefixes=st.lists(whole, min_size=1, max_size=5),
    floating=st.lists(whole, max_size=4), chance=st.randoms(use_true_random=False),
)  # fmt: skip
def test_in_which_order_the_ledger_learned_of_it_does_not_matter(
    told: int, prefixes: list[int], floating: list[int], chance: Random
) -> None:
    found = allowed(seen(told), Wallet.SPOT, amounts(prefixes), amounts(floating))
    chance.shuffle(prefixes)
    chance.shuffle(floating)
    assert allowed(seen(told), Wallet.SPOT, amounts(prefixes), amounts(floating)) == found


# Which prefix it was


@given(
    prefixes=st.lists(whole, min_size=1, max_size=5),
    low=st.integers(-500, 500), wide=st.integers(1, 300), data=st.data(),
)  # fmt: skip
def test_the_last_prefix_that_fits_is_the_one_it_speaks_of(
    prefixes: list[int], low: int, wide: int, data: st.DataObject
) -> None:
    told = data.draw(st.sampled_from(prefixes)) + low // UNIT * UNIT
    level = span(low, low + wide)
    fitting = [
        prefix
        for prefix in prefixes
        if low < told + 2 * UNIT - prefix and told - prefix < low + wide
    ]
    found = matched(seen(told), Wallet.SPOT, amounts(prefixes), (), level)
    assert found == (money(fitting[-1]) if fitting else None)
