"""Finding each other: beacons, gossip, both; herds that share a network."""

import time

import pytest

from herdlab import Lab, LoopbackHerd, throughout, until
from promise import Stopwatch, assert_promise

BEACON = "herd: beacon\n"


def sees(agent, names):
    nodes = agent.nodes()
    return {name for name, entry in nodes.items() if entry["state"] == "in the pool"} == set(names)


def all_see(agents, names=None, seconds=60):
    names = names or [agent.name for agent in agents]
    until(lambda: all(sees(agent, names) for agent in agents), seconds,
          what=f"each of {len(agents)} sees {names}", interval=0.1)


def see_nobody_else(*herds):
    """Each agent of each herd sees that herd, and for a while nobody else appears."""
    for agents in herds:
        all_see(agents)
    throughout(lambda: all(sees(agent, [each.name for each in agents])
                           for agents in herds for agent in agents), 3)


@pytest.fixture(scope="module")
def network():
    """Six hosts with fake daemons; each test starts its own agents."""
    with Lab() as lab:
        lab.up(6, daemon="fake")
        yield lab


@pytest.fixture
def start(network):
    """start(hosts, cluster text) -> agents; they are gone after the test. Not `reached` from here
    they are not waited for."""
    started = []

    def start_them(hosts, cluster=None, reached=True, **settings):
        agents = [host.agent(cluster=cluster, **settings) for host in hosts]
        started.extend(agents)
        for agent in agents:
            agent.begin()
        for agent in agents if reached else ():
            agent.wait_until_up()
        return agents

    yield start_them
    for agent in started:
        agent.kill()
    for host in network.hosts:
        host.heal()


def gossip(seeds, port=5671):
    quoted = ", ".join(f'"{host.address}:{port}"' for host in seeds)
    return ("discovery:\n  beacon:\n    enabled: false\n  gossip:\n"
            f'    bind: "0.0.0.0:{port}"\n    seeds: [{quoted}]\n')


def test_by_beacon(network, start):
    all_see(start(network.hosts))


def test_by_gossip_through_one_seed(network, start):
    all_see(start(network.hosts, gossip(network.hosts[:1])))


def test_by_gossip_through_two_seeds_that_know_each_other(network, start):
    # Each half knows one seed only; the seeds know each other.
    first, second = network.hosts[:3], network.hosts[3:]
    agents = start(first, gossip([first[0], second[0]]))
    agents += start(second, gossip([second[0]]))
    all_see(agents)


def test_a_seed_that_was_down_is_found_when_it_comes(network, start):
    seed, *others = network.hosts[:4]
    agents = start(others, gossip([seed]))
    # Alone each of them: without the seed they do not know of each other.
    see_nobody_else(*[[agent] for agent in agents])
    agents += start([seed], gossip([seed]))
    all_see(agents)


def test_a_seed_that_goes_and_comes_back_is_found_again(network, start):
    hosts = network.hosts[:4]
    agents = start(hosts, gossip(hosts[:1]))
    all_see(agents)
    seed, *others = agents
    seed.kill()
    all_see(others)  # They still have each other.
    seed.start()
    all_see(agents)


def test_a_herd_by_gossip_heals_after_a_cut(network, start):
    hosts = network.hosts[:4]
    agents = start(hosts, gossip(hosts[:1]))
    all_see(agents)
    hosts[2].cut()
    rest = [agent for agent in agents if agent.host is not hosts[2]]
    all_see(rest)
    all_see([agents[2]])
    hosts[2].heal()
    all_see(agents)


def clusters(hosts):
    """The ways to find each other; by gossip the first and the third are seeds."""
    return {"beacon": BEACON, "gossip": gossip([hosts[0], hosts[2]])}


