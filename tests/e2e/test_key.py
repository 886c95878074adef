"""The herd's key: who has it is in, who has not is not, and both sides say so once."""

import socket
import struct
import subprocess
import time
import uuid

import pytest

from herdlab import Lab, throughout, until
from herdlab.agent import find_binaries
from herdlab.network import entered
from test_discovery import all_see, gossip, sees
from test_discovery import start as start_agents  # noqa: F401

PROGRAM = find_binaries() / "dockherd"


@pytest.fixture(scope="module")
def network():
    """Four hosts with fake daemons; each test starts its own agents."""
    with Lab() as lab:
        lab.up(4, daemon="fake")
        yield lab


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two keys, as the program makes them."""
    directory = tmp_path_factory.mktemp("keys")
    files = [directory / "one.key", directory / "two.key"]
    for file in files:
        made = subprocess.run([PROGRAM, "keygen", file], capture_output=True, text=True,
                              timeout=60, check=True)
        assert str(file) in made.stdout
        assert file.stat().st_mode & 0o777 == 0o600
    return [str(file) for file in files]


@pytest.fixture
def start(start_agents):
    """start(hosts, key or keys, …) -> agents; they are gone after the test."""
    def start_them(hosts, key=None, **settings):
        return start_agents(hosts, conf={"key": key} if key else {}, **settings)

    return start_them


def said(agent, text):
    """How often the running agent has said it."""
    return agent.log_text().rpartition("agent: started ")[2].count(text)


def test_agents_with_the_key_are_a_herd(network, start, keys):
    agents = start(network.hosts, keys[0])
    all_see(agents)
    assert said(agents[0], "another key") == 0, agents[0].log_text()


def test_agents_with_the_key_are_a_herd_by_gossip(network, start, keys):
    agents = start(network.hosts, keys[0], cluster=gossip(network.hosts[:1]))
    all_see(agents)
    assert said(agents[0], "another key") == 0, agents[0].log_text()


@pytest.mark.parametrize("other", ["another key", "no key"])
@pytest.mark.parametrize("by", ["beacon", "gossip"])
def test_another_key_is_not_in_and_both_sides_say_so_once(network, start, keys, other, by):
    cluster = gossip(network.hosts[:1]) if by == "gossip" else None
    ours = start(network.hosts[:2], keys[0], cluster=cluster)
    theirs = start(network.hosts[2:], keys[1] if other == "another key" else None, cluster=cluster)
    all_see(ours)
    throughout(lambda: all(len(agent.nodes()) == 2 for agent in ours), 4)
    stranger = network.hosts[2].address
    assert said(ours[0], f"address={stranger}") == 1, ours[0].log_text()
    if by == "beacon":
        all_see(theirs)
        ours_seen = network.hosts[0].address
        assert said(theirs[0], f"address={ours_seen}") == 1, theirs[0].log_text()
    else:
        assert said(theirs[0], "gossip seed lost") == 1, theirs[0].log_text()


def test_keys_are_changed_host_by_host_without_stopping_the_herd(network, start, keys):
    old, new = keys
    agents = start(network.hosts, old)
    all_see(agents)
    names = [agent.name for agent in agents]
    for step in ([old, new], [new, old], new):
        for agent in agents:
            agent.stop()
            agent.conf["key"] = step
            agent.start()
            # The others have never been without a herd of all.
            all_see(agents, names)
    assert all(said(agent, "another key") == 0 for agent in agents)


def test_an_agent_that_restarts_with_the_same_endpoint_is_found_again(network, start, keys):
    agents = start(network.hosts[:3], keys[0])
    all_see(agents)
    agents[1].kill()
    until(lambda: not sees(agents[0], [agent.name for agent in agents]), 10, what="it is lost")
    agents[1].start()
    all_see(agents)


def beacon(port, identity=None):
    return b"ZRE\x01" + (identity or uuid.uuid4()).bytes + struct.pack(">H", port)


def test_a_flood_of_forged_beacons_changes_nothing(network, start, keys):
    """Random ids, forged leaves and garbage, while an agent joins."""
    first = start(network.hosts[:2], keys[0])
    all_see(first)
    before = first[0].resident_bytes()
    with entered(network.hosts[3].net):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        broadcast = network.hosts[0].address.rsplit(".", 1)[0] + ".255"

        def flood(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for _ in range(200):
                    udp.sendto(beacon(40000), (broadcast, 5670))
                    udp.sendto(beacon(0), (broadcast, 5670))
                    udp.sendto(uuid.uuid4().bytes * 3, (broadcast, 5670))
                time.sleep(0.01)

        flood(2)
        third = start(network.hosts[2:3], keys[0])
        flood(2)
    all_see(first + third)
    assert first[0].resident_bytes() < before + 32 * 1024 * 1024


def test_a_key_file_that_others_may_read_is_refused(network, keys, tmp_path):
    copy = tmp_path / "open.key"
    copy.write_bytes(open(keys[0], "rb").read())
    copy.chmod(0o644)
    checked = subprocess.run([PROGRAM, "agent", "--key", copy, "--check"],
                             capture_output=True, text=True, timeout=60)
    assert checked.returncode == 1
    assert "chmod 600" in checked.stderr


def test_keygen_does_not_overwrite(keys):
    again = subprocess.run([PROGRAM, "keygen", keys[0]], capture_output=True,
                           text=True, timeout=60)
    assert again.returncode == 1
    assert "exists already" in again.stderr
