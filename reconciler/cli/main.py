"""The `reconciler` command: finds the subcommand, and turns what ends it into one line and a code.

Commands are imported when they are called for, so that `--help` does not load a database driver.
What is imported stays to the end, and the garbage collector is told so: to search it again and
again, and once more at leaving, is a third of what a short command costs.
"""

import atexit
import gc
import importlib
import os
import sys
import traceback

import click

from reconciler import __version__
from reconciler.causes import leaves

COMMANDS = {
    "run": "The daemon, until it is told to stop.",
    "sync": "One pass, and leave.",
    "demo": "See it work: no account, no configuration.",
    "simulate": "A simulated exchange, for any client.",
    "check": "The doctor: all that a run needs.",
    "status": "What the database says now.",
    "sql": "Read-only SQL on the record, exact.",
    "drift": "Differences that stayed: list, explain, acknowledge.",
    "explain": "A balance back to its evidence.",
    "replay": "The record made once more from what arrived.",
    "alerts": "The hooks that tell of events, tried.",
    "db": "Look after the database: its schema, its backups.",
}
"""Each is the module of its name; what it is for stands here, as click would import them all to
ask."""

FINDINGS, USAGE, REFUSED, DATABASE = 1, 2, 3, 4
"""Exit codes; 0 is success."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return _loaded(f"reconciler.cli.{name}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _loaded(module: str) -> click.Command:
    if module not in sys.modules:
        gc.disable()
        try:
            importlib.import_module(module)
        finally:
            gc.enable()
        gc.freeze()
    command: click.Command = sys.modules[module].command
    return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="reconciler")
@click.option("--config", metavar="PATH", help="The configuration file.")
@click.option("--debug", is_flag=True, help="Show a traceback where something goes wrong.")
@click.pass_context
def cli(ctx: click.Context, config: str | None, debug: bool) -> None:
    """Keep a provably complete, exact record of WhiteBIT exchange accounts.

    Start with `reconciler demo`: it needs no account and no configuration.
    """
    ctx.obj = {"config": config, "debug": debug}


def main() -> None:
    """Entry point of the console script."""
    atexit.register(gc.freeze)
    debug = "--debug" in sys.argv[1:]
    try:
        code = cli.main(standalone_mode=False, prog_name="reconciler")
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        line = error.format_message()
        if isinstance(error, click.UsageError) and error.ctx is not None:
            line += f" (see {error.ctx.command_path} --help)"
        print(f"reconciler: {line}", file=sys.stderr)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except (BrokenPipeError, SystemExit):
        # The reader of our output is gone (`| head`), on which click and rich leave by themselves;
        # nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except BaseException as error:
        if debug:
            traceback.print_exception(error)
        line, code = explain(error)
        print(f"reconciler: {line}", file=sys.stderr)
    sys.exit(code or 0)


def explain(error: BaseException) -> tuple[str, int]:
    """One line that says what to do, and the exit code."""
    from reconciler.config import ConfigError
    from reconciler.feed.rest import CredentialsRefused, ExchangeAway
    from reconciler.store.engine import DatabaseUnusable

    causes = list(leaves(error))
    mend = "; mend the key at the exchange or replace it here, see: reconciler check"
    for kind, code, remedy in (
        (ConfigError, USAGE, ""),
        (CredentialsRefused, REFUSED, mend),
        (DatabaseUnusable, DATABASE, ""),
        (ExchangeAway, FINDINGS, ""),
    ):
        for leaf in causes:
            if isinstance(leaf, kind):
                return str(leaf).replace("\n", " ") + remedy, code
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in causes):
        return "interrupted", 130
    bug = causes[0]
    what = f"{type(bug).__name__}: {bug}".partition("\n")[0]
    return f"this is a bug ({what}); run again with --debug and report what it prints", FINDINGS
