"""A bar lies where its time is, a gap can always be seen, and nothing leaves the window."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.moments import DAY, HOUR
from reconciler.domain.words import GapState
from reconciler.web.timeline import VISIBLE, bars, line
from tests.store.samples import NOON
from tests.web.sample import gap

SINCE = NOON - DAY
MOMENTS = st.integers(SINCE - DAY, NOON + DAY)


def test_spans_lie_at_their_time_and_gaps_over_them_the_open_ones_last() -> None:
    found = bars(
        [(SINCE - DAY, SINCE + 6 * HOUR), (SINCE + 12 * HOUR, NOON)],
        [
            gap(since=SINCE + 6 * HOUR, until=SINCE + 12 * HOUR),
            gap(since=SINCE, until=SINCE + HOUR, state=GapState.CLOSED),
        ],
        SINCE,
        NOON,
    )
    assert [(bar.kind, bar.x, bar.width) for bar in found] == [
        ("proven", "0.000", "25.000"),
        ("proven", "50.000", "50.000"),
        ("closed", "0.000", "4.166"),
        ("open", "25.000", "25.000"),
    ]
    assert found[-1].said == "gap, open: 2026-01-01 18:00:00 to 00:00:00"


@given(st.lists(st.tuples(MOMENTS, MOMENTS).map(sorted), max_size=5))
def test_nothing_leaves_the_window_and_everything_in_it_can_be_seen(spans: list[list[int]]) -> None:
    stretches = [(since, until) for since, until in spans]
    gaps = [gap(since=since, until=until) for since, until in stretches]
    for bar in bars(stretches, gaps, SINCE, NOON):
        assert Decimal(bar.x) >= 0
        assert Decimal(bar.width) * 1000 >= VISIBLE
        assert Decimal(bar.x) + Decimal(bar.width) <= 100


def test_a_line_ends_at_the_right_edge_and_fills_the_height() -> None:
    assert line([0, 5, 10], 120, 32) == "118,32 119,16 120,0"
    assert line([0, 0], 120, 32) == "119,32 120,32"
    assert line([], 120, 32) == ""
