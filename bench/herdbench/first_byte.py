"""How long until the first byte of `logs -f` and of `exec`, against the daemon's own socket. Each
over a connection of its own, as the docker command makes one."""

import json

from .load import agent_target, daemon_target
from .report import Row, interleave, medians

# It has said something and is alive.
TALKER = {"Image": "busybox", "Cmd": ["sh", "-c", "echo ready; exec sleep 3600"],
          "StopSignal": "SIGKILL", "HostConfig": {"NetworkMode": "host"}}
EXEC = json.dumps({"AttachStdout": True, "Cmd": ["echo", "done"]})


def run(bench):
    hosts, agents = bench.herd()
    identifier = bench.created(hosts[0], 1, start=True, body=TALKER)[0]
    bench.until_known(agents, [identifier])
    path = f"/containers/{identifier}"
    # (what, how, requests, requests when quick)
    for what, mode, options, count, few in (
            ("logs -f", "first", ("--path", f"{path}/logs?follow=1&stdout=1"), 100, 40),
            ("exec", "exec", ("--path", path, "--body", EXEC), 20, 4)):
        requests = few if bench.quick else count
        rounds = interleave(bench.rounds, measures(bench, hosts, agents, mode, options, requests))
        middle = medians(rounds)
        for who, target in (("owner", None), ("non-owner", 1.5)):
            bench.report.add(Row(f"first byte of {what} through the {who}, p50", middle[who],
                                 middle["daemon"], "ms", target,
                                 reference_name="the daemon's own socket", rounds=rounds))
    bench.empty(hosts)


def measures(bench, hosts, agents, mode, options, requests):
    def measure(target, host):
        return lambda: bench.load.run(mode, [target], *options, "--requests", requests, "--warm-up",
                                      2, net=host.net)["p50_us"] / 1000

    return {"daemon": measure(daemon_target(hosts[0]), hosts[0]),
            "owner": measure(agent_target(agents[0]), hosts[0]),
            "non-owner": measure(agent_target(agents[1]), hosts[1])}
