"""Containers come and go over a herd while its agents and daemons break. Afterwards it is whole
again, and each agent says what it still holds on to."""

import collections
import dataclasses
import http.client
import itertools
import json
import os
import random
import threading
import time

from .daemon import ask
from .lab import herd_is_whole
from .polling import until

BODY = {"Image": "busybox", "Cmd": ["sleep", "3600"], "StopSignal": "SIGKILL",
        "HostConfig": {"NetworkMode": "none"}}
BREAKAGES = ("agent killed", "agent stopped", "daemon killed", "daemon stopped")
KEPT = 8  # Containers of each worker, at most.


@dataclasses.dataclass
class Figures:
    """What an agent holds while nothing is asked of it."""

    descriptors: int
    resident: int  # Bytes.
    tasks: int
    served: int
    awaited: int


class Soak:
    """`hosts` and `agents` belong together by their order. The first agent is never ended: it is the
    one that grows old. run() and settle() in turn, by the thread that made the hosts."""

    def __init__(self, hosts, agents, seed, workers=4):
        self.hosts = hosts
        self.agents = agents
        self.answers = collections.Counter()  # (what was asked, status or error) -> how often
        self.breakages = collections.Counter()
        self.exit_codes = []  # Of agents that were stopped in order.
        self._random = random.Random(seed)
        self._workers = workers
        self._numbers = itertools.count()

    def run(self, seconds):
        """One leg: returns when everything has been running again for a moment."""
        end = time.monotonic() + seconds
        workers = [threading.Thread(target=self._churn, args=(self._random.random(), end))
                   for _ in range(self._workers)]
        for worker in workers:
            worker.start()
        try:
            while time.monotonic() < end:
                self._break_something(self._random.choice(BREAKAGES),
                                      self._random.randrange(len(self.hosts)))
                time.sleep(self._random.uniform(0.5, 3))
        finally:
            for worker in workers:
                worker.join()

    def settle(self, seconds=120):
        """Waits until each agent's directory is what the daemons have, removes everything, and
        returns the figures of each agent, by name, once nothing is under way."""
        herd_is_whole(self.agents, seconds)
        until(lambda: self.differences() == {}, seconds, "every directory equals the daemons")
        for host in self.hosts:
            host.remove_containers()
        until(lambda: not any(listed(agent) for agent in self.agents), seconds,
              "every agent knows that nothing is left")
        return {agent.name: self._figures_at_rest(agent, seconds) for agent in self.agents}

    def differences(self):
        """Of whom the directory is not what the daemons have: name -> ids on one side only."""
        there = {identifier for host in self.hosts for identifier in on_daemon(host)}
        found = {agent.name: listed(agent) ^ there for agent in self.agents}
        return {name: ids for name, ids in found.items() if ids}

    # Coming and going -----------------------------------------------------------------------------

    def _churn(self, seed, end):
        choices = random.Random(seed)
        kept = []
        while time.monotonic() < end:
            agent = choices.choice(self.agents)
            by_docker = choices.random() < 0.5
            action = "create" if len(kept) < KEPT and (not kept or choices.random() < 0.6) else "remove"
            try:
                if action == "create":
                    identifier, status = create(agent, by_docker, f"soak-{next(self._numbers)}",
                                                choices.random() < 0.2)
                    kept += [identifier] if identifier else []
                else:
                    status = remove(agent, by_docker, kept.pop(choices.randrange(len(kept))))
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                status = type(error).__name__  # Asked of one that is down, or goes down meanwhile.
                time.sleep(0.05)
            self.answers[action, status] += 1

    # Breaking -------------------------------------------------------------------------------------

    def _break_something(self, what, index):
        agent, host = self.agents[index], self.hosts[index]
        if what.startswith("agent") and index == 0:
            return
        if what == "agent killed":
            agent.kill()
        elif what == "agent stopped":
            self.exit_codes.append(agent.stop())
        elif what == "daemon killed":
            host.crash_dockerd()
        else:
            host.daemon.stop()
        self.breakages[what] += 1
        time.sleep(self._random.uniform(0, 1.5))
        if what.startswith("agent"):
            agent.start()
        else:
            host.daemon.start()
            host.daemon.wait_until_up()

    # Looking --------------------------------------------------------------------------------------

    def _figures_at_rest(self, agent, seconds):
        """When two looks, a second apart, find the same."""
        def at_rest():
            before = self._figures(agent)
            time.sleep(1)
            after = self._figures(agent)
            assert before.served <= 1 and before.awaited == 0, before  # It serves this very question.
            assert (before.descriptors, before.tasks) == (after.descriptors, after.tasks), after
            return after

        return until(at_rest, seconds, f"{agent.name} is at rest")

    def _figures(self, agent):
        other = next(each for each in self.agents if each is not agent)
        under_way = other.nodes()[agent.name]["under_way"]
        return Figures(descriptors=len(os.listdir(f"/proc/{agent.pid}/fd")),
                       resident=agent.resident_bytes(), **under_way)


def listed(agent):
    """Ids of all containers, as an agent lists the herd; all hosts have to have answered."""
    reply = agent.verb("list-containers", all=True, shape="flat").json
    assert not reply["missing"], reply["missing"]
    return {entry["Id"] for entry in reply["Response"]["Body"]}


def on_daemon(host):
    status, body = ask(host.docker_socket, "GET", "/containers/json?all=1")
    assert status == 200, body
    return {entry["Id"] for entry in json.loads(body)}


def create(agent, by_docker, name, start):
    """(id or None, status)"""
    if not by_docker:
        reply = agent.verb("create-container", body=BODY, start=start)
        return (reply.json["Response"]["Body"]["Id"] if reply.status == 200 else None), reply.status
    reply = agent.request("POST", f"/containers/create?name={name}", json.dumps(BODY),
                          {"Content-Type": "application/json"})
    if reply.status != 201:
        return None, reply.status
    identifier = reply.json["Id"]
    if start:
        agent.request("POST", f"/containers/{identifier}/start")
    return identifier, reply.status


def remove(agent, by_docker, identifier):
    if by_docker:
        return agent.request("DELETE", f"/containers/{identifier}?force=1&v=1").status
    return agent.verb("delete-container", id=identifier, force=True).status
