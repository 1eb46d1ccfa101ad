"""What a feed tells about itself while it runs: its phase and a few counts."""

from dataclasses import dataclass, field

import trio

from reconciler.domain.words import Phase


@dataclass(slots=True)
class Figures:
    """Of one account, since the start of the process.  Written by its feed alone."""

    account: str
    phase: Phase = Phase.CONNECTING
    sessions: int = 0
    """Connections that got as far as a WebSocket."""
    lives: int = 0
    """Those that became live."""
    frames: int = 0
    facts: int = 0
    unreadable: int = 0
    surplus: int = 0
    """Fields that the exchange sends and we do not know."""
    bugs: int = 0
    """Sessions ended by a fault of ours, told apart from outages."""
    recovered_deals: int = 0
    """Deals first learned by a backfill after a connection was lost."""
    swept: int = 0
    """Deals first learned by a sweep: what the stream did not say."""
    unproven: int = 0
    """Balances that every reading met with a push of the same asset: legal, no alarm."""
    last_reason: str = ""
    """Why the last session ended."""
    _waiting: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)

    def tell(self, phase: Phase) -> None:
        """The feed has come to `phase`."""
        self.phase = phase
        self._waiting.unpark_all()

    async def until_live(self, session: int = 1) -> None:
        """Wait until a session is live, the `session`th of this process or a later one."""
        while self.phase is not Phase.LIVE or self.sessions < session:
            await self._waiting.park()
