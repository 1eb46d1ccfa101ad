"""Whether memory stays flat: the resident size of a process that does nothing but listen and write,
at rest, after a tenth of the events, and after all."""

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from bench import ours, server
from bench.rounds import Case, Figures, Outcome, measured
from reconciler.feed.link import open_link
from reconciler.feed.websocket import LinkLost
from reconciler.wire import frames


def measure(rounds: int, quick: bool) -> list[Outcome]:
    """A fresh process each time.  It doesn't vary enough for many rounds."""
    count = 50_000 if quick else 500_000
    case = Case(name="ours", run=partial(_run, count))
    return [measured("memory: resident MiB at saturation", [case], min(rounds, 3))]


def _run(count: int) -> Figures:
    command = [sys.executable, "-m", "bench.memory", str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


async def _watched(count: int) -> Figures:
    figures: dict[str, float] = {}
    with TemporaryDirectory() as folder, server.frames(count) as url:
        async with ours.listening(ours.sqlite(folder), url) as (on, written):
            try:
                async with open_link(on) as link:
                    figures["at rest"] = _resident_mib("VmRSS")
                    await link.ask(frames.authorize("token"))
                    while written.facts < count // 10:  # noqa: ASYNC110 - no event tells
                        await trio.sleep(0.001)
                    figures[f"after {count // 10:,}"] = _resident_mib("VmRSS")
                    await trio.sleep_forever()
            except* LinkLost:
                pass
        figures[f"after {count:,}"] = _resident_mib("VmRSS")
    figures["at most"] = _resident_mib("VmHWM")
    return figures


def _resident_mib(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(trio.run(_watched, int(sys.argv[1]))))
