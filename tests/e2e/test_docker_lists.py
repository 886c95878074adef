"""The docker command's lists and descriptions of the herd: ps, inspect, info, version, df, prune."""

import json
import re
import time

import pytest

from docker_cli import on
from herdlab import until


def run_each(docker, herd, *options, command=("sleep", "3600"), apart=False):
    """A container on each host, one after the other: c1, c2, c3; returns their ids. Those apart are
    made in different seconds of the clock."""
    ids = []
    for number, host in enumerate(herd.hosts, start=1):
        if apart and ids:
            time.sleep(1 - time.time() % 1)
        ids.append(docker("run", "-d", *on(host), "--network", "none", "--name", f"c{number}",
                          "--label", f"number={number}", *options, "busybox", *command).text)
    return ids


def names(outcome):
    return [line.split("/")[-1] for line in outcome.lines]


def ps(docker, *arguments):
    """The plain names that ps lists."""
    return names(docker("ps", *arguments, "--format", "{{.Names}}"))


# ps -----------------------------------------------------------------------------------------------

def test_ps_lists_all_hosts_newest_first(docker, herd):
    ids = run_each(docker, herd, apart=True)
    assert docker("ps", "-q", "--no-trunc").lines == ids[::-1]
    assert ps(docker) == ["c3", "c2", "c1"]
    assert docker("ps", "-q").lines == [each[:12] for each in ids[::-1]]
    for agent in herd.agents:
        assert docker.asking(agent)("ps", "-q", "--no-trunc").lines == ids[::-1]


def test_the_order_is_right_within_a_second_too(one_docker, herd):
    for _ in range(3):
        ids = run_each(one_docker, herd)
        assert one_docker("ps", "-q", "--no-trunc").lines == ids[::-1]
        assert one_docker("ps", "-lq", "--no-trunc").lines == ids[-1:]
        assert ps(one_docker, "--filter", "before=c2") == ["c1"]
        one_docker("rm", "-f", *ids)


def test_what_a_command_has_done_is_in_the_next_list(docker, herd):
    for _ in range(5):
        identity = docker("run", "-d", *on(herd.hosts[0]), "busybox", "sleep", "3600").text
        assert docker("ps", "-q", "--no-trunc").lines == [identity]
        docker("kill", identity)
        assert docker("ps", "-q").lines == []
        docker("rm", identity)
        assert docker("ps", "-aq").lines == []


def test_ps_shows_ended_ones_only_when_asked(docker, herd):
    run_each(docker, herd, apart=True)
    docker("kill", "c2")
    assert ps(docker) == ["c3", "c1"]
    assert ps(docker, "-a") == ["c3", "c2", "c1"]
    assert re.match(r"Exited \(137\) ", docker(
        "ps", "-a", "--filter", "name=c2", "--format", "{{.Status}}").text)


def test_last_and_latest_are_those_of_the_whole_herd(docker, herd):
    run_each(docker, herd, apart=True)
    docker("kill", "c3")
    assert ps(docker, "-n", "2") == ["c3", "c2"]
    assert ps(docker, "-l") == ["c3"]
    assert ps(docker, "-n", "2", "--filter", "status=running") == ["c2", "c1"]
    assert ps(docker, "-n", "100") == ["c3", "c2", "c1"]


