"""Episodes: what the subject of alerts is, and what was told of it, as a table.

Each subject (a drift's asset, a feed, a hook) has one dedupe key.  Who listens hears of it in turn:
that it began, how it changed, that it is over, however often it came and went while that was held
back.  When something may be told is decided by `routing`; here is only what follows from what.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from reconciler.domain.events import Event, News

ENDED_BY: dict[Event, Event] = {
    Event.DRIFT_DETECTED: Event.DRIFT_RESOLVED,
    Event.FEED_DOWN: Event.FEED_RECOVERED,
    Event.AUTH_REJECTED: Event.FEED_RECOVERED,
    Event.DATABASE_DEGRADED: Event.DATABASE_RECOVERED,
    Event.DELIVERY_FAILED: Event.DELIVERY_RECOVERED,
}
"""What begins an episode, and what ends it."""

_BEGUN_AS = {event: event for event in ENDED_BY} | {Event.DRIFT_CHANGED: Event.DRIFT_DETECTED}


class State(StrEnum):
    """Of a subject: what is so, and what was told."""

    QUIET = "quiet"
    """Nothing is the matter, and so it was told."""
    HELD = "held"
    """Something is, and was not told yet."""
    TOLD = "told"
    """Something is, and was told."""
    STALE = "stale"
    """It has changed since it was told."""
    ENDING = "ending"
    """It is over, which was not told yet."""


class Step(StrEnum):
    """What happens to a subject, or to the news of it."""

    BEGIN = "begin"
    CHANGE = "change"
    END = "end"
    RELEASE = "release"
    """What is not told yet is told."""
    MUTE = "mute"
    """What was held back came to nothing, and nobody hears of it."""


LIFE: dict[State, dict[Step, State]] = {
    State.QUIET: {Step.BEGIN: State.HELD},
    State.HELD: {
        Step.CHANGE: State.HELD,
        Step.RELEASE: State.TOLD,
        Step.MUTE: State.QUIET,
    },
    State.TOLD: {Step.CHANGE: State.STALE, Step.END: State.ENDING},
    State.STALE: {
        Step.CHANGE: State.STALE,
        Step.END: State.ENDING,
        Step.RELEASE: State.TOLD,
    },
    State.ENDING: {Step.BEGIN: State.STALE, Step.RELEASE: State.QUIET},
}
"""What was held back ends by RELEASE and END, or by MUTE: nobody hears the end of what he has not
heard of."""

IS_SO = frozenset({State.HELD, State.TOLD, State.STALE})


class Impossible(Exception):
    """A step that can't happen in that state: a bug."""

    def __init__(self, state: State, step: Step) -> None:
        super().__init__(f"an episode that is {state} can't {step}")


def lived(state: State, step: Step) -> State:
    """The state after the step.  Raises Impossible."""
    try:
        return LIFE[state][step]
    except KeyError:
        raise Impossible(state, step) from None


def step_of(state: State, event: Event) -> Step | None:
    """What an event is to a subject of that state; None: nothing new."""
    if event in _BEGUN_AS:
        return Step.CHANGE if state in IS_SO else Step.BEGIN
    return Step.END if state in IS_SO else None


def begun_as(event: Event, before: Event) -> Event:
    """By which event an episode is told again: the last of those that begin one."""
    return event if event in ENDED_BY else _BEGUN_AS.get(event, before)


class Episode(Struct, frozen=True, kw_only=True, tag="episode"):
    """One subject.  Moments are those of the events."""

    state: State = State.QUIET
    event: Event
    """By which it began."""
    news: News
    """The newest."""
    begun_at: int = 0
    flipped_at: int = 0
    """When it last began or ended."""
    begins: tuple[int, ...] = ()
    """When it last began, a few times; see `routing.FLAPS_MAX`."""
    told_event: Event | None = None
    told_at: int = 0
    told: Mapping[str, int] = {}
    """When each hook last heard of it, since it was first told."""
    is_grouped: bool = False
    """Whether it is told as one of many, by a Group."""

    @property
    def is_so(self) -> bool:
        return self.state in IS_SO


class Group(Struct, frozen=True, kw_only=True, tag="group"):
    """Many drifts of one account, told as one until the last of them is over."""

    account: str
    begun_at: int
    told_at: int
    told: Mapping[str, int]
    is_stale: bool = False


Board = Mapping[str, Episode | Group]
"""All subjects by their dedupe keys."""
