"""What the fields of the verbs do: to real containers, through nodes that do not own them."""

import json
import time

import pytest

from herd import SLEEP, state_of
from herdlab import throughout, until

HOSTS = ("host1", "host2", "host3")


def run_on(herd, index, *arguments):
    """A running container by the plain docker command, known to every node; its full id."""
    container = herd.hosts[index].docker("run", "-d", "--network", "none", *arguments)
    for agent in herd.agents:
        until(lambda agent=agent: container in herd.list(agent), 30)
    return container


def done(reply):
    assert reply.status == 200, reply
    return reply.json


def test_stop_gives_the_grace_that_was_asked_for(herd):
    # A process 1 without a handler does not heed TERM: the grace passes, then it is killed.
    container = run_on(herd, 1, "busybox", "sleep", "3600")
    begin = time.monotonic()
    assert done(herd[0].verb("stop-container", id=container, timeout=2))["statusCode"] == 204
    assert time.monotonic() - begin >= 2
    state = state_of(herd.hosts[1], container)
    assert not state["Running"] and state["ExitCode"] == 137


def test_stop_ends_at_once_what_heeds_its_signal(herd):
    container = run_on(herd, 1, "busybox", "sh", "-c",
                       "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done")
    until(lambda: "ready" in herd.hosts[1].docker("logs", container), 30)
    done(herd[2].verb("stop-container", id=container, timeout=60))
    assert state_of(herd.hosts[1], container)["ExitCode"] == 3


@pytest.mark.parametrize("signal", ["HUP", "SIGHUP", "1"])
def test_kill_sends_the_signal_that_was_asked_for(herd, signal):
    container = run_on(herd, 2, "busybox", "sh", "-c",
                       "trap 'exit 7' HUP; echo ready; while :; do sleep 0.1; done")
    until(lambda: "ready" in herd.hosts[2].docker("logs", container), 30)
    done(herd[0].verb("kill-container", id=container, signal=signal))
    until(lambda: not state_of(herd.hosts[2], container)["Running"], 30)
    assert state_of(herd.hosts[2], container)["ExitCode"] == 7


@pytest.mark.parametrize("volumes", [True, False])
def test_delete_takes_anonymous_volumes_along_when_asked_to(herd, volumes):
    host = herd.hosts[1]
    container = run_on(herd, 1, "-v", "/data", "busybox", "sleep", "3600")
    (mount,) = json.loads(host.docker("inspect", container))[0]["Mounts"]
    assert mount["Name"] in host.docker("volume", "ls", "-q")
    try:
        done(herd[0].verb("delete-container", id=container, force=True, volumes=volumes))
        assert (mount["Name"] in host.docker("volume", "ls", "-q")) == (not volumes)
    finally:
        host.docker("volume", "prune", "-f")


def test_a_raw_create_of_several_is_spread_and_accounted_for(herd):
    body = {**SLEEP, "Labels": {"kind": "raw"}}
    reply = done(herd[1].verb("create-raw-container", body=body, name="raw-{n}", instances=7,
                              start=True))
    assert reply["summary"] == {"asked": 7, "created": 7, "failed": 0, "unknown": 0}
    assert len(reply["containers"]) == 7
    assert sorted(herd.counts()) == [2, 2, 3]
    names = []
    for host in herd.hosts:
        for container in host.docker("ps", "-q").split():
            found = json.loads(host.docker("inspect", container))[0]
            assert found["Config"]["Labels"]["kind"] == "raw"
            names.append(found["Name"])
    assert sorted(names) == [f"/raw-{number}" for number in range(1, 8)]


@pytest.fixture
def tagged(herd):
    """Host 2 has busybox by another name too."""
    herd.hosts[1].docker("tag", "busybox:latest", "only:here")
    yield herd
    herd.hosts[1].docker("rmi", "only:here")


def tags_of(images):
    return {tag for entry in images for tag in entry["RepoTags"]}


def test_images_of_this_node_and_of_one_node_are_listed(tagged):
    here = done(tagged[0].verb("list-images"))
    assert here["dockerInstance"] == "host1"
    assert tags_of(here["Response"]["Body"]) == {"busybox:latest"}
    there = done(tagged[0].verb("list-images", hostname="host2"))
    assert there["dockerInstance"] == "host2"
    assert tags_of(there["Response"]["Body"]) == {"busybox:latest", "only:here"}
    only = done(tagged[2].verb("list-images", hostname="host2",
                               filters={"reference": ["only:*"]}))
    assert len(only["Response"]["Body"]) == 1
    none = done(tagged[2].verb("list-images", hostname="host1",
                               filters={"reference": ["only:*"]}))
    assert none["Response"]["Body"] == []


def test_images_of_every_node_are_listed_in_both_shapes(tagged):
    flat = done(tagged[2].verb("list-images", all=True, shape="flat"))
    assert "images" not in flat and flat["missing"] == []
    assert sorted(entry["dockerInstance"] for entry in flat["Response"]["Body"]) == list(HOSTS)
    nodes = done(tagged[2].verb("list-images", all=True, shape="nodes"))
    assert "Response" not in nodes
    assert {each["dockerInstance"]: tags_of(each["Response"]["Body"])
            for each in nodes["images"]} == {
        "host1": {"busybox:latest"}, "host2": {"busybox:latest", "only:here"},
        "host3": {"busybox:latest"}}
    only = done(tagged[0].verb("list-images", all=True, filters={"reference": ["only:*"]}))
    assert [entry["dockerInstance"] for entry in only["Response"]["Body"]] == ["host2"]
    assert len(only["images"]) == 3


def states_of(herd, name):
    return {agent.nodes()[name]["state"] for agent in herd.agents}


def test_out_of_the_pool_holds_until_that_agent_restarts(breakable_herd):
    herd = breakable_herd
    done(herd[0].verb("unregister", hostname="host2"))
    # Neither another agent's restart nor one of its own daemon changes it.
    herd[0].kill()
    herd[0].start()
    herd.hosts[1].restart_dockerd()
    herd.wait_until_whole()
    throughout(lambda: states_of(herd, "host2") == {"out of the pool"}, 3)
    done(herd[0].verb("create-container", template="test", instances=4))
    assert herd.counts() == [2, 0, 2]
    herd[1].kill()
    herd[1].start()
    until(lambda: states_of(herd, "host2") == {"in the pool"}, 60)
    done(herd[0].verb("create-container", template="test", instances=3))
    assert herd.counts() == [3, 1, 3]
