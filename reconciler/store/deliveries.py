"""The rows of what is told: events that wait to be routed, the board, alerts and their deliveries.

A delivery is pending until it is sent or given up, and is never sent again after it was marked.  Of
each hook and dedupe key the oldest pending one is the head, and only heads are due.  What the rows
mean is decided by `alerts`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, delete, func, insert, literal_column, select, update

from reconciler.domain.events import Event, News
from reconciler.domain.moments import DAY
from reconciler.store.schema import alerts, deliveries, episodes, events, is_pending, is_unrouted

KEPT = 90 * DAY
"""How long alerts and events stay, for people to look back."""

ROWS_TRIMMED_MAX = 500
"""At once: a few milliseconds."""

_ADVISORY_LOCK = 0x7265636F6E62
"""Of the transactions that route; see `store.migrate` for the other one."""


class DeliveryState(StrEnum):
    """As the view shows it."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """Given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An event that is not routed yet."""

    number: int
    event: Event
    news: News
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One alert that is due at one hook."""

    number: int
    alert_id: str
    event: str
    body: bytes
    hook: str
    attempts: int
    """Made so far."""
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an attempt came to."""

    delivery: Delivery
    state: DeliveryState
    at: int
    next_at: int
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits for one hook."""

    pending: int
    oldest_at: int


def alone(connection: Connection) -> None:
    """Until the transaction ends nobody else routes; who does now is waited for.  On SQLite that is
    so of itself."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK:d})")


# Events


def is_any_waiting(connection: Connection) -> bool:
    """Whether an event is not routed yet."""
    query = select(events.c.number).where(is_unrouted).limit(1)
    return connection.execute(query).first() is not None


def waiting(connection: Connection, most: int) -> list[Waiting]:
    """The oldest events that are not routed yet."""
    query = select(events).where(is_unrouted).order_by(events.c.number).limit(most)
    return [
        Waiting(
            number=row.number,
            event=Event(row.event),
            news=_NEWS.decode(row.news),
            at=row.occurred_at,
        )
        for row in connection.execute(query)
    ]


def set_routed(connection: Connection, numbers: Sequence[int], *, now: int) -> None:
    """These are dealt with."""
    connection.execute(update(events).where(events.c.number.in_(numbers)).values(routed_at=now))


_NEWS: msgspec.json.Decoder[News] = msgspec.json.Decoder(News)


# The board


def board(connection: Connection) -> dict[str, str]:
    """What is known of each subject, by dedupe key."""
    rows = connection.execute(select(episodes.c.dedupe_key, episodes.c.episode))
    return {row.dedupe_key: row.episode for row in rows}


def put_board(connection: Connection, changed: Mapping[str, str | None]) -> None:
    """Writes what has changed; None is forgotten."""
    if not changed:
        return
    connection.execute(delete(episodes).where(episodes.c.dedupe_key.in_(changed)))
    rows = [{"dedupe_key": key, "episode": text} for key, text in changed.items() if text]
    if rows:
        connection.execute(insert(episodes), rows)


# Alerts and deliveries


def put_alert(
    connection: Connection,
    alert_id: str,
    event: Event,
    key: str,
    body: bytes,
    hooks: Iterable[str],
    *,
    now: int,
) -> None:
    """A new alert, pending at each hook."""
    connection.execute(
        insert(alerts).values(
            alert_id=alert_id,
            event=str(event),
            dedupe_key=key,
            body=body.decode(),
            created_at=now,
        )
    )
    rows = [
        {
            "alert_id": alert_id,
            "hook": hook,
            "dedupe_key": key,
            "state": str(DeliveryState.PENDING),
            "attempts": 0,
            "next_at": now,
        }
        for hook in hooks
    ]
    if rows:
        connection.execute(insert(deliveries), rows)


def is_known(connection: Connection, alert_id: str) -> bool:
    """Whether the alert is on record."""
    query = select(alerts.c.alert_id).where(alerts.c.alert_id == alert_id)
    return connection.execute(query).first() is not None


def set_sent(connection: Connection, alert_id: str, hook: str, *, at: int) -> None:
    """An alert that was delivered before it could be written."""
    one = (deliveries.c.alert_id == alert_id) & (deliveries.c.hook == hook)
    sent = update(deliveries).where(one)
    connection.execute(sent.values(state=str(DeliveryState.SENT), attempts=1, sent_at=at))


def due(connection: Connection, hook: str, *, now: int, most: int) -> list[Delivery]:
    """The heads that may be tried now, oldest first."""
    d, before = deliveries.c, deliveries.alias("before")
    is_behind = (
        select(before.c.number)
        .where(
            before.c.hook == d.hook,
            before.c.dedupe_key == d.dedupe_key,
            before.c.state == literal_column("'pending'"),
            before.c.number < d.number,
        )
        .exists()
    )
    query = (
        select(d.number, d.alert_id, alerts.c.event, alerts.c.body, d.attempts, alerts.c.created_at)
        .join(alerts, alerts.c.alert_id == d.alert_id)
        .where(d.hook == hook, is_pending, d.next_at <= now, ~is_behind)
        .order_by(d.number)
        .limit(most)
    )
    return [
        Delivery(
            number=row.number,
            alert_id=row.alert_id,
            event=row.event,
            body=row.body.encode(),
            hook=hook,
            attempts=row.attempts,
            created_at=row.created_at,
        )
        for row in connection.execute(query)
    ]


def next_due(connection: Connection, hooks: Sequence[str], *, now: int) -> int | None:
    """When the next attempt is due that is not due now."""
    d = deliveries.c
    query = select(func.min(d.next_at)).where(is_pending, d.hook.in_(hooks), d.next_at > now)
    found: int | None = connection.execute(query).scalar()
    return found


def mark(connection: Connection, one: Mark) -> None:
    """Notes what an attempt came to; what is sent or given up stays so."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.number == one.delivery.number, is_pending)
        .values(
            state=str(one.state),
            attempts=one.delivery.attempts + 1,
            next_at=one.next_at,
            sent_at=one.at if one.state is DeliveryState.SENT else None,
            last_error=one.problem,
        )
    )


