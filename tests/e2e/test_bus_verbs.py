"""The verbs over the bus, asked by a ZRE peer that is none of ours."""

import pytest

from foreign import CLUSTER, ForeignPeer
from herd import SLEEP, state_of
from herdlab import throughout, until

HOSTS = ("host1", "host2", "host3")


@pytest.fixture
def peer(herd):
    with ForeignPeer(herd.hosts[0]) as peer:
        peer.expect_herd(herd.agents)
        yield peer


def body_of(reply, status=200):
    assert reply["status"] == status, reply
    return reply["body"]


def test_what_is_shouted_to_all_agents_is_done_by_exactly_one(herd, peer):
    for _ in range(8):
        body = body_of(peer.shout(CLUSTER, {"action": "create-container", "template": "test"}))
        assert body["statusCode"] == 201
    assert sum(herd.counts()) == 8
    # Nobody else does it later, or answers as well.
    throughout(lambda: set(peer.replies_by_request().values()) == {1}, 2)
    assert sum(herd.counts()) == 8 and max(herd.counts()) - min(herd.counts()) <= 1


def test_what_is_shouted_to_all_for_all_is_answered_by_each(peer):
    reply = peer.shout(CLUSTER, {"action": "list-containers"}, deliver="all")
    until(lambda: len(peer.replies(reply["id"])) == 3, 60)
    assert {each["from"] for each in peer.replies(reply["id"])} == set(HOSTS)
    assert all(each["body"]["dockerInstance"] == each["from"]
               for each in peer.replies(reply["id"]))


@pytest.mark.parametrize("name", HOSTS)
def test_what_is_shouted_to_a_host_is_answered_by_its_agent(herd, peer, name):
    container = herd.create_on(HOSTS.index(name), start=False)
    peer.expect("JOIN", name=name, group=container)
    reply = peer.shout(f"{CLUSTER}.{name}", {"action": "list-containers"})
    body = body_of(reply)
    assert reply["from"] == body["dockerInstance"] == name
    assert [entry["Id"] for entry in body["Response"]["Body"]] == [container]


def test_what_is_shouted_to_a_container_needs_no_id(herd, peer):
    container, bystander = herd.create_on(2), herd.create_on(2)
    peer.expect("JOIN", name="host3", group=container)
    reply = peer.shout(container, {"action": "inspect-container"})
    assert reply["from"] == "host3"
    assert body_of(reply)["Response"]["Body"]["Id"] == container
    body_of(peer.shout(container, {"action": "delete-container", "force": True}))
    said = [line for line in herd[2].log_text().splitlines() if " audit: call " in line]
    assert any(" from=bus:" in line and f"container={container}" in line and
               "action=delete-container" in line for line in said), said
    peer.expect("LEAVE", name="host3", group=container)
    assert herd.hosts[2].docker("ps", "-aq", "--no-trunc") == bystander


def test_a_container_lives_its_life_over_the_bus(herd, peer):
    """Asked of host 1, about a container of whichever host."""
    def ask(action, **fields):
        return body_of(peer.whisper("host1", {"action": action, **fields}))

    made = ask("create-container", template="test", name="life")
    container, name = made["Response"]["Body"]["Id"], made["dockerInstance"]
    host = herd.hosts[HOSTS.index(name)]
    assert ask("start-container", id="life")["statusCode"] == 204
    assert ask("inspect-container", id="life")["Response"]["Body"]["Id"] == container
    ask("pause-container", id=container)
    assert state_of(host, container)["Paused"]
    ask("unpause-container", id=container)
    assert not state_of(host, container)["Paused"]
    before = state_of(host, container)["StartedAt"]
    ask("restart-container", id=container, timeout=0)
    assert state_of(host, container)["StartedAt"] != before
    ask("kill-container", id=container)
    until(lambda: not state_of(host, container)["Running"], 30)
    ask("start-container", id=container)
    ask("stop-container", id=container, timeout=1)
    assert not state_of(host, container)["Running"]
    ask("delete-container", id=container)
    assert sum(herd.counts()) == 0
    ask("create-raw-container", body=SLEEP, name="raw", start=True)
    ask("shutdown-container", id="raw", timeout=1)
    assert sum(herd.counts()) == 0
    gone = peer.whisper("host1", {"action": "inspect-container", "id": "raw"})
    assert body_of(gone, 404)["status"] == "timeout or no such id"


def test_the_herd_is_listed_and_its_pool_changed_over_the_bus(herd, peer):
    container = herd.create_on(1, start=False)
    until(lambda: container in herd.list(herd[0]), 30)

    def ask(action, **fields):
        return body_of(peer.whisper("host3", {"action": action, **fields}))

    listed = ask("list-containers", all=True, shape="flat")["Response"]["Body"]
    assert [entry["Id"] for entry in listed] == [container]
    images = ask("list-images", all=True, shape="nodes")["images"]
    assert {each["dockerInstance"] for each in images} == set(HOSTS)

    def states():
        return {each["hostname"]: each["state"] for each in ask("list-nodes")["nodes"]}

    assert states() == dict.fromkeys(HOSTS, "in the pool")
    ask("unregister", hostname="host2")
    try:
        assert states()["host2"] == "out of the pool"
    finally:
        ask("register", hostname="host2")
    assert states() == dict.fromkeys(HOSTS, "in the pool")


def test_what_is_not_understood_is_400_over_the_bus_too(peer):
    reply = peer.whisper("host2", {"action": "stop-container", "id": "a", "timeout": "soon"})
    assert body_of(reply, 400)["field"] == "timeout"
