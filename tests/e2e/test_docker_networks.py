"""Networks and volumes by the docker command: on every host under one name, listed once."""

import json

import pytest

from docker_cli import on
from herdlab import until


def everywhere(herd, *arguments):
    """What each daemon says to a docker command, as sets of lines."""
    return [set(host.docker(*arguments).split("\n")) for host in herd.hosts]


def network_names(docker, *filters):
    arguments = [part for each in filters for part in ("--filter", each)]
    return docker("network", "ls", *arguments, "--format", "{{.Name}}").lines


def volume_names(docker, *filters):
    arguments = [part for each in filters for part in ("--filter", each)]
    return docker("volume", "ls", *arguments, "-q").lines


# Networks -----------------------------------------------------------------------------------------

def test_a_network_is_made_on_every_host_and_listed_once(docker, herd):
    identity = docker("network", "create", "--label", "kind=test", "--subnet", "172.31.5.0/24",
                      "front").text
    assert len(identity) == 64
    for host in herd.hosts:
        told = json.loads(host.docker("network", "inspect", "front"))[0]
        assert told["Driver"] == "bridge" and told["Labels"]["kind"] == "test"
        assert told["IPAM"]["Config"][0]["Subnet"] == "172.31.5.0/24"
    assert network_names(docker) == ["bridge", "front", "host", "none"]
    assert network_names(docker, "label=kind=test") == ["front"]
    assert network_names(docker, "type=custom") == ["front"]
    assert network_names(docker, "driver=host") == ["host"]
    assert network_names(docker, "name=fro") == ["front"]
    assert network_names(docker, f"id={identity[:20]}") == ["front"]
    assert docker("network", "rm", "front").out == "front\n"
    assert all("front" not in names for names in
               everywhere(herd, "network", "ls", "--format", "{{.Name}}"))
    assert network_names(docker) == ["bridge", "host", "none"]


def test_a_network_is_found_by_name_id_and_prefix(docker):
    identity = docker("network", "create", "front").text
    for wanted in ("front", identity, identity[:12]):
        assert docker("network", "inspect", "-f", "{{.Name}}", wanted).text == "front"
    assert docker("network", "inspect", "-f", "{{.Id}}", "front").text == identity
    ended = docker("network", "inspect", "absent", check=False)
    assert ended.code == 1 and "absent" in ended.err
    assert docker("network", "rm", identity[:12]).code == 0
    assert network_names(docker) == ["bridge", "host", "none"]


def test_a_network_of_one_host_is_found_too(docker, herd):
    identity = herd.hosts[0].docker("network", "create", "local")
    assert "local" in until(lambda: network_names(docker), 30)
    assert docker("network", "inspect", "-f", "{{.Name}}", identity[:12]).text == "local"
    docker("run", "-d", *on(herd.hosts[0]), "--network", "local", "--name", "in", "busybox",
           "sleep", "3600")
    assert docker("network", "inspect", "-f", "{{len .Containers}}", "local").text == "1"


def test_a_second_network_of_that_name_is_a_conflict(docker):
    docker("network", "create", "front")
    ended = docker("network", "create", "front", check=False)
    assert ended.code == 1 and "network with name front already exists" in ended.err
    assert network_names(docker, "name=front") == ["front"]


def test_a_network_that_one_host_refuses_is_made_on_none(docker, herd):
    herd.hosts[2].docker("network", "create", "--subnet", "172.31.9.0/24", "in-the-way")
    ended = docker("network", "create", "--subnet", "172.31.9.0/24", "front", check=False)
    assert ended.code == 1 and "overlaps" in ended.err, ended
    assert all("front" not in names for names in
               everywhere(herd, "network", "ls", "--format", "{{.Name}}"))


def test_inspect_of_a_network_shows_the_containers_of_all_hosts(docker, herd):
    docker("network", "create", "front")
    ids = [docker("run", "-d", *on(host), "--network", "front", "--name", f"c{number}", "busybox",
                  "sleep", "3600").text for number, host in enumerate(herd.hosts, start=1)]
    told = json.loads(docker("network", "inspect", "front").out)[0]
    assert set(told["Containers"]) == set(ids)
    assert {each["Name"].split("/")[-1] for each in told["Containers"].values()} == {
        "c1", "c2", "c3"}
    ended = docker("network", "rm", "front", check=False)
    assert ended.code == 1 and "has active endpoints" in ended.err
    assert all("front" in names for names in
               everywhere(herd, "network", "ls", "--format", "{{.Name}}")), "on all hosts or none"


