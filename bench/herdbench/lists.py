"""Lists of the whole herd, against the daemons asked in parallel by the same client."""

import time

from .load import agent_target, daemon_target, verb
from .report import Row, interleave, medians

EVERYTHING = ("--path", "/containers/json?all=1")
VERB = verb("list-containers", all=True, shape="flat")


def run(bench):
    hosts, agents = bench.herd()
    bench.empty(hosts)
    identifiers = [each for host in hosts for each in bench.created(host, 50)]
    bench.until_known(agents, identifiers)
    compare(bench, hosts, agents, "150 containers, not started")
    bench.empty(hosts)
    identifiers = [each for host in hosts for each in bench.created(host, 50, start=True)]
    bench.until_known(agents, identifiers)
    compare(bench, hosts, agents, "150 running for seconds", note="their Status counts seconds")
    if not bench.quick:
        time.sleep(65)
        compare(bench, hosts, agents, "150 running for a minute")
    bench.empty(hosts)


def run_docker(bench):
    """The same as Docker's clients ask for it."""
    hosts, agents = bench.herd()
    bench.empty(hosts)
    identifiers = []
    for each in (10, 50):
        count = each - len(identifiers) // len(hosts)
        identifiers += [one for host in hosts for one in bench.created(host, count, start=True)]
        bench.until_known(agents, identifiers)
        compare(bench, hosts, agents, f"{3 * each} running for seconds",
                "their Status counts seconds", EVERYTHING)
    if not bench.quick:
        time.sleep(65)
        compare(bench, hosts, agents, "150 running for a minute", options=EVERYTHING)
    bench.empty(hosts)


def compare(bench, hosts, agents, what, note="", options=VERB):
    """`options`: how an agent is asked."""
    requests = 60 if bench.quick else 200

    def daemons():
        return bench.load.run("all", [daemon_target(host) for host in hosts], *EVERYTHING,
                              "--requests", requests, net=hosts[0].net)["p50_us"]

    def herd():
        return bench.load.run("ask", [agent_target(agents[0])], *options, "--requests", requests,
                              net=hosts[0].net)["p50_us"]

    rounds = interleave(bench.rounds, {"daemons": daemons, "herd": herd})
    middle = medians(rounds)
    bench.report.add(Row(f"list of the herd, {what}, p50", middle["herd"], middle["daemons"], "us",
                         0.25, False, "the three daemons asked in parallel", note, rounds))
