"""What becomes of a delivery after an attempt: sent, tried again later, or given up.  Pure.

Every failure is tried again, since an operator can mend the other side, and for a day, since the
other side may be an office over night.
"""

from random import Random

from reconciler.alerts.hook import HookFailed
from reconciler.backoff import delays
from reconciler.domain.moments import DAY, MINUTE, SECOND, seconds
from reconciler.store.deliveries import Delivery, DeliveryState, Mark

PAUSE_MIN = 1 * SECOND
PAUSE_MAX = 10 * MINUTE
"""The ceiling doubles from one to the other; where only a person can help, it begins there."""

ASKED_MAX = 60 * MINUTE
"""More patience than this a receiver can't ask for."""

TRIED_FOR = 1 * DAY
"""Then it is given up.  What is still so is told again anyway, as each hook has it configured."""

TOLD_AFTER = 15 * MINUTE
"""So late, others hear that alerts do not arrive by this hook."""


def sent(delivery: Delivery, *, now: int) -> Mark:
    """The other side has it."""
    return Mark(delivery=delivery, state=DeliveryState.SENT, at=now, next_at=now)


def failed(delivery: Delivery, why: HookFailed, *, now: int, chance: Random) -> Mark:
    """It is not known to have it."""
    is_over = now - delivery.created_at >= TRIED_FOR
    return Mark(
        delivery=delivery,
        state=DeliveryState.FAILED if is_over else DeliveryState.PENDING,
        at=now,
        next_at=now + _pause(delivery.attempts, why, chance),
        problem=why.reason,
    )


def is_late(mark: Mark) -> bool:
    """Whether others should hear of it."""
    is_failure = mark.state is not DeliveryState.SENT
    return is_failure and mark.at - mark.delivery.created_at >= TOLD_AFTER


def _pause(failures: int, why: HookFailed, chance: Random) -> int:
    """Microseconds; `failures` are those before this one."""
    doubled = min(PAUSE_MAX, PAUSE_MIN << min(failures, 32))
    first = PAUSE_MAX if why.permanent else doubled
    drawn = round(next(delays(chance, first=seconds(first), most=seconds(PAUSE_MAX))) * SECOND)
    asked = round((why.retry_after_s or 0) * SECOND)
    return max(drawn, min(asked, ASKED_MAX))
