"""Room is judged against what a day takes, and other machines' disks are told of."""

from pathlib import Path

import pytest

from reconciler.doctor.disk import daily_growth, examine, file_system, judged, size
from reconciler.domain.moments import DAY
from reconciler.store.engine import open_database
from tests.doctor.sessions import begin

MIB, GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("free", "daily", "said"),
    [
        (GIB, None, "ok 1.0 GiB free in /x"),
        (100 * MIB, None, "FAIL 100 MiB free in /x; a full disk stops the record: make room"),
        (GIB, 100 * MIB, "warn 1.0 GiB free in /x, enough for 10 days at 100 MiB a day; make room"),
        (40 * GIB, 100 * MIB, "ok 40 GiB free in /x, enough for 409 days at 100 MiB a day"),
        (GIB, 0, "ok 1.0 GiB free in /x, enough for years at 0 bytes a day"),
    ],
)
def test_room_is_judged_by_the_days_it_lasts(free: int, daily: int | None, said: str) -> None:
    found = judged(Path("/x"), free, daily)
    assert f"{found.mark} {found.said}" == said


def test_growth_is_the_size_over_the_days_since_the_first_session(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    assert daily_growth(database, 10 * DAY) is None
    begin(database, at=10 * DAY)
    assert daily_growth(database, 10 * DAY + DAY // 2) is None
    whole = Path(sqlite_url.removeprefix("sqlite:///")).stat().st_size
    assert daily_growth(database, 14 * DAY) == whole // 4


def test_the_kind_of_a_folder_is_that_of_the_mount_nearest_above_it(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/a / ext4 rw 0 0\nhost:/x /data nfs4 rw 0 0\n/dev/b /data/in xfs rw 0 0\n"
    )
    for folder, kind in (("/data/in/deep", "xfs"), ("/data", "nfs4"), ("/database", "ext4")):
        assert file_system(Path(folder), mounts) == kind
    assert file_system(Path("/data"), tmp_path / "none") == ""


def test_a_database_on_another_machines_disk_is_told_of(sqlite_url: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nhost:/x {tmp_path} nfs4 rw 0 0\n")
    told = [f.said for f in examine(open_database(sqlite_url), 0, mounts) if f.mark == "warn"]
    assert any("is on nfs4, where SQLite's locks can fail" in said for said in told)


def test_of_a_servers_disk_nothing_is_known() -> None:
    assert list(examine(open_database("postgresql://nobody@127.0.0.1:1/none"), 0)) == []


def test_sizes_are_read_as_people_say_them() -> None:
    assert [size(n) for n in (5, 2048, 15 * MIB, 3 * GIB // 2)] == [
        "5 bytes",
        "2.0 KiB",
        "15 MiB",
        "1.5 GiB",
    ]
