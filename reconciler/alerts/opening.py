"""Makes the hooks that are configured."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypedDict

from reconciler.alerts.apprise import AppriseHook
from reconciler.alerts.exec import ExecHook
from reconciler.alerts.hook import Hook
from reconciler.alerts.renewal import HookSecrets
from reconciler.alerts.webhook import WebhookHook
from reconciler.config import Alert, AppriseAlert, ExecAlert, WebhookAlert
from reconciler.hookconfig import named
from reconciler.world import World


class _Terms(TypedDict):
    """As `Terms`, on their way into one."""

    name: str
    events: tuple[str, ...]
    repeat: int
    heartbeat: int
    timeout: int


@asynccontextmanager
async def open_hooks(
    alerts: Sequence[Alert], world: World, secrets: HookSecrets | None = None
) -> AsyncIterator[tuple[Hook, ...]]:
    """A hook for each, in their order, for as long as the block lasts.

    Takes them as `Loaded.alerts` gives them: with what lies in files read.  `secrets` of the same
    sections can be renewed meanwhile.
    """
    secrets = secrets or HookSecrets(alerts)
    async with AsyncExitStack() as stack:
        yield tuple([await _open(alert, secrets, world, stack) for alert in named(alerts)])


async def _open(alert: Alert, secrets: HookSecrets, world: World, stack: AsyncExitStack) -> Hook:
    terms = _Terms(
        name=alert.name,
        events=alert.events,
        repeat=alert.repeat,
        heartbeat=alert.heartbeat,
        timeout=alert.timeout,
    )
    match alert:
        case ExecAlert():
            return ExecHook(command=alert.command, **terms)
        case AppriseAlert():
            return AppriseHook(secrets=secrets, **terms)
        case WebhookAlert():
            assert alert.url is not None, "read by Loaded.alerts"
            return WebhookHook(
                url=alert.url,
                secrets=secrets,
                allow_http=alert.allow_http,
                allow_private=alert.allow_private,
                transport=await stack.enter_async_context(world.http()),
                resolve=world.resolve,
                clock=world.clock,
                **terms,
            )
