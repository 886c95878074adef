"""inspect through owner and non-owner, against the daemon's own socket; beside it, for what any
agent in between costs at least, a program that hands bytes on and looks at none of them."""

from .load import agent_target, daemon_target, verb
from .report import Row, interleave, medians

FORWARDER_PORT = 9999  # On the loopback of the owner's host.


def run(bench):
    hosts, agents = bench.herd()
    identifier = bench.created(hosts[0], 1)[0]
    bench.until_known(agents, [identifier])
    requests = 400 if bench.quick else 2000
    ask = verb("inspect-container", id=identifier)
    direct = ("--path", f"/containers/{identifier}/json")

    def measure(target, options, host, clients, figure):
        def once():
            return bench.load.run("ask", [target], *options, "--clients", clients, "--requests",
                                  requests, net=host.net)[figure]
        return once

    def all_of_them(clients, figure):
        return interleave(bench.rounds, {
            "daemon": measure(daemon_target(hosts[0]), direct, hosts[0], clients, figure),
            "forwarder": measure(f"tcp:127.0.0.1:{FORWARDER_PORT}", direct, hosts[0], clients,
                                 figure),
            "owner": measure(agent_target(agents[0]), ask, hosts[0], clients, figure),
            "non-owner": measure(agent_target(agents[1]), ask, hosts[1], clients, figure)})

    forwarder = bench.load.forwarder(FORWARDER_PORT, daemon_target(hosts[0]), hosts[0].net)
    try:
        compare(bench, all_of_them)
    finally:
        forwarder.kill()
        forwarder.wait()


def compare(bench, all_of_them):
    for clients, figure, unit, more, targets in (
            (1, "p50_us", "us", False, {"owner": 1.7, "non-owner": 2.5}),
            (16, "per_second", "/s", True, {"owner": 0.6, "non-owner": 0.4})):
        rounds = all_of_them(clients, figure)
        middle = medians(rounds)
        floor = middle["forwarder"] / middle["daemon"]
        for who, target in targets.items():
            bench.report.add(Row(f"inspect through the {who}, {clients} client"
                                 + ("s" if clients > 1 else ", p50"),
                                 middle[who], middle["daemon"], unit, target, more,
                                 "the daemon's own socket",
                                 f"a bare forwarder: {floor:.2f} ×", rounds))
