"""The backups: whether there is a fresh one."""

from collections.abc import Iterator
from pathlib import Path

from reconciler.config import Backup
from reconciler.doctor.finding import Finding, fail, note, ok, warn
from reconciler.domain.moments import DAY, HOUR, MINUTE, iso
from reconciler.store.engine import Database
from reconciler.store.shelf import Shelf

REMEDY = "run: reconciler db backup, each day, as by systemd/reconciler-backup.timer"


def examine(config: Backup, record: Database, now: int) -> Iterator[Finding]:
    """Only those in `backup.dir` are known."""
    if not config.dir:
        yield note("backups", f"none are looked after; set backup.dir, and {REMEDY}")
        return
    folder = Path(config.dir)
    try:
        kept = Shelf(folder, record).kept()
    except OSError as error:
        yield fail("backups", f"{folder} (backup.dir): {error.strerror}; create it")
        return
    if not kept:
        yield warn("backups", f"there is none in {folder}; {REMEDY}")
        return
    age = now - kept[0].made_at
    said = f"{len(kept)} in {folder}, the newest {age_of(age)} old ({iso(kept[0].made_at)})"
    if age > config.max_age:
        yield warn("backups", f"{said}, older than backup.max_age; {REMEDY}")
    else:
        yield ok("backups", said)
    if record.dialect.name == "sqlite" and _share_a_disk(Path(str(record.url.database)), folder):
        yield note("backups", "they lie on the disk of the database; copy them elsewhere too")


def _share_a_disk(database: Path, folder: Path) -> bool:
    try:
        return database.stat().st_dev == folder.stat().st_dev
    except OSError:
        return False


def age_of(age: int) -> str:
    """A length of time, as people say it."""
    for unit, name in ((DAY, "days"), (HOUR, "hours")):
        if age >= 2 * unit:
            return f"{age // unit} {name}"
    return f"{max(age, 0) // MINUTE} minutes"