def is_any_retried(connection: Connection, hook: str) -> bool:
    """Whether something waits at the hook that has failed before."""
    d = deliveries.c
    query = select(d.number).where(d.hook == hook, is_pending, d.attempts > 0).limit(1)
    return connection.execute(query).first() is not None


def backlog(connection: Connection) -> dict[str, Backlog]:
    """What waits, by hook."""
    d = deliveries.c
    query = (
        select(d.hook, func.count(), func.min(alerts.c.created_at))
        .join(alerts, alerts.c.alert_id == d.alert_id)
        .where(is_pending)
        .group_by(d.hook)
    )
    rows = connection.execute(query)
    return {hook: Backlog(pending=count, oldest_at=oldest) for hook, count, oldest in rows}


# What is old


def give_up(connection: Connection, hooks: Sequence[str], *, before: int) -> None:
    """What waits since `before` for a hook that is none of these will wait for ever."""
    old = select(alerts.c.alert_id).where(alerts.c.created_at < before)
    connection.execute(
        update(deliveries)
        .where(is_pending, deliveries.c.hook.not_in(hooks), deliveries.c.alert_id.in_(old))
        .values(
            state=str(DeliveryState.FAILED),
            last_error="no hook of this name is configured any more",
        )
    )


def trim(connection: Connection, *, now: int) -> bool:
    """Deletes some of what is too old, and not pending.  Returns whether there may be more.

    The newest event of each subject stays: by it is told what is news.
    """
    pending = select(deliveries.c.alert_id).where(is_pending)
    old_alerts = (
        select(alerts.c.alert_id)
        .where(alerts.c.created_at < now - KEPT, alerts.c.alert_id.not_in(pending))
        .limit(ROWS_TRIMMED_MAX)
    )
    ids = list(connection.execute(old_alerts).scalars())
    if ids:
        connection.execute(delete(deliveries).where(deliveries.c.alert_id.in_(ids)))
        connection.execute(delete(alerts).where(alerts.c.alert_id.in_(ids)))
    later = events.alias("later")
    is_followed = (
        select(later.c.number)
        .where(later.c.dedupe_key == events.c.dedupe_key, later.c.number > events.c.number)
        .exists()
    )
    old_events = (
        select(events.c.number)
        .where(events.c.occurred_at < now - KEPT, ~is_unrouted, is_followed)
        .order_by(events.c.number)
        .limit(ROWS_TRIMMED_MAX)
    )
    numbers = list(connection.execute(old_events).scalars())
    if numbers:
        connection.execute(delete(events).where(events.c.number.in_(numbers)))
    return ROWS_TRIMMED_MAX in (len(ids), len(numbers))
