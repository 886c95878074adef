"""Programs that are not ours join the bus: the example client, and a bare ZRE peer."""

import json

from foreign import CLUSTER, ForeignPeer
from herdlab import until
from herdlab.agent import ROOT

CLIENT = ROOT / "docs/examples/herd_client.py"


class TestExampleClient:
    def ask(self, herd, host, *arguments):
        result = herd.hosts[host].run("/usr/bin/python3", CLIENT, "--timeout", "60", *arguments,
                                      check=False, timeout=90)
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout)

    def test_it_lists_the_nodes(self, herd):
        answer = self.ask(herd, 0, '{"action":"list-nodes"}')
        assert {each["hostname"] for each in answer["nodes"]} == {"host1", "host2", "host3"}

    def test_what_is_sent_to_all_agents_is_handled_by_one(self, herd):
        answer = self.ask(herd, 0, "--address", CLUSTER,
                          '{"action":"create-container","template":"test"}')
        assert answer["statusCode"] == 201
        assert sum(herd.counts()) == 1

    def test_it_reaches_a_container(self, herd):
        container = herd.create_on(1)
        until(lambda: container in herd.list(herd[0]), 30)
        body = json.dumps({"action": "inspect-container", "id": container})
        assert self.ask(herd, 0, body)["dockerInstance"] == "host2"


def test_a_zre_peer_sees_the_agents_enter_join_leave_and_exit(breakable_herd):
    herd = breakable_herd
    with ForeignPeer(herd.hosts[0]) as peer:
        peer.expect_herd(herd.agents)
        for agent in herd.agents:
            peer.expect("JOIN", name=agent.name, group=f"{CLUSTER}.{agent.name}")
        container = herd.create_on(1)
        peer.expect("JOIN", name="host2", group=container)
        herd.hosts[1].docker("rm", "-f", container)
        peer.expect("LEAVE", name="host2", group=container)
        assert herd[2].stop() == 0
        peer.expect("EXIT", name="host3")
        herd[2].start()
        peer.expect("ENTER", count=2, name="host3")
        for agent in herd.agents:
            assert agent.get("/").status == 200
        assert {event["name"] for event in peer.seen("EXIT")} == {"host3"}
    herd.wait_until_whole()


GARBAGE = [
    "", "aaa1", "aaa10102", "aaa101020001",  # Cut short.
    "aaa163020002",  # An id that does not exist.
    "aaa10201ffff", "aaa10202ffff",  # A version and a sequence number out of turn.
    "aaa104020002ff61", "aaa10102000105ffffffff",  # Lengths beyond the end.
    "ff" * 1000, "474554202f20485454502f312e310d0a0d0a",
]


def test_peers_that_come_and_go_and_send_garbage_harm_nobody(breakable_herd):
    herd = breakable_herd
    with ForeignPeer(herd.hosts[0]) as peer:
        peer.expect_herd(herd.agents)
        for number in range(9):
            guest = ForeignPeer(herd.hosts[number % 3], beacons=number % 2 == 0)
            guest.expect_herd(herd.agents)
            if number % 3 == 1:
                guest.kill()
            else:
                if number % 3 == 2:
                    for agent in herd.agents:
                        for frame in GARBAGE[number % 2::2]:
                            guest.command(f"RAW {guest.uuid_of(agent.name)} {frame}")
                guest.end()
            if number == 4:  # Agents come and go as well.
                herd[2].kill()
                herd[2].start()
                peer.expect("ENTER", count=2, name="host3")
            reply = peer.whisper("host1", {"action": "list-nodes"})
            assert reply["status"] == 200, reply
        herd.wait_until_whole()
        reply = peer.shout(CLUSTER, {"action": "create-container", "template": "test",
                                     "instances": 6})
        assert reply["status"] == 200 and herd.counts() == [2, 2, 2], reply
        # No agent began anew but the one that was killed.
        exits = [event["name"] for event in peer.seen("EXIT")]
        assert [exits.count(agent.name) for agent in herd.agents] == [0, 0, 1]


def test_noise_on_the_bus_and_beacon_ports_is_survived(herd):
    noise = """
import os, random, socket, sys
target = sys.argv[1]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
random.seed(7)
for _ in range(2000):
    data = random.randbytes(random.randrange(0, 80))
    if random.random() < 0.5:
        data = b"ZRE\\x01" + data
    udp.sendto(data, (target, 5670))
for port in range(49152, 49160):
    for _ in range(50):
        try:
            tcp = socket.create_connection((target, port), 1)
        except OSError:
            break
        tcp.sendall(random.choice((b"\\xff" + random.randbytes(100), random.randbytes(500),
                                   b"GET / HTTP/1.1\\r\\n\\r\\n", b"\\xff\\0\\0\\0\\0\\0\\0\\0\\x01\\x7f")))
        tcp.close()
"""
    for host in herd.hosts[1:]:
        result = herd.hosts[0].run("/usr/bin/python3", "-c", noise, host.address)
        assert result.returncode == 0
    herd.wait_until_whole()
    assert herd[0].verb("create-container", template="test", instances=6).status == 200
