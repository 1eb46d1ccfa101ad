"""The hook for chat, mail and pagers, through the apprise library (an extra), in words for people.

The library runs in a process of its own (`telling`), to which the address, a secret, goes by its
standard input: not by its arguments, which everybody on the machine can read.
"""

import sys
from dataclasses import dataclass

import msgspec

from reconciler.alerts import telling
from reconciler.alerts.exec import environment
from reconciler.alerts.hook import HookFailed, Message, Terms
from reconciler.alerts.process import tell
from reconciler.alerts.renewal import HookSecrets
from reconciler.domain.moments import seconds

COMMAND = (sys.executable, "-P", "-m", telling.__name__)
GOOD_NEWS = ("resolved", "recovered")
NO_NEWS = ("test", "heartbeat")

WHY = {
    telling.REFUSED: "the service did not take it (more: apprise -vv ADDRESS)",
    telling.UNKNOWN: "apprise knows no service with such an address",
    telling.MISSING: "apprise is missing: pip install 'reconciler[apprise]'",
}
MENDED_BY_PEOPLE = (telling.UNKNOWN, telling.MISSING)


class _Body(msgspec.Struct):
    message: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseHook(Terms):
    """Implements Hook."""

    secrets: HookSecrets
    """Where its address is."""

    async def deliver(self, message: Message) -> None:
        """As Hook says."""
        title, text, kind = worded(message)
        url = self.secrets[self.name]
        assert url is not None, "read by Loaded.alerts"
        said = telling.Telling(url=url.reveal(), title=title, text=text, kind=kind)
        limit_s = seconds(self.timeout)
        ended = await tell(COMMAND, msgspec.json.encode(said), environment(), limit_s=limit_s)
        # Whatever it printed is not repeated: the library may have said the address.
        if ended.code is None:
            raise HookFailed(f"the service did not take it within {limit_s:g}s")
        if ended.code != telling.SENT:
            why = WHY.get(ended.code, f"apprise ended with {ended.code}")
            raise HookFailed(why, permanent=ended.code in MENDED_BY_PEOPLE)


def worded(message: Message) -> tuple[str, str, str]:
    """Title, text and apprise's kind of message."""
    body = msgspec.json.decode(message.body, type=_Body)
    title = " ".join(filter(None, ("reconciler:", message.event, body.account)))
    last = message.event.rpartition(".")[2]
    kind = "success" if last in GOOD_NEWS else "info" if last in NO_NEWS else "warning"
    return title, body.message or message.body.decode(), kind
