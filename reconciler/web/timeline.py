"""Coverage as bars: where a stream's record is proven complete, and where it is not.

Pure.  Positions are in thousandths of a per cent of the window, as text for SVG, so that no float
is printed; what is too narrow to be seen is drawn as wide as can be.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.domain.spans import Stretch
from reconciler.domain.words import GapState
from reconciler.store.reads import Gap
from reconciler.web.words import clock

UNITS = 100_000
"""A window's width."""

VISIBLE = 400
"""The least width of a gap: about two pixels."""

BARS_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One piece of a timeline."""

    kind: str
    """`proven`, or the state of a gap."""
    x: str
    width: str
    said: str


def bars(spans: Iterable[Stretch], gaps: Sequence[Gap], since: int, until: int) -> list[Bar]:
    """What lies in the window, proven spans first, so that gaps are drawn over them."""
    drawn = [
        _bar("proven", start, end, since, until, "proven complete")
        for start, end in spans
        if end > since and start < until
    ]
    return [*drawn, *_gaps(gaps, since, until)][:BARS_MAX]


def _gaps(gaps: Sequence[Gap], since: int, until: int) -> Iterator[Bar]:
    # Those that are still open last, over the others.
    for gap in sorted(gaps, key=lambda gap: gap.state is not GapState.CLOSED):
        if gap.until > since and gap.since < until:
            yield _bar(str(gap.state), gap.since, gap.until, since, until, f"gap, {gap.state}")


def _bar(kind: str, start: int, end: int, since: int, until: int, said: str) -> Bar:
    whole = until - since
    left = max(start, since)
    x = (left - since) * UNITS // whole
    width = max((min(end, until) - left) * UNITS // whole, VISIBLE)
    x = min(x, UNITS - width)
    when = f"{clock(start, until)} to {clock(end, until)}"
    return Bar(kind=kind, x=_share(x), width=_share(width), said=f"{said}: {when}")


def _share(units: int) -> str:
    return f"{units // 1000}.{units % 1000:03}"


def line(values: Sequence[int], width: int, height: int) -> str:
    """The points of a polyline through the values, the newest at the right edge."""
    most = max(values, default=0) or 1
    start = width - max(0, len(values) - 1)
    return " ".join(
        f"{start + at},{height - value * height // most}" for at, value in enumerate(values)
    )
