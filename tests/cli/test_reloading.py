"""SIGHUP takes new secrets of accounts and hooks, and says what is wrong without showing it."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from reconciler.alerts.renewal import HookSecrets
from reconciler.cli.opening import configuration, credentials
from reconciler.cli.reloading import reload_at, secrets_of
from reconciler.feed.renewal import Keyring
from reconciler.hookconfig import hook_secrets
from reconciler.log import Filter, open_log
from reconciler.secret import Secret
from reconciler.world import real
from tests.cli.daemon import write_config
from tests.desk import ACCOUNT, KEY, SECRET
from tests.feed.memory import run

OLD, NEW = "0ldHookSecret", "n3wHookSecret"


class Reloading:
    """A daemon's secrets, and the files that they are read from."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self._log = folder, folder / "hook.secret", StringIO()
        self.file.write_text(OLD)
        loaded = configuration(str(self.write()))
        keys, alerts = credentials(loaded), loaded.alerts()
        self.keyring, self.hooks = Keyring(keys), HookSecrets(alerts)
        self._shown = Filter("info", [*secrets_of(keys), *hook_secrets(alerts)])
        self.log = open_log(clock=real().clock, format_="json", filter_=self._shown, to=self._log)
        self._config = loaded.config

    def write(self, host: str = "ops.test", **changes: str) -> Path:
        more = f"""
[[alerts]]
type = "webhook"
name = "ops"
url = "https://{host}/path"
secret_file = "{self.file}"
"""
        return write_config(self.folder, None, "sqlite:///x.db", more=more, **changes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[trio.MemorySendChannel[int]]:
        send, receive = trio.open_memory_channel[int](0)
        path = str(self.folder / "reconciler.toml")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                reload_at,
                receive,
                path,
                self._config,
                self.keyring,
                self.hooks,
                self._shown,
                self.log,
            )
            yield send
            nursery.cancel_scope.cancel()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]


def reloaded(folder: Path, **changes: str) -> Reloading:
    """After a hangup with these changes; a `hook` is what the hook's file holds by then."""
    reloading = Reloading(folder)

    async def main() -> None:
        async with reloading.running() as hangups:
            if (hook := changes.pop("hook", None)) is not None:
                reloading.file.write_text(hook)
            reloading.write(**changes)
            await hangups.send(signal.SIGHUP)
            await trio.testing.wait_all_tasks_blocked()

    run(main)
    return reloading


def test_a_new_secret_of_a_hook_is_taken_and_hidden_as_the_old_one(tmp_path: Path) -> None:
    reloading = reloaded(tmp_path, hook=NEW)
    assert reloading.hooks["ops"] == Secret(NEW)
    [line] = reloading.lines()
    assert line["event"] == "reload.done"
    assert (line["new_hook_secrets"], line["new_credentials"]) == (["ops"], [])
    assert line["wants_restart"] == []
    reloading.log.info("said", by=f"{OLD} {NEW} {KEY}")
    assert reloading.lines()[-1]["by"] == "… … …"


@pytest.mark.parametrize(
    ("hook", "problem"),
    [
        ("", "is empty"),
        ("wr0ng\nlines", "has characters that no key has"),
        ("wr0ng" * 1000, "is longer than any key"),
    ],
    ids=["empty", "lines", "long"],
)
def test_a_wrong_one_is_named_by_key_and_file_and_keeps_no_account_from_its_new_key(
    tmp_path: Path, hook: str, problem: str
) -> None:
    reloading = reloaded(tmp_path, hook=hook, secret="n" * 32)
    assert reloading.hooks["ops"] == Secret(OLD)
    assert reloading.keyring[ACCOUNT].secret == Secret("n" * 32)
    kept, done = reloading.lines()
    assert (kept["event"], kept["level"]) == ("alerts.kept", "error")
    config = tmp_path / "reconciler.toml"
    assert kept["why"] == f"{config}: alerts.ops.secret_file: {reloading.file} {problem}"
    assert (done["new_hook_secrets"], done["new_credentials"]) == ([], [ACCOUNT])
    assert "wr0ng" not in str(reloading.lines())


def test_an_unreadable_one_is_too(tmp_path: Path) -> None:
    reloading = Reloading(tmp_path)

    async def main() -> None:
        async with reloading.running() as hangups:
            reloading.file.unlink()
            await hangups.send(signal.SIGHUP)
            await trio.testing.wait_all_tasks_blocked()

    run(main)
    kept, _ = reloading.lines()
    assert kept["why"].endswith(f"{reloading.file} can't be read: No such file or directory")
    assert reloading.hooks["ops"] == Secret(OLD)


def test_a_mistake_in_the_file_changes_nothing_and_is_named(tmp_path: Path) -> None:
    reloading = reloaded(tmp_path, hook=NEW, key="")
    [line] = reloading.lines()
    assert line["event"] == "reload.failed"
    assert line["why"] == f"{tmp_path}/reconciler.toml: accounts.{ACCOUNT}.api_key: is empty"
    assert reloading.hooks["ops"] == Secret(OLD)
    assert reloading.keyring[ACCOUNT].secret == Secret(SECRET)


def test_where_a_hook_leads_wants_a_restart(tmp_path: Path) -> None:
    reloading = reloaded(tmp_path, hook=NEW, host="elsewhere.test", since="2h")
    [line] = reloading.lines()
    assert line["wants_restart"] == ["backfill", "alerts"]
    assert line["new_hook_secrets"] == []
    assert reloading.hooks["ops"] == Secret(OLD)
