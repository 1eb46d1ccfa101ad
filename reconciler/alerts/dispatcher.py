"""The dispatcher: brings what is pending to the hooks.

Of all processes of a database one is on duty, and takes turns at the record (`turn.py`): when
something was committed that tells, when an attempt has ended, when something is due.  Each hook has
a task of its own, so one that hangs delays no other.  What an attempt came to is kept in hand until
it is marked, so a database that goes away in between makes nobody hear twice.
"""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import trio

from reconciler.alerts import attempts
from reconciler.alerts.degraded import tell_degraded
from reconciler.alerts.figures import AlertFigures
from reconciler.alerts.heartbeat import beat
from reconciler.alerts.hook import Hook, Message
from reconciler.alerts.turn import Turn, Turns, Untold
from reconciler.alerts.voice import Voice
from reconciler.domain.moments import MINUTE, SECOND, seconds
from reconciler.holding import Holding
from reconciler.hop import Hop
from reconciler.log import Logger
from reconciler.pulse import Pulse
from reconciler.store.deliveries import Delivery, DeliveryState, Mark
from reconciler.store.engine import Database, DatabaseAway
from reconciler.world import World
from reconciler.writer import WriterFigures

DUTY = "alerts"

POLL = 5 * SECOND
"""How long an event that another process wrote may wait to be seen."""

AWAY_PAUSE = 1 * SECOND
"""Between two turns at a database that is away."""

TURN_MAX = 5 * MINUTE
"""A turn that takes longer is wedged."""

LAST_CHANCE_SECONDS = 5
"""For what is due when the process leaves; the rest waits for the next one."""

_HANDS_MAX = 1
"""A hook gets the next deliveries when it is done with those in its hands."""


