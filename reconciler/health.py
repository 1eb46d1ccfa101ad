"""Whether the daemon gets on, and whether its record is current: two questions, told apart.

*Stuck* is a loop that has broken its promise (`pulse.py`): nothing but a new start helps, so the
watchdog lets the process be killed.  *Degraded* is a daemon that works and waits for the world: the
exchange or the database is away, history is being read, another process holds the account.  Both
are read from figures; nothing is asked or changed here.  An event loop that does not turn can't
ask at all, which is what the watchdog's own deadline is for.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures, Progress
from reconciler.pulse import Pulse
from reconciler.writer import WriterFigures


class Running(Protocol):
    """What is read of a running daemon; `daemon.Running` is one."""

    @property
    def feeds(self) -> Mapping[str, Figures]: ...
    @property
    def writer(self) -> WriterFigures: ...
    @property
    def loops(self) -> Mapping[str, Pulse]:
        """All others, by a name that a person understands."""
        ...


def stuck(running: Running, now: int) -> tuple[str, ...]:
    """The loops that make no progress, as of `now` on `clock.steady`; () where all is well.

    An idle daemon is not stuck, nor is one whose exchange or database is away.  While the database
    is, the feeds stand still because nobody takes what they have.
    """
    return tuple(_stuck(running, now))


def _stuck(running: Running, now: int) -> Iterator[str]:
    yield from (name for name, pulse in running.loops.items() if pulse.is_overdue(now))
    if running.writer.away_since is None:
        for account, feed in running.feeds.items():
            if feed.pulse.is_overdue(now) or feed.polling.is_overdue(now):
                yield f"feed of {account}"


def degraded(running: Running) -> tuple[str, ...]:
    """Why the record is not current, a few words each; () where every account is live."""
    return tuple(_degraded(running))


def _degraded(running: Running) -> Iterator[str]:
    if running.writer.away_since is not None:
        yield "the database is away"
    for account, feed in running.feeds.items():
        match feed.phase:
            case Phase.LIVE:
                pass
            case Phase.WAITING:
                yield f"{account}: another process holds it"
            case Phase.DOWN:
                yield f"{account}: {feed.last_reason}"
            case Phase.REFUSED:
                yield f"{account}: {feed.last_reason}, see: reconciler check"
            case Phase.SUBSCRIBED:
                yield f"{account}: reading history{_percent(feed.progress)}"
            case _:
                yield f"{account}: {feed.phase}"


def _percent(progress: Progress | None) -> str:
    """How far a long reading is."""
    if progress is None or progress.until <= progress.since:
        return ""
    share = 100 * (progress.at - progress.since) // (progress.until - progress.since)
    return f", {progress.stream} {min(max(share, 0), 100)}%"
