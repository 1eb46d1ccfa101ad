"""Steps that explain each other: what sums to zero, or to what is in transit, and nothing else."""

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof, explained, judge, moved, partly_explained, settled
from reconciler.reconcile.offsets import Offsets, contains, meet, union
from reconciler.reconcile.transfers import (
    CANDIDATES_MAX,
    ITEMS_MAX,
    Explanation,
    Item,
    Moves,
    explain_steps,
    sum_of,
)
from tests.reconcile.truth import LONG, UNIT, Event, Life, money, span, splits, verified

SPOT, MAIN, COLLATERAL = Wallet.SPOT, Wallet.MAIN, Wallet.COLLATERAL
PLENTY = 10**14


def stepped(wallet: Wallet, *gained: int, residue: int = 0, frozen: int = 0) -> Proof:
    """A wallet that was verified and gained so much, one after the other; nothing else moved."""
    life = Life(wallet, PLENTY + residue, ())
    proof = verified(life.allows(life.report(0, 0, frozen)).possible)
    reports = [life.report(n, n, frozen, lost=-sum(gained[:n])) for n in range(1, len(gained) + 1)]
    return judge(proof, reports, life.allows)


def unsure(wallet: Wallet, levels: Offsets) -> Proof:
    """A step that may be to any of these."""
    proof = stepped(wallet, 10**6 * UNIT)
    assert proof.step is not None
    step = replace(proof.step, level=levels, likely=levels, marks=(levels,))
    return replace(proof, step=step)


def explained_by(proofs: Mapping[Wallet, Proof], found: Explanation | None) -> dict[Wallet, Proof]:
    """The proofs after it was booked."""
    assert found is not None
    moves = found.moves.items()
    return dict(proofs) | {wallet: explained(proofs[wallet], by) for wallet, by in moves}


def in_units(moves: Moves) -> dict[Wallet, int]:
    return {wallet: int(amount / money(UNIT)) for wallet, amount in moves.items()}


@st.composite
def gains(draw: st.DrawFn, *, in_transit: int = 0) -> dict[Wallet, int]:
    """Of two or three wallets, in grains: amounts of whole units that can be seen, and that sum to
    what was in transit."""
    wallets = draw(st.lists(st.sampled_from(Wallet), min_size=2, unique=True))
    visible = st.integers(4, 10**9) | st.integers(-(10**9), -4)
    amounts = [draw(visible) * UNIT for _ in wallets[1:]]
    rest = in_transit - sum(amounts)
    if abs(rest) < 4 * UNIT:
        amounts[0] += 8 * UNIT if amounts[0] > 0 else -8 * UNIT
        rest = in_transit - sum(amounts)
    return dict(zip(wallets, [*amounts, rest], strict=True))


@st.composite
def steps(draw: st.DrawFn, moves: Mapping[Wallet, int]) -> dict[Wallet, Proof]:
    """As reports tell of them, however the totals were cut."""
    return {
        wallet: stepped(wallet, by, residue=draw(st.integers(0, 3 * UNIT)), frozen=draw(splits))
        for wallet, by in moves.items()
    }


@st.composite
def far_apart(draw: st.DrawFn) -> list[Item]:
    """No sum of some is that of others."""
    powers = draw(st.lists(st.integers(0, 10), min_size=1, max_size=ITEMS_MAX, unique=True))
    keys = (str(power) if power % 2 else "" for power in powers)
    return [
        Item(money(10**4 * 3**power * UNIT), key) for power, key in zip(powers, keys, strict=True)
    ]


# What is found


@settings(max_examples=50)
@given(data=st.data())
def test_what_one_wallet_lost_others_gained(data: st.DataObject) -> None:
    """All of them at once, by amounts that sum to nothing and leave each wallet verified."""
    proofs = data.draw(steps(data.draw(gains())))
    found = explain_steps(proofs, [])
    assert found is not None
    assert found.moves.keys() == proofs.keys()
    assert (found.items, found.partly) == ((), None)
    assert sum_of(found.moves.values()) == 0
    for wallet, amount in found.moves.items():
        assert contains(moved(proofs[wallet]), amount)
    after = explained_by(proofs, found)
    assert all(proof.is_verified for proof in after.values())
    assert explain_steps(after, []) is None, "no step is used twice"


