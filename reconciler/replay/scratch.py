"""A record beside the real one, made of kept frames alone, by the code that makes the real one.

It is a SQLite file in a temporary folder, of whatever kind the real database is.  What a batch was
then is a batch again, with its source and the time of its commit.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

from reconciler.domain.facts import Fact, Frame
from reconciler.store.engine import Database, open_database
from reconciler.store.frames import Kept, opened
from reconciler.store.intake import Intake
from reconciler.store.schema import metadata

FRAMES_PER_COMMIT = 5_000

Decoder = Callable[[Frame], tuple[Fact, ...]]
"""What a frame tells; never raises."""


class Scratch:
    """The record that the frames make."""

    def __init__(self, database: Database, decode: Decoder) -> None:
        self.database = database
        self._decode = decode
        self._intake = Intake(database.dialect)
        self._connection: Connection | None = None
        self._uncommitted = 0

    def add(self, account: str, row: Kept) -> None:
        """Applies what a row of the journal holds."""
        with self.database.told():
            if self._connection is None:
                self._connection = self.database.connect()
                self._connection.begin()
            id_ = self._intake.account_id(self._connection, account)
            for frames in opened(row):
                facts = [fact for frame in frames for fact in self._decode(frame)]
                self._intake.take(self._connection, id_, facts, row.source, row.recorded_at)
        self._uncommitted += row.frames
        if self._uncommitted >= FRAMES_PER_COMMIT:
            self.finish()

    def finish(self) -> None:
        """Commits what was added."""
        if self._connection is not None:
            with self.database.told():
                self._connection.commit()
            self.close()

    def close(self) -> None:
        """Drops what was added and not committed."""
        self._uncommitted = 0
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


@contextmanager
def open_scratch(decode: Decoder) -> Iterator[Scratch]:
    """An empty one, which is gone when the block is left.  Raises DatabaseUnusable."""
    with TemporaryDirectory(prefix="reconciler-replay-") as folder:
        database = open_database(f"sqlite:///{folder}/told.db")
        with database.writing() as connection:
            metadata.create_all(connection)
        with closing(Scratch(database, decode)) as scratch:
            yield scratch
