"""Opens the database: one connection that writes, any number that only read.

Owns the settings on which durability and exactness rest (SQLite: WAL, synchronous=FULL, BEGIN
IMMEDIATE for the writer; both: UTC, time limits), and says of each failure whether the database is
away, which time may mend, or whether the program is wrong.  It doesn't know tables.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, exc, make_url
from sqlalchemy.pool import NullPool

from reconciler.domain.moments import MILLISECOND, SECOND
from reconciler.store import decimals

BUSY_TIMEOUT = 5 * SECOND
"""How long SQLite waits for another process's write before the database counts as away."""

SETTING_ATTEMPTS_MAX = 3

CONNECT_TIMEOUT = 10 * SECOND
SILENCE_MAX = 30 * SECOND
"""How long PostgreSQL may leave sent data unconfirmed before the connection counts as lost."""

ALIVE = (
    "tcp_keepalives_idle = 10",
    "tcp_keepalives_interval = 5",
    "tcp_keepalives_count = 3",
)
"""How the server notices that a writer's machine is gone, and gives back its locks: in half a
minute, not in the two hours that systems take by themselves."""

CACHE_KIB = 64 * 1024
"""Holds the upper index pages of five million deals (the default of 2 MiB does not)."""

WAL_BYTES_KEPT = 64 * 1024 * 1024
"""The write-ahead log is cut back to this after a checkpoint."""


class DatabaseUnusable(Exception):
    """The database can't serve; the message is one line that says what to do."""


class DatabaseAway(DatabaseUnusable):
    """It can't be reached, is locked or full: the same may succeed later."""


class DatabaseDamaged(DatabaseUnusable):
    """The file is no database, or is corrupt: only a backup helps."""


class SchemaMismatch(DatabaseUnusable):
    """The database has another schema than this program."""

    def __init__(self, found: str | None, wanted: str) -> None:
        self.found, self.wanted = found, wanted
        if found is None:
            remedy = "the database is empty; run: reconciler db upgrade"
        elif found < wanted:
            remedy = f"the database has schema {found}, not {wanted}; run: reconciler db upgrade"
        else:
            remedy = (
                f"the database has schema {found}, newer than this program's {wanted}; "
                "install the newer reconciler"
            )
        super().__init__(remedy)


