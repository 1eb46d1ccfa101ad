import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from reconciler.store import migrate
from reconciler.store.engine import Database, DatabaseAway, SchemaMismatch, open_database
from reconciler.store.schema import metadata
from tests.recycled import Template
from tests.store.samples import apply, batch, deal, rows

ROOT = Path(__file__).parents[2]


def include_object(
    thing: object, name: str | None, kind: str, reflected: bool, compare_to: object
) -> bool:
    return name != "alembic_version"


def test_a_migrated_database_is_what_the_schema_says(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": include_object}
        )
        assert compare_metadata(context, metadata) == []


def test_on_sqlite_the_very_tables_and_indexes_are_equal(sqlite_url: str, tmp_path: Path) -> None:
    created = open_database(f"sqlite:///{tmp_path}/created.db")
    with created.writing() as connection:
        metadata.create_all(connection)
    query = """
        SELECT t.name, t.wr, t.strict, c.name, c.type, c."notnull", c.pk
        FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> 'alembic_version'
        UNION ALL
        SELECT t.name, i."unique", i.partial, i.name, c.name, c.seqno, 0
        FROM pragma_table_list AS t JOIN pragma_index_list(t.name) AS i
            JOIN pragma_index_info(i.name) AS c
        WHERE i.origin = 'c'
        ORDER BY 1, 4
    """
    assert rows(open_database(sqlite_url), query) == rows(created, query)


def test_the_wanted_revision_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(migrate.scripts())).get_current_head() == migrate.head()


def test_a_database_without_schema_is_refused_with_the_remedy(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(SchemaMismatch, match="run: reconciler db upgrade") as refused:
        migrate.require_head(database)
    assert (refused.value.found, refused.value.wanted) == (None, migrate.head())
    assert not (tmp_path / "new.db").exists()
    migrate.upgrade(database)
    migrate.require_head(database)


def test_a_newer_database_is_refused_and_left_alone(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="install the newer reconciler"):
        migrate.require_head(database)
    with pytest.raises(SchemaMismatch, match="install the newer reconciler"):
        migrate.upgrade(database)
    assert migrate.current(database) == "9999"


def test_an_upgrade_keeps_what_is_there(database: Database) -> None:
    apply(database, batch(deal(1)))
    migrate.upgrade(database)
    assert rows(database, "SELECT deal_id FROM v_deals") == [(1,)]


def test_two_upgrades_at_once_are_one_on_postgresql(postgres_template: Template) -> None:
    # In processes of their own, since alembic's context is one per process.
    server = postgres_template.server
    name = server.create()
    upgrade_in_two_processes(server.url(name))
    server.drop(name)


def test_two_upgrades_at_once_are_one_on_sqlite(tmp_path: Path) -> None:
    upgrade_in_two_processes(f"sqlite:///{tmp_path}/new.db")


def upgrade_in_two_processes(url: str) -> None:
    program = (
        "import sys; from reconciler.store import engine, migrate;"
        "database = engine.open_database(sys.argv[1]);"
        "migrate.upgrade(database); migrate.require_head(database)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program, url], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=60)[1] for process in both] == [b"", b""]
    assert [process.returncode for process in both] == [0, 0]


def test_a_failed_upgrade_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "migrations"
    (broken / "versions").mkdir(parents=True)
    for path in migrate.scripts().rglob("*"):
        if path.suffix in (".py", ".sql", ".mako"):
            target = broken / path.relative_to(migrate.scripts())
            text = path.read_text(encoding="utf-8")
            target.write_text(text + "\nSELECT no_such_thing;\n" if path.suffix == ".sql" else text)
    monkeypatch.setattr(migrate, "scripts", lambda: broken)
    database = open_database(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(Exception, match="no_such_thing"):
        migrate.upgrade(database)
    assert migrate.current(database) is None
    assert rows(database, "SELECT name FROM sqlite_master") == []


def test_an_upgrade_does_not_wait_for_ever(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    with database.writing(), pytest.raises(DatabaseAway, match="locked by another process"):
        migrate.upgrade(open_database(sqlite_url, busy_timeout=1000))


@pytest.mark.filterwarnings("default")
def test_an_installed_copy_brings_its_migrations(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from reconciler.store import engine, migrate;"
        "assert str(migrate.scripts()).startswith(sys.argv[1]);"
        "database = engine.open_database(sys.argv[2]);"
        "migrate.upgrade(database); migrate.require_head(database)"
    )
    url = f"sqlite:///{tmp_path}/new.db"
    subprocess.run(
        [sys.executable, "-c", program, str(installed), url], cwd=tmp_path, check=True, timeout=60
    )
