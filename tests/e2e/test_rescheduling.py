"""Containers that ask for it run again elsewhere when their host is lost; their hosts' return."""

import json
import time

import pytest

from herdlab import Lab, throughout, until
from herd import state_of

POLICY = "reschedule:on-node-failure"


@pytest.fixture(scope="module")
def lab_of_five():
    with Lab() as lab:
        lab.up(5)
        yield lab


@pytest.fixture
def five(lab_of_five):
    """Five hosts with real daemons and fresh agents, without containers."""
    hosts = lab_of_five.hosts
    for host in hosts:
        if host.init is None:
            host.on()
        host.heal()
        host.remove_containers()
    agents = lab_of_five.start_agents(hosts)
    whole(agents)
    yield hosts, agents
    for agent in agents:
        agent.kill()


def whole(agents):
    def states():
        for agent in agents:
            nodes = agent.nodes()
            assert {name for name, node in nodes.items() if node["state"] == "in the pool"} == \
                {each.name for each in agents}, nodes
        return True

    until(states, 60, what="the herd is whole")


def run(host, name, *arguments):
    """By the docker command and the agent of that host."""
    made = host.run("/usr/bin/docker", "-H", f"tcp://{host.address}:8080", "run", "-d", "--network",
                    "none", "--stop-signal", "KILL", "--name", name, *arguments, "busybox", "sleep",
                    "3600")
    return made.stdout.strip()


def where(agent, name):
    """(host, id) of the running containers of that name."""
    reply = agent.verb("list-containers", all=True)
    return [(entry["dockerInstance"], entry["Id"]) for entry in reply.json["Response"]["Body"]
            if f"/{name}" in entry["Names"] and entry["State"] == "running"]


def index_of(hosts, name):
    return [host.name for host in hosts].index(name)


def said(agents, text):
    return sum(agent.log_text().rpartition("agent: started ")[2].count(text) for agent in agents
               if agent.alive)


def test_a_container_of_a_dead_host_runs_again_once_and_the_old_one_is_retired(five):
    hosts, agents = five
    old = run(hosts[0], "web", "-e", POLICY, "-e", "A=b", "-l", "tier=front", "--restart", "always")
    run(hosts[0], "plain")
    (home, _), = where(agents[0], "web")
    lost = index_of(hosts, home)
    time.sleep(1)  # Its keepers are told once the daemon was asked.
    hosts[lost].off()
    alive = [agent for number, agent in enumerate(agents) if number != lost]
    until(lambda: len(where(alive[0], "web")) == 1, 30, what="web runs again")
    (there, new), = where(alive[0], "web")
    assert there != home and new != old
    made = json.loads(hosts[index_of(hosts, there)].docker("inspect", new))[0]
    assert "A=b" in made["Config"]["Env"]
    assert made["Config"]["Labels"]["tier"] == "front"
    assert made["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert said(alive, "rescheduled name=web") == 1
    throughout(lambda: len(where(alive[0], "web")) == 1, 3)

    hosts[lost].on()
    agents[lost].start()
    whole(agents)

    def retired():
        state = state_of(hosts[lost], old)
        name = json.loads(hosts[lost].docker("inspect", old))[0]["Name"]
        assert not state["Running"] and name == f"/web-superseded-{old[:12]}", (state, name)
        return True

    until(retired, 30, what="the old container is stopped and renamed")
    assert where(agents[0], "web") == [(there, new)]
    assert agents[lost].log_text().count("superseded while this host was away") == 1


def test_any_two_hosts_may_die_at_once(five):
    hosts, agents = five
    names = [f"web-{number}" for number in range(10)]
    for name in names:
        run(hosts[0], name, "-l", f"com.docker.swarm.reschedule-policies=[\"on-node-failure\"]")
    assert sum(where(agents[0], name)[0][0] in (hosts[1].name, hosts[2].name) for name in names) >= 2
    time.sleep(1)
    for host in hosts[1:3]:
        host.off()
    until(lambda: all(len(where(agents[0], name)) == 1 for name in names), 60,
          what="each runs once on the survivors")
    survivors = {hosts[0].name, hosts[3].name, hosts[4].name}
    assert {where(agents[0], name)[0][0] for name in names} <= survivors
    throughout(lambda: all(len(where(agents[0], name)) == 1 for name in names), 3)


def test_the_smaller_side_of_a_split_does_nothing_and_the_greater_takes_over(five):
    hosts, agents = five
    names = [f"web-{number}" for number in range(5)]
    ids = {name: run(hosts[0], name, "-e", POLICY) for name in names}
    homes = {name: index_of(hosts, where(agents[0], name)[0][0]) for name in names}
    hosts[0].lab.split(hosts[:2], hosts[2:])
    moved = [name for name in names if homes[name] < 2]
    assert moved
    until(lambda: all(len(where(agents[2], name)) == 1 for name in names), 60,
          what="the greater side has all")
    assert said(agents[:2], "rescheduled") == 0
    assert said(agents[2:], "rescheduled") == len(moved)
    hosts[0].lab.rejoin()
    whole(agents)

    def each_once():
        for name in names:
            places = where(agents[0], name)
            assert len(places) == 1, (name, places)
            assert (places[0][1] == ids[name]) == (name not in moved), name
        return True

    until(each_once, 60, what="the superseded ones are stopped")


def test_a_constraint_is_kept_and_what_fits_nowhere_waits_for_its_host(five):
    hosts, agents = five
    run(hosts[0], "bound", "-e", POLICY, "-e", f"constraint:node=={hosts[3].name}")
    assert where(agents[0], "bound")[0][0] == hosts[3].name
    hosts[3].off()
    until(lambda: said(agents, "cannot reschedule") == 1, 30, what="that is said once")
    throughout(lambda: where(agents[0], "bound") == [], 6)
    assert said(agents, "cannot reschedule") == 1


def test_an_agent_that_stops_or_comes_back_in_time_moves_nothing(five):
    hosts, agents = five
    run(hosts[0], "web", "-e", POLICY)
    (home, identity), = where(agents[0], "web")
    number = index_of(hosts, home)
    agents[number].kill()
    agents[number].start()
    whole(agents)
    assert agents[number].stop() == 0
    throughout(lambda: said(agents, "rescheduled") == 0, 6)
    agents[number].start()
    whole(agents)
    assert where(agents[0], "web") == [(home, identity)]


def test_a_label_stops_nobody_elses_container(five):
    """Anybody may write a label, and an image may carry one."""
    hosts, agents = five
    victim = run(hosts[0], "victim", "-e", POLICY)
    home = index_of(hosts, where(agents[0], "victim")[0][0])
    label = f"dockherd.supersedes={victim}"
    run(hosts[1], "thief", "-l", label)
    # Past the agents, by the daemon itself.
    hosts[(home + 1) % 5].docker("run", "-d", "--network", "none", "--stop-signal", "KILL", "--name",
                                 "other-thief", "-l", label, "busybox", "sleep", "3600")
    throughout(lambda: where(agents[0], "victim") != [], 5)
    thief = where(agents[0], "thief")[0]
    inspected = json.loads(hosts[index_of(hosts, thief[0])].docker("inspect", thief[1]))[0]
    assert "dockherd.supersedes" not in inspected["Config"]["Labels"]
