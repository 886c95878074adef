"""A host's cable is cut and plugged in again: when does everybody see everybody once more? Agents
that find each other by beacon, agents that do by gossip, and serf run side by side on the same
hosts, so that one cut hits them all."""

import os
import time

from herdlab import Lab, until

from .pack import Views
from .report import Row, medians

HOSTS = 5
CUT_SECONDS = 40
LIMIT_MS = 2000


def run(bench):
    cut_seconds = 8 if bench.quick else CUT_SECONDS
    with Lab(binaries=bench.binaries) as lab:
        hosts = lab.up(HOSTS, daemon="fake")
        herds = {"beacon": start_agents(hosts, "beacon"), "gossip": start_agents(hosts, "gossip"),
                 "serf": start_serf(hosts)}
        for name, views in herds.items():
            views.wait_until_whole([host.name for host in hosts], 60, f"{name} is whole")
        time.sleep(3)
        rounds = {name: [] for name in herds}
        losses = {name: [] for name in herds}
        for number in range(bench.rounds):
            victim = hosts[1 + number % (HOSTS - 1)]  # Never the first: gossip's seed, serf's too.
            one_round(hosts, herds, victim, cut_seconds, rounds, losses)
        for views in herds.values():
            views.close()
    add_rows(bench, rounds, losses, cut_seconds)


def one_round(hosts, herds, victim, cut_seconds, rounds, losses):
    others = [host.name for host in hosts if host is not victim]
    names = [host.name for host in hosts]
    cut = time.monotonic()
    victim.cut()
    for name, views in herds.items():
        lost = views.wait_until_lost(victim.name, others, cut, 60, f"{name} notices the cut")
        losses[name].append((lost - cut) * 1000)
    time.sleep(max(0.0, cut + cut_seconds - time.monotonic()))
    healed = time.monotonic()
    victim.heal()
    for name, views in herds.items():
        whole = views.wait_until_whole(names, 180, f"{name} is whole again")
        rounds[name].append(max(0.0, whole - healed) * 1000)
    time.sleep(3)


def add_rows(bench, rounds, losses, cut_seconds):
    for kind in ("beacon", "gossip"):
        middle = medians(losses)
        bench.report.add(Row(f"cut link noticed by all others, {kind}", middle[kind],
                             middle["serf"], "ms", 0.4, reference_name="serf, defaults",
                             rounds=losses))
        bench.report.add(Row(f"cut link noticed by all others, {kind}, the slowest round",
                             max(losses[kind]), unit="ms", target=LIMIT_MS))
        middle = medians(rounds)
        bench.report.add(Row(f"whole again after a cut of {cut_seconds} s, {kind}", middle[kind],
                             middle["serf"], "ms", 0.2, reference_name="serf, defaults",
                             rounds=rounds))
        bench.report.add(Row(f"whole again after a cut of {cut_seconds} s, {kind}, the slowest "
                             "round", max(rounds[kind]), unit="ms", target=LIMIT_MS))


def follow_pipe(views, observer, path):
    """A named pipe in the place of a log file."""
    os.mkfifo(path)
    views.follow(observer, os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def start_agents(hosts, kind):
    views = Views()
    for host in hosts:
        if kind == "beacon":
            cluster = "herd: beacon\n"
        else:
            cluster = ("herd: gossip\ndiscovery:\n  gossip:\n    enabled: true\n"
                       f"    bind: \"tcp://*:5671\"\n    seeds: [{hosts[0].address}]\n")
        agent = host.agent(name=f"{host.name}-{kind}", port=8080 if kind == "beacon" else 8081,
                           conf={"hostname": host.name}, cluster=cluster)
        follow_pipe(views, host.name, agent.log)
        agent.begin()
    return views


def start_serf(hosts):
    views = Views()
    for host in hosts:
        log = host.directory / "serf.log"
        follow_pipe(views, host.name, log)
        join = [] if host is hosts[0] else [f"-join={hosts[0].address}"]
        host.spawn("serf", "agent", f"-node={host.name}", f"-bind={host.address}:7946",
                   "-rpc-addr=127.0.0.1:7373", *join, log=log)
        if host is hosts[0]:
            until(lambda: views.seen[host.name], 20, "the first serf runs")
    return views
