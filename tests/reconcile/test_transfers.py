"""Steps that explain each other: what sums to zero, or to what is in transit, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from random import Random
from typing import TypeVar

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.moments import SECOND
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Mark, Proof, Step, judge, settled
from reconciler.reconcile.offsets import Offsets, contains, differences, meet, union
from reconciler.reconcile.prefix import BEHIND
from reconciler.reconcile.runs import From
from reconciler.reconcile.sums import CANDIDATES_MAX, WORK_MAX, Moves, Work, sum_of
from reconciler.reconcile.transfers import ITEMS_MAX, Item, explain_steps
from tests.reconcile.account import lived, opened
from tests.reconcile.truth import LONG, UNIT, Event, Life, money, span, splits, verified

SPOT, MAIN, COLLATERAL = Wallet.SPOT, Wallet.MAIN, Wallet.COLLATERAL
PLENTY = 10**14

T = TypeVar("T")


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
    mark = replace(proof.step.marks[0], level=levels, likely=levels)
    return replace(proof, step=Step(marks=(mark,)))


def moved(proof: Proof) -> Offsets:
    assert proof.step is not None
    return differences(proof.step.level, proof.base or ())


def stood(wallet: Wallet, *marks: tuple[int, int, int, int]) -> Proof:
    """A wallet that has left its level: by how much in units, and after, since and until when."""
    level = span(PLENTY, PLENTY + UNIT)
    chain = [
        Mark(level=to, likely=to, after=after, since=since, until=until)
        for by, after, since, until in marks
        for to in [span(PLENTY + by * UNIT, PLENTY + (by + 1) * UNIT)]
    ]
    return replace(verified(level), step=Step(marks=tuple(chain)), seen_at=chain[0].after)


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
    return [
        Item(amount=money(10**4 * 3**power * UNIT), key=str(power) if power % 2 else "")
        for power in powers
    ]


def fits_in_part(moves: Mapping[Wallet, int], items: Sequence[Item]) -> bool:
    """Whether some of the wallets may have got just some of the items, as far as can be seen."""
    return any(
        abs(sum(moves[wallet] for wallet in some) - int(sum_of(i.amount for i in taken) / money(1)))
        <= 4 * len(some) * UNIT
        for some in subsets([*moves])
        if len(some) < len(moves)
        for taken in subsets(items)
    )


def subsets(of: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Those that are not empty."""
    return chain.from_iterable(combinations(of, size) for size in range(1, len(of) + 1))


# What is found


@settings(max_examples=50)
@given(data=st.data())
def test_what_one_wallet_lost_others_gained(data: st.DataObject) -> None:
    """All of them at once, by amounts that sum to nothing and leave each wallet verified."""
    proofs = data.draw(steps(data.draw(gains())))
    found = explain_steps(proofs, [])
    assert found is not None
    assert found.moves.keys() == proofs.keys()
    assert found.items == ()
    assert sum_of(found.moves.values()) == 0
    for wallet, amount in found.moves.items():
        assert contains(moved(proofs[wallet]), amount)
        assert found.runs[wallet].wallet is wallet


@settings(max_examples=50)
@given(items=far_apart(), chance=st.randoms(use_true_random=False), data=st.data())
def test_what_came_from_transit_is_just_what_was_used_of_it(
    items: list[Item], chance: Random, data: st.DataObject
) -> None:
    """No item more and none less, whatever the order of items and wallets."""
    used = data.draw(st.sets(st.sampled_from(items)))
    total = sum_of(item.amount for item in used)
    moves = data.draw(gains(in_transit=int(total / money(1))))
    assume(not fits_in_part(moves, items))
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
    items = [Item(amount=money(500 * UNIT))] * (ITEMS_MAX + 4)
    for number in (1, 2, ITEMS_MAX, len(items)):
        found = explain_steps({SPOT: stepped(SPOT, number * 500 * UNIT)}, items)
        assert found is not None
        assert (in_units(found.moves), len(found.items)) == ({SPOT: number * 500}, number)


def test_the_other_reading_of_a_fee_is_of_the_main_wallet_alone() -> None:
    fee = Item(amount=money(500 * UNIT), key="withdrawal:w-1")
    assert explain_steps({SPOT: stepped(SPOT, 500 * UNIT)}, [fee]) is None
    found = explain_steps({MAIN: stepped(MAIN, 500 * UNIT)}, [fee])
    assert found is not None
    assert (in_units(found.moves), found.items) == ({MAIN: 500}, (fee,))


def test_an_amount_with_more_digits_than_a_transfer_comes_from_transit() -> None:
    """It is exact, though no display shows it."""
    found = explain_steps({MAIN: stepped(MAIN, 123_456_789)}, [Item(amount=money(123_456_789))])
    assert found is not None
    assert found.moves == {MAIN: money(123_456_789)}


