"""How old a deal or an order is when its commit returns: from the server's send to the disk."""

from functools import partial
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import trio

from bench import ours, peers, server
from bench.rounds import Case, Figures, Outcome, measured
from reconciler.hop import Hop


def measure(rounds: int, quick: bool) -> list[Outcome]:
    """Ours against the ideal pipeline, at an easy and at a busy rate."""
    seconds = 1 if quick else 4
    ideal = "ideal pipeline"
    return [
        measured(
            f"latency: frame → SQLite FULL, {per_second:,} frames/s",
            [
                Case(name=ideal, run=partial(_ideal, per_second, seconds)),
                Case(name="ours", run=partial(_ours, per_second, seconds), against=ideal),
            ],
            rounds,
        )
        for per_second in (100, 1_000)
    ]


def _ideal(per_second: int, seconds: int) -> Figures:
    lags: list[float] = []

    def committed(times: list[float], now: float) -> None:
        lags.extend(now - at for at in times)

    with TemporaryDirectory() as folder, server.frames(per_second * seconds, per_second) as url:
        trio.run(peers.ideal, url, str(Path(folder) / "ideal.db"), committed)
    return _figures([lag * 1000 for lag in lags])


def _ours(per_second: int, seconds: int) -> Figures:
    watches: list[ours.Stopwatch] = []

    def watch(hop: Hop) -> Hop:
        watches.append(ours.Stopwatch(hop))
        return watches[-1]

    with TemporaryDirectory() as folder, server.frames(per_second * seconds, per_second) as url:
        trio.run(ours.pipeline, url, ours.sqlite(folder), watch)
    return _figures([lag / 1000 for lag in watches[0].lags])


def _figures(lags_ms: list[float]) -> Figures:
    cuts = quantiles(lags_ms, n=100)
    return {"p50 ms": cuts[49], "p90 ms": cuts[89], "p99 ms": cuts[98]}
