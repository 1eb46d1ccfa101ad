"""One process has an account, and gives it back at the latest when it dies."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.store.engine import Database, DatabaseAway, open_database
from reconciler.store.lock import FileLocks, Locks, SessionLocks, is_held, open_locks
from tests.store.samples import rows

ROOT = Path(__file__).parents[2]
Open = Callable[[], Locks]


@pytest.fixture(params=["sqlite", "postgres", "whole file"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same locks once more, as another process would."""
    if request.param == "whole file":
        return lambda: FileLocks(tmp_path / "record.db.lock", by_account=False)
    database = open_database(request.getfixturevalue(f"{request.param}_url"))
    return lambda: open_locks(database)


def test_an_account_is_one_holders_until_it_is_given_back(opened: Open) -> None:
    ours, theirs = opened(), opened()
    assert ours.acquire("treasury")
    assert not theirs.acquire("treasury")
    ours.check()
    ours.release("treasury")
    assert theirs.acquire("treasury")
    assert not ours.acquire("treasury")
    theirs.close()
    assert ours.acquire("treasury")
    ours.close()
    ours.close()


def test_a_holder_of_two_gives_back_one(database: Database) -> None:
    ours, theirs = open_locks(database), open_locks(database)
    assert ours.acquire("treasury")
    assert ours.acquire("desk")
    ours.release("treasury")
    assert theirs.acquire("treasury")
    assert not theirs.acquire("desk")
    ours.close()
    theirs.close()


def test_where_only_whole_files_can_be_locked_the_first_has_all_accounts(tmp_path: Path) -> None:
    ours, theirs = (FileLocks(tmp_path / "lock", by_account=False) for _ in range(2))
    assert ours.acquire("treasury")
    assert ours.acquire("desk")
    assert not theirs.acquire("other")
    ours.release("treasury")
    assert not theirs.acquire("treasury")
    ours.release("desk")
    assert theirs.acquire("treasury")
    ours.close()
    theirs.close()


def test_it_can_be_asked_without_taking_it(database: Database) -> None:
    assert not is_held(database, "treasury")
    locks = open_locks(database)
    locks.acquire("treasury")
    assert is_held(database, "treasury")
    assert not is_held(database, "desk")
    locks.close()
    assert not is_held(database, "treasury")


@pytest.mark.parametrize("by_account", [True, False])
def test_a_file_lock_can_be_asked_for_without_taking_it(tmp_path: Path, by_account: bool) -> None:
    path = tmp_path / "lock"
    asking = FileLocks(path, by_account=by_account)
    assert not asking.is_held("treasury")
    assert not path.exists(), "who only asks makes no file"
    locks = FileLocks(path, by_account=by_account)
    locks.acquire("treasury")
    assert asking.is_held("treasury")
    locks.release("treasury")
    assert not asking.is_held("treasury")
    locks.close()


HOLDING = """
import sys
from reconciler.store.engine import open_database
from reconciler.store.lock import open_locks

locks = open_locks(open_database(sys.argv[1]))
print(locks.acquire("treasury"), flush=True)
sys.stdin.read()
"""


def test_the_death_of_its_process_gives_it_back(database: Database, database_url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, database_url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    locks = open_locks(database)
    assert not locks.acquire("treasury")
    process.kill()
    process.communicate()
    while not locks.acquire("treasury"):
        """The server needs a moment to see that its client is gone."""
    locks.close()


def test_a_connection_that_the_server_ends_is_noticed_and_holds_nothing(
    postgres_url: str,
) -> None:
    database = open_database(postgres_url)
    ours, theirs = open_locks(database), open_locks(database)
    assert ours.acquire("treasury")
    end_sessions(database)
    with pytest.raises(DatabaseAway, match="terminat"):
        ours.check()
    while not theirs.acquire("treasury"):
        """It is on its way out."""
    ours.check()
    assert not ours.acquire("treasury")
    ours.close()
    theirs.close()


def end_sessions(database: Database) -> None:
    """Ends every session that holds an advisory lock, as an operator would."""
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    assert rows(database, query), "nobody holds one"


def test_a_pooler_that_exchanges_the_session_is_noticed(postgres_url: str) -> None:
    locks = SessionLocks(open_database(postgres_url))
    assert locks.acquire("treasury")
    locks._session += 1  # as if another one answered from here on
    with pytest.raises(DatabaseAway, match="without a pooler"):
        locks.check()
    assert locks.acquire("treasury")
    locks.close()


@pytest.mark.parametrize("act", ["removed", "replaced"])
def test_a_lock_file_that_somebody_removes_is_noticed(sqlite_url: str, act: str) -> None:
    database = open_database(sqlite_url)
    path = Path(f"{database.url.database}.lock")
    ours, theirs = open_locks(database), open_locks(database)
    assert ours.acquire("treasury")
    path.unlink()
    if act == "replaced":
        assert theirs.acquire("treasury")
    with pytest.raises(DatabaseAway, match=r"record\.db\.lock"):
        ours.check()
    assert ours.acquire("treasury") is (act == "removed")
    ours.close()
    theirs.close()


def test_by_whatever_link_a_database_is_reached_its_lock_is_the_same(
    sqlite_url: str, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "record.db")
    ours = open_locks(open_database(sqlite_url))
    theirs = open_locks(open_database(f"sqlite:///{link}"))
    assert ours.acquire("treasury")
    assert not theirs.acquire("treasury")
    ours.close()
    theirs.close()


def test_a_lock_file_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.mkdir()
    with pytest.raises(DatabaseAway, match=f"the lock file {path}: Is a directory"):
        FileLocks(path).acquire("treasury")


def test_a_child_process_does_not_inherit_a_lock(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    locks = open_locks(database)
    locks.acquire("treasury")
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        try:
            locks.close()
            assert not is_held(database, "treasury")
        finally:
            child.kill()
    assert Path(f"{database.url.database}.lock").exists(), "and the file stays"
