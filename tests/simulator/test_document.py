"""`docs/exchange.md` says what there is: every act, point, deed, ready answer and option."""

import re
from pathlib import Path

import pytest

from reconciler.cli.simulate import command
from reconciler.simulator.acts import POSSIBLE, READY, Act
from reconciler.simulator.deeds import DEEDS
from reconciler.simulator.script import read

TEXT = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text()


@pytest.mark.parametrize("name", READY)
def test_every_ready_answer_is_documented(name: str) -> None:
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("act", Act.__subclasses__(), ids=lambda act: act.__name__)
def test_every_act_is_documented_with_its_fields(act: type[Act]) -> None:
    [row] = re.findall(rf"^\| `{act.__name__.lower()}` \|.*$", TEXT, re.MULTILINE)[-1:]
    for field in act.__struct_fields__:
        assert f"`{field}`" in row


@pytest.mark.parametrize("point", POSSIBLE)
def test_every_point_is_documented_with_its_acts(point: str) -> None:
    row = re.search(rf"^\| `{point}` \|.*\|(.*)\|$", TEXT, re.MULTILINE)
    assert row is not None
    said = set(re.findall(r"`(\w+)`", row[1]))
    assert said == {act.__name__.lower() for act in POSSIBLE[point]}  # type: ignore[index]


@pytest.mark.parametrize("deed", DEEDS)
def test_every_deed_is_documented(deed: str) -> None:
    assert re.search(rf"^\| .*`{deed}`", TEXT, re.MULTILINE)


@pytest.mark.parametrize("option", [name for one in command.params for name in one.opts])
def test_every_option_is_documented(option: str) -> None:
    assert f"`{option}`" in TEXT


@pytest.mark.parametrize("script", re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
def test_every_script_in_it_can_be_read(script: str) -> None:
    assert read(script).rules
