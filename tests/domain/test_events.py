"""What is sent, to the letter."""

from decimal import Decimal
from random import Random

import msgspec
import pytest

from reconciler.domain.events import (
    LISTED_MAX,
    DatabaseNews,
    DeliveryNews,
    DriftNews,
    DriftsNews,
    Event,
    FeedNews,
    GapNews,
    News,
    SignNews,
    alert_body,
    dedupe_key,
    message,
    new_id,
)
from reconciler.domain.moments import SECOND, from_iso

AT = from_iso("2026-01-02T03:04:05.678901Z")
DRIFT = DriftNews(
    account="treasury",
    wallet="spot",
    asset="USDT",
    drift_id=7,
    expected=Decimal("1000.50"),
    reported=Decimal("985.5"),
    difference=Decimal(-15),
    detected_at=AT,
)
EVERY: dict[Event, News] = {
    Event.DRIFT_DETECTED: DRIFT,
    Event.DRIFT_CHANGED: DRIFT,
    Event.DRIFT_RESOLVED: DRIFT,
    Event.FEED_DOWN: FeedNews(account="treasury", since=AT, reason="HTTP 503"),
    Event.FEED_RECOVERED: FeedNews(account="treasury", since=AT),
    Event.AUTH_REJECTED: FeedNews(account="treasury", since=AT, reason="Unauthorized"),
    Event.BACKFILL_GAP: GapNews(
        account="treasury", stream="deals", gap_from=AT, gap_until=AT + SECOND, reason="too old"
    ),
    Event.DATABASE_DEGRADED: DatabaseNews(since=AT),
    Event.DATABASE_RECOVERED: DatabaseNews(since=AT, until=AT + SECOND),
    Event.DELIVERY_FAILED: DeliveryNews(
        hook="mail", since=AT, alert_id="x", alert_event="feed.down", reason="HTTP 500"
    ),
    Event.DELIVERY_RECOVERED: DeliveryNews(hook="mail", since=AT),
    Event.HEARTBEAT: SignNews(name="host pid 1", at=AT),
    Event.TEST: SignNews(name="host pid 1", at=AT),
}


def test_a_drift_is_what_the_documentation_promises() -> None:
    body = alert_body(Event.DRIFT_DETECTED, DRIFT, "id-1")
    assert msgspec.json.decode(body) == {
        "event": "drift.detected",
        "id": "id-1",
        "dedupe_key": "drift/treasury/spot/USDT",
        "account": "treasury",
        "wallet": "spot",
        "asset": "USDT",
        "drift_id": 7,
        "expected": "1000.5",
        "reported": "985.5",
        "difference": "-15",
        "detected_at": "2026-01-02T03:04:05.678901Z",
        "message": "treasury, spot USDT differs by -15 from what its records explain: "
        "985.5 is reported, 1000.5 expected, since 2026-01-02 03:04:05 UTC; "
        "see: reconciler drift list --account treasury",
    }


@pytest.mark.parametrize("event", Event)
def test_every_event_has_its_name_id_key_and_a_sentence(event: Event) -> None:
    news = EVERY[event]
    told = msgspec.json.decode(alert_body(event, news, "id-1"))
    assert (told["event"], told["id"], told["dedupe_key"]) == (event, "id-1", dedupe_key(news))
    assert told["message"] == message(event, news)
    assert "\n" not in told["message"]
    again = msgspec.json.decode(alert_body(event, news, "id-2", repeated=True))
    assert again["repeated"] is True
    assert again["message"] == f"Still so: {told['message']}"


@pytest.mark.parametrize("event", Event)
def test_news_survive_the_record(event: Event) -> None:
    news = EVERY[event]
    assert msgspec.json.decode(msgspec.json.encode(news), type=News) == news


def test_many_drifts_are_counted_and_the_first_of_them_listed() -> None:
    news = DriftsNews(account="treasury", count=900, drifts=(DRIFT,) * LISTED_MAX, detected_at=AT)
    told = msgspec.json.decode(alert_body(Event.DRIFT_DETECTED, news, "id-1"))
    assert (told["dedupe_key"], told["count"]) == ("drift/treasury", 900)
    assert told["drifts"][0]["difference"] == "-15"
    assert "900 balances" in told["message"]


def test_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    chance = Random(1)
    ids = [new_id(AT + number * 1000, chance) for number in range(1000)]
    assert ids == sorted(set(ids))
    assert all((len(id_), id_[14]) == (36, "7") and id_[19] in "89ab" for id_ in ids)
    assert int(ids[0].replace("-", "")[:12], 16) == AT // 1000
