"""A herd of one answers as its daemon does, but for the differences that are meant."""

import http.client
import json
import time

import pytest

from differential import Difference, Side, differences, view
from differential_calls import GROUPS
from differential_more_calls import MORE_GROUPS
from differential_table import DIFFERENCES
from herd import strip
from herdlab import Lab, until
from herdlab.daemon import UnixConnection, ask

MET = set()  # The differences of the table that some call has shown.
TRIES = 20  # For answers that become true a moment later.


class Pair:
    """A daemon alone, and one with an agent before it, with the same image."""

    def __init__(self, lab):
        self._hosts = lab.up(2)
        self._bare, self._herds = self._hosts
        status, saved = ask(self._bare.docker_socket, "GET", "/images/busybox:latest/get")
        assert status == 200
        strip(self._herds.docker_socket)
        status, said = ask(self._herds.docker_socket, "POST", "/images/load", saved)
        assert status == 200, said
        strip(self._herds.docker_socket)  # What it had before is dangling now.
        [self.agent] = lab.start_agents([self._herds])
        until(lambda: len(self.agent.nodes()) == 1, 60)

    def sides(self):
        """Both without containers, networks and volumes."""
        for host in self._hosts:
            strip(host.docker_socket)
        until(lambda: self.agent.verb("list-containers", all=True).json["Response"]["Body"] == [], 60)
        return (Side(self._connect_bare, self._words(self._bare)),
                Side(self.agent.open_socket, self._words(self._herds)))

    def answers(self):
        try:
            return self.agent.get("/_ping").status == 200
        except (OSError, http.client.HTTPException):
            self.agent.reap()
            return False

    @staticmethod
    def _words(host):
        return [(rf"{host.directory}", "<directory>"), (rf"\b{host.name}\b", "<host>"),
                (rf"-h{host.number}\b", "-h<number>"), (rf"\b{host.address}\b", "<host's address>")]

    def _connect_bare(self):
        connection = UnixConnection(self._bare.docker_socket)
        connection.connect()
        return connection.sock


@pytest.fixture(scope="module")
def pair():
    with Lab() as lab:
        made = Pair(lab)
        yield made
        assert made.agent.stop() == 0


def compared(sides, call):
    """Where the answers differ; a patient call is asked again while they do."""
    for _ in range(TRIES if call.patient else 1):
        views = [view(side, call, side.ask(call)) for side in sides]
        found = differences(*views)
        if not found:
            break
    return found


class Report:
    """Differences that no line of the table explains, those of many calls as one."""

    def __init__(self):
        self._calls = {}

    def take(self, call, found):
        for path, bare, herd in found:
            reasons = [each for each in DIFFERENCES if each.explains(call, path, bare)]
            MET.update(reasons)
            if not reasons:
                self.add(call, f"{path}\n    daemon: {json.dumps(bare)[:500]}"
                               f"\n    herd:   {json.dumps(herd)[:500]}")

    def add(self, call, what):
        self._calls.setdefault(what, []).append(call.name[:200])

    def __bool__(self):
        return bool(self._calls)

    def __str__(self):
        return "".join(f"\n{what}\n    {len(calls)} times: {'; '.join(calls[:4])}"
                       for what, calls in self._calls.items())


@pytest.mark.parametrize("group", GROUPS + MORE_GROUPS, ids=lambda group: group.__name__)
def test_a_herd_of_one_answers_as_its_daemon(pair, group):
    sides = pair.sides()
    report = Report()
    for call in group():
        found = compared(sides, call)
        if found and call.method == "GET":
            # Daemons write logs, and notice ends, a moment after they have answered.
            time.sleep(0.5)
            found = compared(sides, call)
        if found and not pair.answers():
            report.add(call, f"The agent ended:\n{pair.agent.log_text()[-1500:]}")
            pair.agent.start()
        else:
            report.take(call, found)
    assert not report, str(report)


def test_every_difference_of_the_table_is_still_one(request):
    if not all(f"[{group.__name__}]" in "".join(item.name for item in request.session.items)
               for group in GROUPS + MORE_GROUPS):
        pytest.skip("only with all groups")
    stale = [each.reason for each in DIFFERENCES if each not in MET]
    assert not stale, stale


def test_there_are_a_few_hundred_calls():
    names = [call.name for group in GROUPS + MORE_GROUPS for call in group()]
    assert len(names) > 500


def test_what_differs_is_found():
    found = differences({"a": [1, {"b": True}], "c": "x"}, {"a": [1, {"b": 1}], "d": "x"})
    assert found == [("/a/1/b", True, 1), ("/c", "x", "<absent>"), ("/d", "<absent>", "x")]
    assert differences([1, 2], [1]) == [("", [1, 2], [1])]
    meant = Difference(r"^GET /x", r"/body/\w+$", "a reason")
    call = type("Named", (), {"name": "GET /x?y"})
    assert meant.explains(call, "/body/a", 1) and not meant.explains(call, "/body/a/b", 1)
    added = Difference("GET", "/x", "a reason", added=True)
    assert added.explains(call, "/x", "<absent>") and not added.explains(call, "/x", 1)
