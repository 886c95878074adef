"""Bulks are spread evenly, and every item is accounted for."""

import json
import threading

import pytest

from herdlab import until


def spread_of(herd):
    counts = herd.counts()
    return max(counts) - min(counts)


@pytest.mark.parametrize("through", (0, 1, 2))
def test_a_bulk_of_thirty_gives_each_host_ten(herd, through):
    reply = herd[through].verb("create-container", template="test", instances=30, start=True)
    assert reply.status == 200, reply
    assert reply.json["summary"] == {"asked": 30, "created": 30, "failed": 0, "unknown": 0}
    assert len(reply.json["containers"]) == 30
    assert herd.counts() == [10, 10, 10]
    ids = {envelope["Response"]["Body"]["Id"] for envelope in reply.json["containers"]}
    assert len(ids) == 30
    assert set(herd.list(herd[through])) == ids  # Its own writes are seen at once.
    for agent in herd.agents:
        until(lambda agent=agent: set(herd.list(agent)) == ids, 30)
    running = [len(host.docker("ps", "-q").split()) for host in herd.hosts]
    assert running == [10, 10, 10]


def test_remainders_of_bulks_and_single_creates_even_out(herd):
    for step, instances in enumerate((4, 1, 2, 5, 1, 1, 7, 2, 1)):
        fields = {"template": "test"} | ({"instances": instances} if instances > 1 else {})
        reply = herd[step % 3].verb("create-container", **fields)
        assert reply.status == 200, reply
        assert spread_of(herd) <= 1, herd.counts()


def test_a_remainder_goes_where_fewest_are_whoever_made_them(herd):
    for _ in range(4):
        herd.create_on(0, start=False)
    until(lambda: len(herd.list(herd[1])) == 4, 30)
    assert herd[1].verb("create-container", template="test", instances=8).status == 200
    assert herd.counts() == [6, 3, 3]
    assert herd[2].verb("create-container", template="test").status == 200
    assert herd[2].verb("create-container", template="test").status == 200
    assert herd.counts() == [6, 4, 4]


def test_containers_of_a_bulk_carry_labels_of_template_and_bulk(herd):
    reply = herd[0].verb("create-container", template="test", instances=3)
    assert reply.status == 200, reply
    bulks = set()
    for host in herd.hosts:
        found = json.loads(host.docker("inspect", host.docker("ps", "-aq")))[0]
        labels = found["Config"]["Labels"]
        assert "test" in labels.values(), labels
        bulks.add(next(value for key, value in labels.items() if "bulk" in key))
    assert len(bulks) == 1


def names_on(host):
    return set(host.docker("ps", "-a", "--format", "{{.Names}}").split())


def test_a_name_taken_on_one_host_is_a_conflict_for_all(herd):
    # A name is not a reason to try elsewhere silently, and the other two are made all the same.
    taken = herd.create_on(1, name="taken-1", start=False)
    until(lambda: taken in herd.list(herd[0]), 30)
    reply = herd[0].verb("create-container", template="test", instances=3, name="taken-{n}")
    assert reply.status == 207, reply
    assert reply.json["summary"] == {"asked": 3, "created": 2, "failed": 1, "unknown": 0}
    (failed,) = [each for each in reply.json["containers"] if each["statusCode"] >= 400]
    assert failed["statusCode"] == 409 and "taken-1" in failed["error"], failed
    everywhere = [name for host in herd.hosts for name in names_on(host)]
    assert sorted(everywhere) == ["taken-1", "taken-2", "taken-3"]
    assert "taken-1" in names_on(herd.hosts[1])


BULK = 60


def crash_in_the_middle(herd):
    """Begins a bulk, kills the daemon of host 2 while it works at its share, and returns the reply
    and how many containers host 2 then has."""
    replies = []
    bulk = threading.Thread(target=lambda: replies.append(
        herd[0].verb("create-container", template="test", instances=BULK, start=True,
                     timeout_seconds=180)))
    bulk.start()
    until(lambda: len(herd.hosts[1].docker("ps", "-aq").split()) >= 3, 60, interval=0)
    herd.hosts[1].crash_dockerd()
    bulk.join()
    herd.repair()
    return replies[0], herd.counts()[1]


def test_a_bulk_never_creates_more_than_asked_when_a_daemon_dies_in_the_middle(breakable_herd):
    herd = breakable_herd
    for _ in range(5):  # Until the daemon died when its share was begun and not complete.
        herd.repair()
        herd.empty()
        reply, on_the_dead = crash_in_the_middle(herd)
        summary = reply.json["summary"]
        assert summary["created"] + summary["failed"] + summary["unknown"] == BULK, summary
        assert summary["asked"] == len(reply.json["containers"]) == BULK
        made = sum(herd.counts())
        assert made <= BULK, (summary, herd.counts())
        # Whatever is there was reported as made, or as unknown; and what was made is there.
        assert summary["created"] <= made <= summary["created"] + summary["unknown"], (
            summary, herd.counts())
        # The others took what was certainly not made; only what is unknown is missing.
        assert summary["failed"] == 0, reply
        unknown = [each for each in reply.json["containers"] if each["statusCode"] >= 400]
        assert len(unknown) == summary["unknown"]
        assert all(each["dockerInstance"] == "host2" for each in unknown), unknown
        if 0 < on_the_dead < BULK // 3:
            return
    raise AssertionError("the daemon never died in the middle of its share")
