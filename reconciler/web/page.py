"""The page for people: facts in HTML, escaped by the template engine.

What is shown is chosen here, how it looks is in `templates/` and `static/`.  Lists are cut to what
a page can hold; everything is in the views.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reconciler import __version__
from reconciler.domain.moments import DAY, HOUR, iso
from reconciler.domain.money import canonical
from reconciler.domain.spans import Stretch
from reconciler.domain.words import GapState, Phase
from reconciler.store.drifts import Drift
from reconciler.store.overview import AccountOverview, BalanceLine, DealLine
from reconciler.store.reads import Gap
from reconciler.web import words
from reconciler.web.promise import promise, reading
from reconciler.web.sight import AccountFacts, Facts
from reconciler.web.timeline import Bar, bars, line

LINES_MAX = 200
DEALS_MAX = 12
DRIFTS_MAX = 20
MAIN = ("orders", "deals", "transactions")
"""The histories that are not folded away."""

SPARK = (120, 32)

PHASES = {
    Phase.WAITING: "another process holds it",
    Phase.CONNECTING: "connecting",
    Phase.AUTHORIZED: "authorized",
    Phase.SUBSCRIBED: "listening, reading history",
    Phase.LIVE: "live",
    Phase.DOWN: "down",
    Phase.REFUSED: "key refused",
}
TONES = {
    Phase.LIVE: "live",
    Phase.DOWN: "down",
    Phase.REFUSED: "down",
    Phase.WAITING: "waiting",
}
FITS = {"exactly": "fits exactly", "partly": "fits partly", "not": "another amount"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One history's bars: of all time, and of the last day."""

    name: str
    whole: Sequence[Bar]
    day: Sequence[Bar]
    said: tuple[str, str]
    until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The coverage of one account."""

    name: str
    since: int
    ticks: tuple[str, ...]
    main: Sequence[Row]
    more: Sequence[Row]
    more_gaps: int
    """Open ones among those that are folded away."""
    gaps: Sequence[Gap]
    open_gaps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What is shown of balances: those that are something, and the names of the others."""

    lines: Sequence[tuple[str, BalanceLine]]
    more: int
    zeros: Sequence[tuple[str, str, str]]
    """Account, wallet, assets."""
    zeros_total: int


class Page:
    """Renders facts.  Pure but for reading its templates once."""

    def __init__(self, build: str) -> None:
        self._build = build
        environment = Environment(
            loader=PackageLoader("reconciler.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "iso": iso,
            "day": lambda moment: iso(moment)[:10],
            "exact": canonical,
            "grouped": words.grouped,
            "signed": words.signed,
            "offset": words.offset,
            "ms": lambda milliseconds: f"{milliseconds:,} ms",
            "many": words.many,
            "reading": reading,
        }
        self._page = environment.get_template("page.html")
        self._live = environment.get_template("live.html")

    def whole(self, facts: Facts) -> str:
        """The page."""
        title = f"{promise(facts).heard} · reconciler"
        live = Markup(self.live(facts))  # noqa: S704 - made by the template that escapes
        return self._page.render(title=title, build=self._build, live=live)

    def live(self, facts: Facts) -> str:
        """The part that changes."""
        return self._live.render(
            build=self._build,
            version=__version__,
            facts=facts,
            promise=promise(facts),
            drifts=_drifts(facts),
            timelines=[
                each for each in map(partial(_timeline, now=facts.now), facts.accounts) if each
            ],
            balances=_balances(facts),
            deals=_deals(facts),
            alerts=facts.look.record.alerts,
            waiting=sum(facts.look.record.waiting.values()),
            spark=line(facts.throughput.facts, *SPARK),
            phases=PHASES,
            tones={phase: TONES.get(phase, "busy") for phase in Phase},
            fits=FITS,
            clock_of=partial(words.clock, now=facts.now),
            ago_of=partial(words.ago, now=facts.now),
            age_of=lambda moment: words.span(facts.now - moment),
        )


def _drifts(facts: Facts) -> list[Drift]:
    found = [drift for _, record in _records(facts) for drift in record.drifts]
    return sorted(found, key=lambda drift: drift.detected_at, reverse=True)[:DRIFTS_MAX]


def _deals(facts: Facts) -> list[tuple[str, DealLine]]:
    found = [(name, deal) for name, record in _records(facts) for deal in record.deals]
    return sorted(found, key=lambda one: one[1].executed_at, reverse=True)[:DEALS_MAX]


def _balances(facts: Facts) -> Balances:
    every = [(name, line) for name, record in _records(facts) for line in record.balances]
    shown = [(name, line) for name, line in every if not _is_nothing(line)]
    hidden = [(name, line) for name, line in every if _is_nothing(line)]
    places = groupby(hidden, key=lambda one: (one[0], one[1].wallet))
    return Balances(
        lines=shown[:LINES_MAX],
        more=max(0, len(shown) - LINES_MAX),
        zeros=[
            (name, wallet, ", ".join(line.asset for _, line in lines))
            for (name, wallet), lines in places
        ],
        zeros_total=len(hidden),
    )


def _is_nothing(line: BalanceLine) -> bool:
    return not line.reported and not line.expected and line.state == "verified"


def _timeline(account: AccountFacts, now: int) -> Timeline | None:
    """None while nothing is covered."""
    record = account.record
    if record is None or not record.coverage:
        return None
    since = min(spans[0][0] for spans in record.coverage.values())
    gaps = [gap for gap in record.gaps if gap.state is not GapState.CLOSED or gap.until > now - DAY]
    rows = {
        name: _row(name, spans, [gap for gap in gaps if gap.stream == name], since, now)
        for name, spans in sorted(record.coverage.items())
    }
    is_open = [gap.stream for gap in gaps if gap.state is GapState.OPEN]
    return Timeline(
        name=account.name,
        since=since,
        ticks=(*(iso(now - hours * HOUR)[11:16] for hours in (24, 18, 12, 6)), "now"),
        main=[rows[name] for name in MAIN if name in rows],
        more=[row for name, row in rows.items() if name not in MAIN],
        more_gaps=sum(stream not in MAIN for stream in is_open),
        gaps=gaps,
        open_gaps=len(is_open),
    )


def _row(name: str, spans: Sequence[Stretch], gaps: Sequence[Gap], since: int, now: int) -> Row:
    lost = words.many(len(gaps), "gap", "gaps")
    until = spans[-1][1]
    proven = f"proven until {words.clock(until, now)}"
    return Row(
        name=name.replace("_", " "),
        whole=bars(spans, gaps, since, max(now, since + 1)),
        day=bars(spans, gaps, now - DAY, now),
        said=(
            f"{name} since {iso(since)[:10]}: {proven}, {lost}",
            f"{name} in the last 24 hours: {proven}, {lost}",
        ),
        until=until,
    )


def _records(facts: Facts) -> list[tuple[str, AccountOverview]]:
    return [
        (account.name, account.record) for account in facts.accounts if account.record is not None
    ]
