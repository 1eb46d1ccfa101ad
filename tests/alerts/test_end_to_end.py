"""What the exchange does reaches a hook: the whole daemon over real sockets, and days of it in
virtual time."""

import io
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import trio

from reconciler.alerts.hook import Message
from reconciler.causes import leaves
from reconciler.daemon import open_daemon
from reconciler.domain.moments import SECOND, seconds
from reconciler.feed.account import listen
from reconciler.feed.outages import DOWN_AFTER
from reconciler.feed.rest import CredentialsRefused
from reconciler.log import open_log
from reconciler.secret import Credentials, Secret
from reconciler.simulator.server import serve
from reconciler.store.engine import Database, open_database
from reconciler.store.explaining import explain, listed
from reconciler.world import real
from tests.alerts.bench import Sink, alerts, open_bench
from tests.cli.daemon import ended, write_config
from tests.desk import ACCOUNT, KEY, config_for, open_desk, open_exchange, until
from tests.drifting import SETTLED_SECONDS, settle_in
from tests.feed.memory import Stage, open_stage
from tests.feed.memory import run as run_virtually
from tests.running import run
from tests.store.samples import rows

DRIFT = "drift/treasury/spot/USDT"


def is_verified(database: Database) -> bool:
    """Every balance: what is missing in one wallet may be in another that is not."""
    states = rows(database, "SELECT DISTINCT state FROM v_balance_check")
    return states == [("verified",)]


def assert_told_once_each(sink: Sink, url: str) -> None:
    """That 15 USDT are missing, and that they are back."""
    assert sink.heard() == [f"drift.detected {DRIFT}", f"drift.resolved {DRIFT}"]
    detected = msgspec.json.decode(sink.got[0].body)
    assert (detected["difference"], detected["asset"]) == ("-15", "USDT")
    assert "differs by -15" in detected["message"]
    assert alerts(open_database(url)) == [
        ("drift.detected", "sink", "sent", 1),
        ("drift.resolved", "sink", "sent", 1),
    ]


@pytest.mark.soak
def test_over_real_sockets_money_that_vanishes_reaches_a_hook_once_and_so_does_its_return(
    database_url: str,
) -> None:
    """It waits for real until history can't tell of it any more, which is half a minute."""
    sink = Sink()

    async def main() -> None:
        async with open_desk(database_url, sweep=2 * SECOND, hooks=[sink]) as desk:
            await until(lambda: is_verified(desk.database), pause=0.2)
            desk.exchange.phantom(ACCOUNT, "USDT", "-15")
            await until(lambda: bool(sink.got), pause=0.1)
            desk.exchange.phantom(ACCOUNT, "USDT", "15")
            await until(lambda: len(sink.got) > 1, pause=0.1)
            assert desk.running.alerts.sent == {"sink": 2}

    run(main, seconds=120)
    assert_told_once_each(sink, database_url)


def test_a_refused_key_is_told_before_the_daemon_leaves(database_url: str) -> None:
    sink = Sink()

    async def main() -> None:
        world, database = real(), open_database(database_url)
        wrong = {ACCOUNT: Credentials(key=Secret(KEY), secret=Secret("wrong"))}
        log = open_log(clock=world.clock, format_="json", to=io.StringIO())
        async with (
            serve(open_exchange()) as server,
            open_daemon(config_for(server), wrong, database, world, log, [sink]),
        ):
            await trio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as refused:
        run(main)
    assert any(isinstance(leaf, CredentialsRefused) for leaf in leaves(refused.value))
    assert sink.heard() == ["auth.rejected feed/treasury"]
    assert alerts(open_database(database_url)) == [("auth.rejected", "sink", "sent", 1)]


def hook(command: str) -> str:
    """The section that says what a shell does with an alert."""
    return f'''[[alerts]]
type = "exec"
command = ["/bin/sh", "-c", "{command}"]
'''


