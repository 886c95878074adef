"""An agent of another release joins the herd: a ZRE peer that calls itself an agent, and says what
another release may say. Whole agents on both sides of each message are in tests/wire/samples."""

import json

import pytest

from foreign import ForeignPeer
from herdlab import until

LATER = {"since": "a later release"}
IDENTITY = "d" * 64  # Of a container that the other release has.


def headers_of_another_release(herd, protocol):
    """What herd's own agents say of themselves, with another version."""
    with ForeignPeer(herd.hosts[0]) as observer:
        observer.expect_herd(herd.agents)
        headers = observer.seen("ENTER", name="host1")[-1]["headers"]
    headers.update({"X-DOCKHERD-VERSION": "0.99.0", "X-DOCKHERD-HTTP": "192.0.2.1:8080",
                    "X-DOCKHERD-HOSTNAME": "other", "X-DOCKHERD-LATER": "yes"})
    headers.pop("X-DOCKHERD-PROTOCOL")
    return {**headers, "X-DOCKHERD-PROTOCOL": protocol} if protocol else headers


def tell(peer, agent_name, topic, body):
    notice = {"dockherd": "notice", "topic": topic, "body": {**body, **LATER}, **LATER}
    peer.command(f"WHISPER {peer.uuid_of(agent_name)} {json.dumps(notice)}")


def nodes(agent):
    return {each["hostname"]: each["state"] for each in agent.verb("list-nodes").json["nodes"]}


@pytest.mark.parametrize("protocol", ["1.99", "1.0", None])
def test_an_agent_of_another_minor_version_is_understood(breakable_herd, protocol):
    herd = breakable_herd
    headers = headers_of_another_release(herd, protocol)
    with ForeignPeer(herd.hosts[0], headers=headers) as peer:
        peer.expect_herd(herd.agents)
        # Out of the pool, for nobody would answer a create there.
        status = {"hostname": peer.name, "address": "192.0.2.1:8080", "in_pool": False,
                  "daemon_up": True, "version": "0.99.0"}
        containers = {"all": True, "put": [{"id": IDENTITY, "names": ["far"], **LATER}]}
        for agent in herd.agents:
            tell(peer, agent.name, "status", status)
            tell(peer, agent.name, "news", {})  # Nobody knows the topic.
            tell(peer, agent.name, "containers", containers)
        for agent in herd.agents:
            # A node that is asked for its row, and has not learnt to answer.
            until(lambda agent=agent: nodes(agent).get(peer.name) == "not answering", 30)
            # It is known whose the container is, by name; its owner does not answer.
            reply = agent.verb("inspect-container", id="far")
            assert reply.status != 404, reply.json
        request = {"action": "list-containers", **LATER}
        for agent in herd.agents:
            reply = peer.whisper(agent.name, request, scope="local", **LATER)
            assert reply["status"] == 200, reply
        # The herd goes on.
        assert herd[1].verb("create-container", template="test", instances=3).status == 200
        assert herd.counts() == [1, 1, 1]
    herd.wait_until_whole()


@pytest.mark.parametrize("protocol", ["2.0", "0.9"])
def test_an_agent_of_another_major_version_is_no_member_and_harms_nobody(breakable_herd, protocol):
    herd = breakable_herd
    headers = headers_of_another_release(herd, protocol)
    with ForeignPeer(herd.hosts[0], headers=headers) as peer:
        peer.expect("ENTER", count=3)
        for agent in herd.agents:
            tell(peer, agent.name, "containers",
                 {"all": True, "put": [{"id": IDENTITY, "names": ["far"]}]})
            until(lambda agent=agent: f"speaks version {protocol}" in agent.log_text(), 30)
        for agent in herd.agents:
            assert set(nodes(agent)) == {"host1", "host2", "host3"}
            assert agent.verb("inspect-container", id="far").status == 404
        assert herd[1].verb("create-container", template="test", instances=3).status == 200
    herd.wait_until_whole()


def test_a_peer_that_is_no_agent_is_told_of_what_nobody_knows(herd):
    with ForeignPeer(herd.hosts[0]) as peer:
        peer.expect_herd(herd.agents)
        reply = peer.whisper("host1", {"action": "list-nodes"}, **LATER)
        assert reply["status"] == 400 and reply["body"]["field"] == "since", reply
