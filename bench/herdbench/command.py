"""The command line that the benchmarks of whole herds share."""

import argparse
import importlib
import os
import pathlib
import sys
import traceback

from .bench import Bench, preferred_session
from .pack import sweep

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(program, text, cases, add_options=lambda parser: None):
    """`cases`: name -> "module" of herdbench, whose function run(bench) measures; or
    "module.function". What add_options adds is in bench.options."""
    parser = argparse.ArgumentParser(prog=program, description=text)
    parser.add_argument("--only", metavar="NAME[,NAME]", help=f"of: {', '.join(cases)}")
    parser.add_argument("--quick", action="store_true", help="fewer requests and shorter waits")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bench",
                        help="where the programs are; default: build/bench")
    parser.add_argument("--out", type=pathlib.Path,
                        default=ROOT / "build" / "bench" / f"{program}.json")
    parser.add_argument("--nice", type=int, default=-15, help="of all that is measured, ours and "
                        "others' alike, against the noise of a shared machine; default: -15")
    add_options(parser)
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(cases)
    unknown = [name for name in names if name not in cases]
    if unknown:
        parser.error(f"no measurement {unknown[0]!r}; there are: {', '.join(cases)}")
    sweep()
    os.nice(options.nice)
    with preferred_session(options.nice), Bench(options) as bench:
        try:
            for name in names:
                print(f"{name}:", flush=True)
                try:
                    measure(cases[name], bench)
                except Exception as error:  # Others can still be measured; this one is reported.
                    traceback.print_exc()
                    bench.report.fail(name, error)
        finally:
            bench.report.print_table()
            bench.report.write(options.out)
    sys.exit(1 if bench.report.failures else 0)


def measure(case, bench):
    module, _, function = case.partition(".")
    getattr(importlib.import_module(f"herdbench.{module}"), function or "run")(bench)
