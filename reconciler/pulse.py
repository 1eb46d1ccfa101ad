"""A loop's promise to be heard of again, by which a wedged one is told from an idle one.

Whoever works says how long it may take until the next sign of life; whoever only waits for others
promises nothing.  Kept against trio's clock, so a step of the wall clock changes nothing.  What to
do about a broken promise is not decided here.
"""

from dataclasses import dataclass

from reconciler.clock import steady


@dataclass(slots=True)
class Pulse:
    """Of one loop; it alone writes here."""

    due: int | None = None
    """By when there must be another sign of life, on `clock.steady`; None: when others want
    something."""

    def beat(self, within: int) -> None:
        """Alive, and to be heard of again within so many microseconds.  A longer promise that was
        made before still holds."""
        due = steady() + within
        self.due = due if self.due is None else max(self.due, due)

    def rest(self) -> None:
        """Nothing to do until somebody wants something."""
        self.due = None

    def is_overdue(self, now: int) -> bool:
        """Whether the promise is broken, as of `now` on `clock.steady`."""
        return self.due is not None and now > self.due
