"""Twenty hosts with a fake daemon each; lists, bulks and losses at that size."""

import pytest

from herdlab import Lab, until


@pytest.fixture(scope="module")
def many():
    with Lab() as lab:
        lab.up(20, daemon="fake")
        agents = lab.start_agents()
        yield agents
        # In order each of them, which under sanitizers says that nothing leaked.
        assert [agent.stop() for agent in agents] == [0] * len(agents)


def whole_within(agents, names, seconds):
    def whole():
        for agent in agents:
            nodes = agent.nodes()
            assert {name for name, each in nodes.items() if each["state"] == "in the pool"} == names
        return True

    until(whole, seconds, what=f"{len(agents)} agents see {len(names)} nodes", interval=0.2)


def test_twenty_form_a_herd(many):
    whole_within(many, {agent.name for agent in many}, 60)


def test_a_bulk_is_spread_over_twenty(many):
    reply = many[7].verb("create-container", image="busybox", instances=50)
    assert reply.status == 200, reply
    assert reply.json["summary"]["created"] == 50
    counts = {}
    for envelope in reply.json["containers"]:
        host = envelope["dockerInstance"]
        counts[host] = counts.get(host, 0) + 1
    assert len(counts) == 20 and set(counts.values()) == {2, 3}
    for agent in many:
        until(lambda agent=agent: len(agent.verb(
            "list-containers", all=True, shape="flat").json["Response"]["Body"]) == 50, 60)


def test_the_loss_of_one_of_twenty_is_known_to_all(many):
    lost = many[13]
    lost.kill()
    rest = [agent for agent in many if agent is not lost]
    whole_within(rest, {agent.name for agent in rest}, 60)
    lost.start()
    whole_within(many, {agent.name for agent in many}, 60)
