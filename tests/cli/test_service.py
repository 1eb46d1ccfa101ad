"""`reconciler run` under a service manager: what it says to it, and what SIGHUP does."""

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import trio

from reconciler.alerts.webhook import signatures
from reconciler.secret import Secret
from reconciler.simulator.server import serve
from tests.alerts.sinks import GOOD, Sink, listening
from tests.cli.daemon import daemon, until_logged, write_config
from tests.desk import ACCOUNT, KEY, SECRET, open_desk, open_exchange, until
from tests.running import run
from tests.service.ear import open_ear

NEW_KEY, NEW_SECRET = "n" * 32, "m" * 32
OLD_SIGNING, NEW_SIGNING = "0ldSigning", "n3wSigning"
HOOK = """
[[alerts]]
type = "webhook"
url = "{url}"
secret_file = "{file}"
events = ["heartbeat"]
heartbeat = "1s"
"""

STOP_SECONDS_MAX = 20
"""`TimeoutStopSec=` of the unit: 10 are promised, and this machine may be busy."""


def test_it_says_ready_when_live_feeds_the_watchdog_and_says_that_it_stops(
    sqlite_url: str, tmp_path: Path
) -> None:
    async def main() -> None:
        log = tmp_path / "log"
        with open_ear(str(tmp_path / "notify")) as ear:
            manager = {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "2000000"}
            async with (
                serve(open_exchange()) as server,
                daemon(write_config(tmp_path, server, sqlite_url), log, **manager) as process,
            ):
                assert await ear.until_said("READY=") == "1"
                assert "session.live" in log.read_text()
                await ear.until_said("WATCHDOG=", times=3)
                await ear.until_said("STATUS=1 account live, proven until 20")
                process.send_signal(signal.SIGTERM)
                with trio.fail_after(10):
                    assert await process.wait() == 0
            assert ear.lines("STOPPING=") == ["1"]
            said = "\n".join(ear.messages)
            assert KEY not in said
            assert SECRET not in said

    run(main)


def is_signed(heard: Sink, secret: str) -> bool:
    """Whether the last that was heard is."""
    if not heard.requests:
        return False
    last = heard.requests[-1]
    signed = signatures(Secret(secret), last.body, 0)["X-Reconciler-Signature"]
    return last.headers["x-reconciler-signature"] == signed


def test_a_hangup_takes_new_secrets_and_the_level_and_leaves_what_is_wrong(
    sqlite_url: str, tmp_path: Path
) -> None:
    async def main() -> None:
        exchange, log, signing = open_exchange(), tmp_path / "log", tmp_path / "hook.secret"
        exchange.access.grant(ACCOUNT, NEW_KEY, NEW_SECRET)
        signing.write_text(OLD_SIGNING)
        async with serve(exchange) as server, listening(GOOD) as ops:
            hook = HOOK.format(url=ops.url, file=signing)
            config = write_config(tmp_path, server, sqlite_url, more=hook)
            async with daemon(config, log) as process:
                await until_logged(log, "session.live")
                await until(lambda: is_signed(ops, OLD_SIGNING))
                write_config(tmp_path, server, sqlite_url, key=NEW_KEY, secret="wr0ng", more=hook)
                process.send_signal(signal.SIGHUP)
                await until_logged(log, "credentials.kept")
                config.write_text("[feed2]")
                process.send_signal(signal.SIGHUP)
                await until_logged(log, "reload.failed")
                changes = {"key": NEW_KEY, "secret": NEW_SECRET, "since": "2h"}
                changes["more"] = hook + "[log]\nlevel = 'debug'"
                write_config(tmp_path, server, sqlite_url, **changes)
                signing.write_text(NEW_SIGNING)
                process.send_signal(signal.SIGHUP)
                await until_logged(log, "credentials.renewed")
                await until_logged(log, "session.live", 2)
                await until(lambda: is_signed(ops, NEW_SIGNING))
                process.send_signal(signal.SIGTERM)
                with trio.fail_after(10):
                    assert await process.wait() == 0
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        told = [line for line in lines if line["event"] == "reload.done"]
        assert [line["new_credentials"] for line in told] == [[ACCOUNT], [ACCOUNT]]
        assert [line["new_hook_secrets"] for line in told] == [[], ["webhook"]]
        assert [line["wants_restart"] for line in told] == [[], ["backfill"]]
        assert [line["log_level"] for line in told] == ["info", "debug"]
        for secret in (KEY, SECRET, NEW_KEY, NEW_SECRET, "wr0ng", OLD_SIGNING, NEW_SIGNING):
            assert secret not in log.read_text()

    run(main)


def test_it_stops_in_time_though_nothing_can_be_committed(sqlite_url: str, tmp_path: Path) -> None:
    """What could not be committed was not acknowledged: the next run reads it again."""

    async def main() -> None:
        exchange, log = open_exchange(), tmp_path / "log"
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, sqlite_url)
            async with daemon(config, log) as process:
                await until_logged(log, "session.live")
                with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
                    other.execute("BEGIN IMMEDIATE")
                    exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
                    process.send_signal(signal.SIGTERM)
                    with trio.fail_after(STOP_SECONDS_MAX):
                        assert await process.wait() == 0
                await until_logged(log, "daemon.undrained")
        async with open_desk(sqlite_url, exchange=exchange) as desk:
            await desk.feed.until_live()
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences
            assert verdict.deals == 1

    run(main, seconds=60)
