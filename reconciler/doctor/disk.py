"""The disk under a SQLite database: what kind it is, and for how long there is room."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select

from reconciler.doctor.finding import Finding, fail, ok, warn
from reconciler.domain.moments import DAY
from reconciler.store import schema
from reconciler.store.columns import Moment
from reconciler.store.engine import Database, DatabaseUnusable

ROOM_MIN = 256 << 20
"""The write-ahead log keeps a quarter of that, and a rebuild of an index takes more."""
DAYS_MIN = 14

SHARED = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"})
"""File systems of other machines.  The write-ahead log needs shared memory, and its locks."""


def examine(
    record: Database, now: int, mounts: Path = Path("/proc/self/mounts")
) -> Iterator[Finding]:
    """Nothing is known of a PostgreSQL server's disk."""
    if record.dialect.name != "sqlite":
        return
    path = Path(str(record.url.database)).absolute()
    if (kind := file_system(path.parent, mounts)) in SHARED:
        yield warn(
            "disk", f"{path.parent} is on {kind}, where SQLite's locks can fail; use a local disk"
        )
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        yield fail("disk", f"{path.parent}: {error.strerror}")
        return
    yield judged(path.parent, free, daily_growth(record, now))


def judged(folder: Path, free: int, daily: int | None) -> Finding:
    """What room says: against what a day takes, where that is known."""
    room = f"{size(free)} free in {folder}"
    if free < ROOM_MIN:
        return fail("disk", f"{room}; a full disk stops the record: make room")
    if daily is None:
        return ok("disk", room)
    days = free // max(daily, 1)
    said = f"{room}, enough for {'years' if days > 730 else f'{days} days'} at {size(daily)} a day"
    return warn("disk", f"{said}; make room") if days < DAYS_MIN else ok("disk", said)


def daily_growth(record: Database, now: int) -> int | None:
    """The size of the file over the days that it has been written in; None in the first of them, in
    which the past was read."""
    path = Path(str(record.url.database))
    try:
        with record.reading() as connection:
            first = select(func.min(schema.sessions.c.connected_at, type_=Moment))
            since = connection.execute(first).scalar()
        days = 0 if since is None else (now - since) // DAY
        return path.stat().st_size // days if days > 0 else None
    except (DatabaseUnusable, OSError):
        return None


def file_system(folder: Path, mounts: Path) -> str:
    """Its kind, where this system tells; "" where not."""
    try:
        table = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    above = {str(each) for each in (folder, *folder.parents)}
    found = [(len(fields[1]), fields[2]) for fields in table if fields[1] in above]
    return max(found)[1] if found else ""


def size(count: int) -> str:
    """A number of bytes, as people read it."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count // unit} {name}" if count >= 10 * unit else f"{count / unit:.1f} {name}"
    return f"{count} bytes"