class Dispatcher:
    """Delivers while it is on duty; outlives losing it."""

    def __init__(
        self,
        database: Database,
        voices: Sequence[Voice],
        hop: Hop,
        world: World,
        log: Logger,
        figures: AlertFigures,
        pulse: Pulse,
    ) -> None:
        self.figures = figures
        self._turns = Turns(database, [voice.audience for voice in voices], world.chance)
        self._voices = {voice.name: voice for voice in voices}
        self._hop = hop
        self._world = world
        self._log = log
        self._pulse = pulse
        self._marks: list[Mark] = []
        """What attempts came to, and is not on record yet."""
        self._busy: set[str] = set()
        self._bell = trio.Event()
        self._leaving = False
        self._quiet = trio.Event()

    def ring(self) -> None:
        """There is something to do."""
        self._bell.set()

    async def attend(self, holding: Holding) -> None:
        """Delivers, for ever, whenever no other process of the database does."""
        try:
            await holding.while_on_duty(DUTY, self._deliver, waits=self._off_duty)
        finally:
            self._quiet.set()

    async def _deliver(self) -> None:
        self.figures.is_on_duty = True
        self._busy.clear()
        hands: dict[str, trio.MemorySendChannel[Sequence[Delivery]]] = {}
        try:
            async with trio.open_nursery() as nursery:
                for name, voice in self._voices.items():
                    hands[name], due = trio.open_memory_channel[Sequence[Delivery]](_HANDS_MAX)
                    nursery.start_soon(self._speak, voice, due)
                await self._take_turns(hands)
        finally:
            self.figures.is_on_duty = False
            self._pulse.rest()
            self._off_duty()

    async def record(self, untold: Untold) -> None:
        """Puts on record what was told without it.  Raises DatabaseAway."""
        await self._hop(partial(self._turns.record, untold, now=self._world.clock.now()))
        self.ring()

    async def leave(self) -> None:
        """Returns when nothing is due any more, or somebody else sees to it.

        Who has just begun, and fails at once, does not know yet whether it is on duty.
        """
        self._leaving = True
        self.ring()
        await self._quiet.wait()

    def _off_duty(self) -> None:
        """Somebody else is on duty, or the database is away."""
        if self._leaving:
            self._quiet.set()

    async def _take_turns(
        self, hands: dict[str, trio.MemorySendChannel[Sequence[Delivery]]]
    ) -> None:
        while True:
            self._pulse.beat(TURN_MAX)
            self._bell = trio.Event()
            turn = await self._turn()
            pause = seconds(AWAY_PAUSE)
            if turn is not None:
                for name, due in turn.due.items():
                    if due:
                        self._busy.add(name)
                        hands[name].send_nowait(due)
                pause = self._pause(turn)
            is_done = not self._busy and not self._marks and pause > 0
            if self._leaving and (is_done or turn is None):
                self._quiet.set()
            with trio.move_on_after(pause):
                await self._bell.wait()

    async def _turn(self) -> Turn | None:
        """None if the database is away: whoever writes tells of it."""
        now, marks = self._world.clock.now(), tuple(self._marks)
        idle = [name for name in self._voices if name not in self._busy]
        take = partial(self._turns.take, marks, idle, now, hurry=self._leaving)
        try:
            turn = await self._hop(take)
        except DatabaseAway as away:
            self._log.debug("alerts.away", why=str(away))
            return None
        # No checkpoint since the commit: what is marked is not marked twice.
        del self._marks[: len(marks)]
        self._tell(turn, now)
        return turn

    def _tell(self, turn: Turn, now: int) -> None:
        figures = self.figures
        figures.pending = {hook: each.pending for hook, each in turn.backlog.items()}
        figures.oldest_at = {hook: each.oldest_at for hook, each in turn.backlog.items()}
        figures.muted += len(turn.muted)
        figures.turned_at = now
        for muted in turn.muted:
            self._log.info("alert.muted", about=muted.key, why=muted.why)

    def _pause(self, turn: Turn) -> float:
        """Until something is due."""
        now, next_at = self._world.clock.now(), turn.next_at
        left = math.inf if next_at is None else max(0, next_at - now)
        return min(seconds(POLL), left / SECOND)

    async def _speak(
        self, voice: Voice, hands: trio.MemoryReceiveChannel[Sequence[Delivery]]
    ) -> None:
        async for due in hands:
            for delivery in due:
                await self._attempt(voice, delivery)
            self._busy.discard(voice.name)
            self.ring()

    async def _attempt(self, voice: Voice, delivery: Delivery) -> None:
        message = Message(id=delivery.alert_id, event=delivery.event, body=delivery.body)
        failed = await voice.tell(message)
        now = self._world.clock.now()
        if failed is None:
            mark = attempts.sent(delivery, now=now)
        else:
            mark = attempts.failed(delivery, failed, now=now, chance=self._world.chance)
        if mark.state is DeliveryState.FAILED:
            self.figures.given_up[voice.name] += 1
            self._log.error("alert.given_up", hook=voice.name, id=delivery.alert_id)
        self._marks.append(mark)
        self.ring()


@asynccontextmanager
async def open_alerts(
    database: Database,
    hooks: Sequence[Hook],
    holding: Holding,
    hop: Hop,
    world: World,
    log: Logger,
    *,
    writer: WriterFigures,
    stuck: Callable[[], Sequence[str]],
    figures: AlertFigures,
    pulse: Pulse,
) -> AsyncIterator[Dispatcher]:
    """Delivers for as long as the block lasts, whenever no other process of the database does.

    Leaving gives what is due a last chance, so everything must be committed by then.
    """
    voices = [Voice(hook, figures, log) for hook in hooks]
    dispatcher = Dispatcher(database, voices, hop, world, log, figures, pulse)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dispatcher.attend, holding)
        nursery.start_soon(tell_degraded, voices, figures, writer, dispatcher.record, world)
        for voice in voices:
            nursery.start_soon(beat, voice, figures, writer, stuck, world)
        try:
            yield dispatcher
        finally:
            with trio.move_on_after(LAST_CHANCE_SECONDS, shield=True):
                await dispatcher.leave()
            nursery.cancel_scope.cancel()
