"""The dead man's switch: a sign of life, whose absence tells what a dead process can't.

Sent only while every part makes progress and the record can be written, by the process that is on
duty.  It is not kept, and one that fails is not sent again: the next one follows.
"""

from collections.abc import Callable, Sequence

import trio

from reconciler.alerts.figures import AlertFigures
from reconciler.alerts.hook import Message
from reconciler.alerts.voice import Voice
from reconciler.domain.events import Event, SignNews, alert_body, new_id
from reconciler.domain.moments import seconds
from reconciler.world import World
from reconciler.writer import WriterFigures

LOOK_SECONDS = 1


async def beat(
    voice: Voice,
    figures: AlertFigures,
    writer: WriterFigures,
    stuck: Callable[[], Sequence[str]],
    world: World,
) -> None:
    """Beats, for ever, if the hook asks for it."""
    interval = seconds(voice.hook.heartbeat)
    if not interval:
        return
    while True:
        next_at = trio.current_time() + interval
        if figures.is_on_duty and writer.away_since is None and not stuck():
            await voice.tell(_sign(world))
            await trio.sleep_until(next_at)
        else:
            await trio.sleep(LOOK_SECONDS)


def _sign(world: World) -> Message:
    now = world.clock.now()
    id_, event = new_id(now, world.chance), Event.HEARTBEAT
    news = SignNews(name=world.name, at=now)
    return Message(id=id_, event=str(event), body=alert_body(event, news, id_))
