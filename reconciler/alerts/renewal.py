"""New secrets for hooks that are in use, without a restart.

A hook asks here whenever it delivers.  Who it is, what it wants to hear and where a webhook leads
stay as they were at the start; a section that differs in any of that keeps its old secret too, as
the new one may be meant for another.
"""

from collections.abc import Sequence

from reconciler.config import Alert
from reconciler.hookconfig import lasting, named, renewable
from reconciler.secret import Secret


class HookSecrets:
    """The hooks' sections, as they are in use; takes them as `Loaded.alerts` gives them."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        self._used = {alert.name: alert for alert in named(alerts)}

    def __getitem__(self, name: str) -> Secret | None:
        """The hook's secret, if it has one, as of now."""
        return renewable(self._used[name])

    def renew(self, alerts: Sequence[Alert]) -> list[str]:
        """Use the secrets of these sections from now on; the hooks that got another one."""
        renewed = []
        for alert in named(alerts):
            used = self._used.get(alert.name)
            if used is None or lasting(used) != lasting(alert):
                continue
            if renewable(used) != renewable(alert):
                self._used[alert.name] = alert
                renewed.append(alert.name)
        return renewed

    def wants_restart(self, alerts: Sequence[Alert]) -> bool:
        """Whether these sections differ in what is not renewed."""
        return [*map(lasting, self._used.values())] != [*map(lasting, named(alerts))]
