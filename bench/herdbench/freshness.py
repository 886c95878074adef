"""How soon a change made at one daemon shows in the herd's list through another host's agent,
counted from the daemon's own event; and whether an agent's own writes show at once."""

import http.client
import json
import socket
import statistics
import threading
import time

from herdlab.daemon import UnixConnection

from .bench import SLEEPER, call
from .report import Row

LIST = json.dumps({"action": "list-containers", "all": True, "shape": "flat"})
LIMIT_MS = 50


class Events(threading.Thread):
    """Notes when each event of a daemon's containers arrives: (id, action) -> time."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.times = {}
        self._connection = UnixConnection(host.docker_socket, 600)
        self._connection.request("GET", "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D")
        self._response = self._connection.getresponse()
        self.start()

    def run(self):
        try:
            while line := self._response.readline():
                event = json.loads(line)
                self.times.setdefault((event["id"], event["Action"]), time.monotonic())
        except (OSError, ValueError):
            return  # Closed.

    def close(self):
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self.join()
        self._connection.close()


class Watcher:
    """Lists the herd over one connection that stays open."""

    def __init__(self, agent):
        self._connection = http.client.HTTPConnection(agent.address, agent.port, timeout=30)

    def post(self, body):
        self._connection.request("POST", "/", body)
        return json.loads(self._connection.getresponse().read())

    def states(self):
        return {each["Id"]: each["State"]
                for each in self.post(LIST)["Response"]["Body"]}

    def time_of(self, reached, seconds=5):
        """When an answer first satisfied reached(states)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if reached(self.states()):
                return time.monotonic()
        raise RuntimeError(f"the change did not show within {seconds} s")


def run(bench):
    hosts, agents = bench.herd()
    bench.empty(hosts)
    events, watcher = Events(hosts[0]), Watcher(agents[1])
    delays = {}
    for _ in range(4 if bench.quick else 12):
        for action, delay in one_life(hosts[0], events, watcher):
            delays.setdefault(action, []).append(delay * 1000)
    worst = max(max(values) for values in delays.values())
    for action, values in delays.items():
        bench.report.add(Row(f"{action} at a daemon shows through another host's agent, p50",
                             statistics.median(values), unit="ms", target=LIMIT_MS,
                             rounds={"ms": values}))
    bench.report.add(Row("the same, the slowest of all", worst, unit="ms", target=LIMIT_MS))
    own_writes(bench, agents, watcher)
    bench.empty(hosts)


def one_life(host, events, watcher):
    """A container from create to destroy; yields (action, seconds from event to list)."""
    identifier = call(host, "POST", "/containers/create", SLEEPER)["Id"]
    steps = (("create", None, None, lambda states: identifier in states),
             ("start", "POST", f"/containers/{identifier}/start",
              lambda states: states.get(identifier) == "running"),
             ("die", "POST", f"/containers/{identifier}/kill",
              lambda states: states.get(identifier) == "exited"),
             ("destroy", "DELETE", f"/containers/{identifier}",
              lambda states: identifier not in states))
    for action, method, target, reached in steps:
        done = None
        if method:
            done = threading.Thread(target=call, args=(host, method, target))
            done.start()
        seen = watcher.time_of(reached)
        if done:
            done.join()
        deadline = time.monotonic() + 5
        while (identifier, action) not in events.times and time.monotonic() < deadline:
            time.sleep(0.002)
        yield action, max(0.0, seen - events.times[identifier, action])


def own_writes(bench, agents, watcher):
    """After a create and after a delete through an agent, its very next list."""
    missing = 0
    tries = 5 if bench.quick else 20
    for number in range(tries):
        made = watcher.post(json.dumps({"action": "create-container", "body": SLEEPER}))
        identifier = made["Response"]["Body"]["Id"]
        missing += identifier not in watcher.states()
        watcher.post(json.dumps({"action": "delete-container", "id": identifier}))
        missing += identifier in watcher.states()
    bench.report.add(Row(f"own writes that the next list lacks, of {2 * tries}", missing, unit="",
                         target=0))
