"""A request and its reply over the bus, against bare ZeroMQ sockets in the same shape."""

import json
import statistics
import subprocess

from .report import Row


def run(bench):
    result = subprocess.run(
        [bench.program("bus_ping"), "--rounds", str(bench.rounds), "--requests",
         "1000" if bench.quick else "5000"], capture_output=True, text=True, timeout=300,
        check=True)
    rounds = json.loads(result.stdout)
    bench.report.add(Row("bus request and reply, 200 B, p50", statistics.median(rounds["bus_us"]),
                         statistics.median(rounds["bare_us"]), "us", 1.5,
                         reference_name="bare ROUTER and DEALER", rounds=rounds))
