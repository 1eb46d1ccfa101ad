"""`reconciler alerts`: the hooks, tried."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import click
import trio

from reconciler.alerts.hook import Hook, HookFailed, Message
from reconciler.alerts.opening import open_hooks
from reconciler.cli.main import FINDINGS
from reconciler.cli.opening import common_options, configuration
from reconciler.config import Alert, ConfigError
from reconciler.domain.events import Event, SignNews, alert_body, new_id
from reconciler.world import World, real


@click.group("alerts")
def command() -> None:
    """Look after the hooks that tell of events."""


@command.command("test")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys are stable.")
@common_options
def test(as_json: bool, config: str | None) -> None:
    """Send a test event through every hook, whatever events it asks for.

    Leaves with 1 if one did not take it.  A daemon may run meanwhile; the database is not touched.
    """
    loaded = configuration(config)
    alerts = loaded.alerts()
    if not alerts:
        raise ConfigError(loaded.where, "alerts", "there is none; add [[alerts]] with a type")
    tried = trio.run(try_all, alerts, real())
    if as_json:
        click.echo(json.dumps({"hooks": [_plain(each) for each in tried]}, indent=1))
    else:
        width = max(len(each.name) for each in tried)
        for each in tried:
            ok = each.problem is None
            mark = click.style("ok  ", fg="green") if ok else click.style("FAIL", fg="red")
            click.echo(f"{mark}  {each.name:<{width}}  {each.problem or 'has been told'}")
    if any(each.problem is not None for each in tried):
        raise click.exceptions.Exit(FINDINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How the test of one hook went."""

    name: str
    kind: str
    problem: str | None
    """None where it has been told."""


async def try_all(alerts: Sequence[Alert], world: World) -> list[Tried]:
    """One test event through each of them at once, in their order; none waits for another."""
    now = world.clock.now()
    news, id_ = SignNews(name=world.name, at=now), new_id(now, world.chance)
    message = Message(id=id_, event=Event.TEST, body=alert_body(Event.TEST, news, id_))
    problems: dict[str, str] = {}

    async def attempt(hook: Hook) -> None:
        try:
            await hook.deliver(message)
        except HookFailed as failed:
            problems[hook.name] = failed.reason

    async with open_hooks(alerts, world) as hooks, trio.open_nursery() as nursery:
        for hook in hooks:
            nursery.start_soon(attempt, hook)
    return [
        Tried(
            name=alert.name,
            kind=str(alert.__struct_config__.tag),
            problem=problems.get(alert.name),
        )
        for alert in alerts
    ]


def _plain(tried: Tried) -> dict[str, object]:
    return {
        "name": tried.name,
        "type": tried.kind,
        "ok": tried.problem is None,
        "problem": tried.problem,
    }