@settings(max_examples=50)
@given(items=far_apart(), chance=st.randoms(use_true_random=False), data=st.data())
def test_what_came_from_transit_is_just_what_was_used_of_it(
    items: list[Item], chance: Random, data: st.DataObject
) -> None:
    """No item more and none less, whatever the order of items and wallets."""
    used = data.draw(st.sets(st.sampled_from(items)))
    total = sum_of(item.amount for item in used)
    moves = data.draw(gains(in_transit=int(total / money(1))))
    proofs = data.draw(steps(moves))
    found = explain_steps(proofs, items)
    if any(item.key for item in used) and MAIN not in moves:
        assert found is None, "a fee's other reading is of the main wallet"
        return
    assert found is not None
    assert set(found.items) == used
    assert sum_of(found.moves.values()) == total
    shuffled = chance.sample(list(proofs.items()), len(proofs))
    again = explain_steps(dict(shuffled), chance.sample(items, len(items)))
    assert again is not None
    assert (again.moves, set(again.items)) == (found.moves, used)


def test_one_wallet_may_take_all_that_is_in_transit() -> None:
    """However many items that are, and though two are alike."""
    items = [Item(money(500 * UNIT))] * (ITEMS_MAX + 4)
    for number in (1, 2, ITEMS_MAX, len(items)):
        found = explain_steps({SPOT: stepped(SPOT, number * 500 * UNIT)}, items)
        assert found is not None
        assert (in_units(found.moves), len(found.items)) == ({SPOT: number * 500}, number)


def test_the_other_reading_of_a_fee_is_of_the_main_wallet_alone() -> None:
    fee = Item(money(500 * UNIT), key="withdrawal:w-1")
    assert explain_steps({SPOT: stepped(SPOT, 500 * UNIT)}, [fee]) is None
    found = explain_steps({MAIN: stepped(MAIN, 500 * UNIT)}, [fee])
    assert found is not None
    assert (in_units(found.moves), found.items) == ({MAIN: 500}, (fee,))


def test_an_amount_with_more_digits_than_a_transfer_comes_from_transit() -> None:
    """It is exact, though no display shows it."""
    found = explain_steps({MAIN: stepped(MAIN, 123_456_789)}, [Item(money(123_456_789))])
    assert found is not None
    assert found.moves == {MAIN: money(123_456_789)}


def test_as_many_steps_as_possible_are_explained_at_once() -> None:
    """Two of these three would do, and leave the third in doubt."""
    proofs = {
        SPOT: stepped(SPOT, 9_000 * UNIT),
        MAIN: stepped(MAIN, -9_000 * UNIT),
        COLLATERAL: stepped(COLLATERAL, 700 * UNIT),
    }
    two = explain_steps(proofs, [])
    assert two is not None
    assert in_units(two.moves) == {SPOT: 9_000, MAIN: -9_000}
    three = explain_steps(proofs, [Item(money(700 * UNIT))])
    assert three is not None
    assert in_units(three.moves) == {SPOT: 9_000, MAIN: -9_000, COLLATERAL: 700}


def test_what_all_that_happened_says_is_tried_before_what_reports_may_say() -> None:
    """The report may be of before the deal, and then the wallet moved by less."""
    life = Life(SPOT, PLENTY, (Event(LONG, 300 * UNIT),))
    early = verified(life.allows(life.report(0, 0)).possible)
    racing = judge(early, [life.report(LONG, LONG, lost=1000 * UNIT)], life.allows)
    for taken in (1000, 700):
        found = explain_steps({SPOT: racing, MAIN: stepped(MAIN, taken * UNIT)}, [])
        assert found is not None
        assert (in_units(found.moves), found.partly) == ({SPOT: -taken, MAIN: taken}, None)
    less, all_of_it = (Item(money(-taken * UNIT)) for taken in (700, 1000))
    either = explain_steps({SPOT: racing}, [less, all_of_it])
    assert either is not None
    assert either.items == (all_of_it,)


def test_of_amounts_that_fit_the_one_that_leaves_most_room_is_taken() -> None:
    half = UNIT // 2
    gained = unsure(MAIN, span(PLENTY + 1999 * half, PLENTY + 2003 * half))
    found = explain_steps({MAIN: gained, SPOT: stepped(SPOT, -1000 * UNIT)}, [])
    assert found is not None
    assert in_units(found.moves) == {MAIN: 1000, SPOT: -1000}


def test_a_wallet_may_have_lost_what_is_too_little_to_be_seen_in_it() -> None:
    """One of which nothing is missing has no part in it."""
    proofs = {wallet: stepped(wallet) for wallet in (SPOT, COLLATERAL)}
    proofs[MAIN] = stepped(MAIN, UNIT, residue=99)
    found = explain_steps(proofs, [])
    assert found is not None
    assert in_units(found.moves) == {MAIN: 1, SPOT: -1}
    assert all(proof.step is None for proof in explained_by(proofs, found).values())


