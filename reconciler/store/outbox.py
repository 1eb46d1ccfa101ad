"""Events as rows, written in the transaction of what caused them.

Who hears of an event, when and how often, is not known here (`alerts` decides it, later and
elsewhere); only what is no news is: that something is down which was said to be down already.
"""

import msgspec
from sqlalchemy import Connection, insert, select

from reconciler.domain.events import Event, FeedNews, GapNews, News, dedupe_key
from reconciler.domain.facts import FeedNotice, GapNotice
from reconciler.store.columns import storable
from reconciler.store.schema import accounts, events

IS_NO_NEWS_AFTER: dict[Event, frozenset[Event | None]] = {
    Event.FEED_DOWN: frozenset({Event.FEED_DOWN, Event.AUTH_REJECTED}),
    Event.AUTH_REJECTED: frozenset({Event.AUTH_REJECTED}),
    Event.FEED_RECOVERED: frozenset({Event.FEED_RECOVERED, None}),
    Event.DATABASE_RECOVERED: frozenset({Event.DATABASE_RECOVERED, None}),
    Event.DELIVERY_FAILED: frozenset({Event.DELIVERY_FAILED}),
    Event.DELIVERY_RECOVERED: frozenset({Event.DELIVERY_RECOVERED, None}),
}
"""By what was said last of the same subject (None: nothing).  Of drifts and gaps their own tables
know what is new."""


class Outbox:
    """Writes events, in the caller's transaction."""

    def __init__(self) -> None:
        self.written = 0
        """How many were, since it was made."""

    def put(self, connection: Connection, event: Event, news: News, *, now: int) -> int | None:
        """Writes the event, if it is news; returns its number."""
        key = dedupe_key(news)
        no_news = IS_NO_NEWS_AFTER.get(event)
        if no_news is not None and last_event(connection, key) in no_news:
            return None
        row = insert(events).values(
            event=str(event),
            dedupe_key=key,
            occurred_at=now,
            news=msgspec.json.encode(news).decode(),
        )
        number: int = connection.execute(row.returning(events.c.number)).scalar_one()
        self.written += 1
        return number

    def feed(
        self, connection: Connection, account_id: int, notice: FeedNotice, *, now: int
    ) -> None:
        """What a feed says of itself."""
        news = FeedNews(
            account=_name(connection, account_id),
            since=notice.since,
            reason=storable(notice.reason),
        )
        self.put(connection, notice.event, news, now=now)

    def gap(self, connection: Connection, account_id: int, notice: GapNotice, *, now: int) -> None:
        """That a time is out of reach."""
        news = GapNews(
            account=_name(connection, account_id),
            stream=storable(notice.stream),
            gap_from=notice.since,
            gap_until=notice.until,
            reason=storable(notice.reason),
        )
        self.put(connection, Event.BACKFILL_GAP, news, now=now)


def last_event(connection: Connection, key: str) -> Event | None:
    """What was said last of a subject."""
    of_key = select(events.c.event).where(events.c.dedupe_key == key)
    found = connection.execute(of_key.order_by(events.c.number.desc()).limit(1)).scalar()
    return None if found is None else Event(found)


def _name(connection: Connection, account_id: int) -> str:
    name = select(accounts.c.name).where(accounts.c.account_id == account_id)
    return str(connection.execute(name).scalar_one())