def test_what_needs_no_record_is_explained_without_one_and_then_the_rest() -> None:
    proofs = {
        SPOT: stepped(SPOT, 9_000 * UNIT),
        MAIN: stepped(MAIN, -9_000 * UNIT),
        COLLATERAL: stepped(COLLATERAL, 700 * UNIT),
    }
    converted = Item(amount=money(700 * UNIT))
    two = explain_steps(proofs, [converted])
    assert two is not None
    assert (in_units(two.moves), two.items) == ({SPOT: 9_000, MAIN: -9_000}, ())
    rest = explain_steps({COLLATERAL: proofs[COLLATERAL]}, [converted])
    assert rest is not None
    assert (in_units(rest.moves), rest.items) == ({COLLATERAL: 700}, (converted,))


def test_what_all_that_happened_says_is_tried_before_what_reports_may_say() -> None:
    """The report may be of before the deal, and then the wallet moved by less."""
    life = Life(SPOT, PLENTY, (Event(LONG, 300 * UNIT),))
    early = verified(life.allows(life.report(0, 0)).possible)
    racing = judge(early, [life.report(LONG, LONG, lost=1000 * UNIT)], life.allows)
    for taken in (1000, 700):
        found = explain_steps({SPOT: racing, MAIN: stepped(MAIN, taken * UNIT)}, [])
        assert found is not None
        assert in_units(found.moves) == {SPOT: -taken, MAIN: taken}
    less, all_of_it = (Item(amount=money(-taken * UNIT)) for taken in (700, 1000))
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
    assert found.runs[SPOT].origin is From.NOTHING_SEEN
    assert explain_steps(proofs, [], proven_until=1) is None, "it may yet be on record"


def test_a_drift_may_be_what_another_wallet_shows_much_later() -> None:
    """Then it is none, however sharp the wallet was known before."""
    lost = settled(stepped(SPOT, -5_000 * UNIT), 1)
    assert lost.base is not None
    sharp = meet(lost.base, span(PLENTY + 20, PLENTY + 100))
    proofs = {SPOT: replace(lost, base=sharp), MAIN: stepped(MAIN, 5_000 * UNIT)}
    found = explain_steps(proofs, [])
    assert found is not None
    assert in_units(found.moves) == {SPOT: -5_000, MAIN: 5_000}
    assert found.runs[SPOT].origin is From.DRIFT


# Marks


def test_two_causes_in_one_wallet_are_told_apart_each_at_its_time() -> None:
    """A transfer and then a record in transit: each has a run of marks, and its own time."""
    main = stood(MAIN, (-700, 0, 20, 28), (-1000, 28, 40, 60))
    spot = stood(SPOT, (700, 18, 19, 60))
    proofs = {MAIN: seconds_of(main), SPOT: seconds_of(spot)}
    converted = Item(amount=money(-300 * UNIT), since=34 * SECOND, until=42 * SECOND)
    transfer = explain_steps(proofs, [converted])
    assert transfer is not None
    assert (in_units(transfer.moves), transfer.items) == ({MAIN: -700, SPOT: 700}, ())
    assert (transfer.after, transfer.since) == (18 * SECOND, 19 * SECOND)
    conversion = explain_steps({MAIN: proofs[MAIN]}, [converted])
    assert conversion is not None
    assert (in_units(conversion.moves), conversion.items) == ({MAIN: -300}, (converted,))
    assert (conversion.after, conversion.since) == (28 * SECOND, 40 * SECOND)


def seconds_of(proof: Proof) -> Proof:
    """The same, its moments in seconds."""
    assert proof.step is not None
    marks = [
        replace(
            mark, after=mark.after * SECOND, since=mark.since * SECOND, until=mark.until * SECOND
        )
        for mark in proof.step.marks
    ]
    return replace(proof, step=Step(marks=tuple(marks)))


@pytest.mark.parametrize(("later", "is_one"), [(0, True), (1, False)])
def test_what_happened_too_far_apart_in_time_is_not_one_transfer(later: int, is_one: bool) -> None:
    taken = stood(SPOT, (-700, 0, 20, 90))
    given = stood(MAIN, (700, 20 + BEHIND + later, 40 + BEHIND, 90 + BEHIND))
    assert (explain_steps({SPOT: taken, MAIN: given}, []) is not None) is is_one


@pytest.mark.parametrize(
    ("since", "until", "is_meant"),
    [
        (30, 40, True),
        (0, 30 - BEHIND, True),
        (0, 29 - BEHIND, False),
        (40 + BEHIND, 10**9, True),
        (41 + BEHIND, 10**9, False),
    ],
)
def test_a_record_of_another_time_explains_nothing(since: int, until: int, is_meant: bool) -> None:
    item = Item(amount=money(-300 * UNIT), since=since, until=until)
    found = explain_steps({MAIN: stood(MAIN, (-300, 30, 40, 90))}, [item])
    assert (found is not None) is is_meant


