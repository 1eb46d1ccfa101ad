"""What a feed tells about itself while it runs: its phase and a few counts."""

from collections import Counter
from dataclasses import dataclass, field

import trio

from reconciler.domain.moments import MINUTE
from reconciler.domain.words import Phase
from reconciler.pulse import Pulse

ADMITTED = (Phase.AUTHORIZED, Phase.SUBSCRIBED, Phase.LIVE)
"""Where the exchange has taken the credentials."""

PATIENCE = 15 * MINUTE
"""A step of a feed may take so long: a call that is refused at every attempt, each time with the
longest pause that is kept, takes 13 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the reading of one stream is, in the exchange's time."""

    stream: str
    since: int
    at: int
    until: int
    rows: int
    rows_per_s: int
    left: int | None
    """Microseconds to go at this rate; None if nobody knows yet."""


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
    swept: Counter[str] = field(default_factory=Counter)
    """By stream, rows first learned by a sweep: of deals and orders, what their streams lost."""
    progress: Progress | None = None
    """Of a long reading of history, while there is one."""
    is_shown: bool = False
    """Whether somebody sees it at any moment, so that the log need not tell."""
    unproven: int = 0
    """Balances that every reading met with a push of the same asset: legal, no alarm."""
    doubts: int = 0
    """Assets in wallets whose balance, as reported, nothing explains yet."""
    last_reason: str = ""
    """Why the last session ended."""
    pulse: Pulse = field(default_factory=Pulse)
    """Of the session, and of the pauses between sessions."""
    polling: Pulse = field(default_factory=Pulse)
    """Of the balances that have no stream."""
    _waiting: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)
    _doubtful: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)

    def doubt(self, doubts: int) -> None:
        """So many assets are in doubt as of the last commit."""
        self.doubts = doubts
        if doubts:
            self._doubtful.unpark_all()

    async def until_doubtful(self) -> None:
        """Wait until anything is in doubt."""
        while not self.doubts:
            await self._doubtful.park()

    def tell(self, phase: Phase) -> None:
        """The feed has come to `phase`."""
        self.phase = phase
        if phase is Phase.WAITING:
            self.pulse.rest()
            self.polling.rest()
        else:
            self.move()
        self._waiting.unpark_all()

    def move(self, pause: int = 0) -> None:
        """The session has made a step; the next begins after so many microseconds."""
        self.pulse.beat(pause + PATIENCE)

    async def changed(self) -> None:
        """Wait until another phase is told."""
        await self._waiting.park()

    async def until_admitted(self) -> None:
        """If the credentials are refused, wait until they are taken: who asks for more than that
        with them can get the key restricted."""
        if self.phase is Phase.REFUSED:
            self.polling.rest()
            while self.phase not in ADMITTED:
                await self._waiting.park()

    async def until_live(self, session: int = 1) -> None:
        """Wait until a session is live, the `session`th of this process or a later one."""
        while self.phase is not Phase.LIVE or self.sessions < session:
            await self._waiting.park()
