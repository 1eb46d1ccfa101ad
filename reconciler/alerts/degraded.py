"""What can't wait for the database, as that is what is away: told straight from memory.

The hooks hear it from the process that was last on duty.  It is put on record, and so is who has
heard it, when the database is back; then its end is an event like any other.
"""

from collections.abc import Awaitable, Callable, Sequence

import trio

from reconciler.alerts.figures import AlertFigures
from reconciler.alerts.hook import Message
from reconciler.alerts.routing import hears
from reconciler.alerts.turn import Untold
from reconciler.alerts.voice import Voice
from reconciler.backoff import delays
from reconciler.domain.events import DatabaseNews, Event, alert_body, new_id
from reconciler.domain.moments import MINUTE, SECOND, seconds
from reconciler.store.engine import DatabaseAway
from reconciler.world import World
from reconciler.writer import WriterFigures

DEGRADED_AFTER = 30 * SECOND
"""A restart of the database is no alarm."""

DUTY_REMEMBERED = 10 * MINUTE
"""With the database goes the duty, before or after the writer notices."""

LOOK_SECONDS = 1
PAUSE_MIN_S, PAUSE_MAX_S = 1.0, 60.0

GRACE_SECONDS = 10
"""For an attempt that is under way when the database is back: cut short, it may be made twice."""


async def tell_degraded(
    voices: Sequence[Voice],
    figures: AlertFigures,
    writer: WriterFigures,
    record: Callable[[Untold], Awaitable[None]],
    world: World,
) -> None:
    """Tells, for ever, when the database has been away for a while."""
    on_duty_until = 0.0
    while True:
        if figures.is_on_duty:
            on_duty_until = trio.current_time() + seconds(DUTY_REMEMBERED)
        since, now = writer.away_since, world.clock.now()
        is_ours = trio.current_time() < on_duty_until
        if since is not None and is_ours and now - since >= DEGRADED_AFTER:
            untold = _degraded(since, now, world)
            await _tell_while_away(untold, voices, writer, world)
            await _recorded(untold, record)
        await trio.sleep(LOOK_SECONDS)


def _degraded(since: int, now: int, world: World) -> Untold:
    id_, news = new_id(now, world.chance), DatabaseNews(since=since)
    event = Event.DATABASE_DEGRADED
    message = Message(id=id_, event=str(event), body=alert_body(event, news, id_))
    return Untold(event=event, news=news, message=message, at=now)


async def _tell_while_away(
    untold: Untold, voices: Sequence[Voice], writer: WriterFigures, world: World
) -> None:
    """Tries each hook until it has it, or the database is back."""

    async def until_told(voice: Voice) -> None:
        for pause in delays(world.chance, first=PAUSE_MIN_S, most=PAUSE_MAX_S):
            if await voice.tell(untold.message) is None:
                untold.told[voice.name] = world.clock.now()
                return
            with trio.move_on_after(pause):
                await _until_back(writer)
                return

    async with trio.open_nursery() as nursery:
        for voice in voices:
            if hears(voice.audience, untold.event, untold.news):
                nursery.start_soon(until_told, voice)
        await _until_back(writer)
        nursery.cancel_scope.deadline = trio.current_time() + GRACE_SECONDS


async def _until_back(writer: WriterFigures) -> None:
    while writer.away_since is not None:  # noqa: ASYNC110 - the writer has better to do than to tell
        await trio.sleep(LOOK_SECONDS)


async def _recorded(untold: Untold, record: Callable[[Untold], Awaitable[None]]) -> None:
    while True:
        try:
            await record(untold)
        except DatabaseAway:
            await trio.sleep(LOOK_SECONDS)
        else:
            return