@pytest.mark.parametrize("way", ["beacon", "gossip"])
def test_a_host_whose_cable_was_out_is_back_within_two_seconds(network, start, way):
    hosts = network.hosts[:4]
    agents = start(hosts, clusters(hosts)[way])
    all_see(agents)
    alone, rest = agents[3], agents[:3]

    def attempt():
        alone.host.cut()
        all_see(rest)
        time.sleep(5)  # TCP's own tries have become rare.
        with Stopwatch() as stopwatch:
            alone.host.heal()
            all_see(agents)
        return stopwatch.seconds

    assert_promise(2.0, attempt)


@pytest.mark.parametrize("way", ["beacon", "gossip"])
def test_pairs_that_never_saw_each_other_become_one_herd(network, start, way):
    hosts = network.hosts[:4]
    network.split(hosts[:2], hosts[2:])
    try:
        agents = start(hosts[:2], clusters(hosts)[way])
        agents += start(hosts[2:], clusters(hosts)[way], reached=False)
        all_see(agents[:2])
        until(lambda: all("peer joined" in agent.log_text() for agent in agents[2:]), 60,
              what="the other pair has met")
    finally:
        network.rejoin()
    all_see(agents)


@pytest.mark.parametrize("way", ["beacon", "gossip"])
def test_all_hosts_but_one_may_come_back_with_new_addresses(network, start, way):
    hosts = network.hosts[:4]
    agents = start(hosts, {"beacon": BEACON, "gossip": gossip(hosts[:1])}[way])
    all_see(agents)
    others = agents[1:]
    try:
        for agent in others:
            agent.kill()
        for agent in others:
            agent.address = move(network, agent.host, agent.host.number + 40)
            agent.start()
        all_see(agents)
        addresses = {name: entry["address"] for name, entry in agents[0].nodes().items()}
        assert addresses == {agent.name: f"{agent.address}:{agent.port}" for agent in agents}
    finally:
        for agent in others:
            agent.kill()
            move(network, agent.host, agent.host.number)


def move(lab, host, number):
    """Gives the host another address, which is returned."""
    address = lab.network.address(number)
    lab.network.ip(f"addr flush dev eth0\naddr add {address}/24 brd + dev eth0\n"
                   f"route replace default via {lab.network.base}.1", namespace=host.net)
    host.address = address
    return address


def test_by_both_at_once(network, start):
    both = gossip(network.hosts[:1]).replace("enabled: false", "enabled: true")
    all_see(start(network.hosts, both))


def test_a_member_list_is_a_seed_list(network, start):
    seeds = f"members:\n  - {network.hosts[0].address}\n  - {network.hosts[5].address}\n"
    all_see(start(network.hosts, seeds + "discovery:\n  beacon:\n    enabled: false\n"))


def test_two_herds_on_one_network_do_not_mix(network, start):
    ours = start(network.hosts[:3], "herd: ours\n")
    theirs = start(network.hosts[3:], "herd: theirs\n")
    see_nobody_else(ours, theirs)
    assert ours[0].verb("create-container", image="busybox", instances=6).status == 200
    listed = theirs[0].verb("list-containers", all=True)
    assert listed.status == 200 and listed.json["Response"]["Body"] == []
    for agent in ours + theirs:
        assert len(agent.verb("list-nodes").json["nodes"]) == 3


def test_agents_on_one_machine_find_each_other_without_configuration():
    with LoopbackHerd(3) as herd:
        all_see(herd.agents)


def test_without_insecure_nothing_is_heard_beyond_loopback(network, start):
    agents = start(network.hosts[:2], arguments=(), address="127.0.0.1")
    agents += start(network.hosts[2:3])  # Its beacons reach the others' hosts.
    see_nobody_else(*[[agent] for agent in agents])
    tcp, udp = [[line.split()[3] for line in network.hosts[0].run("ss", kind).stdout.splitlines()]
                for kind in ("-tlnH", "-ulnH")]
    assert tcp and all(address.startswith("127.") for address in tcp), tcp
    assert udp and all(address.startswith("127.") for address in udp), udp
