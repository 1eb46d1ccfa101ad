"""What passed through the writer in each of the last seconds, for the eye.

Samples the running figures, which only ever grow; keeps two minutes.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import trio

from reconciler.health import Running

INTERVAL_S = 1
SAMPLES_MAX = 121


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Of the last two minutes, second by second, and of the last ten seconds."""

    facts: Sequence[int]
    """By second, oldest first."""
    facts_per_s: int
    commits_per_s: int
    frames_per_s: int


class Rates:
    """Remembers samples of (commits, facts, frames).  `run` must run."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._samples: deque[tuple[int, int, int]] = deque([self._sample()], SAMPLES_MAX)

    async def run(self) -> None:
        """Samples every second, for ever."""
        while True:
            await trio.sleep(INTERVAL_S)
            self._samples.append(self._sample())

    def throughput(self) -> Throughput:
        """As of the last sample."""
        samples = list(self._samples)
        recent = samples[-11:]
        seconds = max(1, len(recent) - 1) * INTERVAL_S
        commits, facts, frames = (
            -(-(last - first) // seconds) for first, last in zip(recent[0], recent[-1], strict=True)
        )
        return Throughput(
            facts=[after[1] - before[1] for before, after in pairwise(samples)],
            facts_per_s=facts,
            commits_per_s=commits,
            frames_per_s=frames,
        )

    def _sample(self) -> tuple[int, int, int]:
        writer = self._running.writer
        frames = sum(feed.frames for feed in self._running.feeds.values())
        return writer.commits, writer.facts, frames
