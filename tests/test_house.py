"""Imports point down the house, never up, and each room only into those it may."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "reconciler"

SHARED = {"address", "backoff", "causes", "clock", "config", "configfile", "secret", "log", "hop"}
SHARED |= {"hookconfig", "pulse", "transport", "world"}
"""Small files used by all; they themselves rest on `domain` and each other."""

MAY_USE: dict[str, set[str]] = {
    "domain": set(),
    "backoff": {"domain"},
    "causes": set(),
    "clock": {"domain"},
    "secret": set(),
    "address": set(),
    "config": {"address", "domain", "secret"},
    "hookconfig": {"address", "config", "domain", "secret"},
    "configfile": {"domain", "config", "hookconfig", "secret"},
    "hop": {"domain", "pulse"},
    "pulse": {"clock"},
    "log": {"domain", "clock", "secret"},
    "transport": set(),
    "world": {"clock", "hop", "transport"},
    "inbox": {"domain"},
    "wire": {"domain"},
    "ledger": {"domain"},
    "reconcile": {"domain", "ledger"},
    "store": {"domain", "inbox", "ledger", "reconcile"} | SHARED,
    "writer": {"domain", "inbox", "reconcile", "store"} | SHARED,
    "holding": {"inbox", "store"} | SHARED,
    "feed": {"domain", "inbox", "wire"} | SHARED,
    "replay": {"domain", "inbox", "reconcile", "store"} | SHARED,
    "health": {"domain", "feed", "writer"} | SHARED,
    "service": {"domain", "feed", "health", "store", "writer"} | SHARED,
    "alerts": {"domain", "holding", "store", "writer"} | SHARED,
    "web": {"alerts", "domain", "feed", "health", "store", "writer"} | SHARED,
    "simulator": set(),
    "daemon": {
        "alerts",
        "domain",
        "feed",
        "health",
        "holding",
        "inbox",
        "reconcile",
        "store",
        "writer",
    }
    | SHARED,
    "verdict": {"domain", "store", "simulator"} | SHARED,
    "doctor": {"alerts", "domain", "feed", "store", "wire"} | SHARED,
    "cli": {"domain", "inbox", "store", "writer", "feed", "wire", "simulator", "daemon", "verdict"}
    | {"alerts", "doctor", "health", "reconcile", "replay", "service", "web"}
    | SHARED,
}


def room(module: str) -> str:
    """`reconciler.feed.link` is in the room `feed`."""
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out"
            assert node.module is not None
            found.add(node.module)
            if node.module == "reconciler":
                found.update(f"reconciler.{alias.name}" for alias in node.names)
    return {name for name in found if name.startswith("reconciler.")}


MODULES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem[0] != "_")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    at = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert at in MAY_USE, f"{at} has no place in the house: give it one in MAY_USE"
    allowed = MAY_USE[at] | {at, "__version__"}
    above = {name for name in imports(path) if room(name) not in allowed}
    assert not above, f"{path.relative_to(ROOT)} reaches up to {sorted(above)}"


def test_the_rooms_have_no_cycle() -> None:
    order: list[str] = []
    waiting = dict(MAY_USE)
    while waiting:
        free = [name for name, below in waiting.items() if not below - set(order) - {name}]
        assert free, f"a cycle among {sorted(waiting)}"
        order += free
        for name in free:
            del waiting[name]


LIBRARIES = {
    "jinja2": {"web/page.py"},
    "prometheus_client": {"web/metrics.py"},
    "trio_websocket": {"feed/websocket.py"},
    "wsproto": {"feed/websocket.py"},
    "h11": {"feed/websocket.py"},
    "httpx": {"alerts/webhook.py", "feed/rest.py", "transport.py", "world.py"},
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_of_the_outside_is_known_to_one_module(library: str) -> None:
    users = set()
    for path in MODULES:
        text = path.read_text()
        if f"import {library}" in text or f"from {library}" in text:
            users.add(str(path.relative_to(ROOT)))
    assert users == LIBRARIES[library]
