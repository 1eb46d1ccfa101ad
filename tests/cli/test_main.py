"""The command line: help without weight, one line for every error, and its exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import COMMANDS, cli, explain
from reconciler.config import ConfigError
from reconciler.feed.rest import CredentialsRefused, ExchangeAway
from reconciler.store.engine import DatabaseAway
from tests.cli.calling import Call, caller, is_one_line
from tests.cli.daemon import write_config


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"]])
def test_no_driver_is_loaded_before_a_command_is_called_for(arguments: list[str]) -> None:
    program = (
        "import sys; from reconciler.cli.main import main\n"
        f"sys.argv = ['reconciler', *{arguments}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'alembic', 'psycopg', 'httpx', 'trio', 'hypercorn', 'rich'}\n"
        "print('loaded:', *sorted(heavy & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1].strip() == "loaded:"


def test_a_command_loads_what_it_needs_and_no_more() -> None:
    """Cron calls them every minute.  One process, in which each adds to those before."""
    program = (
        "import importlib, sys\n"
        "def load(command, *heavy):\n"
        "    importlib.import_module('reconciler.cli.' + command)\n"
        "    print(command, *sorted(set(heavy) & sys.modules.keys()))\n"
        "load('status', 'httpx', 'structlog', 'alembic', 'psycopg', 'reconciler.feed')\n"
        "load('sync', 'hypercorn', 'starlette', 'jinja2', 'prometheus_client', 'alembic')\n"
        "load('run', 'hypercorn', 'starlette', 'jinja2', 'prometheus_client', 'alembic')\n"
        "load('simulate', 'trio.testing', 'pytest')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["status", "sync", "run", "simulate"]


@pytest.mark.parametrize(
    "arguments",
    [[], *([name] for name in COMMANDS), ["db", "upgrade"], ["db", "current"]],
    ids=" ".join,
)
def test_every_command_has_help(call_fresh: Call, arguments: list[str]) -> None:
    for flag in ("--help", "-h"):
        ended = call_fresh(*arguments, flag)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith("Usage: " + " ".join(["reconciler", *arguments]))


def test_the_help_lists_every_command_with_its_line(call_fresh: Call) -> None:
    text = call_fresh("--help").out
    for name, line in COMMANDS.items():
        assert any(
            shown.split(maxsplit=1) == [name, line] for shown in text.splitlines() if shown
        ), name


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_called_as_it_is_listed(name: str) -> None:
    import click

    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["status", "--nonsense"],
        ["status", "surplus"],
        ["sql", "--format", "xml", "SELECT 1"],
        ["sql"],
        ["simulate", "--port", "99999"],
        ["simulate", "--port", "x"],
        ["simulate", "--rate", "-1"],
        ["simulate", "--accounts", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_two(call_fresh: Call, arguments: list[str]) -> None:
    ended = call_fresh(*arguments)
    assert ended.code == 2
    assert is_one_line(ended), ended


@pytest.mark.parametrize("name", ["run", "check", "status", "sql", "db upgrade", "db current"])
def test_a_configuration_that_cannot_be_used_is_one_line_and_two(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    broken = write_config(tmp_path, None, "sqlite:///x.db", more="[feed.nonsense]")
    for config in (tmp_path / "missing.toml", broken):
        ended = caller(config, monkeypatch, capsys)(*name.split(), piped="SELECT 1")
        assert ended.code == 2
        assert is_one_line(ended), ended
        assert str(config) in ended.err


@pytest.mark.parametrize("name", ["run", "check", "status", "sql", "db upgrade", "db current"])
def test_a_database_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    config = write_config(tmp_path, None, "sqlite:////no/such/folder/x.db")
    ended = caller(config, monkeypatch, capsys)(*name.split(), piped="SELECT 1")
    if name == "check":  # it goes on, and says so among what else it finds
        assert ended.code == 1
        assert "FAIL  database" in ended.out
    else:
        assert ended.code == 4
        assert is_one_line(ended), ended


def test_config_may_stand_before_the_command_and_after(
    tmp_path: Path,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = str(write_config(tmp_path, None, sqlite_url))
    call = caller(None, monkeypatch, capsys)
    assert call("--config", config, "status") == call("status", "--config", config)
    assert call("db", "--help").code == 0


def test_a_traceback_is_shown_with_debug_only(call_fresh: Call) -> None:
    quiet, loud = call_fresh("status"), call_fresh("status", "--debug")
    assert quiet.code == loud.code == 4
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err
    assert loud.err.endswith(quiet.err)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("file", "key", "problem"), 2),
        (CredentialsRefused("other ones"), 3),
        (DatabaseAway("locked"), 4),
        (ExchangeAway("later"), 1),
        (ZeroDivisionError("ours\nin two lines"), 1),
        (KeyboardInterrupt(), 130),
    ],
    ids=repr,
)
def test_each_failure_has_its_code_also_within_groups(error: BaseException, code: int) -> None:
    for raised in (error, BaseExceptionGroup("a", [BaseExceptionGroup("b", [error])])):
        line, found = explain(raised)
        assert found == code
        assert line
        assert "\n" not in line


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path, sqlite_url: str) -> None:
    config = write_config(tmp_path, None, sqlite_url)
    query = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        " SELECT i FROM n"
    )
    script = Path(sys.executable).with_name("reconciler")
    ended = subprocess.run(
        f'"{script}" --config "{config}" sql --format csv "{query}" | head -1; '
        "exit ${PIPESTATUS[0]}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "i\n", "")
