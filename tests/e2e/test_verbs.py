"""Every verb through every node, on containers of every host."""

import json

import pytest

from herd import SLEEP, state_of
from herdlab import until

NODES = (0, 1, 2)


def one(reply, status=200):
    """The envelope of a reply about one daemon."""
    assert reply.status == status, reply
    envelope = reply.json
    assert "statusCode" in envelope and "dockerInstance" in envelope, reply
    return envelope


@pytest.mark.parametrize("through", NODES)
@pytest.mark.parametrize("owner", NODES)
def test_a_container_lives_its_life_through_any_node(herd, through, owner):
    agent, host = herd[through], herd.hosts[owner]
    container = herd.create_on(owner, name=f"life-{through}-{owner}", start=False)
    until(lambda: agent.verb("inspect-container", id=container).status == 200, 30)

    envelope = one(agent.verb("start-container", id=container))
    assert envelope["statusCode"] == 204 and envelope["dockerInstance"] == host.name
    assert state_of(host, container)["Running"]
    assert one(agent.verb("start-container", id=container))["statusCode"] == 304

    envelope = one(agent.verb("inspect-container", id=container))
    assert envelope["Response"]["Body"]["Id"] == container
    assert envelope["Response"]["Content-Type"] == "application/json"

    one(agent.verb("pause-container", id=container))
    assert state_of(host, container)["Paused"]
    one(agent.verb("unpause-container", id=container))
    assert not state_of(host, container)["Paused"]

    before = state_of(host, container)["StartedAt"]
    one(agent.verb("restart-container", id=container, timeout=0))
    assert state_of(host, container)["StartedAt"] != before

    one(agent.verb("kill-container", id=container, signal="KILL"))
    until(lambda: not state_of(host, container)["Running"], 30)
    one(agent.verb("start-container", id=container))
    one(agent.verb("stop-container", id=container, timeout=1))
    assert not state_of(host, container)["Running"]

    one(agent.verb("delete-container", id=container))
    assert host.docker("ps", "-aq") == ""
    gone = agent.verb("inspect-container", id=container)
    assert gone.status == 404 and gone.json["status"] == "timeout or no such id", gone


@pytest.mark.parametrize("through", NODES)
def test_a_container_is_found_by_name_and_by_prefix(herd, through):
    for owner in NODES:
        container = herd.create_on(owner, name=f"found{owner}")
        for reference in (f"found{owner}", container[:12], container[:20], container):
            until(lambda reference=reference: herd[through].verb(
                "inspect-container", id=reference).status == 200, 30, what=reference)
            body = one(herd[through].verb("inspect-container", id=reference))["Response"]["Body"]
            assert body["Id"] == container


def test_shutdown_stops_and_removes(herd):
    container = herd.create_on(1)
    until(lambda: container in herd.list(herd[2]), 30)
    one(herd[2].verb("shutdown-container", id=container, timeout=1))
    assert herd.hosts[1].docker("ps", "-aq") == ""


def test_a_running_container_is_deleted_only_by_force(herd):
    container = herd.create_on(1)
    until(lambda: container in herd.list(herd[0]), 30)
    refused = herd[0].verb("delete-container", id=container)
    assert refused.status == 409 and refused.json["dockerInstance"] == "host2", refused
    assert refused.json["error"]
    one(herd[0].verb("delete-container", id=container, force=True, volumes=True))


def test_several_ids_are_each_accounted_for(herd):
    ids = [herd.create_on(index) for index in NODES]
    until(lambda: set(herd.list(herd[0])) == set(ids), 30)
    reply = herd[0].verb("kill-container", ids=[*ids, "nosuch"])
    assert reply.status == 207, reply
    assert reply.json["summary"]["asked"] == 4 and reply.json["summary"]["failed"] == 1
    assert len(reply.json["containers"]) == 4
    reply = herd[0].verb("delete-container", ids=ids, force=True)
    assert reply.status == 200, reply
    assert herd.counts() == [0, 0, 0]


@pytest.mark.parametrize("through", NODES)
@pytest.mark.parametrize("fields", [
    {"template": "test"},
    {"image": "busybox"},
    {"body": SLEEP},
])
def test_one_container_is_created(herd, through, fields):
    container, owner = herd.create(herd[through], start=True, **fields)
    assert state_of(herd.hosts[owner], container)["Running"]
    assert set(herd.list(herd[through])) == {container}  # Its own writes are seen at once.


def test_a_raw_create_passes_the_body_as_it_is(herd):
    body = {**SLEEP, "Labels": {"kind": "raw"}, "Env": ["A=1"]}
    reply = herd[1].verb("create-raw-container", body=body, name="raw", start=True)
    envelope = one(reply)
    host = herd.hosts[[host.name for host in herd.hosts].index(envelope["dockerInstance"])]
    found = json.loads(host.docker("inspect", "raw"))[0]
    assert found["Config"]["Labels"]["kind"] == "raw" and "A=1" in found["Config"]["Env"]
    assert found["State"]["Running"]


