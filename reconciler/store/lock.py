"""One writer per account: the locks that keep a second process from it.

Whoever acquires an account's lock has it until it releases it, closes, or dies: then the kernel, or
the server, gives it back at once.  A lock can be lost without its holder noticing at once (a
connection breaks, a file is removed); against that `holders` keeps a token which every commit
checks.  Calls block; in the event loop they go through a Hop, always the same one.
"""

import fcntl
import os
import struct
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from reconciler.store.engine import Database, DatabaseAway

BY_ACCOUNT = hasattr(fcntl, "F_OFD_SETLK")
"""Whether this system has file locks for single bytes that belong to whoever opened the file."""


class Locks(Protocol):
    """The accounts of one database that this process holds.

    Methods raise DatabaseAway when the database can't be asked, and then nothing is held any more.
    """

    def acquire(self, account: str) -> bool:
        """Take the account; False while somebody else has it."""
        ...

    def release(self, account: str) -> None:
        """Give it back."""
        ...

    def check(self) -> None:
        """Raises DatabaseAway if what was acquired may be somebody else's by now."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


def open_locks(database: Database) -> Locks:
    """The locks of a database.  Nothing is opened before the first account is acquired."""
    if database.dialect.name == "sqlite":
        return FileLocks(_beside(database))
    return SessionLocks(database)


def is_held(database: Database, account: str) -> bool:
    """Whether any process holds the account now.  Raises DatabaseUnusable."""
    if database.dialect.name == "sqlite":
        return FileLocks(_beside(database)).is_held(account)
    with database.reading() as connection:
        return connection.exec_driver_sql(_IS_HELD, _halves(_number(account))).first() is not None


class SessionLocks:
    """PostgreSQL: advisory locks of one session, on a connection that does nothing else.

    A pooler that hands each transaction another session (PgBouncer's `pool_mode = transaction`)
    can't carry them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._session = 0
        """The server's process id for it, by which a session that was exchanged is noticed."""

    def acquire(self, account: str) -> bool:
        return self._ask("SELECT pg_backend_pid(), pg_try_advisory_lock(%s)", _number(account))

    def release(self, account: str) -> None:
        if self._connection is not None:
            self._ask("SELECT pg_backend_pid(), pg_advisory_unlock(%s)", _number(account))

    def check(self) -> None:
        if self._connection is not None:
            self._ask("SELECT pg_backend_pid(), true")

    def close(self) -> None:
        if self._connection is not None:
            # The end of the session would do it too, but some time after it was asked for.
            with suppress(DatabaseAway):
                self._ask("SELECT pg_backend_pid(), pg_advisory_unlock_all() IS NULL")
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Whatever state it is in.
            connection.invalidate()
            connection.close()

    def _ask(self, query: str, *parameters: int) -> bool:
        try:
            with self._database.told():
                if self._connection is None:
                    self._connection = self._database.connect().execution_options(
                        isolation_level="AUTOCOMMIT"
                    )
                    self._session = self._connection.exec_driver_sql(
                        "SELECT pg_backend_pid()"
                    ).scalar_one()
                session, answer = self._connection.exec_driver_sql(query, parameters).one()
            if session != self._session:
                raise DatabaseAway(
                    "the lock's session was exchanged for another; "
                    "connect without a pooler, or with one that keeps sessions"
                )
        except BaseException:
            self._drop()
            raise
        return bool(answer)


class FileLocks:
    """SQLite: a file beside the database, of which each account is one byte.

    The locks belong to the open file ("open file description").  POSIX record locks would belong to
    the process, which loses them as soon as it closes any descriptor of that file, and of two
    openers in one process each would get them.  Where the system lacks such locks for single bytes,
    the whole file is locked: then one process holds all accounts of the database, or none.
    """

    def __init__(self, path: Path, *, by_account: bool = BY_ACCOUNT) -> None:
        self._path = path
        self._by_account = by_account
        self._file: int | None = None
        self._held: set[str] = set()

    def acquire(self, account: str) -> bool:
        if not self._held:
            self.close()  # by its name it may be another file by now
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            if not self._lock(self._file, fcntl.F_WRLCK, account):
                return False
        except OSError as error:
            self.close()
            raise self._away(error.strerror) from error
        self._held.add(account)
        # Of a file that was removed between opening and locking, nobody else sees the lock.
        self.check()
        return True

    def release(self, account: str) -> None:
        self._held.discard(account)
        if self._file is not None and (self._by_account or not self._held):
            self._lock(self._file, fcntl.F_UNLCK, account)

    def check(self) -> None:
        if self._file is None:
            return
        ours = os.fstat(self._file)
        try:
            there = self._path.stat()
        except OSError as error:
            self.close()
            raise self._away(error.strerror) from error
        if (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            self.close()
            raise self._away("was replaced by another file; leave it alone")

    def close(self) -> None:
        self._held.clear()
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def is_held(self, account: str) -> bool:
        """Whether anybody else holds it."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._away(error.strerror) from error
        try:
            if not self._by_account:
                return not _flock(file, fcntl.LOCK_SH)
            wanted = _byte(fcntl.F_WRLCK, account)
            found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, wanted)
            return bool(struct.unpack(_FLOCK, found)[0] != fcntl.F_UNLCK)
        finally:
            os.close(file)

    def _lock(self, file: int, kind: int, account: str) -> bool:
        """Whether it could be had at once."""
        if not self._by_account:
            return _flock(file, fcntl.LOCK_UN if kind == fcntl.F_UNLCK else fcntl.LOCK_EX)
        try:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, _byte(kind, account))
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as the system likes
            return False
        return True

    def _away(self, reason: str | None) -> DatabaseAway:
        return DatabaseAway(f"the lock file {self._path}: {reason}")


def _beside(database: Database) -> Path:
    """The lock file of a SQLite database, one and the same by whatever link that is reached."""
    path = Path(str(database.url.database)).resolve()
    return path.with_name(f"{path.name}.lock")


def _number(account: str) -> int:
    """62 bits for an account, so that one program's accounts meet neither each other nor what
    others may lock in the same database."""
    return int.from_bytes(sha256(f"reconciler account {account}".encode()).digest()[:8], "big") >> 2


_FLOCK = "hhqqi4x"
"""C's `struct flock`: kind, whence, start, length, and a process id that must be 0."""


def _byte(kind: int, account: str) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, _number(account), 1, 0)


def _flock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_IS_HELD = """
SELECT 1 FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _halves(number: int) -> tuple[int, int]:
    """A key as `pg_locks` shows it."""
    return number >> 32, number & 0xFFFFFFFF
