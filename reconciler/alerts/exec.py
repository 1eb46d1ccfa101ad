"""The hook that runs a program of the user's, with the event as JSON on its standard input.

Exit code 0 means that it has been told; anything else is tried again.
"""

import os
from dataclasses import dataclass

from reconciler.alerts.hook import HookFailed, Message, Terms
from reconciler.alerts.process import tell, told
from reconciler.domain.moments import seconds

FALLBACKS = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
"""All that a program gets of our environment, and what it gets where that is not set."""


def environment() -> dict[str, str]:
    """Of ours only what every program needs: the rest holds secrets."""
    return {name: os.environ.get(name) or usual for name, usual in FALLBACKS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecHook(Terms):
    """Implements Hook."""

    command: tuple[str, ...]

    async def deliver(self, message: Message) -> None:
        """As Hook says."""
        said = {"RECONCILER_EVENT": message.event, "RECONCILER_DELIVERY": message.id}
        limit_s = seconds(self.timeout)
        ended = await tell(self.command, message.body, environment() | said, limit_s=limit_s)
        if ended.code != 0:
            raise HookFailed(told(self.command, ended, limit_s=limit_s))
