"""The nonces of one API key: Unix milliseconds by the exchange's clock, each used once.

`nonceWindow` accepts what lies within five seconds of the exchange's time and was not used before
(PROTOCOL § 1.8).  So that no restart uses one again, none is used above a number that is committed
first; that number is at most two seconds ahead, and the next process begins above it.

Decides only; `key` commits and waits.
"""

from dataclasses import dataclass

WINDOW_MS = 5_000
AHEAD_MS = 2_000
"""How far the committed number lies ahead.  A process that follows at once begins there, with three
seconds of the window left for the way and for what is not known of the exchange's clock."""

LATE_MS = 2_000
"""How far a nonce may lie behind, where the commit took longer than what it committed."""


@dataclass(frozen=True, slots=True)
class Commit:
    """No nonce before this number is committed."""

    upto: int


@dataclass(frozen=True, slots=True)
class Wait:
    """No nonce before the exchange's clock has gone so much further: milliseconds."""

    ms: int


class Nonce:
    """Of one key; `used_up` is what the last process committed."""

    def __init__(self, used_up: int = 0) -> None:
        self._last = self._committed = used_up

    def next(self, now: int) -> int | Commit | Wait:
        """A number greater than every one before it, at `now` milliseconds of the exchange."""
        committed = _credible(self._committed, now)
        number = max(_credible(self._last, now) + 1, min(now, committed))
        if number > now + AHEAD_MS:
            return Wait(number - now - AHEAD_MS)
        if number > committed or number < now - LATE_MS:
            return Commit(self.horizon(now))
        self._last = number
        return number

    def horizon(self, now: int) -> int:
        """The number to commit at `now`: never one below what was used or committed."""
        used = max(_credible(self._last, now), _credible(self._committed, now))
        return max(now + AHEAD_MS, used)

    def committed(self, upto: int) -> None:
        """This number is safe."""
        self._committed = upto

    def stale(self, now: int) -> None:
        """The exchange says that it knows the last one: whatever was used, begin above it."""
        self._last = max(_credible(self._last, now), now)


def _credible(number: int, now: int) -> int:
    """The number, or 0 if it lies further ahead than the window.

    Such a one is from a time when our clock was wrong and the exchange's not yet measured.  No
    nonce up there was ever accepted, so none is used up; to go on from there would lock the key
    out until the exchange's clock has come so far.
    """
    return number if number <= now + WINDOW_MS else 0
