"""From socket to disk as fast as it goes: how many events a second, at what cost of our CPU."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from bench import ours, peers, server
from bench.rounds import Case, Figures, Outcome, measured


def measure(rounds: int, quick: bool) -> list[Outcome]:
    """Ours against the ideal pipeline, and a loop as one writes it by hand."""
    count = 10_000 if quick else 60_000
    ideal = "ideal pipeline"
    return [
        measured(
            "pipeline: WebSocket → SQLite FULL, at saturation",
            [
                Case(name=ideal, run=partial(_run, _ideal, count)),
                Case(name="ours", run=partial(_run, _ours, count), against=ideal),
                Case(name="by hand", run=partial(_run, _by_hand, count // 10), against=ideal),
            ],
            rounds,
        )
    ]


def _run(way: Callable[[str, str], None], count: int) -> Figures:
    with TemporaryDirectory() as folder, server.frames(count) as url:
        wall, cpu = time.perf_counter(), time.process_time()
        way(url, folder)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"events/s": count / wall, "CPU µs/event": cpu / count * 1e6}


def _ideal(url: str, folder: str) -> None:
    trio.run(peers.ideal, url, str(Path(folder) / "ideal.db"))


def _ours(url: str, folder: str) -> None:
    figures = trio.run(ours.pipeline, url, ours.sqlite(folder))
    assert figures.facts, "nothing was written"


def _by_hand(url: str, folder: str) -> None:
    trio.run(peers.naive, url, str(Path(folder) / "naive.db"))
