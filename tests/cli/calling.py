"""Commands called in this process, through the entry point of the console script."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from reconciler.cli.main import main
from tests.cli.daemon import Ended

Call = Callable[..., Ended]
Within = Callable[[Path | None], Call]
"""To call on a configuration: a process of its own takes a second of computing to begin."""


def caller(
    config: Path | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """`call("status", "--json")`: how it ended and what it said; `piped` is its standard input."""

    def call(*arguments: str, piped: str = "") -> Ended:
        before = ["--config", str(config)] if config else []
        monkeypatch.setattr(sys, "argv", ["reconciler", *before, *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return Ended(code, said.out, said.err)

    return call


async def called(call: Call, *arguments: str) -> Ended:
    """The same from a test whose exchange must answer meanwhile.  For what listens to no signals:
    those are for the main thread."""
    return await trio.to_thread.run_sync(call, *arguments)


def is_one_line(ended: Ended) -> bool:
    """Whether it failed as promised: one line, on standard error only."""
    return not ended.out and ended.err.startswith("reconciler: ") and ended.err.count("\n") == 1
