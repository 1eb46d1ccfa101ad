"""What waits, what is due, and what is old enough to go."""

from reconciler.domain.events import Event, FeedNews
from reconciler.domain.moments import MINUTE
from reconciler.store import deliveries
from reconciler.store.deliveries import KEPT, DeliveryState, Mark
from reconciler.store.engine import Database
from reconciler.store.outbox import Outbox
from tests.store.samples import NOON, rows

HOOK = "sink"


def put(database: Database, id_: str, key: str, *, at: int = NOON, hook: str = HOOK) -> None:
    with database.writing() as connection:
        deliveries.put_alert(connection, id_, Event.FEED_DOWN, key, b"{}", [hook], now=at)


def due(database: Database, *, now: int = NOON, most: int = 10) -> list[str]:
    with database.reading() as connection:
        found = deliveries.due(connection, HOOK, now=now, most=most)
        return [delivery.alert_id for delivery in found]


def mark(database: Database, state: DeliveryState, *, next_at: int = NOON) -> None:
    """What an attempt at the first that is due came to."""
    with database.writing() as connection:
        [first, *_] = deliveries.due(connection, HOOK, now=NOON, most=1)
        deliveries.mark(connection, Mark(delivery=first, state=state, at=NOON, next_at=next_at))


def test_only_the_head_of_each_subject_is_due_oldest_first(database: Database) -> None:
    for id_, key in (("1", "a"), ("2", "b"), ("3", "a"), ("4", "c")):
        put(database, id_, key)
    put(database, "5", "d", hook="another")
    assert due(database) == ["1", "2", "4"]
    assert due(database, most=2) == ["1", "2"]
    mark(database, DeliveryState.SENT)
    assert due(database) == ["2", "3", "4"]


def test_a_head_that_waits_holds_its_successors_and_no_others(database: Database) -> None:
    for id_, key in (("1", "a"), ("2", "a"), ("3", "b")):
        put(database, id_, key)
    mark(database, DeliveryState.PENDING, next_at=NOON + MINUTE)
    assert due(database) == ["3"]
    assert due(database, now=NOON + MINUTE) == ["1", "3"]
    with database.reading() as connection:
        assert deliveries.next_due(connection, [HOOK], now=NOON) == NOON + MINUTE
        assert deliveries.next_due(connection, ["another"], now=NOON) is None


def test_what_is_given_up_holds_nobody(database: Database) -> None:
    put(database, "1", "a")
    put(database, "2", "a")
    mark(database, DeliveryState.FAILED)
    assert due(database) == ["2"]


def test_what_was_sent_stays_so_whatever_comes_late(database: Database) -> None:
    put(database, "1", "a")
    with database.reading() as connection:
        [delivery] = deliveries.due(connection, HOOK, now=NOON, most=1)
    for state in (DeliveryState.SENT, DeliveryState.PENDING, DeliveryState.FAILED):
        with database.writing() as connection:
            late = Mark(delivery=delivery, state=state, at=NOON, next_at=NOON)
            deliveries.mark(connection, late)
    assert rows(database, "SELECT state, attempts FROM v_alerts") == [("sent", 1)]
    assert due(database) == []


def test_what_is_old_goes_but_for_what_is_pending_and_the_last_word(database: Database) -> None:
    with database.writing() as connection:
        for event in (Event.FEED_DOWN, Event.FEED_RECOVERED):
            news = FeedNews(account="treasury", since=NOON)
            Outbox().put(connection, event, news, now=NOON)
        waiting = deliveries.waiting(connection, 10)
        deliveries.set_routed(connection, [each.number for each in waiting], now=NOON)
    put(database, "sent", "a")
    mark(database, DeliveryState.SENT)
    put(database, "pending", "a")
    put(database, "young", "a", at=NOON + KEPT)
    for _ in range(2):
        with database.writing() as connection:
            assert not deliveries.trim(connection, now=NOON + KEPT + 1)
    assert rows(database, "SELECT alert_id FROM v_alerts ORDER BY 1") == [("pending",), ("young",)]
    assert rows(database, "SELECT event FROM events") == [("feed.recovered",)]


def test_the_view_shows_when_it_was_sent(database: Database) -> None:
    put(database, "1", "a")
    mark(database, DeliveryState.SENT)
    [(created, sent)] = rows(
        database, "SELECT CAST(created_at AS TEXT), CAST(sent_at AS TEXT) FROM v_alerts"
    )
    assert created == sent
    assert "12:00:00.123456" in created
