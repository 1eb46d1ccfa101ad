"""What a terminal shows of long work: a line for each account, gone when it is over."""

import io

import pytest
import trio
from rich.console import Console

from reconciler.cli.progress import lines, shown
from reconciler.domain.moments import HOUR, MINUTE, SECOND
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures, Progress
from tests.running import run
from tests.store.samples import NOON


def drawn(figures: Figures) -> list[str]:
    """The words of the line; the bar's are its length."""
    console = Console(width=140, file=io.StringIO(), color_system=None, legacy_windows=False)
    with console.capture() as text:
        console.print(lines({figures.account: figures}))
    return text.get().split()


def reading(left: int | None) -> Figures:
    progress = Progress(
        stream="deals",
        since=NOON - 4 * HOUR,
        at=NOON - 3 * HOUR,
        until=NOON,
        rows=12_345,
        rows_per_s=678,
        left=left,
    )
    return Figures("treasury", progress=progress)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (None, ""),
        (42 * SECOND, "42s left"),
        (3 * MINUTE + 5 * SECOND, "3m 05s left"),
        (26 * HOUR + 7 * MINUTE, "26h 07m left"),
    ],
)
def test_a_long_reading_says_how_far_it_is(left: int | None, words: str) -> None:
    account, stream, bar, *rest = drawn(reading(left))
    assert (account, stream) == ("treasury", "deals")
    assert 0 < len(bar.rstrip("╺")) <= 24
    assert " ".join(rest) == f"12,345 rows 678/s at 2026-01-02T09:00 {words}".strip()


def test_otherwise_the_phase_is_shown() -> None:
    figures = Figures("treasury", Phase.WAITING, facts=1_234)
    assert drawn(figures) == ["treasury", "waiting", "1,234", "facts"]


@pytest.mark.parametrize("terminal", [True, False])
def test_only_a_terminal_is_drawn_on(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)

    async def main() -> None:
        async with shown({"treasury": reading(None)}, console):
            await trio.sleep(0.01)

    run(main)
    assert ("treasury" in out.getvalue()) is terminal


def test_of_a_daemon_only_readings_are_shown_and_the_log_is_told_that_they_are() -> None:
    out = io.StringIO()
    feeds = {"idle": Figures("idle"), "treasury": reading(None)}

    async def main() -> None:
        async with shown(feeds, Console(file=out, force_terminal=True, width=100), idle=False):
            await trio.sleep(0.01)

    run(main)
    assert "treasury" in out.getvalue()
    assert "idle" not in out.getvalue()
    assert all(figures.is_shown for figures in feeds.values())