class Database:
    """A database by its URL.  Nothing is opened before it is asked for, and nothing is pooled: each
    connection belongs to the block, or the thread, that opened it."""

    def __init__(self, url: URL, writing: Engine, reading: Engine) -> None:
        self.url = url
        self._writing = writing
        self._reading = reading

    @property
    def dialect(self) -> Dialect:
        """SQLite's or PostgreSQL's; statements compiled for it take positional parameters."""
        return self._writing.dialect

    def connect(self) -> Connection:
        """A connection for the one who writes; it is the caller's to close.  On SQLite its
        transactions take the write lock when they begin, and so can't fail to get it later."""
        try:
            return self._writing.connect()
        except exc.SQLAlchemyError as error:
            raise unusable(error, self.url, writing=True) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction on a connection of its own.  Raises DatabaseUnusable."""
        with self.told(), self.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def reading(self, *, statement_timeout: int | None = None) -> Iterator[Connection]:
        """A connection that can't write, and sees one state of the database throughout.

        `statement_timeout` in microseconds limits each query on PostgreSQL.
        Raises DatabaseUnusable.
        """
        with self.told(writing=False), self._reading.connect() as connection, connection.begin():
            if statement_timeout is not None and connection.dialect.name == "postgresql":
                limit = statement_timeout // MILLISECOND
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit:d}")
            yield connection

    @contextmanager
    def told(self, *, writing: bool = True) -> Iterator[None]:
        """Within it, a failure of the database is raised as DatabaseUnusable, a bug as it is.

        SQLAlchemy's errors, and the driver's own where statements are handed to it directly.
        """
        driver, dialect = self.dialect.loaded_dbapi, self.dialect
        try:
            yield
        except driver.Error as raw:
            error = exc.DBAPIError.instance(None, None, raw, driver.Error, dialect=dialect)
            raise unusable(error, self.url, writing=writing) from raw
        except exc.SQLAlchemyError as error:
            found = unusable(error, self.url, writing=writing)
            if found is error:
                raise
            raise found from error

    def __repr__(self) -> str:
        return f"Database({redacted(self.url)})"


def open_database(text: str, *, busy_timeout: int = BUSY_TIMEOUT) -> Database:
    """The database that a URL names: `sqlite:///PATH` or `postgresql://USER@HOST/NAME`.

    `busy_timeout` (microseconds) is how long SQLite waits for others.

    Raises DatabaseUnusable when the URL names no database that this program can use.  Connects to
    nothing.
    """
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError):
        url = URL.create("none")
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url, busy_timeout)
        case "postgresql":
            return _postgresql(url)
        case _:
            raise DatabaseUnusable(
                "database.url names no database; "
                "write sqlite:///PATH or postgresql://USER@HOST/NAME"
            )


def redacted(url: URL) -> str:
    """The URL without its passwords."""
    hidden = {key: "***" for key in url.query if "pass" in key}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def unusable(
    error: exc.SQLAlchemyError, url: URL, *, writing: bool = False
) -> DatabaseUnusable | exc.SQLAlchemyError:
    """What an error means: DatabaseAway, DatabaseDamaged, or itself, if the statement is wrong.

    "Read-only" is a failure of the database to one who was `writing`; a reader asked for it.
    """
    where = redacted(url)
    cause = error.orig if isinstance(error, exc.DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        # Primary code in the low byte.  A constraint or a wrong statement is a bug.
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_READONLY and not writing:
            return error
        if code in _SQLITE_AWAY:
            return DatabaseAway(f"{where}: {_SQLITE_AWAY[code]}")
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return DatabaseDamaged(f"{where}: {cause}; restore a backup")
        return error
    if cause is not None:
        state = getattr(cause, "sqlstate", None)
        reason = (str(cause).splitlines() or [type(cause).__name__])[0].strip()
        if url.password:
            reason = reason.replace(str(url.password), "***")
        if state is None and isinstance(error, exc.OperationalError | exc.InterfaceError):
            return DatabaseAway(f"{where}: {_connecting(reason)}")
        if state == _NOT_ALLOWED:
            return DatabaseAway(f"{where}: {reason}; let this user own the tables")
        if state is not None and (state[:2] in _STATES_AWAY or (state == _READ_ONLY and writing)):
            return DatabaseAway(f"{where}: {reason}")
    return error


_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY: "locked by another process; stop it",
    sqlite3.SQLITE_LOCKED: "locked by another process; stop it",
    sqlite3.SQLITE_READONLY: (
        "not writable; let this user write to it, those beside it and the folder"
    ),
    sqlite3.SQLITE_IOERR: "the disk fails to read or write; check it",
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_CANTOPEN: "can't be opened; check that the file exists and may be read",
    sqlite3.SQLITE_PROTOCOL: "the file locks don't work here; use a local file system",
    sqlite3.SQLITE_INTERRUPT: "the question took too long; ask again when there is less to do",
    sqlite3.SQLITE_PERM: "not permitted; let this user write to the file and its folder",
}

# Classes of SQLSTATE (PostgreSQL manual, appendix A): connection, authorization, database missing,
# serialization and deadlock, resources, object state (locks), operator intervention, system.
_STATES_AWAY = frozenset({"08", "28", "3D", "40", "53", "55", "57", "58"})
_READ_ONLY = "25006"
"""A former primary that became a standby."""
_NOT_ALLOWED = "42501"
"""A right that can be given while we wait."""


def _connecting(reason: str) -> str:
    """Why a connection could not be had, with what to look at."""
    _, answered, why = reason.partition("FATAL:")
    if not answered:
        return f"{reason}; is the server up, and the URL right?"
    if "connection" in why:  # too many of them, or its last slots are reserved
        return f"{why.strip()}; close other sessions, or raise max_connections"
    return f"{why.strip()}; is the URL right?"


def _sqlite(url: URL, busy_timeout: int) -> Database:
    if url.database in (None, "", ":memory:") or url.query:
        raise DatabaseUnusable(
            "database.url must name a file and nothing more, as in sqlite:///reconciler.db"
        )
    path = Path(str(url.database)).absolute()
    if not path.parent.is_dir():
        raise DatabaseUnusable(f"the folder {path.parent} does not exist; create it")

    def engine(mode: str, begin: str, *settings: str) -> Engine:
        # `file:` with the path's odd characters escaped; SQLAlchemy would not escape them.
        address = f"{path.as_uri()}?mode={mode}"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                address,
                uri=True,
                timeout=busy_timeout / SECOND,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
            try:
                for setting in settings:
                    _set(connection, setting)
                decimals.register(connection)
            except BaseException:
                connection.close()
                raise
            return connection

        made = create_engine("sqlite://", creator=connect, poolclass=NullPool)

        @event.listens_for(made, "begin")
        def on_begin(connection: Connection) -> None:
            connection.connection.cursor().execute(begin)

        return made

    common = "foreign_keys = ON", f"cache_size = -{CACHE_KIB}", "temp_store = MEMORY"
    return Database(
        url,
        writing=engine(
            "rwc",
            "BEGIN IMMEDIATE",
            *common,
            "journal_mode = WAL",
            "synchronous = FULL",
            f"journal_size_limit = {WAL_BYTES_KEPT}",
        ),
        reading=engine("ro", "BEGIN", *common, "query_only = ON"),
    )


class _Connection(sqlite3.Connection):
    """Closed, it lets go of the file.  The library's own would keep it open, with its locks and the
    modes it found, for as long as an exception keeps a cursor alive that failed."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        made = super().cursor(factory)
        self._cursors.add(made)
        return made

    def close(self) -> None:
        for cursor in list(self._cursors):
            cursor.close()
        super().close()


