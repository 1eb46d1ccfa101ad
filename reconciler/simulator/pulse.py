"""How fast the traders live: so many operations per second, paused, or by hand."""

from collections.abc import Awaitable, Callable

from reconciler.simulator.life import Traders

TICK_S = 0.02


class Pulse:
    """Of one exchange's traders."""

    def __init__(self, traders: Traders, rate: float) -> None:
        self._traders = traders
        self.rate = rate
        """Operations per second while it isn't paused."""
        self.is_paused = False

    def pause(self) -> None:
        """No operation by itself any more."""
        self.is_paused = True

    def resume(self, rate: float | None = None) -> None:
        """Goes on, at another rate if one is given."""
        self.is_paused = False
        if rate is not None:
            self.rate = max(rate, 0.0)

    def advance(self, steps: int) -> None:
        """So many operations at once."""
        for _ in range(steps):
            self._traders.step()

    async def run(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Until cancelled."""
        due = 0.0
        while True:
            await sleep(TICK_S)
            if not self.is_paused:
                due += self.rate * TICK_S
                steps = int(due)
                due -= steps
                self.advance(steps)
