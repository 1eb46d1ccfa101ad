"""The facts as Prometheus metrics, in one table; docs/metrics.md is held against it by a test.

Collected on a registry of its own for each answer.  Amounts of money are not told unless the
configuration says so, since whoever scrapes is not always who may know them.  What the record holds
is left out while it can't be read: an old figure would look like a new one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from reconciler import __version__
from reconciler.alerts.figures import AlertFigures
from reconciler.domain.moments import SECOND
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures
from reconciler.store.overview import AccountOverview
from reconciler.web.sight import Facts

BALANCE_STATES = ("verified", "pending", "drift")

Number: TypeAlias = int | float | None
"""None is left out."""
Row: TypeAlias = tuple[tuple[str, ...], Number]
"""The values of the labels, and the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One metric."""

    name: str
    """Behind `reconciler_`; a counter's ends with `_total` when it is told."""
    said: str
    rows: Callable[[Facts], Iterable[Row]]
    labels: tuple[str, ...] = ()
    is_counter: bool = False
    of_record: bool = False
    """Not told while the record can't be read."""
    is_amount: bool = False
    """Told only where the configuration wants it."""


def _daemon(name: str, said: str, number: Callable[[Facts], Number]) -> Measure:
    return Measure(name=name, said=said, rows=lambda facts: [((), number(facts))])


def _writer(name: str, said: str, number: Callable[[Facts], Number]) -> Measure:
    counted = f"writer_{name}"
    return Measure(
        name=counted, said=said, rows=lambda facts: [((), number(facts))], is_counter=True
    )


def _feed(name: str, said: str, number: Callable[[Figures], Number], *, counts: bool) -> Measure:
    return Measure(
        name=name,
        said=said,
        labels=("account",),
        rows=lambda facts: [((each.name,), number(each.feed)) for each in facts.accounts],
        is_counter=counts,
    )


def _record(name: str, said: str, number: Callable[[AccountOverview], Number]) -> Measure:
    return Measure(
        name=name,
        said=said,
        labels=("account",),
        rows=lambda facts: [((name,), number(record)) for name, record in _records(facts)],
        of_record=True,
    )


def _hooks(name: str, said: str, rows: Callable[[AlertFigures], Mapping[str, int]]) -> Measure:
    return Measure(
        name=f"alerts_{name}",
        said=said,
        labels=("hook",),
        rows=lambda facts: [((hook,), many) for hook, many in sorted(rows(facts.alerts).items())],
        is_counter=True,
    )


def _split(
    name: str,
    label: str,
    said: str,
    rows: Callable[[AccountOverview], Iterable[tuple[str, Number]]],
) -> Measure:
    """Of the record, by account and one more label."""
    return Measure(
        name=name,
        said=said,
        labels=("account", label),
        rows=lambda facts: [
            ((name, part), number)
            for name, record in _records(facts)
            for part, number in rows(record)
        ],
        of_record=True,
    )


def _records(facts: Facts) -> Iterator[tuple[str, AccountOverview]]:
    for account in facts.accounts:
        if account.record is not None:
            yield account.name, account.record


def _at(moment: int | None) -> Number:
    """Unix seconds, as Prometheus has them."""
    return None if moment is None else moment / SECOND


def _phases(facts: Facts) -> Iterator[Row]:
    for account in facts.accounts:
        for phase in Phase:
            yield (account.name, str(phase)), int(account.feed.phase is phase)


def _swept(facts: Facts) -> Iterator[Row]:
    for account in facts.accounts:
        for stream, rows in sorted(account.feed.swept.items()):
            yield (account.name, stream), rows


def _balances(record: AccountOverview) -> Iterator[tuple[str, Number]]:
    found = Counter(line.state for line in record.balances)
    return ((state, found[state]) for state in BALANCE_STATES)


def _covered(record: AccountOverview) -> Iterator[tuple[str, Number]]:
    return ((stream, _at(until)) for stream, until in sorted(record.status.covered_until.items()))


def _differences(facts: Facts) -> Iterator[Row]:
    for name, record in _records(facts):
        for line in record.balances:
            if line.difference is not None and (line.reported or line.expected):
                # A float, as all of Prometheus: for a graph; the exact one is in v_balance_check.
                yield (name, line.wallet, line.asset), float(line.difference)


def _away(facts: Facts) -> Number:
    since = facts.writer.away_since
    return 0 if since is None else (facts.now - since) / SECOND


