"""What an agent costs while nothing happens: memory, traffic, processor."""

import statistics
import time

from .pack import Pack
from .report import Row

# Bytes sent per agent and second by Zyre peers at the same numbers, measured once beforehand.
ZYRE_BYTES = {10: 457, 50: 1412}


def run(bench):
    for count in (3, 10) if bench.quick else (3, 10, 50):
        containers = 20 if count == 50 else 0  # Each; 1,000 in all.
        # Both idle at the same time, so that they meet the same machine.
        with Pack(bench, "dockherd", count, containers) as ours, Pack(bench, "serf", count) as serf:
            time.sleep(3 if bench.quick else 20)  # What comes with forming ebbs away.
            rounds = {"dockherd": [], "serf": []}
            for _ in range(bench.rounds):
                before = {pack.kind: snapshot(pack) for pack in (ours, serf)}
                time.sleep(5 if bench.quick else 30)
                for pack in (ours, serf):
                    rounds[pack.kind].append(difference(before[pack.kind], snapshot(pack), count))
        add_rows(bench, count, containers, rounds)


def add_rows(bench, count, containers, rounds):
    middle = {kind: {key: statistics.median(each[key] for each in values)
                     for key in values[0]} for kind, values in rounds.items()}
    ours, serf = middle["dockherd"], middle["serf"]

    def of(key):
        return {kind: [each[key] for each in values] for kind, values in rounds.items()}

    what = f"{count} agents" + (f", {count * containers} containers" if containers else "")
    bench.report.add(Row(f"resident memory per agent, {what}", ours["resident"], serf["resident"],
                         "MB", 1.0 if count > 3 else None, reference_name="serf",
                         rounds=of("resident")))
    bench.report.add(Row(f"private memory per agent, {what}", ours["private"], serf["private"],
                         "MB", reference_name="serf", rounds=of("private")))
    if count in ZYRE_BYTES:
        bench.report.add(Row(f"idle bytes sent per agent and second, {what}", ours["bytes"],
                             ZYRE_BYTES[count], "B/s", 1.0, reference_name="Zyre",
                             note="Zyre's figure was measured beforehand", rounds=of("bytes")))
    bench.report.add(Row(f"idle bytes sent per agent and second, {what}", ours["bytes"],
                         serf["bytes"], "B/s", reference_name="serf", rounds=of("bytes")))
    bench.report.add(Row(f"idle CPU per agent, {what}", ours["cpu"], serf["cpu"],
                         "% of a core", reference_name="serf", rounds=of("cpu")))
    if count == 50:
        bench.report.add(Row(f"idle CPU per agent, {what}", ours["cpu"], None, "% of a core", 0.3))


def snapshot(pack):
    resident, private = pack.memory()
    return {"time": time.monotonic(), "bytes": pack.bytes_sent(), "cpu": pack.cpu_seconds(),
            "resident": resident, "private": private}


def difference(before, after, count):
    """Of one agent: bytes a second, per cent of a core, megabytes."""
    seconds = after["time"] - before["time"]
    return {"bytes": (after["bytes"] - before["bytes"]) / count / seconds,
            "cpu": 100 * (after["cpu"] - before["cpu"]) / count / seconds,
            "resident": after["resident"] / 2**20, "private": after["private"] / 2**20}