@pytest.mark.parametrize("filters, expected", [
    (["status=running"], ["c3", "c1"]),
    (["status=exited"], ["c2"]),
    (["status=running", "status=exited"], ["c3", "c2", "c1"]),
    (["exited=137"], ["c2"]),
    (["exited=0"], []),
    (["label=number"], ["c3", "c2", "c1"]),
    (["label=number=3"], ["c3"]),
    (["label=number=3", "label=number=1"], []),
    (["label=none"], []),
    (["name=c"], ["c3", "c2", "c1"]),
    (["name=c1", "name=c2"], ["c2", "c1"]),
    (["name=^/c1$"], ["c1"]),
    (["name=^c[12]$"], ["c2", "c1"]),
    (["ancestor=busybox"], ["c3", "c2", "c1"]),
    (["ancestor=busybox:latest", "name=c3"], ["c3"]),
    (["ancestor=nothing"], []),
    (["before=c2"], ["c1"]),
    (["since=c2"], ["c3"]),
    (["since=c1", "status=running"], ["c3"]),
    (["network=none"], ["c3", "c2", "c1"]),
    (["network=bridge"], []),
    (["volume=/data"], ["c3", "c2", "c1"]),
    (["volume=/else"], []),
    (["health=none"], ["c3", "c2", "c1"]),
    (["is-task=false"], ["c3", "c2", "c1"]),
])
def test_ps_filters_over_the_whole_herd(one_docker, herd, filters, expected):
    timed = any(each.startswith(("before", "since")) for each in filters)
    run_each(one_docker, herd, "-v", "/data", apart=timed)
    one_docker("kill", "c2")
    arguments = [part for each in filters for part in ("--filter", each)]
    assert sorted(ps(one_docker, "-a", *arguments), reverse=True) == expected


@pytest.mark.parametrize("filters, expected", [
    (["name=host2/c2"], ["c2"]),
    (["name=/host2/c2"], ["c2"]),
    (["name=^/host2/c2$"], ["c2"]),
    (["name=host2/c3"], []),
    (["name=host2/2"], []),
    (["name=host1/c", "name=c3"], ["c3", "c1"]),
    (["name=host1/c1", "name=host3/c3"], ["c3", "c1"]),
    (["name=host1/c1", "node=host2"], []),
    (["name=host9/c1"], []),
    (["label=dockherd.node=host3"], ["c3"]),
    (["label=dockherd.node=host3", "label=number"], ["c3"]),
    (["label=dockherd.node=host3", "label=dockherd.node=host1"], []),
    (["label=dockherd.node"], ["c3", "c2", "c1"]),
])
def test_ps_filters_by_what_it_shows(one_docker, herd, filters, expected):
    run_each(one_docker, herd)
    arguments = [part for each in filters for part in ("--filter", each)]
    assert sorted(ps(one_docker, *arguments), reverse=True) == expected


def test_ps_filters_by_id_publish_and_expose(one_docker, herd):
    for number, host in enumerate(herd.hosts[:2], start=1):
        one_docker("run", "-d", *on(host), "--name", f"p{number}", "-p", f"1808{number}:80",
                   "--expose", f"900{number}", "busybox", "sleep", "3600")
    identity = one_docker("inspect", "-f", "{{.Id}}", "p1").text
    assert ps(one_docker, "--filter", f"id={identity}") == ["p1"]
    assert ps(one_docker, "--filter", f"id={identity[:8]}") == ["p1"]
    assert ps(one_docker, "--filter", "publish=18082") == ["p2"]
    assert set(ps(one_docker, "--filter", "publish=18080-18089/tcp")) == {"p2", "p1"}
    assert ps(one_docker, "--filter", "publish=80") == []
    assert ps(one_docker, "--filter", "expose=9002") == ["p2"]
    assert set(ps(one_docker, "--filter", "expose=9001-9002/tcp")) == {"p2", "p1"}


@pytest.mark.parametrize("arguments, error", [
    (["--filter", "colour=red"], "nvalid filter 'colour'"),
    (["--filter", "status=hurried"], "nvalid"),
    (["--filter", "exited=x"], "nvalid"),
    (["--filter", "before=nobody"], "o such container"),
])
def test_ps_refuses_bad_filters_as_docker_does(one_docker, arguments, error):
    ended = one_docker("ps", *arguments, check=False)
    assert ended.code == 1 and error in ended.err, ended


def test_ps_size_is_measured(one_docker, herd):
    run_each(one_docker, herd, command=("sh", "-c", "head -c 4000000 /dev/zero > /f; sleep 3600"))
    until(lambda: all(line.startswith("4MB (virtual ") for line in one_docker(
        "ps", "-s", "--format", "{{.Size}}").lines), 60)
    assert len(one_docker("ps", "--size", "-q").lines) == 3


