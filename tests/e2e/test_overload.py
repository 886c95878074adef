"""Ten times of what an agent takes: it serves what it can, refuses the rest at once, and the herd
does not notice."""

import threading
import time

import pytest

from flood import allow_descriptors, offer, offer_for, verb
from herdlab import LoopbackHerd, until
from herdlab.lab import herd_is_whole

BOUND = 64  # Requests at once, of the third agent.
OFFERED = 10 * BOUND
# base/limits.hpp
REQUESTS_TO_PEER = 512
DAEMON_CALLS = 128 + 512  # Under way, and waiting for one of those to end.


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Three agents on loopback, of which the third has a low bound; `faults[i]` is the file that says
    what is wrong with the daemon of agent i."""
    allow_descriptors(8192)
    folder = tmp_path_factory.mktemp("faults")
    faults = [folder / f"node{number}" for number in (1, 2, 3)]
    patch = pytest.MonkeyPatch()
    # Freed memory is given back soon, so that what is held shows.
    patch.setenv("ASAN_OPTIONS", "quarantine_size_mb=4:malloc_context_size=2")
    with LoopbackHerd(3, conf={"taskTimeout": 8_000},
                      daemons=[("--faults", str(path)) for path in faults]) as herd:
        patch.undo()
        herd.faults = faults
        third = herd.agents[2]
        third.conf["limits"] = {"requests": BOUND}
        assert third.stop() == 0
        third.start()
        herd_is_whole(herd.agents)
        yield herd
        codes = [agent.stop() for agent in herd.agents]
        assert codes == [0] * 3, [agent.log_text()[-3000:] for agent in herd.agents]


class Calm:
    """While it lasts, every agent says of every other that it is well, whenever it answers."""

    def __init__(self, agents):
        self._agents = agents
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.looks = {agent.name: 0 for agent in agents}
        self.faults = []

    def __enter__(self):
        self._losses = self._count_losses()
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._ended.set()
        self._thread.join()
        if kind is None:
            assert not self.faults, self.faults[:5]
            assert self._count_losses() == self._losses, "a peer was taken for lost"

    def _count_losses(self):
        return [agent.log_text().count("peer lost") for agent in self._agents]

    def _watch(self):
        while not self._ended.is_set() or not all(self.looks.values()):
            for agent in self._agents:
                reply = agent.verb("list-nodes", timeout_seconds=60)
                if reply.status == 503:  # It is the one that is asked too much.
                    continue
                self.looks[agent.name] += 1
                states = {row["hostname"]: (row["state"], row.get("error"))
                          for row in reply.json["nodes"]}
                wanted = {each.name: ("in the pool", None) for each in self._agents}
                if states != wanted:
                    self.faults.append((agent.name, states))
            time.sleep(0.1)


def create_on(herd, index):
    """A container of that agent's daemon; every agent knows it."""
    reply = herd.agents[0].request(
        "POST", "/containers/create", f'{{"Image":"busybox","Env":["constraint:node==node{index + 1}"]}}',
        {"Content-Type": "application/json"})
    assert reply.status == 201, reply
    identifier = reply.json["Id"]
    for agent in herd.agents:
        until(lambda agent=agent: agent.verb("inspect-container", id=identifier).status == 200, 60)
    return identifier


def refused_at_once(answers, count):
    """So many at least are refused before the first of the others has its answer; returns those.
    (Of the others some may not get their turn in time, which is a 503, too.)"""
    others = [answer for answer in answers if not answer.refused]
    assert others and {answer.reply.status for answer in others} <= {200, 304, 504}
    first = min(answer.ended for answer in others)
    refused = [answer for answer in answers if answer.refused and answer.ended < first]
    assert len(refused) >= count, (len(refused), [answer.reply for answer in answers[:5]])
    for answer in refused:
        assert int(answer.reply.headers["Retry-After"]) >= 1, answer.reply.headers
        assert answer.reply.json["error"]
    return refused


