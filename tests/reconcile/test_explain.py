"""Which records may be behind a drift, and how their amounts must fit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.money import ZERO
from reconciler.domain.words import GapState, Wallet
from reconciler.reconcile.explain import (
    CANDIDATES_MAX,
    OF_A_KIND_MAX,
    Candidate,
    CandidateKind,
    Evidence,
    Fits,
    Hint,
    Hole,
    Sibling,
    Told,
    candidates,
    fit,
    resolution,
)
from reconciler.reconcile.offsets import Offsets

EXACTLY, PARTLY, NOT = Fits
CENT = Decimal("0.00000002")
amounts = st.integers(-(10**6), 10**6).map(lambda n: Decimal(n).scaleb(-4))


def near(amount: str | Decimal) -> Offsets:
    """A drift as sharp as two truncated reports tell it."""
    return ((Decimal(amount) - CENT, Decimal(amount) + CENT),)


def told(amount: str, posted: str | None = None, **more: object) -> Told:
    given = {"kind": "deposit", "reference": "d-1", "at": 0, "amount": Decimal(amount)}
    given |= {"posted": Decimal(amount if posted is None else posted)}
    return Told(**given | more)  # type: ignore[arg-type]


def only(moved: Offsets, evidence: Evidence) -> Candidate:
    [found] = candidates(moved, evidence)
    return found


@pytest.mark.parametrize(
    ("drift", "amount", "fits"),
    [
        ("-15", "-15", EXACTLY),
        ("-15", "-15.00000001", EXACTLY),
        ("-15", "-15.00000002", NOT),
        ("-15", "-10", PARTLY),
        ("-15", "-20", NOT),
        ("-15", "15", NOT),
        ("15", "7", PARTLY),
        ("15", "0", NOT),
    ],
)
def test_an_amount_fits_within_what_the_display_hides(drift: str, amount: str, fits: Fits) -> None:
    assert fit(near(drift), Decimal(amount)) is fits


@pytest.mark.parametrize(
    ("record", "drift", "said"),
    [
        (told("10", "0"), "10", "is not counted in this wallet"),
        (told("10", "0", fee=Decimal(1)), "11", "is not counted in this wallet, nor its fee"),
        (
            told("10", "0", fee=Decimal(1)),
            "9",
            "is not counted in this wallet, with its fee on top",
        ),
        (told("10"), "-10", "is counted, but the balance does not show it"),
        (told("10"), "10", "is counted once, but the balance shows it twice"),
        (told("10"), "-20", "went the other way"),
    ],
)
def test_a_record_may_mean_something_else_than_what_is_posted(
    record: Told, drift: str, said: str
) -> None:
    found = only(near(drift), Evidence(told=(record,)))
    assert (found.kind, found.fits) == (CandidateKind.RECORD, EXACTLY)
    assert found.amount == Decimal(drift)
    assert found.said.endswith(said)


@pytest.mark.parametrize("drift", ["0.5", "-0.5", "1"])
def test_a_fee_may_be_taken_elsewhere_twice_or_given(drift: str) -> None:
    deal = told("9.5", fee=Decimal("0.5"), kind="deal", reference="1:10")
    found = only(near(drift), Evidence(told=(deal,)))
    assert (found.kind, found.reference, found.fits) == (CandidateKind.FEE, "1:10", EXACTLY)


def test_the_fees_of_a_time_may_be_wrong_all_together() -> None:
    deals = [told(str(n), fee=Decimal(n) / 100, reference=str(n)) for n in (1, 2, 4)]
    found = only(near("0.07"), Evidence(told=tuple(deals)))
    assert (found.kind, found.said[:10]) == (CandidateKind.FEE, "all 3 fees")


def test_a_record_that_does_not_fit_is_told_only_if_it_is_in_doubt() -> None:
    plain, waiting = told("3"), told("3", "0", doubt=CandidateKind.WAITING_DEAL, why="waits")
    assert candidates(near("-15"), Evidence(told=(plain,))) == ()
    found = only(near("15"), Evidence(told=(waiting,)))
    assert (found.kind, found.amount, found.fits) == (
        CandidateKind.WAITING_DEAL,
        Decimal(3),
        PARTLY,
    )


def test_waiting_deals_may_make_it_together() -> None:
    waiting = [
        told(n, "0", doubt=CandidateKind.WAITING_DEAL, why="waits", reference=n) for n in ("4", "6")
    ]
    first, *rest = candidates(near("10"), Evidence(told=tuple(waiting)))
    assert (first.amount, first.fits) == (Decimal(10), EXACTLY)
    assert [each.fits for each in rest] == [PARTLY, PARTLY]


@given(amount=amounts.filter(bool))
def test_what_a_sibling_lost_may_be_what_is_extra_here(amount: Decimal) -> None:
    sibling = Sibling(wallet=Wallet.MAIN, moved=near(-amount))
    found = only(near(amount), Evidence(siblings=(sibling,)))
    assert (found.kind, found.reference, found.fits) == (CandidateKind.SIBLING, "main", EXACTLY)
    assert found.amount == amount


def test_two_siblings_may_make_it_together() -> None:
    siblings = tuple(
        Sibling(wallet=wallet, moved=near(moved))
        for wallet, moved in ((Wallet.MAIN, "-4"), (Wallet.COLLATERAL, "-6"))
    )
    first, *rest = candidates(near("10"), Evidence(siblings=siblings))
    assert (first.reference, first.amount, first.fits) == ("main collateral", Decimal(10), EXACTLY)
    assert [each.fits for each in rest] == [PARTLY, PARTLY]


def test_what_has_no_amount_is_kept_even_if_nothing_fits() -> None:
    hole = Hole(stream="deals", since=0, until=9, state=GapState.OPEN, reason="down")
    hint = Hint(kind=CandidateKind.RESTATED, reference="7", said="deal 1 restated")
    evidence = Evidence(holes=(hole,), hints=(hint,), refused=("lending",))
    found = candidates(near("-15"), evidence)
    kinds = [CandidateKind.RESTATED, CandidateKind.GAP, CandidateKind.REFUSED]
    assert [each.kind for each in found] == kinds
    assert {each.fits for each in found} == {NOT}


@given(
    drift=amounts.filter(bool), records=st.lists(st.tuples(amounts, amounts, amounts), max_size=40)
)
def test_candidates_are_few_those_that_fit_first_and_fit_as_they_say(
    drift: Decimal, records: list[tuple[Decimal, Decimal, Decimal]]
) -> None:
    evidence = Evidence(
        told=tuple(
            Told(
                kind="deal",
                reference=str(n),
                at=n,
                amount=amount,
                posted=posted,
                fee=fee,
                doubt=CandidateKind.UNSETTLED if n % 2 else None,
            )
            for n, (amount, posted, fee) in enumerate(records)
        )
    )
    found = candidates(near(drift), evidence)
    assert len(found) <= CANDIDATES_MAX
    ranks = [list(Fits).index(each.fits) for each in found]
    assert ranks == sorted(ranks)
    for kind in CandidateKind:
        assert sum(each.kind is kind for each in found) <= OF_A_KIND_MAX
    for each in found:
        assert each.amount is not None
        assert fit(near(drift), each.amount) is each.fits


def test_a_drift_that_is_over_was_a_late_record_or_two_or_all() -> None:
    heard = told("10", reference="heard")
    late = [told(n, reference=n, is_late=True) for n in ("1", "2", "5")]
    everything = [heard, *late]
    assert [each.reference for each in resolution(near("2"), everything)] == ["2"]
    assert [each.reference for each in resolution(near("6"), everything)] == ["1", "5"]
    assert [each.reference for each in resolution(near("8"), everything)] == ["1", "2", "5"]
    assert resolution(near("10"), everything) == (), "it was not late"
    assert resolution(near("2"), [told("2", ZERO.__str__(), is_late=True)]) == ()
