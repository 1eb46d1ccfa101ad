"""Hooks are made in the order in which they are configured, by names of their own."""

from reconciler.alerts.apprise import AppriseHook
from reconciler.alerts.exec import ExecHook
from reconciler.alerts.opening import open_hooks
from reconciler.alerts.webhook import WebhookHook
from reconciler.config import Alert, AppriseAlert, Duration, ExecAlert, Interval, WebhookAlert
from reconciler.secret import Secret
from reconciler.world import real
from tests.running import run


def test_each_is_made_of_its_section() -> None:
    async def main() -> None:
        alerts: list[Alert] = [
            ExecAlert(command=("true",), events=("drift.*",), repeat=Interval(0)),
            WebhookAlert(url=Secret("https://ops.test/"), heartbeat=Interval(60_000_000)),
            ExecAlert(command=("false",), name="mail", timeout=Duration(5_000_000)),
            AppriseAlert(url=Secret("json://ops.test/")),
        ]
        async with open_hooks(alerts, real()) as hooks:
            kinds = [ExecHook, WebhookHook, ExecHook, AppriseHook]
            assert [type(hook) for hook in hooks] == kinds
            assert [hook.name for hook in hooks] == ["exec", "webhook", "mail", "apprise"]
            assert [hook.events for hook in hooks] == [("drift.*",), ("*",), ("*",), ("*",)]
            day = 86_400_000_000
            assert [hook.repeat for hook in hooks] == [0, day, day, day]
            assert [hook.heartbeat for hook in hooks] == [0, 60_000_000, 0, 0]

    run(main)


def test_no_hooks_are_none() -> None:
    async def main() -> None:
        async with open_hooks([], real()) as hooks:
            assert hooks == ()

    run(main)