def test_ten_times_what_an_agent_answers_is_served_in_part_and_refused_in_part(crowd):
    own, other = create_on(crowd, 2), create_on(crowd, 0)
    crowd.faults[2].write_text("slow:6000 /start\n")
    try:
        with Calm(crowd.agents):
            answers = offer(*[(crowd.agents[2], *verb("start-container", id=own))] * OFFERED)
            assert crowd.agents[0].verb("inspect-container", id=other).status == 200
    finally:
        crowd.faults[2].unlink()
    refused_at_once(answers, OFFERED - BOUND - 8)
    assert sum(not answer.refused for answer in answers) <= BOUND
    assert crowd.agents[2].verb("start-container", id=own).status == 200


def test_one_peer_is_given_so_much_and_what_is_more_is_refused_at_once(crowd):
    slow, other = create_on(crowd, 1), create_on(crowd, 2)
    crowd.faults[1].write_text("slow:6000 /start\n")
    asked = REQUESTS_TO_PEER + 128
    try:
        with Calm(crowd.agents):
            result = []
            flood = threading.Thread(target=lambda: result.extend(
                offer(*[(crowd.agents[0], *verb("start-container", id=slow))] * asked)))
            flood.start()
            # Through the very agent that is asked so much, and of another host.
            while flood.is_alive():
                assert crowd.agents[0].verb("inspect-container", id=other).status == 200
                time.sleep(0.2)
            flood.join()
    finally:
        crowd.faults[1].unlink()
    assert all("node2" in answer.reply.text for answer in refused_at_once(result, 128))


def test_one_daemon_is_asked_so_much_and_what_is_more_is_refused_at_once(crowd):
    slow, other = create_on(crowd, 1), create_on(crowd, 2)
    crowd.faults[1].write_text("slow:6000 /start\n")
    asked = DAEMON_CALLS + 128
    try:
        with Calm(crowd.agents):
            answers = offer(*[(crowd.agents[1], *verb("start-container", id=slow))] * asked)
            assert crowd.agents[1].verb("inspect-container", id=other).status == 200
    finally:
        crowd.faults[1].unlink()
    assert all("node2" in answer.reply.text for answer in refused_at_once(answers, 128))


def test_a_flood_of_all_kinds_leaves_memory_flat_and_the_herd_calm(crowd):
    target = crowd.agents[2]
    ids = [create_on(crowd, index) for index in (0, 2)]
    kinds = {
        "list": verb("list-containers", all=True),
        "docker list": ("GET", "/containers/json?all=1", ""),
        "inspect of a peer's": verb("inspect-container", id=ids[0]),
        "create": verb("create-container", image="busybox", start=False),
        "own inspect": ("GET", f"/containers/{ids[1]}/json", "")}
    names = [name for name in kinds if name != "create"]
    turns = [0] * OFFERED

    def next_request(number):
        turns[number] += 1
        # What is created makes every list longer: by one client of ten.
        kind = names[(number + turns[number]) % len(names)] if number % 10 else "create"
        return kind, (target, *kinds[kind])

    resident = []
    ended = threading.Event()

    def measure():
        while not ended.wait(0.2):
            resident.append([agent.resident_bytes() for agent in crowd.agents])

    meter = threading.Thread(target=measure)
    meter.start()
    with Calm(crowd.agents):
        answers = offer_for(6, OFFERED, next_request)
    ended.set()
    meter.join()
    for kind in kinds:
        statuses = [answer.reply.status for said, answer in answers if said == kind]
        assert set(statuses) <= {200, 503}, (kind, set(statuses))
        assert 200 in statuses and 503 in statuses, (kind, set(statuses))
    assert all(answer.reply.headers["Retry-After"] for _, answer in answers if answer.refused)
    half = len(resident) // 2
    for index, agent in enumerate(crowd.agents):
        first, second = resident[:half], resident[half:]
        grown = max(row[index] for row in second) - max(row[index] for row in first)
        assert grown < 48 << 20, (agent.name, [row[index] >> 20 for row in resident])