def test_killed_while_the_hook_has_it_in_hand_nothing_is_missing(
    sqlite_url: str, tmp_path: Path
) -> None:
    """kill -9 after it was sent and before that was marked: the next one sends the same id."""
    first, second = tmp_path / "first", tmp_path / "second"

    async def main() -> None:
        async with serve(open_exchange()) as server:
            deadly = write_config(
                tmp_path,
                server,
                sqlite_url,
                secret="wrong",
                more=hook(f"cat >{first}; kill -9 $PPID"),
            )
            assert (await ended("run", "--config", deadly)).code == -signal.SIGKILL
            assert alerts(open_database(sqlite_url)) == [("auth.rejected", "exec", "pending", 0)]
            config = write_config(
                tmp_path, server, sqlite_url, secret="wrong", more=hook(f"cat >>{second}")
            )
            assert (await ended("run", "--config", config)).code == 3
            # A pass by cron finds nothing new to tell.
            assert (await ended("sync", "--config", config)).code == 3

    run(main, seconds=60)
    assert alerts(open_database(sqlite_url)) == [("auth.rejected", "exec", "sent", 1)]
    assert first.read_text() == second.read_text()
    assert msgspec.json.decode(first.read_bytes())["event"] == "auth.rejected"


def test_a_sync_delivers_before_it_leaves(sqlite_url: str, tmp_path: Path) -> None:
    told = tmp_path / "told"

    async def main() -> None:
        async with serve(open_exchange()) as server:
            config = write_config(
                tmp_path, server, sqlite_url, secret="wrong", more=hook(f"cat >>{told}")
            )
            assert (await ended("sync", "--config", config)).code == 3

    run(main)
    assert msgspec.json.decode(told.read_bytes())["event"] == "auth.rejected"


def play(url: str, scene: Callable[[Stage], Awaitable[None]], *hooks: Sink) -> None:
    """A feed and a dispatcher on one database, in virtual time."""

    async def main() -> None:
        async with open_bench(url, *hooks), open_stage(url) as stage:
            await scene(stage)

    run_virtually(main)


def test_money_that_vanishes_reaches_a_hook_once_and_so_does_its_return(database_url: str) -> None:
    sink = Sink()

    async def scene(stage: Stage) -> None:
        await settle_in(stage)
        assert is_verified(stage.database)
        stage.exchange.phantom(ACCOUNT, "USDT", "-15")
        await trio.sleep(SETTLED_SECONDS)
        assert len(sink.got) == 1
        stage.exchange.phantom(ACCOUNT, "USDT", "15")
        await trio.sleep(SETTLED_SECONDS)

    play(database_url, scene, sink)
    assert_told_once_each(sink, database_url)


def test_an_outage_is_told_when_it_lasts_and_its_end_when_all_is_read(sqlite_url: str) -> None:
    sink = Sink()

    async def scene(stage: Stage) -> None:
        stage.nursery.start_soon(listen, stage.on)
        await stage.on.figures.until_live()
        with stage.exchange.faults.outage():
            await trio.sleep(seconds(DOWN_AFTER) // 2)
        await stage.on.figures.until_live(2)
        await trio.sleep(60)
        assert sink.told == []
        with stage.exchange.faults.outage():
            await trio.sleep(2 * seconds(DOWN_AFTER))
            assert [message.event for message in sink.got] == ["feed.down"]
            await trio.sleep(120)
        await trio.sleep(60)

    play(sqlite_url, scene, sink)
    assert sink.heard() == ["feed.down feed/treasury", "feed.recovered feed/treasury"]


def test_a_drift_that_a_person_explains_is_over_with_his_note(sqlite_url: str) -> None:
    sink = Sink()

    async def scene(stage: Stage) -> None:
        await settle_in(stage)
        stage.exchange.phantom(ACCOUNT, "USDT", "-15")
        await trio.sleep(SETTLED_SECONDS)
        assert sink.heard() == [f"drift.detected {DRIFT}"]
        [drift] = listed(stage.database)
        now = stage.on.world.clock.now()
        explain(stage.database, drift.drift_id, note="a fee nobody told of", now=now)
        # Another process did that: the poll finds it.
        await trio.sleep(10)

    play(sqlite_url, scene, sink)
    assert sink.heard()[1:] == [f"drift.resolved {DRIFT}"]
    assert msgspec.json.decode(sink.got[1].body)["explanation"] == "a fee nobody told of"


async def hang(message: Message) -> None:
    await trio.sleep_forever()


def test_a_hook_that_hangs_does_not_delay_the_feed(sqlite_url: str) -> None:
    sink, hanging = Sink(), Sink("hanging", act=hang)

    async def scene(stage: Stage) -> None:
        await settle_in(stage)
        stage.exchange.phantom(ACCOUNT, "USDT", "-15")
        await trio.sleep(SETTLED_SECONDS)
        assert len(hanging.told) == len(sink.got) == 1
        for _ in range(20):
            stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
        await trio.sleep(1)
        assert (await stage.verdict()).is_equal

    play(sqlite_url, scene, sink, hanging)
