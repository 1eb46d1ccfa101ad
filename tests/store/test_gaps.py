"""Gaps: a notice opens them, coverage closes them, and those that are not closed never overlap."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.domain.facts import GapNotice
from reconciler.domain.spans import gaps as outside
from reconciler.domain.spans import union
from reconciler.domain.words import GapState
from reconciler.inbox import Span
from reconciler.store.engine import Database, open_database
from reconciler.store.reads import Reads
from tests.store.samples import ACCOUNT, NOON, apply, batch

OPEN, CLOSED, UNREACHABLE = GapState.OPEN, GapState.CLOSED, GapState.UNREACHABLE

Shown = tuple[int, int, str, str]
"""From, until (after noon), state, reason."""


def notice(
    since: int, until: int, reason: str = "down", state: GapState = OPEN, stream: str = "deals"
) -> GapNotice:
    return GapNotice(
        stream=stream, since=NOON + since, until=NOON + until, reason=reason, state=state
    )


def span(since: int, until: int, stream: str = "deals") -> Span:
    return Span(stream=stream, since=NOON + since, until=NOON + until)


def shown(database: Database, stream: str = "deals") -> list[Shown]:
    return [
        (gap.since - NOON, gap.until - NOON, str(gap.state), gap.reason)
        for gap in Reads(database).gaps(ACCOUNT)
        if gap.stream == stream
    ]


def test_a_gap_closes_when_coverage_contains_it(database: Database) -> None:
    apply(database, batch(notice(10, 20), notice(10, 20, stream="orders")))
    apply(database, batch(spans=[span(0, 19)]), now=NOON + 30)
    assert shown(database) == [(10, 20, "open", "down")]
    apply(database, batch(spans=[span(19, 21)]), now=NOON + 31)
    deals, orders = Reads(database).gaps(ACCOUNT)
    assert (deals.state, deals.closed_at) == (CLOSED, NOON + 31)
    assert (orders.state, orders.closed_at) == (OPEN, None)
    # A closed one stays as it is.
    apply(database, batch(spans=[span(0, 40)]), now=NOON + 32)
    assert Reads(database).gaps(ACCOUNT)[0].closed_at == NOON + 31


def test_a_gap_told_with_the_span_that_fills_it_is_closed(database: Database) -> None:
    apply(database, batch(notice(10, 20), spans=[span(10, 20)]))
    assert shown(database) == [(10, 20, "closed", "down")]


def test_time_that_is_proven_is_no_gap(database: Database) -> None:
    apply(database, batch(spans=[span(0, 20)]))
    apply(database, batch(notice(10, 20), notice(30, 30)))
    assert shown(database) == []


def test_a_feed_that_fails_again_and_again_leaves_one_open_gap(database: Database) -> None:
    for until in (20, 30, 40):
        apply(database, batch(notice(10, until, f"down at {until}")))
    assert shown(database) == [(10, 40, "open", "down at 40")]


def test_what_was_read_between_two_failures_is_closed(database: Database) -> None:
    apply(database, batch(notice(10, 20, "first")))
    apply(database, batch(spans=[span(10, 15)]))
    apply(database, batch(notice(15, 30, "second")), now=NOON + 30)
    assert shown(database) == [(10, 15, "closed", "first"), (15, 30, "open", "second")]
    assert Reads(database).gaps(ACCOUNT)[0].closed_at == NOON + 30


def test_what_was_not_read_of_an_older_gap_stays_open(database: Database) -> None:
    apply(database, batch(notice(10, 20, "first")))
    apply(database, batch(notice(15, 30, "second")))
    assert shown(database) == [(10, 15, "open", "first"), (15, 30, "open", "second")]


def test_what_is_out_of_reach_does_not_keep_the_rest_open(database: Database) -> None:
    apply(database, batch(notice(0, 100, "first start")))
    apply(database, batch(notice(0, 40, "older than six months", UNREACHABLE)))
    assert shown(database) == [
        (0, 40, "unreachable", "older than six months"),
        (40, 100, "open", "first start"),
    ]
    apply(database, batch(spans=[span(40, 100)]))
    assert shown(database) == [
        (0, 40, "unreachable", "older than six months"),
        (40, 100, "closed", "first start"),
    ]


def test_a_hole_out_of_reach_leaves_both_sides_open(database: Database) -> None:
    apply(database, batch(notice(0, 100), notice(40, 60, "refused", UNREACHABLE)))
    assert [gap[:3] for gap in shown(database)] == [
        (0, 40, "open"),
        (40, 60, "unreachable"),
        (60, 100, "open"),
    ]


def test_what_lies_out_of_reach_for_one_reason_is_one_gap(database: Database) -> None:
    """Though each start asks for a history that begins a little later."""
    for since in range(5):
        apply(database, batch(notice(since, 40 + since, "refused", UNREACHABLE)))
    apply(database, batch(notice(44, 50, "refused", UNREACHABLE)))
    apply(database, batch(notice(50, 60, "too many rows", UNREACHABLE)))
    assert shown(database) == [
        (0, 50, "unreachable", "refused"),
        (50, 60, "unreachable", "too many rows"),
    ]


def test_what_was_out_of_reach_closes_only_when_it_is_covered_after_all(
    database: Database,
) -> None:
    apply(database, batch(notice(0, 40, "refused", UNREACHABLE)))
    apply(database, batch(spans=[span(1, 100)]))
    assert shown(database) == [(0, 40, "unreachable", "refused")]
    apply(database, batch(spans=[span(0, 1)]))
    assert shown(database) == [(0, 40, "closed", "refused")]


def test_a_gap_told_again_takes_what_is_said_last(database: Database) -> None:
    apply(database, batch(notice(0, 40, "refused", UNREACHABLE)))
    apply(database, batch(notice(0, 40, "the key may read it again")))
    assert shown(database) == [(0, 40, "open", "the key may read it again")]


def test_streams_and_accounts_do_not_meet(database: Database) -> None:
    apply(database, batch(notice(0, 40), notice(0, 50, stream="orders")))
    apply(database, batch(notice(0, 60), spans=[span(0, 90)], account="other"))
    assert shown(database) == [(0, 40, "open", "down")]
    assert shown(database, "orders") == [(0, 50, "open", "down")]


def test_a_gap_that_ends_before_it_begins_is_a_bug(database: Database) -> None:
    with pytest.raises(AssertionError):
        apply(database, batch(notice(3, 2)))


moments = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda ends: tuple(sorted(ends)))
steps = st.lists(
    st.tuples(moments, st.sampled_from([OPEN, OPEN, UNREACHABLE, None]), st.sampled_from("ab")),
    max_size=8,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_whatever_is_told_each_missing_moment_has_one_gap_and_no_proven_one_is_lost(
    sqlite_url: str, steps: list[tuple[tuple[int, int], GapState | None, str]]
) -> None:
    """What is told and not proven is in exactly one gap that is not closed, in the state told last;
    closed gaps lie in what is proven, and a gap is open only while something of it is missing."""
    database = open_database(sqlite_url)
    with database.writing() as connection:
        for table in ("gaps", "coverage"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    told: dict[int, GapState] = {}
    for (since, until), state, reason in steps:
        if state is None:
            apply(database, batch(spans=[span(since, until)]))
        else:
            apply(database, batch(notice(since, until, reason, state)))
            told |= dict.fromkeys(range(since, until), state)
        proven = [(a - NOON, b - NOON) for a, b in Reads(database).spans(ACCOUNT, "deals")]
        covered = {moment for a, b in proven for moment in range(a, b)}
        found = shown(database)
        waiting = [gap for gap in found if gap[2] != "closed"]
        assert sum(b - a for a, b, *_ in waiting) == sum(
            b - a for a, b in union((a, b) for a, b, *_ in waiting)
        )
        by_moment = {moment: gap[2] for gap in waiting for moment in range(*gap[:2])}
        missing = {moment: str(told[moment]) for moment in told if moment not in covered}
        assert {m: s for m, s in by_moment.items() if m not in covered} == missing
        for since_, until_, state_, _ in found:
            assert bool(outside(proven, since_, until_)) == (state_ != "closed")
