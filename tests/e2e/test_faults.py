"""Agents, daemons and cables break; what is left answers, and says what is missing."""

import time
from concurrent.futures import ThreadPoolExecutor

from herd import knows, lists_as_lost, missing, state_of
from herdlab import throughout, until
from promise import Stopwatch, assert_promise


def all_know(herd, container):
    for agent in herd.agents:
        until(lambda agent=agent: knows(agent, container), 30)


def test_a_killed_agent_is_noticed_within_a_second(breakable_herd):
    herd = breakable_herd

    def attempt():
        herd.repair()
        herd[1].kill()
        with Stopwatch() as watch:
            for index in (0, 2):
                until(lambda index=index: lists_as_lost(herd[index], "host2"), 30)
        return watch.seconds

    assert_promise(1.0, attempt)


def test_containers_of_a_killed_agent_run_on(breakable_herd):
    herd = breakable_herd
    container = herd.create_on(1)
    until(lambda: knows(herd[0], container), 30)
    herd[1].kill()
    for index in (0, 2):
        until(lambda index=index: lists_as_lost(herd[index], "host2"), 30)
    assert state_of(herd.hosts[1], container)["Running"]
    for index in (0, 2):
        reply = herd[index].verb("list-containers", all=True)
        assert reply.status == 200 and "host2" in missing(reply), reply
        reply = herd[index].verb("inspect-container", id=container)
        assert reply.status in (404, 502), reply
        assert reply.json["error"]
        assert herd[index].verb("create-container", template="test").status == 200
    # It comes back and knows everything again.
    herd[1].start()
    all_know(herd, container)
    for agent in herd.agents:
        assert "host2" not in missing(agent.verb("list-containers", all=True))


def test_an_agent_that_stops_says_goodbye_and_is_no_longer_listed(breakable_herd):
    herd = breakable_herd
    container = herd.create_on(2)
    assert herd[2].stop() == 0
    for index in (0, 1):
        until(lambda index=index: set(herd[index].nodes()) == {"host1", "host2"}, 30)
        reply = herd[index].verb("list-containers", all=True)
        assert reply.status == 200 and missing(reply) == {}, reply
        assert herd[index].verb("create-container", template="test", instances=4).status == 200
    assert state_of(herd.hosts[2], container)["Running"]


def test_an_agent_that_stops_finishes_what_a_peer_asked_of_it(breakable_herd):
    herd = breakable_herd
    # The first process of a container does not heed TERM unless it says so: killed after 2 s.
    container = herd.hosts[1].docker("run", "-d", "--network", "none", "--stop-timeout", "2",
                                     "busybox", "sleep", "3600")
    until(lambda: knows(herd[0], container), 30)
    with ThreadPoolExecutor() as pool:
        reply = pool.submit(herd[0].verb, "stop-container", id=container)
        time.sleep(0.5)
        assert not reply.done()
        assert herd[1].stop() == 0
        assert reply.result().status == 200, reply.result()
    assert not state_of(herd.hosts[1], container)["Running"]


def test_two_seconds_after_a_restart_of_all_agents_each_knows_everything(breakable_herd):
    herd = breakable_herd
    reply = herd[0].verb("create-container", template="test", instances=30)
    assert reply.status == 200, reply
    plain = herd.create_on(1, name="plain")
    ids = {each for host in herd.hosts for each in host.docker("ps", "-aq", "--no-trunc").split()}
    assert len(ids) == 31

    def attempt():
        for agent in herd.agents:
            agent.kill()
        for agent in herd.agents:
            agent.begin()
        with Stopwatch() as watch:  # From the last start, not from when it answers.
            for agent in herd.agents:
                agent.wait_until_up()
            for agent in herd.agents:
                until(lambda agent=agent: set(herd.list(agent)) == ids
                      and knows(agent, "plain"), 60)
        return watch.seconds

    assert_promise(2.0, attempt)
    for agent in herd.agents:
        assert agent.verb("inspect-container", id=plain).json["dockerInstance"] == "host2"


def test_a_killed_daemon_is_named_and_caught_up_with(breakable_herd):
    herd = breakable_herd
    kept, removed = herd.create_on(1, name="kept", start=False), herd.create_on(1, start=False)
    until(lambda: {kept, removed} <= set(herd.list(herd[0])), 30)
    herd.hosts[1].crash_dockerd()
    for agent in herd.agents:
        until(lambda agent=agent: agent.nodes()["host2"]["state"] == "daemon down", 30)
        reply = agent.verb("inspect-container", id=kept)
        assert reply.status == 502 and reply.json["dockerInstance"] == "host2", reply
        assert "host2" in reply.json["error"]
        assert "host2" in missing(agent.verb("list-containers", all=True))
        reply = agent.verb("list-containers", hostname="host2")
        assert reply.status == 502 and reply.json["dockerInstance"] == "host2", reply
        # The others take the new ones.
        assert agent.verb("create-container", template="test", instances=2).status == 200
    herd.hosts[1].daemon.start()
    herd.hosts[1].finish_on()
    herd.hosts[1].docker("rm", removed)
    made = herd.create_on(1, name="made", start=False)
    for agent in herd.agents:
        until(lambda agent=agent: knows(agent, kept) and knows(agent, made)
              and not knows(agent, removed), 60)
        until(lambda agent=agent: agent.nodes()["host2"]["state"] == "in the pool", 60)


