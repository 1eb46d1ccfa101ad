"""A drift's life, as a table: what can happen to one, and what it is then.

A drift is a step that stayed: the reports have said so for `settle`, and a pass over the exchange's
records that began after the first of them found nothing that explains it.  While it stays the same
it is one drift.
"""

from enum import StrEnum

from reconciler.reconcile.judge import Step
from reconciler.reconcile.prefix import BEHIND


class DriftState(StrEnum):
    """As the view shows it."""

    OPEN = "open"
    EXPLAINED = "explained"
    """By an operator, with a note and an adjusting entry."""
    RESOLVED = "resolved"
    """By itself: a late record or a correction of the exchange."""


class DriftEvent(StrEnum):
    """What happened, as an alert calls it."""

    DETECTED = "detected"
    CHANGED = "changed"
    RESOLVED = "resolved"
    EXPLAINED = "explained"


LIFE: dict[DriftState | None, dict[DriftEvent, DriftState]] = {
    None: {DriftEvent.DETECTED: DriftState.OPEN},
    DriftState.OPEN: {
        DriftEvent.CHANGED: DriftState.OPEN,
        DriftEvent.RESOLVED: DriftState.RESOLVED,
        DriftEvent.EXPLAINED: DriftState.EXPLAINED,
    },
    DriftState.EXPLAINED: {},
    DriftState.RESOLVED: {},
}
"""A closed drift stays closed: what comes after it is another one."""


class Impossible(Exception):
    """An event that can't happen in that state: a bug."""

    def __init__(self, state: DriftState | None, event: DriftEvent) -> None:
        super().__init__(f"a drift that is {state or 'not there'} can't be {event}")


def lived(state: DriftState | None, event: DriftEvent) -> DriftState:
    """The state after the event.  Raises Impossible."""
    try:
        return LIFE[state][event]
    except KeyError:
        raise Impossible(state, event) from None


def marks_over(
    step: Step,
    *,
    settle: int,
    read_again_at: int,
    proven_until: int,
    given_back_at: int | None = None,
) -> int:
    """Of how many marks of the step, from the first, the doubt is over: they are a drift.

    `read_again_at`: when the last of the account's wallets was last read as a whole, our clock;
    `proven_until`: up to when, by our clock, every record of the exchange is proven complete;
    `given_back_at`: when something came back last of which no record says that it was away.
    """
    if given_back_at is not None and step.confirmed_at <= given_back_at + BEHIND:
        return 0
    over = 0
    for mark in step.marks:
        if step.confirmed_at < mark.since + settle:
            break
        if read_again_at <= mark.since or proven_until <= mark.since:
            break
        over += 1
    return over
