"""A wallet of which the truth is known: what happened to it, what the exchange shows of it, and
which offsets each report allows by the ledger.

Amounts are counted in grains, a hundred to the unit that is shown, so that sets of whole numbers
say what intervals of decimals must.
"""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from reconciler.domain.moments import SECOND
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof
from reconciler.reconcile.offsets import Offsets
from reconciler.reconcile.prefix import Allowance, Seen, Skew, allowed, parts, window

DECIMALS = 8
UNIT = 100
"""In grains."""

LONG = 60 * SECOND
"""A life; and longer than any window."""

SKEW = Skew()


def money(grains: int) -> Decimal:
    return Decimal(grains).scaleb(-DECIMALS - 2)


def span(low: int, high: int) -> Offsets:
    """One interval, its ends in grains."""
    return ((money(low), money(high)),)


def grains(offsets: Offsets) -> set[int]:
    """All that lies in them, in grains, on which their ends must lie."""
    scaled = [(low.scaleb(DECIMALS + 2), high.scaleb(DECIMALS + 2)) for low, high in offsets]
    assert all(low % 1 == high % 1 == 0 for low, high in scaled)
    return {n for low, high in scaled for n in range(int(low), int(high))}


def shown(*cut: int) -> Decimal:
    """Parts, none of them negative, as they are shown together."""
    return money(sum(part // UNIT * UNIT for part in cut))


def verified(level: Offsets) -> Proof:
    """The proof of a wallet that was never in doubt."""
    return Proof(base=level, level=level, room=level, opened_at=0, verified_at=0, seen_at=0)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the ledger."""

    at: int
    """When it happened, or could have at the earliest."""
    amount: int
    latest_at: int | None = None
    happened_at: int | None = None
    """Where the ledger does not say."""

    @property
    def really_at(self) -> int:
        return self.at if self.happened_at is None else self.happened_at

    def may_happen_from(self, first: int) -> bool:
        """Without an exact time, and not over by then."""
        return self.latest_at is not None and self.latest_at >= first


@dataclass(frozen=True, slots=True)
class Life:
    """Of one asset in one wallet; never below zero."""

    wallet: Wallet
    opening: int
    events: tuple[Event, ...]

    @property
    def hidden(self) -> int:
        """So much of a total at most is not shown, and a grain less."""
        return parts(self.wallet) * UNIT

    def total(self, moment: int, *, lost: int = 0) -> int:
        happened = sum(event.amount for event in self.events if event.really_at <= moment)
        return self.opening + happened - lost

    def report(self, at: int, moment: int, frozen: int = 0, *, lost: int = 0) -> Seen:
        """What is received `at` and tells of the exchange's `moment`."""
        total = self.total(moment, lost=lost)
        frozen = min(frozen, total) if self.wallet is Wallet.SPOT else 0
        return Seen(at=at, shown=shown(total - frozen, frozen), decimals=DECIMALS)

    def allows(self, seen: Seen) -> Allowance:
        """By a ledger that knows of every event, and not of the opening."""
        prefixes, floating = self.prefixes(seen.at)
        everything = sum(floating, prefixes[-1])
        return Allowance(
            possible=allowed(seen, self.wallet, prefixes, floating),
            likely=allowed(seen, self.wallet, (everything,)),
        )

    def prefixes(self, at: int) -> tuple[list[Decimal], list[Decimal]]:
        """The running balances that a report received `at` may speak of, and the amounts of what
        may or may not have happened by then."""
        first, last = window(at, SKEW)
        begun = sorted((each for each in self.events if each.at <= last), key=lambda each: each.at)
        certain = [each for each in begun if not each.may_happen_from(first)]
        running = sum(each.amount for each in certain if each.at < first)
        prefixes = [money(running)]
        for event in certain:
            if event.at >= first:
                running += event.amount
                prefixes.append(money(running))
        return prefixes, [money(each.amount) for each in begun if each.may_happen_from(first)]


moments = st.integers(0, LONG)
amounts = st.integers(-(10**8), 10**8) | st.integers(-3 * UNIT, 3 * UNIT)
splits = st.integers(0, 3 * 10**8)


@st.composite
def events(draw: st.DrawFn) -> Event:
    at, amount = draw(moments), draw(amounts)
    if draw(st.integers(0, 4)):
        return Event(at, amount)
    latest_at = at + draw(st.integers(0, 20 * SECOND))
    return Event(at, amount, latest_at, draw(st.integers(at, latest_at)))


@st.composite
def lives(draw: st.DrawFn, happening: st.SearchStrategy[Event] | None = None) -> Life:
    """An opening with any residue, and up to eight events, some of no exact time."""
    happened = tuple(draw(st.lists(happening or events(), max_size=8)))
    floor = sum(abs(event.amount) for event in happened)
    return Life(
        wallet=draw(st.sampled_from(Wallet)),
        opening=floor + draw(st.integers(0, 5 * UNIT)),
        events=happened,
    )


@st.composite
def honest_reports(draw: st.DrawFn, life: Life, *, most: int = 12) -> list[Seen]:
    """In the order of receipt, each of any moment that its window holds: coalesced and late."""
    received = sorted(draw(st.lists(moments, min_size=1, max_size=most)))
    return [life.report(at, draw(st.integers(*window(at, SKEW))), draw(splits)) for at in received]
