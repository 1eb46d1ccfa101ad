"""A drift's life, as its table says, and when a doubt becomes one."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import SECOND
from reconciler.reconcile.drift import LIFE, DriftEvent, DriftState, Impossible, is_over, lived
from reconciler.reconcile.judge import Proof, Step
from tests.reconcile.truth import LONG, span, verified

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


def doubted(since: int, confirmed_at: int) -> Proof:
    level = span(0, 100)
    step = Step(level=level, likely=level, marks=(level,), since=since, confirmed_at=confirmed_at)
    return Proof(base=span(500, 600), level=span(500, 600), step=step)


@given(
    since=MOMENTS, lasted=MOMENTS, settle=st.integers(0, 10 * SECOND), read=MOMENTS, proven=MOMENTS
)  # fmt: skip
def test_a_doubt_is_over_when_it_lasted_and_all_was_read_after_it_began(
    since: int, lasted: int, settle: int, read: int, proven: int
) -> None:
    """All wallets and all histories; each of the three by itself is too little."""
    over = is_over(
        doubted(since, since + lasted), settle=settle, read_again_at=read, proven_until=proven
    )
    assert over is (lasted >= settle and min(read, proven) > since)


@pytest.mark.parametrize(
    ("lasted", "read", "proven", "is_drift"),
    [(5, 11, 11, True), (4, 11, 11, False), (5, 10, 11, False), (5, 11, 10, False)],
)
def test_what_began_with_the_doubt_does_not_count_as_after_it(
    lasted: int, read: int, proven: int, is_drift: bool
) -> None:
    proof = doubted(10, 10 + lasted)
    assert is_over(proof, settle=5, read_again_at=read, proven_until=proven) is is_drift


def test_where_nothing_is_in_doubt_nothing_is_over() -> None:
    calm = verified(span(0, 100))
    assert not is_over(calm, settle=0, read_again_at=LONG, proven_until=LONG)
