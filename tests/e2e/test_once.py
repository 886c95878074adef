"""A create that is repeated under its Idempotency-Key never makes a second container."""

import concurrent.futures
import json
import threading
import time

from herd import SLEEP
from herdlab import until

HEADER = "Idempotency-Key"


def create(agent, key, instances=None, **fields):
    fields = fields or {"body": SLEEP}
    if instances:
        fields["instances"] = instances
    return agent.verb("create-container", key=key, **fields)


def ids(reply):
    entries = reply.json.get("containers", [reply.json])
    return {entry["Response"]["Body"]["Id"] for entry in entries if entry["statusCode"] == 201}


def made(herd, key):
    """Ids of the containers that daemons have under the key."""
    return [identity for host in herd.hosts
            for identity in host.docker("ps", "-aq", "--no-trunc", "--filter",
                                        f"label=dockherd.idempotency-key={key}").split()]


def test_a_repeat_through_any_node_is_answered_with_the_same_container(herd):
    first = create(herd[0], "one")
    assert first.status == 200, first
    for agent in herd.agents:
        again = create(agent, "one")
        assert again.status == 200 and ids(again) == ids(first), again
        assert again.json["repeated"] is True
    assert len(made(herd, "one")) == 1


def test_a_bulk_that_is_repeated_is_completed(herd):
    first = create(herd[0], "bulk", instances=9)
    assert len(ids(first)) == 9, first
    gone = made(herd, "bulk")[:4]
    for identity in gone:
        herd.agents[1].verb("delete-container", id=identity, force=True)
    again = create(herd[2], "bulk", instances=9)
    assert again.json["summary"]["created"] == 9, again
    assert len(made(herd, "bulk")) == 9
    assert set(made(herd, "bulk")) == ids(again)


def test_the_header_does_the_same_for_verbs_and_for_dockers_create(herd):
    verb = json.dumps({"action": "create-container", "body": SLEEP})
    replies = [agent.request("POST", "/", verb, {HEADER: "verb"}) for agent in herd.agents]
    assert len({frozenset(ids(reply)) for reply in replies}) == 1, replies
    assert len(made(herd, "verb")) == 1
    body = json.dumps(SLEEP)
    headers = {HEADER: "docker", "Content-Type": "application/json"}
    replies = [agent.request("POST", "/containers/create?name=web", body, headers)
               for agent in herd.agents]
    assert [reply.status for reply in replies] == [201] * 3, replies
    assert len({reply.json["Id"] for reply in replies}) == 1
    assert len(made(herd, "docker")) == 1


def test_another_request_under_the_key_is_refused(herd):
    assert create(herd[0], "same").status == 200
    other = create(herd[1], "same", body=SLEEP, name="other")
    assert other.status == 422 and "another request" in other.json["error"], other


def test_a_key_that_is_no_key_is_named(herd):
    wrong = create(herd[0], "a b")
    assert wrong.status == 400 and wrong.json["field"] == "key", wrong


def test_many_repeats_at_once_make_one(herd):
    def attempt(number):
        for _ in range(100):
            reply = create(herd[number % 3], "race", instances=3)
            if reply.status != 409:
                return reply
            time.sleep(0.1)
        raise AssertionError("refused for too long")

    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        replies = list(pool.map(attempt, range(9)))
    assert all(reply.status == 200 for reply in replies), replies
    assert len({frozenset(ids(reply)) for reply in replies}) == 1
    assert len(made(herd, "race")) == 3


def test_after_a_lost_answer_and_a_restart_of_the_asked_agent(breakable_herd):
    """The asked agent is killed in the middle of a bulk; the client asks another one."""
    herd = breakable_herd
    done = threading.Event()

    def first():
        try:
            create(herd[0], "cut", instances=30)
        except OSError:
            pass
        done.set()

    threading.Thread(target=first, daemon=True).start()
    until(lambda: len(made(herd, "cut")) >= 3, 30, what="some are made")
    herd[0].kill()
    done.wait(30)
    herd[0].start()
    herd.wait_until_whole()

    def complete():
        reply = create(herd[1], "cut", instances=30)
        assert reply.status == 200, reply
        return True

    until(complete, 60, what="the bulk is complete")
    assert len(made(herd, "cut")) == 30


def test_a_slow_owner_is_not_given_a_second_one_elsewhere(breakable_herd):
    """The daemon that was given the create hangs: until it answers nothing can be known."""
    herd = breakable_herd
    daemon = herd.hosts[1].daemon
    herd[1].verb("register")
    for agent in (herd[0], herd[2]):
        agent.verb("unregister")  # So that it goes there.
    daemon.pause()
    try:
        first = create(herd[0], "slow")
        assert first.status in (503, 504), first
        for agent in (herd[0], herd[2]):
            agent.verb("register")
        again = create(herd[2], "slow")
        assert again.status == 503 and herd.hosts[1].name in again.json["error"], again
        assert made_elsewhere(herd, "slow") == []
    finally:
        daemon.resume()

    def one():
        reply = create(herd[2], "slow")
        assert reply.status == 200, reply
        return True

    until(one, 60, what="it is made")
    assert len(made(herd, "slow")) == 1


def made_elsewhere(herd, key):
    return [host.name for number, host in enumerate(herd.hosts) if number != 1
            and host.docker("ps", "-aq", "--filter", f"label=dockherd.idempotency-key={key}")]
