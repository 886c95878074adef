"""One command that creates and starts 30 containers over 3 hosts, and changing calls while a host
is down, against Swarm mode of the same daemons on the same hosts."""

import json
import threading
import time

from herdlab import Lab, processes, until
from herdlab.lab import herd_is_whole

from .bench import SLEEPER, UNLIMITED, call, prefer
from .freshness import Events
from .report import Row, interleave, medians

COUNT = 30
BLOCKED_SECONDS = 1.0  # A changing call that takes longer, or fails, counts as blocked.
# Swarm mode's name of the network, and the highest ratio to reach.
NETWORKS = (("host", 0.8), ("bridge", 0.6))


def run(bench):
    with Lab(binaries=bench.binaries) as lab:
        hosts = lab.up(3)
        agents = lab.start_agents(conf={"limits": UNLIMITED})
        herd_is_whole(agents)
        swarm = Swarm(hosts)
        prefer(processes.marked_pids(lab.directory), bench.nice)
        for network, target in NETWORKS:
            compare(bench, Starts(hosts, agents, swarm, network), target)
        outage(bench, lab, hosts, agents, swarm)


class Swarm:
    """Swarm mode over the hosts: the first is its manager."""

    def __init__(self, hosts):
        self.hosts = hosts
        first = hosts[0]
        call(first, "POST", "/swarm/init",
             {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": first.address})
        token = call(first, "GET", "/swarm")["JoinTokens"]["Worker"]
        for host in hosts[1:]:
            call(host, "POST", "/swarm/join",
                 {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": host.address, "JoinToken": token,
                  "RemoteAddrs": [f"{first.address}:2377"]})
        until(lambda: self._ready(first) == len(hosts), 60, "a swarm")

    @staticmethod
    def _ready(host):
        return sum(node["Status"]["State"] == "ready" for node in call(host, "GET", "/nodes"))

    def make_all_managers(self):
        """So that it survives the loss of one."""
        first = self.hosts[0]
        for node in call(first, "GET", "/nodes"):
            spec = dict(node["Spec"], Role="manager")
            version = node["Version"]["Index"]
            call(first, "POST", f"/nodes/{node['ID']}/update?version={version}", spec)
        self.until_whole()

    def until_whole(self):
        def whole():
            nodes = call(self.hosts[1], "GET", "/nodes")
            return sum(node.get("ManagerStatus", {}).get("Reachability") == "reachable"
                       for node in nodes) == len(self.hosts)

        until(lambda: _quietly(whole), 120, "managers that reach each other", interval=0.2)

    def leader(self):
        """The host of the leading manager."""
        for node in call(self.hosts[1], "GET", "/nodes"):
            if node.get("ManagerStatus", {}).get("Leader"):
                address = node["ManagerStatus"]["Addr"].rpartition(":")[0]
                return next(host for host in self.hosts if host.address == address)
        return None


def _quietly(ask):
    """A manager that has no leader yet refuses."""
    try:
        return ask()
    except (RuntimeError, OSError):
        return None


def service(name, replicas, network):
    return {"Name": name, "Mode": {"Replicated": {"Replicas": replicas}},
            "TaskTemplate": {"ContainerSpec": {"Image": "busybox", "Command": ["sleep", "3600"],
                                               "StopSignal": "SIGKILL"},
                             "Networks": [{"Target": network}],
                             "RestartPolicy": {"Condition": "none"}}}


class Starts:
    """Ways to start COUNT containers; each returns the seconds until all run, and cleans up."""

    def __init__(self, hosts, agents, swarm, network):
        self.hosts = hosts
        self.agents = agents
        self.swarm = swarm
        self.network = network
        self._number = 0

    def herd(self):
        body = dict(SLEEPER, HostConfig={"NetworkMode": self.network})
        begin = time.monotonic()
        reply = self.agents[0].verb("create-container", body=body, instances=COUNT, start=True,
                                    timeout_seconds=60)
        seconds = time.monotonic() - begin
        if reply.json["summary"]["created"] != COUNT:
            raise RuntimeError(f"the herd did not create {COUNT}: {reply.json['summary']}")
        self._clear()
        return seconds

    def api(self):
        """Until the last daemon says that its last container has started."""
        events = [Events(host) for host in self.hosts]
        time.sleep(0.2)
        self._number += 1
        name = f"api{self._number}"
        begin = time.monotonic()
        call(self.hosts[0], "POST", "/services/create", service(name, COUNT, self.network))

        def starts():
            return [when for each in events for (_, action), when in list(each.times.items())
                    if action == "start" and when >= begin]

        until(lambda: len(starts()) >= COUNT, 120, "the tasks run", interval=0.02)
        seconds = max(starts()) - begin
        for each in events:
            each.close()
        self._remove(name)
        return seconds

    def typed(self):
        self._number += 1
        name = f"typed{self._number}"
        begin = time.monotonic()
        self.hosts[0].docker("service", "create", "--name", name, "--replicas", COUNT,
                             "--network", self.network, "--restart-condition", "none",
                             "--stop-signal", "SIGKILL", "busybox", "sleep", "3600", timeout=120)
        seconds = time.monotonic() - begin
        self._remove(name)
        return seconds

    def _remove(self, name):
        call(self.hosts[0], "DELETE", f"/services/{name}")
        self._clear()

    def _clear(self):
        def empty():
            left = [(host, each["Id"]) for host in self.hosts
                    for each in call(host, "GET", "/containers/json?all=1")]
            for host, identifier in left:
                _quietly(lambda: call(host, "DELETE", f"/containers/{identifier}?force=1"))
            return not left

        until(empty, 60, "no container is left", interval=0.3)
        time.sleep(1)  # Swarm mode tidies up behind itself.


def compare(bench, starts, target):
    rounds = interleave(bench.rounds, {"herd": starts.herd, "api": starts.api,
                                       "typed": starts.typed})
    middle = medians(rounds)
    what = f"one command that creates and starts {COUNT} on 3 hosts, network {starts.network}"
    bench.report.add(Row(what, middle["herd"], middle["api"], "s", target,
                         reference_name="Swarm mode's API, 1 manager", rounds=rounds))
    bench.report.add(Row(what, middle["herd"], middle["typed"], "s", 0.25,
                         reference_name="docker service create as typed", rounds=rounds))


# ---- while a host is down ------------------------------------------------------------------------


class Caller(threading.Thread):
    """Makes one changing call after the other until ended; notes how long each was blocked: from
    its first try until one succeeded."""

    def __init__(self, change):
        super().__init__(daemon=True)
        self.seconds = []
        self._change = change
        self._ended = False

    def run(self):
        begin = time.monotonic()
        while True:
            done = _quietly(self._change)
            now = time.monotonic()
            if done or self._ended:
                self.seconds.append(now - begin)
                begin = now
            if self._ended:
                return
            time.sleep(0.05)

    def end(self):
        self._ended = True
        self.join()
        return max(self.seconds)


def outage(bench, lab, hosts, agents, swarm):
    """The leader's host loses power; the survivors' managers and agents are asked to change
    something that does not concern it."""
    swarm.make_all_managers()
    longest = {"herd": [], "swarm": []}
    for number in range(bench.rounds):
        lost = swarm.leader()
        survivors = [host for host in hosts if host is not lost]
        callers = {"herd": Caller(herd_change(agents, hosts, survivors)),
                   "swarm": Caller(swarm_change(survivors[0], f"outage{number}"))}
        for caller in callers.values():
            caller.start()
        time.sleep(1)
        lost.off()
        time.sleep(8 if bench.quick else 25)
        for name, caller in callers.items():
            longest[name].append(caller.end())
        lost.on()
        agent = agents[hosts.index(lost)]
        agent.start()
        prefer(processes.marked_pids(lab.directory), bench.nice)
        swarm.until_whole()
        herd_is_whole(agents, 30)
    middle = medians(longest)
    bench.report.add(Row("longest wait for a changing call on the survivors of a power cut",
                         middle["herd"], middle["swarm"], "s",
                         reference_name="Swarm mode, its leader's power cut", rounds=longest))
    blocked = sum(seconds > BLOCKED_SECONDS for seconds in longest["herd"])
    bench.report.add(Row(f"power cuts with a changing call blocked over {BLOCKED_SECONDS:g} s, of "
                         f"{bench.rounds}", blocked, unit="", target=0))


def herd_change(agents, hosts, survivors):
    """Pauses and resumes a container of one survivor, through the other."""
    owner, other = survivors
    identifier = call(owner, "POST", "/containers/create", SLEEPER)["Id"]
    call(owner, "POST", f"/containers/{identifier}/start")
    agent = agents[hosts.index(other)]
    until(lambda: agent.verb("inspect-container", id=identifier).status == 200, 10,
          "the container is known")

    def change():
        return all(agent.verb(f"{action}-container", id=identifier).status == 200
                   for action in ("pause", "unpause"))

    return change


def swarm_change(host, name):
    """Changes a label of a service without tasks."""
    call(host, "POST", "/services/create", service(name, 0, "host"))
    count = iter(range(1_000_000))

    def change():
        found = call(host, "GET", f"/services/{name}")
        spec = dict(found["Spec"], Labels={"n": str(next(count))})
        call(host, "POST", f"/services/{name}/update?version={found['Version']['Index']}", spec)
        return True

    return change
