"""What an alert says: the events by name, what is news about each, and the JSON that is sent.

Pure.  Names, keys and fields are a promise (the documentation lists them), so they are spelled out
here and nowhere else.  When an event is told, and to whom, is decided by `alerts`.
"""

from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any, assert_never

import msgspec
from msgspec import Struct

from reconciler.domain.moments import SECOND, iso
from reconciler.domain.money import canonical


class Event(StrEnum):
    """What happened, as hooks ask for it."""

    DRIFT_DETECTED = "drift.detected"
    DRIFT_CHANGED = "drift.changed"
    DRIFT_RESOLVED = "drift.resolved"
    FEED_DOWN = "feed.down"
    FEED_RECOVERED = "feed.recovered"
    AUTH_REJECTED = "auth.rejected"
    BACKFILL_GAP = "backfill.gap"
    DATABASE_DEGRADED = "database.degraded"
    DATABASE_RECOVERED = "database.recovered"
    DELIVERY_FAILED = "delivery.failed"
    DELIVERY_RECOVERED = "delivery.recovered"
    HEARTBEAT = "heartbeat"
    TEST = "test"


LISTED_MAX = 50
"""Drifts that one alert tells one by one; it counts them all."""

CANDIDATES_MAX = 10


class DriftNews(Struct, frozen=True, kw_only=True, tag="drift"):
    """Of one drift, as it is now."""

    account: str
    wallet: str
    asset: str
    drift_id: int
    expected: Decimal
    reported: Decimal
    difference: Decimal
    detected_at: int
    closed_at: int | None = None
    explanation: str | None = None
    """By a record that came late, or by a person."""
    candidates: tuple[str, ...] = ()
    """What may be behind it, for people."""


class DriftsNews(Struct, frozen=True, kw_only=True, tag="drifts"):
    """Of many drifts of one account, told as one."""

    account: str
    count: int
    """How many are open."""
    drifts: tuple[DriftNews, ...]
    """The first `LISTED_MAX` of them."""
    detected_at: int


class FeedNews(Struct, frozen=True, kw_only=True, tag="feed"):
    """Of the connection of one account."""

    account: str
    since: int
    """When it was last live; recovered, since when it is live again."""
    reason: str = ""


class GapNews(Struct, frozen=True, kw_only=True, tag="gap"):
    """Of a time of which the exchange tells nothing (any more)."""

    account: str
    stream: str
    gap_from: int
    gap_until: int
    reason: str


class DatabaseNews(Struct, frozen=True, kw_only=True, tag="database"):
    """Of the database, which could not be written, or can be again."""

    since: int
    until: int | None = None


class DeliveryNews(Struct, frozen=True, kw_only=True, tag="delivery"):
    """Of a hook that can't be told anything, or can again."""

    hook: str
    since: int
    alert_id: str = ""
    """What it could not be told first; empty when it is told again."""
    alert_event: str = ""
    reason: str = ""


class SignNews(Struct, frozen=True, kw_only=True, tag="sign"):
    """That somebody is there: a heartbeat, or a test."""

    name: str
    """Of the process."""
    at: int


News = DriftNews | DriftsNews | FeedNews | GapNews | DatabaseNews | DeliveryNews | SignNews


def dedupe_key(news: News) -> str:
    """What the news is about: alerts of one key arrive in order, and the newest one counts."""
    match news:
        case DriftNews():
            return f"{drifts_key(news.account)}/{news.wallet}/{news.asset}"
        case DriftsNews():
            return drifts_key(news.account)
        case FeedNews():
            return feed_key(news.account)
        case GapNews():
            return f"gap/{news.account}/{news.stream}"
        case DatabaseNews():
            return "database"
        case DeliveryNews():
            return f"delivery/{news.hook}"
        case SignNews():
            return f"sign/{news.name}"
        case _:
            assert_never(news)


def drifts_key(account: str) -> str:
    """Of many drifts that are told as one."""
    return f"drift/{account}"


def feed_key(account: str) -> str:
    return f"feed/{account}"


def alert_body(event: Event, news: News, id_: str, *, repeated: bool = False) -> bytes:
    """The JSON object that is sent.  Amounts are strings, times ISO 8601."""
    told: dict[str, Any] = {"event": str(event), "id": id_, "dedupe_key": dedupe_key(news)}
    told |= _fields(news)
    if repeated:
        told["repeated"] = True
    told["message"] = message(event, news, repeated=repeated)
    return msgspec.json.encode(told)


def _fields(news: News) -> dict[str, Any]:
    match news:
        case DriftNews():
            return _drift_fields(news)
        case DriftsNews():
            return {
                "account": news.account,
                "count": news.count,
                "drifts": [_drift_fields(each) for each in news.drifts],
                "detected_at": iso(news.detected_at),
            }
        case FeedNews():
            fields = {"account": news.account, "since": iso(news.since)}
            return fields | ({"reason": news.reason} if news.reason else {})
        case GapNews():
            return {
                "account": news.account,
                "stream": news.stream,
                "gap_from": iso(news.gap_from),
                "gap_until": iso(news.gap_until),
                "reason": news.reason,
            }
        case DatabaseNews():
            ended = {} if news.until is None else {"until": iso(news.until)}
            return {"since": iso(news.since)} | ended
        case DeliveryNews():
            fields = {"hook": news.hook, "since": iso(news.since)}
            if news.alert_id:
                fields |= {
                    "alert_id": news.alert_id,
                    "alert_event": news.alert_event,
                    "reason": news.reason,
                }
            return fields
        case SignNews():
            return {"process": news.name, "at": iso(news.at)}
        case _:
            assert_never(news)


