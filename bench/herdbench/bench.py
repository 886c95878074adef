"""What the cases share: programs, options, the report, and a herd on three real daemons."""

import concurrent.futures
import contextlib
import json
import os
import pathlib

from herdlab import Lab, processes, until
from herdlab.daemon import UnixConnection
from herdlab.lab import herd_is_whole

from .load import Load
from .report import Report

# `sleep` ends at once by SIGKILL; the host's network starts fastest, so that what is measured is
# our part and not the daemon's.
SLEEPER = {"Image": "busybox", "Cmd": ["sleep", "3600"], "StopSignal": "SIGKILL",
           "HostConfig": {"NetworkMode": "host"}}
# All the load comes from one address, which is more than agents let one have.
UNLIMITED = {"connectionsPerClient": 0, "requestsPerCaller": 0, "requestsPerSecond": 0}


class Bench:
    """Use as a context manager. The herd is made when a case first asks for it."""

    sleeper_text = json.dumps(SLEEPER)

    def __init__(self, options):
        self.binaries = options.bin.resolve()
        self.out = options.out  # Where the report goes; other files go beside it.
        self.nice = options.nice
        self.quick = options.quick
        self.rounds = options.rounds
        self.options = options
        self.report = Report(options.rounds)
        self.load = Load(self.binaries / "http_load")
        self._lab = None
        self._agents = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end_herd()

    def program(self, name):
        path = self.binaries / name
        if not os.access(path, os.X_OK):
            raise RuntimeError(f"{path} is missing: see bench/README.md")
        return str(path)

    # The herd on three real daemons -------------------------------------------------------------

    def herd(self):
        """Three hosts and the agents beside their daemons."""
        if self._lab is None:
            self._lab = Lab(binaries=self.binaries)
            self._lab.up(3)
            self._agents = self._lab.start_agents(conf={"limits": UNLIMITED})
            herd_is_whole(self._agents)
            prefer(processes.marked_pids(self._lab.directory), self.nice)
        return self._lab.hosts, self._agents

    def end_herd(self):
        if self._lab is not None:
            lab, self._lab = self._lab, None
            lab.close()

    def empty(self, hosts):
        """No host has a container any more, and every agent knows."""
        def remove(job):
            host, identifier = job
            call(host, "DELETE", f"/containers/{identifier}?force=1&v=1")

        jobs = [(host, each["Id"]) for host in hosts
                for each in call(host, "GET", "/containers/json?all=1")]
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            list(pool.map(remove, jobs))
        until(lambda: all(not listed(agent) for agent in self._agents), 30, "the herd is empty")

    def created(self, host, count, start=False, body=SLEEPER):
        """Makes containers by the daemon's own API; returns their ids."""
        def one(_):
            identifier = call(host, "POST", "/containers/create", body)["Id"]
            if start:
                call(host, "POST", f"/containers/{identifier}/start")
            return identifier

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, range(count)))

    def until_known(self, agents, identifiers):
        wanted = set(identifiers)
        until(lambda: all(wanted <= listed(agent) for agent in agents), 30,
              "every agent knows the containers")


def prefer(pids, nice):
    """A kernel with autogroups shares the processor out by session first: a nice value counts among
    the processes of one only, and a session has one of its own."""
    for pid in pids:
        try:
            pathlib.Path(f"/proc/{pid}/autogroup").write_text(f"{nice}\n", encoding="ascii")
        except OSError:
            continue  # Ended meanwhile, a kernel without autogroups, or too often in a moment.


@contextlib.contextmanager
def preferred_session(nice):
    """The same for the caller's session, which may be a user's shell: put back afterwards."""
    own = pathlib.Path("/proc/self/autogroup")
    before = own.read_text(encoding="ascii").split()[-1] if own.exists() else "0"
    prefer(["self"], nice)
    try:
        yield
    finally:
        prefer(["self"], before)


def listed(agent):
    """Ids of all containers, as an agent lists the herd."""
    reply = agent.verb("list-containers", all=True, shape="flat")
    return {each["Id"] for each in reply.json["Response"]["Body"]}


def call(host, method, target, body=None):
    """One call to a host's daemon; returns the JSON answered, or None. Raises on a refusal."""
    connection = UnixConnection(host.docker_socket, 60)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, target, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {target}: {response.status} {answer!r}")
        return json.loads(answer) if answer else None
    finally:
        connection.close()
