"""PostgreSQL's own tools: `pg_dump` writes one snapshot to a file, `pg_restore` reads it back.

What the file holds is proven without a second database and without any right to make one: the rows
that `pg_restore` takes out of it must be, byte for byte, those that the snapshot tells by itself.
Secrets reach the tools in a file that only we can read, never as arguments.
"""

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from reconciler.store.engine import Database, DatabaseUnusable

LOCK_WAIT_MS = 60_000
"""How long `pg_dump` waits for a table that a migration holds."""

PLACES = ("/usr/lib/postgresql", "/usr")
"""Where distributions keep several versions side by side."""

_SERVICE = "reconciler"
_STOPPING = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True, slots=True)
class Tools:
    """A pair that belong together."""

    dump: Path
    restore: Path
    major: int


def tools_for(connection: Connection, environment: Mapping[str, str]) -> Tools:
    """The oldest that can dump this server; a newer server than they know is refused by them.

    Raises DatabaseUnusable.
    """
    server = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    found = list(_tools(environment.get("PATH", "")))
    fitting = [tools for tools in found if tools.major >= server]
    if fitting:
        return min(fitting, key=lambda tools: tools.major)
    if found:
        newest = max(tools.major for tools in found)
        raise DatabaseUnusable(
            f"pg_dump is version {newest}, and the server {server}; "
            f"install the client tools of PostgreSQL {server} (on Debian: postgresql-client)"
        )
    raise DatabaseUnusable(
        "there is no pg_dump on PATH; "
        f"install the client tools of PostgreSQL {server} (on Debian: postgresql-client)"
    )


def _tools(path: str) -> Iterator[Tools]:
    folders = [Path(folder) for folder in path.split(":") if folder]
    for place in PLACES:
        folders += [*Path(place).glob("*/bin"), *Path(place).glob("pgsql-*/bin")]
    for folder in dict.fromkeys(folders):
        dumping, restoring = folder / "pg_dump", folder / "pg_restore"
        if not (shutil.which(dumping) and shutil.which(restoring)):
            continue
        try:
            said = subprocess.run(  # noqa: S603 - what the operator's PATH names
                [dumping, "--version"], capture_output=True, text=True, timeout=10, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError):
            continue
        if version := re.search(r"\) (\d+)", said):
            yield Tools(dumping, restoring, int(version[1]))


def snapshot(connection: Connection) -> str:
    """What this transaction sees, by a name under which others see it while it lasts."""
    for setting in ("idle_in_transaction_session_timeout = 0", "synchronize_seqscans = off"):
        connection.exec_driver_sql(f"SET LOCAL {setting}")
    return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())


def dump(
    tools: Tools, database: Database, name: str, target: Path, environment: Mapping[str, str]
) -> None:
    """The whole database as of a snapshot, compressed.  Raises DatabaseUnusable."""
    arguments = [
        tools.dump,
        *("--format=custom", "--no-password", f"--snapshot={name}"),
        *(f"--lock-wait-timeout={LOCK_WAIT_MS}", f"--file={target}"),
        f"--dbname=service={_SERVICE}",
    ]
    with (
        _service(database, environment) as reaching,
        _running(arguments, env=reaching, stderr=subprocess.PIPE) as tool,
    ):
        _, complaints = tool.communicate()
    if tool.returncode:
        said = _complaint(complaints.decode(errors="replace"))
        if database.url.password:
            said = said.replace(str(database.url.password), "***")
        raise DatabaseUnusable(f"pg_dump failed: {said}")


@contextmanager
def _running(arguments: Sequence[object], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A tool, until it has ended; killed if the block is left by an error or a signal.

    Whoever tells us to stop while it is being started waits until it can be stopped too.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    as_before = partial(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    try:
        with subprocess.Popen(  # noqa: S603 - what the operator's PATH names
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            preexec_fn=as_before,
            **options,
        ) as process:
            try:
                as_before()
                yield process
            except BaseException:
                process.kill()
                raise
    finally:
        as_before()


@contextmanager
def _service(database: Database, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a tool that reaches the database as we do."""
    from psycopg.pq import Conninfo

    _, said = database.dialect.create_connect_args(database.url)
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    lines = [f"{key}={value}" for key, value in said.items() if key in known and value is not None]
    # In it lies a password, perhaps: the folder is ours alone.
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        file = Path(folder) / "service"
        file.touch(mode=0o600)
        file.write_text("\n".join((f"[{_SERVICE}]", *lines, "")), encoding="utf-8")
        yield {**_plain(environment), "PGSERVICEFILE": str(file), "PGTZ": "UTC"}


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what is meant for us alone, such as keys."""
    ours = ("RECONCILER_", "CREDENTIALS_DIRECTORY")
    return {key: value for key, value in environment.items() if not key.startswith(ours)}


def _complaint(said: str) -> str:
    """The line that tells the error; hints and the query come after it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["without a word"]
    telling = next((line for line in lines if "error:" in line), lines[-1])
    return telling.partition("error:")[2].strip() or telling


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a table, as far as equality goes."""

    size: int
    digest: str


def proven_equal(
    tools: Tools, connection: Connection, target: Path, environment: Mapping[str, str]
) -> set[str]:
    """The tables in a dump, each read back and equal to what `connection` sees of it.

    Raises DatabaseUnusable, naming the first that is not.
    """
    with tempfile.TemporaryFile() as complaints:
        with _running(
            [tools.restore, "--data-only", "--file=-", target],
            env=_plain(environment),
            stdout=subprocess.PIPE,
            stderr=complaints,
        ) as reader:
            assert reader.stdout is not None
            dumped = dict(tables_of(reader.stdout))
        complaints.seek(0)
        if reader.returncode:
            said = _complaint(complaints.read().decode(errors="replace"))
            raise DatabaseUnusable(f"the dump can't be read back: {said}")
    for what, rows in dumped.items():
        if rows != _told(connection, what):
            raise DatabaseUnusable(f"the dump holds other rows of {what} than the database")
    return {table_of(what) for what in dumped}


_COPY = re.compile(rb"COPY (.+ \(.*\)) FROM stdin;\n")


def tables_of(script: Iterable[bytes]) -> Iterator[tuple[str, Rows]]:
    """The tables in what `pg_restore` writes, each as `schema.table (columns)`, and their rows."""
    lines = iter(script)
    for line in lines:
        if found := _COPY.fullmatch(line):
            yield found[1].decode(), _rows(takewhile(lambda row: row != b"\\.\n", lines))


def table_of(what: str) -> str:
    """`public.deals (account_id, …)` is the table `deals`."""
    return what.partition(" (")[0].rpartition(".")[2].strip('"')


def _told(connection: Connection, what: str) -> Rows:
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY {what} TO STDOUT") as rows:
        return _rows(rows)


def _rows(chunks: Iterable[bytes]) -> Rows:
    digest, size = sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return Rows(size, digest.hexdigest())


def require_tables(found: Collection[str], wanted: Collection[str]) -> None:
    """Raises DatabaseUnusable unless all that are wanted are there."""
    if missing := sorted(set(wanted) - set(found)):
        raise DatabaseUnusable(f"the dump lacks the table {missing[0]}; may this user read it?")
