"""A herd of real hosts that tests may break, and that is whole again for the next one."""

import json

from herdlab import until
from herdlab.daemon import ask
from herdlab.lab import REACHABLE

SLEEP = {"Image": "busybox", "Cmd": ["sleep", "3600"], "StopSignal": "SIGKILL",
         "HostConfig": {"NetworkMode": "none"}}


class Herd:
    """Owned by the session; handed to each test whole, empty and in the pool."""

    def __init__(self, lab, hosts):
        self.lab = lab
        self.hosts = hosts
        self.agents = [host.agent() for host in hosts]
        self.broken = True  # Something was cut, killed or split since the last repair.

    def __getitem__(self, index):
        return self.agents[index]

    def repair(self):
        """Whatever a test did: power, cables, daemons and agents are as in the beginning."""
        for host, agent in zip(self.hosts, self.agents):
            if host.init is None:
                host.begin_on()
            host.resume()
            if host.daemon.pid is None:
                host.daemon.start()
            host.heal()
        self.lab.rejoin()
        for host, agent in zip(self.hosts, self.agents):
            host.finish_on()
            if not agent.alive:
                agent.begin()
        for agent in self.agents:
            agent.wait_until_up()
        self.wait_until_whole()
        for host in self.hosts:
            agent = self.agents[0]
            if not agent.nodes()[host.name]["in_pool"]:
                agent.verb("register", hostname=host.name)
        self.broken = False

    def wait_until_whole(self, seconds=60):
        def states():
            for agent in self.agents:
                nodes = agent.nodes()
                assert set(nodes) == {each.name for each in self.agents}, nodes
                assert all(each["state"] in REACHABLE for each in nodes.values()), nodes
            return True

        until(states, seconds, what="the herd is whole")

    def empty(self):
        for host in self.hosts:
            host.remove_containers()
        until(lambda: all(self.list(agent) == {} for agent in self.agents), 60,
              what="no node knows of any container")

    def strip(self):
        """Nothing is left but what a host begins with: no network, volume or image of a test."""
        for host in self.hosts:
            strip(host.docker_socket)

    def list(self, agent, **fields):
        """All containers that an agent lists over the herd: full id -> entry."""
        reply = agent.verb("list-containers", all=True, **fields)
        assert reply.status == 200, reply
        return {entry["Id"]: entry for entry in reply.json["Response"]["Body"]}

    def counts(self):
        """Containers by host, as the daemons themselves say."""
        return [len(host.docker("ps", "-aq").split()) for host in self.hosts]

    def create(self, agent=None, **fields):
        """One container by the herd; returns (full id, its host's number from 0)."""
        fields = fields or {"body": SLEEP}
        reply = (agent or self.agents[0]).verb("create-container", **fields)
        assert reply.status == 200, reply
        names = [host.name for host in self.hosts]
        return reply.json["Response"]["Body"]["Id"], names.index(reply.json["dockerInstance"])

    def create_on(self, index, name=None, start=True):
        """One container by the plain docker command on a host; returns its full id."""
        arguments = ["--network", "none", "--stop-signal", "KILL"]
        arguments += ["--name", name] if name else []
        verb = ["run", "-d"] if start else ["create"]
        return self.hosts[index].docker(*verb, *arguments, "busybox", "sleep", "3600")


def strip(docker_socket):
    def listed(target):
        status, body = ask(docker_socket, "GET", target)
        assert status == 200, (target, status, body)
        return json.loads(body)

    def remove(kind, identity):
        status, body = ask(docker_socket, "DELETE", f"/{kind}/{identity}?force=1")
        assert status in (200, 204, 404), (kind, identity, status, body)

    for each in listed("/containers/json?all=1"):
        ask(docker_socket, "DELETE", f"/containers/{each['Id']}?force=1&v=1")
    for each in listed('/networks?filters={"type":["custom"]}'):
        remove("networks", each["Id"])
    for each in listed("/volumes")["Volumes"] or []:
        remove("volumes", each["Name"])
    for each in listed("/images/json"):
        for name in (each["RepoTags"] or []):
            if name not in ("busybox:latest", "<none>:<none>"):
                remove("images", name)
    for each in listed('/images/json?filters={"dangling":["true"]}'):
        remove("images", each["Id"])


def knows(agent, container):
    return agent.verb("inspect-container", id=container).status == 200


def state_of(host, container):
    return json.loads(host.docker("inspect", container))[0]["State"]


def lists_as_lost(agent, name):
    return agent.nodes()[name]["state"] == "lost"


def missing(reply):
    """What a list says of hosts that are not in it: hostname -> why."""
    return {entry["dockerInstance"]: entry["error"] for entry in reply.json["missing"]}
