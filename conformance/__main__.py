"""`python -m conformance SIMULATE…`: runs the command that is given (`reconciler simulate`), then
every check, and prints a table; with `--write FILE` it puts the table between the file's marks.

Leaves with 1 if something failed that was not known to fail, or the other way round.
"""

import argparse
import asyncio
import importlib.metadata
import inspect
import sys
from pathlib import Path
from typing import Any

import ccxt.pro

from conformance import ccxt_rest, ccxt_watch, vendor_sdk
from conformance.checks import Check, Result, Setting
from conformance.simulating import simulating

BEGIN, END = "<!-- conformance -->", "<!-- end of conformance -->"


def run_all(setting: Setting) -> list[Result]:
    """Every client's checks, each client made once."""
    results = [_run(check, ccxt_rest.client, setting) for check in ccxt_rest.checks()]
    results += [_run(check, vendor_sdk.client, setting) for check in vendor_sdk.checks()]
    return results + asyncio.run(_watch(setting))


def _run(check: Check, client: Any, setting: Setting) -> Result:
    return _told(check, lambda: check.run(client(setting), setting))


async def _watch(setting: Setting) -> list[Result]:
    results = []
    for check in ccxt_watch.checks():
        exchange = ccxt_rest.client(setting, ccxt.pro.whitebit)
        why = ""
        try:
            async with asyncio.timeout(60):
                ran = check.run(exchange, setting)
                assert inspect.isawaitable(ran)
                await ran
        except Exception as error:
            why = _reason(error)
        await exchange.close()
        results.append(Result(check=check, why=why))
        _tell(results[-1])
    return results


def _told(check: Check, run: Any) -> Result:
    why = ""
    try:
        run()
    except Exception as error:
        why = _reason(error)
    result = Result(check=check, why=why)
    _tell(result)
    return result


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300]


def _tell(result: Result) -> None:
    sys.stderr.write(f"{result.mark} {result.check.client}: {result.check.call} {result.why}\n")


def table(results: list[Result]) -> str:
    """In Markdown, a section for each client."""
    versions = {
        "ccxt": importlib.metadata.version("ccxt"),
        "whitebit-python-sdk": importlib.metadata.version("whitebit-python-sdk"),
    }
    lines = [
        "Run with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        "",
        "| client | call | | why not |",
        "|---|---|---|---|",
    ]
    for result in results:
        why = (result.check.known or result.why).replace("|", "\\|") if result.why else ""
        lines.append(f"| {result.check.client} | {result.check.call} | {result.mark} | {why} |")
    good = sum(not result.why for result in results)
    return "\n".join([*lines, "", f"{good} of {len(results)} work."])


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--write", type=Path, help="a file with the two marks in it")
    parser.add_argument("command", nargs="+", help="what starts the exchange")
    asked = parser.parse_args()
    with simulating(asked.command) as setting:
        results = run_all(setting)
    said = table(results)
    print(said)
    if asked.write:
        text = asked.write.read_text()
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        asked.write.write_text(f"{before}{BEGIN}\n\n{said}\n\n{END}{after}")
    return 0 if all(result.is_as_expected for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
