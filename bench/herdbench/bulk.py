"""Creating and starting containers in one bulk, against the same calls made directly to the three
daemons by a client without any overhead of its own."""

from .bench import SLEEPER
from .load import agent_target, daemon_target, verb
from .report import Row, interleave, medians

CONCURRENCY = (1, 2, 4, 8)  # At each daemon.


def run(bench):
    hosts, agents = bench.herd()
    tried = CONCURRENCY
    for count in (30,) if bench.quick else (30, 90):
        rounds = interleave(bench.rounds, measures(bench, hosts, agents, count, tried))
        middle = medians(rounds)
        by_time = sorted((name for name in middle if name != "herd"), key=middle.get)
        bench.report.add(Row(f"create and start {count} over 3 hosts", middle["herd"],
                             middle[by_time[0]], "s", 1.05,
                             reference_name="the same calls to the three sockets",
                             note=by_time[0], rounds=rounds))
        # The larger bulk takes its time: only the two best are worth another look.
        tried = [int(name.split()[1]) for name in by_time[:2]]
    bench.empty(hosts)


def measures(bench, hosts, agents, count, tried):
    def direct(clients):
        bench.empty(hosts)
        return bench.load.run("create", [daemon_target(host) for host in hosts], "--body",
                              bench.sleeper_text, "--requests", count, "--clients",
                              clients)["seconds"]

    def herd():
        bench.empty(hosts)
        options = verb("create-container", body=SLEEPER, instances=count, start=True)
        return bench.load.run("ask", [agent_target(agents[0])], *options, "--requests", 1,
                              "--warm-up", 0, net=hosts[0].net)["seconds"]

    found = {"herd": herd}
    found.update({f"direct, {clients} at once": lambda clients=clients: direct(clients)
                  for clients in tried})
    return found
