"""Which host a container of docker create and run goes to, and what is said when none fits."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from docker_cli import Cli, on
from herd import Herd
from herdlab import Lab, until

COMMAND = ("busybox", "sleep", "3600")


@pytest.fixture(scope="module")
def labelled():
    """Hosts whose daemons have labels, and the second a runtime besides."""
    with Lab() as lab:
        for labels in (["storage=ssd", "containerslots=2"], ["storage=disk", "region=north-1"], []):
            lab.dockerd_flags = [part for each in labels for part in ("--label", each)]
            if "storage=disk" in labels:
                lab.dockerd_flags += ["--add-runtime", "other=runc"]
            lab.up(1)
        herd = Herd(lab, lab.hosts)
        herd.repair()
        yield herd
        assert [agent.stop() for agent in herd.agents] == [0] * 3


@pytest.fixture
def labelled_docker(labelled, tmp_path):
    labelled.empty()
    labelled.strip()
    return Cli(labelled[1], tmp_path)


def where(herd, name):
    """The names of the hosts that have this container, as their daemons say."""
    return [host.name for host in herd.hosts
            if name in host.docker("ps", "-a", "--format", "{{.Names}}").split("\n")]


def create(docker, *arguments, name="new", check=True):
    return docker("create", "--name", name, *arguments, *COMMAND, check=check)


def occupied(docker, herd, index, name="there"):
    """A running container on this host."""
    docker("run", "-d", *on(herd.hosts[index]), "--name", name, "-v", "/shared", *COMMAND)
    return name


def names_all(herd, text):
    return all(f"{host.name}: " in text for host in herd.hosts)


# Spreading and names ------------------------------------------------------------------------------

def test_containers_are_spread_over_the_hosts(one_docker, herd):
    for number in range(9):
        one_docker.asking(herd[number % 3])("run", "-d", "--network", "none", *COMMAND)
    assert herd.counts() == [3, 3, 3]


def test_creates_at_once_on_several_nodes_are_spread_too(one_docker, herd):
    body = json.dumps({"Image": "busybox", "Cmd": ["sleep", "3600"]})
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(
            lambda number: herd[number % 3].request("POST", "/containers/create", body,
                                                    {"Content-Type": "application/json"}), range(12)))
    assert [reply.status for reply in replies] == [201] * 12, replies
    counts = herd.counts()
    assert sum(counts) == 12 and max(counts) - min(counts) <= 1, counts
    assert len(one_docker("ps", "-aq").lines) == 12


def test_a_host_out_of_the_pool_gets_none(breakable_herd, tmp_path):
    herd = breakable_herd
    docker = Cli(herd[0], tmp_path)
    assert herd[0].verb("unregister", hostname="host1").status == 200
    for number in range(4):
        docker("create", *COMMAND)
    assert herd.counts() == [0, 2, 2]
    ended = create(docker, *on(herd.hosts[0]), check=False)
    assert ended.code == 1 and "host1: out of the pool" in ended.err, ended


def test_a_name_is_unique_in_the_whole_herd(docker, herd):
    identity = create(docker, *on(herd.hosts[0]), name="web").text
    for index in (0, 1, 2):
        ended = create(docker.asking(herd[index]), *on(herd.hosts[2]), name="web", check=False)
        assert ended.code == 1, ended
        assert (f'Conflict. The container name "/web" is already in use by container "{identity}". '
                "You have to remove (or rename) that container to be able to reuse that name."
                ) in ended.err
    assert where(herd, "web") == ["host1"]
    create(docker, *on(herd.hosts[1]), name="other")
    renamed = docker("rename", "other", "web", check=False)
    assert renamed.code == 1 and 'name "/web" is already in use' in renamed.err
    docker("rm", "web")
    create(docker, *on(herd.hosts[2]), name="web")
    assert where(herd, "web") == ["host3"]


def test_of_two_creates_of_one_name_at_once_exactly_one_wins(one_docker, herd):
    def attempt(index, name, host):
        body = {"Image": "busybox", "Cmd": ["true"], "Env": [f"constraint:node=={host.name}"]}
        return herd[index].request("POST", f"/v1.41/containers/create?name={name}", json.dumps(body),
                                   {"Content-Type": "application/json"})

    with ThreadPoolExecutor(2) as pool:
        for number in range(20):
            name = f"wanted{number}"
            # By different nodes, for different hosts, neither of them the asked one's.
            both = [pool.submit(attempt, 0, name, herd.hosts[1 + number % 2]),
                    pool.submit(attempt, 1 + number % 2, name, herd.hosts[0])]
            replies = sorted((each.result() for each in both), key=lambda reply: reply.status)
            assert [reply.status for reply in replies] == [201, 409], replies
            assert f'Conflict. The container name "/{name}"' in replies[1].json["message"]
            assert len(where(herd, name)) == 1
    assert len(one_docker("ps", "-aq").lines) == 20


def test_the_name_of_a_failed_create_is_free(one_docker, herd):
    failed = one_docker("create", "--name", "web", "--memory", "1k", *COMMAND, check=False)
    assert failed.code == 1 and where(herd, "web") == []
    create(one_docker.asking(herd[2]), name="web")


# Constraints --------------------------------------------------------------------------------------

@pytest.mark.parametrize("rule, hosts", [
    ("constraint:node==host2", {"host2"}),
    ("constraint:node!=host1", {"host2", "host3"}),
    ("constraint:node==host*", {"host1", "host2", "host3"}),
    ("constraint:node!=host[12]", {"host1", "host2", "host3"}),
    ("constraint:node==/host[12]/", {"host1", "host2"}),
    ("constraint:node!=/host[12]/", {"host3"}),
    ("constraint:storage==ssd", {"host1"}),
    ("constraint:storage!=ssd", {"host2", "host3"}),
    ("constraint:storage==*d*", {"host1", "host2"}),
    ("constraint:region==/north-\\d/", {"host2"}),
    ("constraint:region==/NORTH.*/", set()),
    ("constraint:region==/NORTH.*/i", {"host2"}),
    ("constraint:region==/(?i)NORTH.*/", {"host2"}),
    ("constraint:node==nowhere", set()),
    ("constraint:node==~nowhere", {"host1", "host2", "host3"}),
    ("constraint:node==~host3", {"host3"}),
    ("constraint:storage!=~disk", {"host1", "host3"}),
    ("constraint:ostype==linux", {"host1", "host2", "host3"}),
    ("constraint:ostype==windows", set()),
    ("whitelist:node==host1|host3", {"host1", "host3"}),
])
def test_rules_choose_among_the_hosts(labelled_docker, labelled, rule, hosts):
    for form in ("-e", "--label"):
        ended = create(labelled_docker, form, rule, check=False)
        if not hosts:
            assert ended.code == 1 and names_all(labelled, ended.err), ended
            assert where(labelled, "new") == []
            continue
        assert ended.code == 0, ended
        assert set(where(labelled, "new")) <= hosts
        told = json.loads(labelled_docker("inspect", "new").out)[0]["Config"]
        assert not [each for each in told["Env"] or [] if "constraint:" in each or "whitelist:" in each]
        # As many as there can be are on those hosts only.
        for number in range(len(hosts) - 1):
            create(labelled_docker, form, rule, name=f"more{number}")
        counts = labelled.counts()
        assert {host.name for host, count in zip(labelled.hosts, counts) if count} == hosts
        labelled_docker("rm", "-f", *labelled_docker("ps", "-aq").lines)


def test_several_rules_hold_together(labelled_docker, labelled):
    create(labelled_docker, "-e", "constraint:node!=host1", "-e", "constraint:storage!=disk")
    assert where(labelled, "new") == ["host3"]


@pytest.mark.parametrize("rule", ["constraint:node", "constraint:node=host1", "constraint:==x",
                                  "constraint:node==/[/", "affinity:container"])
def test_a_rule_that_is_not_understood_is_an_error_that_names_it(labelled_docker, labelled, rule):
    ended = create(labelled_docker, "-e", rule, check=False)
    assert ended.code == 1 and rule.partition(":")[2] in ended.err, ended
    assert labelled.counts() == [0, 0, 0]


def test_a_host_takes_no_more_than_its_containerslots(labelled_docker, labelled):
    for number in range(2):
        create(labelled_docker, "-e", "constraint:node==host1", name=f"slot{number}")
    ended = create(labelled_docker, "-e", "constraint:node==host1", check=False)
    assert ended.code == 1 and "containerslots" in ended.err and names_all(labelled, ended.err)
    for number in range(6):
        create(labelled_docker, name=f"more{number}")
    assert labelled.counts() == [2, 3, 3]
    labelled_docker("rm", "slot0")
    create(labelled_docker, "-e", "constraint:node==host1")


# Affinities and what belongs together -------------------------------------------------------------

def test_affinities_to_containers_by_name_id_and_label(one_docker, herd):
    occupied(one_docker, herd, 1)
    identity = one_docker("inspect", "-f", "{{.Id}}", "there").text
    for number, rule in enumerate(("container==there", "container==th*", f"container=={identity}",
                                   "container==/t.*e$/")):
        create(one_docker, "-e", f"affinity:{rule}", name=f"with{number}")
        assert where(herd, f"with{number}") == ["host2"], rule
    for number in range(4):
        create(one_docker, "-e", "affinity:container!=there", name=f"apart{number}")
        assert where(herd, f"apart{number}") != ["host2"]
    create(one_docker, *on(herd.hosts[0]), "--label", "tier=front", name="labelled")
    create(one_docker, "--label", "affinity:tier==front", name="near")
    assert where(herd, "near") == ["host1"]
    ended = create(one_docker, "-e", "affinity:container==nobody", check=False)
    assert ended.code == 1 and names_all(herd, ended.err), ended
    create(one_docker, "-e", "affinity:container==~nobody", name="soft")


def test_an_image_of_one_host_draws_containers_there(one_docker, herd):
    herd.hosts[2].docker("tag", "busybox", "lonely:v1")
    for number in range(3):
        one_docker("run", "-d", "--name", f"on{number}", "lonely:v1", "sleep", "3600")
        assert where(herd, f"on{number}") == ["host3"]
    create(one_docker, "-e", "affinity:image==lonely:v1")
    assert where(herd, "new") == ["host3"]
    create(one_docker, "-e", "affinity:image!=lonely:v1", name="else")
    assert where(herd, "else") != ["host3"]


def test_an_image_that_no_host_has_is_docker_s_404(one_docker):
    reply = one_docker.agent.request(
        "POST", "/containers/create", json.dumps({"Image": "absent:v1"}),
        {"Content-Type": "application/json"})
    assert reply.status == 404 and "No such image: absent:v1" in reply.json["message"], reply


@pytest.mark.parametrize("arguments", [
    ("--network", "container:there"), ("--volumes-from", "there"), ("--volumes-from", "there:ro"),
    ("--link", "there:alias"), ("--pid", "container:there"), ("--network", "container:host3/there")])
def test_what_needs_another_container_goes_to_its_host(one_docker, herd, arguments):
    occupied(one_docker, herd, 2)
    for number in range(2):
        one_docker("run", "-d", "--name", f"new{number}", *arguments, *COMMAND)
        assert where(herd, f"new{number}") == ["host3"]
    ended = create(one_docker, *on(herd.hosts[0]), *arguments, check=False)
    assert ended.code == 1 and "container there" in ended.err.replace("host3/", ""), ended


def test_what_shares_the_ipc_of_another_goes_to_its_host(one_docker, herd):
    one_docker("run", "-d", *on(herd.hosts[2]), "--name", "there", "--ipc", "shareable", *COMMAND)
    one_docker("run", "-d", "--name", "new", "--ipc", "container:there", *COMMAND)
    assert where(herd, "new") == ["host3"]


def test_what_needs_containers_of_two_hosts_is_an_error(one_docker, herd):
    occupied(one_docker, herd, 0, "one")
    occupied(one_docker, herd, 1, "two")
    ended = create(one_docker, "--volumes-from", "one", "--volumes-from", "two", check=False)
    assert ended.code == 1 and names_all(herd, ended.err), ended


def test_a_volume_of_one_host_draws_containers_there(one_docker, herd):
    herd.hosts[1].docker("volume", "create", "only")
    for number, form in enumerate(("-v", "--mount")):
        value = "only:/d" if form == "-v" else "type=volume,source=only,target=/d"
        create(one_docker, form, value, name=f"new{number}")
        assert where(herd, f"new{number}") == ["host2"]
    ended = create(one_docker, *on(herd.hosts[0]), "-v", "only:/d", check=False)
    assert ended.code == 1 and "volume only" in ended.err, ended
    one_docker("volume", "create", "everywhere")
    for number in range(3):
        create(one_docker, "-v", "everywhere:/d", name=f"free{number}")
    assert sum(host.docker("ps", "-aq", "--filter", "name=free") != "" for host in herd.hosts) > 1


def test_what_one_host_only_understands_goes_there(labelled, labelled_docker):
    create(labelled_docker, "--runtime", "other")
    assert where(labelled, "new") == ["host2"]
    ended = create(labelled_docker, "--runtime", "absent", name="never", check=False)
    assert ended.code == 1 and "host" not in ended.err, ended
    assert "nknown runtime specified absent" in ended.err


# What a host has to give --------------------------------------------------------------------------

def test_a_taken_port_sends_the_container_to_another_host(one_docker, herd):
    for number in range(3):
        one_docker("run", "-d", "--name", f"web{number}", "-p", "18090:80", *COMMAND)
    assert herd.counts() == [1, 1, 1]
    ended = one_docker("run", "-d", "-p", "18090:80", *COMMAND, check=False)
    assert ended.code == 125 and names_all(herd, ended.err) and "18090" in ended.err, ended
    assert one_docker("run", "-d", "-p", "18091:80", *COMMAND).code == 0
    assert one_docker("run", "-d", "-p", "18090:80/udp", *COMMAND).code == 0
    host = where(herd, "web1")
    one_docker("stop", "-t", "0", "web1")
    one_docker("run", "-d", "--name", "next", "-p", "18090:80", *COMMAND)
    assert where(herd, "next") == host


def test_a_port_taken_by_the_plain_docker_command_counts_as_well(one_docker, herd):
    for index in (0, 2):
        herd.hosts[index].docker("run", "-d", "-p", "18092:80", *COMMAND)
    until(lambda: len(one_docker("ps", "-q").lines) == 2, 30)
    one_docker("run", "-d", "--name", "new", "-p", "18092:80", *COMMAND)
    assert where(herd, "new") == ["host2"]


@pytest.mark.parametrize("resource", ["memory", "cpus"])
def test_a_host_promises_little_more_than_it_has(one_docker, herd, resource):
    told = json.loads(herd.hosts[0].docker("info", "--format", "{{json .}}"))
    memory, cpus = told["MemTotal"], told["NCPU"]

    def some(percent):
        return (["-m", str(memory * percent // 100)] if resource == "memory"
                else ["--cpus", f"{cpus * percent / 100:.3f}"])

    for number in range(3):
        create(one_docker, *some(60), name=f"half{number}")
    assert herd.counts() == [1, 1, 1]
    ended = create(one_docker, *some(46), check=False)
    assert ended.code == 1 and names_all(herd, ended.err), ended
    assert {"memory": "memory", "cpus": "CPU"}[resource] in ended.err, ended
    create(one_docker, *some(44), name="within")  # 104 %: five may be promised beyond.
    create(one_docker, name="promised-nothing")
    one_docker("rm", "-f", *[f"half{number}" for number in range(3)])
    create(one_docker, *some(90), name="again")


# What clients of other versions do -----------------------------------------------------------------

def post_create(agent, name, body, version="v1.41"):
    reply = agent.request("POST", f"/{version}/containers/create?name={name}",
                          json.dumps({"Image": "busybox", "Cmd": ["sleep", "3600"], **body}),
                          {"Content-Type": "application/json"})
    assert reply.status == 201, reply
    return reply.json["Id"]


def test_what_replaces_a_container_goes_to_its_host_and_gets_its_ports(one_docker, herd):
    """As compose v2 does: the new one is made while the old one still runs."""
    old = one_docker("run", "-d", "-p", "18081:80", "--name", "web", *COMMAND).text
    [host] = where(herd, "web")
    for index in range(3):  # Any other host has less to do.
        if herd.hosts[index].name != host:
            continue
        for number in range(3):
            occupied(one_docker, herd, index, name=f"more-{number}")
    new = post_create(herd[0], f"{old[:12]}_web", {
        "Labels": {"com.docker.compose.replace": "web"},
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "18081"}]}}})
    assert where(herd, f"{old[:12]}_web") == [host]
    one_docker("rm", "-f", "web")
    one_docker("rename", f"{old[:12]}_web", "web")
    one_docker("start", "web")
    assert one_docker("inspect", "-f", "{{.Id}} {{.State.Running}}", "web").text == f"{new} true"


@pytest.mark.parametrize("version, mode", [("v1.39", "shareable"), ("v1.41", "private")])
def test_a_create_means_what_it_means_in_the_client_s_api_version(herd, version, mode):
    container = post_create(herd[1], "new", {"HostConfig": {"NetworkMode": "none"}}, version)
    inspection = herd[0].get(f"/containers/{container}/json").json
    assert inspection["HostConfig"]["IpcMode"] == mode
