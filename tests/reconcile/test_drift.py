"""A drift's life, as its table says, and when a doubt becomes one."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import SECOND
from reconciler.reconcile.drift import LIFE, DriftEvent, DriftState, Impossible, lived, marks_over
from reconciler.reconcile.judge import Mark, Step
from reconciler.reconcile.prefix import BEHIND
from tests.reconcile.truth import LONG, span

DETECTED, CHANGED, RESOLVED, EXPLAINED = DriftEvent
LIVES = {
    (None, DETECTED): DriftState.OPEN,
    (DriftState.OPEN, CHANGED): DriftState.OPEN,
    (DriftState.OPEN, RESOLVED): DriftState.RESOLVED,
    (DriftState.OPEN, EXPLAINED): DriftState.EXPLAINED,
}
MOMENTS = st.integers(0, LONG)


@pytest.mark.parametrize(("state", "event"), [*product((None, *DriftState), DriftEvent)])
def test_an_event_leads_where_the_table_says_or_is_a_bug_that_names_both(
    state: DriftState | None, event: DriftEvent
) -> None:
    if (state, event) in LIVES:
        assert lived(state, event) is LIVES[state, event]
        return
    with pytest.raises(Impossible) as caught:
        lived(state, event)
    assert str(caught.value) == f"a drift that is {state or 'not there'} can't be {event}"


def test_the_table_knows_every_state() -> None:
    assert LIFE.keys() == {None, *DriftState}


@given(events=st.lists(st.sampled_from(DriftEvent), max_size=8))
def test_a_drift_is_detected_once_and_a_closed_one_stays_closed(events: list[DriftEvent]) -> None:
    """Whatever is tried with it."""
    state: DriftState | None = None
    happened: list[DriftEvent] = []
    for event in events:
        try:
            state = lived(state, event)
        except Impossible:
            continue
        happened.append(event)
    assert happened[:1] == ([DETECTED] if DETECTED in events else [])
    assert happened.count(DETECTED) <= 1
    assert all(event is CHANGED for event in happened[1:-1]), "nothing follows its end"


def chain(*moments: tuple[int, int]) -> Step:
    """Marks of which each was seen from its first moment to its second."""
    level = span(0, 100)
    befores = [0, *(until for _, until in moments)]
    marks = [
        Mark(level=level, likely=level, after=before, since=since, until=until)
        for before, (since, until) in zip(befores, moments, strict=False)
    ]
    return Step(marks=tuple(marks))


@given(times=st.lists(MOMENTS, min_size=2, max_size=12), settle=st.integers(0, 10 * SECOND),
       read=MOMENTS, proven=MOMENTS)  # fmt: skip
def test_a_mark_is_over_when_the_doubt_lasted_and_all_was_read_after_it_began(
    times: list[int], settle: int, read: int, proven: int
) -> None:
    """All wallets and all histories; each of the three by itself is too little.  Later marks may
    still be explained."""
    times = sorted(times)[: len(times) // 2 * 2]
    step = chain(*zip(times[::2], times[1::2], strict=True))
    over = marks_over(step, settle=settle, read_again_at=read, proven_until=proven)
    is_over = [
        times[-1] - mark.since >= settle and min(read, proven) > mark.since for mark in step.marks
    ]
    assert is_over == [True] * over + [False] * (len(step.marks) - over)


@pytest.mark.parametrize(
    ("settle", "read", "proven", "over"),
    [
        (5, 99, 99, 3),
        (9, 99, 99, 2),  # the last mark began eight ago
        (21, 99, 99, 1),
        (31, 99, 99, 0),
        (5, 10, 99, 0),  # what began with the doubt does not count as after it
        (5, 11, 99, 1),
        (5, 99, 10, 0),
        (5, 99, 11, 1),
        (5, 22, 25, 2),
        (5, 32, 33, 2),
        (5, 33, 33, 3),
    ],
)
def test_a_step_is_decided_mark_by_mark(settle: int, read: int, proven: int, over: int) -> None:
    step = chain((10, 15), (20, 25), (32, 40))
    assert marks_over(step, settle=settle, read_again_at=read, proven_until=proven) == over


@pytest.mark.parametrize(("later", "over"), [(0, 0), (1, 1)])
def test_what_a_canceled_withdrawal_took_for_a_while_is_no_drift(later: int, over: int) -> None:
    """Its record does not say so, and reports may show it for a moment after it came back."""
    step = chain((10, 40 + BEHIND + later))
    limits = {"settle": 5, "read_again_at": LONG, "proven_until": LONG}
    assert marks_over(step, **limits) == 1
    assert marks_over(step, **limits, given_back_at=40) == over
