"""`python -m bench [NAME…]`: measures, and prints a table for each comparison."""

import argparse

from bench import backfill, books, decode, latency, memory, pipeline, store

BENCHES = {
    "decode": decode.measure,
    "store": store.measure,
    "pipeline": pipeline.measure,
    "latency": latency.measure,
    "backfill": backfill.measure,
    "memory": memory.measure,
    "books": books.measure,
}


def main() -> None:
    """Runs what was named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--rounds", type=int, default=5, help="how often each case runs")
    parser.add_argument("--quick", action="store_true", help="less work a run; noisier")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    for name in arguments.names or BENCHES:
        for outcome in BENCHES[name](arguments.rounds, arguments.quick):
            print(outcome.table(), flush=True)


if __name__ == "__main__":
    main()
