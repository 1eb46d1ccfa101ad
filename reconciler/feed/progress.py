"""How far a long reading of history is: in the figures at any time, and in the log now and then
where nobody looks at them."""

from reconciler.domain.moments import SECOND, iso
from reconciler.feed.figures import Progress
from reconciler.feed.listener import Listener

SHORT = 2 * SECOND
"""A reading that takes no longer is not worth a word."""

TOLD_EVERY = 10 * SECOND


class Meter:
    """Of one stream's reading, from `since` to `until`."""

    def __init__(self, on: Listener, stream: str, since: int, until: int) -> None:
        self._on = on
        self._stream = stream
        self._since, self._until = since, until
        self._began = self._told = on.world.clock.now()
        self.rows = 0

    def reach(self, at: int) -> None:
        """So much of the time is read, reckoned from `since`."""
        now = self._on.world.clock.now()
        elapsed = now - self._began
        if elapsed < SHORT:
            return
        done, whole = at - self._since, self._until - self._since
        progress = self._on.figures.progress = Progress(
            stream=self._stream,
            since=self._since,
            at=at,
            until=self._until,
            rows=self.rows,
            rows_per_s=self.rows * SECOND // elapsed,
            left=elapsed * (whole - done) // done if done > 0 else None,
        )
        if now - self._told >= TOLD_EVERY and not self._on.figures.is_shown:
            self._told = now
            self._on.log.info(
                "backfill.progress",
                stream=self._stream,
                reached=iso(at),
                until=iso(self._until),
                rows=progress.rows,
                rows_per_s=progress.rows_per_s,
                left_s=None if progress.left is None else progress.left // SECOND,
            )

    def end(self) -> None:
        """It is over, whatever it came to."""
        self._on.figures.progress = None
