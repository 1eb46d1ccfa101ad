"""The exchange's time, as far as it was measured.

`public/time` tells whole seconds, so one answer says: the exchange's clock showed between s and s+1
at some moment between question and answer.  Answers at other fractions of the second narrow that
down.  All is kept against trio's clock, which nobody sets: a step of the wall clock changes nothing
here but `offset`.
"""

from reconciler.clock import Clock, steady
from reconciler.domain.moments import SECOND

DRIFT = 10_000
"""Clocks part by at most one microsecond in so many: 100 ppm, a poor quartz's error."""

STEP = SECOND
"""Our clock is corrected by less than that without anybody noticing; more is a step."""


class ExchangeClock:
    """Implements Clock for the exchange's side.  Before the first measurement it is our own."""

    def __init__(self, ours: Clock) -> None:
        self._ours = ours
        self._bounds: tuple[int, int] | None = None
        """Between which the exchange's time less trio's lies, as of `_measured_at`."""
        self._measured_at = 0
        self._skew = ours.now() - steady()

    def now(self) -> int:
        """Our wall clock's time, as far as the measurements allow that: most machines keep the time
        better than whole seconds can tell."""
        return self._corrected(self._ours.now())

    @property
    def offset(self) -> int:
        """What to add to a moment of ours to get the exchange's, microseconds."""
        ours = self._ours.now()
        return self._corrected(ours) - ours

    @property
    def uncertainty(self) -> int | None:
        """How far `now` may be from the truth, microseconds; None before the first measurement."""
        if self._bounds is None:
            return None
        now, at = self.now(), steady()
        low, high = self._widened(at)
        return max(now - (at + low), at + high - now)

    def learn(self, told: int, before: int, after: int) -> int:
        """The exchange told whole seconds (as microseconds) between two moments of `steady`.

        Returns by how much a clock, ours or theirs, was set since the last measurement; 0 if none.
        """
        low, high = told - after, told + SECOND - before
        skew, self._skew = self._skew, self._ours.now() - steady()
        stepped = skew - self._skew if abs(skew - self._skew) > STEP else 0
        if self._bounds is not None:
            known_low, known_high = self._widened(after)
            if low <= known_high and known_low <= high:
                low, high = max(low, known_low), min(high, known_high)
            else:
                stepped = (low + high - known_low - known_high) // 2
        self._bounds, self._measured_at = (low, high), after
        return stepped

    def until_telling(self) -> int:
        """How long to wait, in microseconds, until a question halves what is not known."""
        if self._bounds is None:
            return 0
        at = steady()
        low, high = self._widened(at)
        return -(at + (low + high) // 2) % SECOND

    def _corrected(self, ours: int) -> int:
        if self._bounds is None:
            return ours
        at = steady()
        low, high = self._widened(at)
        return min(max(ours, at + low), at + high)

    def _widened(self, at: int) -> tuple[int, int]:
        assert self._bounds is not None
        low, high = self._bounds
        drift = (at - self._measured_at) // DRIFT
        return low - drift, high + drift
