"""The units keep what the documents promise of them; how they behave is tried in `tests/soak`."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent.parent / "systemd"
EXPOSURE_MAX = {"reconciler": 10, "reconciler@": 10, "reconciler-backup": 2}
"""Tenths, as `systemd-analyze security` counts."""


def settings(unit: str) -> Iterator[tuple[str, str]]:
    """In their order, without comments; a name may be there several times."""
    for line in (UNITS / unit).read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


@pytest.mark.parametrize("unit", EXPOSURE_MAX)
def test_the_sandbox_is_as_tight_as_promised(unit: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine")
    limit = f"--threshold={EXPOSURE_MAX[unit]}"
    end = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", limit, UNITS / f"{unit}.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert end.returncode == 0, end.stdout[-300:] + end.stderr


def test_the_template_is_the_unit_with_names_of_its_own() -> None:
    own = ("StateDirectory", "RuntimeDirectory", "User", "WorkingDirectory", "Description")

    def named(setting: tuple[str, str]) -> tuple[str, str]:
        name, value = setting
        value = value.replace("/etc/reconciler/reconciler.toml", "/etc/reconciler/%i.toml")
        if name == "Description":
            value += ", %i"
        elif name in own:
            value += "-%i"
        return name, value

    assert [named(each) for each in settings("reconciler.service")] == list(
        settings("reconciler@.service")
    )


def test_what_a_person_must_look_at_is_not_tried_again() -> None:
    """2 is bad configuration, 3 refused credentials; 4, a database, is tried for ever."""
    unit = dict(settings("reconciler.service"))
    assert unit["Restart"] == "on-failure"
    assert unit["RestartPreventExitStatus"] == "2 3"
    assert unit["StartLimitIntervalSec"] == "0"
