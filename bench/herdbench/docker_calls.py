"""Calls about one container by Docker's API, through owner and non-owner, against the daemon's own
socket."""

from .report import Row, interleave, medians
from .ways import floor_of, ways_to_first_host

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
    with ways_to_first_host(bench, hosts, agents) as ways:
        for name, options in calls.items():
            for clients in (1, 16):
                add_rows(bench, name, clients, interleave(
                    bench.rounds, measures(bench, ways, options, clients)))
    bench.empty(hosts)


def measures(bench, ways, options, clients):
    requests = 400 if bench.quick else 2000

    def measure(target, net):
        return lambda: bench.load.run("ask", [target], *options, "--clients", clients,
                                      "--requests", requests, net=net)

    return {who: measure(*way) for who, way in ways.items()}


def add_rows(bench, name, clients, rounds):
    for of_clients, figure, unit, more in FIGURES:
        if of_clients != clients:
            continue
        values = {who: [each[figure] for each in found] for who, found in rounds.items()}
        middle = medians(values)
        what = {"p50_us": "p50", "p99_us": "p99", "per_second": "requests"}[figure]
        for who in ("owner", "non-owner"):
            bench.report.add(Row(
                f"{name} through the {who}, {clients} client{'s' if clients > 1 else ''}, {what}",
                middle[who], middle["daemon"], unit, TARGETS.get((name, who, clients, figure)),
                more, "the daemon's own socket", floor_of(middle), values))
