"""The database is full, locked, refuses or may not be written: the daemon says so once, waits, and
has lost nothing when that is over."""

import io
import json
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import trio

from reconciler.domain.moments import SECOND
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.simulator.server import serve
from reconciler.store.engine import DatabaseUnusable, open_database
from reconciler.store.reads import Reads
from reconciler.verdict import compare
from tests.cli.daemon import ENVIRONMENT, command, until_logged, write_config
from tests.desk import ACCOUNT, open_desk, open_exchange, until
from tests.papers import unequal
from tests.proving import proven, proven_record, some_of_everything
from tests.running import run


def logged(text: str, event: str) -> list[dict[str, str]]:
    lines = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == event]


def is_calm(text: str) -> bool:
    """Whether nothing was taken for a bug."""
    return "Traceback" not in text and not logged(text, "session.bug")


# The disk, as the daemon's process sees it

NAMESPACE = ["unshare", "--user", "--mount"]
IN_A_SMALL_BOX = (
    'mount -t tmpfs -o size=6m none "$0" && "$1" db upgrade --config "$2" '
    '&& exec "$1" run --config "$2"'
)
"""On a disk of six megabytes, which only this process and its children see."""
AS_NOBODY = 'exec "$1" run --config "$2"'
"""Modes of files mean nothing to root; in a user namespace of its own it is nobody special."""


