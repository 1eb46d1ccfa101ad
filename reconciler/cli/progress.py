"""What a terminal shows of work that takes its time: a line for each account, drawn in place.

It only looks at the figures.  Where standard error is no terminal it shows nothing, and the log has
to do.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import trio
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from reconciler.domain.moments import SECOND, iso
from reconciler.feed.figures import Figures, Progress

DRAW_SECONDS = 0.25
BAR_COLUMNS = 24


@asynccontextmanager
async def shown(
    feeds: Mapping[str, Figures], console: Console, *, idle: bool = True
) -> AsyncIterator[None]:
    """The lines, for as long as the block lasts; afterwards they are gone.  Without `idle` only of
    accounts whose history is read."""
    if not console.is_terminal:
        yield
        return
    with Live(console=console, auto_refresh=False, transient=True) as display:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_draw, display, feeds, idle)
            yield
            nursery.cancel_scope.cancel()


async def _draw(display: Live, feeds: Mapping[str, Figures], idle: bool) -> None:
    while True:
        for figures in feeds.values():
            figures.is_shown = True
        drawn = {name: each for name, each in feeds.items() if idle or each.progress}
        display.update(lines(drawn), refresh=True)
        await trio.sleep(DRAW_SECONDS)


def lines(feeds: Mapping[str, Figures]) -> RenderableType:
    """A line for each account: how far the reading of history is, or else its phase."""
    grid = Table.grid(padding=(0, 2))
    for account, figures in feeds.items():
        if figures.progress is None:
            grid.add_row(account, figures.phase.value, "", f"{figures.facts:,} facts")
        else:
            grid.add_row(account, figures.progress.stream, *_progress(figures.progress))
    return grid


def _progress(progress: Progress) -> tuple[RenderableType, ...]:
    done, whole = progress.at - progress.since, progress.until - progress.since
    left = "" if progress.left is None else f"{_length(progress.left // SECOND)} left"
    return (
        ProgressBar(total=max(whole, 1), completed=done, width=BAR_COLUMNS),
        f"{progress.rows:,} rows",
        f"{progress.rows_per_s:,}/s",
        f"at {iso(progress.at)[:16]}",
        left,
    )


def _length(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}s"
