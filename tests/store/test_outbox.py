"""Events are written in the transaction of their cause, and only what is news."""

from decimal import Decimal

import msgspec

from reconciler.domain.events import DatabaseNews, DriftNews, Event, FeedNews, News
from reconciler.domain.facts import FeedNotice, GapNotice, SessionNotice
from reconciler.domain.moments import DAY
from reconciler.domain.words import GapState
from reconciler.store.engine import Database
from reconciler.store.outbox import Outbox
from tests.drifting import make_drift
from tests.store.samples import NOON, apply, batch, rows


def told(database: Database) -> list[tuple[str, str]]:
    return rows(database, "SELECT event, dedupe_key FROM events ORDER BY number")


def news(database: Database) -> list[News]:
    texts = rows(database, "SELECT news FROM events ORDER BY number")
    return [msgspec.json.decode(text, type=News) for (text,) in texts]


def feed(event: Event) -> FeedNotice:
    return FeedNotice(event=event, since=NOON, reason="no answer")


def test_what_was_said_last_of_a_feed_is_no_news(database: Database) -> None:
    live = SessionNotice(session_id=1, live_at=NOON)
    down, refused = feed(Event.FEED_DOWN), feed(Event.AUTH_REJECTED)
    for fact in (live, down, down, refused, refused, down, live, live, down):
        apply(database, batch(fact))
    assert [event for event, _ in told(database)] == [
        "feed.down",
        "auth.rejected",
        "feed.recovered",
        "feed.down",
    ]
    assert {key for _, key in told(database)} == {"feed/treasury"}


def test_a_commit_says_that_there_is_something_to_tell(database: Database) -> None:
    [first] = apply(database, batch(feed(Event.FEED_DOWN)))
    [again] = apply(database, batch(feed(Event.FEED_DOWN)))
    assert (first.events, again.events) == (1, 0)


def test_another_account_is_another_subject(database: Database) -> None:
    down = feed(Event.FEED_DOWN)
    apply(database, batch(down), batch(down, account="second"))
    assert [key for _, key in told(database)] == ["feed/treasury", "feed/second"]


def test_a_gap_out_of_reach_is_told_once_though_it_grows(database: Database) -> None:
    for until in (DAY, 2 * DAY):
        for stream in ("deals", "orders"):
            gap = GapNotice(
                stream=stream,
                since=0,
                until=until,
                reason="too old",
                state=GapState.UNREACHABLE,
            )
            apply(database, batch(gap))
    apply(database, batch(GapNotice(stream="orders", since=3 * DAY, until=4 * DAY, reason="down")))
    assert told(database) == [
        ("backfill.gap", "gap/treasury/deals"),
        ("backfill.gap", "gap/treasury/orders"),
    ]


def test_nothing_is_told_of_a_transaction_that_fails(database: Database) -> None:
    outbox = Outbox()
    try:
        with database.writing() as connection:
            outbox.put(connection, Event.DATABASE_DEGRADED, DatabaseNews(since=NOON), now=NOON)
            raise InterruptedError
    except InterruptedError:
        pass
    assert told(database) == []


def test_a_drift_is_told_with_its_figures(database: Database, database_url: str) -> None:
    make_drift(database_url)
    [drift] = news(database)
    assert isinstance(drift, DriftNews)
    assert (drift.account, drift.wallet, drift.asset) == ("treasury", "spot", "USDT")
    assert drift.difference == Decimal(-15) == drift.reported - drift.expected
    assert told(database) == [("drift.detected", "drift/treasury/spot/USDT")]


def test_news_come_back_as_they_were(database: Database) -> None:
    said = FeedNews(account="treasury", since=NOON, reason="no answer")
    apply(database, batch(feed(Event.FEED_DOWN)))
    assert news(database) == [said]
