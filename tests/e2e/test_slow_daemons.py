"""Slow is not dead: a daemon that answers late, wrongly, by half or not at all, and one whose disk is
full. Whoever asks is told in time, with the host's name, and the other hosts go on."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from herd import SLEEP
from herdlab import LoopbackHerd, throughout, until
from herdlab.lab import herd_is_whole

# Longer than anybody is to wait: the daemon's 30 seconds.
SLOW = "slow:30000"
IN_TIME = 20
FAULTS = ("error", "lost", "half", "nonsense", "garbage")


@pytest.fixture(scope="module")
def fakes(tmp_path_factory):
    """Three agents; what is written to `faults` goes wrong with the second one's daemon."""
    faults = tmp_path_factory.mktemp("faults") / "node2"
    with LoopbackHerd(3, daemons=[(), ("--faults", str(faults)), ()],
                      conf={"newContainerTimeout": 5000}) as herd:
        herd.faults = faults
        herd_is_whole(herd.agents)
        yield herd
        codes = [agent.stop() for agent in herd.agents]
        assert codes == [0] * 3, [agent.log_text()[-3000:] for agent in herd.agents]


@pytest.fixture
def faulty(fakes):
    """The same; what was wrong is mended afterwards, and all are well again."""
    yield fakes
    fakes.faults.unlink(missing_ok=True)
    herd_is_whole(fakes.agents)


def body_on(host, **more):
    return {"Image": "busybox", "Env": [f"constraint:node=={host}"], **more}


def create_on(agent, host):
    """By Docker's API; returns the id, which the herd knows."""
    reply = agent.request("POST", "/containers/create", json.dumps(body_on(host)),
                          {"Content-Type": "application/json"})
    assert reply.status == 201, reply
    return reply.json["Id"]


def names_host(reply, *statuses):
    """An error that says in words and as a field whose it is."""
    assert reply.status in statuses, reply
    assert "node2" in reply.json["error"] or reply.json["dockerInstance"] == "node2", reply
    assert reply.json["error"], reply
    return True


def others_answer(herd, containers):
    """Each agent, the slow one's too, for the containers of the other hosts."""
    return all(agent.verb("inspect-container", id=container, timeout_seconds=IN_TIME).status == 200
               and agent.get(f"/containers/{container}/json", timeout=IN_TIME).status == 200
               for agent in herd.agents for container in containers)


def test_a_daemon_that_takes_half_a_minute_is_waited_for_in_bounds_and_is_not_dead(faulty):
    herd = faulty
    slow = create_on(herd.agents[0], "node2")
    others = [create_on(herd.agents[0], host) for host in ("node1", "node3")]
    until(lambda: others_answer(herd, [slow, *others]), 60)
    herd.faults.write_text(f"{SLOW} /start\n{SLOW} /create\n{SLOW} {slow}/json\n")
    with ThreadPoolExecutor(16) as pool:
        verbs = [pool.submit(agent.verb, action, id=slow, timeout_seconds=IN_TIME)
                 for agent in herd.agents for action in ("start-container", "inspect-container")]
        creates = [pool.submit(agent.verb, "create-container", timeout_seconds=IN_TIME,
                               body=body_on("node2")) for agent in herd.agents]
        # Whoever waits for the slow one is nobody else's concern, and nobody thinks that it is dead.
        throughout(lambda: others_answer(herd, others), 2)
        for agent in herd.agents:
            states = {name: row["state"] for name, row in agent.nodes().items()}
            assert set(states.values()) == {"in the pool"}, states
        assert all(names_host(each.result(), 504) for each in verbs)
        for each in creates:
            # Verbs take no placement rules: two thirds land on hosts that are quick.
            reply = each.result()
            assert reply.status == 200 or names_host(reply, 504), reply