def test_all_of_one_step_may_be_a_part_of_another() -> None:
    """What is left of that stays in doubt."""
    proofs = {MAIN: stepped(MAIN, -5_000 * UNIT), SPOT: stepped(SPOT, 5_000 * UNIT, -30 * UNIT)}
    found = explain_steps(proofs, [])
    assert found is not None
    assert (in_units(found.moves), found.partly) == ({MAIN: -5_000, SPOT: 5_000}, SPOT)
    rest = partly_explained(proofs[SPOT], found.moves[SPOT])
    assert rest.step is not None
    assert contains(moved(rest), money(-30 * UNIT))


def test_a_drift_may_be_what_another_wallet_shows_much_later() -> None:
    """Then it is none, however sharp the wallet was known before."""
    lost = settled(stepped(SPOT, -5_000 * UNIT))
    assert lost.base is not None
    sharp = meet(lost.base, span(PLENTY + 20, PLENTY + 100))
    proofs = {SPOT: replace(lost, base=sharp), MAIN: stepped(MAIN, 5_000 * UNIT)}
    found = explain_steps(proofs, [])
    assert found is not None
    assert in_units(found.moves) == {SPOT: -5_000, MAIN: 5_000}
    after = explained_by(proofs, found)
    assert all(proof.is_verified for proof in after.values())
    assert after[SPOT].level == sharp


# What is not


@settings(max_examples=50)
@given(
    powers=st.lists(st.integers(0, 12), min_size=1, max_size=3, unique=True), data=st.data(),
    items=st.lists(st.integers(20, 25), max_size=3, unique=True),
)  # fmt: skip
def test_what_does_not_sum_to_nothing_is_not_explained(
    powers: list[int], items: list[int], data: st.DataObject
) -> None:
    """Amounts of which no sum or difference is another, or nothing."""
    signs = st.sampled_from([1, -1])
    amounts = [data.draw(signs) * 3**power * 100 * UNIT for power in powers]
    proofs = data.draw(steps(dict(zip(Wallet, amounts, strict=False))))
    in_transit = [Item(money(data.draw(signs) * 3**power * 100 * UNIT)) for power in items]
    assert explain_steps(proofs, in_transit) is None


@given(off=st.integers(4, 100), sign=st.sampled_from([1, -1]), data=st.data())
def test_a_few_units_more_than_is_hidden_are_too_many(
    off: int, sign: int, data: st.DataObject
) -> None:
    """Nothing is split, and nothing is invented."""
    moves = {MAIN: -(10**6) * UNIT, COLLATERAL: (10**6 + sign * off) * UNIT}
    assert explain_steps(data.draw(steps(moves)), []) is None


def test_where_nothing_is_in_doubt_nothing_is_explained() -> None:
    calm = {wallet: stepped(wallet) for wallet in Wallet}
    assert explain_steps(calm, [Item(money(500 * UNIT)), Item(money(0))]) is None
    assert explain_steps({}, []) is None


# What would take too long


@pytest.mark.parametrize(
    ("units", "is_tried"),
    [(CANDIDATES_MAX // 2, True), (2 * CANDIDATES_MAX, False), (10**12, False)],
)
def test_steps_that_may_be_of_too_many_amounts_are_not_tried(units: int, is_tried: bool) -> None:
    """They are asked again when they are sharper; before, anything would fit."""
    gained, taken = PLENTY + 10**6 * UNIT, PLENTY - 10**6 * UNIT
    proofs = {
        MAIN: unsure(MAIN, span(gained, gained + units * UNIT)),
        SPOT: unsure(SPOT, span(taken - units * UNIT, taken)),
    }
    assert (explain_steps(proofs, []) is not None) is is_tried


def test_a_step_that_may_be_of_many_moments_is_tried_at_each() -> None:
    many = union(
        interval
        for n in range(1, 81)
        for interval in span(PLENTY + n * 1000 * UNIT, PLENTY + n * 1000 * UNIT + UNIT)
    )
    proofs = {MAIN: unsure(MAIN, many), SPOT: stepped(SPOT, -77_000 * UNIT)}
    found = explain_steps(proofs, [])
    assert found is not None
    assert in_units(found.moves) == {MAIN: 77_000, SPOT: -77_000}
