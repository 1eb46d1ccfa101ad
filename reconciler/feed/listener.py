"""What the listening to one account needs to know, in one frozen value."""

from dataclasses import dataclass

from reconciler.domain.facts import Fact
from reconciler.domain.words import Source, Wallet
from reconciler.feed.figures import Figures
from reconciler.feed.past import Past
from reconciler.feed.rest import Rest
from reconciler.inbox import Applied, Batch, Inbox, Span, committed
from reconciler.log import Logger
from reconciler.world import World


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

    def now(self) -> int:
        """The exchange's time, as well as it is known."""
        return self.world.clock.now() + self.rest.nonce.offset

    async def hand_over(self, source: Source, *facts: Fact) -> None:
        """Put facts into the inbox; returns when there is room, not when they are committed."""
        self.figures.facts += len(facts)
        await self.inbox.send(Batch(account=self.account, source=source, facts=facts))

    async def commit(
        self, source: Source, facts: tuple[Fact, ...], spans: tuple[Span, ...] = ()
    ) -> Applied:
        """Hand over and wait until it is in the database; says what was new."""
        self.figures.facts += len(facts)
        batch = Batch(account=self.account, source=source, facts=facts, spans=spans)
        return await committed(self.inbox, batch)
