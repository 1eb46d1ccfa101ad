"""Commands on a configuration file and a migrated database of their own."""

from pathlib import Path

import pytest

from tests.cli.calling import Call, Within, caller
from tests.cli.daemon import write_config


@pytest.fixture
def within(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Within:
    """On any configuration."""
    return lambda config: caller(config, monkeypatch, capsys)


@pytest.fixture
def call(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """On a migrated database, of one kind and then of the other."""
    return caller(write_config(tmp_path, None, database_url), monkeypatch, capsys)


@pytest.fixture
def call_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """On a SQLite database that isn't there yet."""
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    return caller(write_config(tmp_path, None, url), monkeypatch, capsys)
