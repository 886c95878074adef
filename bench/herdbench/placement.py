"""Placing one container among 1,000 hosts: CPU time, single decisions timed and sorted."""

import json
import statistics
import subprocess

from .report import Row


def run(bench):
    figures = {"p50": [], "p99": []}
    for _ in range(bench.rounds):
        result = subprocess.run(
            [bench.program("bench_micro"), "--benchmark_filter=^place_one$",
             "--benchmark_format=json", f"--benchmark_min_time={0.1 if bench.quick else 1}"],
            capture_output=True, text=True, timeout=300, check=True)
        answer = json.loads(result.stdout)["benchmarks"][0]
        for name, values in figures.items():
            values.append(answer[f"{name}_us"])
    for name, target in (("p50", None), ("p99", 100)):
        bench.report.add(Row(f"placement of one container, 1,000 hosts, CPU time, {name}",
                             statistics.median(figures[name]), unit="us", target=target,
                             rounds={"us": figures[name]}))
