"""How long until the first byte of `logs -f` and of `exec`, against the daemon's own socket. Each
over a connection of its own, as the docker command makes one."""

import json

from .report import Row, interleave, medians
from .ways import floor_of, ways_to_first_host

# It has said something and is alive.
TALKER = {"Image": "busybox", "Cmd": ["sh", "-c", "echo ready; exec sleep 3600"],
          "StopSignal": "SIGKILL", "HostConfig": {"NetworkMode": "host"}}
EXEC = json.dumps({"AttachStdout": True, "Cmd": ["echo", "done"]})


def run(bench):
    hosts, agents = bench.herd()
    identifier = bench.created(hosts[0], 1, start=True, body=TALKER)[0]
    bench.until_known(agents, [identifier])
    path = f"/containers/{identifier}"
    with ways_to_first_host(bench, hosts, agents) as ways:
        compare(bench, ways, "logs -f", 40 if bench.quick else 100, "first",
                ("--path", f"{path}/logs?follow=1&stdout=1"))
        compare(bench, ways, "exec", 4 if bench.quick else 20, "exec",
                ("--path", path, "--body", EXEC))
    bench.empty(hosts)


def compare(bench, ways, what, requests, mode, options):
    def measure(target, net):
        return lambda: bench.load.run(mode, [target], *options, "--requests", requests, "--warm-up",
                                      2, net=net)["p50_us"] / 1000

    rounds = interleave(bench.rounds, {who: measure(*way) for who, way in ways.items()})
    middle = medians(rounds)
    for who, target in (("owner", None), ("non-owner", 1.5)):
        bench.report.add(Row(f"first byte of {what} through the {who}, p50", middle[who],
                             middle["daemon"], "ms", target, False, "the daemon's own socket",
                             floor_of(middle), rounds))
