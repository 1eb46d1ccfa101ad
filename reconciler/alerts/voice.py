"""One hook, spoken to by one at a time, within a limit of time.

Here is the border at which a fault of ours in a hook is told as a bug and ends nothing else.
"""

import trio

from reconciler.alerts.figures import AlertFigures
from reconciler.alerts.hook import Hook, HookFailed, Message
from reconciler.alerts.routing import Audience
from reconciler.domain.events import Event
from reconciler.log import Logger

DELIVERY_SECONDS_MAX = 150
"""Hooks have limits of their own, of at most two minutes; this one is for those that forget."""


class Voice:
    """A hook, as the dispatcher speaks to it."""

    def __init__(self, hook: Hook, figures: AlertFigures, log: Logger) -> None:
        self.hook = hook
        self._figures = figures
        self._log = log.bind(hook=hook.name)
        self._alone = trio.Lock()

    @property
    def name(self) -> str:
        return self.hook.name

    @property
    def audience(self) -> Audience:
        """What routing knows of it."""
        return Audience(name=self.hook.name, events=self.hook.events, repeat=self.hook.repeat)

    async def tell(self, message: Message) -> HookFailed | None:
        """None once the other side has it; else why it is not known to."""
        async with self._alone:
            failed = await self._attempt(message)
        if failed is None:
            self._figures.sent[self.name] += 1
            say = self._log.debug if message.event == Event.HEARTBEAT else self._log.info
            say("alert.sent", told=message.event, id=message.id)
        else:
            self._figures.failures[self.name] += 1
            self._log.warning("alert.unsent", told=message.event, id=message.id, why=failed.reason)
        return failed

    async def _attempt(self, message: Message) -> HookFailed | None:
        try:
            with trio.fail_after(DELIVERY_SECONDS_MAX):
                await self.hook.deliver(message)
        except HookFailed as failed:
            return failed
        except trio.TooSlowError:
            return HookFailed(f"no end within {DELIVERY_SECONDS_MAX} seconds")
        except Exception as error:
            self._figures.bugs[self.name] += 1
            self._log.exception("alert.bug", told=message.event, id=message.id)
            return HookFailed(f"a bug of the hook: {type(error).__name__}")
        return None