def test_connect_and_disconnect_act_where_the_container_is(docker, herd):
    docker("network", "create", "front")
    docker("run", "-d", *on(herd.hosts[0]), "--name", "web", "busybox", "sleep", "3600")
    docker("network", "connect", "--alias", "www", "front", "web")
    told = json.loads(herd.hosts[0].docker("inspect", "web"))[0]["NetworkSettings"]["Networks"]
    assert set(told) == {"bridge", "front"} and "www" in told["front"]["Aliases"]
    assert docker("ps", "-q", "--filter", "network=front").lines
    docker("network", "disconnect", "front", "web")
    told = json.loads(herd.hosts[0].docker("inspect", "web"))[0]["NetworkSettings"]["Networks"]
    assert set(told) == {"bridge"}
    for arguments, error in ((("front", "nobody"), "No such container: nobody"),
                             (("absent", "web"), "absent not found")):
        ended = docker("network", "connect", *arguments, check=False)
        assert ended.code == 1 and error in ended.err, ended


def test_a_network_has_one_id_whichever_host_a_container_is_on(one_docker, herd):
    """Compose v2 makes containers anew that are on another network than the one that it looked up."""
    created = one_docker("network", "create", "net").text
    for index, host in enumerate(herd.hosts):
        one_docker("run", "-d", *on(host), "--network", "net", "--name", f"c{index}", "busybox",
                   "sleep", "3600")
    assert one_docker("network", "inspect", "-f", "{{.Id}}", "net").text == created
    assert one_docker("network", "ls", "-q", "--no-trunc", "-f", "name=net").text == created
    assert one_docker("network", "ls", "--format", "{{.Name}}", "-f", f"id={created[:12]}").text == "net"
    for agent in herd.agents:
        listed = agent.get("/containers/json").json
        assert {entry["NetworkSettings"]["Networks"]["net"]["NetworkID"] for entry in listed} == {created}
    assert one_docker("inspect", "-f", "{{.NetworkSettings.Networks.net.NetworkID}}", "c0", "c1",
                      "c2").lines == [created] * 3
    # It is as good as the name.
    one_docker("run", "-d", "--network", created, "--name", "by-id", "busybox", "sleep", "3600")
    one_docker("network", "disconnect", created[:12], "by-id")
    one_docker("network", "connect", created, "by-id")
    one_docker("rm", "-f", "c0", "c1", "c2", "by-id")
    one_docker("network", "rm", created[:12])
    assert one_docker("network", "ls", "-q", "-f", "name=net").text == ""


def test_containers_of_a_network_find_each_other_by_name(docker, herd):
    docker("network", "create", "front")
    docker("run", "-d", *on(herd.hosts[0]), "--network", "front", "--name", "web", "busybox",
           "sh", "-c", "mkdir /w; echo found > /w/index.html; exec httpd -f -p 80 -h /w")
    fetch = ("run", "--rm", *on(herd.hosts[0]), "--network", "front", "busybox", "wget", "-qO-",
             "http://web/")
    until(lambda: docker(*fetch, check=False).out == "found\n", 60)


def test_network_prune_removes_unused_ones_everywhere(docker, herd):
    docker("network", "create", "used")
    docker("network", "create", "unused")
    docker("network", "create", "--label", "keep=yes", "kept")
    docker("run", "-d", *on(herd.hosts[0]), "--network", "used", "busybox", "sleep", "3600")
    ended = docker("network", "prune", "-f", "--filter", "label!=keep=yes")
    assert ended.out.count("unused") == 1 and "kept" not in ended.out
    left = everywhere(herd, "network", "ls", "--format", "{{.Name}}")
    assert all("unused" not in names and "kept" in names for names in left)
    assert all("used" in names for names in left), "in use somewhere: it stays where it may be needed"
    assert set(network_names(docker)) == {"bridge", "host", "none", "kept", "used"}


