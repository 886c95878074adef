"""The docker command for single containers of another host: what changes and what describes them."""

import json
import re
import time

import pytest

from docker_cli import on
from herdlab import client, throughout, until


def started(docker, herd, *command, name="subject", options=("--network", "none")):
    command = command or ("sleep", "3600")
    docker("run", "-d", *on(herd.hosts[0]), "--name", name, "--stop-timeout", "1", *options,
           "busybox", *command)
    return name


def state(docker, name, field="Status"):
    return docker("inspect", "-f", f"{{{{.State.{field}}}}}", name).text


def truth(herd, name):
    """The container as its own daemon knows it."""
    return json.loads(herd.hosts[0].docker("inspect", name))[0]


# What changes them --------------------------------------------------------------------------------

def test_kill_sends_the_signal_that_is_asked_for(docker, herd):
    name = started(docker, herd, "sh", "-c",
                   "trap 'echo USR1' USR1; trap 'exit 12' HUP; echo up; while :; do sleep 0.1; done")
    until(lambda: "up" in docker("logs", name).out, 30)
    assert docker("kill", "-s", "USR1", name).out == f"{name}\n"
    until(lambda: "USR1" in docker("logs", name).out, 30)
    docker("kill", "--signal", "HUP", name)
    assert docker("wait", name).out == "12\n"


def test_stop_waits_as_long_as_asked_and_kills_then(docker, herd):
    name = started(docker, herd, "sh", "-c",
                   "trap 'sleep 0.5; exit 33' TERM; echo up; while :; do sleep 0.1; done")
    until(lambda: "up" in docker("logs", name).out, 30)
    docker("stop", "-t", "30", name)
    assert state(docker, name, "ExitCode") == "33"
    stubborn = started(docker, herd, name="stubborn")
    docker("stop", "-t", "1", stubborn)
    assert state(docker, stubborn, "ExitCode") == "137"


def test_start_stop_and_restart_are_seen_in_the_state(docker, herd):
    name = started(docker, herd)
    before = truth(herd, name)["State"]["StartedAt"]
    docker("restart", "-t", "0", name)
    assert state(docker, name) == "running"
    assert truth(herd, name)["State"]["StartedAt"] != before
    docker("stop", "-t", "0", name)
    assert state(docker, name) == "exited" and not docker("ps", "-q").lines
    assert docker("start", name).out == f"{name}\n"
    assert state(docker, name) == "running" and len(docker("ps", "-q").lines) == 1


def test_pause_and_unpause(docker, herd):
    name = started(docker, herd)
    docker("pause", name)
    assert state(docker, name) == "paused" and "(Paused)" in docker("ps").out
    again = docker("pause", name, check=False)
    assert again.code == 1 and "is already paused" in again.err
    docker("unpause", name)
    assert state(docker, name) == "running" and "(Paused)" not in docker("ps").out


def test_a_renamed_container_answers_to_the_new_name_only(docker, herd):
    name = started(docker, herd)
    docker("rename", name, "renamed")
    assert state(docker, "renamed") == "running"
    assert truth(herd, "renamed")["Name"] == "/renamed"
    until(lambda: docker("inspect", name, check=False).code == 1, 30)
    other = started(docker, herd, name="other")
    taken = docker("rename", other, "renamed", check=False)
    assert taken.code == 1 and "already in use" in taken.err


