"""A pace settles where one answer holds about half of what it can."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import DAY, SECOND
from reconciler.feed.recall import WIDTH_MAX, Pace, Paging, Recall


@given(st.lists(st.tuples(st.integers(SECOND, WIDTH_MAX), st.integers(0, 499))))
def test_a_slice_is_never_too_wide_and_never_without_width(answers: list[tuple[int, int]]) -> None:
    pace = Pace()
    for time, count in answers:
        pace.held(time, count, 500)
        assert 0 < pace.width <= WIDTH_MAX
        pace.was_full(time)
        assert SECOND <= pace.width < max(time, 2 * SECOND)


def test_a_stream_of_one_row_an_hour_is_read_in_slices_of_half_a_page() -> None:
    pace = Pace()
    hour = 3_600 * SECOND
    while pace.width // hour >= 500:
        pace.was_full(pace.width)
    for _ in range(10):
        pace.held(pace.width, pace.width // hour, 500)
    assert 200 <= pace.width // hour <= 260


def test_one_thin_slice_between_full_ones_does_not_make_the_next_as_wide_as_the_first() -> None:
    pace = Pace(width=SECOND)
    pace.held(SECOND, 0, 500)
    assert pace.width == 8 * SECOND


def test_a_short_slice_that_the_end_cut_off_does_not_narrow_the_pace() -> None:
    pace = Pace(width=DAY)
    pace.held(10 * SECOND, 0, 500)
    assert pace.width == DAY


def test_an_answer_holds_what_was_asked_for_unless_fewer_were_seen() -> None:
    assert Paging().rows(500) == 500
    assert Paging(most=100).rows(500) == 100
    assert Paging(most=100).rows(20) == 20


def test_what_is_remembered_of_unreadable_rows_is_bounded() -> None:
    recall = Recall()
    assert recall.first_seen("a", 1) == 1
    assert recall.first_seen("a", 2) == 1
    for row in range(20_000):
        recall.first_seen(row, 3)
    assert len(recall.unreadable) == 10_000
    assert recall.first_seen("a", 4) == 1
    assert recall.first_seen("new", 4) == 4


def test_a_gap_is_told_once_also_if_it_is_found_a_little_later_the_next_time() -> None:
    recall = Recall()
    assert recall.tells_first("deals", "why", (10, 20))
    assert not recall.tells_first("deals", "why", (12, 22))
    assert recall.tells_first("deals", "another", (12, 22))
    assert recall.tells_first("orders", "why", (12, 22))
    assert not recall.tells_first("deals", "why", (20, 30))
    assert recall.tells_first("deals", "why", (40, 50))
