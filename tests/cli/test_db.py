"""`reconciler db`: the schema comes and stays, a newer one is left alone; backups gather and go."""

import json
import os
from pathlib import Path

import pytest
import trio

from reconciler.domain.facts import Market
from reconciler.domain.moments import DAY
from reconciler.store.engine import open_database
from reconciler.store.schema import REVISION
from reconciler.store.shelf import Shelf
from tests.cli.calling import Call, caller, is_one_line
from tests.cli.daemon import ENVIRONMENT, command, write_config
from tests.desk import until
from tests.running import run
from tests.store.samples import NOON, apply, batch, deal, order


def test_a_fresh_database_is_upgraded_once(call_fresh: Call) -> None:
    assert "at empty" in call_fresh("db", "current").out
    first, again = call_fresh("db", "upgrade"), call_fresh("db", "upgrade")
    assert (first.code, again.code) == (0, 0)
    assert f"upgraded from empty to {REVISION}" in first.out
    assert f"already at {REVISION}" in again.out
    assert "up to date" in call_fresh("db", "current").out


def test_a_migrated_database_is_up_to_date(call: Call) -> None:
    current = call("db", "current")
    assert (current.code, current.err) == (0, "")
    assert f"at {REVISION}, wanted {REVISION}: up to date" in current.out


@pytest.fixture
def newer(database_url: str) -> None:
    with open_database(database_url).writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("command", ["db upgrade", "run", "status", "sql"])
def test_a_newer_schema_is_refused(call: Call, command: str) -> None:
    ended = call(*command.split(), piped="SELECT 1")
    assert ended.code == 4
    assert is_one_line(ended), ended
    assert "install the newer reconciler" in ended.err


@pytest.mark.usefixtures("newer")
def test_a_newer_schema_is_said_without_bad_advice(call: Call) -> None:
    said = call("db", "current").out
    assert "install the newer reconciler" in said
    assert "db upgrade" not in said


# Backups


@pytest.fixture
def with_tools(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's own client tools, on PATH."""
    tools = request.getfixturevalue("postgres_template").server.tools
    monkeypatch.setenv("PATH", str(tools), prepend=":")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    made = tmp_path / "shelf"
    made.mkdir()
    return made


@pytest.mark.usefixtures("with_tools")
def test_backups_gather_in_a_folder_until_there_are_enough(
    call: Call, database_url: str, shelf: Path
) -> None:
    of_this = Shelf(shelf, open_database(database_url))
    places = [of_this.place(NOON - days * DAY) for days in range(3)]
    for place in places:
        place.touch()
    ended = call("db", "backup", str(shelf), "--keep", "2", "--json")
    assert (ended.code, ended.err) == (0, "")
    said = json.loads(ended.out)
    made, kept = sorted(shelf.iterdir(), reverse=True)
    assert kept == places[0]
    assert (said["path"], said["bytes"]) == (str(made), made.stat().st_size)
    assert said["proven"] is True
    assert said["removed"] == [str(place) for place in places[1:]]


@pytest.mark.usefixtures("with_tools")
def test_a_backup_says_in_words_where_it_is_and_what_is_proven(call: Call, shelf: Path) -> None:
    ended = call("db", "backup", str(shelf / "mine"))
    assert (ended.code, ended.err) == (0, "")
    assert f"{shelf}/mine: " in ended.out
    assert "proven: 0 postings made anew from the facts are equal" in ended.out
    again = call("db", "backup", str(shelf / "mine"))
    assert again.code == 4
    assert is_one_line(again), again
    assert "is there already" in again.err


def test_a_record_whose_books_are_wrong_is_copied_named_so_and_removes_nothing(
    call: Call, database_url: str, shelf: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("with_tools")
    database = open_database(database_url)
    market = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
    apply(database, batch(market, order(10), deal(1, order_id=10)))
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE books SET balance = '999' WHERE asset = 'USDT'")
    ended = call("db", "backup", str(shelf), "--keep", "1")
    assert (ended.code, ended.err) == (1, "")
    assert "its books don't follow from its facts" in ended.out
    assert "999 in the journal" in ended.out
    [made] = shelf.iterdir()
    assert made.name.endswith(".unproven")


def test_where_to_is_said_in_the_call_or_in_the_configuration(call: Call, tmp_path: Path) -> None:
    for arguments, code, words in (
        ((), 2, "say where to: reconciler db backup PATH, or set backup.dir"),
        ((str(tmp_path / "x"), "--keep", "2"), 2, "--keep is for a folder"),
        ((str(tmp_path / "none" / "x"),), 4, "can't be written: No such file or directory"),
    ):
        ended = call("db", "backup", *arguments)
        assert ended.code == code
        assert is_one_line(ended), ended
        assert words in ended.err


def test_the_configured_folder_is_the_default(
    sqlite_url: str,
    tmp_path: Path,
    shelf: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = write_config(tmp_path, None, sqlite_url, more=f'[backup]\ndir = "{shelf}"\nkeep = 1')
    call = caller(config, monkeypatch, capsys)
    (shelf / "record-20260101T000000Z.db").touch()
    assert call("db", "backup").code == 0
    [made] = shelf.iterdir()
    assert made.stat().st_size > 0
    shelf.rename(tmp_path / "gone")
    ended = call("db", "backup")
    assert ended.code == 4
    assert "(backup.dir) does not exist; create it" in ended.err


def endings(folder: Path) -> list[str]:
    return [path.suffix for path in folder.iterdir()]


def test_a_backup_that_is_told_to_stop_leaves_nothing_behind(
    postgres_url: str, tmp_path: Path, shelf: Path, request: pytest.FixtureRequest
) -> None:
    """Nor the tool that it waits for."""
    tools = request.getfixturevalue("postgres_template").server.tools
    (tmp_path / "pg_restore").symlink_to(tools / "pg_restore")
    slow = tmp_path / "pg_dump"
    slow.write_text(
        f'#!/bin/sh\ncase "$1" in --version) exec {tools}/pg_dump --version;; esac\n'
        f"echo $$ > {tmp_path}/pid\nexec sleep 30\n"
    )
    slow.chmod(0o755)
    config = write_config(tmp_path, None, postgres_url)
    arguments = command("db", "backup", str(shelf), "--config", config)
    environment = {**ENVIRONMENT, "PATH": f"{tmp_path}:/usr/bin:/bin"}

    async def main() -> int:
        process = await trio.lowlevel.open_process(arguments, env=environment)
        await until(lambda: bool(list(tmp_path.glob("pid")) and (tmp_path / "pid").read_text()))
        assert endings(shelf) == [".partial"]
        process.terminate()
        return await process.wait()

    assert run(main) == 130
    assert list(shelf.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