def test_a_wallet_that_is_read_seldom_may_have_done_two_things_at_once() -> None:
    """The record is of before the transfer, but not of before the wallet was last read."""
    main = seconds_of(stood(MAIN, (-1000, 0, 40, 60)))
    spot = seconds_of(stood(SPOT, (700, 38, 39, 60)))
    converted = Item(amount=money(-300 * UNIT), since=5 * SECOND, until=9 * SECOND)
    found = explain_steps({MAIN: main, SPOT: spot}, [converted])
    assert found is not None
    assert (in_units(found.moves), found.items) == ({MAIN: -1000, SPOT: 700}, (converted,))


def test_a_wallet_that_came_home_unseen_may_have_moved_on_from_there() -> None:
    """What was canceled came back, and a transfer went, between two reports."""
    life = Life(MAIN, PLENTY, ())
    proof = verified(life.allows(life.report(0, 0)).possible)
    drift = settled(judge(proof, [life.report(1, 1, lost=9_000 * UNIT)], life.allows), 1)
    both = judge(drift, [life.report(2, 2, lost=-30 * UNIT)], life.allows)
    found = explain_steps({MAIN: both, COLLATERAL: stepped(COLLATERAL, -30 * UNIT)}, [])
    assert found is not None
    assert in_units(found.moves) == {MAIN: 30, COLLATERAL: -30}
    booked = Life(MAIN, PLENTY, (Event(0, 30 * UNIT, 2),))
    assert judge(both, [], booked.allows).is_verified


def test_the_part_that_is_off_the_grid_goes_where_it_fits() -> None:
    """A conversion of more digits than a transfer has, seen together with one."""
    rest = 37  # grains
    for taker, giver in ((SPOT, MAIN), (MAIN, SPOT)):
        proofs = {
            giver: unsure(giver, span(PLENTY - 800 * UNIT, PLENTY - 799 * UNIT)),
            taker: replace(
                unsure(taker, span(PLENTY + 1300 * UNIT + rest, PLENTY + 1300 * UNIT + rest + 2)),
                level=span(PLENTY, PLENTY + 2),
            ),
        }
        found = explain_steps(proofs, [Item(amount=money(500 * UNIT + rest))])
        assert found is not None
        assert found.moves == {giver: money(-800 * UNIT), taker: money(1300 * UNIT + rest)}


@settings(max_examples=40)
@given(chance=st.randoms(use_true_random=False))
def test_a_life_of_several_wallets_ends_with_every_wallet_verified_and_the_ledger_true(
    chance: Random,
) -> None:
    """Transfers that no record tells, conversions that don't say where, deals and deposits that are
    learned late: explained one by one, each at a time at which its wallets moved."""
    account = lived(chance)
    assert all(proof.is_verified for proof in account.proofs.values())
    assert account.items == [], "each record was used, and none twice"
    for wallet, truth in account.truth.items():
        ledger = account.ledger[wallet]
        assert abs(truth.total(3 * LONG) - ledger.total(3 * LONG)) <= ledger.hidden
    for found in account.found:
        for run in found.runs.values():
            assert run.after <= found.after
            assert found.since <= run.since
        assert found.after <= found.since + BEHIND
        assert sum_of(found.moves.values()) == sum_of(item.amount for item in found.items)
        assert MAIN in found.moves or not any(item.key for item in found.items)


def test_a_ledger_that_is_true_is_left_alone() -> None:
    account = opened({SPOT: PLENTY, MAIN: PLENTY})
    account.explain()
    assert (account.found, account.in_doubt) == ([], False)


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
    in_transit = [Item(amount=money(data.draw(signs) * 3**power * 100 * UNIT)) for power in items]
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
    assert explain_steps(calm, [Item(amount=money(500 * UNIT)), Item(amount=money(0))]) is None
    assert explain_steps({}, []) is None


# What would take too long


@pytest.mark.parametrize("wide", [1, 3, 20, 60, 400])
@pytest.mark.parametrize("number", [1, 6])
def test_work_is_bounded_however_much_may_have_happened(wide: int, number: int) -> None:
    """Wallets of which each mark may be at many places, and as many records: nothing fits."""
    chance = Random(wide)
    proofs = {
        wallet: replace(
            verified(span(0, UNIT)),
            step=Step(marks=tuple(
                Mark(level=level, likely=level[:1], after=n, since=n, until=n)
                for n in range(number)
                for level in [scattered(chance, wide)]
            )),
        )
        for wallet in Wallet
    }  # fmt: skip
    items = [Item(amount=money(chance.randrange(10**13))) for _ in range(12)]
    work = Work()
    explain_steps(proofs, items, work=work)
    assert work.left > -WORK_MAX


def scattered(chance: Random, number: int) -> Offsets:
    places = chance.sample(range(10**10), number)
    return union(each for place in places for each in span(place * UNIT, (place + 1) * UNIT))


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