@pytest.fixture(scope="module")
def _namespaces() -> None:
    tried = subprocess.run(
        [*NAMESPACE, "--map-root-user", "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"no namespaces here: {tried.stderr}")


@asynccontextmanager
async def daemon_within(
    script: str, *mapping: str, folder: Path, config: Path, log: Path
) -> AsyncIterator[trio.Process]:
    """`reconciler run` in namespaces of its own; stopped in the usual way when the block ends."""
    [program] = command()
    with log.open("wb") as file:
        process = await trio.lowlevel.open_process(
            [*NAMESPACE, *mapping, "sh", "-c", script, str(folder), program, str(config)],
            stderr=file,
            stdout=file,
            env={**ENVIRONMENT, "RECONCILER_BACKFILL__SWEEP": "2s"},
        )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            with trio.fail_after(15):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            with trio.CancelScope(shield=True):
                await process.wait()


def fill_up(disk: Path) -> Path:
    """Takes all the room; the file that has it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def copied_out(process: trio.Process, disk: Path, folder: Path) -> None:
    """The record as a power cut would leave it.  SQLite itself does not find the way in there."""
    process.send_signal(signal.SIGSTOP)
    for name in ("record.db", "record.db-wal"):
        (folder / name).write_bytes((disk / name).read_bytes())
    process.send_signal(signal.SIGCONT)


def is_true(exchange: Simulated, url: str) -> bool:
    reads, truth = Reads(open_database(url)), exchange.truth(ACCOUNT)
    try:
        return compare(reads, ACCOUNT, truth).is_equal and not unequal(reads, ACCOUNT, truth)
    except DatabaseUnusable:
        return False


@pytest.mark.usefixtures("_namespaces")
def test_a_disk_that_is_full_is_waited_for(tmp_path: Path) -> None:
    box, log, exchange = tmp_path / "box", tmp_path / "log", open_exchange()
    box.mkdir()

    async def main() -> None:
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, f"sqlite:///{box}/record.db")
            async with daemon_within(
                IN_A_SMALL_BOX, "--map-root-user", folder=box, config=config, log=log
            ) as process:
                await until_logged(log, "session.live")
                disk = Path(f"/proc/{process.pid}/root{box}")
                ballast = fill_up(disk)
                with trio.fail_after(20):
                    while not logged(log.read_text(), "database.away"):
                        some_of_everything(exchange)
                        await trio.sleep(0.02)
                some_of_everything(exchange)
                await trio.sleep(2)  # an attempt or two in vain
                ballast.unlink()
                await until_logged(log, "database.back")
                copy = f"sqlite:///{tmp_path}/record.db"
                with trio.fail_after(20):
                    while not is_true(exchange, copy):
                        await trio.sleep(0.5)
                        copied_out(process, disk, tmp_path)
                await proven_record(exchange, open_database(copy))

    run(main, seconds=60)
    [away] = logged(log.read_text(), "database.away")
    assert away["reason"].endswith("the disk is full; make room")
    assert is_calm(log.read_text())


def let(path: Path, mode: int) -> None:
    """For those beside it too, which SQLite makes with its mode."""
    for file in path.parent.glob(f"{path.name}*"):
        file.chmod(mode)


@pytest.mark.usefixtures("_namespaces")
def test_a_file_that_may_not_be_written_is_waited_for(sqlite_url: str, tmp_path: Path) -> None:
    path, log = Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "log"
    exchange = open_exchange()

    async def main() -> None:
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, sqlite_url)
            let(path, 0o400)
            mapping = ("--map-user=1000", "--map-group=1000")
            async with daemon_within(AS_NOBODY, *mapping, folder=tmp_path, config=config, log=log):
                await until_logged(log, "account.waiting")
                await trio.sleep(2)  # it asks every second
                let(path, 0o600)
                await until_logged(log, "session.live")
                await proven_record(exchange, open_database(sqlite_url))

    run(main)
    [waiting] = logged(log.read_text(), "account.waiting")
    assert waiting["why"].endswith("let this user write to it, those beside it and the folder")
    assert is_calm(log.read_text())


# Somebody else


def test_a_file_that_somebody_locks_is_waited_for(sqlite_url: str) -> None:
    log = io.StringIO()

    async def main() -> None:
        async with open_desk(sqlite_url, sweep=2 * SECOND, log_to=log) as desk:
            await desk.feed.until_live()
            with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
                other.execute("BEGIN IMMEDIATE")
                some_of_everything(desk.exchange)
                await until(lambda: bool(logged(log.getvalue(), "database.away")))
                some_of_everything(desk.exchange)
                other.rollback()
            await until(lambda: bool(logged(log.getvalue(), "database.back")))
            await proven(desk)

    run(main, seconds=60)
    [away] = logged(log.getvalue(), "database.away")
    assert away["reason"].endswith("locked by another process; stop it")
    assert is_calm(log.getvalue())


# The server

FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'
   USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON deals EXECUTE FUNCTION no_room()
"""


@contextmanager
def admin(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_a_server_whose_disk_is_full_is_waited_for(postgres_url: str) -> None:
    """As it would say; what a transaction had written by then is taken back."""
    log = io.StringIO()

    async def main() -> None:
        async with open_desk(postgres_url, sweep=2 * SECOND, log_to=log) as desk:
            await desk.feed.until_live()
            with admin(postgres_url) as server:
                server.execute(FULL)
                some_of_everything(desk.exchange)
                await until(lambda: bool(logged(log.getvalue(), "database.away")))
                server.execute("DROP TRIGGER no_room ON deals")
                server.execute("DROP FUNCTION no_room")
            await until(lambda: bool(logged(log.getvalue(), "database.back")))
            await proven(desk)

    run(main)
    [away] = logged(log.getvalue(), "database.away")
    assert away["reason"].endswith("could not extend file: No space left on device")
    assert is_calm(log.getvalue())


MINE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'"


@pytest.fixture
def clerk_url(postgres_url: str) -> Iterator[str]:
    """The same database for a user who owns nothing and may write all."""
    with admin(postgres_url) as server:
        server.execute("CREATE ROLE clerk LOGIN IN ROLE pg_read_all_data, pg_write_all_data")
        yield postgres_url.replace("test@", "clerk@")
        server.execute(MINE)
        server.execute("DROP ROLE clerk")


def test_a_server_without_a_connection_left_is_waited_for(
    clerk_url: str, postgres_url: str
) -> None:
    log = io.StringIO()

    async def main() -> None:
        async with open_desk(clerk_url, sweep=2 * SECOND, log_to=log) as desk:
            await desk.feed.until_live()
            with admin(postgres_url) as server:
                server.execute("ALTER ROLE clerk CONNECTION LIMIT 0")
                server.execute(MINE)
                some_of_everything(desk.exchange)
                await until(lambda: "too many connections" in log.getvalue())
                server.execute("ALTER ROLE clerk CONNECTION LIMIT -1")
            await desk.feed.until_live(2)
            await proven(desk)

    run(main, seconds=60)
    [waiting] = [
        each for each in logged(log.getvalue(), "account.waiting") if "too many" in each["why"]
    ]
    assert waiting["why"].endswith("; close other sessions, or raise max_connections")
    assert is_calm(log.getvalue())


def test_a_right_that_was_taken_away_is_waited_for(clerk_url: str, postgres_url: str) -> None:
    log = io.StringIO()

    async def main() -> None:
        async with open_desk(clerk_url, sweep=2 * SECOND, log_to=log) as desk:
            await desk.feed.until_live()
            with admin(postgres_url) as server:
                server.execute("REVOKE pg_write_all_data FROM clerk")
                some_of_everything(desk.exchange)
                await until(lambda: bool(logged(log.getvalue(), "database.away")))
                server.execute("GRANT pg_write_all_data TO clerk")
            await until(lambda: bool(logged(log.getvalue(), "database.back")))
            await proven(desk)

    run(main, seconds=60)
    [away] = logged(log.getvalue(), "database.away")
    assert "permission denied for table" in away["reason"]
    assert away["reason"].endswith("; let this user own the tables")
    assert is_calm(log.getvalue())
