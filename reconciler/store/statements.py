"""Statements that carry many rows, compiled once per database, when they are first needed: a
command that leaves soon needs few of the hundred that the books have.

SQLAlchemy writes the SQL; the driver's own cursor then gets finished text and plain tuples in the
order of the table's columns.  That costs a tenth of what executing statement objects would, and for
a single row a fifth of what handing the text through SQLAlchemy does.  The driver's errors come as
they are, and `Database.told` says what they mean.  What the rows mean is not known here.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    and_,
    bindparam,
    column,
    func,
    select,
    values,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

Values = tuple[Any, ...]

KEYS_MAX = 512
"""Keys asked for at once.  Fewer are filled up to a power of two by repeating one, so that ten
texts serve any number of keys, and the drivers keep them prepared."""


ROWS_AT_A_TIME = 100
"""Of a stream.  A row of the journal may hold some megabytes."""


class Write:
    """INSERT of whole rows that, where the key is known already, does nothing or overwrites.

    `overwritten` columns take what is new, `filled` ones only where something new is said, `added`
    (amounts) and `increased` ones (integers) the sum of both, `kept` ones only where nothing was
    said before; `generated` ones are the database's own.
    """

    def __init__(
        self,
        dialect: Dialect,
        table: Table,
        *,
        overwritten: Iterable[str] = (),
        filled: Iterable[str] = (),
        added: Iterable[str] = (),
        increased: Iterable[str] = (),
        kept: Iterable[str] = (),
        generated: Iterable[str] = (),
    ) -> None:
        self._dialect = dialect
        self._table = table
        self._overwritten, self._filled = tuple(overwritten), tuple(filled)
        self._added, self._increased = tuple(added), tuple(increased)
        self._kept, self._generated = tuple(kept), frozenset(generated)

    def __call__(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Writes the rows, none of which may name the same key.  Returns how many were inserted
        or overwritten."""
        if not rows:
            return 0
        cursor = _cursor(connection)
        cursor.executemany(self._text, rows)
        found: int = cursor.rowcount
        return found

    @cached_property
    def _text(self) -> str:
        dialect, known = self._dialect, self._table.c
        columns = [part.name for part in known if part.name not in self._generated]
        insert = upsert(dialect, self._table)
        new = insert.excluded
        changes: dict[str, ColumnElement[Any]] = {name: new[name] for name in self._overwritten}
        changes |= {name: func.coalesce(new[name], known[name]) for name in self._filled}
        changes |= {name: func.coalesce(known[name], new[name]) for name in self._kept}
        changes |= {name: exact_sum(dialect, known[name], new[name]) for name in self._added}
        changes |= {name: known[name] + new[name] for name in self._increased}
        statement: ClauseElement = (
            insert.on_conflict_do_update(index_elements=list(self._table.primary_key), set_=changes)
            if changes
            else insert.on_conflict_do_nothing()
        )
        text, names = _compiled(statement, dialect, columns)
        assert names == columns
        return text


