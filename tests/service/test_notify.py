"""What is said reaches the manager's socket as one datagram, and where none is, nothing happens."""

import os
from pathlib import Path

import pytest

from reconciler.service.notify import STATUS_CHARS_MAX, Manager, manager, status
from tests.service.ear import open_ear


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_lines_arrive_together(tmp_path: Path, kind: str) -> None:
    address = str(tmp_path / "n") if kind == "path" else f"@reconciler-test-{os.getpid()}"
    with open_ear(address) as ear:
        assert Manager(address).tell("READY=1", "STATUS=well")
        assert ear.listen() == ["READY=1\nSTATUS=well"]


def test_nobody_listens_and_nothing_is_raised(tmp_path: Path) -> None:
    assert not Manager().tell("READY=1")
    assert not Manager(str(tmp_path / "none")).tell("READY=1")


def test_a_manager_that_takes_nothing_is_not_waited_for(tmp_path: Path) -> None:
    address = str(tmp_path / "n")
    with open_ear(address) as ear:
        said = sum(Manager(address).tell("WATCHDOG=1") for _ in range(10_000))
        assert 0 < said < 10_000
        assert len(ear.listen()) == said


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, Manager()),
        ({"NOTIFY_SOCKET": "/run/n"}, Manager("/run/n")),
        ({"NOTIFY_SOCKET": "vsock:2:1"}, Manager()),
        (
            {"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"},
            Manager("@n", 60_000_000),
        ),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "60000000"}, Manager("@n", 60_000_000)),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "8"}, Manager("@n")),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "0"}, Manager("@n")),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "soon"}, Manager("@n")),
    ],
)
def test_the_environment_says_who_listens(environment: dict[str, str], found: Manager) -> None:
    assert manager(environment, pid=7) == found


def test_a_status_is_one_bounded_line() -> None:
    assert status("down:\nREADY=1") == "STATUS=down: READY=1"
    assert len(status("x" * 10_000)) == len("STATUS=") + STATUS_CHARS_MAX
