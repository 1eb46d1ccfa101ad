"""Moments, spans and amounts as a reader of the page wants them.  Pure.

Amounts are never rounded here: what is cut for the eye is marked, and its whole value goes beside.
"""

from decimal import Decimal

from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND, iso
from reconciler.domain.money import canonical

DECIMALS_MAX = 8


def clock(moment: int, now: int) -> str:
    """`12:03:05`, with the date unless it is of today (UTC)."""
    text = iso(moment)
    day, time = text[:10], text[11:19]
    return time if day == iso(now)[:10] else f"{day} {time}"


def span(length: int) -> str:
    """A duration in its largest unit: `12 s`, `5 min`, `3 h`, `2 days`."""
    length = max(0, length)
    if length < MINUTE:
        return f"{length // SECOND} s"
    if length < 2 * HOUR:
        return f"{length // MINUTE} min"
    if length < 2 * DAY:
        return f"{length // HOUR} h"
    return f"{length // DAY} days"


def ago(moment: int, now: int) -> str:
    """How long it is past."""
    return f"{span(now - moment)} ago"


def many(number: int, one: str, more: str) -> str:
    """`1 drift`, `2 drifts`."""
    return f"{number:,} {one if number == 1 else more}"


def grouped(number: Decimal) -> str:
    """Thousands apart, at most eight decimals; `…` marks what is cut."""
    sign, text = ("−", canonical(-number)) if number < 0 else ("", canonical(number))
    whole, _, part = text.partition(".")
    cut = "…" if len(part) > DECIMALS_MAX else ""
    return f"{sign}{int(whole):,}" + (f".{part[:DECIMALS_MAX]}{cut}" if part else "")


def signed(number: Decimal) -> str:
    """With its sign, thousands apart, whole: a difference is never cut."""
    whole, _, part = canonical(abs(number)).partition(".")
    sign = "−" if number < 0 else "+" if number else ""
    return f"{sign}{int(whole):,}" + (f".{part}" if part else "")


def offset(length: int) -> str:
    """A clock's offset: `+12 ms`, `−1.204 s`."""
    sign = "−" if length < 0 else "+"
    length = abs(length)
    if length < SECOND:
        return f"{sign}{length // 1000} ms"
    return f"{sign}{length // SECOND}.{length % SECOND // 1000:03} s"