def upsert(dialect: Dialect, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that may be told what to do where the key is known already."""
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


class Change:
    """An UPDATE; the statement's parameters go by name."""

    def __init__(self, dialect: Dialect, statement: ClauseElement) -> None:
        self._statement = statement
        self._dialect = dialect

    def __call__(self, connection: Connection, **parameters: Any) -> int:
        """Returns how many rows it changed."""
        text, names = self._prepared
        cursor = _cursor(connection)
        cursor.execute(text, tuple(parameters[name] for name in names))
        found: int = cursor.rowcount
        return found

    @cached_property
    def _prepared(self) -> tuple[str, list[str]]:
        return _compiled(self._statement, self._dialect)


def exact_sum(dialect: Dialect, a: ColumnElement[Any], b: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum of two amounts, as canonical as they are."""
    if dialect.name == "sqlite":
        return func.canonical_add(a, b)
    return func.trim_scale(func.decimal_add(a, b))


class LookUp:
    """Whole rows of one account by the rest of their key.

    The keys are joined as a table: SQLite 3.40 would answer `(a, b) IN (…)` by reading all there is
    of the account.
    """

    def __init__(self, dialect: Dialect, table: Table, *, by: Sequence[str]) -> None:
        self._dialect = dialect
        self._table = table
        self._by = by
        self._texts: dict[int, str] = {}

    def __call__(
        self, connection: Connection, account_id: int, keys: Sequence[Values]
    ) -> Iterator[Values]:
        """The rows that exist, as the database spells them, in no order; some may come twice."""
        for start in range(0, len(keys), KEYS_MAX):
            chunk = keys[start : start + KEYS_MAX]
            size = 1 << (len(chunk) - 1).bit_length()
            parts = [part for key in chunk for part in key]
            parts.extend(chunk[-1] * (size - len(chunk)))
            parts.append(account_id)
            yield from _fetched(connection, self._text(size), tuple(parts))

    def _text(self, size: int) -> str:
        if size not in self._texts:
            key = [self._table.c[name] for name in self._by]
            marks: list[tuple[BindParameter[Any], ...]] = [
                tuple(bindparam(f"{part.name}_{n}") for part in key) for n in range(size)
            ]
            columns = [column(part.name, part.type) for part in key]
            wanted = values(*columns, name="wanted").data(marks).cte("wanted")
            same = [part == wanted.c[part.name] for part in key]
            of_account = self._table.c.account_id == bindparam("account")
            query = select(self._table).join(wanted, and_(of_account, *same))
            text, names = _compiled(query, self._dialect)
            assert names == [*(mark.key for row in marks for mark in row), "account"]
            self._texts[size] = self._by_index(text)
        return self._texts[size]

    def _by_index(self, text: str) -> str:
        """Where there is an index for just these keys, SQLite is told: knowing nothing of how many
        rows there are, it takes the primary key, and so all rows of the account for each key."""
        keyed = ["account_id", *self._by]
        for index in self._table.indexes:
            if self._dialect.name == "sqlite" and [part.name for part in index.columns] == keyed:
                table = f"FROM {self._table.name} "
                assert text.count(table) == 1
                return text.replace(table, f"{table}INDEXED BY {index.name} ")
        return text


class Read:
    """Whole rows of a table as the database spells them; the query's parameters go by name."""

    def __init__(self, dialect: Dialect, query: ClauseElement) -> None:
        self._query = query
        self._dialect = dialect

    def __call__(self, connection: Connection, **parameters: Any) -> Iterator[Values]:
        text, names = self._prepared
        return iter(_fetched(connection, text, tuple(parameters[name] for name in names)))

    def streamed(self, connection: Connection, **parameters: Any) -> Generator[Values, None, None]:
        """The same, some rows at a time: for more of them than memory should hold."""
        text, names = self._prepared
        driver = connection.connection
        # PostgreSQL sends all rows at once, unless the cursor is its own, and so has a name.
        named = {} if connection.dialect.name == "sqlite" else {"name": f"rows_{id(self)}"}
        cursor = driver.cursor(**named)
        try:
            cursor.execute(text, tuple(parameters[name] for name in names))
            while rows := cursor.fetchmany(ROWS_AT_A_TIME):
                yield from rows
        finally:
            cursor.close()

    @cached_property
    def _prepared(self) -> tuple[str, list[str]]:
        return _compiled(self._query, self._dialect)


def _fetched(connection: Connection, text: str, parameters: Values) -> Sequence[Values]:
    cursor = _cursor(connection)
    cursor.execute(text, parameters)
    found: Sequence[Values] = cursor.fetchall()
    return found


def _cursor(connection: Connection) -> Any:
    """The driver's, one for all statements of a connection: each is done before the next begins."""
    try:
        return connection.info[_CURSOR]
    except KeyError:
        made = connection.info[_CURSOR] = connection.connection.cursor()
        return made


_CURSOR = "reconciler.cursor"


def _compiled(
    statement: ClauseElement, dialect: Dialect, columns: Sequence[str] | None = None
) -> tuple[str, list[str]]:
    """The text, and the names of the parameters that it takes, in order."""
    made = statement.compile(dialect=dialect, column_keys=columns)
    assert isinstance(made, SQLCompiler)
    assert made.positiontup is not None, "the drivers are given tuples"
    return str(made), made.positiontup
