"""A herd of three forms; every node tells the same of it."""

import pytest

from herdlab import client


def test_every_node_lists_the_three(herd):
    names = {host.name for host in herd.hosts}
    for agent in herd.agents:
        reply = agent.verb("list-nodes")
        assert reply.status == 200
        nodes = {entry["hostname"]: entry for entry in reply.json["nodes"]}
        assert set(nodes) == names
        assert reply.json["missing"] == []
        for host in herd.hosts:
            entry = nodes[host.name]
            assert entry["state"] == "in the pool"
            assert entry["containers"] == 0
            assert entry["docker_version"].startswith("20.10")
            assert host.address in entry["address"]
            assert entry["agent_version"] and entry["uptime_seconds"] >= 0
            assert entry["round_trip_ms"] >= 0


def test_an_insecure_herd_says_so_at_the_start_and_in_the_list(whole_herd):
    for agent in whole_herd.agents:
        assert "insecure: anybody who reaches" in agent.log_text()
        assert {entry["warning"] for entry in agent.nodes().values()} == {
            "insecure: listens beyond loopback without authentication"}


def test_nodes_agree_on_ids(whole_herd):
    tables = [{name: entry["id"] for name, entry in agent.nodes().items()}
              for agent in whole_herd.agents]
    assert tables[0] == tables[1] == tables[2]
    assert len(set(tables[0].values())) == 3


def test_get_answers_what_this_is(whole_herd):
    for agent in whole_herd.agents:
        reply = agent.get("/")
        assert reply.status == 200
        assert "dockherd" in reply.text


def test_the_agents_are_reached_from_this_machine(whole_herd):
    for host in whole_herd.hosts:
        assert client.request(host.address, 8080).status == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_verb_is_read_whatever_its_content_type(whole_herd, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    assert whole_herd[0].request("POST", "/", '{"action":"list-nodes"}', headers).status == 200
