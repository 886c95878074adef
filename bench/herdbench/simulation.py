"""Large herds on virtual time, by the program sim_scale: its figures as rows, and a plot of what
one agent pays at each size."""

import json
import math
import subprocess
import tempfile

from . import plot
from .report import Row

SIZES = (10, 50, 200, 1000)
QUICK_SIZES = (10, 50)


def run(bench):
    sizes = QUICK_SIZES if bench.quick else SIZES
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        result = subprocess.run(
            [bench.program("sim_scale"), "--json", file.name, *map(str, sizes)], text=True,
            stdout=subprocess.PIPE, timeout=7200, check=False)
        print(result.stdout, flush=True)
        if result.returncode not in (0, 1):  # 1: a bound was missed, which the rows say.
            raise RuntimeError(f"sim_scale ended with {result.returncode}")
        figures = json.load(open(file.name, encoding="utf-8"))
    add_times(bench, figures)
    add_costs(bench, figures)
    path = bench.out.with_name("sim_scale.svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plot.costs_by_size(figures), encoding="utf-8")
    print(f"  plotted in {path}", flush=True)


def add_times(bench, figures):
    for herd in figures:
        for timed in herd["times"]:
            value = math.inf if timed["value"] is None else timed["value"]
            unit = "agents" if "wrongly" in timed["what"] else "s"
            bench.report.add(Row(f"simulated, {herd['agents']} agents, {herd['containers']} "
                                 f"containers: {timed['what']}", value, unit=unit,
                                 target=timed["bound"], note="virtual time"))


def add_costs(bench, figures):
    """By which power of the number of peers each cost grows, from the last size but one to the
    last: 1 is linear."""
    small, large = figures[-2:]
    for name, high in large["costs"].items():
        low = small["costs"][name]
        if low <= 0 or high <= 0:
            continue
        power = math.log(high / low) / math.log((large["agents"] - 1) / (small["agents"] - 1))
        note = (f"{low:.4g} at {small['agents']} agents, {high:.4g} at {large['agents']}; 1 is "
                "linear, 0 is constant")
        bench.report.add(Row(f"simulated, {name}, of one agent: grows by the power",
                             round(power, 2), unit="", target=1, note=note))
