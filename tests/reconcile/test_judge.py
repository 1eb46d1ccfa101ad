"""The proof of one asset in one wallet: honest reports never bring it in doubt, and whatever is
missing beyond what display hides always does."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import (
    MARKS_MAX,
    ROUNDER,
    WAITING_MAX,
    Proof,
    absorbed,
    adjusted,
    blurred,
    drifted_by,
    judge,
    learned_late,
    nearest,
    opening,
    returned,
    settled,
    simplest,
)
from reconciler.reconcile.offsets import (
    Offsets,
    contains,
    differences,
    meet,
    shifted,
    union,
    width,
)
from reconciler.reconcile.prefix import Allowance, Seen
from tests.reconcile.truth import (
    DECIMALS,
    LONG,
    UNIT,
    Event,
    Life,
    grains,
    honest_reports,
    lives,
    moments,
    money,
    span,
    splits,
    verified,
)

UNIT_SHOWN = Decimal(1).scaleb(-DECIMALS)


def begun(life: Life, frozen: int = 0) -> Proof:
    """Verified by one report of the time before anything happened."""
    before = Life(life.wallet, life.opening, ())
    return verified(before.allows(before.report(0, 0, frozen)).possible)


def moved(proof: Proof) -> Offsets:
    """By what the wallet has moved, as far as it has left its base."""
    there = proof.level if proof.step is None else proof.step.level
    return differences(there or (), proof.base or ())


def all_of(proof: Proof) -> Proof:
    """All that is in doubt is a drift now."""
    assert proof.step is not None
    return settled(proof, len(proof.step.marks))


def quiet(wallet: Wallet, opening: int) -> Life:
    return Life(wallet, opening, ())


def one_by_one(proof: Proof, reports: Sequence[Seen], life: Life) -> list[Proof]:
    proofs = []
    for report in reports:
        proof = judge(proof, [report], life.allows)
        proofs.append(proof)
    return proofs


wallets = st.sampled_from(Wallet)
openings = st.integers(10**6, 10**6 + 3 * UNIT)
spans = st.builds(
    lambda low, wide: span(low, low + wide), st.integers(-500, 500), st.integers(1, 250)
)
levels = st.lists(spans, min_size=1, max_size=3).map(lambda found: union(sum(found, ())))
separate = st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True)


# Honest reports


@settings(max_examples=50)
@given(life=lives(), frozen=splits, data=st.data())
def test_honest_reports_never_bring_a_known_ledger_in_doubt(
    life: Life, frozen: int, data: st.DataObject
) -> None:
    """However late, coalesced and cut; and each leaves the truth possible, and no more than was."""
    proof = begun(life, frozen)
    for after in one_by_one(proof, data.draw(honest_reports(life)), life):
        assert after.is_verified
        assert after.level is not None
        assert proof.level is not None
        assert contains(after.level, money(life.opening))
        assert grains(after.level) <= grains(proof.level)
        proof = after


@settings(max_examples=50)
@given(life=lives(), data=st.data())
def test_reports_judged_together_say_what_they_say_one_by_one(
    life: Life, data: st.DataObject
) -> None:
    """Also where some of them are wrong."""
    reports = data.draw(honest_reports(life))
    wrong = data.draw(st.sets(st.sampled_from(reports)))
    told = [
        Seen(at=each.at, shown=each.shown + 7 * (each in wrong), decimals=each.decimals)
        for each in reports
    ]
    assert judge(begun(life), told, life.allows) == one_by_one(begun(life), told, life)[-1]


@settings(max_examples=50)
@given(life=lives(), frozen=splits, data=st.data())
def test_the_opening_of_honest_reports_is_the_truth_within_what_is_hidden(
    life: Life, frozen: int, data: st.DataObject
) -> None:
    """As soon as one of them is of a quiet time: then it is sure."""
    reports = data.draw(honest_reports(life))
    slack = money(life.hidden)
    proof = judge(Proof(), reports, life.allows)
    assert (proof.base, proof.waiting) == (None, tuple(reports))
    still = life.report(3 * LONG, 3 * LONG, frozen)
    sooner, sure = (
        opening(each, slack, life.allows, proven_until=4 * LONG)
        for each in (proof, judge(proof, [still], life.allows))
    )
    assert sure is not None
    for amount, opened in filter(None, (sooner, sure)):
        assert opened.is_verified
        assert opened.base is not None
        assert width(opened.base) <= slack
        assert contains(opened.base, Decimal(0)), "the amount itself is possible"
        assert contains(shifted(opened.base, amount), money(life.opening))


def test_an_opening_waits_until_the_records_of_its_time_are_known() -> None:
    life = quiet(Wallet.SPOT, 777)
    proof = Proof(waiting=(life.report(5, 5), life.report(9, 9)))
    assert opening(proof, Decimal(1), life.allows, proven_until=5) is None
    found = opening(proof, Decimal(1), life.allows, proven_until=6)
    assert found is not None
    assert (found[1].opened_at, found[1].waiting) == (5, (life.report(9, 9),))


def test_a_first_report_that_races_with_a_deal_opens_nothing_until_another_decides() -> None:
    life = Life(Wallet.MAIN, 10**6, (Event(LONG, 5000),))
    racing, later = life.report(LONG, LONG, 0), life.report(2 * LONG, 2 * LONG)
    assert opening(Proof(waiting=(racing,)), UNIT_SHOWN, life.allows, proven_until=3 * LONG) is None
    both = Proof(waiting=(racing, later))
    found = opening(both, UNIT_SHOWN, life.allows, proven_until=3 * LONG)
    assert found is not None
    assert found[0] == money(10**6)


def test_openings_no_further_apart_than_what_is_hidden_are_sure_enough() -> None:
    """On a wallet where nothing moves any more no report would ever part them."""
    life = Life(Wallet.SPOT, 250, (Event(0, 202), Event(1, 48)))
    waiting = Proof(waiting=(life.report(0, 0), life.report(LONG, LONG)))
    found = opening(waiting, 2 * UNIT_SHOWN, life.allows, proven_until=2 * LONG)
    assert found is not None
    amount, opened = found
    assert shifted(opened.level or (), amount) == (*span(250, 398), *span(400, 450))


def test_reports_that_part_before_an_opening_is_sure_leave_the_first_and_a_step() -> None:
    """It then spoke of all that had happened; the other one would hide what was lost since."""
    life = Life(Wallet.MAIN, 10**6, (Event(LONG, 5000),))
    racing, short = life.report(LONG, LONG), life.report(2 * LONG, 2 * LONG, lost=10**5)
    waiting = Proof(waiting=(racing, short))
    found = opening(waiting, UNIT_SHOWN, life.allows, proven_until=3 * LONG)
    assert found is not None
    amount, opened = found
    assert (amount, opened.opened_at, opened.waiting) == (money(10**6), LONG, (short,))


# What is missing


@given(
    wallet=wallets, start=openings, before=st.lists(splits, max_size=3), frozen=splits,
    lost=st.integers(0, 10 * UNIT), sign=st.sampled_from([1, -1]),
)  # fmt: skip
def test_what_is_lost_beyond_what_is_hidden_is_in_doubt_at_the_first_report(
    wallet: Wallet, start: int, before: list[int], frozen: int, lost: int, sign: int
) -> None:
    """Or extra; and what it may be is as sharp as the two sides of it were cut."""
    life = quiet(wallet, start)
    reports = [life.report(at, at, each) for at, each in enumerate(before)]
    proof = judge(begun(life), reports, life.allows)
    assert proof.level is not None
    lost = sign * (lost + 2 * life.hidden)
    after = judge(proof, [life.report(9, 9, frozen, lost=lost)], life.allows)
    assert after.step is not None
    assert (after.is_verified, after.step.since, after.step.confirmed_at) == (False, 9, 9)
    assert after.level == proof.level, "it is still where it was proven to be"
    assert contains(moved(after), money(-lost))
    drift = drifted_by(all_of(after), UNIT_SHOWN)
    assert contains(moved(after), drift)
    assert width(moved(after)) == width(proof.level) + money(life.hidden)
    if drift % UNIT_SHOWN.scaleb(ROUNDER) != 0:
        assert abs(drift + money(lost)) <= (width(moved(after)) + UNIT_SHOWN) / 2


@settings(max_examples=50)
@given(
    life=lives(), frozen=splits, units=st.integers(10**7, 10**9), sign=st.sampled_from([1, -1]),
    data=st.data(),
)  # fmt: skip
def test_a_loss_amid_trading_is_in_doubt_whatever_the_moment_of_the_report(
    life: Life, frozen: int, units: int, sign: int, data: st.DataObject
) -> None:
    """If no deals of that time make just as much."""
    lost = sign * units * UNIT
    reports = data.draw(honest_reports(life))
    short = [
        Seen(at=each.at, shown=each.shown - money(lost), decimals=DECIMALS) for each in reports
    ]
    for after in one_by_one(begun(life, frozen), short, life):
        assert after.step is not None
        assert contains(after.step.level, money(life.opening - lost))


@settings(max_examples=50)
@given(
    wallet=wallets, start=openings, leak=st.integers(1, 2 * UNIT), cuts=st.lists(
        splits, min_size=30, max_size=30)
)  # fmt: skip
def test_a_leak_is_in_doubt_just_when_no_offset_explains_all_reports(
    wallet: Wallet, start: int, leak: int, cuts: list[int]
) -> None:
    """A little with every report; so at the latest when twice as much is gone as is hidden."""
    life = quiet(wallet, start)
    proof = begun(life)
    assert proof.level is not None
    possible = grains(proof.level)
    for n, frozen in enumerate(cuts, 1):
        report = life.report(n, n, frozen, lost=n * leak)
        possible &= grains(life.allows(report).possible)
        proof = judge(proof, [report], life.allows)
        assert (proof.step is None) is bool(possible)
        if proof.step is not None:
            break
        assert grains(proof.level or ()) == possible
        assert n * leak < 2 * life.hidden
    else:
        assert 30 * leak < 2 * life.hidden


def test_units_lost_one_by_one_are_found_when_the_parts_can_hide_no_more() -> None:
    """The first of a wallet that shows one part, the second where it shows two."""
    for wallet, units in ((Wallet.MAIN, 1), (Wallet.SPOT, 2)):
        life = quiet(wallet, 10**6)
        reports = [life.report(n, n, lost=n * UNIT) for n in range(1, 5)]
        proofs = one_by_one(begun(life), reports, life)
        assert [each.step is not None for each in proofs].index(True) == units - 1


# A doubt that ends


@settings(max_examples=50)
@given(
    exponents=separate, late=st.sets(st.integers(0, 12)), start=openings, times=st.data(),
    wallet=wallets, frozen=splits,
)  # fmt: skip
def test_a_doubt_ends_when_the_ledger_learns_what_was_late(
    exponents: list[int],
    late: set[int],
    start: int,
    times: st.DataObject,
    wallet: Wallet,
    frozen: int,
) -> None:
    """Of amounts that no others make, so that none of them is taken for what it is not."""
    happened = [Event(times.draw(moments), 10**4 * 2**n) for n in exponents]
    life = Life(wallet, start, tuple(happened))
    known = Life(wallet, start, tuple(e for n, e in zip(exponents, happened, strict=True)
                                      if n not in late))  # fmt: skip
    reports = times.draw(honest_reports(life))
    still = life.report(3 * LONG, 3 * LONG, frozen)
    before = judge(begun(life), [*reports, still], known.allows)
    assert (before.step is None) is (known.total(LONG) == life.total(LONG))
    after = judge(before, [], life.allows)
    assert after.is_verified
    assert contains(after.level or (), money(start))


@given(
    start=openings, wallet=wallets, lost=st.integers(0, 1000), frozen=st.lists(splits, min_size=1)
)  # fmt: skip
def test_a_step_is_as_sharp_as_all_its_reports_together(
    start: int, wallet: Wallet, lost: int, frozen: list[int]
) -> None:
    life = quiet(wallet, start)
    lost += 2 * life.hidden
    reports = [life.report(n, n, each, lost=lost) for n, each in enumerate(frozen, 1)]
    after = judge(begun(life), reports, life.allows)
    together = set.intersection(*(grains(life.allows(each).possible) for each in reports))
    assert after.step is not None
    assert grains(after.step.level) == together
    assert len(after.step.marks) == 1, "it has not moved"


@given(
    found=st.lists(levels, min_size=1, max_size=8), level=levels,
    again=st.sampled_from([1, WAITING_MAX]), apart=st.sampled_from([1, 7, 99]),
)  # fmt: skip
@example(found=[span(300, 400), span(600, 700)], level=span(0, 100), again=WAITING_MAX, apart=1)
def test_the_marks_of_a_doubt_are_what_reports_said_one_after_the_other(
    found: list[Offsets], level: Offsets, again: int, apart: int
) -> None:
    """The first moment and the last ones are kept, and memory is bounded however long it lasts."""
    moments = range(apart, 999 * apart, apart)
    allowed = dict(zip(moments, found * again, strict=False))
    reports = [Seen(at=at, shown=Decimal(0), decimals=DECIMALS) for at in allowed]

    def allows(seen: Seen) -> Allowance:
        return Allowance(possible=allowed[seen.at], likely=allowed[seen.at][:1])

    after = judge(verified(level), reports, allows)
    if after.step is None:
        assert after.waiting == ()
        assert after.is_verified
        return
    marks = after.step.marks
    assert 1 <= len(marks) <= MARKS_MAX
    for before, mark in pairwise(marks):
        assert before.until == mark.after, "a chain"
        assert mark.after < mark.since
    for mark in marks:
        assert mark.after <= mark.since <= mark.until
        assert meet(mark.level, mark.likely) == mark.likely
        assert all(meet(mark.level, allowed[at]) == mark.level for at in (mark.since, mark.until))
    home = [at for at in allowed if meet(allowed[at], level) and at < after.step.since]
    assert marks[0].after == max(home, default=0), "the last time that all was well"
    assert after.step.confirmed_at == reports[-1].at
    assert not meet(after.level or (), found[-1])
    waiting = [seen.at for seen in after.waiting]
    assert waiting == sorted(waiting)
    assert len(waiting) <= WAITING_MAX
    assert (waiting[0] > marks[0].after, waiting[-1]) == (True, reports[-1].at)
    assert judge(after, [], allows).step is not None, "asked again, nothing else is known"


def test_a_mark_goes_on_until_a_report_says_something_else() -> None:
    """Here a wallet that is told every second, and moves twice."""
    life = quiet(Wallet.MAIN, 10**6)
    lost = [0, 1000, 1000, 4000, 4000, 4000]
    reports = [life.report(at, at, lost=each) for at, each in enumerate(lost, 1)]
    after = judge(begun(life), reports, life.allows)
    assert after.step is not None
    told = [(mark.after, mark.since, mark.until) for mark in after.step.marks]
    assert told == [(1, 2, 3), (3, 4, 6)]
    assert [grains(mark.level) for mark in after.step.marks] == [
        grains(span(10**6 - less, 10**6 - less + UNIT)) for less in (1000, 4000)
    ]


def test_of_more_marks_than_are_kept_the_oldest_are_forgotten_but_for_their_beginning() -> None:
    life = quiet(Wallet.MAIN, 10**6)
    many = range(1, MARKS_MAX + 4)
    after = judge(begun(life), [life.report(n, n, lost=1000 * n) for n in many], life.allows)
    assert after.step is not None
    kept = [*many][-MARKS_MAX:]
    assert [mark.since for mark in after.step.marks] == kept
    assert [mark.after for mark in after.step.marks] == [0, *(n - 1 for n in kept[1:])]


# A doubt that is decided


@given(
    wallet=wallets, start=openings, lost=st.integers(3, 1000), frozen=st.lists(splits, min_size=4)
)  # fmt: skip
def test_a_drift_stays_one_while_reports_agree_with_it_and_resolves_when_they_do_not(
    wallet: Wallet, start: int, lost: int, frozen: list[int]
) -> None:
    life = quiet(wallet, start)
    lost = lost * 2 * life.hidden
    at_first, *others = (life.report(n, n, each, lost=lost) for n, each in enumerate(frozen, 1))
    drift = all_of(judge(begun(life), [at_first], life.allows))
    assert (drift.has_drifted, drift.is_verified, drift.waiting) == (True, False, ())
    after = judge(drift, others, life.allows)
    assert (after.has_drifted, after.step, after.verified_at) == (True, None, drift.verified_at)
    assert contains(after.level or (), money(start - lost))
    more = judge(after, [life.report(98, 98, lost=2 * lost)], life.allows)
    assert more.step is not None, "that is more than the drift"
    home = judge(more, [life.report(99, 99)], life.allows)
    assert (home.is_verified, home.verified_at) == (True, 99)
    assert drifted_by(home, UNIT_SHOWN) == 0
    assert contains(home.level or (), money(start))


@given(taken=st.integers(1, 4), lost=st.lists(st.integers(3, 1000), min_size=1, max_size=4))
def test_as_many_marks_as_are_over_are_the_drift_and_the_rest_stays_in_doubt(
    taken: int, lost: list[int]
) -> None:
    """With the reports since then, and no others; the drift spans all of what was settled."""
    life = quiet(Wallet.MAIN, 10**9)
    gone = [*accumulate(each * UNIT for each in lost)]
    reports = [life.report(n, n, lost=each) for n, each in enumerate(gone, 5)]
    proof = judge(begun(life), [life.report(4, 4), *reports], life.allows)
    assert proof.step is not None
    taken = min(taken, len(lost))
    after = settled(proof, taken)
    assert after.left == (4, 4 + taken)
    assert contains(after.level or (), money(10**9 - gone[taken - 1]))
    assert after.waiting == tuple(reports[taken:])
    assert (after.step and after.step.marks) == (proof.step.marks[taken:] or None)
    assert judge(after, [], life.allows) == after
    if after.step is not None:
        later = settled(after, len(after.step.marks))
        assert later.left == (4, 4 + len(lost)), "one drift, from the first mark to the last"


@given(wallet=wallets, start=openings, units=st.integers(4, 1000), frozen=splits)
def test_what_explains_a_step_or_a_drift_leaves_the_wallet_verified(
    wallet: Wallet, start: int, units: int, frozen: int
) -> None:
    """A step by the entry alone, a drift by what brings it home or by what an operator says."""
    life = quiet(wallet, start)
    gained = units * UNIT
    report = life.report(9, 9, frozen, lost=-gained)
    entered = Life(wallet, start, (Event(0, gained, 9),))
    again = life.report(LONG, LONG, lost=-gained)
    stepped = judge(begun(life, frozen), [report], life.allows)
    drifted = all_of(stepped)
    by_record = judge(stepped, [], entered.allows)
    ways = by_record, returned(drifted, money(gained)), adjusted(drifted, money(gained))
    for after in ways:
        assert (after.is_verified, after.left) == (True, None)
        assert contains(after.level or (), money(start))
        assert judge(after, [again], entered.allows).is_verified
    with pytest.raises(AssertionError):
        returned(drifted, money(-gained))


def test_a_drift_that_is_explained_by_what_was_taken_elsewhere_is_over() -> None:
    """However sharp the wallet was known before it."""
    beside = span(-50_000, -49_900)
    drift = Proof(base=span(20, 90), level=beside, room=span(0, 100), left=(3, 4))
    after = returned(drift, money(-50_000))
    assert (after.is_verified, after.left) == (True, None)
    assert after.level == span(20, 90)


# What is too little to be seen


@given(
    low=st.integers(0, 150), wide=st.integers(1, 200), truth=st.integers(0, 199),
    units=st.sampled_from([1, -1]),
)  # fmt: skip
def test_what_was_too_little_to_be_seen_leaves_the_truth_possible(
    low: int, wide: int, truth: int, units: int
) -> None:
    """It lies within the room that the opening left, and the level has gone there unnoticed."""
    level, room = span(low, min(low + wide, 200)), span(0, 200)
    calm = Proof(base=level, level=level, room=room)
    if contains(level, money(truth + units * UNIT)):
        assert contains(differences(calm.level or (), calm.room), money(units * UNIT))
        after = absorbed(calm, money(units * UNIT))
        assert contains(after.level or (), money(truth))
        assert after.is_verified


def test_dust_that_is_learned_late_does_not_make_an_honest_life_drift() -> None:
    """The reports of between were taken to speak of a ledger without it."""
    opened, unit = 10**6 + 50, UNIT
    life = Life(Wallet.COLLATERAL, opened, tuple(
        Event(n * LONG, amount) for n, amount in enumerate((30, 15, -75, 75), 1)))  # fmt: skip
    dust, *known = life.events
    ledger = Life(Wallet.COLLATERAL, opened, tuple(known))
    proof = verified(ledger.allows(life.report(0, 0)).possible)
    assert proof.level == span(10**6, 10**6 + unit)
    before = [life.report(n * LONG + LONG // 2, n * LONG + LONG // 2) for n in range(4)]
    proof = judge(proof, before, ledger.allows)
    assert not contains(proof.level or (), money(opened)), "taken to be further up than it is"
    after = learned_late(proof, money(dust.amount))
    assert contains(after.level or (), money(opened))
    assert judge(after, [life.report(5 * LONG, 5 * LONG)], life.allows).is_verified


@settings(max_examples=50)
@given(
    wallet=wallets, start=openings, frozen=st.lists(splits, min_size=12, max_size=12),
    dust=st.lists(st.integers(-UNIT // 2, UNIT // 2), min_size=5, max_size=5),
    late=st.sets(st.integers(0, 4), max_size=2), since=st.integers(1, 5),
)  # fmt: skip
def test_a_life_of_dust_that_is_partly_learned_late_never_drifts(
    wallet: Wallet, start: int, frozen: list[int], dust: list[int], late: set[int], since: int
) -> None:
    """It may be in doubt until it is learned; then no more."""
    life = Life(wallet, start, tuple(Event(n * LONG, by) for n, by in enumerate(dust, 1)))
    known = Life(wallet, start, tuple(
        event for n, event in enumerate(life.events) if n not in late))  # fmt: skip
    proof = begun(life, frozen[0])
    for n in range(5 + since):
        if n == 5:
            for gone in sorted(late):
                if life.events[gone].at < (proof.seen_at or 0):
                    proof = learned_late(proof, money(life.events[gone].amount))
            known = life
        at = n * LONG + LONG // 2
        proof = judge(proof, [life.report(at, at, frozen[n + 1])], known.allows)
    assert (proof.is_verified, proof.has_drifted) == (True, False)


@given(level=spans, by=st.sampled_from([UNIT, -UNIT, 2 * UNIT]), offset=st.integers(-500, 750))
def test_an_entry_that_may_as_well_be_more_leaves_both_possible(
    level: Offsets, by: int, offset: int
) -> None:
    after = blurred(verified(level), [money(by)])
    either = contains(level, money(offset)) or contains(level, money(offset - by))
    assert contains(after.level or (), money(offset)) is either
    assert (after.is_verified, after.room) == (True, after.level)


# Beside a drift


def test_a_step_beside_a_drift_goes_on_when_the_drift_is_explained() -> None:
    life = quiet(Wallet.MAIN, 10**6)
    drift = all_of(judge(begun(life), [life.report(1, 1, lost=1000)], life.allows))
    both = judge(drift, [life.report(2, 2, lost=1700)], life.allows)
    after = adjusted(both, drifted_by(both, UNIT_SHOWN))
    assert after.step is not None
    assert len(after.step.marks) == 1
    assert drifted_by(after, UNIT_SHOWN) == 0
    assert nearest(moved(after), UNIT_SHOWN) == money(-700)


# Figures


@given(low=st.decimals(-1000, 1000, places=6), wide=st.decimals("0.000001", 100, places=6))
def test_the_simplest_value_has_the_fewest_decimals_of_all_in_the_interval(
    low: Decimal, wide: Decimal
) -> None:
    value = simplest((low, low + wide))
    assert contains(((low, low + wide),), value)
    decimals = -int(value.normalize().as_tuple().exponent)
    for fewer in range(max(decimals, 0)):
        scaled = low.scaleb(fewer)
        first = scaled.to_integral_value("ROUND_CEILING").scaleb(-fewer)
        assert not first < low + wide


@given(offsets=levels, decimals=st.integers(6, 10))
def test_a_figure_is_on_the_grid_of_the_display_if_the_offsets_let_it(
    offsets: Offsets, decimals: int
) -> None:
    unit = Decimal(1).scaleb(-decimals)
    (low, high), *_ = offsets
    found = nearest(offsets, unit)
    assert low < found < high
    if found % unit.scaleb(ROUNDER) != 0 or not found:
        nearer = abs(found - (low + high) / 2)
        assert nearer <= unit / 2
        assert found % unit == 0 or nearer == 0


@given(taken=st.integers(1, 10**6), low=st.integers(1, 20), high=st.integers(1, 20),
       sign=st.sampled_from([1, -1]))  # fmt: skip
@example(taken=15 * 1000, low=3, high=1, sign=-1)
def test_an_amount_that_is_round_is_told_as_it_is_wherever_in_the_interval_it_lies(
    taken: int, low: int, high: int, sign: int
) -> None:
    lost = sign * taken * UNIT_SHOWN.scaleb(ROUNDER)
    offsets = ((lost - low * UNIT_SHOWN, lost + high * UNIT_SHOWN),)
    assert nearest(offsets, UNIT_SHOWN) == lost


@given(low=st.integers(-500, 500), wide=st.integers(1, 250), apart=st.integers(0, 250),
       beyond=st.integers(1, 250), sign=st.sampled_from([1, -1]))  # fmt: skip
@example(low=0, wide=20, apart=0, beyond=20, sign=1)
def test_a_drift_is_never_told_as_none(
    low: int, wide: int, apart: int, beyond: int, sign: int
) -> None:
    """Even one of less than a unit."""
    level = span(low, low + wide)
    end = low + wide + apart
    there = span(end, end + beyond)
    base, level = (level, there) if sign > 0 else (there, level)
    drift = drifted_by(Proof(base=base, level=level, room=base), UNIT_SHOWN)
    assert drift * sign > 0
