"""A backup that is missing or old is told of, with what to do."""

from pathlib import Path

import pytest

from reconciler.config import Backup
from reconciler.doctor.backups import examine
from reconciler.domain.moments import DAY, HOUR, MINUTE
from reconciler.store.engine import open_database
from reconciler.store.shelf import Shelf
from tests.store.samples import NOON


def told(url: str, folder: str) -> list[str]:
    found = examine(Backup(dir=folder), open_database(url), NOON)
    return [f"{each.mark} {each.said}" for each in found]


def test_where_none_are_configured_it_is_noted(sqlite_url: str) -> None:
    [said] = told(sqlite_url, "")
    assert said.startswith("note none are looked after; set backup.dir")


def test_a_folder_that_is_not_there_is_a_failure(sqlite_url: str, tmp_path: Path) -> None:
    [said] = told(sqlite_url, str(tmp_path / "none"))
    assert said == f"FAIL {tmp_path}/none (backup.dir): No such file or directory; create it"


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (None, "warn there is none in "),
        (5 * MINUTE, "ok 1 in {folder}, the newest 5 minutes old"),
        (30 * HOUR, "ok 1 in {folder}, the newest 30 hours old"),
        (3 * DAY, "warn 1 in {folder}, the newest 3 days old"),
    ],
)
def test_the_newest_is_judged_by_its_age(
    sqlite_url: str, tmp_path: Path, age: int | None, said: str
) -> None:
    if age is not None:
        Shelf(tmp_path, open_database(sqlite_url)).place(NOON - age).touch()
    first, *_ = told(sqlite_url, str(tmp_path))
    assert first.startswith(said.format(folder=tmp_path))


def test_backups_beside_their_database_go_with_its_disk(sqlite_url: str, tmp_path: Path) -> None:
    Shelf(tmp_path, open_database(sqlite_url)).place(NOON).touch()
    assert "note they lie on the disk of the database; copy them elsewhere too" in told(
        sqlite_url, str(tmp_path)
    )
