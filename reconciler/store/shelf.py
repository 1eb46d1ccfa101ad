"""The folder where backups lie: their names, the newest, and which of them go.

A backup is known by its name alone, `NAME-20260102T030405Z.db` (or `.dump`), since copying a folder
changes its files' times.  What isn't named so is never touched.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.domain.moments import DAY, from_iso, to_datetime
from reconciler.store.engine import Database

SUFFIXES = {"sqlite": "db", "postgresql": "dump"}

_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup, and when it was begun."""

    path: Path
    made_at: int


class Shelf:
    """The backups of one database in one folder."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        name = str(database.url.database or "")
        plain = Path(name).stem if database.dialect.name == "sqlite" else name
        self._name = re.sub(r"[^\w.-]", "_", plain) or "reconciler"
        self._suffix = SUFFIXES[database.dialect.name]

    def place(self, now: int) -> Path:
        """Where a backup that begins now is to lie."""
        return self.folder / f"{self._name}-{to_datetime(now):{_STAMP}}.{self._suffix}"

    def kept(self) -> list[Kept]:
        """All there are, the newest first.  Raises OSError."""
        shape = re.compile(rf"{re.escape(self._name)}-(\d{{8}}T\d{{6}}Z)\.{self._suffix}")
        return self._named(shape)

    def trim(self, keep: int, now: int) -> list[Path]:
        """Removes all but the `keep` newest, and what backups that were killed left behind a day
        ago; the backups that went.  Raises OSError."""
        gone = [old.path for old in self.kept()[keep:]]
        for path in gone:
            path.unlink()
        for torn in self._torn():
            if now - torn.made_at > DAY:
                with suppress(FileNotFoundError):
                    torn.path.unlink()
        return gone

    def _torn(self) -> list[Kept]:
        whole = rf"{re.escape(self._name)}-(\d{{8}}T\d{{6}}Z)\.{self._suffix}"
        return self._named(re.compile(rf"\.{whole}\.partial(?:-journal|-wal|-shm)?"))

    def _named(self, shape: re.Pattern[str]) -> list[Kept]:
        found = [
            Kept(path, from_iso(match[1]))
            for path in self.folder.iterdir()
            if (match := shape.fullmatch(path.name)) and path.is_file()
        ]
        return sorted(found, key=lambda kept: kept.made_at, reverse=True)
