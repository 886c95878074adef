"""How long until all see all, and until all notice a loss, against serf with its defaults."""

import signal
import time

from .pack import Pack
from .report import Row, interleave, medians

AGAINST = "serf, defaults"


def run(bench):
    for count in (10,) if bench.quick else (10, 50):
        rounds = interleave(bench.rounds, {kind: lambda kind=kind: one_round(bench, kind, count)
                                           for kind in ("dockherd", "serf")})
        figures = (("full view, {} started together", "whole", 0.5, None),
                   ("full view, {}, from the start of the last", "launched", None, None),
                   ("kill -9 noticed by all of {}", "killed", 0.1, 500),
                   ("frozen process noticed by all of {}", "frozen", 0.4, 2000))
        for text, key, ratio, limit in figures:
            values = {kind: [each[key] * 1000 for each in rounds[kind]] for kind in rounds}
            middle = medians(values)
            what = text.format(count)
            bench.report.add(Row(what, middle["dockherd"], middle["serf"], "ms", ratio,
                                 reference_name=AGAINST, rounds=values))
            if limit:
                bench.report.add(Row(what + ", the slowest round", max(values["dockherd"]),
                                     unit="ms", target=limit))


def one_round(bench, kind, count):
    with Pack(bench, kind, count) as pack:
        time.sleep(2)  # Serf goes on spreading joins for a while; neither is to be hit meanwhile.
        killed = loss(pack, pack.names[count // 2], signal.SIGKILL)
        time.sleep(1)
        frozen = loss(pack, pack.names[count // 3], signal.SIGSTOP)
        return {"whole": pack.seconds, "launched": pack.seconds_after_launch,
                "killed": killed, "frozen": frozen}


def loss(pack, name, number):
    """Seconds from the signal until the last of the others had noticed."""
    process = pack.processes.pop(name)
    others = list(pack.processes)
    begin = time.monotonic()
    process.send_signal(number)
    return pack.views.wait_until_lost(name, others, begin, 90, f"{name} is noticed") - begin
