"""Each hook is looked at without telling anybody."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.configfile import load
from reconciler.doctor.finding import Finding
from reconciler.doctor.hooks import examine
from reconciler.world import real
from tests.running import run


def told(folder: Path, text: str, addresses: Sequence[str] | None = ("203.0.114.7",)) -> list[str]:
    """What is said of hooks, where every name has these addresses."""
    file = folder / "reconciler.toml"
    file.write_text(text)

    async def resolve(host: str) -> Sequence[str]:
        if addresses is None:
            raise OSError(-2, "Name or service not known")
        return addresses

    found: list[Finding] = []
    run(examine, load(str(file), {}), replace(real(), resolve=resolve), found.append)
    return [f"{each.mark} {each.what}: {each.said}" for each in found]


def test_without_a_hook_nobody_is_told_of_a_drift_and_that_is_noted(tmp_path: Path) -> None:
    assert told(tmp_path, "") == [
        "note hooks: there is none, so nobody is told of a drift; add [[alerts]]"
    ]


def test_a_program_must_be_there_and_run(tmp_path: Path) -> None:
    program = tmp_path / "tell"
    program.write_text("#!/bin/sh\n")
    text = f'[[alerts]]\ntype = "exec"\ncommand = ["{program}", "x"]\n'
    assert told(tmp_path, text) == [
        f"FAIL hook exec: {program} is no program that this user may run; check path and mode"
    ]
    program.chmod(0o755)
    assert told(tmp_path, text) == [f"ok hook exec: runs {program}"]


WEBHOOK = (
    '[[alerts]]\ntype = "webhook"\nname = "ops"\nurl = "https://me:s3cret@ops.example/s3cret"\n'
)


@pytest.mark.parametrize(
    ("text", "addresses", "said"),
    [
        (WEBHOOK, ["203.0.114.7"], "ok hook ops: https://ops.example is known"),
        (WEBHOOK, None, "FAIL hook ops: https://ops.example can't be resolved: Name or"),
        (WEBHOOK, ["10.0.0.1"], "FAIL hook ops: https://ops.example leads to 10.0.0.1, which"),
        (WEBHOOK + "allow_private = true", ["10.0.0.1"], "ok hook ops: https://ops.example is"),
        (WEBHOOK.replace("https", "http"), [], "FAIL hooks: "),
    ],
    ids=["public", "unknown", "private", "private as meant", "in the clear"],
)
def test_a_url_must_lead_somewhere_and_is_shown_by_its_host_only(
    tmp_path: Path, text: str, addresses: list[str] | None, said: str
) -> None:
    [found] = told(tmp_path, text, addresses)
    assert found.startswith(said)
    assert "s3cret" not in found
