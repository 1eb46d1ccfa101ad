"""The units under a real systemd, in a box: see systemd/try for what it needs of the machine."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = sorted((ROOT / "tests" / "service" / "box").glob("*.sh"))
NO_BOX = 77


@pytest.mark.soak
@pytest.mark.parametrize(
    "script", [path for path in SCRIPTS if path.stem != "common"], ids=lambda path: path.stem
)
def test_all_that_the_script_looks_at_holds(script: Path) -> None:
    command = [str(ROOT / "systemd" / "try"), "-t", "170", str(script)]
    end = subprocess.run(command, capture_output=True, text=True, check=False)
    if end.returncode == NO_BOX:
        pytest.skip((end.stderr or end.stdout).strip())
    assert end.returncode == 0, end.stdout + end.stderr
    assert "ok " in end.stdout
