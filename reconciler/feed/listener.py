"""What the listening to one account needs to know, in one frozen value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from reconciler.domain.facts import Fact, Frame, Unreadable
from reconciler.domain.words import Source, Wallet
from reconciler.feed.circuits import Circuits
from reconciler.feed.figures import Figures
from reconciler.feed.past import Past
from reconciler.feed.recall import Recall
from reconciler.feed.rest import Rest
from reconciler.inbox import Applied, Batch, Hold, Inbox, Span, committed
from reconciler.log import Logger
from reconciler.world import World

UNREADABLE_LOGGED_MAX = 1_000
"""Of one account in one process.  All are counted and kept in `v_quarantine`; a flood of them
should not become a flood of log lines too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One account: where its answers come from, where its facts go, and the times agreed on.

    Durations are in microseconds, `since` is a moment.
    """

    account: str
    wallets: frozenset[Wallet]
    markets: tuple[str, ...]
    """The markets asked for; empty for all that the exchange lists."""
    ws_url: str
    rest: Rest
    past: Past
    inbox: Inbox
    hold: Hold | None
    """Under which its facts are written; None where nobody else can write."""
    world: World
    figures: Figures
    log: Logger
    ping_interval: int
    ping_timeout: int
    backoff_min: int
    backoff_max: int
    since: int
    """Where a record that holds nothing yet begins."""
    overlap: int
    sweep: int
    poll: int
    circuits: Circuits = field(default_factory=Circuits)
    """The streams that the key may not read."""
    recall: Recall = field(default_factory=Recall)

    def now(self) -> int:
        """The exchange's time, as well as it is known."""
        return self.rest.exchange.now()

    async def hand_over(
        self,
        source: Source,
        facts: Sequence[Fact],
        ack: Callable[[Applied], None] | None = None,
        *,
        frames: Sequence[Frame] = (),
    ) -> None:
        """Put facts, and the frames that they were read from, into the inbox; returns when there is
        room, not when they are committed."""
        self._count(facts)
        await self.inbox.send(
            Batch(
                account=self.account,
                source=source,
                facts=tuple(facts),
                frames=tuple(frames),
                hold=self.hold,
                ack=self._learn if ack is None else partial(self._learn, ack=ack),
            )
        )

    async def commit(
        self,
        source: Source,
        facts: Sequence[Fact],
        spans: tuple[Span, ...] = (),
        *,
        frames: Sequence[Frame] = (),
    ) -> Applied:
        """Hand over and wait until it is in the database; says what was new."""
        self._count(facts)
        batch = Batch(
            account=self.account,
            source=source,
            facts=tuple(facts),
            frames=tuple(frames),
            spans=spans,
            hold=self.hold,
        )
        applied = await committed(self.inbox, batch)
        self.figures.doubt(applied.doubts)
        return applied

    def _learn(self, applied: Applied, ack: Callable[[Applied], None] | None = None) -> None:
        self.figures.doubt(applied.doubts)
        if ack is not None:
            ack(applied)

    def _count(self, facts: Sequence[Fact]) -> None:
        self.figures.facts += len(facts)
        for fact in facts:
            if isinstance(fact, Unreadable):
                self.figures.unreadable += 1
                if self.figures.unreadable <= UNREADABLE_LOGGED_MAX:
                    self.log.warning("frame.unreadable", stream=fact.stream, reason=fact.reason)
