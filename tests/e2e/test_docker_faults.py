"""Agents, daemons, hosts and cables break under Docker's clients; what is left answers and says so."""

import http.client
import json
import tarfile
import time

import pytest

from docker_cli import Cli, on
from herd import lists_as_lost
from herdlab import throughout, until
from raw_http import RawClient

COUNTS = "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done"
# A call for a container of a host that is down fails within its deadline; nobody waits longer.
DEADLINE = 30


@pytest.fixture
def docker(breakable_herd, tmp_path):
    """Asks the second host; there is a counting container on the first, and one on the third."""
    herd = breakable_herd
    herd.strip()
    cli = Cli(herd[1], tmp_path)
    for name, host in (("box", herd.hosts[0]), ("other", herd.hosts[2])):
        cli("run", "-d", *on(host), "--network", "none", "--name", name, "busybox", "sh", "-c", COUNTS)
    return cli


def fails_naming(docker, host, *arguments):
    """The command ends in time, with an error that names the host."""
    ended = docker(*arguments, check=False, timeout=DEADLINE)
    assert ended.code != 0 and host in ended.err, ended
    return True


def still_serves(docker):
    """What is left does its work."""
    assert docker("exec", "other", "echo", "fine").out == "fine\n"
    created = docker("run", "-d", "--network", "none", "busybox", "true", timeout=60)
    assert len(created.text) == 64
    return True


# The owner's agent dies ---------------------------------------------------------------------------