def test_update_changes_the_limits(docker, herd):
    name = started(docker, herd)
    docker("update", "--cpu-shares", "333", "--memory", "64m", "--memory-swap", "64m",
           "--restart", "on-failure:4", name)
    config = truth(herd, name)["HostConfig"]
    assert (config["CpuShares"], config["Memory"]) == (333, 64 << 20)
    assert config["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 4}


def test_rm_takes_a_running_one_only_by_force(docker, herd):
    name = started(docker, herd)
    refused = docker("rm", name, check=False)
    assert refused.code == 1 and "You cannot remove a running container" in refused.err
    assert docker("rm", "-f", name).out == f"{name}\n"
    assert herd.hosts[0].docker("ps", "-aq") == ""
    until(lambda: not docker("ps", "-aq").lines, 30)


def test_several_names_in_one_command_each_get_their_answer(docker, herd):
    names = [started(docker, herd, name=f"each{number}") for number in range(3)]
    ended = docker("kill", *names[:2], "nobody", names[2], check=False)
    assert ended.code == 1 and sorted(ended.lines) == names
    assert "No such container: nobody" in ended.err


# What describes them ------------------------------------------------------------------------------

def test_top_lists_the_processes(docker, herd):
    name = started(docker, herd, "sh", "-c", "sleep 3601 & sleep 3602; true")
    until(lambda: len(docker("top", name).lines) == 4, 30)
    lines = docker("top", name).lines
    assert lines[0].split()[:3] == ["UID", "PID", "PPID"]
    assert {line.split()[-1] for line in lines[2:]} <= {"3601", "3602"}
    assert docker("top", name, "-o", "pid,args").lines[0].split() == ["PID", "COMMAND"]


def test_stats_once_has_a_line_for_each_running_container(docker, herd):
    names = [started(docker, herd, name=f"measured{number}") for number in range(2)]
    lines = docker("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}").lines
    assert sorted(line.split("/")[-1] for line in lines) == [f"{name} 1" for name in names]
    single = docker("stats", "--no-stream", "--format", "{{.Container}} {{.MemUsage}}", names[0])
    assert re.match(r"measured0 [\d.]+[KM]iB / ", single.out), single


def test_stats_go_on_until_they_are_ended(docker, herd):
    name = started(docker, herd)
    with docker.begin("stats", "--format", "{{.Container}} {{.PIDs}}", name) as stats:
        until(lambda: stats.out.count(f"{name} 1") >= 3, 60, what="three rounds")
        assert stats.alive


def test_diff_tells_what_was_added_changed_and_deleted(docker, herd):
    name = started(docker, herd)
    docker("exec", name, "sh", "-c", "echo x > /tmp/new; echo y >> /etc/passwd; rm /etc/group")
    lines = docker("diff", name).lines
    assert {"A /tmp/new", "C /etc/passwd", "D /etc/group"} <= set(lines), lines


def test_a_published_port_is_shown_at_an_address_that_serves(docker, herd):
    name = started(docker, herd, "sh", "-c",
                   "mkdir /w; echo served > /w/index.html; exec httpd -f -p 80 -h /w",
                   options=["-p", "80"])
    address = docker("port", name, "80").lines[0]
    where, _, number = address.rpartition(":")
    port = int(number)
    assert where == herd.hosts[0].address, "connectable as it is printed"
    assert f"{where}:{port}->80/tcp" in docker("ps", "--format", "{{.Ports}}").out
    reply = until(lambda: client.request(where, port, "GET", "/", timeout=5), 30)
    assert (reply.status, reply.text) == (200, "served\n")
    assert docker("port", name).lines == [f"80/tcp -> {address}"]


def test_a_port_published_at_one_address_is_left_as_it_is(docker, herd):
    name = started(docker, herd, options=["-p", "127.0.0.1:18080:80"])
    assert docker("port", name).lines == ["80/tcp -> 127.0.0.1:18080"]
    assert docker("ps", "--format", "{{.Ports}}").text == "127.0.0.1:18080->80/tcp"


# Events -------------------------------------------------------------------------------------------

SHORT = "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}"


def plain(lines):
    """Without the node in the names, should there be one."""
    return [re.sub(r"(\S+ \S+ )\S+/", r"\1", line) for line in lines]


def test_events_tell_the_life_of_a_container_as_it_happens(docker, herd):
    with docker.begin("events", "--filter", "type=container", "--format", SHORT) as events:
        time.sleep(1)  # The command says nothing when it has begun to listen.
        name = started(docker, herd)
        docker("kill", name)
        docker("rm", name)
        wanted = [f"container {action} {name}" for action in
                  ("create", "start", "kill", "die", "destroy")]
        until(lambda: [line for line in plain(events.lines) if line in wanted] == wanted, 60,
              what=f"{wanted}")


def test_events_of_the_past_are_told_once_and_in_order(docker, herd):
    begin = time.time()
    first = started(docker, herd, name="first")
    docker("run", "-d", *on(herd.hosts[2]), "--name", "second", "busybox", "true")
    docker("wait", "second")
    docker("rm", "-f", first)
    end = time.time() + 1
    time.sleep(1.5)
    past = docker("events", "--since", f"{begin:.6f}", "--until", f"{end:.6f}", "--filter",
                  "event=start", "--filter", "event=die", "--format", SHORT)
    lines = plain(past.lines)
    assert sorted(lines) == sorted(["container start first", "container start second",
                                    "container die second", "container die first"]), past
    assert lines == ["container start first", "container start second", "container die second",
                     "container die first"]
    stamps = [int(line) for line in docker(
        "events", "--since", f"{begin:.6f}", "--until", f"{end:.6f}", "--format",
        "{{.TimeNano}}").lines]
    assert stamps == sorted(stamps) and len(set(stamps)) > 4


@pytest.mark.parametrize("filters", [
    ["container=wanted"], ["container=host1/wanted"], ["label=kind=wanted"],
    ["type=container", "label=kind"]])
def test_events_are_filtered_as_asked(docker, herd, filters):
    arguments = [part for each in filters for part in ("--filter", each)]
    with docker.begin("events", *arguments, "--format", SHORT) as events:
        time.sleep(1)
        started(docker, herd, name="unwanted")
        started(docker, herd, name="wanted",
                options=["--network", "none", "--label", "kind=wanted"])
        until(lambda: "container start wanted" in plain(events.lines), 60)
        throughout(lambda: "unwanted" not in events.out, 0.5)
        assert all(line.endswith(" wanted") for line in plain(events.lines)), events.lines


def test_an_event_tells_its_node(docker, herd):
    begin = time.time()
    for index, host in enumerate(herd.hosts):
        docker("run", "--rm", *on(host), "--name", f"on{index}", "busybox", "true")
    text = docker("events", "--since", f"{begin:.6f}", "--until", f"{time.time() + 1:.6f}",
                  "--filter", "event=start", "--format", "{{json .}}").lines
    attributes = [json.loads(line)["Actor"]["Attributes"] for line in text]
    told = {each["name"].split("/")[-1]: each["node.name"] for each in attributes}
    assert told == {f"on{index}": host.name for index, host in enumerate(herd.hosts)}