def test_a_daemon_restarted_in_order_comes_back(breakable_herd):
    herd = breakable_herd
    kept = herd.create_on(0, start=False)
    herd.hosts[0].restart_dockerd()
    for agent in herd.agents:
        # An inspect goes to the daemon itself, which answers before its containers are read anew.
        until(lambda agent=agent: knows(agent, kept)
              and agent.nodes()["host1"]["state"] == "in the pool", 60)


def test_a_frozen_daemon_does_not_hang_an_answer(breakable_herd):
    herd = breakable_herd
    container = herd.create_on(1, start=False)
    until(lambda: knows(herd[0], container), 30)
    herd.hosts[1].daemon.pause()
    try:
        reply = herd[0].verb("inspect-container", id=container)
        assert reply.status in (502, 504) and "host2" in reply.text, reply
        assert herd[0].verb("list-containers", all=True).status == 200
        # Lists come from what is known; the next full re-list finds the silence.
        until(lambda: "host2" in missing(herd[0].verb("list-containers", all=True)), 90)
    finally:
        herd.hosts[1].daemon.resume()
    until(lambda: knows(herd[0], container), 60)


def test_a_cut_link_is_noticed_and_healed(breakable_herd):
    herd = breakable_herd
    container = herd.create_on(2, start=False)
    until(lambda: knows(herd[0], container), 30)
    herd.hosts[2].cut()
    for index in (0, 1):
        until(lambda index=index: lists_as_lost(herd[index], "host3"), 60)
    # Both sides answer for what they have.
    until(lambda: lists_as_lost(herd[2], "host1") and lists_as_lost(herd[2], "host2"), 60)
    assert knows(herd[2], container)
    assert set(missing(herd[2].verb("list-containers", all=True))) == {"host1", "host2"}
    assert herd[2].verb("create-container", template="test").status == 200
    assert herd[0].verb("create-container", template="test", instances=2).status == 200
    herd.hosts[2].heal()
    herd.wait_until_whole()
    for agent in herd.agents:
        until(lambda agent=agent: knows(agent, container) and len(herd.list(agent)) == 4, 60)


def test_two_halves_of_a_split_heal(breakable_herd):
    herd = breakable_herd
    ids = [herd.create_on(index, start=False) for index in (0, 1, 2)]
    until(lambda: len(herd.list(herd[0])) == 3, 30)
    herd.lab.split([herd.hosts[0], herd.hosts[1]], [herd.hosts[2]])
    until(lambda: lists_as_lost(herd[0], "host3") and lists_as_lost(herd[1], "host3")
          and lists_as_lost(herd[2], "host1") and lists_as_lost(herd[2], "host2"), 60)
    until(lambda: set(herd.list(herd[0])) == set(ids[:2]), 30)
    until(lambda: set(herd.list(herd[2])) == {ids[2]}, 30)
    # Both halves go on, each for itself.
    made = [herd.create_on(0, start=False), herd.create_on(2, start=False)]
    herd.hosts[1].docker("rm", ids[1])
    herd.lab.rejoin()
    herd.wait_until_whole()
    expected = {ids[0], ids[2], *made}
    for agent in herd.agents:
        until(lambda agent=agent: set(herd.list(agent)) == expected, 60)


def losses(herd):
    """How often each agent has declared a peer lost so far, by its log. A link that does not carry
    is made anew, which the other side takes for a new session of a peer that it does not lose."""
    return [sum(" peer lost " in line and "it began a new session" not in line
                for line in agent.log_text().splitlines()) for agent in herd.agents]


def test_one_way_deafness_does_not_make_the_herd_flap(breakable_herd):
    herd = breakable_herd
    before = losses(herd)
    herd.hosts[0].ignore(herd.hosts[1])  # Host 1 hears nothing of host 2.
    try:
        # Host 3 hears both, and both are reached through it.
        throughout(lambda: all(herd[2].nodes()[name]["state"] == "in the pool"
                               for name in ("host1", "host2")), 5)
    finally:
        herd.hosts[0].listen_to(herd.hosts[1])
    herd.wait_until_whole()
    assert losses(herd) == before


def test_a_frozen_host_is_noticed_and_comes_back(breakable_herd):
    herd = breakable_herd
    container = herd.create_on(1, start=False)
    until(lambda: knows(herd[0], container), 30)
    herd.hosts[1].pause()
    for index in (0, 2):
        until(lambda index=index: lists_as_lost(herd[index], "host2"), 60)
    herd.hosts[1].resume()
    herd.wait_until_whole()
    all_know(herd, container)


def test_a_power_cut_and_a_boot(breakable_herd):
    herd = breakable_herd
    container = herd.create_on(1, start=False)
    until(lambda: knows(herd[0], container), 30)
    herd.hosts[1].off()
    for index in (0, 2):
        until(lambda index=index: lists_as_lost(herd[index], "host2"), 60)
    herd.hosts[1].on()
    herd[1].start()
    herd.wait_until_whole()
    all_know(herd, container)
