"""One turn of the dispatcher at the record: what attempts came to is marked, what happened is
routed, and what is due is fetched.

Each turn writes at most one short transaction, and none where nothing is to be written, so that it
doesn't stand in the writer's way.  Whether a turn whose commit was not confirmed had taken place
makes no difference to the next.  Calls block; in the event loop they go through a Hop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import msgspec
from sqlalchemy import Connection

from reconciler.alerts.attempts import TRIED_FOR, is_late
from reconciler.alerts.episodes import Board, Episode, Group
from reconciler.alerts.hook import Message
from reconciler.alerts.routing import Audience, Happened, Muted, Routed, as_told, hears, route
from reconciler.domain.events import (
    DatabaseNews,
    DeliveryNews,
    Event,
    alert_body,
    dedupe_key,
    new_id,
)
from reconciler.domain.moments import HOUR
from reconciler.store import deliveries as rows
from reconciler.store.deliveries import Backlog, Delivery, DeliveryState, Mark
from reconciler.store.engine import Database
from reconciler.store.outbox import Outbox

EVENTS_MAX = 500
"""Routed at once: some ten milliseconds."""

HEADS_MAX = 8
"""Handed to a hook at once, each of another subject."""

TRIM_PAUSE = 1 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the record says after a turn."""

    due: Mapping[str, Sequence[Delivery]]
    """By hook, of those that were asked for."""
    next_at: int | None
    """When there will be more, if nothing happens."""
    backlog: Mapping[str, Backlog]
    muted: Sequence[Muted] = ()


@dataclass(slots=True, kw_only=True)
class Untold:
    """Something that was told, or tried to be, while it could not be written."""

    event: Event
    news: DatabaseNews
    message: Message
    at: int
    told: dict[str, int] = field(default_factory=dict)
    """When each hook got it, of those that did."""


class Turns:
    """Takes turns; remembers only when the next routing and trimming are due."""

    def __init__(self, database: Database, audience: Sequence[Audience], chance: Random) -> None:
        self._database = database
        self._audience = tuple(audience)
        self._chance = chance
        self._routing_due: int | None = 0
        self._trim_due = 0

    def take(
        self, marks: Sequence[Mark], idle: Sequence[str], now: int, *, hurry: bool = False
    ) -> Turn:
        """Marks, routes, and fetches what is due at hooks that are idle.  Raises DatabaseAway."""
        muted: Sequence[Muted] = ()
        is_due = self._routing_due is not None and self._routing_due <= now
        if not (marks or is_due or hurry or self._trim_due <= now):
            with self._database.reading() as connection:
                if not rows.is_any_waiting(connection):
                    return self._look(connection, idle, now)
        with self._database.writing() as connection:
            rows.alone(connection)
            _mark(connection, marks)
            trim_due = self._trim(connection, now)
            routed = None
            if is_due or hurry or rows.is_any_waiting(connection):
                routed = self._route(connection, now, hurry=hurry)
        self._trim_due = trim_due
        if routed is not None:
            self._routing_due, muted = routed.due, routed.muted
        with self._database.reading() as connection:
            return self._look(connection, idle, now, muted)

    def record(self, untold: Untold, *, now: int) -> None:
        """Puts on record what was told without it, and that its cause is over.

        Who has got it does not get it again; who has not will.  Raises DatabaseAway.
        """
        message, news = untold.message, untold.news
        hooks = [each.name for each in self._audience if hears(each, untold.event, news)]
        with self._database.writing() as connection:
            rows.alone(connection)
            if rows.is_known(connection, message.id):
                return
            self._route(connection, now, hurry=False)
            outbox = Outbox()
            number = outbox.put(connection, untold.event, news, now=untold.at)
            rows.set_routed(connection, [number or 0], now=now)
            board = _decoded(rows.board(connection))
            what = Happened(event=untold.event, news=news, at=untold.at)
            rows.put_board(connection, _changes(board, as_told(board, what, hooks)))
            key = dedupe_key(news)
            rows.put_alert(
                connection, message.id, untold.event, key, message.body, hooks, now=untold.at
            )
            for hook, at in untold.told.items():
                rows.set_sent(connection, message.id, hook, at=at)
            over = DatabaseNews(since=news.since, until=now)
            outbox.put(connection, Event.DATABASE_RECOVERED, over, now=now)
        self._routing_due = now

    def _route(self, connection: Connection, now: int, *, hurry: bool) -> Routed:
        """Makes alerts of what waits."""
        waiting = rows.waiting(connection, EVENTS_MAX)
        board = _decoded(rows.board(connection))
        happened = [Happened(event=each.event, news=each.news, at=each.at) for each in waiting]
        routed = route(board, happened, self._audience, now=now, hurry=hurry)
        for alert in routed.alerts:
            id_ = new_id(now, self._chance)
            body = alert_body(alert.event, alert.news, id_, repeated=alert.repeated)
            key = dedupe_key(alert.news)
            rows.put_alert(connection, id_, alert.event, key, body, alert.hooks, now=now)
        rows.set_routed(connection, [each.number for each in waiting], now=now)
        rows.put_board(connection, _changes(board, routed.board))
        return replace(routed, due=now) if len(waiting) == EVENTS_MAX else routed

    def _trim(self, connection: Connection, now: int) -> int:
        """When it is due again."""
        if self._trim_due > now:
            return self._trim_due
        rows.give_up(connection, self._names(), before=now - TRIED_FOR)
        return now if rows.trim(connection, now=now) else now + TRIM_PAUSE

    def _look(
        self, connection: Connection, idle: Sequence[str], now: int, muted: Sequence[Muted] = ()
    ) -> Turn:
        later = rows.next_due(connection, self._names(), now=now)
        dues = [at for at in (later, self._routing_due) if at is not None]
        return Turn(
            due={hook: rows.due(connection, hook, now=now, most=HEADS_MAX) for hook in idle},
            next_at=min(dues, default=None),
            backlog=rows.backlog(connection),
            muted=muted,
        )

    def _names(self) -> list[str]:
        return [each.name for each in self._audience]


def _mark(connection: Connection, marks: Sequence[Mark]) -> None:
    """Notes what attempts came to; if they fail for long, the other hooks tell of it."""
    outbox = Outbox()
    heard: dict[str, int] = {}
    for mark in marks:
        rows.mark(connection, mark)
        if is_late(mark):
            outbox.put(connection, Event.DELIVERY_FAILED, _failed(mark), now=mark.at)
        elif mark.state is DeliveryState.SENT:
            heard[mark.delivery.hook] = mark.at
    for hook, at in heard.items():
        if not rows.is_any_retried(connection, hook):
            news = DeliveryNews(hook=hook, since=at)
            outbox.put(connection, Event.DELIVERY_RECOVERED, news, now=at)


def _failed(mark: Mark) -> DeliveryNews:
    return DeliveryNews(
        hook=mark.delivery.hook,
        since=mark.delivery.created_at,
        alert_id=mark.delivery.alert_id,
        alert_event=mark.delivery.event,
        reason=mark.problem or "",
    )


def _decoded(texts: Mapping[str, str]) -> Board:
    return {key: _SUBJECT.decode(text) for key, text in texts.items()}


def _changes(before: Board, after: Board) -> dict[str, str | None]:
    changed: dict[str, str | None] = dict.fromkeys(before.keys() - after.keys())
    for key, one in after.items():
        if before.get(key) != one:
            changed[key] = msgspec.json.encode(one).decode()
    return changed


_SUBJECT: msgspec.json.Decoder[Episode | Group] = msgspec.json.Decoder(Episode | Group)
