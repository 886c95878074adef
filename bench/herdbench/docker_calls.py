"""Calls about one container by Docker's API, through owner and non-owner, against the daemon's own
socket."""

from .inspecting import FORWARDER_PORT
from .load import agent_target, daemon_target
from .report import Row, interleave, medians

# (clients, figure, unit, more is better)
FIGURES = ((1, "p50_us", "us", False), (1, "p99_us", "us", False), (1, "per_second", "/s", True),
           (16, "p50_us", "us", False), (16, "p99_us", "us", False), (16, "per_second", "/s", True))
TARGETS = {("inspect", "owner", 1, "p50_us"): 1.7, ("inspect", "non-owner", 1, "p50_us"): 2.5,
           ("inspect", "owner", 16, "per_second"): 0.6,
           ("inspect", "non-owner", 16, "per_second"): 0.4}


def run(bench):
    hosts, agents = bench.herd()
    identifier = bench.created(hosts[0], 1, start=True)[0]
    bench.until_known(agents, [identifier])
    path = f"/containers/{identifier}"
    calls = {"inspect": ("--path", f"{path}/json"),
             # Of one that runs already: a change that changes nothing, answered 304.
             "start": ("--method", "POST", "--path", f"{path}/start")}
    forwarder = bench.load.forwarder(FORWARDER_PORT, daemon_target(hosts[0]), hosts[0].net)
    try:
        for name, options in calls.items():
            for clients in (1, 16):
                add_rows(bench, name, clients, interleave(
                    bench.rounds, measures(bench, hosts, agents, options, clients)))
    finally:
        forwarder.kill()
        forwarder.wait()
    bench.empty(hosts)


def measures(bench, hosts, agents, options, clients):
    requests = 400 if bench.quick else 2000
    targets = {"daemon": (daemon_target(hosts[0]), hosts[0]),
               "forwarder": (f"tcp:127.0.0.1:{FORWARDER_PORT}", hosts[0]),
               "owner": (agent_target(agents[0]), hosts[0]),
               "non-owner": (agent_target(agents[1]), hosts[1])}

    def measure(target, host):
        return lambda: bench.load.run("ask", [target], *options, "--clients", clients,
                                      "--requests", requests, net=host.net)

    return {who: measure(*where) for who, where in targets.items()}


def add_rows(bench, name, clients, rounds):
    for of_clients, figure, unit, more in FIGURES:
        if of_clients != clients:
            continue
        values = {who: [each[figure] for each in found] for who, found in rounds.items()}
        middle = medians(values)
        floor = middle["forwarder"] / middle["daemon"]
        what = {"p50_us": "p50", "p99_us": "p99", "per_second": "requests"}[figure]
        for who in ("owner", "non-owner"):
            bench.report.add(Row(
                f"{name} through the {who}, {clients} client{'s' if clients > 1 else ''}, {what}",
                middle[who], middle["daemon"], unit, TARGETS.get((name, who, clients, figure)),
                more, "the daemon's own socket", f"a bare forwarder: {floor:.2f} ×", values))