@pytest.mark.parametrize("fault", FAULTS)
def test_whoever_asks_a_daemon_that_answers_wrongly_is_told_whose_it_is(faulty, fault):
    herd = faulty
    broken = create_on(herd.agents[0], "node2")
    others = [create_on(herd.agents[0], host) for host in ("node1", "node3")]
    until(lambda: others_answer(herd, [broken, *others]), 60)
    herd.faults.write_text(f"{fault} {broken}\n")
    for agent in herd.agents:
        for action in ("start-container", "stop-container", "inspect-container"):
            reply = agent.verb(action, id=broken, timeout_seconds=IN_TIME)
            if fault != "nonsense":  # Its status says that all went well.
                names_host(reply, 500, 502)
            assert reply.json["dockerInstance"] == "node2", reply
        reply = agent.get(f"/containers/{broken}/json", timeout=IN_TIME)
        if fault != "nonsense":
            assert reply.status >= 500 and reply.json["message"], reply
    if fault == "lost":
        names_host(agent.verb("delete-container", id=broken, force=True,
                              timeout_seconds=IN_TIME), 502)
    assert others_answer(herd, others)
    herd.faults.unlink()
    herd_is_whole(herd.agents)
    # What was lost had been done.
    for agent in herd.agents:
        until(lambda agent=agent: agent.verb("inspect-container", id=broken).status
              == (404 if fault == "lost" else 200), 30)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "lost"] + [SLOW])
def test_a_list_that_cannot_be_had_is_said_to_be_missing(faulty, fault):
    herd = faulty
    others = {create_on(herd.agents[0], host) for host in ("node1", "node3")}
    until(lambda: others_answer(herd, others), 60)
    herd.faults.write_text(f"{fault} /images/json\n")
    with ThreadPoolExecutor(6) as pool:
        verbs = [pool.submit(agent.verb, "list-images", all=True, timeout_seconds=IN_TIME)
                 for agent in herd.agents]
        lists = [pool.submit(agent.get, "/images/json", timeout=IN_TIME) for agent in herd.agents]
        for each in verbs:
            reply = each.result()
            assert reply.status == 200, reply
            assert [entry["dockerInstance"] for entry in reply.json["missing"]] == ["node2"], reply
        for each in lists:
            reply = each.result()
            assert reply.status == 200 and reply.json, reply
            assert "node2" in reply.headers["Warning"], reply.headers
    assert others_answer(herd, others)


def test_a_create_that_one_daemon_cannot_do_is_done_by_another(faulty):
    herd = faulty
    herd.faults.write_text("error /containers/create\n")
    with ThreadPoolExecutor(3) as pool:
        bulks = [pool.submit(agent.verb, "create-container", image="busybox", instances=6,
                             timeout_seconds=IN_TIME) for agent in herd.agents]
        for bulk in bulks:
            reply = bulk.result()
            assert reply.status == 200 and reply.json["summary"]["created"] == 6, reply
            assert {each["dockerInstance"] for each in reply.json["containers"]} == {"node1", "node3"}


# A disk that is full ------------------------------------------------------------------------------

@pytest.fixture
def full(breakable_herd):
    """The third host's daemon has a small disk, without a byte left; `free()` makes room again."""
    herd = breakable_herd
    host = herd.hosts[2]
    data = host.directory / "data"
    host.daemon.stop()
    host.run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", data)
    try:
        host.daemon.start()
        host.daemon.wait_until_up()
        host.daemon.import_busybox()
        herd.wait_until_whole()
        ballast = data / "ballast"

        def fill():
            host.run("sh", "-c", f"cat /dev/zero > {ballast}", check=False)

        herd.fill, herd.free = fill, lambda: host.run("rm", ballast)
        yield herd
    finally:
        host.remove_containers()
        host.daemon.stop()
        host.run("umount", data)
        host.daemon.start()
        host.daemon.wait_until_up()


def test_a_full_disk_is_said_by_name_and_the_other_hosts_take_what_is_new(full):
    herd = full
    there = herd.create_on(2)
    until(lambda: herd[0].verb("inspect-container", id=there).status == 200, 60)
    herd.fill()
    on_it = json.dumps({**SLEEP, "Env": ["constraint:node==host3"]})
    for agent in herd.agents:
        reply = agent.request("POST", "/containers/create", on_it,
                              {"Content-Type": "application/json"}, timeout=IN_TIME)
        assert reply.status >= 500, reply
        assert "host3" in reply.text and "no space left" in reply.text, reply
        # What is there still answers, and what may go elsewhere does.
        assert agent.verb("inspect-container", id=there).status == 200
        bulk = agent.verb("create-container", body=SLEEP, instances=4, timeout_seconds=60)
        assert bulk.status == 200 and bulk.json["summary"]["created"] == 4, bulk
        assert {each["dockerInstance"] for each in bulk.json["containers"]} == {"host1", "host2"}
        assert agent.nodes()["host3"]["state"] == "in the pool"
    herd.free()
    for agent in herd.agents:
        reply = agent.request("POST", "/containers/create", on_it,
                              {"Content-Type": "application/json"})
        assert reply.status == 201, reply
