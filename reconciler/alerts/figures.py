"""What the telling of alerts tells about itself while it runs."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class AlertFigures:
    """Of one process, since it began, mostly by hook.  Written by the dispatcher alone."""

    is_on_duty: bool = False
    """Whether this process is the one that delivers, among those of the database."""
    pending: dict[str, int] = field(default_factory=dict)
    """What waits now, by hook, as of the last turn."""
    oldest_at: dict[str, int] = field(default_factory=dict)
    """When the oldest of that was created."""
    sent: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """Attempts that failed."""
    given_up: Counter[str] = field(default_factory=Counter)
    bugs: Counter[str] = field(default_factory=Counter)
    """Attempts that a fault of ours ended, told apart from failures."""
    muted: int = 0
    """What nobody heard of, as it came to nothing while it was held back."""
    turned_at: int | None = None
    """When the record was last asked."""
