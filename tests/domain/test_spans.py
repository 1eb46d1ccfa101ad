from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.spans import Stretch, advance, gaps, union

moments = st.integers(0, 40)
stretches = st.lists(st.tuples(moments, moments).map(lambda two: (min(two), max(two))), max_size=8)


def inside(spans: object, moment: int) -> bool:
    return any(since <= moment < until for since, until in spans)  # type: ignore[attr-defined]


@given(stretches)
def test_a_union_holds_the_same_moments_in_spans_that_do_not_touch(spans: list[Stretch]) -> None:
    joined = union(spans)
    assert all(inside(joined, t) == inside(spans, t) for t in range(42))
    assert all(a[1] < b[0] for a, b in pairwise(joined))
    assert union(joined) == joined


@given(stretches, stretches)
def test_the_order_in_which_spans_are_proven_does_not_matter(
    some: list[Stretch], others: list[Stretch]
) -> None:
    assert union([*union(some), *others]) == union([*others, *some])


@given(stretches, moments, moments)
def test_gaps_are_what_no_span_holds(spans: list[Stretch], since: int, until: int) -> None:
    missing = gaps(spans, since, until)
    for t in range(42):
        assert inside(missing, t) == (since <= t < until and not inside(spans, t))


@given(stretches, moments)
def test_advance_goes_to_the_first_moment_that_is_not_covered(
    spans: list[Stretch], since: int
) -> None:
    reached = advance(spans, since)
    assert all(inside(spans, t) for t in range(since, reached))
    assert not inside(spans, reached)


def test_spans_that_meet_are_one() -> None:
    assert union([(5, 9), (1, 5)]) == ((1, 9),)
