"""A lab: a network with hosts, and a keeper that cleans up when the owner is gone."""

import json
import os
import pathlib
import subprocess
import sys

from . import keeper, processes
from .agent import find_binaries
from .host import Host
from .network import Network
from .polling import until

NEEDED = ("ip", "nsenter", "unshare", "tini", "setpriv")
# The kernel's table has 1024 entries over all namespaces, of other labs too: 32 hosts overflow it.
ARP_TABLE_HOSTS = 8
# States of a node that answers and whose daemon does.
REACHABLE = ("in the pool", "out of the pool")


class Lab:
    """Use as a context manager, or call close(). Only one thread at a time; it ends with the one that
    made it.

    up(3) adds three hosts with dockerd; up(20, daemon="fake") twenty with the fake one. A detached
    lab outlives its maker, and is found again by Lab.attach(directory).
    """

    def __init__(self, binaries=None, dockerd_flags=(), detached=False):
        missing = [name for name in NEEDED if not _which(name)]
        if missing or os.geteuid() != 0:
            raise RuntimeError(f"a lab needs root and these programs: {missing or 'all found'}")
        keeper.sweep()
        self.binaries = find_binaries(binaries)
        self.dockerd_flags = list(dockerd_flags)
        self.static_neighbours = ()
        self.hosts = []
        self._keeper = None
        self.directory, lock = keeper.claim(keeper.PREFIX)
        try:
            if not detached:
                self._keeper = subprocess.Popen(
                    [sys.executable, keeper.__file__, self.directory], stdin=subprocess.PIPE,
                    pass_fds=(lock,), start_new_session=True, cwd="/")
            self.network = Network.create(self.directory,
                                          processes.clean_environment(self.directory),
                                          lock if detached else None)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(lock)
        self._save()

    @classmethod
    def attach(cls, directory):
        """The detached lab at `directory`, made by another process."""
        lab = cls.__new__(cls)
        lab.directory = pathlib.Path(directory)
        saved = json.loads((lab.directory / "lab.json").read_text())
        lab.binaries = pathlib.Path(saved["binaries"])
        lab.dockerd_flags = saved["dockerd_flags"]
        lab.static_neighbours = range(1, saved["static_neighbours"] + 1)
        lab._keeper = None
        holder, started = saved["holder"]
        if processes.started_at(holder) != started:
            raise RuntimeError(f"the lab at {directory} has ended")
        lab.network = Network(holder, saved["base"], saved["uplink"])
        lab.hosts = [Host(lab, index, kind) for index, kind in enumerate(saved["hosts"], start=1)]
        return lab

    def _save(self):
        kinds = [type(host.daemon).__name__ for host in self.hosts]
        names = {"Dockerd": "dockerd", "FakeDaemon": "fake", "NoneType": "none"}
        (self.directory / "lab.json").write_text(json.dumps({
            "binaries": str(self.binaries), "dockerd_flags": self.dockerd_flags,
            "static_neighbours": len(self.static_neighbours),
            "holder": [self.network.holder, processes.started_at(self.network.holder)],
            "base": self.network.base, "uplink": self.network.uplink,
            "hosts": [names[kind] for kind in kinds]}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def program(self, name):
        return self.binaries / name

    def up(self, count, daemon="dockerd"):
        """Adds `count` hosts and waits until their daemons answer and have busybox."""
        first = len(self.hosts) + 1
        if first + count - 1 > ARP_TABLE_HOSTS:
            self.static_neighbours = range(1, first + count)
        added = []
        for number in range(first, first + count):
            host = Host(self, number, daemon)
            self.hosts.append(host)
            added.append(host)
        self._save()
        for host in added:
            host.begin_on()
        for host in self.hosts:
            if self.static_neighbours and host not in added and host.init:
                self.network.introduce(host.number, host.init, self.static_neighbours)
        for host in added:
            host.finish_on()
            if host.daemon:
                host.daemon.import_busybox()
        return added

    def split(self, *groups):
        """Hosts of different groups (lists of hosts) no longer hear each other."""
        self.network.split(*[[host.number for host in group] for group in groups])

    def rejoin(self):
        self.network.rejoin([host.number for host in self.hosts if host.init])

    def start_agents(self, hosts=None, **settings):
        """One agent beside each daemon; returns them when each answers (not yet: the herd is
        whole)."""
        agents = [host.agent(**settings) for host in hosts or self.hosts]
        for agent in agents:
            agent.begin()
        for agent in agents:
            agent.wait_until_up()
        return agents

    def close(self):
        """Ends everything; raises when something could not be cleaned up."""
        if self._keeper is None:
            left = keeper.clean_up(self.directory)
            if left:
                raise RuntimeError("; ".join(left))
            return
        self._keeper.stdin.close()
        code = self._keeper.wait(4 * keeper.PATIENCE)
        self._keeper = None
        if code != 0:
            raise RuntimeError("the lab was not cleaned up")


def herd_is_whole(agents, seconds=60):
    """Waits until every agent is answered by all of these, whose daemons are up."""
    def whole():
        for agent in agents:
            nodes = agent.nodes()
            states = {each.name: nodes.get(each.name, {}).get("state") for each in agents}
            assert all(state in REACHABLE for state in states.values()), (agent.name, states)
        return True

    until(whole, seconds, what=f"a herd of {len(agents)}")


def _which(name):
    return any(os.access(pathlib.Path(folder) / name, os.X_OK) for folder in
               ("/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"))
