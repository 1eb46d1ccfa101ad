"""`reconciler run` as a process: killed, stopped, refused, and without its database."""

import random
import signal
from pathlib import Path

import pytest
import trio

from reconciler.simulator.life import live
from reconciler.simulator.server import serve
from reconciler.store.engine import open_database
from tests.cli.calling import Within
from tests.cli.daemon import daemon, ended, until_logged, write_config
from tests.desk import ACCOUNT, KEY, SECRET, open_exchange, settled, until
from tests.grids import corners
from tests.running import run


@pytest.mark.parametrize(("kills", "rate"), corners([(2, 250)], [(2, 250), (5, 300)]))
def test_killed_at_any_moment_and_started_again_nothing_is_lost_doubled_or_broken(
    database_url: str, tmp_path: Path, kills: int, rate: int
) -> None:
    async def main() -> None:
        exchange, log = open_exchange(), tmp_path / "log"
        chance = random.Random(database_url.partition(":")[0])
        async with serve(exchange) as server, trio.open_nursery() as nursery:
            config = write_config(tmp_path, server, database_url)

            async def trade() -> None:
                await live(exchange, rate=rate, chance=random.Random(1), accounts=[ACCOUNT])

            traders = trio.CancelScope()

            async def life() -> None:
                with traders:
                    await trade()

            nursery.start_soon(life)
            for _ in range(kills):
                async with daemon(config, log) as process:
                    # From before its first line to well into the stream.
                    with trio.move_on_after(chance.uniform(0.3, 2.5)):
                        await process.wait()
                    assert process.returncode is None, log.read_text()
                    process.send_signal(signal.SIGKILL)
            async with daemon(config, log):
                lives = log.read_text().count("session.live")
                await until_logged(log, "session.live", lives + 1)
                traders.cancel()
                verdict = await settled(exchange, open_database(database_url))
            assert verdict.is_equal, verdict.differences[:5]
            assert verdict.deals > 100
            assert "session.bug" not in log.read_text()
            assert "Traceback" not in log.read_text()

    run(main, seconds=30 * kills)


@pytest.mark.parametrize("number", corners([signal.SIGINT], [signal.SIGTERM, signal.SIGINT]))
def test_a_signal_commits_what_has_arrived_and_leaves_with_zero(
    sqlite_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    async def main() -> None:
        exchange, log = open_exchange(), tmp_path / "log"
        async with serve(exchange) as server:
            async with daemon(write_config(tmp_path, server, sqlite_url), log) as process:
                await until_logged(log, "session.live")
                exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
                database = open_database(sqlite_url)

                def deals() -> int:
                    with database.reading() as connection:
                        return len(connection.exec_driver_sql("SELECT * FROM v_deals").all())

                await until(lambda: deals() == 1)
                process.send_signal(number)
                with trio.fail_after(10):
                    assert await process.wait() == 0
            with database.reading() as connection:
                query = "SELECT disconnected_at, reason FROM v_sessions"
                [(disconnected_at, reason)] = connection.exec_driver_sql(query).all()
            assert disconnected_at is not None
            assert reason == "stopped"
            events = log.read_text()
            assert '"event": "daemon.stopped"' in events
            assert KEY not in events
            assert SECRET not in events

    run(main)


@pytest.mark.parametrize("wrong", corners(["secret"], ["key", "secret"]))
def test_wrong_credentials_end_it_with_3_and_one_line_that_shows_no_secret(
    sqlite_url: str, tmp_path: Path, wrong: str
) -> None:
    async def main() -> None:
        async with serve(open_exchange()) as server:
            config = write_config(tmp_path, server, sqlite_url, **{wrong: "wr0ng-and-s3cret"})
            with trio.fail_after(10):
                end = await ended("run", "--config", config)
        assert end.code == 3
        lines = [line for line in end.err.splitlines() if not line.startswith("{")]
        assert len(lines) == 1
        assert lines[0] == (
            f"reconciler: account {ACCOUNT}: the exchange refused the credentials: "
            "Unauthorized request; mend the key at the exchange or replace it here, "
            "see: reconciler check"
        )
        for secret in ("wr0ng-and-s3cret", KEY, SECRET):
            assert secret not in end.err + end.out

    run(main)


# What is refused before it begins, in this process


def test_an_unknown_key_ends_it_with_2_and_is_named(tmp_path: Path, within: Within) -> None:
    config = write_config(tmp_path, None, "sqlite:///x.db", more="[feed2]\nping = '1s'")
    end = within(config)("run")
    assert end.code == 2
    assert end.err == f"reconciler: {config}: feed2: unknown key; did you mean feed?\n"


@pytest.mark.parametrize(
    "url",
    ["sqlite:////no/such/folder/x.db", "postgresql://nobody@127.0.0.1:1/none"],
)
def test_a_database_that_is_away_at_the_start_ends_it_with_4(
    tmp_path: Path, within: Within, url: str
) -> None:
    end = within(write_config(tmp_path, None, url))("run")
    assert end.code == 4
    assert len(end.err.splitlines()) == 1


def test_a_database_without_a_schema_is_refused_with_the_remedy(
    tmp_path: Path, within: Within
) -> None:
    call = within(write_config(tmp_path, None, f"sqlite:///{tmp_path}/new.db"))
    end = call("run")
    assert end.code == 4
    assert "run: reconciler db upgrade" in end.err
    assert call("db", "upgrade").code == 0


def test_without_accounts_it_says_what_to_add(tmp_path: Path, within: Within) -> None:
    file = tmp_path / "empty.toml"
    file.write_text("")
    end = within(file)("run")
    assert end.code == 2
    assert "add [[accounts]]" in end.err
