"""Prefix matching: which offsets does one report of a balance allow?

A report has no sequence number, is coalesced over a second or more and comes late, so it speaks of
the ledger after *some* prefix of what happened around the time of its receipt.  Each such prefix,
with how the exchange cuts what it shows, allows an interval of offsets (PROTOCOL § 7.3): with n
parts cut at a unit u, a shown sum S stands for a true total in [S, S + n·u).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from reconciler.domain.moments import SECOND
from reconciler.domain.money import ZERO, minus, plus, times
from reconciler.domain.words import Wallet
from reconciler.reconcile.offsets import Offsets, meet, union

COALESCED = 3 * SECOND // 2
"""Balances are told once in 1 s (spot) or 1.5 s (collateral); PROTOCOL § 3.0."""

DELAY_MAX = 4 * SECOND
"""How much later than what it tells an update may arrive."""

AHEAD = SECOND // 2
"""How much later than the report what it already includes may be stamped by the exchange."""

BEHIND = COALESCED + DELAY_MAX + AHEAD
"""By how much two reports may stand apart that speak of the same moment."""

FLOATING_MAX = 8
"""Of more events without an exact time in one window only their order is tried, not every set."""


class Seen(Struct, frozen=True, kw_only=True):
    """One report of one asset in one wallet."""

    at: int
    """Our clock, when it came."""
    shown: Decimal
    """The parts as shown, added up."""
    decimals: int
    """Each part was cut there."""
    subtracted: int = 0
    """So many cut parts stand for less than they show: what is borrowed is not owned, and what is
    negative was cut towards zero."""


class Allowance(Struct, frozen=True, kw_only=True):
    """The offsets that a report allows."""

    possible: Offsets
    """If it speaks of any prefix."""
    likely: Offsets
    """If it speaks of all that had happened by the end of its window."""


class Skew(Struct, frozen=True, kw_only=True):
    """The exchange's clock minus ours, and how far that may be wrong."""

    offset: int = 0
    uncertainty: int = SECOND


def window(at: int, skew: Skew) -> tuple[int, int]:
    """The time of the exchange, first and last microsecond, that a report received `at` may speak
    of."""
    there = at + skew.offset
    return (
        there - COALESCED - DELAY_MAX - skew.uncertainty,
        there + AHEAD + skew.uncertainty,
    )


def parts(wallet: Wallet) -> int:
    """How many parts of a balance are cut before they are shown."""
    return 2 if wallet is Wallet.SPOT else 1


def allowed(
    seen: Seen,
    wallet: Wallet,
    prefixes: Iterable[Decimal],
    floating: Sequence[Decimal] = (),
    tolerance: Decimal = ZERO,
) -> Offsets:
    """The offsets that the report allows.

    `prefixes` are the ledger's running balances that the report may speak of; `floating` the
    amounts of what may or may not have happened by then, and is not in the prefixes.
    """
    unit = Decimal(1).scaleb(-seen.decimals)
    slack = times(Decimal(parts(wallet)), unit)
    below = plus(tolerance, times(Decimal(seen.subtracted), unit))
    sums = _sums(floating)
    return union(
        (minus(low, below), plus(plus(low, slack), tolerance))
        for balance in set(prefixes)
        for extra in sums
        for low in (minus(seen.shown, plus(balance, extra)),)
    )


def matched(
    seen: Seen,
    wallet: Wallet,
    prefixes: Sequence[Decimal],
    floating: Sequence[Decimal],
    level: Offsets,
    tolerance: Decimal = ZERO,
) -> Decimal | None:
    """The running balance that the report speaks of, of several that fit at `level` the one with
    the most of what had happened."""
    for extra in _sums(floating):
        for balance in reversed(prefixes):
            if meet(allowed(seen, wallet, (plus(balance, extra),), (), tolerance), level):
                return plus(balance, extra)
    return None


def _sums(amounts: Sequence[Decimal]) -> list[Decimal]:
    """What any set of them adds up to, or of too many any number of the first: all of them first,
    none of them last."""
    sums = [ZERO]
    for amount in amounts:
        if len(amounts) <= FLOATING_MAX:
            sums += [plus(known, amount) for known in sums]
        else:
            sums.append(plus(sums[-1], amount))
    return [*dict.fromkeys(reversed(sums))]
