"""What a pass reads is what is not proven, as far as anybody remembers it."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import DAY, HOUR, SECOND, from_iso
from reconciler.domain.spans import gaps, union
from reconciler.feed.plan import floor_of, plan
from reconciler.simulator.reads import reach_s

NOW = from_iso("2026-01-02T12:00:00Z")
moments = st.integers(0, 1_000)
stretches = st.lists(
    st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair) + 1)), max_size=6
).map(union)


@given(spans=stretches, since=moments, floor=moments, overlap=st.integers(0, 50))
def test_what_is_not_proven_is_read_or_lost(
    spans: tuple[tuple[int, int], ...], since: int, floor: int, overlap: int
) -> None:
    until = 1_001
    todo = plan(spans, since=since, until=until, overlap=overlap, floor=floor)
    begin = spans[0][0] if spans else since
    done = [*spans, *todo.holes, todo.rest, *todo.lost]
    assert not gaps(union(done), begin, until)
    assert todo.is_first == (not spans)
    for low, high in (*todo.holes, todo.rest):
        assert floor <= low <= high <= until
    for low, high in todo.lost:
        assert low < high <= floor


@given(spans=stretches.filter(bool), overlap=st.integers(0, 50))
def test_what_is_proven_is_not_read_again_but_for_the_overlap(
    spans: tuple[tuple[int, int], ...], overlap: int
) -> None:
    todo = plan(spans, since=0, until=2_000, overlap=overlap)
    proven = spans[-1][1]
    assert todo.rest == (max(0, proven - overlap), 2_000)
    assert todo.missing == (proven, 2_000)
    for low, high in todo.holes:
        assert gaps(spans, low, high) == ((low, high),)


def test_a_proof_that_reaches_beyond_now_leaves_nothing_to_read() -> None:
    todo = plan([(0, 500)], since=0, until=400, overlap=60)
    assert todo.rest == (400, 400)
    assert todo.missing == (400, 400)


@given(st.integers(NOW - 800 * DAY, NOW + 800 * DAY))
def test_the_floor_is_never_before_the_exchanges_and_hardly_after_it(now: int) -> None:
    floor = floor_of(now)
    assert floor % DAY == 0
    for asked_at in (now, now + HOUR - SECOND):  # also when the day has changed meanwhile
        assert reach_s(asked_at) * SECOND <= floor <= reach_s(asked_at) * SECOND + 4 * DAY
    assert now - floor > 180 * DAY - HOUR