def test_the_owner_s_death_ends_logs_with_an_error(docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("logs", "-f", "box") as logs:
        logs.expect_lines(5)
        herd[0].kill()
        assert logs.wait(DEADLINE) != 0, "what was cut off must not look complete"
    assert still_serves(docker)
    fails_naming(docker, "host1", "logs", "box")
    herd[0].start()
    until(lambda: docker("logs", "--tail", "1", "box", check=False).code == 0, 60)
    with docker.begin("logs", "-f", "--tail", "0", "box") as logs:
        logs.expect_lines(3)  # It has counted on.


def test_the_owner_s_death_ends_exec_with_an_error(docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("exec", "-i", "box", "sh", "-c", COUNTS, stdin=True) as running:
        running.expect("tick 3")
        herd[0].kill()
        assert running.wait(DEADLINE) != 0
    assert still_serves(docker)
    fails_naming(docker, "host1", "exec", "box", "true")


def test_the_owner_s_death_ends_cp_with_an_error(docker, breakable_herd, tmp_path):
    herd = breakable_herd
    docker("exec", "box", "truncate", "-s", "3G", "/tmp/large")
    with docker.begin("cp", "box:/tmp/large", tmp_path / "large") as copying:
        until(lambda: (tmp_path / "large").exists()
              and (tmp_path / "large").stat().st_size > 1 << 20 or any(
                  each.stat().st_size > 1 << 20 for each in tmp_path.glob("*large*")), 60,
              what="the copy has begun")
        herd[0].kill()
        ended = copying.outcome(DEADLINE)
    assert ended.code != 0 and ended.err, ended
    assert still_serves(docker)


def test_the_owner_s_death_ends_an_upload_with_an_error(docker, breakable_herd):
    herd = breakable_herd
    entry = tarfile.TarInfo("large")
    entry.size = 1 << 30
    with docker.begin("cp", "-", "box:/tmp", stdin=True) as copying:
        copying.write(entry.tobuf() + bytes(5 << 20))  # The rest never comes.
        time.sleep(1)
        assert copying.alive
        herd[0].kill()
        try:
            copying.write(bytes(5 << 20))
        except BrokenPipeError:
            pass
        assert copying.wait(DEADLINE) != 0
    assert still_serves(docker)


def test_the_owner_s_death_ends_wait_and_attach(docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("wait", "box") as waiting, docker.begin(
            "attach", "--no-stdin", "--sig-proxy=false", "box") as attached:
        attached.expect("tick")
        herd[0].kill()
        assert waiting.wait(DEADLINE) != 0
        attached.wait(DEADLINE)


# The owner's daemon dies --------------------------------------------------------------------------

def test_the_daemon_s_death_ends_its_streams_and_its_return_is_noticed(docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("logs", "-f", "box") as logs, docker.begin(
            "exec", "box", "sh", "-c", COUNTS) as running:
        logs.expect_lines(3)
        running.expect("tick 3")
        herd.hosts[0].crash_dockerd()
        assert logs.wait(DEADLINE) != 0
        assert running.wait(DEADLINE) != 0
    fails_naming(docker, "host1", "exec", "box", "true")
    assert still_serves(docker)
    herd.hosts[0].restart_dockerd()
    until(lambda: docker("start", "box", check=False).code == 0, 60)
    assert docker("exec", "box", "echo", "again").out == "again\n"


# The asked node dies ------------------------------------------------------------------------------

def test_the_asked_node_s_death_ends_the_program_that_it_ran(docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("exec", "-i", "box", "cat", stdin=True) as running:
        running.write("said\n")
        running.expect("said\n")
        assert " cat" in herd.hosts[0].docker("top", "box")
        herd[1].kill()
        assert running.wait(DEADLINE) != 0
    until(lambda: " cat" not in herd.hosts[0].docker("top", "box"), DEADLINE,
          what="the program's input has ended")
    assert docker.asking(herd[2])("exec", "box", "echo", "fine").out == "fine\n"


def test_an_asked_node_that_stops_ends_its_streams_in_an_orderly_way(docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("logs", "-f", "box") as logs, docker.begin("events") as events:
        logs.expect_lines(2)
        assert herd[1].stop() == 0
        logs.wait(DEADLINE)
        events.wait(DEADLINE)


# Cables -------------------------------------------------------------------------------------------

def test_a_stream_survives_a_cable_that_was_out_for_a_moment(docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("logs", "-f", "box") as logs, docker.begin(
            "exec", "-i", "box", "cat", stdin=True) as running:
        logs.expect_lines(5)
        running.write("before\n")
        running.expect("before\n")
        herd.hosts[0].cut()
        time.sleep(3)
        herd.hosts[0].heal()
        running.write("after\n")
        running.expect("after\n")
        seen = len(logs.lines)
        lines = logs.expect_lines(seen + 20)
        assert lines == [f"tick {number}" for number in range(1, len(lines) + 1)], "none is missing"


def test_a_stream_over_a_cable_that_stays_out_ends_also_while_something_is_on_its_way(
        docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("logs", "-f", "box") as silent, docker.begin(
            "exec", "-i", "box", "cat", stdin=True) as talking:
        silent.expect_lines(5)
        talking.write("before\n")
        talking.expect("before\n")
        herd.hosts[0].cut()
        talking.write("after\n")  # Is never acknowledged.
        assert talking.wait(60) != 0
        assert silent.wait(60) != 0


def test_calls_for_a_host_that_is_cut_off_fail_in_time_and_name_it(docker, breakable_herd):
    herd = breakable_herd
    herd.hosts[0].cut()
    for arguments in (("exec", "box", "true"), ("stop", "-t", "0", "box"), ("kill", "box"),
                      ("cp", "box:/etc/passwd", "-"), ("logs", "box"), ("top", "box")):
        fails_naming(docker, "host1", *arguments)
    assert still_serves(docker)
    herd.hosts[0].heal()
    until(lambda: docker("exec", "box", "echo", "back", check=False).out == "back\n", 60)


# Merged answers -----------------------------------------------------------------------------------

MERGED = ("/containers/json", "/images/json", "/networks", "/volumes", "/info", "/system/df")


@pytest.mark.parametrize("target", MERGED)
def test_a_merged_answer_without_a_host_says_so(docker, breakable_herd, target):
    herd = breakable_herd
    for asked in (1, 2):
        assert "Warning" not in herd[asked].get(target).headers
    herd[0].kill()
    for asked in (1, 2):
        until(lambda asked=asked: lists_as_lost(herd[asked], "host1"), 30)
        reply = herd[asked].get(target, timeout=DEADLINE)
        assert reply.status == 200, reply
        assert "host1" in reply.headers.get("Warning", ""), reply.headers
        assert reply.json or reply.json == []
    if target == "/containers/json":
        assert [entry["Labels"]["dockherd.node"] for entry in reply.json] == ["host3"]


def test_info_shows_a_lost_host_as_unhealthy(docker, breakable_herd):
    herd = breakable_herd
    herd.hosts[0].off()
    text = until(lambda: [text for text in [docker("info").out] if "Unhealthy" in text], 60)[0]
    assert "Nodes: 3" in text
    part = text[text.index(" host1: "):]
    assert "Status: Unhealthy" in part[:part.index(" host2: ")]
    # It is not said to be gone: with that, `rm -f` would end well.
    for arguments in (("rm", "-f", "box"), ("inspect", "--type", "container", "box")):
        fails_naming(docker, "host1", *arguments)


def test_a_list_is_asked_for_in_vain_of_a_host_whose_daemon_is_down(docker, breakable_herd):
    herd = breakable_herd
    herd.hosts[0].crash_dockerd()

    def warned():
        reply = herd[1].get("/images/json", timeout=DEADLINE)
        return reply.status == 200 and "host1" in reply.headers.get("Warning", "")

    until(warned, 60)
    assert docker("ps", timeout=DEADLINE).code == 0


# Events -------------------------------------------------------------------------------------------

def test_the_stream_of_events_tells_of_hosts_that_die_and_return(docker, breakable_herd):
    herd = breakable_herd
    with docker.begin("events", "--format", "{{json .}}") as events:
        time.sleep(1)
        herd[0].kill()
        until(lambda: [line for line in events.lines if json.loads(line)["Type"] == "node"
                       and "host1" in line], 60, what="the loss of host1")
        herd.hosts[0].docker("run", "--rm", "--network", "none", "--name", "meanwhile", "busybox",
                             "true")
        herd[0].start()
        docker.asking(herd[0])("run", "--rm", *on(herd.hosts[0]), "--network", "none", "--name",
                               "later", "busybox", "true")
        for name in ("meanwhile", "later"):
            until(lambda name=name: any('"start"' in line and name in line
                                        for line in events.lines), 30, what=f"{name}'s event")
        assert events.alive


# Many at once -------------------------------------------------------------------------------------

def test_two_hundred_followers_of_another_host_s_logs(docker, breakable_herd):
    herd = breakable_herd
    clients = [RawClient(herd[1]) for _ in range(200)]
    try:
        for client in clients:
            client.head("GET", "/containers/box/logs?follow=1&stdout=1")
        for client in clients:
            assert client.read_head()[0] == 200
        for client in clients:
            assert b"tick" in client.read_until(b"\n\r\n")
        throughout(lambda: herd[1].get("/containers/other/json").status == 200, 1)
        herd[0].kill()
        for client in clients:
            assert not client.read_to_end().endswith(b"0\r\n\r\n"), "cut off, not complete"
    finally:
        for client in clients:
            client.socket.close()
    assert herd[1].get("/_ping").status == 200


def test_calls_while_agents_come_and_go_are_answered_or_refused(docker, breakable_herd):
    herd = breakable_herd
    answers = []
    for turn in range(3):
        herd[0].kill()
        for _ in range(10):
            try:
                answers.append(herd[1].get("/containers/box/json", timeout=DEADLINE).status)
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error))
        herd[0].start()
        until(lambda: herd[1].get("/containers/box/json").status == 200, 60, what=f"turn {turn}")
    assert all(isinstance(answer, int) for answer in answers), answers
    assert set(answers) <= {200, 404, 500, 502, 503, 504}, answers
