"""Time as integer microseconds since 1970 (UTC), and durations in the same unit.

The exchange prints Unix seconds as JSON numbers of up to seventeen digits; one instant can arrive
as `1741941025.309887` and as `1741941025.3098869` (PROTOCOL § 9, trap 73), so texts are rounded
half-even to the microsecond and never compared before that.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from reconciler.domain.money import EXACT

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

MOMENT_MAX = 4_102_444_800 * SECOND
"""The year 2100. A time beyond it is garbage, and would not fit every database's type."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"us": 1, "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(us|ms|s|m|h|d)", re.ASCII)


class NotAMoment(ValueError):
    """A number that is no time between 1970 and 2100, or text that is no time or duration."""


def from_seconds(seconds: Decimal) -> int:
    """Unix seconds, as exact as they were printed, to microseconds, half-even.

    Raises NotAMoment outside 1970 … 2100.
    """
    if not seconds.is_finite() or not 0 <= seconds <= MOMENT_MAX // SECOND:
        raise NotAMoment(f"{str(seconds)[:40]} is not a Unix time in seconds")
    return int(seconds.scaleb(6, EXACT).to_integral_value(ROUND_HALF_EVEN))


def iso(moment: int) -> str:
    """ISO 8601, UTC, always with microseconds: `2026-01-02T03:04:05.678901Z`."""
    # The offset, `+00:00`, becomes a Z; strftime would take four times as long.
    return (_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds")[:-6] + "Z"


def from_iso(text: str) -> int:
    """A date or date-time in ISO 8601; without an offset it is UTC.  Raises NotAMoment."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotAMoment(f"{text!r} is not an ISO 8601 date or time") from error
    return from_datetime(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))


def from_datetime(when: datetime) -> int:
    """An aware datetime to microseconds, without passing through a float."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def to_datetime(moment: int) -> datetime:
    """Microseconds to an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=moment)


def duration(text: str) -> int:
    """`"500ms"`, `"5s"`, `"2m"`, `"1.5h"`, `"30d"` in microseconds.  Raises NotAMoment."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise NotAMoment(f"{text!r} is not a duration such as 500ms, 5s, 2m, 1h or 30d")
    return int(EXACT.multiply(Decimal(match[1]), Decimal(_UNITS[match[2]])))


def seconds(span: int) -> float:
    """A duration in microseconds as the float seconds that trio's timeouts take."""
    return span / SECOND
