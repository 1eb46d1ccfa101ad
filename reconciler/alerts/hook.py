"""A hook: a way by which somebody is told of an event.

The dispatcher decides what is told when, and knows hooks by this alone; `exec`, `webhook` and
`apprise` are such ways, and `opening` makes them of the configuration.
"""

from dataclasses import dataclass
from typing import Protocol

REASON_CHARS_MAX = 300
"""Enough for the last line of a traceback; it stands in a row of `v_alerts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event on its way to one hook."""

    id: str
    """Of the delivery: the same at each attempt, so that who gets it twice can tell."""
    event: str
    body: bytes
    """The JSON object, exactly what is sent and signed."""


class HookFailed(Exception):
    """It is not known to have been told.  The reason is bounded and has no secret in it."""

    def __init__(
        self, reason: str, *, retry_after_s: float | None = None, permanent: bool = False
    ) -> None:
        self.reason = one_line(reason)
        self.retry_after_s = retry_after_s
        """Not to be tried before, as the receiver asked."""
        self.permanent = permanent
        """Whether only a person can help, so that attempts may be rare."""
        super().__init__(self.reason)


class Hook(Protocol):
    """A configured way.  `deliver` is called by one task at a time, and may be cancelled."""

    @property
    def name(self) -> str:
        """Unique; shown in `v_alerts` and the metrics."""
        ...

    @property
    def events(self) -> tuple[str, ...]:
        """Glob patterns of what it wants to hear."""
        ...

    @property
    def repeat(self) -> int:
        """Microseconds after which what is still open is told again; 0 is never."""
        ...

    @property
    def heartbeat(self) -> int:
        """Microseconds between signs of life; 0 is none."""
        ...

    async def deliver(self, message: Message) -> None:
        """Return once the other side has it.  Raises HookFailed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is configured of every hook: all of Hook but `deliver`."""

    name: str
    events: tuple[str, ...]
    repeat: int
    heartbeat: int
    timeout: int
    """Microseconds that one delivery may take."""


def one_line(text: str, most: int = REASON_CHARS_MAX) -> str:
    """Text from outside as one printable line; of a long one its end, where programs say why."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= most else "…" + line[1 - most :]
