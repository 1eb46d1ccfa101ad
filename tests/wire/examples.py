"""The messages in tests/examples, byte for byte: a float would lose their seventh decimal."""

import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

FOLDER = Path(__file__).parent.parent / "examples"


class _File(msgspec.Struct):
    examples: dict[str, Raw]


def names(file: str) -> list[str]:
    """Which examples `file` has."""
    return list(_examples(file))


def example(file: str, name: str) -> bytes:
    """The JSON text of one example."""
    return bytes(_examples(file)[name])


def result(file: str, name: str) -> bytes:
    """The JSON text of the `result` in an example of a reply."""
    return bytes(msgspec.json.decode(example(file, name), type=dict[str, Raw])["result"])


def rows(name: str) -> list[dict[str, Any]]:
    """The records in the documented answer of a REST call, to be changed."""
    answer = json.loads(example("rest", name))
    found: list[dict[str, Any]] = (
        answer if isinstance(answer, list) else answer.get("records") or answer["data"]
    )
    return found


def _examples(file: str) -> dict[str, Raw]:
    return msgspec.json.decode((FOLDER / f"{file}.json").read_bytes(), type=_File).examples