def test_names_and_labels_tell_the_node(docker, herd):
    run_each(docker, herd, apart=True)
    assert docker("ps", "--format", "{{.Names}} {{.Label \"dockherd.node\"}}").lines == [
        f"{host.name}/c{number} {host.name}"
        for number, host in reversed(list(enumerate(herd.hosts, start=1)))]
    assert ps(docker, "--filter", "node=host2") == ["c2"]
    assert ps(docker, "--filter", "node=host1", "--filter", "node=host3") == ["c3", "c1"]
    assert ps(docker, "--filter", "node=nowhere") == []
    assert docker("kill", "host3/c3").code == 0
    assert ps(docker) == ["c2", "c1"]


# inspect ------------------------------------------------------------------------------------------

def test_inspect_finds_by_name_node_and_name_id_and_prefix(docker, herd):
    ids = run_each(docker, herd)
    for wanted in ("c1", "host1/c1", "/host1/c1", "/c1", ids[0], ids[0][:12]):
        assert docker("inspect", "-f", "{{.Id}}", wanted).text == ids[0], wanted
    docker("rename", "c3", "third")  # Unlike c1 it cannot be the beginning of an id, too.
    for wrong in ("host2/third", "nothing", "nowhere/third", ids[0][:12] + "zz"):
        ended = docker("inspect", wrong, check=False)
        assert ended.code == 1 and f"No such object: {wrong}" in ended.err, ended
    several = docker("inspect", "-f", "{{.Name}}", "third", "c2")
    assert names(several) == ["third", "c2"]


def test_a_prefix_of_several_is_docker_s_error(one_docker, herd):
    ids = {}
    for _ in range(20):  # With sixteen digits the seventeenth has to share its first.
        identity = one_docker("create", "busybox").text
        if identity[0] in ids:
            break
        ids[identity[0]] = identity
    ended = one_docker("container", "inspect", identity[0], check=False)
    assert ended.code == 1
    assert re.search(r"[Mm]ultiple IDs found with provided prefix: " + identity[0], ended.err)


def test_inspect_describes_the_node(docker, herd):
    run_each(docker, herd)
    for number, host in enumerate(herd.hosts, start=1):
        node = json.loads(docker("inspect", "-f", "{{json .Node}}", f"c{number}").text)
        assert set(node) >= {"ID", "Name", "IP", "Addr", "Cpus", "Memory", "Labels"}
        assert (node["Name"], node["IP"]) == (host.name, host.address)
        assert node["Addr"].startswith(f"{host.address}:")
        said = json.loads(host.docker("info", "--format", "{{json .}}"))
        assert (node["Cpus"], node["Memory"]) == (said["NCPU"], said["MemTotal"])
        assert isinstance(node["Labels"], dict)


def test_inspect_has_all_that_the_daemon_says(docker, herd):
    run_each(docker, herd)
    ours = json.loads(docker("inspect", "c1").out)[0]
    theirs = json.loads(herd.hosts[0].docker("inspect", "c1"))[0]
    ours.pop("Node", None)
    assert ours.keys() == theirs.keys()
    assert ours["Config"] == theirs["Config"] and ours["HostConfig"] == theirs["HostConfig"]


def test_inspect_with_a_format_and_a_size(docker, herd):
    run_each(docker, herd)
    assert docker("inspect", "-f", "{{.State.Status}} {{index .Config.Labels \"number\"}}",
                  "c2").text == "running 2"
    assert int(docker("inspect", "-s", "-f", "{{.SizeRootFs}}", "c2").text) > 0
    ended = docker("inspect", "-f", "{{.NoSuch}}", "c2", check=False)
    assert ended.code != 0 and "emplate" in ended.err


# info, version, df and prune ----------------------------------------------------------------------

