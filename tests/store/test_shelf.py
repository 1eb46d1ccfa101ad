"""The folder of backups: names say what a file is, and nothing else is ever touched."""

from pathlib import Path

import pytest

from reconciler.domain.moments import DAY, SECOND, from_iso
from reconciler.store.engine import open_database
from reconciler.store.shelf import Shelf

NOW = from_iso("2026-01-02T03:04:05.678901Z")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Of the SQLite database `treasury.db`."""
    (tmp_path / "shelf").mkdir()
    return Shelf(tmp_path / "shelf", open_database(f"sqlite:///{tmp_path}/treasury.db"))


def names(shelf: Shelf) -> set[str]:
    return {path.name for path in shelf.folder.iterdir()}


def test_a_backup_is_named_for_its_database_and_the_second_of_its_beginning(shelf: Shelf) -> None:
    assert shelf.place(NOW) == shelf.folder / "treasury-20260102T030405Z.db"
    other = Shelf(shelf.folder, open_database("postgresql://user@host/books"))
    assert other.place(NOW).name == "books-20260102T030405Z.dump"


def test_they_are_found_by_name_the_newest_first(shelf: Shelf) -> None:
    moments = [NOW - DAY, NOW, NOW - 3 * DAY]
    for moment in moments:
        shelf.place(moment).touch()
    found = [kept.made_at for kept in shelf.kept()]
    assert found == [moment // SECOND * SECOND for moment in sorted(moments, reverse=True)]


def test_only_the_oldest_go_and_nothing_that_is_not_a_backup_of_this_database(
    shelf: Shelf,
) -> None:
    others = {
        "books-20250101T000000Z.dump",
        "treasury-20250101T000000Z.db.unproven",
        "treasury-2-20250101T000000Z.db",
        "treasury-20250101T000000Z.db.gz",
        "notes.txt",
    }
    for name in others:
        (shelf.folder / name).touch()
    places = [shelf.place(NOW - days * DAY) for days in range(5)]
    for place in places:
        place.touch()
    assert shelf.trim(2, NOW) == places[2:]
    assert names(shelf) == others | {place.name for place in places[:2]}


def test_what_a_killed_backup_left_goes_after_a_day(shelf: Shelf) -> None:
    for moment in (NOW, NOW - 2 * DAY):
        torn = f".{shelf.place(moment).name}.partial"
        for ending in ("", "-journal", "-wal"):
            (shelf.folder / (torn + ending)).touch()
    assert shelf.trim(1, NOW) == []
    left = f".{shelf.place(NOW).name}.partial"
    assert names(shelf) == {left, f"{left}-journal", f"{left}-wal"}