def _set(connection: sqlite3.Connection, setting: str) -> None:
    """A PRAGMA.  Of two that turn a new file to WAL at once SQLite refuses one without waiting,
    lest each wait for the other; asked again it waits for its turn, or finds it done."""
    for attempt in range(SETTING_ATTEMPTS_MAX):
        try:
            connection.execute(f"PRAGMA {setting}")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or attempt == SETTING_ATTEMPTS_MAX - 1:
                raise
        else:
            return


def _postgresql(url: URL) -> Database:
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise DatabaseUnusable(
            "database.url must begin with postgresql:// or postgresql+psycopg://"
        )
    limits: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT // SECOND,
        "tcp_user_timeout": SILENCE_MAX // MILLISECOND,
        "keepalives_idle": SILENCE_MAX // SECOND,
        "application_name": "reconciler",
    }

    def engine(*settings: str) -> Engine:
        made = create_engine(
            url,
            poolclass=NullPool,
            paramstyle="format",  # positional, so that rows can be handed over as tuples
            connect_args={key: value for key, value in limits.items() if key not in url.query},
        )

        @event.listens_for(made, "connect")
        def on_connect(connection: Any, record: object) -> None:
            for setting in ("timezone = 'UTC'", *settings):
                connection.execute(f"SET {setting}")
            connection.commit()

        return made

    try:
        return Database(
            url,
            writing=engine(*ALIVE),
            reading=engine(
                "default_transaction_read_only = on",
                "default_transaction_isolation = 'repeatable read'",
            ),
        )
    except ModuleNotFoundError as error:
        raise DatabaseUnusable(
            "PostgreSQL needs one more package; run: pip install 'reconciler[postgres]'"
        ) from error