MEASURES = (
    Measure(
        name="build_info",
        said="1, with the version that runs",
        labels=("version",),
        rows=lambda _: [((__version__,), 1)],
    ),
    _daemon("started_timestamp_seconds", "when it started", lambda facts: _at(facts.started_at)),
    _daemon("ready", "1 if every account is live and written", lambda facts: not facts.degraded),
    _daemon("stuck_loops", "loops that make no progress", lambda facts: len(facts.stuck)),
    _daemon("database_up", "1 if the record could be read just now", lambda facts: facts.is_seen),
    _daemon("writer_away_seconds", "how long the database has taken nothing", _away),
    _daemon(
        "writer_committed_timestamp_seconds",
        "when something was committed last",
        lambda facts: _at(facts.writer.committed_at),
    ),
    _writer("commits", "commits", lambda facts: facts.writer.commits),
    _writer("batches", "batches committed", lambda facts: facts.writer.batches),
    _writer("facts", "facts committed", lambda facts: facts.writer.facts),
    _writer("failures", "commits that failed and were tried again", lambda f: f.writer.failures),
    _feed("live", "1 if live", lambda feed: feed.phase is Phase.LIVE, counts=False),
    Measure(
        name="phase",
        said="1 for the phase that the session is in",
        labels=("account", "phase"),
        rows=_phases,
    ),
    _feed("sessions", "connections opened", lambda feed: feed.sessions, counts=True),
    _feed("lives", "sessions that became live", lambda feed: feed.lives, counts=True),
    _feed("frames", "frames received", lambda feed: feed.frames, counts=True),
    _feed("facts", "facts made of them", lambda feed: feed.facts, counts=True),
    _feed(
        "unreadable", "frames and rows not understood", lambda feed: feed.unreadable, counts=True
    ),
    _feed("surplus_fields", "unknown fields received", lambda feed: feed.surplus, counts=True),
    _feed("bugs", "sessions ended by a bug of ours", lambda feed: feed.bugs, counts=True),
    _feed(
        "recovered_deals",
        "deals first learned after a connection was lost",
        lambda feed: feed.recovered_deals,
        counts=True,
    ),
    Measure(
        name="swept_rows",
        said="rows that a sweep learned first: of deals and orders, what their streams lost",
        labels=("account", "stream"),
        rows=_swept,
        is_counter=True,
    ),
    _feed("doubts", "balances that nothing explains yet", lambda feed: feed.doubts, counts=False),
    _daemon(
        "alerts_on_duty",
        "1 if this process is the one that delivers",
        lambda facts: facts.alerts.is_on_duty,
    ),
    _hooks("sent", "alerts delivered", lambda alerts: alerts.sent),
    _hooks("failures", "attempts that failed", lambda alerts: alerts.failures),
    _hooks("given_up", "alerts that were given up", lambda alerts: alerts.given_up),
    _hooks("bugs", "attempts ended by a bug of ours", lambda alerts: alerts.bugs),
    _record(
        "proven_until_timestamp_seconds",
        "everything before it is proven to be on record",
        lambda record: _at(record.proven_until),
    ),
    _record("deals", "deals on record", lambda record: record.status.deals),
    _record("orders", "orders on record", lambda record: record.status.orders),
    _record("open_orders", "orders still on the book", lambda record: record.status.open_orders),
    _record(
        "transactions",
        "deposits and withdrawals on record",
        lambda record: record.status.transactions,
    ),
    _record("movements", "other movements on record", lambda record: record.status.movements),
    _record("quarantined", "rows of v_quarantine", lambda record: record.status.quarantined),
    _record("open_drifts", "drifts that are open", lambda record: record.status.open_drifts),
    _split(
        "gaps",
        "state",
        "gaps that are not closed",
        lambda record: (
            ("open", record.status.open_gaps),
            ("unreachable", record.status.unreachable_gaps),
        ),
    ),
    _split("balances", "state", "balances by the state of their proof", _balances),
    _split("covered_until_timestamp_seconds", "stream", "the end of proven coverage", _covered),
    _record(
        "newest_deal_timestamp_seconds",
        "when the latest known deal was executed",
        lambda record: _at(record.status.newest_deal_at),
    ),
    _record(
        "clock_offset_seconds",
        "the exchange's clock less ours",
        lambda record: None if record.clock is None else record.clock.offset / SECOND,
    ),
    _record(
        "clock_uncertainty_seconds",
        "how far that may be wrong",
        lambda record: None if record.clock is None else record.clock.uncertainty / SECOND,
    ),
    Measure(
        name="alerts_waiting",
        said="alerts that a hook is yet to get",
        labels=("hook",),
        rows=lambda facts: [((hook,), many) for hook, many in facts.look.record.waiting.items()],
        of_record=True,
    ),
    Measure(
        name="balance_difference",
        said="reported less expected; only with http.amounts",
        labels=("account", "wallet", "asset"),
        rows=_differences,
        of_record=True,
        is_amount=True,
    ),
)
"""All of them, but for those of the process (`reconciler_process_…`)."""


def exposition(facts: Facts, accept: str, amounts: bool) -> tuple[bytes, str]:
    """The text, and what it is to be called, by what the scraper accepts."""
    registry = CollectorRegistry()
    registry.register(_Facts(facts, amounts))
    ProcessCollector(namespace="reconciler", registry=registry)
    encode, type_ = choose_encoder(accept)
    return encode(registry), type_


class _Facts(Collector):
    def __init__(self, facts: Facts, amounts: bool) -> None:
        self._facts = facts
        self._amounts = amounts

    def collect(self) -> Iterator[Metric]:
        """As a registry asks."""
        for measure in MEASURES:
            is_told = self._facts.is_seen or not measure.of_record
            if is_told and (self._amounts or not measure.is_amount):
                yield _family(measure, self._facts)


def _family(measure: Measure, facts: Facts) -> Metric:
    kind = CounterMetricFamily if measure.is_counter else GaugeMetricFamily
    family = kind(f"reconciler_{measure.name}", measure.said, labels=measure.labels)
    for values, number in measure.rows(facts):
        if number is not None:
            family.add_metric(values, number)
    return family
