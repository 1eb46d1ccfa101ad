"""docs/logs.md has every event of the program with its levels and fields, and no other."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEVELS = {"debug", "info", "warning", "error", "exception"}
EVENT = re.compile(r"[a-z]+\.[a-z_]+")
Said = dict[str, tuple[set[str], set[str]]]
"""Levels and fields of an event."""


def documented() -> Said:
    found: Said = {}
    for line in (ROOT / "docs" / "logs.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and EVENT.fullmatch(event := cells[0].strip("`")):
            assert event not in found, f"{event} is there twice"
            assert cells[3], f"{event} has no meaning"
            found[event] = set(cells[1].split(", ")), set(re.findall(r"`(\w+)`", cells[2]))
    return found


def told() -> Said:
    found: Said = defaultdict(lambda: (set(), set()))
    for path in (ROOT / "reconciler").rglob("*.py"):
        # The exchange in a box writes no log of the daemon's.
        if "simulator" not in path.parts:
            for event, levels, fields in events_of(ast.parse(path.read_text())):
                found[event][0].update(levels)
                found[event][1].update(fields)
    return found


def events_of(module: ast.Module) -> Iterator[tuple[str, set[str], set[str]]]:
    """`log.info("a.b", c=1)`, and so by another name: `say = log.info if x else log.debug`."""
    named = {
        target.id: levels_in(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        match node:
            case ast.Call(func=func, args=[ast.Constant(value=str(event))], keywords=keywords) if (
                EVENT.fullmatch(event)
            ):
                levels = named.get(func.id, set()) if isinstance(func, ast.Name) else {level(func)}
                if levels & LEVELS:
                    yield event, levels, {keyword.arg or "**" for keyword in keywords}


def level(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else ""


def levels_in(value: ast.expr) -> set[str]:
    """Of methods of a log that an expression chooses from."""
    chosen = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    return {level(each) for each in chosen} & LEVELS


def test_every_event_is_documented_as_it_is_told() -> None:
    assert {**told()} == documented()


def test_events_are_found_whatever_they_are_told_by() -> None:
    source = """
log.info("a.one", x=1)
self._log.exception("a.two")
say = on.log.debug if quiet else on.log.warning
say("a.three", y=2, z=3)
other("a.none"); log.info("no event"); mapping.get("a.none")
"""
    found = {event: (levels, fields) for event, levels, fields in events_of(ast.parse(source))}
    assert found == {
        "a.one": ({"info"}, {"x"}),
        "a.two": ({"exception"}, set()),
        "a.three": ({"debug", "warning"}, {"y", "z"}),
    }
