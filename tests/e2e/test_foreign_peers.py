"""Programs that are not ours join the bus: the example client, and a bare ZRE peer."""

import json
import os

import pytest

from herdlab import until
from herdlab.agent import ROOT

CLIENT = ROOT / "docs/examples/herd_client.py"
PEER = ROOT / "tests/fakes/zre_peer.py"


def run_inside(host, *command, timeout=30):
    return host.run(*command, check=False, timeout=timeout)


@pytest.mark.skipif(not CLIENT.exists(), reason="the example client is not there")
class TestExampleClient:
    def ask(self, herd, host, *arguments):
        result = run_inside(herd.hosts[host], "/usr/bin/python3", CLIENT, *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout)

    def test_it_lists_the_nodes(self, herd):
        answer = self.ask(herd, 0, '{"action":"list-nodes"}')
        assert {each["hostname"] for each in answer["nodes"]} == {"host1", "host2", "host3"}

    def test_what_is_meant_for_one_is_handled_by_exactly_one(self, herd):
        answer = self.ask(herd, 0, '{"action":"create-container","template":"test"}')
        assert answer["statusCode"] == 201
        assert sum(herd.counts()) == 1

    def test_it_reaches_a_container(self, herd):
        container = herd.create_on(1)
        until(lambda: container in herd.list(herd[0]), 5)
        body = json.dumps({"action": "inspect-container", "id": container})
        assert self.ask(herd, 0, body)["dockerInstance"] == "host2"


@pytest.mark.skipif(not PEER.exists(), reason="the ZRE peer is not there")
def test_a_zre_peer_sees_the_agents_enter_join_and_exit(breakable_herd):
    herd = breakable_herd
    host = herd.hosts[0]
    log = host.directory / "zre_peer.out"
    log.unlink(missing_ok=True)
    wrapper, pid = host.spawn("/usr/bin/python3", "-u", PEER, log=log)
    try:
        def seen(word, count=1):
            return log.read_text().count(word) >= count

        until(lambda: seen("ENTER", 3), 15, what="the peer sees three agents enter")
        container = herd.create_on(1)
        until(lambda: container in log.read_text(), 5, what="a JOIN of the container's group")
        herd[2].stop()
        until(lambda: seen("EXIT"), 10, what="an EXIT")
        herd[2].start()
        until(lambda: seen("ENTER", 4), 15, what="a second ENTER")
        for agent in herd.agents:
            assert agent.get("/").status == 200
    finally:
        os.kill(pid, 9)
        wrapper.wait()
    herd.wait_until_whole()


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
