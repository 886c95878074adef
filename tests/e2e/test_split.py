"""The herd is split; both sides go on, and make containers of the same name. The heal shows them."""

import json
import time

import pytest
from docker_cli import Cli, on
from herd import lists_as_lost, missing

from herdlab import throughout, until

IDLE = ["--network", "none", "--stop-signal", "KILL"]
BEGINS, ENDS = "name=web containers=", "a name is on one host again, or on none name=web"


class Split:
    """Hosts 1 and 2 on one side, host 3 on the other. Docker's command reaches the first from here,
    and the other from host 3."""

    def __init__(self, herd, directory):
        self.herd = herd
        self.docker = Cli(herd[1], directory)
        self.logged = [len(agent.log_text()) for agent in herd.agents]

    def begin(self):
        herd = self.herd
        herd.lab.split(herd.hosts[:2], herd.hosts[2:])
        until(lambda: lists_as_lost(herd[0], "host3") and lists_as_lost(herd[1], "host3")
              and lists_as_lost(herd[2], "host1") and lists_as_lost(herd[2], "host2"), 60)

    def heal(self):
        self.herd.lab.rejoin()
        self.herd.wait_until_whole()

    def run_here(self, name):
        run = self.docker("run", "-d", *on(self.herd.hosts[0]), *IDLE, "--name", name, "busybox",
                          "sleep", "3600")
        return run.text

    def run_there(self, name):
        host = self.herd.hosts[2]
        made = host.run("/usr/bin/docker", "-H", f"tcp://{host.address}:8080", "run", "-d", *IDLE,
                        "--name", name, "busybox", "sleep", "3600")
        return made.stdout.strip()

    def logs_with(self, text):
        """How often each agent has said so since the beginning."""
        return [agent.log_text()[begin:].count(text)
                for agent, begin in zip(self.herd.agents, self.logged)]


@pytest.fixture
def split(breakable_herd, tmp_path):
    return Split(breakable_herd, tmp_path)


def collisions(agent):
    """What list-nodes says: name -> {(host, id)}, and how many each node sees that is not lost."""
    reply = agent.verb("list-nodes").json
    return ({entry["name"]: {(each["dockerInstance"], each["id"]) for each in entry["containers"]}
             for entry in reply["name_collisions"]},
            [row["name_collision_count"] for row in reply["nodes"] if row["state"] != "lost"])


def warnings(agent):
    return [text for text in agent.get("/info").json["Warnings"] or [] if "have the name" in text]


def collision_events(events):
    told = [json.loads(line) for line in events.lines]
    return [(event["Action"], event["Actor"]["ID"], event["Actor"]["Attributes"]["others"])
            for event in told if event["Action"].startswith("name-collision")]


def test_each_side_of_a_split_goes_on_and_says_whom_it_misses(split):
    herd = split.herd
    split.begin()
    here, there = split.run_here("left"), split.run_there("right")
    for agent, own, misses in ((herd[0], here, {"host3"}), (herd[1], here, {"host3"}),
                               (herd[2], there, {"host1", "host2"})):
        until(lambda agent=agent, own=own: set(herd.list(agent)) == {own}, 30)
        assert set(missing(agent.verb("list-containers", all=True))) == misses
        assert set(missing(agent.verb("list-nodes"))) == misses
        warning = agent.get("/containers/json").headers["Warning"]
        assert all(host in warning for host in misses), warning
    split.heal()
    for agent in herd.agents:
        until(lambda agent=agent: set(herd.list(agent)) == {here, there}, 60)
        assert missing(agent.verb("list-containers", all=True)) == {}
        assert collisions(agent) == ({}, [0, 0, 0])


def test_a_name_that_both_sides_took_is_shown_everywhere_until_one_is_gone(split):
    herd = split.herd
    split.begin()
    here, there = split.run_here("web"), split.run_there("web")
    for agent in herd.agents:
        seen, counts = collisions(agent)
        assert seen == {} and not any(counts), "each side sees one"
    refused = herd[2].request("POST", "/containers/create?name=web", '{"Image":"busybox"}',
                              {"Content-Type": "application/json"})
    assert refused.status == 409, "on its own side the name is taken"

    with split.docker.begin("events", "--format", "{{json .}}") as events:
        time.sleep(1)  # The command says nothing when it has begun to listen.
        split.heal()
        shown = ({"web": {("host1", here), ("host3", there)}}, [1, 1, 1])
        for agent in herd.agents:
            until(lambda agent=agent: collisions(agent) == shown, 60)
            listed = [("host1/web", here), ("host3/web", there)]
            assert [sorted(warnings(agent))] == [[
                "WARNING: several containers have the name web: "
                + ", ".join(name for name, _ in sorted(listed, key=lambda each: each[1]))]]
        until(lambda: set(collision_events(events)) == {
            ("name-collision", here, "host3/web"), ("name-collision", there, "host1/web")}, 30)
        until(lambda: split.logs_with(BEGINS) == [1, 1, 1], 30)
        is_told_apart(herd, here, there)

        split.docker("rm", "-f", "host1/web")
        for agent in herd.agents:
            until(lambda agent=agent: collisions(agent) == ({}, [0, 0, 0]), 60)
            assert warnings(agent) == []
            reply = agent.get("/containers/web/json")
            assert reply.status == 200 and reply.json["Id"] == there, reply
        until(lambda: {action for action, _, _ in collision_events(events)} ==
              {"name-collision", "name-collision-end"}, 30)
        until(lambda: split.logs_with(ENDS) == [1, 1, 1], 30)
        throughout(lambda: split.logs_with(BEGINS) == [1, 1, 1], 1)


def is_told_apart(herd, here, there):
    """By the name alone it is refused, by the id and by HOST/NAME each is found, from every node."""
    for agent in herd.agents:
        reply = agent.get("/containers/web/json")
        assert reply.status == 409, reply
        assert "(host1/web)" in reply.json["message"] and "(host3/web)" in reply.json["message"]
        assert agent.verb("inspect-container", id="web").status == 409
        for reference, found in ((here, here), ("host1/web", here), (here[:12], here),
                                 (there, there), ("host3/web", there)):
            reply = agent.get(f"/containers/{reference}/json")
            assert reply.status == 200 and reply.json["Id"] == found, (reference, reply)
            reply = agent.verb("inspect-container", id=reference)
            assert reply.status == 200, reply
            assert reply.json["Response"]["Body"]["Id"] == found


def test_a_name_is_free_again_when_one_of_the_two_is_renamed(split):
    herd = split.herd
    split.begin()
    here, there = split.run_here("web"), split.run_there("web")
    split.heal()
    for agent in herd.agents:
        until(lambda agent=agent: list(collisions(agent)[0]) == ["web"], 60)
    split.docker("rename", "host3/web", "other")
    for agent in herd.agents:
        until(lambda agent=agent: collisions(agent) == ({}, [0, 0, 0]), 60)
        assert agent.get("/containers/web/json").json["Id"] == here
        assert agent.get("/containers/other/json").json["Id"] == there