def test_info_describes_every_node(docker, herd):
    run_each(docker, herd)
    docker("pause", "c2")
    docker("kill", "c3")
    text = until(lambda: docker("info").out if re.search(
        r"Containers: 3\n\s*Running: 1\n\s*Paused: 1\n\s*Stopped: 1", docker("info").out) else None,
        60, what="the sums")
    assert re.search(r"Nodes: 3\b", text)
    for host, counts in zip(herd.hosts, ("1 (1 Running, 0 Paused, 0 Stopped)",
                                         "1 (0 Running, 1 Paused, 0 Stopped)",
                                         "1 (0 Running, 0 Paused, 1 Stopped)")):
        part = text[re.search(rf"^\s+{host.name}: {re.escape(host.address)}:\d+", text,
                              re.MULTILINE).start():]
        for line in ("└ ID: ", "└ Status: Healthy", f"└ Containers: {counts}",
                     "└ Reserved CPUs: 0 / ", "└ Reserved Memory: 0 B / ", "└ Labels: ",
                     "└ ServerVersion: 20.10"):
            assert line in part, (line, text)


def test_info_sums_the_herd(one_docker, herd):
    told = json.loads(one_docker("info", "--format", "{{json .}}").out)
    each = [json.loads(host.docker("info", "--format", "{{json .}}")) for host in herd.hosts]
    for key in ("NCPU", "MemTotal"):
        assert told[key] == sum(info[key] for info in each), key
    assert told["Images"] >= 1 and told["OSType"] == "linux"
    assert told["Swarm"]["LocalNodeState"] == "inactive"


def test_version_is_what_all_daemons_speak(docker):
    told = json.loads(docker("version", "--format", "{{json .Server}}").out)
    assert told["ApiVersion"] == "1.41" and told["MinAPIVersion"] in ("1.12", "1.24")
    assert "Server:" in docker("version").out
    assert docker("version", "--format", "{{.Client.APIVersion}}").text == "1.41"


def test_system_df_counts_all_hosts(docker, herd):
    run_each(docker, herd, "-v", "/data")
    text = docker("system", "df").out
    assert re.search(r"^Containers +3 +3 ", text, re.MULTILINE), text
    assert re.search(r"^Local Volumes +3 +3 ", text, re.MULTILINE), text
    assert re.search(r"^Images +[1-3] +[1-3] ", text, re.MULTILINE), text
    verbose = docker("system", "df", "-v").out
    assert all(re.search(rf"\bc{number}$", verbose, re.MULTILINE) for number in (1, 2, 3)), verbose


def test_container_prune_removes_ended_ones_everywhere(docker, herd):
    ids = run_each(docker, herd)
    docker("kill", "c1", "c3")
    text = docker("container", "prune", "-f").out
    assert ids[0] in text and ids[2] in text and ids[1] not in text
    assert "Total reclaimed space: " in text
    assert [host.docker("ps", "-aq", "--no-trunc").split() for host in herd.hosts] == [
        [], [ids[1]], []]
    assert "Total reclaimed space: 0B" in docker("container", "prune", "-f").out


def test_container_prune_heeds_filters(docker, herd):
    run_each(docker, herd, command=("true",))
    docker("wait", "c1", "c2", "c3")
    docker("container", "prune", "-f", "--filter", "label=number=2")
    assert set(ps(docker, "-a")) == {"c3", "c1"}
    docker("container", "prune", "-f", "--filter", "label!=number=1")
    assert ps(docker, "-a") == ["c1"]


def test_system_prune_takes_what_nobody_uses(docker, herd):
    run_each(docker, herd, command=("true",))
    docker("network", "create", "spare")
    docker("volume", "create", "sparevolume")
    docker("wait", "c1", "c2", "c3")
    text = docker("system", "prune", "-f", "--volumes").out
    assert "Deleted Containers" in text and "spare" in text, text
    for host in herd.hosts:
        assert host.docker("ps", "-aq") == ""
        assert "spare" not in host.docker("network", "ls", "--format", "{{.Name}}")
        assert host.docker("volume", "ls", "-q") == ""
