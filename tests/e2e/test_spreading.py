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
        until(lambda agent=agent: set(herd.list(agent)) == ids, 5)
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
    until(lambda: len(herd.list(herd[1])) == 4, 5)
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


def test_what_one_host_refuses_is_reported_or_goes_to_others(herd):
    # The name is taken on host 2 only; a name is not a reason to try elsewhere silently.
    herd.create_on(1, name="taken-1", start=False)
    reply = herd[0].verb("create-container", template="test", instances=3, name="taken-{n}")
    assert reply.status in (200, 207), reply
    summary = reply.json["summary"]
    assert summary["created"] + summary["failed"] + summary["unknown"] == 3
    assert sum(herd.counts()) == 1 + summary["created"]


def test_a_bulk_never_creates_more_than_asked_when_a_daemon_dies_in_the_middle(breakable_herd):
    herd = breakable_herd
    replies = []
    bulk = threading.Thread(target=lambda: replies.append(
        herd[0].verb("create-container", template="test", instances=60, timeout_seconds=60)))
    bulk.start()
    until(lambda: herd.hosts[1].docker("ps", "-aq") != "", 10)
    herd.hosts[1].crash_dockerd()
    bulk.join(60)
    (reply,) = replies
    summary = reply.json["summary"]
    assert summary["created"] + summary["failed"] + summary["unknown"] == summary["asked"] == 60
    assert len(reply.json["containers"]) == 60
    herd.repair()
    made = sum(herd.counts())
    assert summary["created"] <= made <= 60, (summary, herd.counts())
    if summary["unknown"]:
        assert "host2" in reply.text