def _drift_fields(news: DriftNews) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "account": news.account,
        "wallet": news.wallet,
        "asset": news.asset,
        "drift_id": news.drift_id,
        "expected": canonical(news.expected),
        "reported": canonical(news.reported),
        "difference": canonical(news.difference),
        "detected_at": iso(news.detected_at),
    }
    if news.closed_at is not None:
        fields["closed_at"] = iso(news.closed_at)
    if news.explanation:
        fields["explanation"] = news.explanation
    if news.candidates:
        fields["candidates"] = list(news.candidates[:CANDIDATES_MAX])
    return fields


def message(event: Event, news: News, *, repeated: bool = False) -> str:
    """One sentence for who is woken by it: what, where, how much, since when, what to do next."""
    said = _said(event, news)
    return f"Still so: {said}" if repeated else said


def _said(event: Event, news: News) -> str:
    match news:
        case DriftNews():
            return _said_of_drift(event, news)
        case DriftsNews():
            if event is Event.DRIFT_RESOLVED:
                return f"{news.account}: all drifts are over; the balances are explained again."
            return (
                f"{news.account}: {news.count} balances differ from what their records explain, "
                f"the first since {_clock(news.detected_at)}; "
                f"see: reconciler drift list --account {news.account}"
            )
        case FeedNews():
            return _said_of_feed(event, news)
        case GapNews():
            return (
                f"{news.account}: the exchange does not tell {news.stream} from "
                f"{_clock(news.gap_from)} to {_clock(news.gap_until)}: {news.reason}; "
                "the record stays incomplete there, see v_gaps."
            )
        case DatabaseNews() if news.until is None:
            return (
                f"The database can't be written since {_clock(news.since)}; nothing is lost, but "
                "nothing is recorded either: look at the disk, the server and the log."
            )
        case DatabaseNews():
            return (
                f"The database is written again; it was away from {_clock(news.since)} "
                f"to {_clock(news.until or 0)}."
            )
        case DeliveryNews() if news.alert_id:
            return (
                f"Alerts do not arrive by the hook {news.hook}: {news.alert_event} is tried since "
                f"{_clock(news.since)} ({news.reason}); mend it, then try: reconciler alerts test"
            )
        case DeliveryNews():
            return f"Alerts arrive by the hook {news.hook} again."
        case SignNews() if event is Event.TEST:
            return f"A test by {news.name} at {_clock(news.at)}; nothing happened."
        case SignNews():
            return f"All is well with {news.name} at {_clock(news.at)}: all parts make progress."
        case _:
            assert_never(news)


def _said_of_drift(event: Event, news: DriftNews) -> str:
    where = f"{news.account}, {news.wallet} {news.asset}"
    if event is Event.DRIFT_RESOLVED:
        why = f": {news.explanation}" if news.explanation else ""
        return f"{where}: the difference of {_signed(news.difference)} is over{why}."
    now = "now differs" if event is Event.DRIFT_CHANGED else "differs"
    maybe = f" (maybe: {news.candidates[0]})" if news.candidates else ""
    return (
        f"{where} {now} by {_signed(news.difference)} from what its records explain: "
        f"{canonical(news.reported)} is reported, {canonical(news.expected)} expected, since "
        f"{_clock(news.detected_at)}{maybe}; see: reconciler drift list --account {news.account}"
    )


def _said_of_feed(event: Event, news: FeedNews) -> str:
    why = f" ({news.reason})" if news.reason else ""
    match event:
        case Event.AUTH_REJECTED:
            return (
                f"{news.account}: {news.reason or 'the exchange refuses the API key'}; nothing of "
                "it is recorded until the key is mended at the exchange or replaced here, "
                "see: reconciler check"
            )
        case Event.FEED_DOWN:
            return (
                f"{news.account}: the feed is down since {_clock(news.since)}{why}; "
                "it is tried again, and what is missed will be read."
            )
        case _:
            return (
                f"{news.account}: the feed is live again since {_clock(news.since)}; "
                "what was missed has been read."
            )


def _signed(number: Decimal) -> str:
    return f"+{canonical(number)}" if number > 0 else canonical(number)


def _clock(moment: int) -> str:
    """To the second: nobody needs more at night."""
    return iso(moment // SECOND * SECOND)[:19].replace("T", " ") + " UTC"


def new_id(now: int, chance: Random) -> str:
    """A UUID of version 7 (RFC 9562): unique wherever it is made, and in the order of time."""
    milliseconds = now // 1000
    number = milliseconds << 80 | 0x7 << 76 | chance.getrandbits(12) << 64
    number |= 0b10 << 62 | chance.getrandbits(62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