def test_a_template_is_overridden_and_its_places_filled(herd):
    reply = herd[0].verb("create-container", template="web", instances=3, name="web-{n}",
                         env=["COLOUR=blue"], labels={"team": "a"}, start=True)
    assert reply.status == 200, reply
    names = set()
    for host in herd.hosts:
        (container,) = host.docker("ps", "-q").split()
        found = json.loads(host.docker("inspect", container))[0]
        names.add(found["Name"])
        assert f"HERD_HOST={host.name}" in found["Config"]["Env"]
        assert "COLOUR=blue" in found["Config"]["Env"]
        assert found["Config"]["Labels"]["team"] == "a"
        assert found["Config"]["Labels"]["served-by"] == host.name
    assert len(names) == 3 and all(name.startswith("/web-") for name in names)


def test_lists_of_this_node_one_node_and_every_node(herd):
    ids = [herd.create_on(index, start=index != 1) for index in NODES]
    until(lambda: set(herd.list(herd[0])) == set(ids), 30)
    here = one(herd[0].verb("list-containers"))
    assert here["dockerInstance"] == "host1"
    assert [entry["Id"] for entry in here["Response"]["Body"]] == [ids[0]]
    there = one(herd[0].verb("list-containers", hostname="host2"))
    assert there["dockerInstance"] == "host2"
    assert [entry["Id"] for entry in there["Response"]["Body"]] == [ids[1]]

    reply = herd[0].verb("list-containers", all=True).json
    assert {entry["Id"]: entry["dockerInstance"] for entry in reply["Response"]["Body"]} == \
        dict(zip(ids, ("host1", "host2", "host3")))
    assert {each["dockerInstance"] for each in reply["containers"]} == {"host1", "host2", "host3"}
    flat = herd[0].verb("list-containers", all=True, shape="flat").json
    assert "containers" not in flat and len(flat["Response"]["Body"]) == 3
    nodes = herd[0].verb("list-containers", all=True, shape="nodes").json
    assert "Response" not in nodes and len(nodes["containers"]) == 3
    assert flat["missing"] == nodes["missing"] == []
    running = herd.list(herd[2], filters={"status": ["running"]})
    assert set(running) == {ids[0], ids[2]}


@pytest.mark.parametrize("through", NODES)
def test_images_of_the_whole_herd_are_listed(herd, through):
    reply = herd[through].verb("list-images", all=True)
    assert reply.status == 200
    tags = [tag for entry in reply.json["Response"]["Body"] for tag in entry["RepoTags"]]
    assert tags.count("busybox:latest") == 3


def test_a_host_out_of_the_pool_gets_nothing_new_and_keeps_what_it_has(herd):
    kept = herd.create_on(1)
    until(lambda: kept in herd.list(herd[0]), 30)
    try:
        assert herd[0].verb("unregister", hostname="host2").status == 200
        for agent in herd.agents:
            assert agent.nodes()["host2"]["state"] == "out of the pool"
            assert agent.nodes()["host1"]["state"] == "in the pool"
        reply = herd[1].verb("create-container", template="test", instances=4)
        assert reply.status == 200, reply
        assert herd.counts() == [2, 1, 2]
        one(herd[2].verb("inspect-container", id=kept))
    finally:
        assert herd[2].verb("register", hostname="host2").status == 200
    for agent in herd.agents:
        assert agent.nodes()["host2"]["state"] == "in the pool"


@pytest.mark.parametrize("request_, field", [
    ({"action": "create-container", "template": 7}, "template"),
    ({"action": "create-container", "template": "test", "instances": -1}, "instances"),
    ({"action": "create-container", "template": "test", "instances": 2.5}, "instances"),
    ({"action": "create-container", "template": "../../etc/passwd"}, "template"),
    ({"action": "create-container", "template": "test", "colour": 1}, "colour"),
    ({"action": "inspect-container"}, "id"),
    ({"action": "stop-container", "id": "a", "timeout": "soon"}, "timeout"),
    ({"action": "list-containers", "all": "yes"}, "all"),
    ({"action": "dance"}, "action"),
    ({"verb": "list-nodes"}, "action"),
])
def test_a_request_not_understood_names_the_field(whole_herd, request_, field):
    for agent in whole_herd.agents:
        reply = agent.request("POST", "/", json.dumps(request_))
        assert reply.status == 400, reply
        assert field in reply.json["error"]


def test_unknown_ids_templates_and_hosts_are_404(whole_herd):
    for agent in whole_herd.agents:
        for fields in ({"action": "inspect-container", "id": "f" * 64},
                       {"action": "create-container", "template": "nosuch"},
                       {"action": "list-containers", "hostname": "nosuch"}):
            action = fields["action"]
            rest = {key: value for key, value in fields.items() if key != "action"}
            reply = agent.verb(action, **rest)
            assert reply.status == 404 and reply.json["error"], reply


def test_an_ambiguous_name_is_409_and_lists_the_candidates(herd):
    first, second = herd.create_on(0, name="twin"), herd.create_on(1, name="twin")
    for agent in herd.agents:
        until(lambda agent=agent: agent.verb("inspect-container", id="twin").status == 409, 30)
        error = agent.verb("inspect-container", id="twin").json["error"]
        assert first[:12] in error and second[:12] in error
        assert "host1" in error and "host2" in error


def test_an_image_that_nobody_has_is_said_to_be_missing(herd):
    reply = herd[0].verb("create-container", image="nosuch:1")
    assert reply.status >= 400 and "nosuch:1" in reply.json["error"], reply
    assert herd.counts() == [0, 0, 0]
