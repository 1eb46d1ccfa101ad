"""Databases for tests: each test gets a migrated one of its own, on SQLite and on PostgreSQL."""

import gc
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from reconciler.store.engine import Database, open_database
from reconciler.store.migrate import upgrade
from tests.postgres import NoPostgres, postgres
from tests.recycled import Databases, Template

# No test measures time; the suite is the same run each time, and the soak looks for what is new.
SUITE = hypothesis.settings(deadline=None, derandomize=True, print_blob=True, max_examples=50)
hypothesis.settings.register_profile("reconciler", SUITE)
hypothesis.settings.register_profile("soak", SUITE, derandomize=False, max_examples=1000)
hypothesis.settings.load_profile("reconciler")


def pytest_collection_finish() -> None:
    """Thousands of tests and what they import stay to the end: no use in looking whether they can
    be freed, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[Template]:
    """One PostgreSQL for the whole run.  Skips, saying why, where there is none."""
    try:
        with postgres() as server:
            name = server.create()
            upgrade(open_database(server.url(name)))
            yield Template(server, name)
    except NoPostgres as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated SQLite file."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    upgrade(open_database(f"sqlite:///{path}"))
    return path.read_bytes()


@pytest.fixture
def sqlite_url(sqlite_template: bytes, tmp_path: Path) -> str:
    """A migrated SQLite database."""
    path = tmp_path / "record.db"
    path.write_bytes(sqlite_template)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_databases(postgres_template: Template) -> Iterator[Databases]:
    """Its copies."""
    with postgres_template.server.admin() as admin:
        yield Databases(postgres_template, admin)


@pytest.fixture
def postgres_url(postgres_template: Template, postgres_databases: Databases) -> Iterator[str]:
    """A migrated PostgreSQL database."""
    with postgres_databases.lent() as name:
        yield postgres_template.server.url(name)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database, of one kind and then of the other."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Database:
    """The same, opened."""
    return open_database(database_url)
