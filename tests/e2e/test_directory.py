"""Whoever makes or removes a container: every node knows."""

import pytest

from herd import knows
from herdlab import until
from promise import Stopwatch, assert_promise


OWNERS = (0, 1, 2)


def is_known_to_all(herd, container):
    for agent in herd.agents:
        until(lambda agent=agent: knows(agent, container) and knows(agent, "plain"), 30)


def is_forgotten_by_all(herd, container):
    for agent in herd.agents:
        until(lambda agent=agent: not knows(agent, container)
              and container not in herd.list(agent), 30)


@pytest.mark.parametrize("owner", OWNERS)
def test_a_container_of_the_plain_docker_command_is_reached_within_a_second(herd, owner):
    def attempt():
        herd.empty()
        container = herd.create_on(owner, name="plain")
        with Stopwatch() as watch:
            is_known_to_all(herd, container)
        return watch.seconds

    assert_promise(1.0, attempt)


@pytest.mark.parametrize("owner", OWNERS)
def test_a_container_that_docker_removed_is_gone_within_a_second(herd, owner):
    def attempt():
        container = herd.create_on(owner, name="plain")
        is_known_to_all(herd, container)
        herd.hosts[owner].docker("rm", "-f", container)
        with Stopwatch() as watch:
            is_forgotten_by_all(herd, container)
        return watch.seconds

    assert_promise(1.0, attempt)


def test_a_renamed_container_is_found_by_its_new_name(herd):
    herd.create_on(1, name="old")
    until(lambda: knows(herd[0], "old"), 30)
    herd.hosts[1].docker("rename", "old", "new")
    for agent in herd.agents:
        until(lambda agent=agent: knows(agent, "new") and not knows(agent, "old"), 30)


def test_a_container_that_removes_itself_is_forgotten(herd):
    herd.hosts[2].docker("run", "--rm", "--network", "none", "--name", "brief", "busybox", "true")
    for agent in herd.agents:
        until(lambda agent=agent: herd.list(agent) == {} and not knows(agent, "brief"), 30)
