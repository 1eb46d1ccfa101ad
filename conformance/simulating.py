"""Starts the simulated exchange as a process, and knows how to drive it."""

import json
import subprocess
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conformance.checks import Setting

OPTIONS = ("--port", "0", "--control-port", "0", "--warm-up", "3000")


@contextmanager
def simulating(command: list[str], rate: str = "20") -> Iterator[Setting]:
    """The exchange, for as long as the block lasts."""
    process = subprocess.Popen(
        [*command, *OPTIONS, "--rate", rate], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = ""
        while "# ready" not in said:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"the exchange ended: {said}")
            said += line
        config = tomllib.loads(said)
        [account] = config["accounts"]
        control_url = said.partition("# control endpoint: ")[2].partition("\n")[0]

        def control(path: str, **values: Any) -> Any:
            body = json.dumps(values).encode() if values else None
            method = "POST" if body or path in ("/pause", "/resume", "/up") else "GET"
            request = urllib.request.Request(control_url + path, body, method=method)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                raise AssertionError(f"{path}: {error.read().decode()}") from None

        yield Setting(
            rest_url=config["exchange"]["rest_url"],
            ws_url=config["exchange"]["ws_url"],
            account=account["name"],
            key=account["api_key"],
            secret=account["api_secret"],
            control=control,
        )
    finally:
        process.terminate()
        process.wait(10)