@pytest.mark.parametrize("arguments, error", [
    (("create", "--driver", "absent", "n"), "absent"),
    (("create", "--subnet", "no-subnet", "n"), "nvalid"),
    (("create", "bridge"), "bridge"),
    (("rm", "bridge"), "bridge"),
    (("rm", "nothing"), "nothing"),
])
def test_what_networks_cannot_be_is_an_error_and_changes_nothing(one_docker, herd, arguments, error):
    before = everywhere(herd, "network", "ls", "--format", "{{.Name}}")
    ended = one_docker("network", *arguments, check=False)
    assert ended.code == 1 and error in ended.err, ended
    assert everywhere(herd, "network", "ls", "--format", "{{.Name}}") == before


# Volumes ------------------------------------------------------------------------------------------

def test_a_volume_is_made_on_every_host_and_listed_once(docker, herd):
    assert docker("volume", "create", "--label", "kind=test", "data").text == "data"
    for host in herd.hosts:
        told = json.loads(host.docker("volume", "inspect", "data"))[0]
        assert told["Driver"] == "local" and told["Labels"]["kind"] == "test"
    assert volume_names(docker) == ["data"]
    assert volume_names(docker, "label=kind") == ["data"]
    assert volume_names(docker, "label=kind=other") == []
    assert volume_names(docker, "driver=local") == ["data"]
    assert volume_names(docker, "dangling=true") == ["data"]
    assert docker("volume", "inspect", "-f", "{{.Name}} {{.Driver}}", "data").text == "data local"
    assert docker("volume", "create", "data").text == "data", "making it again changes nothing"
    assert docker("volume", "rm", "data").text == "data"
    assert everywhere(herd, "volume", "ls", "-q") == [{""}] * len(herd.hosts)
    ended = docker("volume", "rm", "data", check=False)
    assert ended.code == 1 and "data" in ended.err and "o such volume" in ended.err


def test_a_volume_without_a_name_gets_one_for_all_hosts(docker, herd):
    name = docker("volume", "create").text
    assert len(name) == 64
    assert volume_names(docker) == [name]
    assert all(name in names for names in everywhere(herd, "volume", "ls", "-q"))


def test_a_volume_in_use_stays(docker, herd):
    docker("volume", "create", "data")
    docker("run", "-d", *on(herd.hosts[0]), "-v", "data:/d", "--name", "user", "busybox", "sleep",
           "3600")
    ended = docker("volume", "rm", "data", check=False)
    assert ended.code == 1 and "volume is in use" in ended.err
    assert all("data" in names for names in everywhere(herd, "volume", "ls", "-q"))
    assert volume_names(docker, "dangling=true") == []
    docker("rm", "-f", "user")
    docker("volume", "rm", "data")


def test_volume_prune_removes_unused_ones_everywhere(docker, herd):
    docker("volume", "create", "unused")
    docker("volume", "create", "used")
    docker("run", "-d", *on(herd.hosts[0]), "-v", "used:/d", "busybox", "sleep", "3600")
    ended = docker("volume", "prune", "-f")
    assert ended.out.count("unused") == 1 and "Total reclaimed space" in ended.out
    assert volume_names(docker) == ["used"]
    assert everywhere(herd, "volume", "ls", "-q")[0] == {"used"}


def test_a_volume_in_use_on_one_host_is_pruned_on_none(docker, herd):
    docker("volume", "create", "data")
    docker("volume", "create", "unused")
    docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "mounted")
    docker("run", "-d", *on(herd.hosts[0]), "-v", "data:/d", "busybox", "sleep", "3600")
    docker("volume", "prune", "-f", "--filter", "label!=keep")
    # A daemon does not prune what is mounted from elsewhere.
    assert everywhere(herd, "volume", "ls", "-q") == [{"data", "mounted"}] * len(herd.hosts)


def test_what_a_volume_holds_survives_its_container(docker, herd):
    docker("run", "--rm", *on(herd.hosts[0]), "-v", "data:/d", "busybox", "sh", "-c",
           "echo kept > /d/f")
    ended = docker("run", "--rm", *on(herd.hosts[0]), "-v", "data:/d", "busybox", "cat", "/d/f")
    assert ended.out == "kept\n"
