"""Frames to facts: `wire.frames.read` against readers that give less."""

import time
from collections.abc import Callable
from functools import partial

from bench import mix, peers
from bench.rounds import Case, Figures, Outcome, measured
from reconciler.wire import frames


def measure(rounds: int, quick: bool) -> list[Outcome]:
    """On the live mix, as text, which is what the WebSocket library gives."""
    texts = list(mix.frames(5_000 if quick else 50_000))
    by_hand = "json, floats as Decimal"
    ways: dict[str, Callable[[str], object]] = {
        by_hand: peers.by_hand,
        "msgspec untyped, floats as Decimal": peers.untyped,
        "msgspec typed, money as text": peers.typed,
        "ours: checked, exact facts": partial(frames.read, received_at=mix.BEGAN),
    }
    cases = [
        Case(name=name, run=partial(_run, way, texts), against=None if name == by_hand else by_hand)
        for name, way in ways.items()
    ]
    return [measured("decode: the live mix", cases, rounds)]


def _run(way: Callable[[str], object], texts: list[str]) -> Figures:
    began = time.perf_counter()
    for text in texts:
        way(text)
    took = time.perf_counter() - began
    return {"frames/s": len(texts) / took, "µs/frame": took / len(texts) * 1e6}
